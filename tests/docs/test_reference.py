"""The reference is true: its generated pages are what the program says now, and nothing that can be set is left out."""

import re
from collections.abc import Iterator

import pytest
from cyclopts import App
from tools.reference import DOCS, pages

from spacetraders_lab.cli.main import build_app

_SOURCE = DOCS.parent / "src"
_VARIABLE = re.compile(r"\b(?:SPACETRADERS_[A-Z_]+[A-Z]|XDG_[A-Z_]+_HOME)\b")


def _commands(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    """Every command that can be run, by its full name."""
    for name in app:
        if name.startswith("-"):  # --help, --version, --install-completion
            continue
        if any(not verb.startswith("-") for verb in app[name]):
            yield from _commands(app[name], (*path, name))
        else:
            yield " ".join((*path, name)), app[name]


def _options(command: App) -> dict[str, str | None]:
    """The options of a command, and what each says of itself; dataclasses of options are no options themselves."""
    found = command.assemble_argument_collection(parse_docstring=True)
    return {option.name: option.parameter.help for option in found if option.name.startswith("--")}


@pytest.fixture(scope="module")
def commands() -> dict[str, App]:
    return dict(_commands(build_app()))


def test_generated_pages_are_up_to_date() -> None:
    made = pages()
    assert len(made) == 2
    for page, text in made.items():
        assert page.read_text() == text, f"{page.name}: run `make docs`"


def test_every_command_and_option_says_what_it_is_for(commands: dict[str, App]) -> None:
    assert len(commands) > 30
    for name, command in commands.items():
        assert command.help, name
        for option, says in _options(command).items():
            assert says, f"{name} {option}"


def test_every_command_is_on_the_page(commands: dict[str, App]) -> None:
    page = (DOCS / "reference" / "commands.md").read_text()
    for name, command in commands.items():
        section = page.partition(f" spacetraders {name}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
        assert section, name
        assert [option for option in _options(command) if option not in section] == [], name


def test_every_variable_that_the_program_reads_is_on_the_page_of_settings_and_no_other() -> None:
    read = {name for path in _SOURCE.rglob("*.py") for name in _VARIABLE.findall(path.read_text())}
    assert read == set(_VARIABLE.findall((DOCS / "reference" / "settings.md").read_text()))
