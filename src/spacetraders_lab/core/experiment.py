"""The words of an experiment: pairs, cells, the design, what is recorded of each trade, what is intended before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from spacetraders_lab.core.limits import NO_LIMITS, Limits
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply, TradeGood

PLACEBO_SECONDS = 1.0  # two requests at the game's pace: the gap between the readings around a trade
BRACKET_SECONDS = 120.0  # game time before a reading in which an earlier one, by any ship, makes a bracket with it
READING_LASTS_SECONDS = 5.0  # game time in which a reading is the state before the next trade


class QueueStatus(StrEnum):
    """Where a pair stands in the work queue."""

    PENDING = "PENDING"  # free to be claimed
    CLAIMED = "CLAIMED"  # a ship is at it, under a lease
    COMPLETED = "COMPLETED"  # every cell is recorded
    FAILED = "FAILED"  # ended without, error_message says why


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"  # the world does not let it trade; `experiment resume` goes on
    COMPLETED = "COMPLETED"  # every pair has ended
    CANCELLED = "CANCELLED"


OPEN_STATUSES = (RunStatus.RUNNING, RunStatus.SUSPENDED)  # the others are final


@dataclass(frozen=True, slots=True)
class MarketPair:
    """Buy a good at one market, sell it at another."""

    pair_id: str
    good_symbol: str
    buy_market: str
    sell_market: str

    @classmethod
    def of(cls, good: str, buy_market: str, sell_market: str, visit: int = 1) -> "MarketPair":
        """The pair with its id, GOOD:BUY:SELL; a run that measures it again says for the how-manieth time (#2, ...)."""
        again = f"#{visit}" if visit > 1 else ""
        return cls(f"{good}:{buy_market}:{sell_market}{again}", good, buy_market, sell_market)

    @classmethod
    def named(cls, pair_id: str) -> "MarketPair":
        """The pair of that id."""
        good, buy_market, sell_market = pair_id.partition("#")[0].split(":", 2)
        return cls(pair_id, good, buy_market, sell_market)

    @property
    def listings(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """(market, good) of the listing that is bought from and of the one that is sold to."""
        return (self.buy_market, self.good_symbol), (self.sell_market, self.good_symbol)


Cell = tuple[float, int]  # (fraction of the tradeVolume, iteration)


class SkipReason(StrEnum):
    """Why a planned trade did not take place."""

    ZERO_UNITS = "zero_units"  # there was nothing aboard to sell
    ZERO_TICK = "zero_tick"  # so small that the quote would not move by a credit
    CARGO = "cargo"  # no room in the hold
    CREDITS = "credits"  # the purse or the budget did not allow the purchase
    GUARD = "guard"  # the quote was too far from where it had been found
    SATURATED = "saturated"  # the quote stood at its bound and moved no more
    FOREIGN = "foreign"  # another player traded the listing during the visit
    TV_LIMIT = "tv_limit"  # the market would not take so many units at once, however often its tradeVolume was read
    API_ERROR = "api_error"  # the game refused the trade, or broke on it: the pair's error_message says more
    LIMIT = "limit"  # the run had reached its limit of hours or requests
    LOCKED = "locked"  # its listings were closed, at work or left alone, until the run was over
    PAIR_FAILED = "pair_failed"  # the hold disagreed, or there was no way: the pair's error_message says more
    GAVE_UP = "gave_up"  # every attempt at the pair was spent
    RUN_ENDED = "run_ended"  # the run was over before


@dataclass(frozen=True, slots=True)
class Skip:
    """A planned trade that will not take place."""

    operation: Operation
    cell: Cell
    reason: SkipReason


class MenuKind(StrEnum):
    """What the trades of a pair are for."""

    GRID = "grid"  # every size, each as often, and each sold as it was bought
    PRECISION = "precision"  # full tradeVolumes: the most information on impact a transaction
    EXPONENT = "exponent"  # several sizes in random order: is impact proportional to size?


@dataclass(frozen=True, slots=True)
class Menu:
    """What is traded at one pair, in trading order, fixed before its first trade.

    With `sells` None every cell is sold as it was bought, in as many loads as the hold needs. Else there is one load,
    which is sold in sizes of the sell market's own. `highest_ask` and `lowest_bid` are the quotes (credits a unit)
    beyond which a side is displaced too far to be begun at.
    """

    buys: tuple[Cell, ...]
    sells: tuple[Cell, ...] | None = None
    kind: MenuKind = MenuKind.GRID
    highest_ask: float | None = None
    lowest_bid: float | None = None

    @property
    def planned(self) -> tuple[tuple[Operation, Cell], ...]:
        """Every trade that is planned: each becomes a row that was executed or a row that was skipped."""
        return tuple((side, cell) for side in (Operation.BUY, Operation.SELL) for cell in self.planned_on(side))

    def planned_on(self, side: Operation) -> tuple[Cell, ...]:
        """The trades that are planned on one side."""
        return self.buys if side is Operation.BUY or self.sells is None else self.sells

    def without(self, skips: Sequence[Skip]) -> "Menu":
        """What is left to trade when these purchases are left out."""
        bought = {skip.cell for skip in skips if skip.operation is Operation.BUY}
        return replace(self, buys=tuple(cell for cell in self.buys if cell not in bought))


@dataclass(frozen=True, slots=True)
class ClaimedPair:
    """A pair in somebody's hands. `owner` and `attempt` are the fence: every write of the worker carries them.

    `take` counts the ships that had the pair: another ship starts a new take, so facts never mix two holds. Without a
    `menu` of its own the pair is traded as the run's design says.
    """

    queue_id: int
    run_id: str
    pair: MarketPair
    ship_symbol: str
    owner: str
    attempt: int
    take: int
    menu: Menu | None = None


class ClaimOrder(StrEnum):
    """Which free pair a ship is given."""

    FIFO = "fifo"  # the one that waits longest
    NEAREST = "nearest"  # the one that begins nearest to the ship, then the one that waits longest


class DesignName(StrEnum):
    """The ways to measure a system."""

    GRID = "grid"  # all pairs, all sizes, repeated: the original experiment
    LADDER = "ladder"  # every listing and side once or twice, in a few full tradeVolumes: the cheap survey
    ADAPTIVE = "adaptive"  # ladders where an interval is too wide for its target, until every interval is narrow enough
    RECOVERY = "recovery"  # ladders at a few listings, which are then left alone and read again for hours


@dataclass(frozen=True, slots=True)
class Design:
    """What is traded, and how carefully.

    The grid trades every fraction of the tradeVolume (in (0, 1], in this order) `iterations` times for each pair;
    `seeded`, it draws the order of sizes and pairs from the run's seed. The other designs draw a menu for each visit,
    cover a listing's sides `rounds` times (ladder) or until the half-width is `target` of the estimate (adaptive).
    For `washout_seconds` of game time after a pair its listings are left alone.
    """

    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    iterations: int = 3
    name: DesignName = DesignName.GRID
    washout_seconds: float = 0.0
    claim_order: ClaimOrder = ClaimOrder.FIFO
    seeded: bool = False
    rounds: int = 1
    target: float = 0.10

    def __post_init__(self) -> None:
        """Words become members, so that a design read back from JSON equals the one that was written."""
        object.__setattr__(self, "name", DesignName(self.name))
        object.__setattr__(self, "claim_order", ClaimOrder(self.claim_order))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The grid's (fraction, iteration) in trading order: fraction by fraction, iterations 1 to n."""
        return _grid(self.fractions, self.iterations)

    @property
    def is_literal(self) -> bool:
        """Whether this is the original experiment, with neither placebo readings nor guards."""
        return self.name is DesignName.GRID and not self.seeded

    @property
    def is_open_ended(self) -> bool:
        """Whether the run finds out as it goes on what it still has to do, when its queue is empty."""
        return self.name in (DesignName.ADAPTIVE, DesignName.RECOVERY)

    @property
    def placebo_seconds(self) -> float:
        """Game seconds between the two readings of a placebo bracket, 0 where none is taken."""
        return 0.0 if self.is_literal else PLACEBO_SECONDS

    @property
    def shares_readings(self) -> bool:
        """Whether a pair may begin with the last reading of the pair before it.

        Only where nobody can have traded the listing since: it has been left alone for longer than a reading lasts.
        """
        return not self.is_literal and self.washout_seconds > READING_LASTS_SECONDS

    @property
    def menu(self) -> Menu:
        """What a pair is traded at that has no menu of its own."""
        return Menu(self.cells)


@cache  # a run has one design, and asks at every step of every pair
def _grid(fractions: tuple[float, ...], iterations: int) -> tuple[Cell, ...]:
    return tuple((fraction, i) for fraction in fractions for i in range(1, iterations + 1))


@dataclass(frozen=True, slots=True)
class Step:
    """One trade to do: a cell of a pair, or the part of it that one transaction may move.

    A leftover (cargo that no cell of the take explains) has `fraction` None and `iteration` 0.
    """

    operation: Operation
    good_symbol: str
    market: str
    fraction: float | None
    iteration: int
    part: int
    units: int


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One executed transaction: a row of `market_experiments`.

    Prices are in credits a unit. `price_before/after` is the side traded (ask for BUY, bid for SELL).
    The state after is None where nobody could read it (a trade recovered later, `recovered`).
    `batch_size_fraction` is None and `iteration` 0 for a leftover. `seconds_since_before` runs from the
    snapshot before to the trade. `foreign_units` are other players' units seen between the snapshots.
    """

    run_id: str
    player_id: int
    ship_symbol: str
    good_symbol: str
    pair_id: str
    buy_market: str
    sell_market: str
    operation: Operation
    iteration: int
    batch_size_fraction: float | None
    units: int
    price_per_unit: int
    total_credits: int
    listing_type: ListingType
    supply_before: Supply
    activity_before: Activity | None
    trade_volume_before: int
    price_before: int
    purchase_price_before: int
    sell_price_before: int
    supply_after: Supply | None
    activity_after: Activity | None
    trade_volume_after: int | None
    price_after: int | None
    purchase_price_after: int | None
    sell_price_after: int | None
    supply_change: str | None
    price_impact_percent: float | None
    visit_id: str
    sequence_in_visit: int
    cumulative_units: int
    seconds_since_before: float
    foreign_units: int
    cargo_units: int
    cargo_capacity: int
    take: int
    part: int
    recovered: bool
    timestamp: datetime

    @property
    def market(self) -> str:
        """Where it took place."""
        return self.buy_market if self.operation is Operation.BUY else self.sell_market

    @property
    def cell(self) -> Cell | None:
        """The planned trade that it is, or is a part of; None for a leftover."""
        return None if self.batch_size_fraction is None else (self.batch_size_fraction, self.iteration)


@dataclass(frozen=True, slots=True)
class PlaceboBracket:
    """One listing read twice with nothing of ours traded between: what quotes do by themselves. The ship read last."""

    run_id: str
    ship_symbol: str
    market: str
    before: TradeGood
    before_at: datetime
    after: TradeGood
    after_at: datetime


class IntentState(StrEnum):
    """What became of a trade that was intended."""

    OPEN = "OPEN"  # sent, or about to be; the effect is not known
    HAPPENED = "HAPPENED"
    DID_NOT = "DID_NOT"
    CONFLICT = "CONFLICT"  # the hold fits neither; the take is tainted


@dataclass(frozen=True, slots=True)
class Intent:
    """A trade written down before it is sent. `units_before` is the good's units in the hold;
    `quote_before` the snapshot's row for the listing as plain JSON (with `observed_at`), enough to record the trade
    after a crash. `price_limit` is the quote that was seen: a purchase may cost at most units x price_limit.
    """

    intent_id: int
    run_id: str
    queue_id: int
    ship_symbol: str
    owner: str
    attempt: int
    take: int
    step: Step
    units_before: int
    price_limit: int
    quote_before: Mapping[str, Any] = field(default_factory=dict)
    state: IntentState = IntentState.OPEN
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExperimentRun:
    """One experiment: what was asked for and where it stands.

    The run may lose at most `budget` credits, of which `kept_for_fuel` buy no goods; and it buys nothing that would
    leave fewer than `credit_floor` in the purse.
    Once it has reached one of its `limits` it begins no pair.
    """

    run_id: str
    player_id: int
    universe_id: int
    system_symbol: str
    design: Design
    ships: tuple[str, ...]
    seed: int
    budget: int
    status: RunStatus
    status_reason: str | None
    created_at: datetime
    finished_at: datetime | None = None
    credit_floor: int = 0
    kept_for_fuel: int = 0
    limits: Limits = NO_LIMITS

    def hours(self, now: datetime, speed: float) -> float:
        """Game hours since the run was begun, pauses included; `speed` is that of the game's clock."""
        return (now - self.created_at).total_seconds() / 3600 * speed


def goes_on_choosing(design: DesignName, ended_because: str | None, finished_at: datetime | None) -> bool:
    """Whether a run still asks for pairs, so that those in its queue are not all there will be."""
    return design is DesignName.ADAPTIVE and ended_because is None and finished_at is None
