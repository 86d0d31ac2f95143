"""The sandbox over real HTTP on loopback: from a background thread, and as a process in the foreground."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings


def test_it_serves_on_a_free_loopback_port_and_stops():
    with running_sandbox(SandboxSettings(profile="lab", speed=50)) as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        reply = httpx2.get(sandbox.base_url)
        assert reply.json()["stats"]["waypoints"] == len(sandbox.universe.home.waypoints)
        assert reply.headers["x-sandbox-speed"] == "50"
        assert sandbox.app.state.requests["GET", "", 200] == 1
    assert all(thread.name != "sandbox" for thread in threading.enumerate())


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
