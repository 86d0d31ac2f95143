"""Bad input: one clear line on standard error, exit code 2 (1 where game or network is at fault), nothing written."""

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from cyclopts import App, ArgumentCollection, CycloptsError

from spacetraders_lab.cli.main import build_app
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.sandbox.server import RunningSandbox
from tests.cli.conftest import Player, join
from tests.terminal import Answer, Terminal

UNKNOWN_RUN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def onlooker(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox, sqlite_template: Path) -> Player:
    """A player all of whose orders are refused: as nothing of theirs ever changes, one is enough."""
    terminal = Terminal(tmp_path_factory.mktemp("onlooker"), BASE_URL=sandbox.base_url)
    terminal.keep(sqlite_template)
    return join(terminal, sandbox)


def _one_line(answer: Answer) -> str:
    """What the program says, which must be one line of its own and no traceback."""
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert answer.complaint.startswith("spacetraders: ")
    return answer.complaint.removeprefix("spacetraders: ")


def _abroad(player: Player) -> str:
    """Another system than the home."""
    return next(symbol for symbol in player.sandbox.universe.systems if symbol != player.system)


ENDLESS = "1" + 23 * "0"  # no database holds such a number

# Each row: the line (with {ship}, {probe}, {home}, {abroad} and {endless}) and words that the answer must contain.
BAD_INPUT = {
    "unknown ship": ("--ships {ship},NOBODY-7 --system {home}", ["NOBODY-7", "you have {ship}"]),
    "no ship": ("--ships , --system {home}", ["--ships"]),
    "ship of another system": ("--ships {ship} --system {abroad}", ["{ship} is in {home}, not in {abroad}"]),
    "ship without a hold": ("--ships {probe} --system {home}", ["{probe} has no hold"]),
    "malformed system": ("--ships {ship} --system nowhere", ["'NOWHERE'", "looks like X1-AD75"]),
    "waypoint for a system": ("--ships {ship} --system {home}-A1", ["looks like X1-AD75"]),
    "empty system": ("--ships {ship} --system ''", ["looks like X1-AD75"]),
    "fraction 0": ("--ships {ship} --system {home} --batch-sizes 0", ["--batch-sizes '0'", "above 0"]),
    "fraction 1.5": ("--ships {ship} --system {home} --batch-sizes 0.5,1.5", ["--batch-sizes", "at most at 1"]),
    "negative fraction": ("--ships {ship} --system {home} --batch-sizes=-0.5", ["--batch-sizes", "above 0"]),
    "fraction nan": ("--ships {ship} --system {home} --batch-sizes nan", ["--batch-sizes"]),
    "fraction x": ("--ships {ship} --system {home} --batch-sizes x", ["--batch-sizes 'x'", "as in 0.25,0.5"]),
    "fraction empty": ("--ships {ship} --system {home} --batch-sizes ''", ["--batch-sizes"]),
    "fraction twice": ("--ships {ship} --system {home} --batch-sizes 0.5,0.5", ["twice", "--iterations-per-batch"]),
    "no iterations": ("--ships {ship} --system {home} --iterations-per-batch 0", ["--iterations-per-batch"]),
    "iterations x": ("--ships {ship} --system {home} --iterations-per-batch x", ["x"]),
    "no pairs": ("--ships {ship} --system {home} --max-pairs 0", ["--max-pairs must be at least 1"]),
    "half a pair": ("--ships {ship} --system {home} --max-pairs 2.5", ["--max-pairs: '2.5' is not written as a whole"]),
    "pairs of an adaptive run": (
        "--ships {ship} --system {home} --design adaptive --max-pairs 2",
        ["chooses its pairs as it goes on", "--max-hours"],
    ),
    "negative budget": ("--ships {ship} --system {home} --budget=-1", ["--budget must be at least 0"]),
    "endless budget": ("--ships {ship} --system {home} --budget={endless}", ["--budget must be at most"]),
    "endless seed": ("--ships {ship} --system {home} --seed={endless}", ["--seed must be at most"]),
    "endless requests": ("--ships {ship} --system {home} --max-requests={endless}", ["--max-requests must be"]),
    "endless pairs": ("--ships {ship} --system {home} --max-pairs={endless}", ["--max-pairs must be at most"]),
    "endless age": ("--ships {ship} --system {home} --max-age={endless}", ["--max-age must be at most 527,040"]),
    "endless hours": ("--ships {ship} --system {home} --max-hours inf", ["--max-hours must be at most 100,000"]),
    "hours nan": ("--ships {ship} --system {home} --max-hours nan", ["--max-hours must be a number, not nan"]),
    "washout nan": ("--ships {ship} --system {home} --design ladder --washout nan", ["--washout must be a number"]),
    "washout inf": (
        "--ships {ship} --system {home} --design ladder --washout inf",
        ["--washout must be at most 20,160"],
    ),
    "washout 1e300": ("--ships {ship} --system {home} --washout 1e300", ["--washout must be at most 20,160"]),
    "endless rounds": (
        "--ships {ship} --system {home} --design ladder --rounds 1000000000",
        ["--rounds must be at most"],
    ),
    "endless iterations": ("--ships {ship} --system {home} --iterations-per-batch 1000000", ["at most 100"]),
    "no share of the limit": ("--ships {ship} --system {home} --rate-share 0.3", ["--rate-share must lie between"]),
    "no goods": ("--ships {ship} --system {home} --goods ,", ["--goods"]),
    "no market data": (
        "--ships {ship} --system {home}",
        ["no market data", "spacetraders market scout --system {home}"],
    ),
    "missing option": ("--ships {ship}", ["experiment liquidity needs --system. Try --help."]),
    "unknown option": ("--ships {ship} --system {home} --colour red", ["--colour", "Try --help"]),
}


@pytest.mark.parametrize(("line", "words"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_a_bad_experiment_is_refused(onlooker: Player, line: str, words: list[str]) -> None:
    names = {"ship": onlooker.ships[0], "probe": onlooker.probe, "home": onlooker.system, "abroad": _abroad(onlooker)}
    names["endless"] = ENDLESS
    answer = onlooker.type("experiment liquidity " + line.format(**names))
    said = _one_line(answer)
    assert answer.code == 2
    for word in words:
        assert word.format(**names) in said
    assert onlooker.is_untouched()


BAD_LOOKS = {
    "scout: unknown ship": ("market scout --system {home} --ships NOBODY-7", ["no such ship: NOBODY-7", "{ship}"]),
    "scout: ship elsewhere": ("market scout --system {abroad} --ships {ship}", ["{ship}", "{abroad}"]),
    "scout: malformed system": ("market scout --system nowhere --ships {ship}", ["looks like X1-AD75"]),
    "list: malformed system": ("market list --system nowhere", ["looks like X1-AD75"]),
    "get: malformed waypoint": ("market get nowhere", ["looks like X1-AD75-A1"]),
    "scout: readings without end": (
        "market scout --system {home} --ships {ship} --requests-per-minute nan",
        ["--requests-per-minute must be a number"],
    ),
    "history: more than can be": ("market history {home}-A1 IRON --most {endless}", ["--most must be at most"]),
    "buy: more than can be": ("ship buy {ship} IRON {endless}", ["units must be at most 1,000,000"]),
    "resume: endless budget": (
        "experiment resume --run-id nobody --budget {endless}",
        ["--budget must be at most"],
    ),
    "plan: endless seed": ("experiment plan --ships {ship} --system {home} --seed={endless}", ["--seed must be"]),
    "buy: units that are no number": ("ship buy {ship} IRON many", ["many", "Try --help"]),
    "buy: half a unit": ("ship buy {ship} IRON 2.5", ["'2.5' is not written as a whole number"]),
    "dock: no ship": ("ship dock", ["Try --help"]),
}


@pytest.mark.parametrize(("line", "words"), BAD_LOOKS.values(), ids=BAD_LOOKS.keys())
def test_a_bad_look_or_order_is_refused(onlooker: Player, line: str, words: list[str]) -> None:
    names = {"ship": onlooker.ships[0], "home": onlooker.system, "abroad": _abroad(onlooker), "endless": ENDLESS}
    answer = onlooker.type(line.format(**names))
    said = _one_line(answer)
    assert answer.code == 2
    for word in words:
        assert word.format(**names) in said
    assert onlooker.ledger("NAVIGATE", "PURCHASE") == []


def commands(app: App, *path: str) -> Iterator[tuple[tuple[str, ...], ArgumentCollection]]:
    """Every command and what can be typed after it."""
    verbs = [name for name in app if not name.startswith("-")]
    for verb in verbs:
        yield from commands(app[verb], *path, verb)
    if not verbs:
        yield path, app.assemble_argument_collection()


def test_no_command_takes_a_fraction_for_a_whole_number_and_all_take_it_for_another() -> None:
    """Of every option of every command, also of those that are yet to be made."""
    app, taken, refused = build_app(), 0, 0
    for path, arguments in commands(app):
        required = {a.name: next(iter(get_args(a.hint)), "1") for a in arguments if a.required and not a.children}
        for argument in arguments:
            kinds = (argument.hint, *get_args(argument.hint))
            line = [*path, *(f"{name}={value}" for name, value in (required | {argument.name: "2.5"}).items())]
            if int in kinds:
                with pytest.raises(CycloptsError, match=r"'2\.5' is not written as a whole number"):
                    app.parse_args(line, exit_on_error=False, print_error=False)
                refused += 1
            elif float in kinds:
                app.parse_args(line, exit_on_error=False, print_error=False)
                taken += 1
    assert refused > 40
    assert taken > 5


@pytest.mark.parametrize("verb", ["status", "resume", "doctor"])
def test_an_unknown_run_is_refused(onlooker: Player, verb: str) -> None:
    answer = onlooker.type(f"experiment {verb} --run-id {UNKNOWN_RUN}")
    assert answer.code == 2
    assert UNKNOWN_RUN in _one_line(answer)
    assert "experiment list" in answer.complaint


@pytest.mark.parametrize("line", ["fly", "experiment explode", "ship", "experiment liquidity extra words"])
def test_an_unknown_command_is_refused(onlooker: Player, line: str) -> None:
    answer = onlooker.type(line)
    if line == "ship":  # a noun alone shows its verbs
        assert answer.code == 0
        assert "navigate" in answer.out
        return
    assert answer.code == 2
    assert "Try --help" in _one_line(answer)


def test_a_word_too_many_is_not_called_a_token(onlooker: Player) -> None:
    complaint = onlooker.type("player add secret").complaint
    assert complaint == "spacetraders: nothing can be done with 'secret' here. Try --help."


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("experiment list", "experiment liquidity"),
        ("daemon list", "experiment liquidity"),
        ("player list", "player register"),
    ],
)
def test_an_empty_list_says_what_fills_it(terminal: Terminal, line: str, remedy: str) -> None:
    answer = terminal.type(line)
    assert (answer.code, len(answer.out.splitlines())) == (0, 1)
    assert remedy in answer.complaint
    assert terminal.type(f"{line} --json").err == ""


NEEDS_TOKEN = [
    "ship list",
    "ship dock X-1",
    "market get X1-A1-A1",
    "market scout --system X1-A1 --ships X-1",
    "experiment liquidity --ships X-1 --system X1-A1",
    f"experiment resume --run-id {UNKNOWN_RUN}",
]


@pytest.mark.parametrize("line", NEEDS_TOKEN)
def test_without_a_token_the_user_learns_how_to_get_one(terminal: Terminal, line: str) -> None:
    answer = terminal.type(line)
    assert answer.code == 2
    said = _one_line(answer)
    for remedy in ("SPACETRADERS_TOKEN", "player add", "player register"):
        assert remedy in said
    assert not terminal.database.exists()


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604])
def test_a_token_file_that_others_can_read_is_not_used(player: Player, mode: int) -> None:
    player.terminal.token_file.chmod(mode)
    answer = player.type("ship list")
    assert answer.code == 2
    assert f"chmod 600 {player.terminal.token_file}" in _one_line(answer)


def test_a_token_file_that_is_no_json_is_not_used(player: Player) -> None:
    player.terminal.token_file.write_text("{")
    answer = player.type("ship list")
    assert answer.code == 2
    assert str(player.terminal.token_file) in _one_line(answer)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ünïcode"])
def test_a_damaged_token_is_refused_and_not_repeated(player: Player, token: str) -> None:
    player.terminal.set(TOKEN=token)
    answer = player.type("ship list")
    assert answer.code == 2
    assert "token is damaged" in _one_line(answer)
    assert token not in answer.err


def test_a_token_that_the_game_refuses_is_told_and_not_repeated(player: Player) -> None:
    player.terminal.set(TOKEN="eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")
    answer = player.type("ship list")
    assert answer.code == 3
    assert "eyJ" not in _one_line(answer)
    assert "`spacetraders player add`" in answer.complaint


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://game/v2", "http://", "http://[::1/v2", "nonsense"])
def test_a_bad_address_is_refused(player: Player, url: str) -> None:
    player.terminal.set(BASE_URL=url, TOKEN="a.b.c")
    answer = player.type("ship list")
    assert answer.code == 2
    assert "look like https://api.spacetraders.io/v2" in _one_line(answer)


def test_an_address_with_a_password_is_refused_and_not_repeated(player: Player) -> None:
    player.terminal.set(BASE_URL="http://me:geheim@127.0.0.1:8080/v2", TOKEN="a.b.c")
    answer = player.type("ship list")
    assert answer.code == 2
    assert "SPACETRADERS_TOKEN" in _one_line(answer) and "geheim" not in answer.err


def test_the_second_name_of_the_address_works_too(player: Player) -> None:
    player.terminal.unset("BASE_URL")
    player.terminal.set(API_URL=player.sandbox.base_url)
    assert player.type("ship list").code == 0


def test_a_slash_at_the_end_of_the_address_changes_nothing(player: Player) -> None:
    player.terminal.set(BASE_URL=player.sandbox.base_url + "/")
    assert player.type("ship list").code == 0


def test_a_game_that_is_not_there_is_told_after_some_tries(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def pass_at_once(_: SystemClock, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(SystemClock, "sleep", pass_at_once)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    player.terminal.set(BASE_URL=f"http://127.0.0.1:{port}/v2", TOKEN="a.b.c")
    answer = player.type("ship list")
    assert answer.code == 1
    said = _one_line(answer)
    assert f"no usable answer from http://127.0.0.1:{port}/v2" in said and "SPACETRADERS_BASE_URL" in said
    assert "the game said" not in said
    assert len(waits) >= 3


def test_an_address_that_is_not_the_games_is_told(player: Player) -> None:
    player.terminal.set(BASE_URL=player.sandbox.base_url.removesuffix("/v2"), TOKEN="a.b.c")
    answer = player.type("ship list")
    assert answer.code == 1
    assert "SPACETRADERS_BASE_URL" in answer.err and "/v2" in answer.err
    assert "Traceback" not in answer.err


BAD_DATABASES: dict[str, Callable[[Player], str]] = {
    "another kind": lambda player: "mysql://host/name",
    "no url": lambda player: "nonsense",
    "a folder": lambda player: f"sqlite:///{player.terminal.home}",
    "in memory": lambda player: "sqlite://",
}


@pytest.mark.parametrize("make_url", BAD_DATABASES.values(), ids=BAD_DATABASES.keys())
def test_a_bad_database_is_refused(player: Player, make_url: Callable[[Player], str]) -> None:
    player.terminal.set(DATABASE_URL=make_url(player))
    answer = player.type("experiment list")
    assert answer.code in (1, 2)
    _one_line(answer)


def test_a_file_that_is_no_database_is_not_touched(player: Player) -> None:
    path = player.terminal.home / "letter.txt"
    path.write_text("Dear reader,\n" * 200)
    before = path.read_bytes()
    player.terminal.set(DATABASE_URL=f"sqlite:///{path}")
    answer = player.type("experiment list")
    assert answer.code == 2
    assert str(path) in _one_line(answer)
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_not_touched(player: Player) -> None:
    path = player.terminal.home / "notes.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (words TEXT)")
    before = path.read_bytes()
    player.terminal.set(DATABASE_URL=f"sqlite:///{path}")
    answer = player.type("experiment list")
    assert answer.code == 2
    assert "belongs to another program (it has the table notes)" in _one_line(answer)
    assert path.read_bytes() == before


def test_what_the_game_does_not_like_about_a_field_is_told(player: Player) -> None:
    answer = player.type("player register 'A B'")
    assert answer.code == 1
    assert "invalid payload. (symbol: Expected " in _one_line(answer)


def test_the_password_of_a_database_is_not_repeated(player: Player) -> None:
    player.terminal.set(DATABASE_URL="mysql://me:hunter2@host/name")
    answer = player.type("experiment list")
    assert answer.code == 2
    assert "hunter2" not in answer.err


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--settings", b'profile = "\xff"'),
        ("--settings", b"no toml"),
        ("--faults", b'[{"fault": "\xff"}]'),
        ("--faults", b"no json"),
    ],
)
def test_a_file_that_is_no_text_of_its_kind_is_told(terminal: Terminal, option: str, content: bytes) -> None:
    file = terminal.home / "wishes"
    file.write_bytes(content)
    answer = terminal.type(f"sandbox serve {option} {file} --port 0")
    assert answer.code == 2
    assert str(file) in _one_line(answer)
