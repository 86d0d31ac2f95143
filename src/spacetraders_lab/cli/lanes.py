"""`spacetraders advise lanes`: where to send a ship. Every figure is what `advise lane` says of that lane."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations

from spacetraders_lab.analysis.advice import Cadence, LaneAdvice
from spacetraders_lab.analysis.own_constant import Ground
from spacetraders_lab.analysis.pace import PaceGround
from spacetraders_lab.analysis.ranking import LaneEnd, PossibleLane, rank
from spacetraders_lab.cli import render
from spacetraders_lab.cli.advice import (
    HAULER_SPEED,
    MOST_SPEED,
    MOST_UNITS,
    OLD_MINUTES,
    lane_json,
    print_warnings,
)
from spacetraders_lab.cli.known import End, Known, known_of
from spacetraders_lab.cli.settings import Json
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.analysis_plan import LOWEST_QUOTE
from spacetraders_lab.core.bounds import within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Operation

_SHOWN = 10


_HEADINGS = ["good", "buy at", "sell at", "an hour", "range", "units", "min", ""]
_Found = tuple[End, LaneEnd]


class Missing(StrEnum):
    """Why a lane is not among those told, the first reason first, and what would help."""

    PRICE = "a price was never seen; read it: spacetraders market scout --system <SYSTEM>"
    PLACE = "a market is not charted; chart it: spacetraders market scout --system <SYSTEM>"
    FLOOR = "the ask is at its floor, which hides when it will rise"
    LOSS = "not all of it was measured, but at the quotes last seen one unit loses"
    IMPACT = "nothing tells how a quote moves; measure it: spacetraders experiment liquidity"
    RECOVERY = "recovery was not measured: spacetraders experiment liquidity --design recovery"
    OLD = f"nothing is sure to be earned, and a quote is older than {OLD_MINUTES} minutes"
    IDLE = "kept up they earn nothing"
    LESS = "they earn less than these, if anything"


class Mark(StrEnum):
    """What is little known of a lane that is told."""

    IMPACT = "i  impact is known from other markets like it only"
    PACE = "p  recovery is known from other activities, or as a half-life only: it may be several times off"
    OLD = f"o  a quote is older than {OLD_MINUTES} minutes"
    MOVED = "m  you traded there not long ago: its quotes may still be recovering"
    FUEL = "f  fuel is not counted: its price is not known"


@dataclass(frozen=True, slots=True)
class _Lane:
    buy: End
    sell: End
    possible: PossibleLane

    @property
    def ends(self) -> tuple[End, End]:
        """Where one buys, and where one sells."""
        return self.buy, self.sell

    @property
    def asked(self) -> str:
        """What `advise lane` is to be asked for the whole of it."""
        return f"{self.buy.good} --from {self.buy.market} --to {self.sell.market}"

    def marks(self) -> Iterator[Mark]:
        if any(end.evidence.ground is Ground.CELL for end in self.ends):
            yield Mark.IMPACT
        if any(end.pace in (PaceGround.OTHERS, PaceGround.HALF_LIFE) for end in self.ends):
            yield Mark.PACE
        if any(end.evidence.age_minutes > OLD_MINUTES for end in self.ends):
            yield Mark.OLD
        if any(end.unrest or not end.evidence.is_return_known for end in self.ends):
            yield Mark.MOVED
        if self.possible.trip.fuel is None:
            yield Mark.FUEL

    def json(self, advice: LaneAdvice) -> dict[str, object]:
        """What `advise lane` says, and of which lane."""
        names = {"good": self.buy.good, "from": self.buy.market, "to": self.sell.market}
        marks = {"little_known": [mark.name.lower() for mark in self.marks()]}
        return names | marks | lane_json(advice, self.possible.trip, *self.ends)


def lanes(*, system: str, hold: int, speed: int = HAULER_SPEED, json: Json = False) -> None:
    """Rank the lanes of a system by what each earns an hour, kept up by itself for a week, and list the best ten.

    Parameters
    ----------
    system:
        The system.
    hold:
        The ship's cargo capacity.
    speed:
        The ship's engine speed.
    """
    within("--hold", hold, 1, MOST_UNITS)
    within("--speed", speed, 1, MOST_SPEED)
    with known_of(system.upper()) as of:
        told, missing = _possible(of, system.upper(), hold, speed)
        unread, over = of.unread(system.upper()), of.over()
    if not told:
        raise UserError(_nothing_known(system.upper(), missing))
    with progress_bar() as progress:
        task = progress.add_task("lanes", total=len(told))
        found = rank([each.possible for each in told], hold, _SHOWN, lambda: progress.advance(task))
    missing += Counter(Missing.OLD if Mark.OLD in told[place].marks() else Missing.IDLE for place in found.idle)
    missing += Counter({Missing.LESS: len(told) - len(found.idle) - len(found.best)})
    best = [(told[place], advice) for place, advice in found.best]
    if json:
        left_out = {reason.name.lower(): missing[reason] for reason in Missing} | {"markets_unread": unread}
        rows = [each.json(advice) for each, advice in best]
        render.print_json({"lanes": rows, "left_out": left_out, "universe_over": bool(over)})
        return
    if best:
        _print_best(best, f"--hold {hold} --speed {speed}")
    for reason, count in missing.most_common():
        print(f"{count:,} {'lane is' if count == 1 else 'lanes are'} not listed: {reason}")
    if unread:
        print(f"{unread} of its markets trade nobody knows what; read them: spacetraders market scout")
    print_warnings(over)


def _possible(of: Known, system: str, hold: int, speed: int) -> tuple[list[_Lane], Counter[Missing]]:
    """The lanes that `advise lane` can tell how to keep up, and how many it cannot, by reason."""
    trading = of.trading(system)
    told, missing = list[_Lane](), Counter[Missing]()
    with progress_bar() as progress:
        for good, markets in progress.track(trading.items(), description="goods"):
            buy, sell = (
                {market: _end(of, market, good, side, hold) for market in markets}
                for side in (Operation.BUY, Operation.SELL)
            )
            for origin, target in permutations(markets, 2):
                found = _lane(of, buy[origin], sell[target], speed)
                if isinstance(found, _Lane):
                    told.append(found)
                else:
                    missing[Missing.LOSS if _loses(of, good, origin, target) else found] += 1
    return told, missing


def _end(of: Known, market: str, good: str, side: Operation, hold: int) -> _Found | Missing:
    listing = of.listing(market, good)
    if listing is None:
        return Missing.PRICE
    if side is Operation.BUY and listing.good.purchase_price <= LOWEST_QUOTE:
        return Missing.FLOOR
    try:
        end = of.end(market, good, side)
    except UserError:
        return Missing.IMPACT
    if end.resilience is None:
        return Missing.RECOVERY
    return end, LaneEnd.of(end.evidence.curve, end.resilience, hold)


def _lane(of: Known, buy: _Found | Missing, sell: _Found | Missing, speed: int) -> _Lane | Missing:
    if isinstance(buy, Missing) or isinstance(sell, Missing):
        return min((end for end in (buy, sell) if isinstance(end, Missing)), key=list(Missing).index)
    try:
        trip = of.trip(buy[0].market, sell[0].market, speed)
    except UserError:
        return Missing.PLACE
    return _Lane(buy[0], sell[0], PossibleLane(buy[1], sell[1], trip))


def _loses(of: Known, good: str, origin: str, target: str) -> bool:
    """Whether a unit sells for no more than it costs, as seen last."""
    here, there = of.listing(origin, good), of.listing(target, good)
    return here is not None and there is not None and there.good.sell_price <= here.good.purchase_price


def _nothing_known(system: str, missing: Counter[Missing]) -> str:
    if not missing:
        return f"no good is known to be traded at two markets of {system}, so there is no lane"
    reason = max(missing, key=lambda reason: (reason is not Missing.LOSS, missing[reason]))
    return f"nothing can be said of any of the {missing.total():,} lanes of {system}; of {missing[reason]:,}, {reason}"


def _print_best(best: Sequence[tuple[_Lane, LaneAdvice]], flown: str) -> None:
    rows = [_row(each, advice.kept_up) for each, advice in best if advice.kept_up is not None]  # None is never ranked
    render.print_table(_HEADINGS, rows, right=_HEADINGS[3:7])
    print("\nCredits an hour of each lane kept up by itself for a week: so many units every so many minutes.")
    marks = {mark for each, _ in best for mark in each.marks()}
    print_warnings(*(f"  {mark}" for mark in Mark if mark in marks))
    if len({(end.market, end.good) for each, _ in best for end in each.ends}) < 2 * len(best):
        print("Lanes that buy, or sell, one good at one market share what it absorbs.")
    print(f"All about the first: spacetraders advise lane {best[0][0].asked} {flown}\n")


def _row(each: _Lane, way: Cadence) -> tuple[object, ...]:
    earned, marks = way.profit_an_hour, "".join(mark[0] for mark in each.marks())
    between = f"{earned.low:,.0f} to {earned.high:,.0f}"
    places = (each.buy.good, each.buy.market, each.sell.market)
    return *places, f"{earned.value:,.0f}", between, way.units, f"{way.minutes:.0f}", marks
