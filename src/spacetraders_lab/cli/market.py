"""`spacetraders market list|spreads|history`: what is known of markets. Moves no ship."""

from spacetraders_lab.cli import render
from spacetraders_lab.cli.seen import seen_in
from spacetraders_lab.cli.settings import Json
from spacetraders_lab.core.bounds import MOST_ROWS, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.lanes import Lane, best_lanes
from spacetraders_lab.core.market import Listing, TradeGood
from spacetraders_lab.core.waypoint import checked_system, system_of

HEADINGS = ["good", "type", "supply", "activity", "volume", "ask", "bid"]
NUMBERS = ["volume", "ask", "bid"]


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
        render.print_json(
            [{"waypoint": x.waypoint, "age_minutes": round(age, 1)} | json_of(x.good) for x, age in found]
        )
        return
    render.print_table(
        ["waypoint", *HEADINGS, "age"],
        [(x.waypoint, *row_of(x.good), _age(age)) for x, age in found],
        right=[*NUMBERS, "age"],
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
        render.print_json([{"observed_at": x.observed_at.isoformat()} | json_of(x.good) for x, _ in found])
        return
    render.print_table(
        ["seen", "age", *HEADINGS[1:]],
        [(f"{x.observed_at:%m-%d %H:%M:%S}", _age(age), *row_of(x.good)[1:]) for x, age in found],
        right=["age", *NUMBERS],
    )


def _known(system: str) -> list[tuple[Listing, float]]:
    """The newest prices known of a system, with their ages; raises UserError where none are."""
    found = seen_in(system, lambda world, universe: world.latest_listings(universe, system))
    if not found:
        raise UserError(f"no market data for {system}; scout it first: spacetraders market scout --system {system}")
    return found


def _age(minutes: float) -> str:
    """95m, 26h, 12d: in few columns, for the table of a long name hardly fits a terminal's 80."""
    if minutes < 99.5:
        return f"{minutes:.0f}m"
    return f"{minutes / 60:.0f}h" if minutes < 72 * 60 else f"{minutes / 1440:.0f}d"


def row_of(good: TradeGood) -> tuple[object, ...]:
    """A listing as a row under `HEADINGS`."""
    return (
        good.symbol,
        good.type,
        good.supply,
        good.activity or "-",
        good.trade_volume,
        good.purchase_price,
        good.sell_price,
    )


def json_of(good: TradeGood) -> dict[str, object]:
    """A listing as plain JSON."""
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
