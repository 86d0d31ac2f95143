"""One ship and one pair: cells and holds, parts and leftovers, and cargo that is none of the run's business."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import httpx2
import pytest

from spacetraders_lab.core.experiment import Design, RunStatus, TradeRecord
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.core.protocol import cell_units
from spacetraders_lab.study.rig import FOUR_CELLS, ONE_CELL, Exchange, Rig

MakeRig = Callable[..., Rig]


def _of(records: Sequence[TradeRecord], operation: Operation) -> list[TradeRecord]:
    return [record for record in records if record.operation is operation]


@pytest.fixture
def alone(make_rig: MakeRig) -> Rig:
    """A laboratory with one frigate of 40 units."""
    return make_rig(ships=1)


# --- cells and the hold -----------------------------------------------------------------------------------------------


def test_every_cell_is_the_fraction_of_the_trade_volume(alone: Rig) -> None:
    pair = alone.pair()
    design = Design(fractions=(0.1, 0.25, 0.5, 1.0), iterations=2)
    run = alone.queue([pair], design)
    alone.fly(run)
    for record in _of(alone.records(run), Operation.BUY):
        assert record.batch_size_fraction is not None
        assert record.units == cell_units(record.trade_volume_before, record.batch_size_fraction)


def test_what_was_bought_in_a_cell_is_sold_in_that_cell(alone: Rig) -> None:
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    units: dict[Operation, Counter[tuple[float | None, int]]] = {side: Counter() for side in Operation}
    for record in alone.records(run):
        units[record.operation][record.batch_size_fraction, record.iteration] += record.units
    assert units[Operation.BUY] == units[Operation.SELL]
    assert set(units[Operation.BUY]) == set(FOUR_CELLS.cells)


def test_a_ship_comes_back_until_every_cell_is_bought(make_rig: MakeRig) -> None:
    """A hold for one cell and a half takes one cell at a time."""
    rig = make_rig(ships=1)
    pair = rig.pair()
    rig.set_trade_volume(pair.buy_market, pair.good_symbol, 20)
    rig.set_trade_volume(pair.sell_market, pair.good_symbol, 20)
    rig.ship().capacity = 30
    run = rig.queue([pair], Design(fractions=(1.0,), iterations=3))
    rig.fly(run)
    order = [record.operation for record in rig.records(run)]
    assert order == [Operation.BUY, Operation.SELL] * 3
    assert len({record.visit_id for record in rig.records(run)}) == 6


def test_a_hold_is_filled_before_it_is_flown_away(alone: Rig) -> None:
    pair = alone.pair()
    alone.set_trade_volume(pair.buy_market, pair.good_symbol, 20)
    alone.set_trade_volume(pair.sell_market, pair.good_symbol, 20)
    run = alone.queue([pair], Design(fractions=(0.5,), iterations=6))
    alone.fly(run)
    order = [record.operation for record in alone.records(run)]
    buy, sell = Operation.BUY, Operation.SELL
    assert order == [buy] * 4 + [sell] * 4 + [buy] * 2 + [sell] * 2


@pytest.mark.parametrize("hold", [1, 5])
def test_a_cell_larger_than_the_hold_is_bought_as_far_as_it_fits(make_rig: MakeRig, hold: int) -> None:
    rig = make_rig(ships=1, hold=hold)
    run = rig.queue([rig.pair()], Design(fractions=(0.1, 1.0), iterations=2))
    rig.fly(run)
    assert rig.counts(run) == {"COMPLETED": 1}
    for record in _of(rig.records(run), Operation.BUY):
        assert record.batch_size_fraction is not None
        assert record.units == min(hold, cell_units(record.trade_volume_before, record.batch_size_fraction))
        assert record.cargo_capacity == hold
    assert rig.ship().hold == {}


def test_a_cell_of_less_than_half_a_unit_buys_one(alone: Rig) -> None:
    pair = alone.pair()
    alone.set_trade_volume(pair.buy_market, pair.good_symbol, 4)
    run = alone.queue([pair], Design(fractions=(0.1,), iterations=2))
    alone.fly(run)
    assert [record.units for record in alone.records(run)] == [1, 1, 1, 1]


def test_a_sale_above_the_markets_trade_volume_is_made_in_parts(alone: Rig) -> None:
    pair = alone.pair()
    alone.set_trade_volume(pair.buy_market, pair.good_symbol, 20)
    alone.set_trade_volume(pair.sell_market, pair.good_symbol, 6)
    run = alone.queue([pair], ONE_CELL)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    sales = _of(alone.records(run), Operation.SELL)
    assert [(sale.part, sale.units) for sale in sales] == [(1, 6), (2, 6), (3, 6), (4, 2)]
    assert {(sale.batch_size_fraction, sale.iteration) for sale in sales} == {(1.0, 1)}
    assert [sale.cumulative_units for sale in sales] == [6, 12, 18, 20]


def test_a_market_that_shrinks_while_the_ship_is_there_is_looked_at_again(alone: Rig) -> None:
    """The game refuses the first sale (4604): the ship reads the market again and sells in parts."""
    pair = alone.pair()
    alone.set_trade_volume(pair.buy_market, pair.good_symbol, 20)
    alone.set_trade_volume(pair.sell_market, pair.good_symbol, 20)

    def shrink(exchange: Exchange) -> None:
        if exchange.fits("GET", f"{pair.sell_market}/market") and alone.ship().hold:
            alone.wire.after = lambda _: None
            alone.set_trade_volume(pair.sell_market, pair.good_symbol, 15)

    alone.wire.after = shrink
    run = alone.queue([pair], ONE_CELL)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert [sale.units for sale in _of(alone.records(run), Operation.SELL)] == [15, 5]


def _refuse(rig: Rig, ending: str, numbers: Collection[int]) -> None:
    """The game says of the requests of such numbers that they are above the tradeVolume."""
    asked = itertools.count(1)

    def refuse(request: httpx2.Request) -> httpx2.Response | None:
        if not (request.method == "POST" and request.url.path.endswith(ending) and next(asked) in numbers):
            return None
        return httpx2.Response(400, json={"error": {"code": 4604, "message": "above the tradeVolume"}})

    rig.wire.before = refuse


@pytest.mark.parametrize(("refused", "ended"), [(3, "COMPLETED"), (4, "FAILED")])
def test_a_trade_is_tried_again_after_three_refusals_in_a_row_and_no_more(alone: Rig, refused: int, ended: str) -> None:
    _refuse(alone, "/purchase", range(1, refused + 1))
    run = alone.queue([alone.pair()], ONE_CELL)
    alone.fly(run)
    assert alone.counts(run) == {ended: 1}


def test_refusals_with_a_trade_between_them_are_not_in_a_row(alone: Rig) -> None:
    _refuse(alone, "/purchase", (1, 2, 3, 5, 6, 7))
    run = alone.queue([alone.pair()], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}


def test_the_quotes_read_after_a_trade_are_kept_as_observations(alone: Rig) -> None:
    pair = alone.pair()
    run = alone.queue([pair], FOUR_CELLS)
    alone.fly(run)
    seen = alone.rows(
        "SELECT waypoint_symbol AS market, purchase_price AS ask, sell_price AS bid FROM market_observations"
        f" WHERE source = 'trade' AND good_symbol = '{pair.good_symbol}' ORDER BY observation_id"
    )
    assert [(row["market"], row["ask"], row["bid"]) for row in seen] == [
        (record.market, record.purchase_price_after, record.sell_price_after) for record in alone.records(run)
    ]


# --- cargo of others --------------------------------------------------------------------------------------------------


def test_other_cargo_aboard_is_never_sold(alone: Rig) -> None:
    pair = alone.pair()
    other = next(good for good in alone.universe.home.markets[pair.sell_market].listings if good != pair.good_symbol)
    alone.ship().load(other, 7)
    alone.ship().load(pair.good_symbol, 3)
    run = alone.queue([pair], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"COMPLETED": 1}
    assert alone.ship().hold == {other: 7, pair.good_symbol: 3}
    assert {entry.good for entry in alone.ledger("SELL")} == {pair.good_symbol}


def test_other_cargo_aboard_is_not_sold_when_the_pair_fails_either(alone: Rig) -> None:
    pair = replace(alone.pair(), sell_market=_stranger_to(alone, alone.pair().good_symbol))
    alone.ship().load(pair.good_symbol, 3)
    alone.ship().load("DIAMONDS", 7)
    run = alone.queue([pair], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"FAILED": 1}
    assert alone.ship().hold == {pair.good_symbol: 3, "DIAMONDS": 7}


def test_a_ship_with_a_full_hold_leaves_the_pair_to_others_and_says_what_fills_it(alone: Rig) -> None:
    alone.ship().load("DIAMONDS", 40)
    run = alone.queue([alone.pair()])
    (report,) = alone.fly(run)
    assert report.error == "no room in the hold of LAB-1: 40 units of other cargo are aboard"
    assert alone.counts(run) == {"PENDING": 1}
    assert alone.ledger("PURCHASE", "SELL") == []


# --- what makes a pair fail -------------------------------------------------------------------------------------------


def test_a_good_that_the_buy_market_does_not_list_fails_the_pair_before_anything_is_bought(alone: Rig) -> None:
    pair = replace(alone.pair(), buy_market=_stranger_to(alone, alone.pair().good_symbol))
    run = alone.queue([pair])
    alone.fly(run)
    assert alone.errors(run) == {pair.pair_id: f"{pair.good_symbol} is not traded at {pair.buy_market}"}
    assert alone.records(run) == []


def test_a_good_that_the_sell_market_does_not_list_is_sold_where_it_was_bought(alone: Rig) -> None:
    pair = replace(alone.pair(), sell_market=_stranger_to(alone, alone.pair().good_symbol))
    run = alone.queue([pair], FOUR_CELLS)
    alone.fly(run)
    assert alone.errors(run) == {pair.pair_id: f"{pair.good_symbol} is not traded at {pair.sell_market}"}
    bought = sum(record.units for record in _of(alone.records(run), Operation.BUY))
    leftovers = _of(alone.records(run), Operation.SELL)
    assert bought == sum(sale.units for sale in leftovers) > 0
    for sale in leftovers:
        assert (sale.batch_size_fraction, sale.iteration) == (None, 0)
        assert sale.sell_market == pair.buy_market
        assert sale.pair_id == pair.pair_id
    assert [sale.part for sale in leftovers] == list(range(1, len(leftovers) + 1))
    assert alone.ship().hold == {}


def test_leftover_rows_have_no_fraction_in_the_database(alone: Rig) -> None:
    pair = replace(alone.pair(), sell_market=_stranger_to(alone, alone.pair().good_symbol))
    run = alone.queue([pair])
    alone.fly(run)
    found = alone.rows(
        "SELECT operation, COUNT(*) AS n FROM market_experiments WHERE batch_size_fraction IS NULL GROUP BY operation"
    )
    assert [row["operation"] for row in found] == ["SELL"]


def test_a_market_that_does_not_exist_fails_the_pair_and_the_next_one_is_measured(alone: Rig) -> None:
    good, other = alone.pairs(2)
    nowhere = replace(good, sell_market=f"{alone.system}-ZZ99")
    run = alone.queue([nowhere, other])
    alone.fly(run)
    assert alone.counts(run) == {"FAILED": 1, "COMPLETED": 1}
    assert nowhere.sell_market in alone.errors(run)[nowhere.pair_id]
    assert alone.ship().hold == {}


def test_a_run_whose_pairs_have_all_failed_has_ended(alone: Rig) -> None:
    run = alone.queue([replace(alone.pair(), sell_market=f"{alone.system}-ZZ99")])
    alone.fly(run)
    assert alone.run(run).status is RunStatus.COMPLETED


def test_a_hold_that_disagrees_with_the_ledger_is_seen_before_the_next_trade(alone: Rig) -> None:
    """Somebody takes units out of the hold between two trades: the pair fails, and says what was expected."""
    pair, other = alone.pairs(2)

    def take(exchange: Exchange) -> None:
        if exchange.fits("POST", "LAB-1/orbit") and alone.ship().hold:
            alone.wire.after = lambda _: None
            alone.ship().load(pair.good_symbol, -2)

    alone.wire.after = take
    run = alone.queue([pair, other], FOUR_CELLS)
    alone.fly(run)
    assert alone.counts(run) == {"FAILED": 1, "COMPLETED": 1}
    assert "disagrees with the ledger" in alone.errors(run)[pair.pair_id]
    assert alone.ship().hold == {}


# --- exchanges and odd markets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(ListingType))
def test_every_kind_of_listing_can_be_bought_at(alone: Rig, kind: ListingType) -> None:
    good, source = next((g, m[0]) for g in alone.goods() if (m := alone.markets_of(g, kind)))
    pair = next(pair for pair in alone.pairs(30, good) if pair.buy_market == source)
    run = alone.queue([pair])
    alone.fly(run)
    (purchase,) = _of(alone.records(run), Operation.BUY)
    assert purchase.listing_type is kind
    assert (purchase.activity_before is None) == (kind is ListingType.EXCHANGE)
    assert purchase.price_after is not None
    assert purchase.price_after >= purchase.price_before


def _stranger_to(rig: Rig, good: str) -> str:
    """A market that does not list the good."""
    traders = rig.markets_of(good)
    return next(market for market in rig.universe.home.markets if market not in traders)


# --- what a market may show -------------------------------------------------------------------------------------------


class Worthless(httpx2.AsyncBaseTransport):
    """The way to a game in which one market bids nothing for anything."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, market: str) -> None:
        self._inner, self._market = inner, market

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if not request.url.path.endswith(f"{self._market}/market"):
            return response
        shown = json.loads(await response.aread())
        for good in shown["data"].get("tradeGoods", []):
            good["sellPrice"] = 0
        return httpx2.Response(200, json=shown)


def test_a_sale_at_a_quote_of_nothing_is_recorded(alone: Rig) -> None:
    pair = alone.pair()
    run = alone.queue([pair])
    alone.wire.inner = Worthless(alone.wire.inner, pair.sell_market)
    alone.fly(run)
    (sale,) = _of(alone.records(run), Operation.SELL)
    assert (sale.price_before, sale.price_after, sale.price_impact_percent) == (0, 0, None)
    assert sale.total_credits == alone.ledger("SELL")[0].total
    assert alone.counts(run) == {"COMPLETED": 1}
