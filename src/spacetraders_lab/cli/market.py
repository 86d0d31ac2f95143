"""`spacetraders market ...`: see prices."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.seen import seen_in
from spacetraders_lab.cli.settings import Json, symbols
from spacetraders_lab.cli.stop import stop_on_signals
from spacetraders_lab.core.bounds import MOST_AGE, MOST_ROWS, above_zero, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.lanes import Lane, best_lanes
from spacetraders_lab.core.market import Listing, TradeGood
from spacetraders_lab.core.waypoint import checked_system, system_of
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.effects import read_market
from spacetraders_lab.run.scout import follow, plan_scouting
from spacetraders_lab.run.watch import watch as keep_watch

_HEADINGS = ["good", "type", "supply", "activity", "volume", "ask", "bid"]
_RIGHT = ["volume", "ask", "bid"]
_MOST_REQUESTS_PER_MINUTE = 1_000_000  # a sandbox allows many, as it plays many minutes a minute


def scout(
    *,
    system: str,
    ships: str | None = None,
    max_age: int = 15,
    watch: Annotated[bool, Parameter(negative="")] = False,
    requests_per_minute: float = 20.0,
) -> None:
    """Visit every market of a system and keep what they quote.

    Parameters
    ----------
    system:
        The system to scout.
    ships:
        Ships to use, separated by commas; probes need no fuel [default: all of yours there that no run uses].
    max_age:
        Skip markets that were read within this many minutes; 0 reads them all.
    watch:
        Keep reading until Ctrl-C, the stalest and most valuable markets first.
    requests_per_minute:
        The most requests per minute that --watch may make.
    """
    chosen, named = checked_system(system.upper()), symbols(ships, "--ships") if ships is not None else ()
    within("--max-age", max_age, 0, MOST_AGE)
    above_zero("--requests-per-minute", requests_per_minute, _MOST_REQUESTS_PER_MINUTE)

    async def go(lab: Lab) -> int:
        plan = await plan_scouting(lab, chosen, named, max_age=timedelta(minutes=max_age))
        render.print_scouting(plan)
        with render.progress_bar() as progress:
            task = progress.add_task("markets", total=plan.markets)
            read = await follow(lab, plan, visited=lambda _, done, __: progress.update(task, completed=done))
        if watch:
            print(f"Scouted {read} markets of {chosen}; watching until Ctrl-C.", flush=True)
            return await _watch(lab, chosen, [ship.symbol for ship in plan.ships], requests_per_minute)
        return read

    print(f"{'Read' if watch else 'Scouted'} {with_lab(go)} markets of {chosen}.")


async def _watch(lab: Lab, system: str, ships: Sequence[str], requests_per_minute: float) -> int:
    with stop_on_signals("Stopping") as stop, render.progress_bar() as progress:
        task = progress.add_task("readings", total=None)
        return await keep_watch(
            lab,
            system,
            ships,
            stop,
            requests_per_minute=requests_per_minute,
            visited=lambda _, readings: progress.update(task, completed=readings),
        )


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

    known = _known(chosen)
    found = [(listing, age) for listing, age in known if good is None or listing.good.symbol == good.upper()]
    if good is not None and not found:
        traded = ", ".join(sorted({listing.good.symbol for listing, _ in known}))
        raise UserError(f"no market of {chosen} that was seen trades {good.upper()}; they trade {traded}")
    if json:
        render.print_json([{"waypoint": x.waypoint, "age_minutes": round(age, 1)} | _json(x.good) for x, age in found])
        return
    render.print_table(
        ["waypoint", *_HEADINGS, "age"],
        [(x.waypoint, *_row(x.good), _age(age)) for x, age in found],
        right=[*_RIGHT, "age"],
    )


def spreads(*, system: str, json: Json = False) -> None:
    """List the best lane of each good by the newest prices known, the most profitable transaction first.

    Parameters
    ----------
    system:
        The system.
    """
    chosen = checked_system(system.upper())
    found = _known(chosen)
    ages = {(listing.waypoint, listing.good.symbol): age for listing, age in found}
    lanes = [
        (lane, max(ages[lane.source.waypoint, lane.good], ages[lane.target.waypoint, lane.good]))
        for lane in best_lanes(listing for listing, _ in found)
    ]
    if json:
        render.print_json([_lane_json(lane) | {"age_minutes": round(age, 1)} for lane, age in lanes])
        return
    if not lanes:
        print(f"No good was seen at two markets of {chosen}, so there is no lane.")
        return
    render.print_table(
        ["good", "buy at", "ask", "sell at", "bid", "spread", "units", "natural", "age"],
        [
            (
                lane.good,
                lane.source.waypoint,
                lane.source.good.purchase_price,
                lane.target.waypoint,
                lane.target.good.sell_price,
                lane.spread,
                lane.units_a_visit,
                "yes" if lane.is_natural else "no",
                _age(age),
            )
            for lane, age in lanes
        ],
        right=["ask", "bid", "spread", "units", "age"],
    )


def history(waypoint: str, good: str, *, most: int = 20, json: Json = False) -> None:
    """List what was seen of one listing, the newest last.

    Parameters
    ----------
    waypoint:
        The market.
    good:
        The good.
    most:
        Show at most this many records.
    """
    place, symbol = waypoint.upper(), good.upper()
    system = system_of(place)
    within("--most", most, 1, MOST_ROWS)
    found = seen_in(system, lambda world, universe: world.history(universe, place, symbol, most=most))
    if not found:
        raise UserError(f"{symbol} was never seen at {place}; read it there: spacetraders market get {place}")
    if json:
        render.print_json([{"observed_at": x.observed_at.isoformat()} | _json(x.good) for x, _ in found])
        return
    render.print_table(
        ["seen", "age", *_HEADINGS[1:]],
        [(f"{x.observed_at:%m-%d %H:%M:%S}", _age(age), *_row(x.good)[1:]) for x, age in found],
        right=["age", *_RIGHT],
    )


def _known(system: str) -> list[tuple[Listing, float]]:
    """The newest prices known of a system, with their ages; raises UserError where none are."""
    found = seen_in(system, lambda world, universe: world.latest_listings(universe, system))
    if not found:
        raise UserError(f"no market data for {system}; scout it first: spacetraders market scout --system {system}")
    return found


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


def _age(minutes: float) -> str:
    """95m, 26h, 12d: in few columns, for the table of a long name hardly fits a terminal's 80."""
    if minutes < 99.5:
        return f"{minutes:.0f}m"
    return f"{minutes / 60:.0f}h" if minutes < 72 * 60 else f"{minutes / 1440:.0f}d"


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


def _lane_json(lane: Lane) -> dict[str, object]:
    return {
        "good": lane.good,
        "buy_at": lane.source.waypoint,
        "purchase_price": lane.source.good.purchase_price,
        "sell_at": lane.target.waypoint,
        "sell_price": lane.target.good.sell_price,
        "spread": lane.spread,
        "units_a_visit": lane.units_a_visit,
        "natural": lane.is_natural,
    }
