"""Time and places of a universe: durations without drift, moments and back, who watches what, what follows a reset."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe, system_of, whole_milliseconds
from tests.sandbox.player import START, Player

speeds = st.one_of(st.integers(1, 10_000), st.floats(0.5, 10_000))


@pytest.fixture(scope="module")
def universe() -> Universe:
    return Universe.create(SandboxSettings(profile="lab"), START)


@given(speed=speeds, seconds=st.integers(1, 10**6))
def test_durations_are_the_game_seconds_over_the_speed_in_whole_milliseconds(universe, speed, seconds):
    fast = Universe(SandboxSettings(speed=speed), START, "2026-03-01", True, "", universe.galaxy)
    wall = fast.duration(seconds)
    assert wall >= timedelta(milliseconds=1)
    assert wall.microseconds % 1000 == 0
    assert abs(wall.total_seconds() - max(0.001, seconds / speed)) <= 0.000_501


@given(speed=speeds, seconds=st.floats(0, 10**7))
def test_moments_and_elapsed_seconds_are_each_others_inverse(universe, speed, seconds):
    """Stamps are whole microseconds, so a game second may be off by that much times the speed, however late it is."""
    fast = Universe(SandboxSettings(speed=speed), START, "2026-03-01", True, "", universe.galaxy)
    assert abs(fast.elapsed(fast.moment(seconds)) - seconds) <= 0.6e-6 * speed + 1e-6


def test_nothing_has_happened_before_the_beginning(universe):
    assert universe.elapsed(START - timedelta(days=1)) == 0
    assert universe.elapsed(START) == 0


@given(st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_whole_milliseconds_cut_and_never_round_up(since):
    moment = START + since
    whole = whole_milliseconds(moment)
    assert whole <= moment < whole + timedelta(milliseconds=1)
    assert whole.microsecond % 1000 == 0


@pytest.mark.parametrize(
    ("waypoint", "system"), [("X1-AB12-C3", "X1-AB12"), ("X1-AB12", "X1"), ("nonsense", ""), ("", "")]
)
def test_the_system_of_a_symbol_whatever_its_form(waypoint, system):
    assert system_of(waypoint) == system


def test_a_universe_begins_when_the_settings_say(universe):
    begun = Universe.create(SandboxSettings(start=START - timedelta(days=3)), START)
    assert begun.reset_date == "2026-02-26"
    assert begun.elapsed(START) == 3 * 86_400
    assert universe.reset_date == "2026-03-01"


def test_every_reset_has_a_later_date_and_other_places(universe):
    dates, symbols, now = [universe.reset_date], [universe.home.symbol], START
    following = universe
    for days in (0, 0, 14):
        now += timedelta(days=days)
        following = following.successor(now)
        dates.append(following.reset_date)
        symbols.append(following.home.symbol)
        assert following.start == now
        assert len(following.ledger) == 0
    assert dates == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-15"]
    assert len(set(symbols)) == 4
    assert all(date.fromisoformat(x) for x in dates)


def test_the_same_reset_always_brings_the_same_universe(universe):
    one, other = (universe.successor(START + timedelta(days=7)) for _ in range(2))
    assert list(one.home.waypoints) == list(other.home.waypoints)
    assert one.secret == other.secret != universe.secret


def test_a_place_is_watched_by_ships_that_are_there_docked_or_not():
    player = Player(profile="lab", ships=("SHIP_COMMAND_FRIGATE",))
    here, there = list(player.universe.home.waypoints)[:2]

    def watched(place: str) -> bool:
        return player.universe.is_watched(player.agent, place, player.clock.now())

    assert (watched(here), watched(there)) == (True, False)
    player.post(f"{player.ship_path}/orbit")
    assert (watched(here), watched(there)) == (True, False)
    player.post(f"{player.ship_path}/navigate", {"waypointSymbol": there})
    assert (watched(here), watched(there)) == (False, False)
    player.clock.time = player.ship.flight.arrival
    assert (watched(here), watched(there)) == (False, True)
    assert not player.universe.is_watched(None, there, player.clock.now())


@pytest.mark.parametrize(("hold", "capacities"), [(None, [40, 0, 80]), (7, [7, 0, 7])])
def test_the_hold_of_ships_that_have_one_is_a_setting(hold, capacities):
    player = Player(profile="lab", hold=hold, ships=("SHIP_COMMAND_FRIGATE", "SHIP_PROBE", "SHIP_LIGHT_HAULER"))
    assert [ship["cargo"]["capacity"] for ship in player.get("/my/ships")] == capacities
