"""`spacetraders quote` and `spacetraders advise`: what measured markets say about trades to come. Needs no network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from sqlalchemy import Connection

from spacetraders_lab.analysis import advice
from spacetraders_lab.analysis.advice import Forecast, Trip
from spacetraders_lab.analysis.displaced import own_trades
from spacetraders_lab.analysis.evidence import Evidence, evidence_of
from spacetraders_lab.analysis.pace import PaceGround, pace_ground, resilience_of
from spacetraders_lab.analysis.recovery import RESTED_SECONDS
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.cli import render
from spacetraders_lab.cli.found import STEPS, Found, find
from spacetraders_lab.cli.settings import Json, database, settings
from spacetraders_lab.cli.waiting import steps
from spacetraders_lab.core.bounds import MOST_MINUTES, above_zero, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Listing, Operation
from spacetraders_lab.core.planning import REQUESTS_PER_FLIGHT
from spacetraders_lab.core.travel import FUEL_PER_MARKET_UNIT, FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.core.waypoint import system_of
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import summarise_runs
from spacetraders_lab.store.world import World

Side = Literal["buy", "sell"]
Good = Annotated[str, Parameter(help="The good.")]

_HAULER_SPEED = 15
_MOST_UNITS = 100_000  # each transaction of them is a line
_MOST_VISITS = 10_000
_MOST_SPEED = 1_000_000
_OLD_MINUTES = 60  # two ticks of the game's markets
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
    within("--units", units, 1, _MOST_UNITS)
    with _known(good, at) as known:
        evidence = known.evidence(at, Operation[side.upper()])
        found = advice.quote(evidence.curve, units)
        best = advice.best_slice(evidence.curve, units)
        unrest, over = known.unrest(at), known.over()
    if json:
        render.print_json(
            asdict(found) | {"best_slice": best, "grounds": _grounds_json(evidence), "universe_over": bool(over)}
        )
        return
    rows = [
        (str(number), part.units, _range(part.price, 1), _range(part.credits))
        for number, part in enumerate(found.parts, 1)
    ]
    total = ("total", found.units, _range(found.average, 1), _range(found.total))
    render.print_table(
        ["", "units", "credits a unit", "credits"], [*rows, total], right=["units", "credits a unit", "credits"]
    )
    print(f"\nCompared with the first quote for every unit: {found.premium_percent.value:+z.1f} %")
    if best < 1:
        print(f"Impact grows faster than size here: trade {best:g} tradeVolumes at a time instead.")
    _print_warnings(unrest)
    _print_grounds(known.good, at, evidence)
    _print_warnings(over)


def lane(
    good: Good,
    *,
    origin: Annotated[str, Parameter(name="--from")],
    to: str,
    hold: int,
    speed: int = _HAULER_SPEED,
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
    if origin.upper() == to.upper():
        raise UserError("--from and --to are the same market; a lane needs two")
    within("--hold", hold, 1, _MOST_UNITS)
    within("--speed", speed, 1, _MOST_SPEED)
    with _known(good, origin, to) as known:
        buying, selling = known.evidence(origin, Operation.BUY), known.evidence(to, Operation.SELL, seed=1)
        here, there = known.resilience(origin, Operation.BUY), known.resilience(to, Operation.SELL, seed=1)
        ends = (here, there) if here is not None and there is not None else None
        trip = known.trip(origin, to, speed)
        found = advice.lane(buying.curve, selling.curve, hold, trip, ends)
        paces = known.pace(origin, Operation.BUY), known.pace(to, Operation.SELL)
        unrest, over = [known.unrest(market) for market in (origin, to)], known.over()
    if json:
        grounds = {"buy": _grounds_json(buying, paces[0]), "sell": _grounds_json(selling, paces[1])}
        rest = {"trip": asdict(trip), "grounds": grounds, "universe_over": bool(over)}
        render.print_json(asdict(found) | rest)
        return
    _print_lane(found, trip, ends is not None)
    if found.kept_up is not None:
        _print_warnings(*unrest)
    _print_grounds(known.good, origin, buying, paces[0] if ends else None)
    _print_grounds(known.good, to, selling, paces[1] if ends else None)
    _print_warnings(over)


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
    within("--units", units, 1, _MOST_UNITS)
    within("--visits", visits, 1, _MOST_VISITS)
    above_zero("--every", every, MOST_MINUTES)
    operation = Operation[side.upper()]
    with _known(good, at) as known:
        evidence, resilience = known.evidence(at, operation), known.resilience(at, operation)
        pace, unrest, over = known.pace(at, operation), known.unrest(at), known.over()
    if resilience is None:
        raise UserError(_NO_RECOVERY.replace("\n", " "))
    pieces = advice.split(units, visits, float(np.median(resilience.share_left(every))))
    plans = {"split": pieces, "equal": advice.split(units, visits, 0.0), "at once": [units]}
    costs = {name: advice.split_cost(evidence.curve, plan, every, resilience) for name, plan in plans.items()}
    if json:
        found = {name: {"units": plans[name], "credits": asdict(costs[name])} for name in plans}
        render.print_json(found | {"grounds": _grounds_json(evidence, pace), "universe_over": bool(over)})
        return
    render.print_table(
        ["", "units a visit", "credits"],
        [(name, " ".join(map(str, plan)), _range(costs[name])) for name, plan in plans.items()],
        right=["credits"],
    )
    _print_warnings(unrest)
    _print_grounds(known.good, at, evidence, pace)
    _print_warnings(over)


_NO_RECOVERY = (
    "how fast this market recovers was not measured.\nTo measure it:"
    " experiment liquidity --design recovery --system <SYSTEM> --ships <SHIPS>,\n"
    "or let a probe read the market after trades:"
    " market scout --system <SYSTEM> --ships <PROBE> --watch"
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database holds on one good at some markets, and what all runs of their universe found."""

    good: str
    connection: Connection
    universe_id: int
    found: Found
    now: datetime

    def listing(self, market: str) -> Listing:
        found = World(self.connection).history(self.universe_id, market.upper(), self.good, most=1)
        if not found:
            raise UserError(
                f"{self.good} was never seen at {market.upper()}: send a ship there, then"
                f" `spacetraders market get {market.upper()}`"
            )
        return found[0]

    def evidence(self, market: str, side: Operation, seed: int = 0) -> Evidence:
        listing = self.listing(market)
        age = self.found.time.minutes(listing.observed_at, self.now)
        trades = own_trades(self.found.data, (market.upper(), self.good), self._seconds(listing.observed_at))
        return evidence_of(self.found.findings, listing, side, age_minutes=age, trades=trades, seed=seed)

    def resilience(self, market: str, side: Operation, seed: int = 0) -> Resilience | None:
        return resilience_of(self.found.findings.recovery, self.listing(market), side, seed=seed)

    def pace(self, market: str, side: Operation) -> PaceGround:
        return pace_ground(self.found.findings.recovery, self.listing(market), side)

    def unrest(self, market: str) -> str:
        """A warning where our trades may not have let the quotes come to rest; empty where they have."""
        data, listing = self.found.data, (market.upper(), self.good)
        if listing not in data.unit_names:
            return ""
        last = data.time[data.unit == data.unit_names.index(listing)].max()
        since = self._seconds(self.now) - last
        if since >= RESTED_SECONDS:
            return ""
        return f"You traded {self.good} at {market.upper()} {_age(since / 60)} ago: its quotes may still be recovering."

    def over(self) -> str:
        """A warning where the universe that all this is about is known to be over; empty where it is not."""
        world = World(self.connection)
        newer = world.successor(self.universe_id)
        if newer is None:
            return ""
        its = world.universe(self.universe_id).reset_date
        return f"All this is about the universe of {its}, which is over: that of {newer.reset_date} has begun since."

    def _seconds(self, hour: datetime) -> float:
        """The game's hour for the clock's, in seconds since 1970."""
        return float(self.found.time.of([hour]).astype("int64")[0]) / 1e6

    def trip(self, origin: str, target: str, speed: int) -> Trip:
        """There and back on CRUISE, fuel bought at the cheapest quote known of the two markets (None: none known)."""
        world, system = World(self.connection), system_of(origin.upper())
        places = {place.symbol: place for place in world.waypoints(self.universe_id, system)}
        try:
            a, b = places[origin.upper()], places[target.upper()]
        except KeyError as missing:
            raise UserError(
                f"{missing.args[0]} is not charted in {system}; scout it: spacetraders market scout --system {system}"
            ) from None
        apart = distance(a.x, a.y, b.x, b.y)
        fuel = [
            seen.good.purchase_price
            for place in (a, b)
            for seen in world.history(self.universe_id, place.symbol, "FUEL", most=1)
        ]
        burned = 2 * fuel_cost(apart, FlightMode.CRUISE) / FUEL_PER_MARKET_UNIT
        return Trip(
            minutes=2 * travel_seconds(apart, speed, FlightMode.CRUISE) / 60,
            fuel=burned * min(fuel) if fuel else None,
            requests=2 * (REQUESTS_PER_FLIGHT + 1) + (1 if fuel else 0),  # flights, a market read each, refuelling
        )


@contextmanager
def _known(good: str, *markets: str) -> Iterator[_Known]:
    system, *others = {system_of(market.upper()): None for market in markets}
    if others:
        raise UserError(f"{', '.join(markets)} lie in several systems; trade between systems is not measured")
    with database() as opened:
        universe_id, found = _find(opened, system)
        with opened.reading() as connection:
            yield _Known(good.upper(), connection, universe_id, found, SystemClock().now())


def _find(opened: Database, system: str) -> tuple[int, Found]:
    """What all runs found together in the universe in which the system's prices were seen last."""
    base_url = settings().base_url
    with opened.reading() as connection:
        universe_id = World(connection).last_universe(base_url, system)
        if universe_id is None:
            raise UserError(
                f"no price of {system} was ever seen at {base_url}; scout it first:"
                f" spacetraders market scout --system {system}"
            )
        traded = {run.run_id for run in summarise_runs(connection) if run.transactions}
        runs = [
            run.run_id
            for run in ExperimentRepository(connection).list_runs()
            if run.universe_id == universe_id and run.run_id in traded
        ]
    if not runs:
        raise UserError(
            f"no experiment has traded in this universe of {base_url} yet, so nothing can be predicted; run one:"
            " spacetraders experiment liquidity"
        )
    with steps(*STEPS) as done:
        return universe_id, find(opened, runs, done)


def _print_lane(found: advice.LaneAdvice, trip: Trip, recovery_known: bool) -> None:
    ways = {"one visit now": found.once, "kept up for a week": found.kept_up}
    known = {name: way for name, way in ways.items() if way is not None}
    if not known:
        print("This lane loses credits from its first unit on.")
    rows: list[tuple[str, list[str]]] = [
        ("units a visit", [str(way.units) for way in known.values()]),
        ("every", ["once" if way is found.once else f"{way.minutes:.0f} min" for way in known.values()]),
        ("credits a trip", [_range(way.profit) for way in known.values()]),
        ("credits an hour", [_range(way.profit_an_hour) for way in known.values()]),
        ("credits a request", [_range(way.profit_a_request) for way in known.values()]),
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
        print(f"No cadence can be advised: {_NO_RECOVERY}")
    elif found.once is not None and found.kept_up is None:
        print("No cadence is profitable over a week: the quotes recover too little between trips.")
    elif found.kept_up is not None:
        print("Kept up, trips carry only units that still earn something; credits are averages over a week.")


def _range(forecast: Forecast, places: int = 0) -> str:
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


def _print_grounds(good: str, market: str, evidence: Evidence, pace: PaceGround | None = None) -> None:
    markets = "1 market" if evidence.markets == 1 else f"{evidence.markets} markets"
    print(f"{good} at {market.upper()}: quote read {_age(evidence.age_minutes)} ago")
    print(f"  Based on {evidence.ground}")
    print(f"  (form: {evidence.form.value}; {evidence.trades} trades at {markets})")
    if pace is not None:
        print(f"  Recovery by {pace}")
    if abs(evidence.gone_back) >= _LEAST_TOLD:
        back = abs(evidence.gone_back)
        print(f"  Your trades had moved this quote; {back:.1f} tradeVolumes of that are assumed to have recovered.")
    if not evidence.is_return_known:
        print("  How fast it recovers was not measured, so the ranges cover anything from none to all of it.")
    if evidence.age_minutes > _OLD_MINUTES:
        quotes = evidence.curve.quote
        wide = "the ranges allow for it" if quotes.max() > quotes.min() else "the ranges do not allow for it"
        print(f"  The quote is old ({wide}); read it again: spacetraders market get {market.upper()}")


def _print_warnings(*said: str) -> None:
    for line in filter(None, said):
        print(line)


def _grounds_json(evidence: Evidence, pace: PaceGround | None = None) -> dict[str, object]:
    return {
        "ground": evidence.ground,
        "form": evidence.form,
        "trades": evidence.trades,
        "markets": evidence.markets,
        "quote": float(evidence.curve.central().quote[0]),
        "age_minutes": round(evidence.age_minutes, 1),
        "gone_back_trade_volumes": round(evidence.gone_back, 2),
        "return_known": evidence.is_return_known,
    } | ({} if pace is None else {"pace": pace})


def _age(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 72 * 60 else f"{minutes / 1440:.0f} days"
