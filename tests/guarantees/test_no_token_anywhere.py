"""No token in database, logs, errors, reports, pages or process lists."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from spacetraders_lab.core.errors import GameError, LabError
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.store.schema import metadata
from spacetraders_lab.study.rig import FOUR_CELLS, FRIGATE, Exchange, Rig
from tests.terminal import Terminal

ACCOUNT = "account-token-of-the-test"
SPEED = 2_000.0


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    settings = SandboxSettings(profile="lab", speed=SPEED, credits=5_000_000, ships=(FRIGATE,) * 2)
    with running_sandbox(settings) as sandbox:
        yield Terminal(tmp_path, BASE_URL=sandbox.base_url, ACCOUNT_TOKEN=ACCOUNT)


def token_of(terminal: Terminal) -> str:
    """The agent's token, from the one file that may hold it."""
    (token,) = json.loads(terminal.token_file.read_text()).values()
    return str(token)


def test_a_whole_run_writes_the_token_into_its_own_file_and_nowhere_else(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [terminal.type("player register SECRETIVE")]
    token = token_of(terminal)
    fleet = "SECRETIVE-1,SECRETIVE-2"
    answers.append(terminal.type("ship list --json"))
    system = answers[-1].json[0]["waypoint"].rpartition("-")[0]
    chosen = f"--ships {fleet} --system {system}"
    answers += [
        terminal.type(line)
        for line in (
            "player status",
            "player list --json",
            f"market scout --system {system} --ships {fleet}",
            f"experiment liquidity --foreground {chosen} --max-age 1440 --max-pairs 2 --batch-sizes 1",
            "experiment list --json",
            "ship sell SECRETIVE-1 GOLD 1",
            f"experiment liquidity --ships {fleet} --system X1-NO99",
        )
    ]
    assert [answer.code for answer in answers] == [0, 0, 0, 0, 0, 0, 0, 2, 2]
    written = [path for path in terminal.home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in written)
    for secret in (token, ACCOUNT):
        assert not [answer for answer in answers if secret in answer.out + answer.err]
        assert secret not in caplog.text
        holders = {path for path in written if secret.encode() in path.read_bytes()}
        assert holders == ({terminal.token_file} if secret == token else set())


def test_a_token_given_in_the_environment_is_written_nowhere(terminal: Terminal) -> None:
    terminal.type("player register SECRETIVE")
    token = token_of(terminal)
    for path in (terminal.home / "config").rglob("*.json"):
        path.unlink()
    terminal.set(TOKEN=token)
    assert terminal.type("ship list").code == 0
    assert not [path for path in terminal.home.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]


def test_a_run_that_goes_wrong_in_every_way_logs_no_token(
    make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rig = make_rig()
    lost = iter(range(1, 10_000))

    def lose_some(exchange: Exchange) -> None:
        if exchange.method == "POST" and next(lost) % 7 == 0:
            raise httpx2.ReadTimeout(f"lost {exchange.path}")

    rig.wire.after = lose_some
    run = rig.queue(rig.pairs(4), FOUR_CELLS)
    rig.fly(run)
    assert "put off" in caplog.text or "completed" in caplog.text
    assert rig.token not in caplog.text
    dump = json.dumps([rig.rows(f"SELECT * FROM {table}") for table in metadata.tables], default=str)
    assert rig.token not in dump


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_no_error_repeats_the_token(status: int) -> None:
    """Not even when the server sends it back."""
    token = "sent-back-by-the-server"
    errors: list[LabError] = []

    async def fail() -> None:
        def answer(request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(status, text="<html>no</html>", headers={"x-echo": request.headers["Authorization"]})

        clock = SystemClock()
        limiter = TwoPoolLimiter(clock)
        limiter.note({"x-sandbox-speed": "100000"})
        client = GameClient(
            "http://game.example/v2", token, clock=clock, limiter=limiter, transport=httpx2.MockTransport(answer)
        )
        assert token not in repr(client)
        try:
            await reads.get_agent(client)
        except LabError as error:
            errors.append(error)
        await client.aclose()

    asyncio.run(fail())
    (error,) = errors
    seen: BaseException | None = error
    while seen is not None:
        assert token not in f"{seen} {seen!r} {vars(seen)}"
        seen = seen.__cause__
    assert not isinstance(error, GameError) or token not in str(error.data)


def test_the_process_list_shows_no_token(terminal: Terminal) -> None:
    """Tokens come by environment, file or standard input; there is no option for them."""
    helps = [terminal.type(f"{command} --help").out for command in ("player add", "player register", "ship list")]
    assert not [text for text in helps if "--token" in text]
    assert terminal.type("player add --token x").code == 2
