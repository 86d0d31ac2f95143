"""Measures what the dashboard costs: many viewers of one long run, first while nothing happens, then while it trades.

    python -m bench.dashboard [ROWS] [CLIENTS] [DATABASE_URL]

The dashboard is a process of its own; its CPU is read from /proc, in per cent of one core. Latency is from the commit
of a trade to its arrival at every client. Without a URL a SQLite file is made and removed; a database that is named
must be empty.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import insert
from tests.factories import make_record
from tests.store.memory import enter_run

from spacetraders_lab.core.experiment import MarketPair, TradeRecord
from spacetraders_lab.core.market import Operation
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.schema import market_experiments

TRADES_PER_PAIR = 24
GOODS, SHIPS = 12, 6
QUIET_SECONDS, BUSY_SECONDS = 30.0, 30.0
TRADES_PER_SECOND = 1.25  # a trade and a market read, at 2.5 requests a second


def main() -> None:
    """Print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with TemporaryDirectory() as folder:
        url = sys.argv[3] if len(sys.argv) > 3 else f"sqlite:///{Path(folder) / 'lab.db'}"
        with closing(open_database(url, durable=False)) as database:
            began = time.monotonic()
            pairs = fill(database, rows)
            print(f"{rows:,} trades of {len(pairs):,} pairs written in {time.monotonic() - began:.0f} s")
            with dashboard(url) as (process, port):
                asyncio.run(measure(database, pairs, process.pid, port, clients))


def fill(database: Database, rows: int) -> list[MarketPair]:
    """A run with so many trades in it, the last of them made now; returns its pairs."""
    pairs = [
        MarketPair.of(f"GOOD_{n % GOODS}", f"X1-GZ7-A{n // GOODS}", f"X1-GZ7-B{n}")
        for n in range(max(1, rows // TRADES_PER_PAIR))
    ]
    enter_run(database, pairs, ships=tuple(f"LAB-{n}" for n in range(1, SHIPS + 1)), budget=10**9)
    start = datetime.now(UTC) - timedelta(seconds=rows / TRADES_PER_SECOND)
    for first in range(0, rows, 20_000):
        batch = [
            asdict(trade(pairs, n, start + timedelta(seconds=n / TRADES_PER_SECOND)))
            for n in range(first, min(rows, first + 20_000))
        ]
        with database.transaction() as connection:
            connection.execute(insert(market_experiments), batch)
    return pairs


def trade(pairs: list[MarketPair], number: int, at: datetime) -> TradeRecord:
    """The trade of that number: twelve purchases and twelve sales of each pair in turn."""
    turn, cell = divmod(number, TRADES_PER_PAIR)
    half, iteration = divmod(cell, TRADES_PER_PAIR // 2)
    return make_record(
        Operation.SELL if half else Operation.BUY,
        iteration=iteration,
        pair=pairs[turn % len(pairs)],
        take=turn // len(pairs) + 1,
        ship_symbol=f"LAB-{turn % SHIPS + 1}",
        visit_id=f"{turn}-{half}",
        price_after=50 + number % 7,
        timestamp=at,
    )


@contextmanager
def dashboard(url: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The dashboard's process over that database, and its port."""
    script = "from spacetraders_lab.cli.main import main; main()"
    environment = {**os.environ, "SPACETRADERS_DATABASE_URL": url}
    command = [sys.executable, "-c", script, "dashboard", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port = process.stdout.readline().partition(";")[0].rpartition(":")[2]
        try:
            yield process, int(port)
        finally:
            process.terminate()


class Screens:
    """How many trades each client shows."""

    def __init__(self, clients: int) -> None:
        self.counts = [0] * clients
        self._changed = asyncio.Event()

    def show(self, client: int, trades: int) -> None:
        self.counts[client] = trades
        self._changed.set()
        self._changed = asyncio.Event()

    async def all_show(self, trades: int) -> None:
        """Wait until every client shows so many."""
        while min(self.counts) < trades:
            await self._changed.wait()


async def measure(database: Database, pairs: list[MarketPair], pid: int, port: int, clients: int) -> None:
    """Open the clients, wait until all have the whole run, and take the figures."""
    screens, rows = Screens(clients), last_number(database)
    before, began = cpu_seconds(pid), time.monotonic()
    following = [asyncio.create_task(follow(port, client, screens)) for client in range(clients)]
    await screens.all_show(rows)
    seconds, used = time.monotonic() - began, cpu_seconds(pid) - before
    print(f"{clients} clients have all of it after {seconds:.1f} s, {used:.1f} s of CPU")
    await asyncio.sleep(3)
    print(f"idle:    {await share_of_a_core(pid, QUIET_SECONDS):5.2f} % of a core, {memory(pid):.0f} MB")

    async def write_on() -> list[float]:
        latencies = []
        for n in range(int(BUSY_SECONDS * TRADES_PER_SECOND)):
            with database.transaction() as connection:
                ExperimentRepository(connection).record_transaction(trade(pairs, rows + n, datetime.now(UTC)))
            committed = time.monotonic()
            await screens.all_show(rows + n + 1)
            latencies.append(time.monotonic() - committed)
            await asyncio.sleep(max(0.0, 1 / TRADES_PER_SECOND - latencies[-1]))
        return latencies

    latencies, busy = await asyncio.gather(write_on(), share_of_a_core(pid, BUSY_SECONDS))
    print(f"trading: {busy:5.2f} % of a core")
    print(f"a trade is on every screen after {median(latencies):.2f} s (median), {max(latencies):.2f} s (longest)")
    for task in following:
        task.cancel()


async def follow(port: int, client: int, screens: Screens) -> None:
    """One browser's stream: keep the number of trades that it shows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(b"GET /api/events/runs/run-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    mark = b'"trades":'
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            at = line.index(mark) + len(mark)
            screens.show(client, int(line[at : line.index(b",", at)]))


async def share_of_a_core(pid: int, seconds: float) -> float:
    """Per cent of one core that the process uses over so many seconds."""
    before, began = cpu_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (cpu_seconds(pid) - before) / (time.monotonic() - began)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def last_number(database: Database) -> int:
    """How many trades there are."""
    with database.reading() as connection:
        return ExperimentRepository(connection).get_transaction_count("run-1")


if __name__ == "__main__":
    main()
