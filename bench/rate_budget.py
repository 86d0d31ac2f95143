"""Several real processes on one account, all always wanting: what the game refuses, and how much of its limit is used.

    python -m bench.rate_budget [SECONDS] [PROCESSES] [TASKS]

Sockets on loopback, sandboxes with their limit on, databases durable. Rows: one program that has the limit alone, the
limit shared through SQLite and through PostgreSQL, in two fixed shares, and by nobody's leave. All are measured at the
same time, each with a sandbox and a database of its own, for they wait nearly all of it.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import running_server

from spacetraders_lab.game import reads
from spacetraders_lab.run.app import open_game, open_lab
from spacetraders_lab.run.clock import SystemClock, clock_of
from spacetraders_lab.run.credentials import account_of
from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.database import open_database

ALLOWED = 2.5  # requests a second: 2, and 30 more a minute
_STARTS_IN = 20.0  # seconds, in which all processes of all rows have come up


@dataclass(frozen=True)
class Row:
    """One way to share: the answers that the game gave in `seconds`, and the blocks that were reserved."""

    way: str
    processes: int
    seconds: float
    answered: int
    refused: int
    blocks: int
    milliseconds_a_block: float

    def __str__(self) -> str:
        used = self.answered / self.seconds / ALLOWED
        a_block = f"{self.answered / self.blocks:.1f}" if self.blocks else "-"
        cost = f"{self.milliseconds_a_block:.1f}" if self.blocks else "-"
        counts = f"{self.processes} | {self.answered} | {self.refused} | {100 * used:.1f}"
        return f"| {self.way} | {counts} | {a_block} | {cost} |"


def measure(seconds: float = 300.0, processes: int = 4, tasks: int = 4) -> list[Row]:
    """Let the processes ask for so long with so many tasks each, in each way of sharing."""
    with tempfile.TemporaryDirectory() as folder, running_server() as server, server.database() as postgres:
        ways = (
            ("alone", "", 0.0, 1),
            ("alone, shared with nobody, SQLite", "", 1.0, 1),
            ("shared, SQLite", "", 1.0, processes),
            ("shared, PostgreSQL", postgres, 1.0, processes),
            ("fixed shares", "", 0.5, 2),
            ("not shared", "", 0.0, processes),
        )
        with ThreadPoolExecutor(len(ways)) as pool:
            rows = [
                pool.submit(
                    _row,
                    way,
                    url or f"sqlite:///{Path(folder) / f'{number}.db'}",
                    share,
                    seconds,
                    count,
                    processes * tasks // count,
                )
                for number, (way, url, share, count) in enumerate(ways)
            ]
            return [row.result() for row in rows]


def _row(way: str, url: str, share: float, seconds: float, processes: int, tasks: int) -> Row:
    open_database(url).close()
    context = multiprocessing.get_context("spawn")
    with (
        running_sandbox(SandboxSettings(profile="lab", open_registration=True)) as sandbox,
        context.Pool(processes) as pool,
    ):
        token = asyncio.run(_register(sandbox.base_url))
        arguments = [(sandbox.base_url, token, url, share, time.time() + _STARTS_IN, seconds, tasks)] * processes
        costs = [cost for found in pool.starmap(_work, arguments) for cost in found]
        answered, refused = _counts(sandbox)
    return Row(way, processes, seconds, answered, refused, len(costs), 1000 * sum(costs) / max(1, len(costs)))


async def _register(base_url: str) -> str:
    async with open_game(base_url, None, SystemClock()) as game:
        return (await reads.register(game.client, "LAB", "COSMIC", None)).token


def _counts(sandbox: RunningSandbox) -> tuple[int, int]:
    refused = sum(n for (_, _, status), n in sandbox.app.state.requests.items() if status == 429)
    return sum(sandbox.app.state.requests.values()) - refused, refused


def _work(*arguments: Any) -> list[float]:
    return asyncio.run(_ask(*arguments))


async def _ask(
    base_url: str, token: str, url: str, share: float, begin: float, seconds: float, tasks: int
) -> list[float]:
    """Ask from `begin` on for so many seconds; returns what each reservation took, in seconds."""
    with closing(open_database(url)) as database:
        account = account_of(base_url, token) if share == 1 else None
        async with (
            open_game(base_url, token, clock_of(database), rate_share=share or 1.0) as game,
            open_lab(game, database, account=account) as lab,
        ):
            await asyncio.sleep(begin - time.time())
            with _timed(game.client.limiter) as costs:

                async def task() -> None:
                    while True:
                        await reads.get_agent(lab.game.client)

                asking = asyncio.gather(*(task() for _ in range(tasks)))
                await asyncio.wait({asking}, timeout=begin + seconds - time.time())
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
    return costs


@contextmanager
def _timed(limiter: Any) -> Iterator[list[float]]:
    """The seconds that each reservation of the limiter takes."""
    costs: list[float] = []
    reserve = limiter._reserve

    async def timed(demand: Any) -> Any:
        begun = time.perf_counter()
        try:
            return await reserve(demand)
        finally:
            costs.append(time.perf_counter() - begun)

    if reserve is not None:
        limiter._reserve = timed
    yield costs


def main() -> None:
    """Print the table."""
    numbers = [int(word) for word in sys.argv[1:]]
    print("| rate limit | programs | answered | refused (429) | % of 2.5/s | requests a block | ms a block |")
    print("|---|---|---|---|---|---|---|")
    for row in measure(*numbers):
        print(row, flush=True)


if __name__ == "__main__":
    main()
