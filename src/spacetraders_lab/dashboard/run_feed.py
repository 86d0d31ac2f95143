"""What the page shows of one run, kept up from the rows that are new: reads by `store.live`, plain JSON out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from spacetraders_lab.core.container import OPEN_STATES, Container, WantedState
from spacetraders_lab.core.experiment import DesignName
from spacetraders_lab.core.market import Activity, ListingType, Supply, TradeGood
from spacetraders_lab.core.prior import expected_listing
from spacetraders_lab.dashboard.progress import is_open, planned_trades, progress_of
from spacetraders_lab.dashboard.tally import PACE_SECONDS, Cursor, RunTally, epoch, overlap_of
from spacetraders_lab.store import live, live_markets
from spacetraders_lab.store.attendance import attended_until
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.live import PairCount, QueueMarks, Trade

JSON = dict[str, Any]

ROWS_AT_ONCE = 5_000  # in one short transaction: on SQLite without WAL a reader keeps commits waiting
MOST_CELLS = 3_000  # pairs drawn one by one; a longer queue is drawn in proportion
MOST_FAILURES = 50
TAPE = 16  # trades listed one by one
RUNGS = 4  # trade volumes up and down the price ladder
AT_THE_MARKET = 6.0  # seconds after a trade in which the next one at the same market would come
_STATUSES = ("PENDING", "CLAIMED", "COMPLETED", "FAILED")


class RunFeed:
    """One run as it goes on. `refresh` brings it up to date, `behind` tells that there is more to read at once."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.behind = False
        self.tally = RunTally()
        self._cursor: Cursor | None = None
        self._first_id = 0
        self._marks: QueueMarks | None = None
        self._counts: list[PairCount] = []
        self._states: dict[str, str] = {}
        self._failures: list[JSON] = []

    def refresh(self, connection: Connection, now: datetime) -> JSON:
        """Read what is new and return the whole view; raises UserError when there is no such run."""
        run = live.run_row(connection, self.run_id)
        newest = self._read_trades(connection)
        self._read_queue(connection)
        pairs = _by_status(self._counts)
        containers = {box.ship_symbol: box for box in ContainerRepository(connection).list_containers(self.run_id)}
        rest = None if pairs["CLAIMED"] or not pairs["PENDING"] else live.resting_until(connection, run, now)
        progress = self._progress(run, pairs, newest, now)
        until = attended_until(connection, containers.values())
        if until is None or until <= now:
            progress["seconds_left"] = None  # nobody is there to go on
        elif rest is not None and progress["seconds_left"] is not None:
            progress["seconds_left"] = max(progress["seconds_left"], (rest - now).total_seconds())
        return {
            "run": _about(run) | {"attended_until": 0.0 if until is None else until.timestamp()},
            "progress": progress,
            "money": self._money(run),
            "goods": _goods(self._counts, self._states),
            "ships": self._ships(connection, run, containers, now, rests=rest is not None),
            "ladders": self._ladders(),
            "throughput": self._throughput(),
            "pace": self._pace(connection, run, now),
            "impact": asdict(self.tally.impact.summary()),
            "failures": self._failures,
            "tape": [_tape(trade) for trade in list(self.tally.recent)[: -TAPE - 1 : -1]],
        }

    # --- reading --------------------------------------------------------------------------------------------------

    def _read_trades(self, connection: Connection) -> int:
        """Read the next portion of trades; returns the newest id there is."""
        newest = live.last_trade_id(connection)
        if self._cursor is None:
            first = live.first_trade_id(connection, self.run_id)
            if first is None:
                return newest
            self._first_id = first
            self._cursor = Cursor(first - 1, overlap_of(connection))
        upto = min(newest, self._cursor.end + ROWS_AT_ONCE)
        rows = live.read_trades(connection, self.run_id, self._cursor.after, upto)
        self.tally.add(self._cursor.fresh(rows, upto))
        self.behind = upto < newest
        return newest

    def _read_queue(self, connection: Connection) -> None:
        """Count the queue anew, but only when its three cheap marks have moved."""
        marks = live.queue_marks(connection, self.run_id)
        if marks == self._marks:
            return
        failed = _by_status(self._counts)["FAILED"]
        self._marks, self._counts = marks, live.count_pairs(connection, self.run_id)
        self._states = live.pair_states(connection, self.run_id) if marks.total <= MOST_CELLS else {}
        if _by_status(self._counts)["FAILED"] != failed:
            self._failures = [_failure(row) for row in live.last_failures(connection, self.run_id, MOST_FAILURES)]

    # --- views ----------------------------------------------------------------------------------------------------

    def _progress(self, run: JSON, pairs: dict[str, int], newest: int, now: datetime) -> JSON:
        share, seconds_left = progress_of(run, pairs, self.tally.trades, self.tally.active_seconds, now)
        return {
            "pairs": pairs,
            "total": sum(pairs.values()),
            "is_open": is_open(run),
            "trades": self.tally.trades,
            "planned_trades": planned_trades(run),
            "share": share,
            "seconds_left": None if self.behind else seconds_left,
            "last_trade": epoch(self.tally.last),
            "loaded": self._loaded(newest),
        }

    def _loaded(self, newest: int) -> float:
        """The share of the ids since the run's first trade that has been read."""
        if not self.behind or self._cursor is None:
            return 1.0
        return (self._cursor.end - self._first_id + 1) / (newest - self._first_id + 1)

    def _money(self, run: JSON) -> JSON:
        return {
            "budget": run["budget"],
            "outlay": run["outlay"],
            "fuel": run["fuel_credits"],
            "bought": self.tally.bought,
            "sold": self.tally.sold,
            "aboard": round(self.tally.aboard),
        }

    def _ships(
        self, connection: Connection, run: JSON, containers: Mapping[str, Container], now: datetime, *, rests: bool
    ) -> list[JSON]:
        claims = {claim.claimed_by: claim for claim in live.claims(connection, self.run_id)}
        under_way = {intent.ship_symbol: intent for intent in live.open_intents(connection, self.run_id)}
        ended = {status: Counter[str]() for status in ("COMPLETED", "FAILED")}
        for count in self._counts:
            if count.status in ended and count.ship_symbol is not None:
                ended[count.status][count.ship_symbol] += count.pairs
        known = set(run["ships"]) | set(claims) | set(self.tally.by_ship) | set(ended["COMPLETED"])
        ticks = _ticks(self.tally.recent)
        is_watch = run["design"]["name"] == DesignName.RECOVERY
        idle = "waiting for listings that are left alone" if rests else "waiting for a pair"
        without_a_pair = "watching what was traded" if is_watch else idle
        return [
            {
                "ship": ship,
                "doing": "done"
                if run["finished_at"]
                else _doing(claims.get(ship), under_way.get(ship), self.tally.last_of_ship.get(ship), now)
                or (without_a_pair if _is_wanted(containers.get(ship)) else "not at work: resume the run"),
                "trading": ship in under_way,
                "container": _container(containers.get(ship)),
                "completed": ended["COMPLETED"][ship],
                "failed": ended["FAILED"][ship],
                "trades": self.tally.by_ship[ship],
                "last_trade": epoch(last.timestamp) if (last := self.tally.last_of_ship.get(ship)) else None,
                "ticks": ticks.get(ship, []),
            }
            for ship in sorted(known, key=_natural)
        ]

    def _ladders(self) -> list[JSON]:
        """The price ladder of each ship's listing, the one traded last first."""
        last = sorted(self.tally.last_of_ship.values(), key=lambda trade: trade.experiment_id, reverse=True)
        return [_ladder(trade, [t for t in self.tally.recent if t.visit_id == trade.visit_id]) for trade in last]

    def _throughput(self) -> JSON:
        start, counts = self.tally.over_time.series()
        return {"start": start, "width": self.tally.over_time.width, "trades": counts}

    def _pace(self, connection: Connection, run: JSON, now: datetime) -> JSON:
        """Trades and requests (trades, market reads, flights) in each of the last seconds."""
        since = now - timedelta(seconds=PACE_SECONDS)
        start = int(since.timestamp())
        trades, requests = self.tally.pace.since(start)
        for read in live_markets.market_reads(connection, run["universe_id"], run["system_symbol"], since):
            requests[min(int(read.timestamp()) - start, len(requests) - 1)] += 1
        return {"start": start, "trades": trades, "requests": requests}


def _is_wanted(container: Container | None) -> bool:
    """Whether a ship is to be at work; one whose container was removed is not."""
    return container is not None and container.wanted_state is WantedState.RUNNING and container.state in OPEN_STATES


def _container(box: Container | None) -> JSON | None:
    return None if box is None else {"container_id": box.container_id, "state": box.state, "restarts": box.restarts}


def _about(run: JSON) -> JSON:
    return {
        "run_id": run["run_id"],
        "system": run["system_symbol"],
        "status": run["status"],
        "reason": run["status_reason"],
        "created": epoch(run["created_at"]),
        "finished": epoch(run["finished_at"]),
        "universe": run["reset_date"],
        "universe_id": run["universe_id"],
        "server": run["base_url"],
        "ships": len(run["ships"]),
        "speed": run["plan"].get("speed", 1.0),
    }


def _by_status(counts: Iterable[PairCount]) -> dict[str, int]:
    found = dict.fromkeys(_STATUSES, 0)
    for count in counts:
        found[count.status] += count.pairs
    return found


def _goods(counts: list[PairCount], states: dict[str, str]) -> list[JSON]:
    by_good: dict[str, list[PairCount]] = {}
    for count in counts:
        by_good.setdefault(count.good_symbol, []).append(count)
    return [{"good": good, "pairs": _by_status(found), "states": states.get(good)} for good, found in by_good.items()]


def _doing(claim: live.Claim | None, trading: live.OpenIntent | None, last: Trade | None, now: datetime) -> str:
    """What a ship is at, in words, by what it has written down; nothing when it has no pair."""
    if trading is not None:
        verb = "buying" if trading.operation == "BUY" else "selling"
        return f"{verb} {trading.units} {trading.good_symbol} at {trading.market}"
    if claim is None:
        return ""
    if last is None or last.pair_id != claim.pair_id:
        return f"on the way to buy {claim.good_symbol} at {claim.buy_market}"
    if (now - last.timestamp).total_seconds() > AT_THE_MARKET:
        return (
            f"taking {last.good_symbol} to {claim.sell_market}"
            if last.operation == "BUY"
            else f"going back to {claim.buy_market} for {last.good_symbol}"
        )
    done = "bought" if last.operation == "BUY" else "sold"
    return f"{done} {last.units} {last.good_symbol} at {last.market}"


def _ladder(trade: Trade, visit: list[Trade]) -> JSON:
    """The quotes of the listing after its last trade, and what the next trade volumes should cost by the price law."""
    ask = trade.purchase_price_after or trade.purchase_price_before
    bid = trade.sell_price_after or trade.sell_price_before
    activity = trade.activity_after if trade.supply_after else trade.activity_before
    good = TradeGood(
        trade.good_symbol,
        ListingType(trade.listing_type),
        trade.trade_volume_before,
        Supply(trade.supply_after or trade.supply_before),
        Activity(activity) if activity else None,
        ask,
        bid,
    )
    expected, volume = expected_listing(good), good.trade_volume
    return {
        "ship": trade.ship_symbol,
        "market": trade.market,
        "good": trade.good_symbol,
        "type": good.type,
        "supply": good.supply,
        "activity": good.activity,
        "trade_volume": volume,
        "ask": ask,
        "bid": bid,
        "asks": [round(expected.after_trade(volume * n).ask, 1) for n in range(1, RUNGS + 1)],
        "bids": [round(expected.after_trade(-volume * n).bid, 1) for n in range(1, RUNGS + 1)],
        "at": epoch(trade.timestamp),
        "visit": [_tape(t) for t in visit[-8:]],
    }


def _ticks(recent: Iterable[Trade]) -> dict[str, list[tuple[float, int]]]:
    """When each ship traded lately: epoch seconds, and 1 for a purchase or -1 for a sale."""
    found: dict[str, list[tuple[float, int]]] = {}
    for trade in recent:
        tick = (round(trade.timestamp.timestamp(), 1), 1 if trade.operation == "BUY" else -1)
        found.setdefault(trade.ship_symbol, []).append(tick)
    return found


def _tape(trade: Trade) -> JSON:
    return {
        "id": trade.experiment_id,
        "at": epoch(trade.timestamp),
        "ship": trade.ship_symbol,
        "operation": trade.operation,
        "units": trade.units,
        "good": trade.good_symbol,
        "market": trade.market,
        "price": trade.price_per_unit,
        "before": trade.price_before,
        "after": trade.price_after,
    }


def _failure(row: JSON) -> JSON:
    return row | {"completed_at": epoch(row["completed_at"])}


def _natural(symbol: str) -> tuple[str, int, str]:
    head, _, tail = symbol.rpartition("-")
    return head, int(tail, 16) if all(c in "0123456789ABCDEF" for c in tail) and tail else 0, symbol
