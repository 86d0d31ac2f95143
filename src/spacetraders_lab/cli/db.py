"""`spacetraders db ...`, and putting runs away: care of what was recorded. Asks before anything goes."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli import render
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import Json, database
from spacetraders_lab.cli.waiting import waiting
from spacetraders_lab.core.bounds import within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.run.clock import clock_of
from spacetraders_lab.store import care
from spacetraders_lab.store.intents import IntentRepository

_MOST_DAYS = 36_500  # a hundred years
Yes = Annotated[bool, Parameter(name="--yes", negative="", help="Do it without asking.")]


def backup(file: Path) -> None:
    """Copy the whole database into a new file, while programs go on working.

    Parameters
    ----------
    file:
        The file to create.
    """
    with database() as opened, waiting("Copying"):
        size = care.back_up(opened, file.absolute())
    print(f"Backed up {opened.name} to {file} ({size / 1e6:.1f} MB).")
    print(f"Check it with: SPACETRADERS_DATABASE_URL=sqlite:///{file.absolute()} spacetraders db check")


def check(*, json: Json = False) -> int:
    """Look the database over: the file, its references, and whether every completed pair has its rows."""
    with database() as opened, waiting("Checking"):
        flaws = care.look_over(opened)
    if json:
        render.print_json([asdict(flaw) for flaw in flaws])
    elif flaws:
        render.print_table(["where", "what"], [(flaw.where, flaw.what) for flaw in flaws])
    else:
        print(f"{opened.name} is in order.")
    return EXIT_FAILED if flaws else EXIT_OK


def compact(*, older_than: int, yes: Yes = False) -> int:
    """Thin old market observations to one an hour for each listing. What belongs to a run stays.

    Parameters
    ----------
    older_than:
        Keep everything younger than this many days.
    """
    within("--older-than", older_than, 1, _MOST_DAYS)
    with database() as opened:
        before = clock_of(opened).now() - timedelta(days=older_than)
        with waiting("Looking"), opened.reading() as connection:
            numbers = care.superfluous(connection, before)
        print(f"{len(numbers):,} observations from before {before:%Y-%m-%d} exceed one per hour and belong to no run.")
        if not numbers or not _agreed(f"Delete {len(numbers):,} observations?", yes):
            return EXIT_OK
        with waiting("Deleting"):
            with opened.transaction() as connection:
                care.thin(connection, numbers)
            opened.give_back_space()
    print(f"Deleted {len(numbers):,} observations.")
    return EXIT_OK


def archive(
    *,
    run_id: RunId,
    undo: Annotated[bool, Parameter(negative="", help="Show the run in the list again.")] = False,
) -> None:
    """Put a run away: `experiment list` shows it only with --all. Nothing is deleted."""
    with database() as opened:
        now = None if undo else clock_of(opened).now()
        with opened.transaction() as connection:
            care.archive(connection, run_id, now=now)
    print(f"Run {run_id} is {'in the list again' if undo else 'hidden; `experiment list --all` shows it'}.")


def delete(*, run_id: RunId, yes: Yes = False) -> int:
    """Delete a run with everything that it measured, for good. What was seen of markets stays."""
    with database() as opened:
        with opened.reading() as connection:
            going = care.rows_of(connection, run_id)
            loaded = IntentRepository(connection).ships_with_cargo(run_id)
        render.print_table(["table", "rows"], sorted(going.items()), right=["rows"])
        if loaded:
            print(
                f"Cargo of the run is aboard {', '.join(loaded)}, which nobody will know when it is deleted; sell it"
                f" before: spacetraders experiment doctor --run-id {run_id} --fix"
            )
        if not _agreed(f"Delete run {run_id} for good?", yes):
            return EXIT_OK
        with opened.transaction() as connection:
            care.delete_run(connection, run_id, now=clock_of(opened).now())
    print(f"Deleted run {run_id}.")
    return EXIT_OK


def _agreed(question: str, yes: bool) -> bool:
    """Whether the user wants it; raises UserError where nobody can be asked."""
    if yes:
        return True
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        raise UserError("there is no terminal to ask on, so nothing was deleted; confirm with --yes") from None
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("Nothing was deleted.")
    return False
