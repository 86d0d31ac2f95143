"""`spacetraders player status` and `remove`: what agents have, how long the universe lasts, tokens that are over."""

import base64
import json
import re
import shutil

import pytest

from spacetraders_lab.sandbox.server import RunningSandbox
from tests.cli.conftest import Player
from tests.terminal import Terminal


def _tokens(player: Player) -> dict[str, str]:
    return dict(json.loads(player.terminal.token_file.read_text()))


def _of_another_universe(token: str, reset_date: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | {"reset_date": reset_date}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


def _keep(player: Player, token: str) -> None:
    """As if the token had been kept for the present universe."""
    player.terminal.token_file.write_text(json.dumps({player.name: token}))


def _grow_old(player: Player, reset_date: str) -> None:
    """The universe of the stored token is over, and its token with it."""
    token = _of_another_universe(_tokens(player)[player.name], reset_date)
    _keep(player, token)
    player.terminal.token_file.rename(player.terminal.token_file.with_name(f"{reset_date}.json"))


def test_status_shows_credits_ships_reset_date_and_time_left(player: Player, sandbox: RunningSandbox) -> None:
    answer = player.type("player status")
    assert (answer.code, answer.err) == (0, "")
    assert f"Universe of {sandbox.universe.reset_date} at {sandbox.base_url}" in answer.out
    assert re.search(r"Next reset \d{4}-\d\d-\d\d \d\d:\d\d UTC, in 13 days 23 h", answer.out)
    assert answer.out.splitlines()[-1].split() == [player.name, "5,000,000", "3"]


def test_status_in_json(player: Player, sandbox: RunningSandbox) -> None:
    shown = player.type("player status --json").json
    assert shown["reset_date"] == sandbox.universe.reset_date
    assert 335 < shown["hours_left"] <= 336
    assert shown["agents"] == [{"agent": player.name, "credits": 5_000_000, "ships": 3, "note": None}]


def test_status_of_a_token_in_the_environment_is_of_that_agent_alone(player: Player, terminal: Terminal) -> None:
    token = _tokens(player)[player.name]
    player.type(f"player register Y{player.name}")
    terminal.set(TOKEN=token)
    assert [x["agent"] for x in player.type("player status --json").json["agents"]] == [player.name]


def test_a_token_of_an_earlier_universe_is_recognised(player: Player) -> None:
    _grow_old(player, "2020-01-05")
    answer = player.type("player status")
    assert answer.code == 1
    assert "token of the universe of 2020-01-05, which is over; register again" in answer.out
    assert player.agent.token not in answer.out


def test_a_token_of_an_earlier_universe_is_explained_wherever_it_is_used(player: Player) -> None:
    _grow_old(player, "2020-01-05")
    answer = player.type("ship list")
    assert answer.code == 3
    assert "the token belongs to a universe that is over" in answer.complaint
    assert "spacetraders player register" in answer.complaint


def test_of_tokens_of_several_universes_the_present_ones_is_used(player: Player, sandbox: RunningSandbox) -> None:
    _grow_old(player, "2020-01-05")
    assert player.type(f"player register N{player.name}").code == 0
    assert {row["reset_date"]: row["agent"] for row in player.type("player list --json").json} == {
        "2020-01-05": player.name,
        sandbox.universe.reset_date: f"N{player.name}",
    }
    assert {ship["symbol"].partition("-")[0] for ship in player.type("ship list --json").json} == {f"N{player.name}"}
    standings = {x["agent"]: x["note"] for x in player.type("player status --json").json["agents"]}
    assert standings[f"N{player.name}"] is None
    assert "2020-01-05, which is over" in standings[player.name]


def test_when_all_stored_tokens_are_of_past_universes_that_is_said(player: Player, sandbox: RunningSandbox) -> None:
    _grow_old(player, "2020-01-05")
    copy = player.terminal.token_file.with_name("2020-01-19.json")
    shutil.copy(player.terminal.token_file, copy)
    answer = player.type("ship list")
    assert answer.code == 3
    assert f"no token is stored for the universe of {sandbox.universe.reset_date}" in answer.complaint
    assert "2020-01-05, 2020-01-19" in answer.complaint


def test_an_agent_of_two_universes_is_removed_from_the_one_that_is_named(player: Player) -> None:
    _grow_old(player, "2020-01-05")
    player.terminal.type(f"player register {player.name}X")
    old, new = sorted(player.terminal.tokens.glob("*/*.json"))
    new.write_text(json.dumps({player.name: "token"}))
    answer = player.type(f"player remove {player.name}")
    assert answer.code == 2
    assert "say which with --universe" in answer.complaint
    assert player.type(f"player remove {player.name} --universe 2020-01-05").code == 0
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("token", ["no-token", "a.b.c", "a.W10.c"])
def test_a_token_that_the_game_refuses_is_told(player: Player, token: str) -> None:
    _keep(player, token)
    answer = player.type("player status")
    assert answer.code == 1
    assert "the game refuses the token; add a new one" in answer.out
    assert token not in answer.out


def test_status_without_any_agent_is_about_the_universe(terminal: Terminal, sandbox: RunningSandbox) -> None:
    shown = terminal.type("player status --json").json
    assert (shown["reset_date"], shown["agents"]) == (sandbox.universe.reset_date, [])


def test_removing_forgets_one_token_and_keeps_the_others(player: Player) -> None:
    player.type(f"player register Z{player.name}")
    answer = player.type(f"player remove {player.name.lower()}")
    assert answer.code == 0
    assert f"Removed the token of {player.name}" in answer.out
    assert set(_tokens(player)) == {f"Z{player.name}"}


def test_removing_what_is_not_kept_names_what_is(player: Player) -> None:
    answer = player.type("player remove NOBODY")
    assert answer.code == 2
    assert f"no token of NOBODY is kept for {player.sandbox.base_url}; there are those of {player.name}" in (
        answer.complaint
    )


def test_adding_again_replaces_the_token(player: Player) -> None:
    good = _tokens(player)[player.name]
    _keep(player, "worn-out")
    assert player.terminal.type("player add", standard_input=f"{good}\n").code == 0
    assert _tokens(player) == {player.name: good}
