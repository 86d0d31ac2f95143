"""The operator's port: its token, what it tells and does, and that players cannot reach any of it."""

from collections.abc import Iterator

import httpx2
import pytest

from spacetraders_lab.sandbox.server import Admin, RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings

SETTINGS = SandboxSettings(profile="lab", open_registration=True, rate_limit=False)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(SETTINGS, admin=Admin("open sesame")) as running:
        httpx2.post(f"{running.base_url}/register", json={"symbol": "TESTER", "faction": "COSMIC"})
        yield running


def ask(sandbox: RunningSandbox, method: str, path: str, token: str = "open sesame", **arguments) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.request(method, f"{sandbox.admin_url}{path}", headers=headers, **arguments)


WAYS = [("GET", "/truth"), ("GET", "/ledger"), ("GET", "/faults"), ("PUT", "/faults"), ("POST", "/reset")]


@pytest.mark.parametrize(("method", "path"), [*WAYS, ("POST", "/maintenance")])
def test_nothing_goes_without_the_token(sandbox, method, path):
    for token in ("none", "open", "öffne dich"):
        headers = {"authorization": f"Bearer {token}".encode()}
        assert httpx2.request(method, f"{sandbox.admin_url}{path}", headers=headers).status_code == 401


@pytest.mark.parametrize(("method", "path"), WAYS)
def test_players_find_none_of_it(sandbox, method, path):
    for base in (sandbox.base_url, sandbox.base_url.removesuffix("/v2")):
        headers = {"authorization": "Bearer open sesame"}
        assert httpx2.request(method, f"{base}{path}", headers=headers).status_code in (401, 404)
    assert httpx2.get(f"{sandbox.admin_url}/v2/my/agent").status_code == 404


def test_the_truth_holds_every_hidden_number(sandbox):
    shown = ask(sandbox, "GET", "/truth").json()
    assert shown["settings"]["profile"] == "lab"
    for system, markets in shown["systems"].items():
        for waypoint, listings in markets.items():
            for good, x in listings.items():
                truth = sandbox.universe.systems[system].markets[waypoint].listings[good]
                assert (x["mid"], x["factor"], x["stock"]) == (truth.mid, truth.factor, truth.stock)
                assert {"rate", "phase", "rest", "tranches", "supply", "activity", "quote"} <= set(x)


def test_the_ledger_is_read_from_where_one_stopped(sandbox):
    shown = ask(sandbox, "GET", "/ledger").json()
    assert [entry["kind"] for entry in shown["entries"]] == ["REGISTER", "REGISTER"]
    assert [entry["sequence"] for entry in ask(sandbox, "GET", "/ledger?after=1").json()["entries"]] == [2]
    assert ask(sandbox, "GET", "/ledger?after=2").json() == {"entries": [], "total": 2}


def test_faults_are_set_while_it_runs(sandbox):
    rules = [{"fault": "proxy-502", "count": 1, "path": "/agents"}]
    assert ask(sandbox, "PUT", "/faults", json=rules).status_code == 200
    statuses = [httpx2.get(f"{sandbox.base_url}/agents").status_code for _ in range(2)]
    assert statuses == [502, 200]
    assert ask(sandbox, "GET", "/faults").json()["injected"] == {"proxy-502": 1}
    for bad in ([{"fault": "nonsense"}], {}, 7):
        assert ask(sandbox, "PUT", "/faults", json=bad).status_code == 422


def test_maintenance_and_reset_at_a_word(sandbox):
    assert ask(sandbox, "POST", "/maintenance").status_code == 200
    assert httpx2.get(sandbox.base_url).status_code == 503
    assert ask(sandbox, "POST", "/maintenance?seconds=0.001").status_code == 200
    before = sandbox.universe
    reply = ask(sandbox, "POST", "/reset").json()
    assert sandbox.universe is not before
    assert reply["resetDate"] == sandbox.universe.reset_date != before.reset_date
    assert ask(sandbox, "POST", "/reset?seconds=soon").status_code == 422


def test_without_an_operator_there_is_no_such_port():
    with running_sandbox(SETTINGS) as running:
        assert running.admin_url is None
