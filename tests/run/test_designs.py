"""A whole ladder of the laboratory system with three ships: what it covers, what it costs, what the plan foretold."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import httpx2
import pytest

from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.canonical import plan_hash
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import (
    BRACKET_SECONDS,
    ClaimOrder,
    Design,
    DesignName,
    ExperimentRun,
    MarketPair,
    PlaceboBracket,
    TradeRecord,
)
from spacetraders_lab.core.lanes import is_natural
from spacetraders_lab.core.market import Listing, ListingKey, Operation, TradeGood
from spacetraders_lab.core.proposal import LeftOut
from spacetraders_lab.core.schedule import SECONDS_PER_REQUEST
from spacetraders_lab.core.survey import survey_pairs
from spacetraders_lab.run.coordinator import Prepared
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.sandbox.ledger import LedgerEntry
from spacetraders_lab.store.attrition import attrition
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.rig import FOUR_CELLS, Exchange, Rig, Wire
from tests.factories import NOON
from tests.guarantees.judge import violations

LADDER = Design(name=DesignName.LADDER, washout_seconds=45 * 60, claim_order=ClaimOrder.NEAREST)
TRADES = ("PURCHASE", "SELL")


@dataclass(frozen=True)
class Played:
    rig: Rig
    run: ExperimentRun
    prepared: Prepared
    wire: list[Exchange]
    hours: float

    @property
    def records(self) -> list[TradeRecord]:
        return self.rig.records(self.run)

    @property
    def trades(self) -> list[LedgerEntry]:
        return self.rig.ledger(*TRADES)

    def count(self, method: str, ending: str) -> int:
        return sum(exchange.fits(method, ending) for exchange in self.wire)

    def brackets(self) -> list[PlaceboBracket]:
        return self.rig.read(lambda c: placebo_brackets(c, self.run.run_id))


class Slow(Wire):
    """A wire on which a request takes as long as plans suppose."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self.clock.sleep(SECONDS_PER_REQUEST)
        return await Wire.handle_async_request(self, request)


def play(rig: Rig, **wishes: object) -> Played:
    """Scout, plan and fly."""
    rig.wire = Slow(rig.wire.inner, rig.clock)
    rig.scout()
    prepared = rig.prepare(**wishes)
    run = rig.launch(prepared)
    began, before = rig.clock.now(), len(rig.wire.log)
    rig.fly(run)
    hours = (rig.clock.now() - began).total_seconds() / 3600
    return Played(rig, run, prepared, rig.wire.log[before:], hours)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('ladder') / 'lab.db'}", durable=False)
    yield play(Rig(database, ships=3), design=LADDER, budget=2_000_000, seed=5)
    database.close()


def test_every_listing_is_traded_on_both_sides_and_nothing_is_left_behind(played: Played) -> None:
    rig = played.rig
    listings = {(market, good) for good in rig.goods() for market in rig.markets_of(good)}
    visited = Counter(
        (row.operation, row.buy_market if row.operation is Operation.BUY else row.sell_market, row.good_symbol)
        for row in {(r.pair_id, r.operation): r for r in played.records}.values()
    )
    for side in Operation:
        missing = {key for key in listings if not visited[side, *key]}
        assert len(missing) <= 0.05 * len(listings), "only what a guard kept closed"
    assert max(visited.values()) <= 2
    assert violations(rig, played.run) == []


def test_the_plan_foretold_hours_and_requests(played: Played) -> None:
    assert played.prepared.schedule.hours == pytest.approx(played.hours, rel=0.15)
    assert played.prepared.schedule.requests == pytest.approx(len(played.wire), rel=0.15)


def test_a_transaction_costs_few_requests(played: Played) -> None:
    """Counted on the wire: all of them from the start of the run on, and those for trades and readings alone."""
    trading = played.count("POST", "/purchase") + played.count("POST", "/sell") + played.count("GET", "/market")
    assert len(played.wire) / len(played.records) <= 3.4
    assert trading / len(played.records) <= 2.6


def test_no_listing_is_traded_by_two_ships_at_once(played: Played) -> None:
    """In the game's own ledger: who trades a listing has it alone, and the next one comes after the washout."""
    by_listing = defaultdict(list)
    for entry in played.trades:
        by_listing[entry.waypoint, entry.good].append(entry)
    for entries in by_listing.values():
        for one, other in pairwise(entries):
            if one.ship_symbol != other.ship_symbol:
                assert (other.timestamp - one.timestamp).total_seconds() >= LADDER.washout_seconds


def test_every_docking_to_trade_begins_with_a_placebo(played: Played) -> None:
    """Two readings a second or more apart, the later one the ship's own, docked, before its first trade there."""
    brackets = {(b.ship_symbol, b.market, b.before_at, b.after_at) for b in played.brackets()}
    assert all(1.0 <= (end - begin).total_seconds() <= BRACKET_SECONDS for _, _, begin, end in brackets)
    dockings = played.rig.ledger("DOCK", "PURCHASE", "SELL")
    for ship in played.rig.fleet:
        own = [entry for entry in dockings if entry.ship_symbol == ship]
        for docked, traded in pairwise(own):
            if (docked.kind, traded.kind in TRADES) == ("DOCK", True):
                ends = [b[-1] for b in brackets if b[:2] == (ship, traded.waypoint)]
                assert any(docked.timestamp <= end <= traded.timestamp for end in ends)


def test_nothing_of_ours_is_traded_within_a_bracket(played: Played) -> None:
    """In the game's own ledger, by whichever ship; where two ships' readings make the bracket as well."""
    times = {(b.market, b.before_at, b.after_at) for b in played.brackets()}
    for market, begin, end in times:
        assert not any(t.waypoint == market and begin < t.timestamp < end for t in played.trades)
    shared = played.rig.rows("SELECT count(*) AS n FROM placebo_brackets WHERE before_ship_symbol <> ship_symbol")
    assert shared[0]["n"] > 0.1 * len(times)


def test_a_bracket_holds_untouched_listings_as_controls(played: Played) -> None:
    traded = {row.good_symbol for row in played.records}
    at_once = Counter((bracket.market, bracket.after_at) for bracket in played.brackets())
    assert min(at_once.values()) > 1
    assert {bracket.before.symbol for bracket in played.brackets()} > traded


@pytest.mark.parametrize(("seconds", "readings"), [(0.0, 1), (30.0, 2), (150.0, 3)])
def test_a_pair_begins_with_the_last_reading_of_the_one_before_while_that_is_fresh(
    make_rig: Callable[..., Rig], seconds: float, readings: int
) -> None:
    """The reading after the last sale is then all that is read. Else the new pair reads anew, which makes a bracket
    with that reading of less than two minutes ago; later still, it reads twice for one.
    """
    rig = make_rig(ships=1)
    rig.times = replace(rig.times, lease=600.0)
    offered = rig.pairs(1000)
    first, second = next(
        (a, b) for a in offered for b in offered if a.sell_market == b.buy_market and a.good_symbol != b.good_symbol
    )
    run = rig.queue([first, second], replace(LADDER, fractions=(1.0,), iterations=1, claim_order=ClaimOrder.FIFO))

    async def dawdle(point: Point) -> None:
        if point is Point.CLAIMED:
            await rig.clock.sleep(seconds)

    rig.pass_by = dawdle
    rig.fly(run)
    sent = [x for x in rig.wire.log if x.method == "POST" or x.fits("GET", "/market")]
    bought = max(i for i, x in enumerate(sent) if x.fits("POST", "/purchase"))
    assert rig.records(run)[-1].pair_id == second.pair_id
    assert [x.fits("GET", "/market") for x in sent[bought - readings - 1 : bought]] == [False, *[True] * readings]


def test_a_visit_trades_four_volumes_at_most_and_stops_at_the_guard(played: Played) -> None:
    volumes: Counter[tuple[str, Operation]] = Counter()
    for row in played.records:
        if row.batch_size_fraction is not None:
            volumes[row.pair_id, row.operation] += row.units / row.trade_volume_before  # type: ignore[assignment]
    assert max(volumes.values()) <= 4.0
    assert max(row.batch_size_fraction or 0 for row in played.records) <= 1.0


def test_the_analysis_plan_was_hashed_before_the_first_trade(played: Played) -> None:
    run_id = played.run.run_id
    stored, its_hash = played.rig.read(
        lambda c: (ExperimentRepository(c).get_plan(run_id), ExperimentRepository(c).get_plan_hash(run_id))
    )
    assert plan_hash(stored) == its_hash == plan_hash(played.prepared.document)
    assert stored["seed"] == 5
    assert stored["estimands"] and stored["stop"] and stored["guards"]
    assert stored["exclusions"] == [reason.value for reason in Exclusion], "what the analysis leaves out, word for word"
    assert len(stored["pairs"]) == len(played.prepared.pairs)


def test_planned_is_executed_and_skipped(played: Played) -> None:
    found = played.rig.read(lambda c: attrition(c, played.run.run_id))
    planned = sum(len(menu.planned) for menu in played.prepared.proposal.menus.values())
    assert found.planned == planned
    assert found.pending == 0
    assert found.executed > 0.9 * planned


# Without a whole run


@pytest.fixture
def scouted(rig: Rig) -> Rig:
    rig.scout()
    return rig


def test_the_same_seed_makes_the_same_plan_and_another_one_another(scouted: Rig) -> None:
    for design in (LADDER, Design(seeded=True), Design(name=DesignName.RECOVERY)):
        one, same, other = (
            scouted.prepare(design=design, budget=5_000_000, max_pairs=30, seed=seed).document for seed in (1, 1, 2)
        )
        assert plan_hash(one) == plan_hash(same)
        assert one["pairs"] != other["pairs"]


def test_without_a_budget_only_pairs_are_flown_that_lose_nothing(scouted: Rig) -> None:
    prepared = scouted.prepare(design=LADDER)
    quotes = prepared.proposal.quotes
    for pair in prepared.pairs:
        kinds = [quotes[market, pair.good_symbol].type for market in (pair.buy_market, pair.sell_market)]
        assert is_natural(kinds[0], kinds[1])
    assert prepared.plan.expected_loss < 0


def test_a_budget_is_filled_with_what_loses_least_and_never_exceeded(scouted: Rig) -> None:
    counts = []
    for budget in (100_000, 200_000, 400_000):
        prepared = scouted.prepare(design=LADDER, budget=budget)
        assert prepared.plan.worst_case + prepared.run.kept_for_fuel <= budget
        counts.append(len(prepared.pairs))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


@pytest.mark.parametrize("budget", [50_000, 300_000, 1_000_000])
def test_a_pair_that_is_too_dear_does_not_keep_cheaper_ones_out(make_rig: Callable[..., Rig], budget: int) -> None:
    """On a home system the lane that earns most costs more than all the goods of a small budget."""
    rig = make_rig(profile="home", ships=2, hold=80)
    rig.scout()
    prepared = rig.prepare(design=LADDER, budget=budget)
    worst = prepared.plan.worst_case + prepared.run.kept_for_fuel
    assert worst <= budget
    assert len(prepared.pairs) >= 10
    passed_over = [o.what for o in prepared.proposal.omissions if o.reason is LeftOut.BUDGET]
    profitable_first = survey_pairs(_listings(prepared.proposal.quotes), LADDER.rounds)
    order = [MarketPair.of(lane.good, lane.source.waypoint, lane.target.waypoint).pair_id for lane in profitable_first]
    first = min(order.index(pair_id) for pair_id in passed_over)
    assert any(order.index(pair.pair_id) > first for pair in prepared.pairs)


def _listings(quotes: Mapping[ListingKey, TradeGood]) -> dict[str, list[Listing]]:
    found: dict[str, list[Listing]] = {}
    for (market, good), quote in quotes.items():
        found.setdefault(good, []).append(Listing(market, quote, NOON))
    return found


@pytest.mark.parametrize(("ships", "few", "more"), [(1, 27, 38), (3, 22, 37), (6, 14, 33)])
def test_a_few_dear_pairs_do_not_take_the_budget_of_many(
    make_rig: Callable[..., Rig], ships: int, few: int, more: int
) -> None:
    """Two or three of the pairs that earn most would fit, and nothing beside them."""
    rig = make_rig(profile="home", ships=ships)
    rig.scout()
    plans = [rig.prepare(design=LADDER, budget=budget) for budget in (50_000, 100_000)]
    assert all(prepared.needed <= prepared.run.budget for prepared in plans)
    assert len(plans[0].pairs) >= few
    assert len(plans[1].pairs) >= more


def test_the_first_that_fit_are_taken_where_only_so_many_are_wanted(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(profile="home", ships=1)
    rig.scout()
    all_that_fit = rig.prepare(design=LADDER, budget=30_000)
    few = rig.prepare(design=LADDER, budget=30_000, max_pairs=3)
    assert len(all_that_fit.pairs) > 3
    assert len(few.pairs) == 3
    assert set(few.pairs) <= set(few.proposal.chosen_in)


def test_a_smaller_budget_watches_less_in_a_recovery_run_and_never_nothing(make_rig: Callable[..., Rig]) -> None:
    """The readings take most of the money, and the fewer pairs the fewer of them: what fits is searched for."""
    rig, design = make_rig(profile="home", ships=1), Design(name=DesignName.RECOVERY)
    rig.scout()
    whole = rig.prepare(design=design, budget=1_000_000)
    kept = whole.run.kept_for_fuel
    assert kept > 2 * whole.plan.worst_case / len(whole.pairs), "the readings take more than a pair"
    chosen = [rig.prepare(design=design, budget=round(share * whole.needed)) for share in (0.03, 0.05, 0.07, 0.25)]
    assert all(prepared.needed <= prepared.run.budget for prepared in chosen)
    assert all(0 < len(prepared.pairs) < len(whole.pairs) for prepared in chosen)
    assert all(prepared.needed > 0.6 * prepared.run.budget for prepared in chosen), "and little is left unused"


def test_what_is_to_be_left_in_the_purse_is_not_planned_with(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(profile="home", ships=1, credits=200_000)
    rig.scout()
    free = rig.prepare(design=LADDER)
    kept = rig.prepare(design=LADDER, credit_floor=150_000)
    assert free.needed <= 200_000
    assert kept.needed <= 50_000
    with pytest.raises(
        UserError,
        match=r"not one pair fits the purse of .*, of which 199,000 are to be left, beside .*; lower --credit-floor",
    ):
        rig.prepare(design=LADDER, credit_floor=199_000)
    with pytest.raises(UserError, match="of which 199,000 are to be left"):
        rig.prepare(credit_floor=199_000, max_pairs=2)


def test_more_ships_take_less_time_and_the_plan_says_what_they_wait_for(scouted: Rig) -> None:
    one, two = scouted.prepare(design=LADDER, budget=5_000_000).schedules
    assert (one.ships, two.ships) == (1, 2)
    assert two.hours <= one.hours
    assert {one.bound, two.bound} == {"flight-bound"}


def test_the_seeded_grid_trades_the_same_cells(scouted: Rig) -> None:
    design = Design(FOUR_CELLS.fractions, FOUR_CELLS.iterations, seeded=True, washout_seconds=60)
    run = scouted.launch(scouted.prepare(design=design, max_pairs=6, seed=3))
    scouted.fly(run)
    assert violations(scouted, run) == []
    found = scouted.read(lambda c: attrition(c, run.run_id))
    assert found.planned == 6 * 8
    orders = defaultdict(list)
    for row in scouted.records(run):
        if row.operation is Operation.BUY:
            orders[row.pair_id].append((row.batch_size_fraction, row.iteration))
    assert any(order != sorted(order) for order in orders.values())
