"""What can be asked, against the real sandbox, and lists that change while they are read."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import httpx2
import pytest

from spacetraders_lab.core.errors import GameError, UserError
from spacetraders_lab.core.market import MarketSnapshot, Operation
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.study.virtual import VirtualClock
from tests.game.sandbox import Sandbox
from tests.game.test_parse import GOOD, SHIP, TRADE, changed

T = TypeVar("T")


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def test_a_new_agent_has_its_purse_ships_and_universe(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        agent, status = await reads.get_agent(game.client), await reads.get_status(game.client)
        ships = await reads.list_ships(game.client)
        assert (agent.symbol, agent.credits, agent.ship_count) == ("LAB", 175_000, len(ships))
        assert status.reset_date == sandbox.universe.reset_date
        assert status.ends_at is not None and status.ends_at > sandbox.clock.now()
        assert ship == await reads.get_ship(game.client, ship.symbol) == await reads.get_cargo(game.client, ship)

    sandbox.play(scene)


def test_all_pages_of_waypoints_are_read_each_once(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> tuple[Waypoint, ...]:
        return await reads.list_waypoints(game.client, ship.system)

    assert set(sandbox.play(scene)) == set(sandbox.places)
    assert len(sandbox.line.sent) == -(-len(sandbox.places) // 20)


def test_a_market_shows_prices_where_a_ship_is_and_lists_elsewhere(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        here = await reads.get_market(game.client, ship.waypoint)
        far = next(w.symbol for w in sandbox.places if w.has_market and not _is_watched(sandbox, w.symbol))
        there = await reads.get_market(game.client, far)
        assert set(here.goods) == set(here.listed) != set()
        assert not there.goods
        assert there.listed
        assert here.observed_at == sandbox.clock.now()

    sandbox.play(scene)


def _is_watched(sandbox: Sandbox, waypoint: str) -> bool:
    return any(ship.waypoint == waypoint for fleet in sandbox.universe.fleets.values() for ship in fleet.values())


def test_a_call_sign_can_be_had_once(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        with pytest.raises(GameError) as taken:
            await sandbox.join("LAB")
        assert taken.value.code == 4111

    sandbox.play(scene)


def test_what_is_no_waypoint_is_not_even_asked_for(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        with pytest.raises(UserError):
            await reads.get_market(game.client, "nowhere")
        assert sandbox.line.sent == []

    sandbox.play(scene)


# --- odd replies ---------------------------------------------------------------------------------------------------


def read_of(read: Callable[[GameClient], Awaitable[T]], body: Any) -> T:
    """What a question gets from a server that answers everything with `body`."""
    clock = VirtualClock()
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    return clock.run(
        read(GameClient("http://h", None, clock=clock, limiter=TwoPoolLimiter(clock), transport=transport))
    )


def test_a_ship_in_an_unknown_state_does_not_hide_the_fleet() -> None:
    strange = changed(SHIP, symbol="LAB-2", nav={"status": "DRYDOCKED"}, engine={"speed": 9.5})
    body = {"data": [SHIP, strange], "meta": {"total": 2, "page": 1, "limit": 20}}
    assert [ship.symbol for ship in read_of(reads.list_ships, body)] == ["LAB-1", "LAB-2"]


MARKET: dict[str, Any] = {"symbol": "X1-T1-A1", "imports": [], "exports": [], "exchange": []}


def market_of(**parts: Any) -> MarketSnapshot:
    return read_of(lambda client: reads.get_market(client, "X1-T1-A1"), {"data": MARKET | parts})


@pytest.mark.parametrize(
    "strange",
    [
        {key: value for key, value in TRADE.items() if key != "units"},
        TRADE | {"shipSymbol": None},
        TRADE | {"timestamp": "2026-03-01T12:00:00.123"},
        {"type": "AUCTION"},
        None,
        [],
    ],
    ids=str,
)
def test_a_strange_transaction_does_not_hide_the_market(strange: Any) -> None:
    seen = market_of(tradeGoods=[GOOD], transactions=[TRADE, strange, TRADE | {"type": "SELL"}])
    assert [t.operation for t in seen.transactions] == [Operation.BUY, Operation.SELL]
    assert set(seen.goods) == {"IRON_ORE"}


def test_a_market_may_say_that_it_lists_nothing() -> None:
    seen = market_of(tradeGoods=None, transactions=None)
    assert (seen.transactions, dict(seen.goods)) == ((), {})


def test_a_price_may_be_written_with_a_point_but_not_with_a_fraction() -> None:
    (good,) = market_of(tradeGoods=[GOOD | {"purchasePrice": 72.0}]).goods.values()
    assert good.purchase_price == 72
    with pytest.raises(GameError, match="purchasePrice"):
        market_of(tradeGoods=[GOOD | {"purchasePrice": 72.5}])


# --- lists that change under the reader ----------------------------------------------------------------------------


def read_list(page_of: Callable[[int, int], tuple[Sequence[str], int]]) -> tuple[list[str], int]:
    """The waypoints read from a server whose n-th reply is `page_of(page, n)`: symbols and total. And the replies."""
    clock, replies = VirtualClock(), 0

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal replies
        replies += 1
        symbols, total = page_of(int(request.url.params["page"]), replies)
        assert request.url.params["limit"] == "20"
        data: list[dict[str, Any]] = [{"symbol": s, "type": "MOON", "x": 0, "y": 0} for s in symbols]
        return httpx2.Response(200, json={"data": data, "meta": {"total": total, "page": 1, "limit": 20}})

    client = GameClient(
        "http://game.test", None, clock=clock, limiter=TwoPoolLimiter(clock), transport=httpx2.MockTransport(answer)
    )
    found = clock.run(reads.list_waypoints(client, "X1-T1"))
    return [waypoint.symbol for waypoint in found], replies


def page(symbols: Sequence[str], number: int) -> tuple[Sequence[str], int]:
    return symbols[20 * (number - 1) : 20 * number], len(symbols)


ALL = [f"W{i:02}" for i in range(45)]


@pytest.mark.parametrize(("size", "replies"), [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (45, 3)])
def test_a_list_takes_as_many_requests_as_it_has_pages(size: int, replies: int) -> None:
    assert read_list(lambda number, _: page(ALL[:size], number)) == (ALL[:size], replies)


def test_smaller_pages_than_asked_for_are_read_to_the_end() -> None:
    symbols, replies = read_list(lambda number, _: (ALL[10 * (number - 1) : 10 * number], len(ALL)))
    assert (symbols, replies) == (ALL, 5)


def test_an_entry_that_moves_to_a_page_already_read_is_found_by_reading_again() -> None:
    grown = ["W44", *ALL[:44]]  # the last entry came to the front after the first page was read
    symbols, replies = read_list(lambda number, reply: page(ALL if reply == 1 else grown, number))
    assert sorted(symbols) == ALL
    assert replies == 6


def test_an_entry_that_comes_in_between_is_found() -> None:
    symbols, replies = read_list(lambda number, reply: page(ALL[:40] if reply == 1 else ALL[:41], number))
    assert symbols == ALL[:41]
    assert replies == 6


def test_an_entry_that_goes_in_between_is_gone() -> None:
    symbols, _ = read_list(lambda number, reply: page(ALL if reply == 1 else ALL[1:], number))
    assert symbols == ALL[1:]


def test_a_list_that_never_rests_is_read_a_few_times_at_most() -> None:
    symbols, replies = read_list(lambda number, reply: page([*ALL, *(["X"] * (reply % 3))], number))
    assert set(ALL) <= set(symbols)
    assert replies <= 12


def test_a_total_that_is_wrong_does_not_make_it_read_for_ever() -> None:
    symbols, replies = read_list(lambda number, _: (page(ALL, number)[0], 1000))
    assert symbols == ALL
    assert replies == 12


def test_a_false_total_over_pages_that_repeat_does_not_make_it_read_for_ever() -> None:
    symbols, replies = read_list(lambda number, _: (ALL[:20], 1_000_000_000))
    assert (symbols, replies) == (ALL[:20], 6)
