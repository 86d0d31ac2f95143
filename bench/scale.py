"""The whole stack at the original design's scale, in virtual time: 2,160 pairs, 51,840 transactions, six ships.

Worker, client, sandbox in process, SQLite. Beside it runs the floor: the same requests through the bare HTTP client,
and the same rows through the bare driver.
"""

import resource
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from bench.figures import Figure, cpu_seconds
from bench.laboratory import Meter, all_pairs, laboratory, queue
from spacetraders_lab.core.planning import REQUESTS_PER_FLIGHT, requests_needed
from spacetraders_lab.run.app import database_thread
from spacetraders_lab.store.database import open_database
from spacetraders_lab.study.rig import Rig

SETTINGS: dict[str, Any] = {"ships": 6, "goods": 72}
PAIRS = 2_160
RUNS, RUNS_IN_FULL = 2, 10
MARKS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
FLOOR_TRADES = 1_000
TRADING = ("/market", "/purchase", "/sell")


def measure(full: bool = False) -> list[Figure]:
    """Two runs over all pairs, one after the other in one database; with `full` ten."""
    with laboratory(**SETTINGS) as rig:
        rig.make_thread = database_thread  # as every program has it, hand-overs and all
        pairs, meter = all_pairs(rig)[:PAIRS], Meter(rig, MARKS)
        began, begun = rig.clock.elapsed, time.perf_counter()
        for number in range(1, 1 + (RUNS_IN_FULL if full else RUNS)):
            run = queue(rig, pairs, run_id=f"run-{number}")
            spent, _ = cpu_seconds(lambda run=run: rig.fly(run))
            print(f"run {number}: {rig.counts(run)}, {meter.trades:,} trades so far, {spent:.0f} s CPU", flush=True)
            if number == 1:
                cost = _Cost(spent, time.perf_counter() - begun, rig.clock.elapsed - began, meter.trades)
                requests = rig.requests()
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        floor = _floor(rig, sum(requests.values()) / cost.trades)
        return [
            cost.figure(floor),
            Figure("peak memory of it", f"{peak:.0f} MB", "", "", "< 400 MB"),
            *_growth(meter),
            *request_figures("grid, 2,160 pairs", rig, requests, cost.trades, "run-1"),
        ]


@dataclass(frozen=True, slots=True)
class _Cost:
    """What the first run took: seconds of CPU, of the clock on the wall and of the game's, and its transactions."""

    cpu: float
    wall: float
    virtual: float
    trades: int

    def figure(self, floor: float) -> Figure:
        """Beside the milliseconds of CPU that its requests and rows take at least."""
        each = 1000 * self.cpu / self.trades
        hours = f"{self.virtual / 3600:.0f} h of flying"
        return Figure(
            f"full scale: {PAIRS:,} pairs, {self.trades:,} transactions, {hours}, 6 ships",
            f"{self.cpu:.0f} s CPU, {self.wall:.0f} s in all, {each:.2f} ms CPU a transaction",
            f"{floor:.2f} ms: its requests and rows, bare",
            f"{each / floor:.1f}×",
            "≤ 150 s CPU, hoped 90",
        )


def _growth(meter: Meter) -> list[Figure]:
    marks = [mark for mark in MARKS if mark in meter.cpu_at]
    first = meter.milliseconds_a_trade(marks[0], marks[2])
    return [
        Figure(
            f"a transaction between {start:,} and {end:,}",
            f"{meter.milliseconds_a_trade(start, end):.2f} ms CPU",
            f"{first:.2f} ms between {marks[0]:,} and {marks[2]:,}",
            f"{meter.milliseconds_a_trade(start, end) / first:.2f}×",
            "flat",
        )
        for start, end in pairwise(marks[2:])
    ]


# where another ship's reading begins a bracket, it takes no reading of its own
_OWN_PLACEBOS = "SELECT count(*) AS n FROM placebo_brackets WHERE run_id = :r AND before_ship_symbol IS NULL"


def request_figures(name: str, rig: Rig, requests: Counter[str], trades: int, run_id: str) -> list[Figure]:
    """Requests a transaction, trading, flying and all in, beside the fewest for the same trades, visits and flights."""
    visits = rig.rows("SELECT count(DISTINCT visit_id) AS n FROM market_experiments WHERE run_id = :r", r=run_id)
    placebos = rig.rows(_OWN_PLACEBOS, r=run_id)[0]["n"]
    flights, refuels = (requests[f"POST /my/ships/{{ship}}/{verb}"] for verb in ("navigate", "refuel"))
    least = requests_needed(trades, visits[0]["n"], flights, refuels) + placebos
    least_trading = 2 * trades + visits[0]["n"] + placebos
    trading = Counter({path: n for path, n in requests.items() if path.endswith(TRADING)})
    flying = Counter({path: n for path, n in requests.items() if "/my/" in path}) - trading
    each = ((path.rpartition("/")[2].strip("{}"), n / trades) for path, n in (trading + flying).most_common())
    why_trading = f"a trade, a reading after it, one before a visit, {placebos} placebo readings"
    why_flying = f"{flights / trades:.3f} flights of {REQUESTS_PER_FLIGHT}, {refuels / trades:.3f} refuels"
    all_in = trading.total() + flying.total()
    return [
        _requests(f"trading: {name}", trading.total(), trades, least_trading, why_trading, "≤ 2.6"),
        _requests(f"flying: {name}", flying.total(), trades, least - least_trading, why_flying),
        _requests(f"all in: {name}", all_in, trades, least, "for the same visits and flights", "≤ 3.4"),
        Figure(
            f"requests a transaction, by endpoint: {name}", ", ".join(f"{path} {n:.3f}" for path, n in each), "", ""
        ),
    ]


def _requests(name: str, requests: int, trades: int, least: int, why: str, target: str = "") -> Figure:
    return Figure(
        f"requests a transaction, {name}",
        f"{requests / trades:.3f}",
        f"{least / trades:.3f}: {why}",
        f"{requests / least:.3f}×",
        target,
    )


# --- the floor -------------------------------------------------------------------------------------------------------


def _floor(rig: Rig, requests_a_trade: float) -> float:
    """Milliseconds of CPU that a trade's requests and rows cost without the lab."""
    return requests_a_trade * _bare_request() + _bare_rows(rig)


def _bare_request() -> float:
    """Milliseconds of a market read through the bare HTTP client, sandbox in process."""
    with laboratory(rate_limit=False, **SETTINGS) as rig:
        path = f"/v2/systems/{rig.system}/waypoints/{next(iter(rig.universe.home.markets))}/market"

        async def read() -> None:
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=rig.app)) as client:
                for _ in range(FLOOR_TRADES):
                    reply = await client.get(f"http://sandbox{path}", headers={"Authorization": f"Bearer {rig.token}"})
                    assert reply.status_code == 200

        seconds, _ = cpu_seconds(lambda: rig.clock.run(read()))
    return 1000 * seconds / FLOOR_TRADES


def _bare_rows(rig: Rig) -> float:
    """Milliseconds of writing a trade's rows with the bare driver: its intent, then the trade and what was observed."""
    intents, trades = _rows(rig, "experiment_intents", 1), _rows(rig, "market_experiments", 1)
    share = _count(rig, "market_observations") // _count(rig, "market_experiments")
    observed = _rows(rig, "market_observations", share)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bare.db"
        open_database(path=path, durable=False).close()
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")

            def write() -> None:
                for number in range(FLOOR_TRADES):
                    _commit(connection, {"experiment_intents": intents[number : number + 1]})
                    seen = observed[number * share : (number + 1) * share]
                    rows = {"market_experiments": trades[number : number + 1], "market_observations": seen}
                    _commit(connection, rows)

            seconds, _ = cpu_seconds(write)
    return 1000 * seconds / FLOOR_TRADES


def _commit(connection: sqlite3.Connection, rows_of: dict[str, list[tuple[Any, ...]]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table, rows in rows_of.items():
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    connection.execute("COMMIT")


def _rows(rig: Rig, table: str, each: int) -> list[tuple[Any, ...]]:
    """So many rows of a table for each of the floor's trades."""
    return [tuple(row.values()) for row in rig.rows(f"SELECT * FROM {table} LIMIT {FLOOR_TRADES * each}")]


def _count(rig: Rig, table: str) -> int:
    found: int = rig.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]
    return found
