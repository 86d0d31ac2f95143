"""`spacetraders player`: agents come and go, tokens stay in one file that nobody else can read, and are never shown."""

import json
import os
import stat
from pathlib import Path

from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.cli.conftest import Player
from tests.terminal import Terminal


def _token(terminal: Terminal, agent: str) -> str:
    (token,) = [
        agents[agent] for path in terminal.tokens.glob("*/*.json") if agent in (agents := json.loads(path.read_text()))
    ]
    return str(token)


def test_registering_keeps_the_token_and_does_not_show_it(player: Player, sandbox: RunningSandbox) -> None:
    answer = player.type("player register SECOND")
    token = _token(player.terminal, "SECOND")
    assert token == sandbox.universe.agents["SECOND"].token
    assert answer.code == 0
    assert "Registered SECOND" in answer.out
    assert str(player.terminal.tokens) in answer.out
    assert token not in answer.out + answer.err


def test_registering_without_the_accounts_token_says_what_is_missing(tmp_path: Path) -> None:
    with running_sandbox(SandboxSettings(profile="lab")) as sandbox:
        terminal = Terminal(tmp_path, BASE_URL=sandbox.base_url)
        answer = terminal.type("player register NOBODY")
        assert answer.code == 2
        assert "set SPACETRADERS_ACCOUNT_TOKEN" in answer.complaint
        terminal.set(ACCOUNT_TOKEN="mine")
        assert terminal.type("player register SOMEBODY").code == 0
        assert list(sandbox.universe.agents) == ["SOMEBODY"]


def test_the_token_file_is_its_owners_alone(player: Player) -> None:
    file, folder = player.terminal.token_file, player.terminal.tokens
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (file.parent, folder, folder.parent)} == {0o700}
    assert list(file.parent.iterdir()) == [file]


def test_the_token_file_is_never_readable_by_others_whatever_the_umask(
    terminal: Terminal, sandbox: RunningSandbox
) -> None:
    before = os.umask(0)
    try:
        assert terminal.type("player register UMASK").code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(terminal.token_file.stat().st_mode) == 0o600


def test_call_sign_and_faction_may_be_typed_in_small_letters(terminal: Terminal, sandbox: RunningSandbox) -> None:
    assert terminal.type("player register small --faction void").code == 0
    assert sandbox.universe.agents["SMALL"].faction == "VOID"


def test_adding_a_token_from_the_environment_finds_out_whose_it_is(player: Player, sandbox: RunningSandbox) -> None:
    token = _token(player.terminal, player.name)
    player.terminal.token_file.unlink()
    player.terminal.set(TOKEN=token)
    answer = player.type("player add")
    assert (answer.code, answer.err) == (0, "")
    assert f"Added {player.name} at {sandbox.base_url}" in answer.out
    assert token not in answer.out
    assert _token(player.terminal, player.name) == token


def test_adding_a_token_from_standard_input(player: Player, sandbox: RunningSandbox) -> None:
    token = _token(player.terminal, player.name)
    player.terminal.token_file.unlink()
    answer = player.terminal.type("player add", standard_input=f"{token}\n")
    assert answer.code == 0
    assert token not in answer.out + answer.err
    assert _token(player.terminal, player.name) == token


def test_adding_nothing_is_refused(terminal: Terminal) -> None:
    answer = terminal.type("player add")
    assert (answer.code, answer.complaint) == (2, "spacetraders: no token given")
    assert not terminal.tokens.exists()


def test_a_token_of_nobody_is_not_kept(player: Player) -> None:
    before = player.terminal.token_file.read_text()
    player.terminal.set(TOKEN="not-a-token")
    answer = player.type("player add")
    assert answer.code == 2
    assert "spacetraders player register" in answer.complaint
    assert "not-a-token" not in answer.out + answer.err
    assert player.terminal.token_file.read_text() == before


def test_the_list_shows_agents_and_servers_and_no_token(player: Player, sandbox: RunningSandbox) -> None:
    answer = player.type("player list")
    assert answer.code == 0
    assert player.name in answer.out
    assert sandbox.base_url in answer.out
    assert _token(player.terminal, player.name) not in answer.out


def test_the_list_in_json(player: Player, sandbox: RunningSandbox) -> None:
    server = f"{sandbox.base_url}#{sandbox.universe.universe_id}"
    row = {"agent": player.name, "reset_date": sandbox.universe.reset_date, "base_url": server}
    assert player.type("player list --json").json == [row]


def test_the_list_of_nobody_is_empty(terminal: Terminal) -> None:
    assert terminal.type("player list --json").json == []


def test_with_two_agents_the_user_must_say_which(player: Player, sandbox: RunningSandbox) -> None:
    player.type(f"player register X{player.name}")
    answer = player.type("ship list")
    assert answer.code == 2
    assert player.name in answer.complaint
    player.terminal.set(TOKEN=_token(player.terminal, player.name))
    assert player.type("ship list").code == 0


def test_a_call_sign_that_is_taken_is_the_games_no(player: Player) -> None:
    answer = player.type(f"player register {player.name}")
    assert answer.code == 1
    assert "4111" in answer.complaint
