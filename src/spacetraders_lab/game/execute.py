"""Does what a command says: one match over the commands. A trade has three outcomes; a move is done or raises."""

from collections.abc import Callable

from spacetraders_lab.core.commands import (
    Command,
    DockShipCommand,
    NavigateShipCommand,
    OrbitShipCommand,
    PurchaseCargoCommand,
    RefuelShipCommand,
    SellCargoCommand,
    TradeCommand,
)
from spacetraders_lab.core.errors import GameError
from spacetraders_lab.core.market import Operation
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import moves
from spacetraders_lab.game.client import EffectUnknown
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.navigate import Spend, navigate, uncounted
from spacetraders_lab.game.outcome import Done, Outcome, Refused, Unknown
from spacetraders_lab.game.parse import Data, TradeReply


async def execute(
    game: Game,
    command: Command,
    ship: Ship,
    *,
    may_trade: Callable[[], None] | None = None,
    spend: Spend = uncounted,
) -> Outcome:
    """Carry out a command with a ship in the given state, without a request that this state makes needless.

    A purchase or sale docks first where needed, is sent at most once, and is Done, Refused or Unknown; `may_trade` is
    called at the last moment before it goes out, and what it raises is raised and keeps it from going. Everything
    else can be judged from the ship and is Done, or raises: GameError when the game refuses, GameUnreachable when it
    does not answer, Unreachable when there is no way. A WorldCondition is raised by all; then no trade took place.
    `spend` is told what a journey's fuel costs, as for `navigate`.
    """
    match command:
        case NavigateShipCommand(destination=destination):
            return await navigate(game, ship, destination, spend)
        case DockShipCommand():
            return Done(await moves.dock(game, ship))
        case OrbitShipCommand():
            return Done(await moves.orbit(game, ship))
        case RefuelShipCommand():
            return await _refuel(game, ship)
        case PurchaseCargoCommand() | SellCargoCommand():
            return await _trade(game, command, ship, may_trade)


async def _refuel(game: Game, ship: Ship) -> Done:
    refuelling = await moves.refuel(game, ship)
    paid = refuelling.transaction.total_price if refuelling.transaction else 0
    return Done(refuelling.ship, refuelling.transaction, refuelling.credits, fuel_credits=paid)


async def _trade(game: Game, command: TradeCommand, ship: Ship, may_trade: Callable[[], None] | None) -> Outcome:
    buys = isinstance(command, PurchaseCargoCommand)
    template = "/my/ships/{ship}/purchase" if buys else "/my/ships/{ship}/sell"
    body = {"symbol": command.trade_symbol, "units": command.units}
    try:
        ship = await moves.dock(game, ship)
        reply = await game.client.post(Data[TradeReply], template, json=body, may_send=may_trade, ship=ship.symbol)
    except EffectUnknown as unknown:
        return Unknown(str(unknown))
    except GameError as refused:
        return Refused(refused)
    trade = reply.data
    transaction = trade.transaction.of(Operation.BUY if buys else Operation.SELL)
    return Done(trade.cargo.of(ship), transaction, trade.agent.credits)
