"""Two ships, ten pairs, from the scouting to the last row: what the database says is what happened in the game."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from spacetraders_lab.core.experiment import Design, ExperimentRun, RunStatus, TradeRecord
from spacetraders_lab.core.ledger import held_cells
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.planning import Plan, requests_needed
from spacetraders_lab.core.schedule import Schedule
from spacetraders_lab.run.worker import WorkerReport
from spacetraders_lab.sandbox.ledger import LedgerEntry
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.study.rig import Rig
from tests.store.test_original_sql import PROGRESS, RUNS, SHIPS, TRANSACTIONS

PAIRS, CELLS = 10, 12
START_UP = {"GET /", "GET /my/agent", "GET /my/ships/{ship}", "GET /systems/{system}/waypoints"}


@dataclass(frozen=True)
class Played:
    """A finished run and the world around it: entries and requests are those of the flying alone."""

    rig: Rig
    run: ExperimentRun
    plan: Plan
    schedule: Schedule
    reports: list[WorkerReport]
    purse_before: int
    entries: list[LedgerEntry]
    requests: Counter[str]
    hours: float

    @property
    def records(self) -> list[TradeRecord]:
        return self.rig.records(self.run)

    @property
    def fuel(self) -> int:
        return sum(entry.total for entry in self.entries if entry.kind == "REFUEL")

    def count(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in self.entries)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One database of each kind for the whole module: the run is flown once and looked at from many sides."""
    if request.param == "sqlite":
        yield from _open(f"sqlite:///{tmp_path_factory.mktemp('run') / 'lab.db'}")
    else:
        server = request.getfixturevalue("postgres_server")
        with server.database(request.getfixturevalue("postgres_template")) as url:
            yield from _open(url)


def _open(url: str) -> Iterator[Database]:
    database = open_database(url, durable=False)
    yield database
    database.close()


@pytest.fixture(scope="module")
def played(opened: Database) -> Played:
    rig = Rig(opened, ships=2, seed=3)
    rig.scout()
    prepared = rig.prepare(design=Design(), max_pairs=PAIRS)
    run = rig.launch(prepared)
    purse, entries, requests = rig.agent.credits, len(rig.universe.ledger), rig.requests()
    began = rig.clock.elapsed
    reports = rig.fly(run)
    hours = (rig.clock.elapsed - began) / 3600
    made, entries_made = rig.requests() - requests, rig.ledger(since=entries)
    return Played(rig, run, prepared.plan, prepared.schedule, reports, purse, entries_made, made, hours)


def test_the_run_and_every_pair_of_it_is_completed(played: Played) -> None:
    assert played.rig.counts(played.run) == {"COMPLETED": PAIRS}
    assert played.rig.run(played.run).status is RunStatus.COMPLETED
    assert played.rig.run(played.run).finished_at is not None
    assert [report.error for report in played.reports] == [None, None]
    assert sum(report.pairs_completed for report in played.reports) == PAIRS


def test_both_ships_had_their_share(played: Played) -> None:
    assert all(report.pairs_completed > 0 for report in played.reports)
    assert {record.ship_symbol for record in played.records} == set(played.rig.fleet)


def test_every_row_is_an_entry_of_the_games_own_ledger_and_in_its_order(played: Played) -> None:
    for ship in played.rig.fleet:
        recorded = [_as_recorded(record) for record in played.records if record.ship_symbol == ship]
        happened = [_as_happened(e) for e in played.entries if e.ship_symbol == ship and e.kind in _SIDES]
        assert recorded == happened


def test_a_trade_fills_at_the_quote_that_was_seen_before_it(played: Played) -> None:
    for record in played.records:
        assert record.foreign_units == 0
        assert record.price_per_unit == record.price_before
        assert record.total_credits == record.units * record.price_per_unit


def test_the_state_after_a_trade_is_the_state_before_the_next_of_the_visit(played: Played) -> None:
    visits: dict[tuple[str, str], list[TradeRecord]] = {}
    for record in played.records:
        visits.setdefault((record.pair_id, record.visit_id), []).append(record)
    assert any(len(visit) > 1 for visit in visits.values())
    for visit in visits.values():
        assert [record.sequence_in_visit for record in visit] == list(range(1, len(visit) + 1))
        for earlier, later in pairwise(visit):
            assert earlier.purchase_price_after == later.purchase_price_before
            assert earlier.sell_price_after == later.sell_price_before
            assert earlier.supply_after == later.supply_before
            assert later.cumulative_units == earlier.cumulative_units + later.units


def test_every_cell_is_bought_once_and_sold_whole(played: Played) -> None:
    pairs: dict[str, list[TradeRecord]] = {}
    for record in played.records:
        pairs.setdefault(record.pair_id, []).append(record)
    assert len(pairs) == PAIRS
    for records in pairs.values():
        purchases = [(r.batch_size_fraction, r.iteration) for r in records if r.operation is Operation.BUY]
        assert sorted(purchases) == sorted(Design().cells)
        assert held_cells(Design().menu, records) == []
        assert len({r.ship_symbol for r in records}) == 1


def test_the_purse_agrees_to_the_credit(played: Played) -> None:
    bought = sum(r.total_credits for r in played.records if r.operation is Operation.BUY)
    sold = sum(r.total_credits for r in played.records if r.operation is Operation.SELL)
    assert played.rig.agent.credits == played.purse_before - bought + sold - played.fuel
    spent = played.rig.read(lambda c: Budget(c, played.run.run_id).net_spent())
    assert spent == played.purse_before - played.rig.agent.credits


def test_nothing_is_left_in_any_hold_and_no_trade_is_in_doubt(played: Played) -> None:
    assert [played.rig.universe.ships[ship].hold for ship in played.rig.fleet] == [{}, {}]
    states = played.rig.rows("SELECT state, COUNT(*) AS n FROM experiment_intents GROUP BY state")
    assert states == [{"state": "HAPPENED", "n": len(played.records)}]


def test_no_listing_was_worked_on_by_two_ships_at_once(played: Played) -> None:
    """Between two trades of a ship in one visit nobody else may have moved the listing."""
    at_work: dict[tuple[str, str], tuple[str, str]] = {}
    for record in sorted(played.records, key=lambda r: r.timestamp):
        market = record.buy_market if record.operation is Operation.BUY else record.sell_market
        listing, visit = (market, record.good_symbol), (record.ship_symbol, record.visit_id)
        if at_work.get(listing) != visit:
            assert record.sequence_in_visit == 1
        at_work[listing] = visit


def test_requests_are_within_five_percent_of_the_floor(played: Played) -> None:
    records = played.records
    visits = len({(record.pair_id, record.visit_id) for record in records})
    floor = requests_needed(len(records), visits, played.count("NAVIGATE"), played.count("REFUEL"))
    made = sum(count for endpoint, count in played.requests.items() if endpoint not in START_UP)
    assert made <= 1.05 * floor
    assert sum(played.requests[endpoint] for endpoint in START_UP) <= 10


def test_the_plan_foretold_trades_flights_requests_and_hours(played: Played) -> None:
    assert len(played.records) == played.plan.transactions
    assert played.count("NAVIGATE") == pytest.approx(played.schedule.flights, rel=0.05)
    assert played.requests.total() == pytest.approx(played.schedule.requests, rel=0.05)
    assert played.hours == pytest.approx(played.schedule.hours, rel=0.15)


def test_the_loss_was_foretold_and_the_worst_case_was_not_reached(played: Played) -> None:
    lost = played.purse_before - played.rig.agent.credits
    away = played.purse_before - min(entry.credits_after for entry in played.entries)
    assert lost - played.fuel == pytest.approx(played.plan.expected_loss, rel=0.1)
    assert away - played.fuel <= played.plan.worst_case


# --- the original design's own SQL -----------------------------------------------------------------------------------


def _ask(played: Played, statement: str) -> list[dict[str, Any]]:
    return played.rig.rows(statement.replace("?", ":run_id"), run_id=played.run.run_id)


def test_the_progress_query_answers(played: Played) -> None:
    found = _ask(played, PROGRESS)
    assert found == [{"pending": 0, "in_progress": 0, "completed": PAIRS, "failed": 0}]


def test_the_per_ship_query_answers(played: Played) -> None:
    found = _ask(played, SHIPS)
    assert {row["ship"]: row["pairs_completed"] for row in found} == {
        report.ship_symbol: report.pairs_completed for report in played.reports
    }
    assert [row["pairs_completed"] for row in found] == sorted(
        (r.pairs_completed for r in played.reports), reverse=True
    )


def test_the_raw_results_query_answers_in_the_order_of_time(played: Played) -> None:
    found = _ask(played, TRANSACTIONS)
    assert len(found) == len(played.records)
    assert [row["timestamp"] for row in found] == sorted(row["timestamp"] for row in found)
    assert {row["operation"] for row in found} == {"BUY", "SELL"}


def test_the_query_of_all_runs_answers(played: Played) -> None:
    (found,) = _ask(played, RUNS)
    assert (found["run_id"], found["transactions"]) == (played.run.run_id, len(played.records))
    assert found["started"] < found["last_update"]


_SIDES = {"PURCHASE": Operation.BUY, "SELL": Operation.SELL}


def _as_recorded(record: TradeRecord) -> tuple[Any, ...]:
    market = record.buy_market if record.operation is Operation.BUY else record.sell_market
    return (
        market,
        record.good_symbol,
        record.operation,
        record.units,
        record.price_per_unit,
        record.total_credits,
        record.timestamp,
    )


def _as_happened(entry: LedgerEntry) -> tuple[Any, ...]:
    return (
        entry.waypoint,
        entry.good,
        _SIDES[entry.kind],
        entry.units,
        entry.price_per_unit,
        entry.total,
        _shown(entry.timestamp),
    )


def _shown(moment: datetime) -> datetime:
    """The moment as far as the game shows it: whole milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
