"""From a quote before, a transaction and a quote after to the row that is kept. Arithmetic only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spacetraders_lab.core.experiment import MarketPair, Step, TradeRecord
from spacetraders_lab.core.market import (
    MarketSnapshot,
    MarketTransaction,
    Operation,
    TradeGood,
    trade_good_from_json,
)
from spacetraders_lab.core.ship import Ship


@dataclass(frozen=True, slots=True)
class Visit:
    """Where in a visit (one docking at one market) a trade stands; `cumulative_units` counts this trade too."""

    visit_id: str
    sequence: int
    cumulative_units: int


def impact_percent(before: int, after: int | None) -> float | None:
    """(after - before) / before in percent; None where nobody read `after`, and of a quote of 0, which has no ratio."""
    return (after - before) / before * 100 if before and after is not None else None


def foreign_units(transactions: Iterable[MarketTransaction], good: str, ship_symbol: str, since: datetime) -> int:
    """Units of the good that ships other than this one have traded since a moment, by the market's own list."""
    return sum(
        t.units for t in transactions if t.trade_symbol == good and t.ship_symbol != ship_symbol and t.timestamp > since
    )


def unexpected(record: TradeRecord) -> list[tuple[str, str]]:
    """What a trade shows that the analysis plan does not allow for: (kind, what) for each thing."""
    found = []
    where = f"{record.good_symbol} at {record.market}"
    if not record.recovered and record.price_per_unit != record.price_before:
        found.append(
            ("posted price", f"{where} traded at {record.price_per_unit}, not at the quote of {record.price_before}")
        )
    if record.trade_volume_after not in (None, record.trade_volume_before):
        found.append(
            (
                "trade volume",
                f"{where} went from {record.trade_volume_before} to {record.trade_volume_after} in a visit",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class TradeContext:
    """What must be known before a trade to record it after a crash: the listing seen, when, and for which pair.

    `traded_at` is when the latest trade took place that the market reported then.
    """

    pair: MarketPair
    visit: Visit
    before: TradeGood
    before_at: datetime
    traded_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, kept with the intent."""
        return {
            "pair": _flat(self.pair),
            "visit": _flat(self.visit),
            "before": _flat(self.before),
            "before_at": self.before_at.isoformat(),
            "traded_at": self.traded_at and self.traded_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TradeContext":
        """The context that `to_json` wrote, of this version or an earlier one."""
        traded_at = data.get("traded_at")
        return cls(
            MarketPair(**data["pair"]),
            Visit(**data["visit"]),
            trade_good_from_json(data["before"]),
            datetime.fromisoformat(data["before_at"]),
            traded_at and datetime.fromisoformat(traded_at),
        )

    @property
    def reported_until(self) -> datetime:
        """What the market reports with a later stamp was traded since: its own stamps need no clock to compare them."""
        return self.traded_at or self.before_at


def _flat(found: MarketPair | Visit | TradeGood) -> dict[str, Any]:
    """What `dataclasses.asdict` gives for something of plain values, without its copy of each."""
    return {name: getattr(found, name) for name in found.__slots__}


def trade_record(
    step: Step,
    transaction: MarketTransaction,
    context: TradeContext,
    *,
    run_id: str,
    player_id: int,
    take: int,
    ship: Ship,
    after: MarketSnapshot | None,
    recovered: bool = False,
) -> TradeRecord:
    """The row of one executed trade; `ship` is the ship after it, `after` None where nobody read the market since."""
    before, before_at, pair, visit = context.before, context.before_at, context.pair, context.visit
    listing = after.goods.get(step.good_symbol) if after is not None else None
    price_before = before.price(step.operation)
    price_after = listing.price(step.operation) if listing else None
    since = context.reported_until
    return TradeRecord(
        run_id=run_id,
        player_id=player_id,
        ship_symbol=ship.symbol,
        good_symbol=step.good_symbol,
        pair_id=pair.pair_id,
        buy_market=pair.buy_market,
        # a leftover is sold where it can be, which need not be the pair's sell market
        sell_market=step.market if step.operation is Operation.SELL else pair.sell_market,
        operation=step.operation,
        iteration=step.iteration,
        batch_size_fraction=step.fraction,
        units=transaction.units,
        price_per_unit=transaction.price_per_unit,
        total_credits=transaction.total_price,
        listing_type=before.type,
        supply_before=before.supply,
        activity_before=before.activity,
        trade_volume_before=before.trade_volume,
        price_before=price_before,
        purchase_price_before=before.purchase_price,
        sell_price_before=before.sell_price,
        supply_after=listing.supply if listing else None,
        activity_after=listing.activity if listing else None,
        trade_volume_after=listing.trade_volume if listing else None,
        price_after=price_after,
        purchase_price_after=listing.purchase_price if listing else None,
        sell_price_after=listing.sell_price if listing else None,
        supply_change=f"{before.supply}→{listing.supply}" if listing else None,
        price_impact_percent=impact_percent(price_before, price_after),
        visit_id=visit.visit_id,
        sequence_in_visit=visit.sequence,
        cumulative_units=visit.cumulative_units,
        seconds_since_before=(transaction.timestamp - before_at).total_seconds(),
        foreign_units=foreign_units(after.transactions, step.good_symbol, ship.symbol, since) if after else 0,
        cargo_units=ship.cargo_units,
        cargo_capacity=ship.cargo_capacity,
        take=take,
        part=step.part,
        recovered=recovered,
        timestamp=transaction.timestamp,
    )
