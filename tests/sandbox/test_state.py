"""A universe that is kept in a file goes on as if nothing had happened; a damaged file is never used."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.api import create_app
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.state import _FORMAT, Snapshot, load_universe
from spacetraders_lab.sandbox.truth import truth
from spacetraders_lab.sandbox.universe import Universe
from tests.sandbox.player import START, Player


def lived(**settings) -> Player:
    """A player in the middle of things: cargo aboard, a ship in flight, one bought, a listing grown, others trading."""
    player = Player(profile="lab", seed=3, credits=10**7, strong_after=1, npc_traders=5, **settings)
    market = player.universe.home.markets[player.ship.waypoint]
    for hour in range(6):
        good = list(market.listings)[hour]
        player.post(f"{player.ship_path}/purchase", {"symbol": good, "units": 4})
        player.clock.advance(1800)
    player.post("/my/ships", {"shipType": "SHIP_PROBE", "waypointSymbol": player.ship.waypoint})
    player.post(f"{player.ship_path}/orbit")
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": list(player.universe.home.markets)[4]})
    return player


def restarted(player: Player, file: Path) -> Player:
    """The same player at a server that read its universe from the file."""
    again = object.__new__(Player)
    again.__dict__ |= player.__dict__
    again.universe = load_universe(file, player.universe.settings)
    again.turn_to(create_app(again.universe, player.clock))
    return again


def test_everything_goes_on_after_a_restart(tmp_path: Path):
    player = lived()
    file = tmp_path / "universe.state"
    Snapshot.of(player.universe).write(file)
    again = restarted(player, file)
    assert again.universe.universe_id == player.universe.universe_id
    assert list(again.universe.ledger) == list(player.universe.ledger)
    for path in ("/my/agent", "/my/ships", "/agents", "/systems", player.market_path(player.agent.headquarters)):
        assert again.get(path) == player.get(path)
    assert again.ship is not player.ship
    for seconds in (100, 7_000, 400_000):
        player.clock.advance(seconds)
        now = player.clock.now()
        assert truth(again.universe, now) == truth(player.universe, now)
        for one in (player, again):
            one.post(f"{one.ship_path}/dock")
            one.post(f"{one.ship_path}/refuel")
            one.post(f"{one.ship_path}/orbit")
    assert list(again.universe.ledger) == list(player.universe.ledger)
    yard = f"/systems/{player.universe.home.symbol}/waypoints/{player.agent.headquarters}/shipyard"
    assert again.get(yard) == player.get(yard)


def test_a_universe_after_a_reset_is_kept_too(tmp_path: Path):
    first = Universe.create(SandboxSettings(start=START), START)
    second = first.successor(START + timedelta(days=14))
    Snapshot.of(second).write(tmp_path / "state")
    again = load_universe(tmp_path / "state", first.settings)
    assert again.reset_date == second.reset_date == "2026-03-15"
    assert truth(again, second.start) == truth(second, second.start)
    assert again.secret == second.secret != first.secret


def test_what_happens_while_a_snapshot_is_written_is_not_in_it(tmp_path: Path):
    player, then, later = lived(), tmp_path / "state then", tmp_path / "state later"
    snapshot = Snapshot.of(player.universe)
    snapshot.write(then)
    player.clock.advance(7_000)
    player.post(f"{player.ship_path}/dock")
    assert len(player.universe.ledger) > snapshot.entries
    snapshot.write(later)
    assert later.read_bytes() == then.read_bytes()


def test_a_cut_or_altered_file_is_refused_at_every_length(tmp_path: Path):
    player, file = lived(), tmp_path / "state"
    Snapshot.of(player.universe).write(file)
    whole = file.read_bytes()
    for length in {0, 1, 20, 60, 100, *range(0, len(whole), 997), len(whole) - 1}:
        file.write_bytes(whole[:length])
        with pytest.raises(UserError, match="no whole sandbox state"):
            load_universe(file, player.universe.settings)
    for place in range(0, len(whole), 4_999):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UserError, match="no whole sandbox state"):
            load_universe(file, player.universe.settings)


def test_a_file_of_other_settings_is_refused_and_they_are_named(tmp_path: Path):
    Snapshot.of(Universe.create(SandboxSettings(seed=5), START)).write(tmp_path / "state")
    with pytest.raises(UserError, match=r"seed=5"):
        load_universe(tmp_path / "state", SandboxSettings(seed=6))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_fails_while_writing_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    player, file = lived(), tmp_path / "state"
    Snapshot.of(player.universe).write(file)
    old = file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    player.clock.advance(500)
    player.post(f"{player.ship_path}/dock")
    with pytest.raises(OSError, match="No space"):
        Snapshot.of(player.universe).write(file)
    assert file.read_bytes() == old
    load_universe(file, player.universe.settings)


def test_a_universe_kept_before_flights_and_agents_knew_more_is_still_good(tmp_path: Path):
    player, file = lived(), tmp_path / "universe.state"
    Snapshot.of(player.universe).write(file)
    state = msgspec.msgpack.decode(file.read_bytes().partition(b"\n")[2])
    for agent in state["agents"].values():
        del agent["registered"]
    for ship in state["ships"].values():
        del ship["flight"]["share"], ship["flight"]["changed"]
    content = msgspec.msgpack.encode(state)
    file.write_bytes(b"%s %d %s\n" % (_FORMAT, len(content), hashlib.sha256(content).hexdigest().encode()) + content)
    again = restarted(player, file)
    assert again.get("/my/ships") == player.get("/my/ships")
    deadline = again.get("/my/contracts")[0]["terms"]["deadline"]
    assert deadline == player.get("/my/contracts")[0]["terms"]["deadline"]
    fuel = again.patch(f"{again.ship_path}/nav", {"flightMode": "BURN"})["fuel"]
    assert fuel == player.patch(f"{player.ship_path}/nav", {"flightMode": "BURN"})["fuel"]
