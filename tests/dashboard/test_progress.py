"""How far a run is: by its pairs where all are known, else by its limits or its plan, else nobody can tell."""

from datetime import timedelta
from typing import Any

import pytest

from spacetraders_lab.core.experiment import DesignName, RunStatus
from spacetraders_lab.dashboard.progress import Progress, is_open, planned_trades, progress_of, seconds_left
from tests.factories import NOON

PAIRS = {"PENDING": 3, "CLAIMED": 1, "COMPLETED": 5, "FAILED": 1}
ENDED = {"PENDING": 0, "CLAIMED": 0, "COMPLETED": 9, "FAILED": 1}


def make_row(design: DesignName = DesignName.GRID, speed: float = 1.0, **values: Any) -> dict[str, Any]:
    return {
        "design": {"name": design},
        "status": RunStatus.RUNNING,
        "plan": {"transactions": 80, "hours": 9.0, "speed": speed},
        "created_at": NOON,
        "finished_at": None,
        "ended_because": None,
        "max_hours": None,
        "max_requests": None,
        "requests": 0,
    } | values


def after_an_hour(
    row: dict[str, Any], pairs: dict[str, int] = PAIRS, trades: int = 40, active: float = 1800
) -> Progress:
    return progress_of(row, pairs, trades, active, NOON + timedelta(hours=1))


def test_a_run_whose_pairs_are_known_is_as_far_as_its_pairs_or_its_trades() -> None:
    assert after_an_hour(make_row()) == (0.6, 1200)
    assert after_an_hour(make_row(), trades=64) == (0.8, pytest.approx(450))
    assert after_an_hour(make_row(), ENDED, trades=64) == (1.0, 0)  # guards kept trades from being made


@pytest.mark.parametrize("design", [DesignName.ADAPTIVE, DesignName.LADDER])
def test_a_limit_that_is_nearer_than_the_work_ends_the_run(design: DesignName) -> None:
    assert after_an_hour(make_row(design, speed=3, max_hours=4)) == (0.75, 1200)
    assert after_an_hour(make_row(design, max_requests=100, requests=90)) == (0.9, pytest.approx(200))


def test_nobody_knows_how_far_an_adaptive_run_without_limits_is() -> None:
    """Its queue is nearly empty at any time, and its plan is of one survey."""
    row = make_row(DesignName.ADAPTIVE)
    assert is_open(row) and planned_trades(row) == 0
    assert after_an_hour(row, trades=400) == (None, None)
    asks_no_more = row | {"ended_because": "every cell is known"}
    assert not is_open(asks_no_more)
    assert after_an_hour(asks_no_more, trades=400).share == 0.6


def test_a_recovery_run_lasts_as_long_as_its_plan_though_its_pairs_have_ended() -> None:
    share, left = after_an_hour(make_row(DesignName.RECOVERY, speed=2), ENDED)
    assert (share, left) == (pytest.approx(2 / 9), pytest.approx(3.5 * 3600))


def test_a_run_that_has_ended_or_sleeps_has_no_time_left() -> None:
    end = {"finished_at": NOON + timedelta(minutes=30)}
    for design in DesignName:
        assert after_an_hour(make_row(design, status=RunStatus.COMPLETED, **end)) == (1.0, None)
    cancelled = make_row(DesignName.ADAPTIVE, max_hours=2, status=RunStatus.CANCELLED, **end)
    assert after_an_hour(cancelled, PAIRS).share == 0.6
    assert after_an_hour(make_row(status=RunStatus.SUSPENDED)) == (0.6, None)


def test_time_left_follows_from_the_share_done() -> None:
    assert seconds_left(0.25, 100) == 300
    assert seconds_left(1.0, 100) == 0
    assert seconds_left(0.0, 100) is None
    assert seconds_left(0.5, 0) is None
