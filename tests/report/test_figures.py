"""What the figures will show, against the rows and the findings that it comes from."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from spacetraders_lab.analysis.dataset import dataset_of
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellFlag
from spacetraders_lab.analysis.observations import OtherTrades, observations_of
from spacetraders_lab.analysis.precision import Precision
from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import ListingType, Operation, Supply
from spacetraders_lab.report import exploring, figures
from tests.analysis.test_crossmarket import trade
from tests.factories import BUY_MARKET, GOOD, NOON, SHIP, make_good, make_listing
from tests.report.findings import CELL, LAW, LISTING, RECOVERY, estimate
from tests.report.subject import subject
from tests.store.memory import after

BUY, SELL = Operation.BUY, Operation.SELL
EXPORT = ListingType.EXPORT
NO_TRADES = dataset_of([])


def visit(*quotes: int, units: int = 30, begin: int = 0, name: str = "v", **more: object) -> list:  # type: ignore[type-arg]
    """Purchases one after the other, each at the quote that the one before it left, a minute apart."""
    return [
        trade(begin + i, BUY, units, quotes[i], quotes[i + 1], visit_id=name, purchase_price_before=quotes[i],
              purchase_price_after=quotes[i + 1], sequence_in_visit=i + 1, **more)
        for i in range(len(quotes) - 1)
    ]  # fmt: skip


def test_a_heat_map_has_the_cells_that_were_traded() -> None:
    unseen = replace(CELL, supply=Supply.HIGH, measured=None, transactions=0, flag=CellFlag.NOT_OBSERVED)
    thin = replace(CELL, supply=Supply.SCARCE, activity=None, flag=CellFlag.THIN)
    found = figures.heat_map([CELL, unseen, thin, replace(CELL, side=SELL)], BUY, EXPORT)
    assert [(r["supply"], r["activity"], r["thin"]) for r in found] == [
        ("MODERATE", "WEAK", False),
        ("SCARCE", "no activity", True),
    ]
    assert (found[0]["label"], found[0]["range"]) == ("5.1", "4.6–5.7")
    assert found[0]["percent"] == pytest.approx(100 * math.expm1(0.05))


def test_raw_metaorders_begin_at_nothing_and_pile_up() -> None:
    data = dataset_of(visit(100, 104, 110))
    assert figures.raw_metaorders(data, BUY, EXPORT, 1.0) == [
        {"run": 0, "supply": "MODERATE", "side": "BUY", "volumes": 0.0, "percent": 0.0},
        {"run": 0, "supply": "MODERATE", "side": "BUY", "volumes": 0.5, "percent": pytest.approx(4.0)},
        {"run": 0, "supply": "MODERATE", "side": "BUY", "volumes": 1.0, "percent": pytest.approx(10.0)},
    ]
    assert (
        figures.raw_metaorders(data, SELL, EXPORT, 1.0)
        == figures.raw_metaorders(data, BUY, ListingType.IMPORT, 1.0)
        == []
    )


def test_a_run_begins_anew_at_the_next_supply_level_and_visit() -> None:
    rows = visit(100, 104, 110, 120)
    rows[1] = replace(rows[1], supply_before=Supply.LIMITED)
    rows += visit(90, 95, name="w", begin=60)
    found = figures.raw_metaorders(dataset_of(rows), BUY, EXPORT, 1.0)
    assert [r["run"] for r in found if r["volumes"] == 0] == [0, 1, 2, 3]
    assert len(found) == 4 * 2


def test_of_many_metaorders_only_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_METAORDERS", 5)
    rows = [row for i in range(12) for row in visit(100, 104, name=f"v{i}", begin=10 * i)]
    assert len({r["run"] for r in figures.raw_metaorders(dataset_of(rows), BUY, EXPORT, 1.0)}) == 4


def test_runs_of_small_trades_lie_on_the_slope_of_sizes_to_a_power() -> None:
    """Four quarters move the quote by as much as four times a quarter's power of it, not as one whole does."""
    rows = visit(*(round(1000 * math.exp(0.05 * 0.5 * step)) for step in range(5)), units=15)
    raw = figures.raw_metaorders(dataset_of(rows), BUY, EXPORT, 0.5)
    fitted = figures.fitted_curves([replace(CELL, exponent=0.5)], BUY, EXPORT, raw)
    assert raw[-1]["volumes"] == fitted[-1]["volumes"] == pytest.approx(2.0)
    assert raw[-1]["percent"] == pytest.approx(fitted[-1]["percent"], rel=0.01)


def test_fits_go_as_far_as_their_raw_metaorders() -> None:
    raw = [{"supply": "MODERATE", "volumes": 2.5}, {"supply": "MODERATE", "volumes": 1.0}]
    found = figures.fitted_curves([CELL], BUY, EXPORT, raw)
    assert (found[0]["volumes"], found[0]["percent"]) == (0.0, 0.0)
    assert found[-1]["volumes"] == 2.5
    assert found[-1]["percent"] == pytest.approx(100 * math.expm1(2.5 * 0.05))
    assert found[-1]["percent_low"] < found[-1]["percent"] < found[-1]["percent_high"]


def test_a_supply_level_is_the_mean_of_its_activities_by_their_trades() -> None:
    busy = replace(CELL, activity=None, measured=estimate(0.08), transactions=120)
    found = figures.by_supply([CELL, busy], BUY, EXPORT)
    assert list(found) == [Supply.MODERATE]
    assert found[Supply.MODERATE].value == pytest.approx(100 * math.expm1((40 * 0.05 + 120 * 0.08) / 160))


def test_both_sides_need_both_sides() -> None:
    alone = replace(CELL, supply=Supply.HIGH)
    found = figures.both_sides([CELL, replace(CELL, side=SELL), alone])
    assert [(r["cell"], r["side"]) for r in found] == [("EXPORT MODERATE WEAK", side) for side in ("BUY", "SELL")]


def test_the_ratio_of_the_sides_of_a_listing() -> None:
    sold = replace(LISTING, side=SELL, slope=estimate(0.025, 0.2))
    (found,) = figures.side_ratios([LISTING, sold, replace(LISTING, good="ALONE")])
    assert (found["listing"], found["ratio"]) == (f"{GOOD} at {BUY_MARKET}", pytest.approx(2.0))
    half = math.hypot(math.log(1.2 / 0.8) / 2, math.log(1.2 / 0.8) / 2)
    assert (found["low"], found["high"]) == (pytest.approx(2 * math.exp(-half)), pytest.approx(2 * math.exp(half)))


def test_listings_around_their_cells_come_in_order() -> None:
    found = figures.caterpillar([LISTING, replace(LISTING, good="FLAT", effect=-0.5), replace(LISTING, side=SELL)])
    assert [(r["side"], r["rank"], round(r["factor"], 2)) for r in found] == [
        ("BUY", 1, 0.61),
        ("BUY", 2, 1.11),
        ("SELL", 1, 1.11),
    ]


def test_residuals_are_what_the_slope_leaves() -> None:
    data = dataset_of(visit(1000, 1030, 1050, 1090))
    found = figures.residuals(data, [LISTING], 1.0)
    moves = np.log(np.array([1030 / 1000, 1050 / 1030, 1090 / 1050])) - 0.05 * 0.5
    assert [r["residual"] for r in found] == pytest.approx(list(moves / moves.std()))
    assert [r["position"] for r in found] == [1, 2, 3]
    assert [r["expected"] for r in found] == pytest.approx([2.5] * 3)
    assert [r["hours"] for r in found] == pytest.approx([0, 1 / 60, 2 / 60])
    assert figures.residuals(data, [], 1.0) == []


def test_residuals_of_another_power_of_the_size_than_one() -> None:
    """Where moves grow with the root of the size, a quarter of a tradeVolume moves half as much as a whole one."""
    data = dataset_of([*visit(1000, 1050, units=60), *visit(1000, 1025, units=15, name="w", begin=60)])
    assert [r["expected"] for r in figures.residuals(data, [LISTING], 0.5)] == pytest.approx([5.0, 2.5])


def test_normal_residuals_lie_on_the_line() -> None:
    drawn = np.random.default_rng(1).normal(size=20_000)
    found = figures.quantiles([{"side": "BUY", "residual": float(value)} for value in drawn])
    assert len(found) == 99
    assert [r["residual"] for r in found] == pytest.approx([r["normal"] for r in found], abs=0.08)


def test_the_naive_mean_is_turned_against_the_trader() -> None:
    bought, sold = figures.naive_means([CELL, replace(CELL, side=SELL, naive_percent=-2.0)])
    assert (bought["naive"], sold["naive"]) == (2.5, 2.0)


class TestRemaining:
    """A purchase moves the ask from 100 to 110; later readings say how much of that is left."""

    DATA = dataset_of(visit(100, 110))

    def seen(self, *asks: tuple[float, int]) -> list[dict[str, object]]:
        return figures.remaining(
            self.DATA,
            observations_of([make_listing(observed_at=after(at), purchase_price=ask) for at, ask in asks]),
        )

    def test_the_share_that_is_left(self) -> None:
        found = self.seen((1800, 110), (3600, 100), (7200, 105))
        assert [r["hours"] for r in found] == pytest.approx([0.5, 1, 2])
        assert [r["share"] for r in found] == pytest.approx([1, 0, math.log(1.05) / math.log(1.1)])
        assert {r["stream"] for r in found} == {"with"}  # bought where it is made

    def test_the_reading_of_the_visit_itself_is_no_recovery(self) -> None:
        assert self.seen((1, 110), (-600, 95)) == []

    def test_the_next_own_trade_ends_it(self) -> None:
        data = dataset_of([*visit(100, 110), *visit(108, 112, name="w", begin=60)])
        readings = observations_of([make_listing(observed_at=after(at), purchase_price=109) for at in (1800, 3660)])
        assert [r["hours"] for r in figures.remaining(data, readings) if r["hours"] != 1 / 60] == [0.5]

    def test_another_runs_trade_ends_it_as_well(self) -> None:
        readings = observations_of([make_listing(observed_at=after(at), purchase_price=109) for at in (1800, 5400)])
        others = OtherTrades({readings.unit_names[0]: np.array([after(3600).timestamp()])})
        assert [r["hours"] for r in figures.remaining(self.DATA, readings, others)] == [0.5]

    def test_too_little_to_see_is_left_out(self) -> None:
        small = dataset_of(visit(1000, 1010))
        assert figures.remaining(small, observations_of([make_listing(observed_at=after(1800))])) == []


RETURN = RECOVERY.returns[Stream.WITH]


def test_the_decay_curve_halves() -> None:
    found = figures.decay_curve(RETURN, 10.0)
    assert (found[0]["share"], found[12]["share"]) == (1.0, 0.5)  # the half-life is 5 hours
    assert all(r["low"] <= r["share"] <= r["high"] for r in found)
    lasting = figures.decay_curve(replace(RETURN, permanent_share=Estimate(0.4, 0.3, 0.5)), 10.0)
    assert lasting[12]["share"] == pytest.approx(0.7)
    assert (lasting[0]["low"], lasting[0]["high"]) == (1.0, 1.0)
    assert figures.decay_curve(replace(RETURN, half_life_minutes=None), 10.0) == []


def test_the_band_of_the_decay_holds_what_is_not_known_of_the_share_that_stays() -> None:
    """After a day nothing else is left of the band: the half-life is four hours."""
    back = replace(RETURN, half_life_minutes=Estimate(240, 200, 300), permanent_share=Estimate(0.1, -0.3, 0.5))
    last = figures.decay_curve(back, 24.0)[-1]
    assert (last["low"], last["high"]) == (pytest.approx(-0.3, abs=0.02), pytest.approx(0.5, abs=0.02))


def test_forms_of_the_law_and_precision() -> None:
    assert figures.form_errors(LAW)[0] == {"form": "constant percent", "predicted": "new listings", "error": 4.0}
    assert figures.precision([Precision(10, 1, 4), Precision(20, 0, 0)]) == [
        {"transactions": 10, "share": 0.25, "within": 1, "cells": 4},
        {"transactions": 20, "share": 0.0, "within": 0, "cells": 0},
    ]


def test_figures_of_a_real_run_agree_with_its_rows() -> None:
    played = subject()
    runs = [
        r for kind in ListingType for side in Operation for r in figures.raw_metaorders(played.data, side, kind, 1.0)
    ]
    used = played.data.used()
    assert max(r["volumes"] for r in runs) <= float(used.cumulative.max() / used.trade_volume.min())
    assert all(r["percent"] >= 0 for r in runs)
    left = figures.residuals(played.data, played.findings.listings, 1.0)
    assert len(left) == int(played.data.usable.sum())


def test_quotes_left_alone_are_held_against_drift_and_rounding() -> None:
    """A minute at a drift of 1 %; rounding of a quote of 1,000 hardly counts."""
    before = make_good(purchase_price=1000, sell_price=500)
    still = PlaceboBracket("run-1", SHIP, BUY_MARKET, before, NOON, before, NOON + timedelta(minutes=1))
    found = figures.placebo_moves([still, replace(still, after=replace(before, purchase_price=1020))], NO_TRADES, 0.01)
    assert [record["residual"] for record in found if record["side"] == "SELL"] == [0, 0]
    asks = [record for record in found if record["side"] == "BUY"]
    assert asks[0]["residual"] == 0 and asks[1]["residual"] == pytest.approx(1.98, abs=0.01)
    assert asks[1]["percent"] == pytest.approx(2.0)
    said = exploring.placebo_sentence(found)
    assert said.startswith("Of 4 pairs of quotes read twice without a trade between, 1 differ; 25.0 % differ by more")


def test_a_read_at_the_floor_or_at_once_tells_nothing() -> None:
    good = make_good(purchase_price=10, sell_price=1)
    bracket = PlaceboBracket("run-1", SHIP, BUY_MARKET, good, NOON, good, NOON + timedelta(seconds=5))
    assert [record["side"] for record in figures.placebo_moves([bracket], NO_TRADES, 0.01)] == ["BUY"]
    assert figures.placebo_moves([replace(bracket, after_at=NOON)], NO_TRADES, 0.01) == []


def test_a_quote_left_alone_is_held_against_the_steps_it_moves_in() -> None:
    """Where all asks are even, one of 1,000 says no more than that it lies between 999 and 1,001."""
    even = dataset_of(visit(*range(1000, 1022, 2)))
    before = make_good(purchase_price=1000, sell_price=499)
    after_it = make_good(purchase_price=1002, sell_price=499)
    bracket = PlaceboBracket("run-1", SHIP, BUY_MARKET, before, NOON, after_it, NOON + timedelta(minutes=1))
    ask, _ = figures.placebo_moves([bracket], even, 0.0)
    rounding = 2 / math.sqrt(12) * math.hypot(1 / 1000, 1 / 1002)
    assert ask["residual"] == pytest.approx(math.log(1.002) / rounding)
