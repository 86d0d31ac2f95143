"""`experiment simulate`, as the user meets it: what a design would find, without a game, a token or a trade."""

from pathlib import Path
from typing import Any

import pytest

from spacetraders_lab.core.market import Listing, MarketSnapshot, TradeGood
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Universe
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.world import World
from spacetraders_lab.study.markets import Markets
from spacetraders_lab.study.virtual import START
from tests.terminal import Terminal

GAME = "http://localhost:1/v2"  # nobody answers there
LADDER = "experiment simulate --design ladder --worlds base --runs 2 --jobs 1"
SHORT = f"{LADDER} --transactions 120"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, BASE_URL=GAME)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the beginning of the ladder finds with the usual seed, as JSON."""
    return Terminal(tmp_path_factory.mktemp("usual"), BASE_URL=GAME).type(f"{SHORT} --json").json


def test_it_shows_precision_bias_coverage_credits_and_hours(terminal: Terminal) -> None:
    answer = terminal.type(SHORT.replace("--worlds base", "--worlds base,law"))
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0] == "Design ladder, 2 runs in each world, 3 ships with 80 units"
    assert " ".join(lines[2].split()) == "world precise bias error covered new-one trades requests hours credits"
    assert [line.split()[0] for line in lines[3:5]] == ["base", "law"]
    assert max(map(len, lines)) <= 100
    assert not terminal.database.exists()


def test_the_same_seed_has_the_same_numbers(terminal: Terminal, usual: Any) -> None:
    assert terminal.type(f"{SHORT} --json --seed 1").json == usual
    assert terminal.type(f"{SHORT} --json --seed 9").json != usual


def test_json_has_every_number(terminal: Terminal) -> None:
    (found,) = terminal.type(f"{LADDER} --json").json
    assert found["world"] == "base" and found["design"]["name"] == "ladder"
    assert found["replications"] == 2
    assert 0 < found["precise"] < 1
    assert 0.8 < found["measured"]["coverage"]["value"] <= 1
    assert found["transactions"] > 100 and found["hours"] > 0.5 and found["spent"] > 0


def test_results_are_kept_and_gone_on_with(terminal: Terminal) -> None:
    kept = terminal.home / "study.db"
    two = terminal.type(f"{SHORT} --json --results {kept}").json
    size = kept.stat().st_size
    assert terminal.type(f"{SHORT} --json --results {kept}").json == two
    assert kept.stat().st_size == size
    three = terminal.type(f"{SHORT.replace('--runs 2', '--runs 3')} --json --results {kept}").json
    assert three[0]["replications"] == 3


def test_a_scheduler_that_is_none_is_refused_before_anything_is_written(terminal: Terminal) -> None:
    kept = terminal.home / "study.db"
    answer = terminal.type(f"{LADDER} --dask nonsense --results {kept}")
    assert answer.code == 2
    assert "--dask 'nonsense'" in answer.complaint and "tcp://host:8786" in answer.complaint
    assert not kept.exists()


def test_a_scouted_system_is_played_as_it_was_seen(terminal: Terminal, usual: Any) -> None:
    universe = Universe.create(SandboxSettings(seed=4), START)
    places, markets = tuple(universe.home.waypoints.values()), Markets(universe.home)
    markets.read_all(0.0)
    _remember(terminal, places, list(markets.latest.values()))
    home = terminal.type(f"{SHORT} --json --system {universe.home.symbol}")
    assert home.code == 0, home.err
    assert home.json != usual
    assert home.json[0]["transactions"] > 50


def _remember(terminal: Terminal, places: tuple[Waypoint, ...], listings: list[Listing]) -> None:
    """What a scouting of the system leaves in the database."""
    terminal.database.parent.mkdir(parents=True)
    database = open_database(path=terminal.database)
    with database.transaction() as connection:
        world = World(connection)
        universe_id = world.universe_id(GAME, "2026-03-01")
        world.save_waypoints(universe_id, places)
        for snapshot in _snapshots(listings):
            world.save_snapshot(universe_id, snapshot, "scout")
    database.close()


def _snapshots(listings: list[Listing]) -> list[MarketSnapshot]:
    goods: dict[str, dict[str, TradeGood]] = {}
    for listing in listings:
        goods.setdefault(listing.waypoint, {})[listing.good.symbol] = listing.good
    return [MarketSnapshot(waypoint, START, found) for waypoint, found in goods.items()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--worlds mars", ["'mars'", "base", "law"]),
        ("--worlds ,", ["--worlds"]),
        ("--runs 0", ["--runs must be at least 1"]),
        ("--jobs 0", ["--jobs must be at least 1"]),
        ("--ships 0", ["--ships must be at least 1"]),
        ("--hours 0", ["--hours must be above 0"]),
        ("--hours nan", ["--hours must be a number"]),
        ("--seed 100000000000000000000000", ["--seed must be at most"]),
        ("--transactions 0", ["--transactions must be at least 1"]),
        ("--system nowhere", ["looks like X1-AD75"]),
        ("--system X1-AA11", ["spacetraders market scout --system X1-AA11"]),
        ("--target 0%", ["--target"]),
        ("--results no/such/folder.db --runs 1", ["--results"]),
        ("--goods IRON", ["--goods", "Try --help"]),
    ],
)
def test_bad_input_is_refused_in_one_line(terminal: Terminal, options: str, words: list[str]) -> None:
    answer = terminal.type(f"experiment simulate {options}")
    assert answer.code == 2
    assert answer.out == ""
    for word in words:
        assert word in answer.complaint
