"""Serves a sandbox over HTTP with uvicorn: in the foreground, or in a background thread for tests and the demo."""

import asyncio
import ipaddress
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.port import checked_port
from spacetraders_lab.sandbox.admin import create_admin
from spacetraders_lab.sandbox.api import BASE_PATH, create_app
from spacetraders_lab.sandbox.mishaps import ABORT
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.state import Snapshot, load_universe
from spacetraders_lab.sandbox.truth import dump_truth
from spacetraders_lab.sandbox.universe import Universe

_LOOPBACK = "127.0.0.1"
_SAVE_EVERY = 30.0  # wall seconds between two looks whether there is something to keep


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Admin:
    """The operator's port on loopback (0: any free one) and the token that it asks for."""

    token: str
    port: int = 0


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves; requests go to `base_url`, the operator's to `admin_url`."""

    base_url: str
    app: Starlette
    admin_url: str | None = None

    @property
    def universe(self) -> Universe:
        """The present universe: another one after a reset."""
        universe: Universe = self.app.state.universe
        return universe


def _print(line: str) -> None:
    print(line, flush=True)  # into a file or a pipe too: it says where to find the game


def serve(
    settings: SandboxSettings,
    host: str = _LOOPBACK,
    port: int = 8080,
    *,
    state: Path | None = None,
    truth: Path | None = None,
    admin: Admin | None = None,
    say: Callable[[str], None] = _print,
) -> None:
    """Serve in the foreground until interrupted; `say` gets what the user should know.

    With `state` the universe is read from that file, if it is there, and kept in it. With `truth` its hidden numbers
    at this moment are written to that file. Raises UserError for a damaged state file, for a file that cannot be
    written, and for an address that cannot be had.
    """
    clock = WallClock()
    with _sockets(host, port, admin) as sockets:
        kept = state is not None and state.exists()
        universe = load_universe(state, settings) if state and kept else Universe.create(settings, clock.now())
        app = create_app(universe, clock)
        if state is not None:
            _write(state, lambda: Snapshot.of(universe).write(state))  # now, and not at the end, it can be mended
            app.router.lifespan_context = _keeping(state, say)
        if truth is not None:
            _write(truth, lambda: dump_truth(universe, clock.now(), truth))
        server = _Server(app, sockets, admin)
        say(f"{'Resumed' if kept else 'New'} universe {universe.reset_date}, home system {universe.home.symbol}")
        say(f"Serving {server.running.base_url} at speed {settings.speed:g}; Ctrl-C ends it")
        if server.running.admin_url:
            say(f"Operator's port: {server.running.admin_url}")
        if not ipaddress.ip_address(sockets[0].getsockname()[0]).is_loopback:
            say(f"Listening on {host}: everybody who can reach this machine can play")
        with suppress(KeyboardInterrupt):
            server.run()


def _write(path: Path, how: Callable[[], None]) -> None:
    try:
        how()
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; name a file that can be kept") from error


@contextmanager
def running_sandbox(settings: SandboxSettings, *, admin: Admin | None = None) -> Iterator[RunningSandbox]:
    """A sandbox on a free loopback port, served by a thread of its own until the block ends."""
    clock = WallClock()
    app = create_app(Universe.create(settings, clock.now()), clock)
    # Bound and listening before the thread starts: the kernel queues requests, so nobody has to wait for the server.
    with _sockets(_LOOPBACK, 0, admin) as sockets:
        server = _Server(app, sockets, admin)
        thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
        thread.start()
        try:
            yield server.running
        finally:
            server.stop()
            thread.join()


class _Server:
    """uvicorn over the game's socket and, with an operator, the operator's."""

    def __init__(self, app: Starlette, sockets: list[socket.socket], admin: Admin | None) -> None:
        self.sockets = sockets
        urls = [_url(x) for x in sockets]
        served: ASGIApp = app
        if admin is not None:
            served = _by_port({sockets[1].getsockname()[1]: create_admin(app.state.host, admin.token)}, app)
        self.running = RunningSandbox(f"{urls[0]}{BASE_PATH}", app, urls[1] if admin else None)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                served,
                loop="uvloop",
                http=_Protocol,
                ws="none",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,  # an address that a client can choose would be no limit
                server_header=False,
                date_header=False,  # the game sends its own
                timeout_graceful_shutdown=2,
            )
        )

    def run(self) -> None:
        self._uvicorn.run(sockets=self.sockets)

    def stop(self) -> None:
        self._uvicorn.should_exit = True


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way for the application to cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


def _by_port(others: dict[int, ASGIApp], default: ASGIApp) -> ASGIApp:
    """One application that hands a request on by the port at which it came in."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = default if scope["type"] == "lifespan" else others.get(scope["server"][1], default)
        await chosen(scope, receive, send)

    return app


@contextmanager
def _sockets(host: str, port: int, admin: Admin | None) -> Iterator[list[socket.socket]]:
    """Listening sockets for the game and the operator; raises UserError for an address that cannot be had."""
    wanted = [("--port", (host, port))] + ([("--admin-port", (_LOOPBACK, admin.port))] if admin else [])
    sockets: list[socket.socket] = []
    try:
        for option, address in wanted:
            checked_port(address[1])
            try:
                family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
                sockets.append(socket.create_server(address, family=family))
            except OSError as error:
                why = os.strerror(error.errno) if error.errno else str(error)  # its own words repeat the address
                raise UserError(f"cannot listen on {address[0]}:{address[1]}: {why}; try another {option}") from None
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _keeping(path: Path, say: Callable[[str], None]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """A lifespan that keeps the universe in a file: every now and then when something happened, and at the end.

    It is written on a thread of its own, one after the other: a long ledger takes seconds, and the game goes on.
    """
    writer = ThreadPoolExecutor(1, "state")

    def write(snapshot: Snapshot) -> bool:
        try:
            snapshot.write(path)
        except OSError as error:  # the next attempt may find room
            say(f"The universe could not be kept in {path}: {error.strerror or error}")
            return False
        return True

    async def save(universe: Universe) -> bool:
        return await asyncio.get_running_loop().run_in_executor(writer, write, Snapshot.of(universe))

    async def keep(app: Starlette) -> None:
        saved: tuple[str, int] | None = None
        while True:
            universe: Universe = app.state.universe
            seen = (universe.reset_date, len(universe.ledger))
            if seen != saved and await save(universe):
                saved = seen
            await asyncio.sleep(_SAVE_EVERY)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keeper = asyncio.create_task(keep(app))
        yield
        keeper.cancel()
        await save(app.state.universe)

    return lifespan
