"""Stored tokens: each universe has a file of its own, and the one that is played now is the one that is used."""

import asyncio
from pathlib import Path

import pytest

from spacetraders_lab.core.errors import UniverseReset, UserError
from spacetraders_lab.run.credentials import Universe, find_token, load_tokens, remove_token, save_token, tokens_path

SERVER = "https://api.spacetraders.io/v2"
EARLIER, LATER = Universe(SERVER, "2026-03-01"), Universe(SERVER, "2026-03-15")
SANDBOX, NEXT = (Universe(f"http://127.0.0.1:8080/v2#{name}", "2026-03-15") for name in ("one", "two"))


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user with an agent in each of four universes."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    for universe in (LATER, SANDBOX, EARLIER, NEXT):
        save_token(tokens_path(environment), universe, "LAB", f"token of {universe}")
    return environment


def find(home: dict[str, str], base_url: str, now: Universe) -> tuple[str, int]:
    """The token found, and how often it was asked what is played."""
    asked = []

    async def which() -> Universe:
        asked.append(1)
        return now

    return asyncio.run(find_token(home, base_url, which)), len(asked)


@pytest.mark.parametrize("now", [EARLIER, LATER, SANDBOX, NEXT])
def test_each_universe_has_its_own_token(home: dict[str, str], now: Universe) -> None:
    assert load_tokens(tokens_path(home))[now] == {"LAB": f"token of {now}"}
    assert find(home, now.server.partition("#")[0], now) == (f"token of {now}", 1)


def test_where_one_is_stored_nobody_is_asked(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    save_token(tokens_path(home), EARLIER, "LAB", "token")
    assert find(home, SERVER, LATER) == ("token", 0)


def test_an_agent_that_registers_again_has_one_token(home: dict[str, str]) -> None:
    save_token(tokens_path(home), LATER, "LAB", "new")
    save_token(tokens_path(home), LATER, "OTHER", "another")
    assert load_tokens(tokens_path(home), SERVER) == {
        EARLIER: {"LAB": f"token of {EARLIER}"},
        LATER: {"LAB": "new", "OTHER": "another"},
    }
    with pytest.raises(UserError, match="several agents"):
        find(home, SERVER, LATER)


def test_a_universe_without_a_token_takes_none_of_another(home: dict[str, str]) -> None:
    with pytest.raises(UniverseReset, match=r"2026-03-29.*2026-03-01, 2026-03-15"):
        find(home, SERVER, Universe(SERVER, "2026-03-29"))


def test_of_several_universes_one_token_is_removed(home: dict[str, str]) -> None:
    folder = tokens_path(home)
    with pytest.raises(UserError, match="2026-03-01 and 2026-03-15"):
        remove_token(folder, SERVER, "LAB")
    assert remove_token(folder, SERVER, "LAB", "2026-03-01") == EARLIER
    assert set(load_tokens(folder)) == {LATER, SANDBOX, NEXT}
    with pytest.raises(UserError, match="no token of LAB is kept"):
        remove_token(folder, SERVER, "LAB", "2026-03-01")


def test_all_sandboxes_of_a_day_are_forgotten_together(home: dict[str, str]) -> None:
    remove_token(tokens_path(home), "http://127.0.0.1:8080/v2", "LAB")
    assert set(load_tokens(tokens_path(home))) == {EARLIER, LATER}


@pytest.mark.parametrize("kept", ["", "{", "null", "5", "[1]", '["LAB"]', '{"LAB": 5}', '{"LAB": null}'])
def test_a_file_that_holds_no_agents_and_tokens_is_told_in_one_line(tmp_path: Path, kept: str) -> None:
    path = save_token(tmp_path, LATER, "LAB", "token")
    path.write_text(kept)
    with pytest.raises(UserError, match=f"^{path} is no JSON of agents and their tokens; mend it"):
        load_tokens(tmp_path)


def test_a_file_without_agents_is_as_good_as_none(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    save_token(tokens_path(home), LATER, "LAB", "token").write_text("{}")
    assert load_tokens(tokens_path(home)) == {}
    with pytest.raises(UserError, match="no token: set SPACETRADERS_TOKEN"):
        find(home, SERVER, LATER)
