"""The rate limit: two pools that add, per account and per address, with the headers and the refusal of the game."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.sandbox.limits import RateLimited, RateLimits
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.sandbox.player import START, Player


def refused(limits: RateLimits, now: datetime, address: str = "here", account: str | None = None) -> dict[str, Any]:
    """What the refusal of one more request says; empty when it is admitted."""
    try:
        limits.admit(address, account, now)
    except RateLimited as error:
        return dict(error.data)
    return {}


def admitted(limits: RateLimits, now: datetime, tries: int, **who: Any) -> int:
    """How many of so many requests are admitted at one moment."""
    return sum(not refused(limits, now, **who) for _ in range(tries))


def test_the_pools_add_two_a_second_and_thirty_a_minute():
    limits = RateLimits(SandboxSettings())
    assert admitted(limits, START, 40) == 32
    assert admitted(limits, START + timedelta(seconds=0.999), 5) == 0
    assert admitted(limits, START + timedelta(seconds=1), 5) == 2
    assert admitted(limits, START + timedelta(seconds=60), 40) == 32


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=400))
def test_never_more_than_both_pools_in_any_minute_nor_less_than_the_steady_one(gaps):
    limits = RateLimits(SandboxSettings())
    now, granted = START, []
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        figures = refused(limits, now)
        if figures:
            assert 0 < figures["retryAfter"] <= 1
            within = [t for t in granted if now - t < timedelta(seconds=1)]
            assert len(within) >= 2, "the steady pool had room"
        else:
            granted.append(now)
    for i, first in enumerate(granted):
        in_window = [t for t in granted[i:] if t - first < timedelta(seconds=60)]
        assert len(in_window) <= 120 + 30


@given(st.lists(st.integers(1, 700), min_size=40, max_size=120))
def test_after_the_time_it_names_a_request_goes_through(gaps):
    limits = RateLimits(SandboxSettings())
    now = START
    for gap in gaps:
        now += timedelta(milliseconds=gap // 4)
        figures = refused(limits, now)
        if figures:
            now += timedelta(seconds=figures["retryAfter"])
            assert not refused(limits, now)


def test_windows_shrink_with_the_speed():
    limits = RateLimits(SandboxSettings(speed=100))
    assert admitted(limits, START, 40) == 32
    assert admitted(limits, START + timedelta(milliseconds=10), 40) == 2
    assert admitted(limits, START + timedelta(milliseconds=610), 40) == 32


def test_accounts_and_addresses_are_counted_apart_and_a_refused_request_counts_for_neither():
    limits = RateLimits(SandboxSettings())
    assert admitted(limits, START, 32, address="one", account="ALICE") == 32
    assert refused(limits, START, "two", "ALICE")["type"] == "Account"
    assert refused(limits, START, "one", "BOB")["type"] == "IP Address"
    assert admitted(limits, START, 32, address="two", account="BOB") == 32


def test_every_reply_carries_the_figures_and_the_refusal_says_when_to_return():
    player = Player(rate_limit=True)
    reply = player.send("GET", "/my/agent")
    assert {name: value for name, value in reply.headers.items() if name.startswith("x-ratelimit")} == {
        "x-ratelimit-type": "IP Address",
        "x-ratelimit-limit-burst": "30",
        "x-ratelimit-limit-per-second": "2",
        "x-ratelimit-remaining": "30",
        "x-ratelimit-reset": "2026-03-01T12:00:00.000Z",
    }
    while reply.status_code == 200:
        reply = player.send("GET", "/my/agent")
    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "1"
    assert reply.headers["x-ratelimit-remaining"] == "0"
    error = reply.json()["error"]
    assert (error["code"], error["message"]) == (429, "You have reached your API limit.")
    assert error["data"] == {
        "type": "IP Address",
        "retryAfter": 1.0,
        "limitBurst": 30,
        "limitPerSecond": 2,
        "remaining": 0,
        "reset": "2026-03-01T12:00:01.000Z",
    }
    player.clock.advance(error["data"]["retryAfter"])
    assert player.send("GET", "/my/agent").status_code == 200


def test_a_refused_request_changes_nothing():
    player = Player(rate_limit=True, profile="lab", seed=3)
    while player.send("GET", "/my/agent").status_code == 200:
        pass
    ledger = len(player.universe.ledger)
    assert player.refusal("POST", f"{player.ship_path}/orbit")[:2] == (429, 429)
    assert len(player.universe.ledger) == ledger


def test_bad_tokens_count_too():
    player = Player(rate_limit=True)
    headers = {"authorization": "Bearer nonsense"}
    statuses = [player.send("GET", "/my/agent", headers=headers).status_code for _ in range(40)]
    assert statuses == [401] * 31 + [429] * 9  # one of 32 went to the registration


@pytest.mark.parametrize("limited", [True, False])
def test_it_can_be_switched_off(limited):
    player = Player(rate_limit=limited)
    statuses = {player.send("GET", "/").status_code for _ in range(50)}
    assert statuses == ({200, 429} if limited else {200})
    assert any(name == "x-ratelimit-type" for name in player.send("GET", "/").headers) == limited
