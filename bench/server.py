"""What the sandbox can serve: requests a second and CPU of a request, for a hundred ships, over real sockets.

The server is a process of its own whose CPU is read from the system. Beside it runs the same server with an application
that answers every request with the same few bytes.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import open_game
from spacetraders_lab.run.clock import SystemClock

SHIPS, CONNECTIONS, REQUESTS = 100, 8, 8_000
TICKS = os.sysconf("SC_CLK_TCK")
SERVE = f"""
from spacetraders_lab.sandbox.server import serve
from spacetraders_lab.sandbox.settings import SandboxSettings
serve(SandboxSettings(rate_limit=False, ship_locks=False, open_registration=True,
                      ships=("SHIP_COMMAND_FRIGATE",) * {SHIPS}), port=0, say=lambda line: print(line, flush=True))
"""
BARE = """
import socket, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
listener = socket.create_server(("127.0.0.1", 0))
print(f"Serving http://127.0.0.1:{listener.getsockname()[1]}/v2", flush=True)
config = uvicorn.Config(app, loop="uvloop", http="httptools", lifespan="off", log_level="critical")
uvicorn.Server(config).run(sockets=[listener])
"""


def measure(full: bool = False) -> list[Figure]:
    """A market, a ship, and all ships, each many times."""
    with _server(BARE) as (url, process):
        bare = asyncio.run(_load(url, process, ["/v2/"], ""))[1]
    with _server(SERVE) as (url, process):
        return asyncio.run(_figures(url, process, bare))


async def _figures(url: str, process: int, bare: float) -> list[Figure]:
    async with open_game(url, None, SystemClock()) as game:
        token = (await reads.register(game.client, "BENCH", "COSMIC", None)).token
    async with open_game(url, token, SystemClock()) as game:
        ships = await reads.list_ships(game.client)
    market = ships[0].waypoint
    paths = {
        "markets": [f"/v2/systems/{ships[0].system}/waypoints/{market}/market"],
        f"{SHIPS} ships in turn": [f"/v2/my/ships/{ship.symbol}" for ship in ships],
    }
    figures = []
    for what, wanted in paths.items():
        rate, each = await _load(url, process, wanted, token)
        measured = f"{rate:,.0f} requests/s, {each:.2f} ms CPU each"
        beside = f"{bare:.2f} ms: uvicorn with two bytes"
        figures.append(Figure(f"sandbox, {what}, {CONNECTIONS} connections", measured, beside, f"{each / bare:.1f}×"))
    return figures


async def _load(url: str, process: int, paths: list[str], token: str) -> tuple[float, float]:
    """Requests a second, and milliseconds of the server's CPU for one."""
    host, port = url.removeprefix("http://").partition("/")[0].split(":")

    async def ask(first: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for number in range(first, REQUESTS, CONNECTIONS):
            request = f"GET {paths[number % len(paths)]} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None
            await reader.readexactly(int(length[1]))
        writer.close()

    began, before = time.perf_counter(), _cpu_of(process)
    await asyncio.gather(*(ask(first) for first in range(CONNECTIONS)))
    spent = _cpu_of(process) - before
    return REQUESTS / (time.perf_counter() - began), 1000 * spent / REQUESTS


def _cpu_of(process: int) -> float:
    """CPU seconds that a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def _server(program: str) -> Iterator[tuple[str, int]]:
    """A server in a process of its own: its base URL, and the process."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = next(m for line in process.stdout if (m := re.search(r"Serving (\S+)", line)))
            yield found[1], process.pid
        finally:
            process.terminate()
