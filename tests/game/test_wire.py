"""The client over real sockets: that the library fails as the tables of the other tests believe, and that all works."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from spacetraders_lab.core.commands import NavigateShipCommand, PurchaseCargoCommand, SellCargoCommand
from spacetraders_lab.core.errors import GameUnreachable
from spacetraders_lab.core.retry import Failure
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import EffectUnknown, GameClient
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.game.outcome import Done
from spacetraders_lab.game.parse import Data, NavReply
from spacetraders_lab.game.refusals import Failed
from spacetraders_lab.sandbox.server import WallClock, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class HastyClock:
    """A clock on which every pause is over at once."""

    def __init__(self) -> None:
        self._elapsed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self._elapsed += seconds
        await asyncio.sleep(0)


def client_at(port: int) -> GameClient:
    clock = HastyClock()
    return GameClient(f"http://127.0.0.1:{port}", "t", clock=clock, limiter=TwoPoolLimiter(clock), timeout=0.3)


async def dock(client: GameClient) -> None:
    try:
        await client.post(Data[NavReply], "/my/ships/{ship}/dock", ship="LAB-1")
    finally:
        await client.aclose()


@contextmanager
def unused_port() -> Iterator[int]:
    """A port that is taken, so that nobody else gets it, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_where_nobody_listens_nothing_was_sent() -> None:
    with unused_port() as port, pytest.raises(GameUnreachable) as caught:
        asyncio.run(dock(client_at(port)))
    assert type(caught.value) is GameUnreachable
    assert isinstance(caught.value.__cause__, Failed)
    assert caught.value.__cause__.failure is Failure.NOT_SENT


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    linger_not = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)


async def _is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":')
    await writer.drain()


async def _speaks_another_language(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.test ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("server", [_hangs_up, _resets, _is_silent, _breaks_off, _speaks_another_language])
def test_after_the_request_went_out_every_failure_is_unknown_and_nothing_is_sent_twice(server: Handler) -> None:
    async def main() -> int:
        served, over = 0, asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal served
            served += 1
            await server(reader, writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            over.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
            with pytest.raises(EffectUnknown):
                await dock(client_at(listening.sockets[0].getsockname()[1]))
            await over.wait()
        return served

    assert asyncio.run(main()) == 1


def test_a_journey_and_two_trades_over_loopback() -> None:
    async def scene(base_url: str) -> list[str]:
        clock = WallClock()
        limiter = TwoPoolLimiter(clock)
        newcomer = GameClient(base_url, None, clock=clock, limiter=limiter)
        registration = await reads.register(newcomer, "LAB", "COSMIC", "account")
        client = GameClient(base_url, registration.token, clock=clock, limiter=limiter)
        game, ship = Game(client, clock), (await reads.list_ships(client))[0]
        assert client.speed == 600
        market = next(w.symbol for w in await game.map(ship.system) if w.has_market and w.symbol != ship.waypoint)
        kinds = []
        for command in (
            NavigateShipCommand(ship.symbol, market),
            PurchaseCargoCommand(ship.symbol, "FUEL", 2),
            SellCargoCommand(ship.symbol, "FUEL", 2),
        ):
            outcome = await execute(game, command, ship)
            kinds.append(type(outcome).__name__)
            ship = outcome.ship if isinstance(outcome, Done) else ship
        assert await reads.get_cargo(client, ship) == ship
        await newcomer.aclose()
        await client.aclose()
        return kinds

    with running_sandbox(SandboxSettings(profile="lab", speed=600)) as sandbox:
        assert asyncio.run(scene(sandbox.base_url)) == ["Done"] * 3
