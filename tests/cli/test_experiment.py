"""`spacetraders experiment`: a run as its user sees it, from the plan to the last line, and what the exit code says."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text, update

from spacetraders_lab.core.container import WantedState
from spacetraders_lab.core.experiment import Design, DesignName, RunStatus
from spacetraders_lab.core.revisits import AFTER_MINUTES
from spacetraders_lab.sandbox.faults import Fault, FaultRule
from spacetraders_lab.sandbox.server import RunningSandbox
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.daemons import Daemon, DaemonRepository
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.schema import containers as containers_table
from tests.cli.conftest import Player, join
from tests.factories import NOON, PAIR, make_record
from tests.plans import plans
from tests.store.memory import Queue, enter_run
from tests.terminal import Answer, Terminal

SMALL = "--max-pairs 3 --batch-sizes 0.5,1.0 --iterations-per-batch 1"
TINY = "--max-pairs 1 --batch-sizes 1.0 --iterations-per-batch 1"
FULL_HOLD = 40


def _run_id(answer: Answer) -> str:
    found = re.search(r"^Experiment run_id: (.*)$", answer.out, re.MULTILINE)
    assert found is not None
    return found[1]


@contextmanager
def broken_markets(player: Player) -> Iterator[None]:
    """While this lasts no market can be read: the game answers 500."""
    faults = player.sandbox.app.state.faults
    faults.set([FaultRule(Fault.SERVER_ERROR, method="GET", path="/systems/{system}/waypoints/{waypoint}/market")])
    try:
        yield
    finally:
        faults.set([])


@pytest.fixture
def scouted(player: Player) -> Player:
    player.scout()
    return player


@pytest.fixture(scope="module")
def done(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Player, Answer]:
    """A user with one finished run, and what was printed meanwhile. Many look at it, nobody changes it."""
    player = join(Terminal(tmp_path_factory.mktemp("done"), BASE_URL=sandbox.base_url), sandbox)
    player.scout()
    return player, player.experiment(SMALL)


def test_a_ship_that_flies_for_a_run_takes_no_orders_from_elsewhere(scouted: Player) -> None:
    ended = _run_id(scouted.experiment(TINY))
    with closing(open_database(path=scouted.terminal.database)) as database, database.transaction() as connection:
        experiments, containers, now = (
            ExperimentRepository(connection),
            ContainerRepository(connection),
            datetime.now(UTC),
        )
        goes_on = {"run_id": "run-2", "status": RunStatus.RUNNING, "finished_at": None}
        run = replace(experiments.get_run(ended), **goes_on)
        experiments.create_run(run, {})
        containers.start(run, scouted.ships[:1], now=now)
        containers.adopt("daemon_1", [run.player_id], now=now, lease_seconds=600)
    begun = len(scouted.ledger("NAVIGATE", "DOCK", "PURCHASE", "SELL"))
    for order in ("orbit {}", "sell {} IRON 1"):
        answer = scouted.type("ship " + order.format(scouted.ships[0]))
        assert (answer.code, "flies for experiment run-2" in answer.complaint) == (2, True)
    assert len(scouted.ledger("NAVIGATE", "DOCK", "PURCHASE", "SELL")) == begun
    assert scouted.type(f"ship orbit {scouted.ships[1]}").code == 0


# --- a run from beginning to end --------------------------------------------------------------------------------------


def test_the_opening_is_that_of_the_original_design(done: tuple[Player, Answer]) -> None:
    player, answer = done
    lines = [line for line in answer.out.splitlines() if line]
    goods = [line for line in lines if re.fullmatch(r"  [A-Z_]+: \d+ markets → \d+ pairs", line)]
    assert lines[:4] == [
        "Starting multi-ship liquidity experiment...",
        f"Fleet: 2 ships ({', '.join(player.ships)})",
        f"System: {player.system}",
        f"Discovered: {len(goods)} goods",
    ]
    assert "  COPPER: 6 markets → 30 pairs" in goods
    assert len(goods) == 12
    expected = [
        "Total: 3 market pairs",
        "Work queue populated: 3 pairs (PENDING)",
        f"Experiment run_id: {_run_id(answer)}",
        "Ships will dynamically claim pairs until queue empty.",
        "Monitor progress:",
        f"  spacetraders experiment status --run-id {_run_id(answer)}",
    ]
    assert [line for line in lines if line in expected] == expected
    assert UUID(_run_id(answer)).version == 4


def test_the_plan_is_printed_before_anything_is_bought(done: tuple[Player, Answer]) -> None:
    _, answer = done
    plan = answer.out.index("\nPlan:\n")
    assert plan < answer.out.index("Work queue populated")
    for figure in ("transactions", "requests", "hours", "expected loss", "peak outlay", "budget"):
        assert re.search(rf"^  {figure} +[\d,.-]+", answer.out[plan:], re.MULTILINE), figure


def test_an_adaptive_run_does_not_pretend_to_know_its_pairs(scouted: Player) -> None:
    answer = scouted.experiment("--design adaptive --budget 500000 --max-requests 60 --max-hours 50")
    assert answer.code == 0
    assert "Pairs are chosen as the run goes;" in answer.out
    assert "Ships will ask for pairs until everything is precise enough" in answer.out
    assert "→" not in answer.out and "Work queue" not in answer.out
    asked = f"experiment status --run-id {_run_id(answer)}"
    found = scouted.type(f"{asked} --json").json
    assert found["requests"] >= 60 and 0 < found["hours"] < 50
    assert (found["design"], found["limits"]) == ("adaptive", {"max_hours": 50.0, "max_requests": 60})
    said = scouted.type(asked).out
    assert f"Limits: {found['hours']:.1f} of 50 hours, {found['requests']:,} of 60 requests" in said
    assert re.match(r"Progress: \d+/\d+ pairs", said.splitlines()[1])  # it has ended: the pairs are all there are


def test_it_ends_with_the_status_and_exit_code_0(done: tuple[Player, Answer]) -> None:
    _, answer = done
    assert answer.code == 0
    assert f"Experiment: {_run_id(answer)}\nProgress: 3/3 pairs (100.0%)\nState: COMPLETED\n" in answer.out
    assert answer.out.endswith(
        "Queue Status:\n- Completed: 3\n- In Progress: 0\n- Pending: 0\n- Failed: 0\n",
    )


def test_what_was_planned_is_what_was_traded(done: tuple[Player, Answer]) -> None:
    player, answer = done
    planned = re.search(r"transactions +([\d,]+)", answer.out)
    assert planned is not None
    assert int(planned[1]) == len(player.ledger("PURCHASE", "SELL"))


# --- looking at it ----------------------------------------------------------------------------------------------------


def test_the_status_is_that_of_the_original_design(done: tuple[Player, Answer]) -> None:
    player, answer = done
    status = player.type(f"experiment status --run-id {_run_id(answer)}")
    assert status.code == 0
    pattern = (
        rf"Experiment: {_run_id(answer)}\n"
        r"Progress: 3/3 pairs \(100\.0%\)\n"
        r"State: COMPLETED\n"
        r"\nShip Performance:\n"
        rf"(- {player.name}-[12]: [123] pairs [█░]{{20}} \(\d+%\)\n){{1,2}}"
        r"\nQueue Status:\n- Completed: 3\n- In Progress: 0\n- Pending: 0\n- Failed: 0\n"
    )
    # a game this fast may move a quote between a reading and the trade after it, which is told
    deviations = player.type(f"experiment status --run-id {_run_id(answer)} --json").json["deviations"]
    assert {deviation["kind"] for deviation in deviations} <= {"posted price"}
    told = "".join(f"Deviation ({deviation['kind']}): {deviation['what']}\n" for deviation in deviations)
    assert re.fullmatch(pattern + re.escape(told), status.out)


def test_the_status_of_a_recovery_run_says_what_was_read_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with closing(open_database(path=terminal.database)) as database:
        enter_run(database, [PAIR], design=Design(name=DesignName.RECOVERY), created_at=NOON)
        with database.transaction() as connection:
            ExperimentRepository(connection).record_transaction(make_record())
        Queue(database).do("mark_complete", Queue(database).must_claim(), now=NOON)
    status = terminal.type("experiment status --run-id run-1")
    assert (status.code, status.err) == (0, "")
    assert f"\nReadings: 0 made, {len(AFTER_MINUTES)} missed, 0 to come\n" in status.out
    readings = {"made": 0, "missed": len(AFTER_MINUTES), "to_come": 0}
    assert terminal.type("experiment status --run-id run-1 --json").json["readings"] == readings


def test_the_status_of_a_run_that_kept_its_plan_counts_no_transaction(tmp_path: Path) -> None:
    """There may be a million of them, and no line shows their number; --json does."""
    terminal = Terminal(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/lab.db")
    with closing(open_database(f"sqlite:///{tmp_path}/lab.db")) as database:
        enter_run(database, [PAIR])
        with database.transaction() as connection:
            ExperimentRepository(connection).record_transaction(make_record())
    with plans() as shown:
        assert terminal.type("experiment status --run-id run-1").code == 0
    assert [statement for statement in shown if "count(*) AS count_1" in statement] == []
    with plans() as shown:
        assert terminal.type("experiment status --run-id run-1 --json").json["transactions"] == 1
    assert [statement for statement in shown if "count(*) AS count_1" in statement] != []


def test_the_status_of_a_run_that_nobody_flies_for_says_how_it_goes_on(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with closing(open_database(path=terminal.database)) as database:
        run = enter_run(database, [PAIR])
        with database.transaction() as connection:
            ContainerRepository(connection).start(run, run.ships, now=NOON)
            far = datetime.now(UTC) + timedelta(hours=1)
            DaemonRepository(connection).beat(Daemon("D-1", "here", 42, (), WantedState.RUNNING, NOON, far))
        remedy = "Resume it with: spacetraders experiment resume --run-id run-1"
        said = f"State: RUNNING, but no ship is working on it\n{remedy}\n"
        assert said not in terminal.type("experiment status --run-id run-1").out
        with database.transaction() as connection:
            ContainerRepository(connection).stop_of_run("run-1", now=NOON)
        assert said in terminal.type("experiment status --run-id run-1").out
        with database.transaction() as connection:
            for container in ContainerRepository(connection).list_containers("run-1"):
                ContainerRepository(connection).remove(container.container_id)
    assert said in terminal.type("experiment status --run-id run-1").out
    assert terminal.type("experiment status --run-id run-1 --json").json["is_left"] is True


def test_a_run_whose_daemon_was_killed_is_told_from_one_that_is_flown(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with closing(open_database(path=terminal.database)) as database:
        run, lease = enter_run(database, [PAIR]), (datetime.now(UTC) - NOON).total_seconds()
        with database.transaction() as connection:
            containers = ContainerRepository(connection)
            containers.start(run, run.ships, now=NOON)
            containers.adopt("D-1", [run.player_id], now=NOON, lease_seconds=lease + 3600)
        flown = terminal.type("experiment status --run-id run-1")
        assert "no ship is working on it" not in flown.out
        assert terminal.type("daemon list").out.splitlines()[1].split()[-2] == "RUNNING"
        with database.transaction() as connection:
            connection.execute(update(containers_table).values(lease_until=NOON))
    assert "State: RUNNING, but no ship is working on it" in terminal.type("experiment status --run-id run-1").out
    assert terminal.type("daemon list").out.splitlines()[1].split()[-2] == "LOST"


def test_the_pairs_that_a_cancelled_run_has_left_are_not_told_as_pending(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with closing(open_database(path=terminal.database)) as database:
        enter_run(database, [PAIR])
        assert "\n- Pending: 1\n" in terminal.type("experiment status --run-id run-1").out
        with database.transaction() as connection:
            ExperimentRepository(connection).cancel("run-1", "cancelled: by the user", now=NOON)
    assert "\n- Not measured: 1\n" in terminal.type("experiment status --run-id run-1").out


def test_the_ships_shares_make_the_whole(done: tuple[Player, Answer]) -> None:
    player, answer = done
    status = player.type(f"experiment status --run-id {_run_id(answer)}")
    shares = re.findall(r": (\d+) pairs", status.out)
    assert sum(map(int, shares)) == 3


def test_the_status_in_json(done: tuple[Player, Answer]) -> None:
    player, answer = done
    status = player.type(f"experiment status --run-id {_run_id(answer)} --json").json
    assert (status["run_id"], status["status"], status["status_reason"]) == (_run_id(answer), "COMPLETED", None)
    assert status["pairs"] == {"PENDING": 0, "CLAIMED": 0, "COMPLETED": 3, "FAILED": 0}
    assert status["transactions"] == len(player.ledger("PURCHASE", "SELL"))
    assert sum(ship["completed"] for ship in status["ships"]) == 3
    assert status["errors"] == []


def test_the_list_shows_runs_the_newest_first(scouted: Player) -> None:
    first, second = scouted.experiment(TINY), scouted.experiment(TINY.replace("1", "2", 1))
    runs = scouted.type("experiment list --json").json
    assert [run["run_id"] for run in runs] == [_run_id(second), _run_id(first)]
    assert [run["pairs"]["COMPLETED"] for run in runs] == [2, 1]
    table = scouted.type("experiment list")
    assert table.code == 0
    rows = table.out.splitlines()[1:]
    assert [row.split()[:6] for row in rows] == [
        [_run_id(second), scouted.system, "COMPLETED", "2", "2", "0"],
        [_run_id(first), scouted.system, "COMPLETED", "1", "1", "0"],
    ]


def test_the_list_of_no_runs(player: Player) -> None:
    assert player.type("experiment list --json").json == []
    assert player.type("experiment list").code == 0


def test_status_and_list_need_neither_token_nor_game(done: tuple[Player, Answer], tmp_path: Path) -> None:
    player, answer = done
    database = f"sqlite:///{player.terminal.database}"
    stranger = Terminal(tmp_path, BASE_URL="http://127.0.0.1:1/v2", DATABASE_URL=database)
    assert stranger.type(f"experiment status --run-id {_run_id(answer)}").code == 0
    assert _run_id(answer) in stranger.type("experiment list").out


# --- runs that do not go well -----------------------------------------------------------------------------------------


def test_a_ship_without_room_is_not_taken(scouted: Player) -> None:
    scouted.ship(2).load("DIAMONDS", FULL_HOLD)
    answer = scouted.experiment(SMALL)
    assert answer.code == 2
    assert "has no room in its hold (40 DIAMONDS); sell it first" in answer.complaint
    assert scouted.type("experiment list --json").json == []


def test_failed_pairs_are_named_with_their_reason_and_exit_code_1(scouted: Player) -> None:
    with broken_markets(scouted):
        answer = scouted.experiment(SMALL)
    assert answer.code == 1
    status = scouted.type(f"experiment status --run-id {_run_id(answer)}")
    assert "- Failed: 3\n" in status.out
    *reasons, _, planned = status.out.split("- Failed: 3\n")[1].splitlines()
    assert len(reasons) == 3
    assert planned == "Planned trades: 12, executed 0, skipped: api_error 12"
    assert all(re.fullmatch(r"  [A-Z_]+:\S+:\S+: gave up after 5 attempts, .*", reason) for reason in reasons)
    errors = scouted.type(f"experiment status --run-id {_run_id(answer)} --json").json["errors"]
    assert [f"  {error['pair_id']}: {error['error']}" for error in errors] == reasons


def test_a_run_that_the_purse_cannot_feed_waits_and_is_resumed(scouted: Player) -> None:
    scouted.agent.credits = 10
    answer = scouted.experiment(f"{SMALL} --budget 1000000")
    assert answer.code == 3
    assert "State: SUSPENDED (out_of_credits: " in answer.out
    command = f"experiment resume --run-id {_run_id(answer)}"
    assert answer.out.endswith(f"\nResume it with: spacetraders {command}\n")
    scouted.agent.credits = 1_000_000
    resumed = scouted.type(f"{command} --foreground")
    assert resumed.code == 0
    assert "Progress: 3/3 pairs (100.0%)\nState: COMPLETED\n" in resumed.out


def test_other_ships_may_take_over_when_it_is_resumed(scouted: Player) -> None:
    scouted.agent.credits = 10
    answer = scouted.experiment(f"{TINY} --budget 1000000")
    scouted.agent.credits = 1_000_000
    resumed = scouted.type(f"experiment resume --foreground --run-id {_run_id(answer)} --ships {scouted.ships[1]}")
    assert resumed.code == 0
    assert {entry.ship_symbol for entry in scouted.ledger("PURCHASE")} == {scouted.ships[1]}


def test_a_resumed_run_is_not_touched_when_a_ship_is_misspelt(scouted: Player) -> None:
    scouted.agent.credits = 10
    run_id = _run_id(scouted.experiment(f"{TINY} --budget 1000000"))
    answer = scouted.type(f"experiment resume --run-id {run_id} --ships {scouted.ships[0]},NOBODY-1")
    assert answer.code == 2
    assert "no such ship: NOBODY-1" in answer.complaint
    assert scouted.type(f"experiment status --run-id {run_id} --json").json["status"] == "SUSPENDED"


def test_a_finished_run_cannot_be_resumed(done: tuple[Player, Answer]) -> None:
    player, answer = done
    again = player.type(f"experiment resume --run-id {_run_id(answer)}")
    assert again.code == 2
    assert "has ended" in again.complaint


# --- options ----------------------------------------------------------------------------------------------------------


def test_only_the_goods_asked_for(scouted: Player) -> None:
    answer = scouted.experiment(f"{SMALL} --goods copper,iron")
    assert answer.code == 0
    assert "Discovered: 2 goods\n  COPPER: 6 markets" in answer.out
    assert {entry.good for entry in scouted.ledger("PURCHASE")} <= {"COPPER", "IRON"}


def test_the_number_of_cells_follows_from_fractions_and_iterations(scouted: Player) -> None:
    scouted.experiment("--max-pairs 1 --batch-sizes 0.25,0.5,1.0 --iterations-per-batch 2")
    assert len(scouted.ledger("PURCHASE")) == 6


def test_the_budget_is_shown_with_the_purse(scouted: Player) -> None:
    answer = scouted.experiment(f"{TINY} --budget 600000")
    assert re.search(r"budget +600,000  credits, 1,920 of it for fuel; you have 5,000,000", answer.out)


def test_no_token_is_ever_printed(done: tuple[Player, Answer]) -> None:
    player, answer = done
    token = player.agent.token
    assert token not in answer.out + answer.err
    assert token.encode() not in player.terminal.database.read_bytes()


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_a_healthy_run_has_nothing_out_of_order(done: tuple[Player, Answer]) -> None:
    player, answer = done
    healthy = player.type(f"experiment doctor --run-id {_run_id(answer)}")
    assert (healthy.code, healthy.out) == (0, "Nothing is wrong.\n")
    assert player.type(f"experiment doctor --run-id {_run_id(answer)} --json").json == []


def test_a_hold_that_disagrees_is_found(scouted: Player) -> None:
    """While the run may go on; what comes aboard after it is none of its business."""
    run_id = _run_id(scouted.experiment(TINY))
    trade = scouted.ledger("PURCHASE")[-1]
    scouted.sandbox.universe.ships[trade.ship_symbol].load(trade.good, 2)
    assert scouted.type(f"experiment doctor --run-id {run_id} --json").json == []
    with closing(open_database(path=scouted.terminal.database)) as database, database.transaction() as connection:
        connection.execute(text("UPDATE experiment_runs SET status = 'SUSPENDED', finished_at = NULL"))
    sick = scouted.type(f"experiment doctor --run-id {run_id} --json")
    assert sick.code == 1
    assert [finding["kind"] for finding in sick.json] == ["hold mismatch"]
    assert trade.ship_symbol in sick.json[0]["what"]
