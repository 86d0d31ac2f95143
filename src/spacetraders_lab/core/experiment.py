"""The words of an experiment: pairs, cells, the design, what is recorded of each trade, what is intended before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply, TradeGood


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


@dataclass(frozen=True, slots=True)
class MarketPair:
    """Buy a good at one market, sell it at another."""

    pair_id: str
    good_symbol: str
    buy_market: str
    sell_market: str

    @classmethod
    def of(cls, good: str, buy_market: str, sell_market: str) -> "MarketPair":
        """The pair with its id, GOOD:BUY:SELL."""
        return cls(f"{good}:{buy_market}:{sell_market}", good, buy_market, sell_market)


@dataclass(frozen=True, slots=True)
class ClaimedPair:
    """A pair in somebody's hands. `owner` and `attempt` are the fence: every write of the worker carries them.

    `take` counts the ships that had the pair: another ship starts a new take, so facts never mix two holds.
    """

    queue_id: int
    run_id: str
    pair: MarketPair
    ship_symbol: str
    owner: str
    attempt: int
    take: int
    lease_until: datetime


class ClaimOrder(StrEnum):
    """Which free pair a ship is given."""

    FIFO = "fifo"  # the one that waits longest
    NEAREST = "nearest"  # the one that begins nearest to the ship, then the one that waits longest


@dataclass(frozen=True, slots=True)
class Design:
    """What is traded for each pair: every fraction of the tradeVolume, `iterations` times.

    `fractions` lie in (0, 1], in the order in which they are traded. For `washout_seconds` of game time after a pair
    its listings are left alone.
    """

    fractions: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    iterations: int = 3
    name: str = "grid"
    washout_seconds: float = 0.0
    claim_order: ClaimOrder = ClaimOrder.FIFO

    @property
    def cells(self) -> tuple[tuple[float, int], ...]:
        """(fraction, iteration) in trading order: fraction by fraction, iterations 1 to n."""
        return tuple((fraction, i) for fraction in self.fractions for i in range(1, self.iterations + 1))


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


@dataclass(frozen=True, slots=True)
class PlaceboBracket:
    """One listing read twice in one docking with nothing of ours traded between: what quotes do by themselves."""

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

    The run may lose at most `budget` credits, and buys nothing that would leave fewer than `credit_floor` in the purse.
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
