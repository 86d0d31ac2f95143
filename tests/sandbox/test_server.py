"""The sandbox over real HTTP on loopback: from a background thread, and as a process in the foreground."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.server import running_sandbox, serve
from spacetraders_lab.sandbox.settings import SandboxSettings


def test_it_serves_on_a_free_loopback_port_and_stops():
    before = threading.active_count()
    with running_sandbox(SandboxSettings(profile="lab", speed=50)) as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        reply = httpx2.get(sandbox.base_url)
        assert reply.json()["stats"]["waypoints"] == len(sandbox.universe.home.waypoints)
        assert reply.headers["x-sandbox-speed"] == "50"
        (date,) = reply.headers.get_list("date")
        assert abs(parsedate_to_datetime(date) - datetime.now(UTC)) < timedelta(seconds=60)
        assert sandbox.app.state.requests["GET", "", 200] == 1
    assert threading.active_count() == before


def test_several_serve_at_once():
    with running_sandbox(SandboxSettings(seed=1)) as one, running_sandbox(SandboxSettings(seed=2)) as other:
        assert one.base_url != other.base_url
        assert one.universe.home.symbol != other.universe.home.symbol


def test_orders_from_many_connections_at_once_are_done_one_by_one():
    with running_sandbox(SandboxSettings(profile="lab", rate_limit=False, credits=10**9, hold=500)) as sandbox:
        account = {"authorization": "Bearer account"}
        body = {"symbol": "LAB", "faction": "COSMIC"}
        token = httpx2.post(f"{sandbox.base_url}/register", json=body, headers=account).json()["data"]["token"]
        good = next(iter(sandbox.universe.home.markets[sandbox.universe.home.headquarters].listings))
        with httpx2.Client(base_url=sandbox.base_url, headers={"authorization": f"Bearer {token}"}) as client:

            def buy(_: int) -> int:
                order = {"symbol": good, "units": 2}
                return client.post("/my/ships/LAB-1/purchase", json=order).json()["data"]["transaction"]["totalPrice"]

            with ThreadPoolExecutor(8) as pool:
                paid = list(pool.map(buy, range(100)))
        agent = sandbox.universe.agents["LAB"]
        assert agent.credits == 10**9 - sum(paid)
        assert sandbox.universe.ships["LAB-1"].hold == {good: 200}


# As a process in the foreground.

PROGRAM = """
import sys
from pathlib import Path
from spacetraders_lab.sandbox.server import Admin, serve
from spacetraders_lab.sandbox.settings import SandboxSettings
say = lambda line: print(line, flush=True)
folder = Path(sys.argv[1])
serve(SandboxSettings(profile="lab", open_registration=True), port=0, state=folder / "state",
      truth=folder / "truth.json", admin=Admin("secret"), say=say)
"""


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The program, and what it said until it served."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, [running.stdout.readline().strip() for _ in range(3)]
        finally:
            running.kill()


def stop(running: subprocess.Popen[str], way: signal.Signals) -> str:
    running.send_signal(way)
    _, errors = running.communicate(timeout=20)
    return errors


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT])
def test_the_universe_outlives_the_process(tmp_path: Path, way: signal.Signals):
    with process(tmp_path) as (running, said):
        assert said[0].startswith("New universe")
        url = said[1].split()[1]
        assert url.startswith("http://127.0.0.1:")
        reply = httpx2.post(f"{url}/register", json={"symbol": "TESTER", "faction": "COSMIC"}).json()["data"]
        headers = {"authorization": f"Bearer {reply['token']}"}
        httpx2.post(f"{url}/my/ships/TESTER-1/orbit", headers=headers)
        assert stop(running, way) == ""
    with process(tmp_path) as (_, said):
        assert said[0].startswith("Resumed universe")
        reply = httpx2.get(f"{said[1].split()[1]}/my/ships/TESTER-1", headers=headers).json()
        assert reply["data"]["nav"]["status"] == "IN_ORBIT"
    assert json.loads((tmp_path / "truth.json").read_text())["settings"]["profile"] == "lab"


def test_a_half_written_state_keeps_the_process_from_starting(tmp_path: Path):
    (tmp_path / "state").write_bytes(b"spacetraders-sandbox-state-1 99 abc\nhalf")
    with process(tmp_path) as (running, said):
        _, errors = running.communicate(timeout=20)
    assert said == ["", "", ""]
    assert running.returncode == 1
    assert "is no whole sandbox state; move it away" in errors


@pytest.mark.parametrize("option", ["state", "truth"])
def test_a_file_that_cannot_be_written_keeps_it_from_serving(tmp_path: Path, option: str):
    said: list[str] = []
    with pytest.raises(UserError, match=r"cannot write .*nowhere/file"):
        serve(SandboxSettings(profile="lab"), port=0, say=said.append, **{option: tmp_path / "nowhere" / "file"})
    assert said == []


def test_a_folder_is_no_state(tmp_path: Path):
    with pytest.raises(UserError, match="cannot read"):
        serve(SandboxSettings(profile="lab"), port=0, state=tmp_path)


def test_an_address_that_is_taken_is_said():
    with running_sandbox(SandboxSettings(profile="lab")) as running:
        port = int(running.base_url.split(":")[2].split("/")[0])
        with pytest.raises(
            UserError, match=rf"cannot listen on 127.0.0.1:{port}: Address already in use; try another --port$"
        ):
            serve(SandboxSettings(profile="lab"), port=port)


def test_a_port_that_cannot_be_is_said():
    with pytest.raises(UserError, match="there is no port 70000; 0 to 65535 are"):
        serve(SandboxSettings(profile="lab"), port=70_000)


@pytest.mark.parametrize(("host", "said"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_listening_beyond_loopback_is_said(host: str, said: bool, monkeypatch: pytest.MonkeyPatch):
    """The server itself is left out: nothing is opened to the world for a test."""
    lines: list[str] = []
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    monkeypatch.setattr("socket.create_server", lambda address, **_: _bound_like(address[0]))
    serve(SandboxSettings(profile="lab"), host=host, port=8080, say=lines.append)
    assert any("everybody who can reach this machine" in line for line in lines) == said


def _bound_like(host: str) -> Any:
    """A listener that only says where it would listen."""
    listener = Mock(spec=socket.socket)
    listener.getsockname.return_value = (host, 8080)
    return listener


def test_at_ten_thousand_times_the_speed_flights_still_end_when_they_say():
    settings = SandboxSettings(profile="lab", open_registration=True, rate_limit=False, speed=10_000)
    with running_sandbox(settings) as sandbox, httpx2.Client(base_url=sandbox.base_url) as client:
        reply = client.post("/register", json={"symbol": "TESTER", "faction": "COSMIC"}).json()["data"]
        client.headers["authorization"] = f"Bearer {reply['token']}"
        places = list(sandbox.universe.home.waypoints)
        for leg in range(1, 21):
            client.post("/my/ships/TESTER-1/orbit")
            order = {"waypointSymbol": places[leg % len(places)]}
            nav = client.post("/my/ships/TESTER-1/navigate", json=order).json()["data"]["nav"]
            began, ends = (datetime.fromisoformat(nav["route"][end]) for end in ("departureTime", "arrival"))
            assert timedelta(milliseconds=4) <= ends - began <= timedelta(milliseconds=10)
            while client.get("/my/ships/TESTER-1/nav").json()["data"]["status"] == "IN_TRANSIT":
                pass
            assert datetime.now(UTC) >= ends
            assert client.post("/my/ships/TESTER-1/dock").status_code == 200
            assert client.post("/my/ships/TESTER-1/refuel").status_code == 200
