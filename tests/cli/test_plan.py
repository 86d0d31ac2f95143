"""`experiment plan`: what is printed of a plan, what is written, and that nothing is begun."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Player
from tests.terminal import Answer


@pytest.fixture
def scouted(player: Player) -> Player:
    player.scout()
    return player


def plan(player: Player, options: str) -> Answer:
    fleet = ",".join(player.ships)
    return player.type(f"experiment plan --ships {fleet} --system {player.system} --max-age 100000 {options}")


def test_a_ladder_is_planned_and_nothing_begun(scouted: Player, tmp_path: Path) -> None:
    path = tmp_path / "analysis_plan.json"
    answer = plan(scouted, f"--design ladder --budget 2000000 --out {path}")
    assert answer.code == 0
    for words in (
        "12 goods, 72 listings, 72 pairs",
        "flight-bound",
        "By number of ships:",
        "expected loss",
        "Expected precision",
        "not traded (zero tick",
    ):
        assert words in answer.out, words
    assert max(map(len, answer.out.splitlines())) <= 100 + len(str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"plan {digest[:16]}" in answer.out
    assert json.loads(path.read_text())["design"]["name"] == "ladder"
    assert scouted.is_untouched()


def test_in_json_it_says_all_that_the_tables_say(scouted: Player) -> None:
    found = plan(scouted, "--design grid --max-pairs 4 --json").json
    assert len(found["pairs"]) == 4
    assert found["cells"] == 4 * 24
    assert [schedule["ships"] for schedule in found["by_ships"]] == [1, 2]
    assert {"BUY", "SELL"} == {row["side"] for row in found["precision"]}
    assert -found["expected_profit"] <= found["worst_case"]
    assert sum(good["expected_profit"] for good in found["goods"]) == pytest.approx(found["expected_profit"])
    assert {"what", "reason"} == set(found["left_out"][0])
    assert found["refusal"] is None


def test_what_is_earned_is_called_a_profit_and_what_is_lost_a_loss(scouted: Player) -> None:
    best, all_of_it = ("--design ladder --max-pairs 6 --budget 500000", "--design ladder --budget 9000000")
    for options, word, other in (
        (best, "expected profit", "expected loss"),
        (all_of_it, "expected loss", "expected profit"),
    ):
        summary = plan(scouted, options).out.split("By number of ships")[0]
        assert re.search(rf"^  {word} +\d[\d,]*  credits$", summary, re.MULTILINE)
        assert other not in summary
    assert (
        plan(scouted, f"{best} --json").json["expected_profit"]
        > 0
        > plan(scouted, f"{all_of_it} --json").json["expected_profit"]
    )


def test_a_recovery_plan_says_which_readings_it_can_make(scouted: Player) -> None:
    """Eight hours and more; with one ship fewer than with two, and in all no more than are planned."""
    answer = plan(scouted, "--design recovery --max-pairs 12 --budget 500000")
    made, planned = map(int, re.findall(r"^  readings +(\d+)  of (\d+) can be made", answer.out, re.MULTILINE)[0])
    assert 0 < made < planned
    assert "a probe (--ships) makes every reading" in answer.out
    few = plan(scouted, "--design recovery --max-pairs 2 --budget 500000").out
    assert "A half-life needs 4 pairs or more, and this plan has 2" in few and "A half-life" not in answer.out
    found = plan(scouted, "--design recovery --max-pairs 12 --budget 500000 --json").json["by_ships"]
    assert [schedule["readings"] for schedule in found] == sorted(schedule["readings"] for schedule in found)
    assert (found[-1]["readings"], found[-1]["readings_planned"]) == (made, planned)
    assert all(schedule["hours"] > 8 for schedule in found)


def test_an_adaptive_plan_is_played(scouted: Player) -> None:
    options = "--design adaptive --budget 500000 --max-requests 200"
    found = plan(scouted, f"{options} --json").json["forecast"]
    requests = found["requests"]
    assert 200 <= requests["least"] <= requests["median"] <= requests["most"] < 300
    assert found["transactions"]["least"] > 20
    said = rf"^  requests +{requests['median']:.0f}  \({requests['least']} to {requests['most']}\)$"
    assert re.search(said, plan(scouted, options).out, re.MULTILINE)
    assert plan(scouted, "--design ladder --budget 500000 --json").json["forecast"] is None


def test_a_plan_with_a_limit_says_how_far_it_gets(scouted: Player) -> None:
    answer = plan(scouted, "--design ladder --budget 2000000 --max-hours 0.5")
    assert re.search(r"It ends at its limit, with about \d+ of 72 pairs begun", answer.out)
    assert (
        0.5
        <= plan(scouted, "--design ladder --budget 2000000 --max-hours 0.5 --json").json["by_ships"][1]["hours"]
        < 0.65
    )


def test_what_does_not_fit_is_priced_all_the_same_and_says_so(scouted: Player) -> None:
    answer = plan(scouted, "--budget 5000")
    assert answer.code == 0
    assert re.search(r"\b3\d\d pairs", answer.out), "all of the grid, but for listings that nobody quotes at the moment"
    assert "It would not be begun: the worst case of this plan" in answer.out
    purse = plan(scouted, "--budget 5000 --json").json["purse"]
    for options in (f"--credit-floor {purse - 5000}", f"--budget {purse} --credit-floor {purse - 1}"):
        said = plan(scouted, options).out
        assert ("It would not be begun" in said) is ("the run is then suspended" not in said), options


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--design nonsense", "nonsense"),
        ("--design ladder --order seeded", "--order seeded is for --design grid"),
        ("--design adaptive --target 0%", "--target '0%': must lie above 0%"),
        ("--design adaptive --target much", "--target 'much': give per cent"),
        ("--design ladder --rounds 0", "--rounds must be at least 1"),
        ("--design ladder --budget 10", "not one pair fits the budget"),
        ("--max-hours 0", "--max-hours must be above 0"),
        ("--max-hours nan", "--max-hours must be a number, not nan"),
        ("--max-requests 0", "--max-requests must be at least 1"),
        ("--design ladder --out /nonexistent/plan.json", "/nonexistent/plan.json: cannot be written"),
    ],
)
def test_what_cannot_be_planned_is_said_in_a_line(scouted: Player, options: str, complaint: str) -> None:
    answer = plan(scouted, options)
    assert answer.code == 2
    assert complaint in answer.err
    assert "Traceback" not in answer.err
    assert scouted.is_untouched()


def test_a_ladder_begun_from_the_command_line_carries_the_hash_of_its_plan(scouted: Player) -> None:
    goods = "--goods GOLD --design ladder --washout 0 --budget 300000"
    planned = plan(scouted, f"{goods} --json").json
    answer = scouted.experiment(goods)
    assert answer.code == 0
    assert f"Total: {len(planned['pairs'])} market pairs" in answer.out
    assert "State: COMPLETED" in answer.out


def test_a_run_that_ends_at_its_limit_has_ended_well(scouted: Player) -> None:
    answer = scouted.experiment("--goods GOLD,IRON --design ladder --budget 300000 --max-requests 60")
    assert answer.code == 0
    assert "State: COMPLETED (the limit of 60 requests is reached)" in answer.out
    run_id = re.search(r"run_id: (\S+)", answer.out)
    assert run_id is not None
    status = scouted.type(f"experiment status --run-id {run_id[1]}").out
    assert re.search(r"^  \d+ pairs: not measured: the limit of 60 requests is reached$", status, re.MULTILINE)
    assert re.search(r"skipped: .*limit \d+", status)
