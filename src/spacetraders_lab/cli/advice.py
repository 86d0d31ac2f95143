"""`spacetraders quote` and `spacetraders advise`: what measured markets say about trades to come. Needs no network."""

from dataclasses import asdict
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter

from spacetraders_lab.analysis import advice
from spacetraders_lab.analysis.advice import Forecast, LaneAdvice, Trip
from spacetraders_lab.analysis.keeping_up import Ends
from spacetraders_lab.cli import render
from spacetraders_lab.cli.known import End, age_of, known
from spacetraders_lab.cli.settings import Json
from spacetraders_lab.core.bounds import MOST_MINUTES, above_zero, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Operation

Side = Literal["buy", "sell"]
Good = Annotated[str, Parameter(help="The good.")]

HAULER_SPEED = 15
MOST_UNITS = 100_000  # each transaction of them is a line
_MOST_VISITS = 10_000
MOST_SPEED = 1_000_000
OLD_MINUTES = 60  # two ticks of the game's markets
_LEAST_TOLD = 0.05  # tradeVolumes


def quote(good: Good, *, at: str, side: Side, units: int, json: Json = False) -> None:
    """Predict what units of a good will cost or bring, transaction by transaction, with nobody else trading.

    Ranges hold nine cases in ten.

    Parameters
    ----------
    at:
        The market.
    side:
        Whether you buy or sell.
    units:
        How many units.
    """
    within("--units", units, 1, MOST_UNITS)
    with known(at.upper()) as of:
        end, over = of.end(at.upper(), good.upper(), Operation[side.upper()]), of.over()
    found = advice.quote(end.evidence.curve, units)
    best = advice.best_slice(end.evidence.curve, units)
    if json:
        rest = {"best_slice": best, "grounds": _grounds_json(end), "universe_over": bool(over)}
        render.print_json(asdict(found) | rest)
        return
    rows = [
        (str(number), part.units, in_range(part.price, 1), in_range(part.credits))
        for number, part in enumerate(found.parts, 1)
    ]
    total = ("total", found.units, in_range(found.average, 1), in_range(found.total))
    render.print_table(
        ["", "units", "credits a unit", "credits"], [*rows, total], right=["units", "credits a unit", "credits"]
    )
    print(f"\nCompared with the first quote for every unit: {found.premium_percent.value:+z.1f} %")
    if best < 1:
        print(f"Impact grows faster than size here: trade {best:g} tradeVolumes at a time instead.")
    print_warnings(end.unrest)
    _print_grounds(end, with_pace=False)
    print_warnings(over)


def lane(
    good: Good,
    *,
    origin: Annotated[str, Parameter(name="--from")],
    to: str,
    hold: int,
    speed: int = HAULER_SPEED,
    json: Json = False,
) -> None:
    """Say how many units a visit to trade on a lane, how often, and what it earns.

    Parameters
    ----------
    origin:
        The market to buy at.
    to:
        The market to sell at.
    hold:
        The ship's cargo capacity.
    speed:
        The ship's engine speed.
    """
    here, there = origin.upper(), to.upper()
    if here == there:
        raise UserError("--from and --to are the same market; a lane needs two")
    within("--hold", hold, 1, MOST_UNITS)
    within("--speed", speed, 1, MOST_SPEED)
    with known(here, there) as of:
        buy, sell = of.end(here, good.upper(), Operation.BUY), of.end(there, good.upper(), Operation.SELL)
        trip, over = of.trip(here, there, speed), of.over()
    found = advice.lane(buy.evidence.curve, sell.evidence.curve, hold, trip, ends_of(buy, sell))
    if json:
        render.print_json(lane_json(found, trip, buy, sell) | {"universe_over": bool(over)})
        return
    _print_lane(found, trip, ends_of(buy, sell) is not None)
    if found.kept_up is not None:
        print_warnings(buy.unrest, sell.unrest)
    for end in (buy, sell):
        _print_grounds(end, with_pace=ends_of(buy, sell) is not None)
    print_warnings(over)


def split(good: Good, *, at: str, side: Side, units: int, visits: int, every: float, json: Json = False) -> None:
    """Split a quantity over visits so that the market recovers in between.

    Parameters
    ----------
    at:
        The market.
    side:
        Whether you buy or sell.
    units:
        How many units in all.
    visits:
        How many visits.
    every:
        Minutes between visits.
    """
    within("--units", units, 1, MOST_UNITS)
    within("--visits", visits, 1, _MOST_VISITS)
    above_zero("--every", every, MOST_MINUTES)
    with known(at.upper()) as of:
        end, over = of.end(at.upper(), good.upper(), Operation[side.upper()]), of.over()
    if end.resilience is None:
        raise UserError(NO_RECOVERY.replace("\n", " "))
    curve, resilience = end.evidence.curve, end.resilience
    pieces = advice.split(units, visits, float(np.median(resilience.share_left(every))))
    plans = {"split": pieces, "equal": advice.split(units, visits, 0.0), "at once": [units]}
    costs = {name: advice.split_cost(curve, plan, every, resilience) for name, plan in plans.items()}
    if json:
        found = {name: {"units": plans[name], "credits": asdict(costs[name])} for name in plans}
        render.print_json(found | {"grounds": _grounds_json(end), "universe_over": bool(over)})
        return
    render.print_table(
        ["", "units a visit", "credits"],
        [(name, " ".join(map(str, plan)), in_range(costs[name])) for name, plan in plans.items()],
        right=["credits"],
    )
    print_warnings(end.unrest)
    _print_grounds(end)
    print_warnings(over)


NO_RECOVERY = (
    "how fast this market recovers was not measured.\nTo measure it:"
    " experiment liquidity --design recovery --system <SYSTEM> --ships <SHIPS>,\n"
    "or let a probe read the market after trades:"
    " market scout --system <SYSTEM> --ships <PROBE> --watch"
)


def _print_lane(found: advice.LaneAdvice, trip: Trip, recovery_known: bool) -> None:
    ways = {"one visit now": found.once, "kept up for a week": found.kept_up}
    known = {name: way for name, way in ways.items() if way is not None}
    if not known:
        print("This lane loses credits from its first unit on.")
    rows: list[tuple[str, list[str]]] = [
        ("units a visit", [str(way.units) for way in known.values()]),
        ("every", ["once" if way is found.once else f"{way.minutes:.0f} min" for way in known.values()]),
        ("credits a trip", [in_range(way.profit) for way in known.values()]),
        ("credits an hour", [in_range(way.profit_an_hour) for way in known.values()]),
        ("credits a request", [in_range(way.profit_a_request) for way in known.values()]),
        ("requests a trip", [str(way.requests) for way in known.values()]),
    ]
    if known:
        render.print_table(["", *known], [(name, *cells) for name, cells in rows], right=list(known))
    if trip.fuel is None:
        print(
            f"\nThe round trip takes {trip.minutes:.0f} minutes of flight; fuel is not counted: its price is not known."
        )
    else:
        print(f"\nThe round trip takes {trip.minutes:.0f} minutes of flight and {trip.fuel:,.0f} credits of fuel.")
    if found.absorbed_an_hour is not None:
        print(f"The markets absorb {found.absorbed_an_hour:.0f} units per hour without moving further.")
    if found.once is not None and not recovery_known:
        print(f"No cadence can be advised: {NO_RECOVERY}")
    elif found.once is not None and found.kept_up is None:
        print("No cadence is profitable over a week: the quotes recover too little between trips.")
    elif found.kept_up is not None:
        print("Kept up, trips carry only units that still earn something; credits are averages over a week.")


def ends_of(buy: End, sell: End) -> Ends | None:
    """How both ends of a lane come back; None where it was not measured of one of them."""
    return None if buy.resilience is None or sell.resilience is None else (buy.resilience, sell.resilience)


def lane_json(found: LaneAdvice, trip: Trip, buy: End, sell: End) -> dict[str, object]:
    """The advice on a lane with its grounds."""
    grounds = {"buy": _grounds_json(buy), "sell": _grounds_json(sell)}
    return asdict(found) | {"trip": asdict(trip), "grounds": grounds}


def in_range(forecast: Forecast, places: int = 0) -> str:
    """The figure, and in brackets where nine in ten lie."""
    amounts = (forecast.value, forecast.low, forecast.high)
    in_full = [f"{amount:z,.{places}f}" for amount in amounts]
    if in_full[1] == in_full[2]:
        return _credits(forecast.value, places)
    value, low, high = (_credits(amount, places) for amount in amounts)
    if low == high:  # millions to two places would hide up to 10,000 credits
        value, low, high = in_full
    return f"{value} ({low} to {high})"


def _credits(amount: float, places: int) -> str:
    return f"{amount / 1e6:,.2f}M" if abs(amount) >= 1e6 else f"{amount:,.{places}f}"


def _print_grounds(end: End, *, with_pace: bool = True) -> None:
    evidence = end.evidence
    markets = "1 market" if evidence.markets == 1 else f"{evidence.markets} markets"
    print(f"{end.good} at {end.market}: quote read {age_of(evidence.age_minutes)} ago")
    print(f"  Based on {evidence.ground}")
    print(f"  (form: {evidence.form.value}; {evidence.trades} trades at {markets})")
    if with_pace:
        print(f"  Recovery by {end.pace}")
    if abs(evidence.gone_back) >= _LEAST_TOLD:
        back = abs(evidence.gone_back)
        print(f"  Your trades had moved this quote; {back:.1f} tradeVolumes of that are assumed to have recovered.")
    if not evidence.is_return_known:
        print("  How fast it recovers was not measured, so the ranges cover anything from none to all of it.")
    if evidence.age_minutes > OLD_MINUTES:
        quotes = evidence.curve.quote
        wide = "the ranges allow for it" if quotes.max() > quotes.min() else "the ranges do not allow for it"
        print(f"  The quote is old ({wide}); read it again: spacetraders market get {end.market}")


def print_warnings(*said: str) -> None:
    """Those that say anything."""
    for line in filter(None, said):
        print(line)


def _grounds_json(end: End) -> dict[str, object]:
    evidence = end.evidence
    return {
        "ground": evidence.ground,
        "form": evidence.form,
        "trades": evidence.trades,
        "markets": evidence.markets,
        "quote": float(evidence.curve.central().quote[0]),
        "age_minutes": round(evidence.age_minutes, 1),
        "gone_back_trade_volumes": round(evidence.gone_back, 2),
        "return_known": evidence.is_return_known,
        "pace": end.pace,
    }
