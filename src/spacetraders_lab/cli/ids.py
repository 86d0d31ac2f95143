"""Ids of runs and containers as they are typed: whole, or so much of the beginning that only one has it.

Whole ids are handed on as they are; only for a beginning the database is asked. What begins no id is handed on as well:
whoever looks for it says best that it is not there.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token
from sqlalchemy import Connection

from spacetraders_lab.cli.settings import database
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository

_FEWEST = 6  # characters of an id that are enough, where only one begins with them
_MOST_NAMED = 4
_RUN, _CONTAINER = 36, 22  # characters of a whole id


def _converter(
    what: str, whole: int, begin_so: Callable[[Connection, str], list[str]]
) -> Callable[[Any, Sequence[Token]], str]:
    def convert(_: Any, tokens: Sequence[Token]) -> str:
        (token,) = tokens
        typed = token.value
        if not _FEWEST <= len(typed) < whole:
            return typed
        with database() as opened, opened.reading() as connection:
            found = begin_so(connection, typed)
        if typed in found or not found:
            return typed
        if len(found) == 1:
            return found[0]
        named = ", ".join(found[:_MOST_NAMED]) + (
            f" and {len(found) - _MOST_NAMED} more" if found[_MOST_NAMED:] else ""
        )
        raise UserError(f"{len(found)} {what} begin with {typed}: {named}; give more of the one that you mean")

    return convert


_run = _converter("runs", _RUN, lambda c, typed: ExperimentRepository(c).ids_that_begin(typed))
_container = _converter("containers", _CONTAINER, lambda c, typed: ContainerRepository(c).ids_that_begin(typed))
_RUN_HELP = "The run: its id from `experiment list`, or at least the first 6 characters of it."

RunId = Annotated[str, Parameter(name="--run-id", help=_RUN_HELP, converter=_run)]
AnyRunId = Annotated[str | None, Parameter(name="--run-id", converter=_run)]
ContainerId = Annotated[
    str,
    Parameter(help="The container: its id from `daemon list`, or the first characters of it.", converter=_container),
]
