"""What was earned between markets: spreads before and after the own impact, profitable pairs, what each ship did.

Accounts of recorded trades, by pair and by ship. Estimates nothing and predicts nothing: that is `advice`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from spacetraders_lab.analysis.arrays import Bools, Columns, Floats, Ints, codes, column, named, numbers, seconds
from spacetraders_lab.analysis.dataset import BUY, SIDES
from spacetraders_lab.core.experiment import MarketPair


@dataclass(frozen=True, slots=True)
class PairAccount:
    """One pair as it was traded; prices are unit-weighted means in credits a unit, NaN where a side was not traded.

    `ask` and `bid` are the quotes that a visit began with: what there was before the own impact. `paid` and `received`
    are what the trades were made at. `ask_after` and `bid_after` are the quotes after the last trade of each side.
    """

    good: str
    buy_market: str
    sell_market: str
    transactions: int
    bought: int
    sold: int
    spent: int
    earned: int
    ask: float
    bid: float
    ask_after: float
    bid_after: float

    @property
    def profit(self) -> int:
        """Credits earned less credits spent, whatever is still aboard."""
        return self.earned - self.spent

    @property
    def paid(self) -> float:
        return self.spent / self.bought if self.bought else np.nan

    @property
    def received(self) -> float:
        return self.earned / self.sold if self.sold else np.nan

    @property
    def spread_before(self) -> float:
        """What a unit would have earned at the first quotes."""
        return self.bid - self.ask

    @property
    def spread_realised(self) -> float:
        """What a unit earned."""
        return self.received - self.paid

    @property
    def spread_after(self) -> float:
        """What one more unit would have earned."""
        return self.bid_after - self.ask_after


@dataclass(frozen=True, slots=True)
class ShipAccount:
    """What one ship did: `hours` from its first trade to its last, `visit_hours` of them between trades of one visit.

    The rest was flight and waiting, which the rows do not tell apart.
    """

    ship: str
    pairs: int
    visits: int
    transactions: int
    units: int
    spent: int
    earned: int
    hours: float
    visit_hours: float

    @property
    def transactions_an_hour(self) -> float:
        """NaN for a ship that has traded only once."""
        return (self.transactions - 1) / self.hours if self.hours else np.nan

    @property
    def visit_share(self) -> float:
        return self.visit_hours / self.hours if self.hours else np.nan


def pair_accounts(columns: Columns) -> list[PairAccount]:
    """The account of every pair, by good and markets, however often the run measured it.

    `columns` are named like TradeRecord's fields. Leftovers are left out: they were not sold where the pair would have
    sold them.
    """
    rows = _Rows.of(columns)
    rows = rows.take(~np.isnan(rows.fraction))
    pairs = [MarketPair.named(pair_id) for pair_id in rows.pair_names]
    ends, places = named([f"{pair.good_symbol}:{pair.buy_market}:{pair.sell_market}" for pair in pairs])
    return [_pair_account(rows.take(mine), places[pair]) for pair, mine in _groups(ends[rows.pair])]


def find_profitable_pairs(accounts: Iterable[PairAccount]) -> list[PairAccount]:
    """The pairs that earned something on each unit after their own impact, the best first."""
    return sorted(
        (account for account in accounts if account.spread_realised > 0),
        key=lambda account: (-account.spread_realised, account.good, account.buy_market, account.sell_market),
    )


def ship_accounts(columns: Columns) -> list[ShipAccount]:
    """The account of every ship by its symbol, leftovers included; `columns` are named like TradeRecord's fields."""
    rows = _Rows.of(columns)
    return [_ship_account(rows.take(mine), rows.ship_names[ship]) for ship, mine in _groups(rows.ship)]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The trades in time order as arrays; pairs, ships and visits are codes."""

    pair_names: tuple[str, ...]
    ship_names: tuple[str, ...]
    pair: Ints
    ship: Ints
    visit: Ints
    side: Ints
    fraction: Floats
    units: Floats
    price: Floats
    before: Floats
    after: Floats
    time: Floats

    @classmethod
    def of(cls, columns: Columns) -> "_Rows":
        get = {name: column(columns, name) for name in _COLUMNS}
        pair, pair_names = named(get["pair_id"])
        ship, ship_names = named(get["ship_symbol"])
        visit, _ = named(get["visit_id"])
        rows = cls(
            pair_names,
            ship_names,
            pair,
            ship,
            visit,
            side=codes(get["operation"], SIDES),
            fraction=numbers(get["batch_size_fraction"]),
            units=numbers(get["units"]),
            price=numbers(get["price_per_unit"]),
            before=numbers(get["price_before"]),
            after=numbers(get["price_after"]),
            time=seconds(get["timestamp"]),
        )
        return rows.take(np.lexsort((numbers(get["sequence_in_visit"]), visit, rows.time)))

    def take(self, rows: Bools | Ints) -> "_Rows":
        """Only these rows, in this order; the names stay."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self) if "_names" not in f.name})

    @property
    def credits(self) -> Floats:
        return self.units * self.price


_COLUMNS = (
    "pair_id", "ship_symbol", "visit_id", "operation", "batch_size_fraction", "units", "price_per_unit",
    "price_before", "price_after", "sequence_in_visit", "timestamp",
)  # fmt: skip


def _groups(code: Ints) -> Iterator[tuple[int, Ints]]:
    """Each code that occurs with the positions of its rows, in order; one sort for all of them."""
    order = np.argsort(code, kind="stable")
    found, starts = np.unique(code[order], return_index=True)
    return zip(found.tolist(), np.split(order, starts)[1:], strict=True)


def _pair_account(rows: _Rows, pair_id: str) -> PairAccount:
    pair = MarketPair.named(pair_id)
    buys, sales = rows.take(rows.side == BUY), rows.take(rows.side != BUY)
    return PairAccount(
        good=pair.good_symbol,
        buy_market=pair.buy_market,
        sell_market=pair.sell_market,
        transactions=len(rows.side),
        bought=int(buys.units.sum()),
        sold=int(sales.units.sum()),
        spent=int(buys.credits.sum()),
        earned=int(sales.credits.sum()),
        ask=_first_quote(buys),
        bid=_first_quote(sales),
        ask_after=_last_quote(buys),
        bid_after=_last_quote(sales),
    )


def _first_quote(rows: _Rows) -> float:
    """The quotes that the visits began with, each weighted by the units of its visit."""
    if not len(rows.visit):
        return np.nan
    _, first, visit = np.unique(rows.visit, return_index=True, return_inverse=True)
    return float(np.average(rows.before[first][visit], weights=rows.units))


def _last_quote(rows: _Rows) -> float:
    read = rows.after[~np.isnan(rows.after)]
    return float(read[-1]) if len(read) else np.nan


def _ship_account(rows: _Rows, ship: str) -> ShipAccount:
    buys = rows.side == BUY
    gaps = np.diff(rows.time)
    return ShipAccount(
        ship=ship,
        pairs=len(np.unique(rows.pair)),
        visits=len(np.unique(rows.visit)),
        transactions=len(rows.side),
        units=int(rows.units.sum()),
        spent=int(rows.credits[buys].sum()),
        earned=int(rows.credits[~buys].sum()),
        hours=float(gaps.sum() / 3600),
        visit_hours=float(gaps[np.diff(rows.visit) == 0].sum() / 3600),
    )
