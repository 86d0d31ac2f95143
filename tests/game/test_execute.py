"""Commands done on the real sandbox, and every failure of the line sorted into done, refused and unknown."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx2
import pytest

from spacetraders_lab.core.commands import (
    Command,
    DockShipCommand,
    NavigateShipCommand,
    OrbitShipCommand,
    PurchaseCargoCommand,
    RefuelShipCommand,
    SellCargoCommand,
)
from spacetraders_lab.core.errors import (
    GameError,
    GameUnreachable,
    LeaseLost,
    Maintenance,
    TokenRefused,
    UniverseReset,
    WorldCondition,
)
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.outcome import Done, Outcome, Refused, Unknown
from spacetraders_lab.game.parse import Data, RefuelReply
from spacetraders_lab.game.reads import get_agent, get_market, get_ship
from tests.game.sandbox import Sandbox, Trouble

HTML = "<html><body>no</body></html>"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(profile="lab")


async def done(game: Game, command: Command, ship: Ship) -> Done:
    outcome = await execute(game, command, ship)
    assert isinstance(outcome, Done)
    return outcome


async def a_good(game: Game, ship: Ship) -> str:
    """Something cheap to buy where the ship is."""
    goods = (await get_market(game.client, ship.waypoint)).goods.values()
    return min((good for good in goods if good.symbol != "FUEL"), key=lambda good: good.purchase_price).symbol


def refusal(status: int, code: int, **data: object) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": "no", "code": code, "data": data}})


# --- trades --------------------------------------------------------------------------------------------------------


def test_what_is_bought_and_sold_is_in_the_hold_the_purse_and_the_games_own_ledger(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        good = await a_good(game, ship)
        bought = await done(game, PurchaseCargoCommand(ship.symbol, good, 3), ship)
        assert bought.transaction is not None
        assert bought.ship.units_of(good) == 3
        assert bought.credits == sandbox.universe.agents["LAB"].credits == 175_000 - bought.transaction.total_price
        assert (bought.transaction.operation, bought.transaction.units) == (Operation.BUY, 3)
        sold = await done(game, SellCargoCommand(ship.symbol, good, 3), bought.ship)
        assert sold.transaction is not None
        assert (sold.transaction.operation, sold.ship.units_of(good)) == (Operation.SELL, 0)
        assert sandbox.trades == [("PURCHASE", good, 3), ("SELL", good, 3)]
        assert await get_ship(game.client, ship.symbol) == sold.ship
        assert (await get_agent(game.client)).credits == sold.credits
        seen = (await get_market(game.client, ship.waypoint)).transactions
        assert {bought.transaction, sold.transaction} <= set(seen)

    sandbox.play(scene)


def test_a_docked_ship_trades_with_one_request_and_one_in_orbit_docks_first(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        good = await a_good(game, ship)
        sandbox.line.sent.clear()
        ship = (await done(game, PurchaseCargoCommand(ship.symbol, good, 2), ship)).ship
        assert sandbox.line.sent == ["POST purchase"]
        ship = (await done(game, OrbitShipCommand(ship.symbol), ship)).ship
        sandbox.line.sent.clear()
        sold = await done(game, SellCargoCommand(ship.symbol, good, 2), ship)
        assert sandbox.line.sent == ["POST dock", "POST sell"]
        assert sold.ship.status is NavStatus.DOCKED

    sandbox.play(scene)


def test_what_the_game_will_not_do_is_refused_with_its_code(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> list[tuple[str, int]]:
        good = await a_good(game, ship)
        volume = (await get_market(game.client, ship.waypoint)).goods[good].trade_volume
        codes = []
        for command in (
            SellCargoCommand(ship.symbol, good, 1),
            PurchaseCargoCommand(ship.symbol, good, volume + 1),
            PurchaseCargoCommand(ship.symbol, "MODULE_WARP_DRIVE_I", 1),
            PurchaseCargoCommand(ship.symbol, good, 0),
        ):
            outcome = await execute(game, command, ship)
            assert isinstance(outcome, Refused)
            codes.append(outcome.error.code)
        assert sandbox.trades == []
        return codes

    codes = sandbox.play(scene)
    assert codes[0] == 4218
    assert codes[1] in (4604, 4217)
    assert codes[2] in (4601, 3001)
    assert codes[3] == 3001


# --- the three outcomes of a trade ---------------------------------------------------------------------------------

NEVER_SENT = {httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError}


def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        yield from kinds(kind)
        if not kind.__subclasses__():
            yield kind


FAILURES = sorted(kinds(httpx2.RequestError), key=lambda kind: kind.__name__)

# the game's answer to every try, the outcome, and how often the trade is sent
ANSWERS = [
    ("bad request", refusal(400, 4600, agentCredits=1), Refused, 1),
    ("not found", refusal(404, 404), Refused, 1),
    ("HTML 404", httpx2.Response(404, text=HTML), Refused, 1),
    ("forbidden", refusal(403, 4000), Refused, 1),
    ("HTML 403", httpx2.Response(403, text=HTML), Refused, 4),
    ("request time-out", httpx2.Response(408, text=HTML), Unknown, 1),
    ("cooldown", refusal(409, 4000), Refused, 1),
    ("ship locked", refusal(409, 409), Refused, 6),
    ("unprocessable", refusal(422, 3001), Refused, 1),
    ("rate limit", refusal(429, 429, retryAfter=0.5), Refused, 12),
    ("bare 429", httpx2.Response(429, text=HTML), Refused, 4),
    ("redirect", httpx2.Response(307, headers={"location": "http://elsewhere"}), Refused, 1),
    ("response not serialised", refusal(500, 3000), Unknown, 1),
    ("HTML 500", httpx2.Response(500, text=HTML), Unknown, 1),
    ("bad gateway", httpx2.Response(502, text=HTML), Unknown, 1),
    ("HTML 503", httpx2.Response(503, text=HTML), Unknown, 1),
    ("gateway time-out", httpx2.Response(504, text=HTML), Unknown, 1),
    ("HTML success", httpx2.Response(201, text=HTML), Unknown, 1),
    ("empty success", httpx2.Response(201), Unknown, 1),
    ("other success", httpx2.Response(201, json={"data": {"cargo": None}}), Unknown, 1),
]


def trade_with(
    sandbox: Sandbox, answer: httpx2.Response | Exception, *, executed: bool = False, times: int = 99
) -> tuple[Outcome, int, int]:
    """A purchase of two units that meets with trouble: outcome, how often it was sent, how often it took place."""

    async def scene(game: Game, ship: Ship) -> Outcome:
        good = await a_good(game, ship)
        sandbox.line.troubles.append(Trouble("POST", "/purchase", answer, executed, times))
        sandbox.line.sent.clear()
        return await execute(game, PurchaseCargoCommand(ship.symbol, good, 2), ship)

    outcome = sandbox.play(scene)
    return outcome, sandbox.line.sent.count("POST purchase"), len(sandbox.trades)


@pytest.mark.parametrize(("answer", "kind", "sent"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_every_answer_has_its_outcome(sandbox: Sandbox, answer: httpx2.Response, kind: type, sent: int) -> None:
    outcome, times, trades = trade_with(sandbox, answer)
    assert type(outcome) is kind
    assert (times, trades) == (sent, 0)


@pytest.mark.parametrize("answer", [row[1] for row in ANSWERS if row[2] is Unknown], ids=str)
def test_what_took_place_behind_an_unknown_answer_is_not_done_twice(sandbox: Sandbox, answer: httpx2.Response) -> None:
    outcome, times, trades = trade_with(sandbox, answer, executed=True)
    assert isinstance(outcome, Unknown)
    assert (times, trades) == (1, 1)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("executed", [False, True])
def test_every_failure_of_the_line_has_its_outcome(sandbox: Sandbox, failure: type[Exception], executed: bool) -> None:
    if failure in NEVER_SENT:
        outcome, times, trades = trade_with(sandbox, failure("x"))
        assert isinstance(outcome, Refused)
        assert type(outcome.error) is GameUnreachable
        assert (times, trades) == (6, 0)
    else:
        outcome, times, trades = trade_with(sandbox, failure("x"), executed=executed)
        assert isinstance(outcome, Unknown)
        assert (times, trades) == (1, int(executed))


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.ConnectError("x"),
        httpx2.ConnectTimeout("x"),
        httpx2.PoolTimeout("x"),
        refusal(429, 429, retryAfter=0.5),
        httpx2.Response(429, text=HTML),
        refusal(409, 409),
    ],
    ids=str,
)
def test_a_trade_that_was_surely_not_executed_is_sent_again_and_takes_place_once(
    sandbox: Sandbox, answer: httpx2.Response | Exception
) -> None:
    outcome, times, trades = trade_with(sandbox, answer, times=2)
    assert isinstance(outcome, Done)
    assert (times, trades) == (3, 1)


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (refusal(401, 4104), TokenRefused),
        (refusal(401, 4113), UniverseReset),
        (refusal(503, 3100), Maintenance),
    ],
    ids=["token", "reset", "maintenance"],
)
def test_conditions_of_the_world_are_raised_and_nothing_took_place(
    sandbox: Sandbox, answer: httpx2.Response, condition: type[WorldCondition]
) -> None:
    with pytest.raises(condition):
        trade_with(sandbox, answer)
    assert sandbox.trades == []


def test_a_trade_whose_dock_is_not_answered_is_refused_and_was_never_sent(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> Outcome:
        good = await a_good(game, ship)
        ship = (await done(game, OrbitShipCommand(ship.symbol), ship)).ship
        sandbox.line.troubles.append(Trouble("POST", "/dock", httpx2.ReadTimeout("x"), times=99))
        return await execute(game, PurchaseCargoCommand(ship.symbol, good, 2), ship)

    outcome = sandbox.play(scene)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, GameUnreachable)
    assert "POST purchase" not in sandbox.line.sent


def test_the_last_word_before_a_trade_is_asked_each_time_it_would_go_out(sandbox: Sandbox) -> None:
    """A lease may end while a trade waits its turn: three refusals for the rate limit are 90 seconds here."""

    async def scene(game: Game, ship: Ship) -> None:
        good = await a_good(game, ship)
        until = sandbox.clock.now() + timedelta(seconds=60)
        asked: list[datetime] = []

        def lease() -> None:
            asked.append(sandbox.clock.now())
            if asked[-1] > until:
                raise LeaseLost

        sandbox.line.troubles.append(Trouble("POST", "/purchase", refusal(429, 429, retryAfter=30), times=3))
        sandbox.line.sent.clear()
        with pytest.raises(LeaseLost):
            await execute(game, PurchaseCargoCommand(ship.symbol, good, 2), ship, may_trade=lease)
        assert len(asked) == 3
        assert sandbox.line.sent == ["POST purchase"] * 2
        assert sandbox.trades == []

    sandbox.play(scene)


# --- dock, orbit, refuel, market -----------------------------------------------------------------------------------


def test_what_the_ships_state_says_already_costs_no_request(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        assert ship.status is NavStatus.DOCKED
        for command in (
            DockShipCommand(ship.symbol),
            RefuelShipCommand(ship.symbol),
            NavigateShipCommand(ship.symbol, ship.waypoint),
        ):
            assert await execute(game, command, ship) == Done(ship)
        assert sandbox.line.sent == []
        orbiting = (await done(game, OrbitShipCommand(ship.symbol), ship)).ship
        for command in (OrbitShipCommand(ship.symbol), NavigateShipCommand(ship.symbol, ship.waypoint)):
            assert await execute(game, command, orbiting) == Done(orbiting)
        assert sandbox.line.sent == ["POST orbit"]

    sandbox.play(scene)


def test_dock_and_orbit_return_the_ship_as_the_game_has_it(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        orbiting = (await done(game, OrbitShipCommand(ship.symbol), ship)).ship
        assert orbiting.status is NavStatus.IN_ORBIT
        assert orbiting == await get_ship(game.client, ship.symbol)
        assert (await done(game, DockShipCommand(ship.symbol), orbiting)).ship == ship

    sandbox.play(scene)


async def _thirsty(game: Game, ship: Ship) -> Ship:
    """The ship after a flight, docked where fuel is sold."""
    target = next(w.symbol for w in await game.map(ship.system) if w.has_market and w.symbol != ship.waypoint)
    flown = await done(game, NavigateShipCommand(ship.symbol, target), ship)
    assert flown.ship.fuel < flown.ship.fuel_capacity
    return (await done(game, DockShipCommand(ship.symbol), flown.ship)).ship


def test_refuelling_fills_the_tank_and_says_what_it_cost(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        ship = await _thirsty(game, ship)
        outcome = await done(game, RefuelShipCommand(ship.symbol), ship)
        assert outcome.transaction is not None
        assert outcome.ship.fuel == outcome.ship.fuel_capacity
        assert outcome.transaction.trade_symbol == "FUEL"
        assert outcome.fuel_credits == outcome.transaction.total_price > 0
        assert outcome.credits == sandbox.universe.agents["LAB"].credits

    sandbox.play(scene)


@pytest.mark.parametrize("executed", [False, True])
def test_a_refuelling_without_answer_is_judged_from_the_ship_and_paid_once(sandbox: Sandbox, executed: bool) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        ship = await _thirsty(game, ship)
        before = sandbox.universe.agents["LAB"].credits
        sandbox.line.troubles.append(Trouble("POST", "/refuel", httpx2.ReadTimeout("x"), executed))
        outcome = await done(game, RefuelShipCommand(ship.symbol), ship)
        assert outcome.ship.fuel == outcome.ship.fuel_capacity
        assert outcome.fuel_credits == before - sandbox.universe.agents["LAB"].credits > 0

    sandbox.play(scene)


def test_a_request_for_fuel_that_comes_late_is_waited_for(sandbox: Sandbox) -> None:
    """It takes effect 14 seconds after it was given up: had the ship flown on by then, it would be paid twice."""

    async def later(game: Game, ship: Ship) -> None:
        await asyncio.sleep(14)
        await game.client.post(Data[RefuelReply], "/my/ships/{ship}/refuel", ship=ship.symbol)

    async def scene(game: Game, ship: Ship) -> None:
        ship = await _thirsty(game, ship)
        before = sandbox.universe.agents["LAB"].credits
        sandbox.line.troubles.append(Trouble("POST", "/refuel", httpx2.ReadTimeout("x")))
        late = asyncio.create_task(later(game, ship))
        outcome = await done(game, RefuelShipCommand(ship.symbol), ship)
        sandbox.universe.ships[ship.symbol].fuel -= 200
        await late
        assert outcome.fuel_credits == before - sandbox.universe.agents["LAB"].credits > 0

    sandbox.play(scene)


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("command", [OrbitShipCommand, DockShipCommand])
def test_a_manoeuvre_without_answer_is_judged_from_the_ship(
    sandbox: Sandbox, command: type[OrbitShipCommand] | type[DockShipCommand], executed: bool
) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        if command is DockShipCommand:
            ship = (await done(game, OrbitShipCommand(ship.symbol), ship)).ship
        wanted = NavStatus.DOCKED if command is DockShipCommand else NavStatus.IN_ORBIT
        sandbox.line.troubles.append(Trouble("POST", "/dock", httpx2.ReadTimeout("x"), executed))
        sandbox.line.troubles.append(Trouble("POST", "/orbit", httpx2.ReadTimeout("x"), executed))
        outcome = await done(game, command(ship.symbol), ship)
        assert outcome.ship.status is wanted
        assert outcome.ship == await get_ship(game.client, ship.symbol)

    sandbox.play(scene)


def test_a_move_that_the_game_refuses_is_raised(sandbox: Sandbox) -> None:
    async def scene(game: Game, ship: Ship) -> None:
        sandbox.line.troubles.append(Trouble("POST", "/orbit", refusal(400, 4000)))
        with pytest.raises(GameError) as refused:
            await execute(game, OrbitShipCommand(ship.symbol), ship)
        assert refused.value.code == 4000

    sandbox.play(scene)
