"""`spacetraders market ...`: see prices."""

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import Json, symbols, with_lab
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import TradeGood
from spacetraders_lab.core.waypoint import checked_system, system_of
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.run.scout import scout as scout_system
from spacetraders_lab.store.world import World

_HEADINGS = ["good", "type", "supply", "activity", "volume", "ask", "bid"]
_RIGHT = ["volume", "ask", "bid"]


def scout(*, system: str, ships: str) -> None:
    """Visit every market of a system with the ships given and keep what they quote.

    Parameters
    ----------
    system:
        The system to scout.
    ships:
        Ships to use, separated by commas; probes fly without fuel.
    """
    chosen, fleet = checked_system(system.upper()), symbols(ships, "--ships")

    async def go(lab: Lab) -> int:
        with render.progress_bar() as progress:
            task = progress.add_task("markets", total=None)
            return await scout_system(
                lab, chosen, fleet, visited=lambda _, done, total: progress.update(task, completed=done, total=total)
            )

    print(f"Scouted {with_lab(go)} markets of {chosen}.")


def list_markets(*, system: str, good: str | None = None, json: Json = False) -> None:
    """List the newest prices known of a system.

    Parameters
    ----------
    system:
        The system.
    good:
        Only this good.
    """
    chosen = checked_system(system.upper())

    async def go(lab: Lab) -> list[tuple[str, TradeGood, float]]:
        listings = await lab.read(lambda c: World(c).latest_listings(lab.universe_id, chosen))
        speed = lab.game.client.speed
        return [
            (x.waypoint, x.good, (lab.clock.now() - x.observed_at).total_seconds() * speed / 60)
            for x in listings
            if good is None or x.good.symbol == good.upper()
        ]

    found = with_lab(go)
    if not found:
        raise UserError(f"no market data for {chosen}; scout it first: spacetraders market scout --system {chosen}")
    if json:
        render.print_json([{"waypoint": place, "age_minutes": round(age, 1)} | _json(g) for place, g, age in found])
        return
    render.print_table(
        ["waypoint", *_HEADINGS, "age min"],
        [(place, *_row(g), f"{age:.0f}") for place, g, age in found],
        right=[*_RIGHT, "age min"],
    )


def get(waypoint: str, *, json: Json = False) -> None:
    """Read one market now and keep what it quotes.

    Parameters
    ----------
    waypoint:
        The market.
    """
    system_of(waypoint.upper())
    snapshot = with_lab(lambda lab: read_market(lab, waypoint.upper(), "manual"))
    goods = [snapshot.goods[symbol] for symbol in sorted(snapshot.goods)]
    if json:
        render.print_json(
            {
                "waypoint": snapshot.waypoint,
                "imports": snapshot.imports,
                "exports": snapshot.exports,
                "exchange": snapshot.exchange,
                "goods": [_json(g) for g in goods],
            }
        )
    elif goods:
        render.print_table(_HEADINGS, map(_row, goods), right=_RIGHT)
    else:
        trades = ", ".join(snapshot.listed) or "nothing"
        print(f"{snapshot.waypoint} trades {trades}; its prices show only to a ship there")


def _row(good: TradeGood) -> tuple[object, ...]:
    return (
        good.symbol,
        good.type,
        good.supply,
        good.activity or "-",
        good.trade_volume,
        good.purchase_price,
        good.sell_price,
    )


def _json(good: TradeGood) -> dict[str, object]:
    return {
        "good": good.symbol,
        "type": good.type,
        "supply": good.supply,
        "activity": good.activity,
        "trade_volume": good.trade_volume,
        "purchase_price": good.purchase_price,
        "sell_price": good.sell_price,
    }
