"""`advise lanes`: where to send a ship, as `advise lane` would say it, and what of the system nobody knows."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from spacetraders_lab.cli import known, lanes
from spacetraders_lab.core.experiment import Design, DesignName
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.schema import market_observations
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import BASE_URL, Rig
from tests.terminal import Answer, Terminal

LANES = 12 * 6 * 5  # of the laboratory system: twelve goods at six markets each


class Measured:
    """A database after a recovery run over two lanes of each of three goods, read again a day and a half later."""

    def __init__(self, home: Path) -> None:
        self.home = home
        database = open_database(path=Terminal(home).database, durable=False)
        rig = Rig(database, seed=3, credits=50_000_000)
        rig.scout()
        recovery = Design(name=DesignName.RECOVERY)
        run = rig.launch(rig.prepare(design=recovery, goods=("COPPER", "GOLD", "IRON"), max_pairs=6))
        rig.fly(run)
        rig.play(lambda lab: lab.clock.sleep(36 * 3600))
        rig.scout()
        database.close()
        self.system, self.now, self.universe_id = rig.system, rig.clock.now(), run.universe_id


class Player(Terminal):
    """Somebody with a copy of that database, a minute after it was read last, or when `clock` says."""

    def __init__(self, home: Path, measured: Measured) -> None:
        super().__init__(home, BASE_URL=BASE_URL)
        self.keep(Terminal(measured.home).database)
        self.system, self.universe_id = measured.system, measured.universe_id
        self.clock = measured.now + timedelta(minutes=1)

    def now(self) -> datetime:
        return self.clock

    def forget(self, **listing: str) -> None:
        """As if it had never been seen."""
        database = open_database(path=self.database)
        with database.transaction() as connection:
            connection.execute(delete(market_observations).filter_by(**listing))
        database.close()

    @property
    def asks(self) -> str:
        return f"advise lanes --system {self.system.lower()} --hold 40 --speed 36"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    home = tmp_path_factory.mktemp("measured")
    yield Measured(home)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def told(measured: Measured, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What is said of that database as it is."""
    player = Player(tmp_path_factory.mktemp("told"), measured)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(known.SystemClock, "now", lambda _: player.now())
        return player.type(f"{player.asks} --json")


@pytest.fixture
def player(tmp_path: Path, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> Player:
    found = Player(tmp_path, measured)
    monkeypatch.setattr(known.SystemClock, "now", lambda _: found.now())
    return found


def test_every_lane_is_told_as_advise_lane_tells_it_and_all_others_are_counted(player: Player, told: Answer) -> None:
    found = told.json
    assert len(found["lanes"]) >= 4
    assert len(found["lanes"]) + sum(found["left_out"].values()) == LANES
    assert found["universe_over"] is False
    earned = [lane["kept_up"]["profit_an_hour"]["value"] for lane in found["lanes"]]
    assert earned == sorted(earned, reverse=True) and earned[-1] > 0
    for lane in (found["lanes"][0], found["lanes"][-1]):
        place = f"{lane.pop('good')} --from {lane.pop('from')} --to {lane.pop('to')}"
        assert "pace" in lane.pop("little_known")  # of six lanes too few are of one activity
        assert lane | {"universe_over": False} == player.type(f"advise lane {place} --hold 40 --speed 36 --json").json


def test_the_table_fits_eighty_columns_and_says_how_to_go_on(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "_SHOWN", 2)
    player.environment["COLUMNS"] = "80"
    answer = player.type(player.asks)
    assert (answer.code, answer.err) == (0, "")
    headings, best, second, nothing, *_ = answer.out.splitlines()
    assert headings.split() == ["good", "buy", "at", "sell", "at", "an", "hour", "range", "units", "min"]
    assert nothing == ""
    table = answer.out.splitlines()[:3]
    assert max(map(len, table)) <= 80 and best.split()[-1] == second.split()[-1] == "p"
    assert "\n  p  recovery is known from other activities" in answer.out
    assert "lanes are not listed: they earn less than these, if anything" in answer.out
    (again,) = (line for line in answer.out.splitlines() if line.startswith("All about the first: spacetraders "))
    good, here, there, *_ = best.split()
    command = again.removeprefix("All about the first: spacetraders ")
    assert command == f"advise lane {good} --from {here} --to {there} --hold 40 --speed 36"
    assert f"\n{'credits an hour'}" in player.type(command).out


def test_what_was_never_seen_is_counted_apart(player: Player, told: Answer) -> None:
    before = told.json
    player.forget(waypoint_symbol=before["lanes"][0]["from"], good_symbol="PLASTICS")
    player.forget(good_symbol="FUEL")
    database = open_database(path=player.database)
    with database.transaction() as connection:
        new = Waypoint(f"{player.system}-ZZ9", "PLANET", 1, 1, frozenset({"MARKETPLACE"}))
        World(connection).save_waypoints(player.universe_id, [new])
    database.close()
    answer = player.type(f"{player.asks} --json")
    assert answer.err == ""
    after = answer.json
    assert after["left_out"].pop("price") == 2 * 5 and before["left_out"]["price"] == 0
    assert after["left_out"].pop("markets_unread") == 1
    assert len(after["lanes"]) + sum(after["left_out"].values()) == LANES - 10
    assert all("fuel" in lane["little_known"] and lane["trip"]["fuel"] is None for lane in after["lanes"])
    out = player.type(player.asks).out
    assert "10 lanes are not listed: a price was never seen" in out
    assert "1 of its markets trade nobody knows what" in out


def test_old_quotes_are_marked_until_nothing_is_sure_any_more(player: Player) -> None:
    player.clock += timedelta(hours=2)
    assert all("old" in lane["little_known"] for lane in player.type(f"{player.asks} --json").json["lanes"])
    player.clock += timedelta(days=300)
    answer = player.type(player.asks)
    assert answer.code == 0
    assert "lanes are not listed: nothing is sure to be earned, and a quote is older than 60 minutes" in answer.out
    assert "advise lane " not in answer.out


def test_a_universe_that_is_over_is_said_to_be(player: Player) -> None:
    database = open_database(path=player.database)
    with database.transaction() as connection:
        World(connection).universe_id(BASE_URL, "2099-01-01")
    database.close()
    assert "which is over: that of 2099-01-01 has begun since." in player.type(player.asks).out.splitlines()[-1]
    assert player.type(f"{player.asks} --json").json["universe_over"] is True


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--system X1-NO7 --hold 40", "no price of X1-NO7 was ever seen"),
        ("--system nonsense --hold 40", "is no system symbol"),
        ("--system {} --hold 0", "--hold must be at least 1"),
        ("--system {} --hold 40 --speed 0", "--speed must be at least 1"),
        ("--system {}", "needs --hold"),
    ],
)
def test_nonsense_is_refused(player: Player, asked: str, said: str) -> None:
    answer = player.type(f"advise lanes {asked.format(player.system)}")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.complaint
