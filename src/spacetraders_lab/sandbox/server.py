"""Serves a sandbox over HTTP with uvicorn: in the foreground, or in a background thread for tests and the demo."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette

from spacetraders_lab.sandbox.api import BASE_PATH, create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves; requests go to `base_url`."""

    base_url: str
    universe: Universe
    app: Starlette


def serve(settings: SandboxSettings, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve in the foreground until interrupted."""
    clock = WallClock()
    app = create_app(Universe.create(settings, clock.now()), clock)
    uvicorn.Server(_config(app, host, port)).run()


@contextmanager
def running_sandbox(settings: SandboxSettings) -> Iterator[RunningSandbox]:
    """A sandbox on a free loopback port, served by a thread of its own until the block ends."""
    clock = WallClock()
    universe = Universe.create(settings, clock.now())
    app = create_app(universe, clock)
    # Bound and listening before the thread starts: the kernel queues requests, so nobody has to wait for the server.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(_config(app, "127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
        thread.start()
        try:
            yield RunningSandbox(f"http://127.0.0.1:{port}{BASE_PATH}", universe, app)
        finally:
            server.should_exit = True
            thread.join()


def _config(app: Starlette, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
