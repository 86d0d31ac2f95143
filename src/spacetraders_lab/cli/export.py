"""`spacetraders experiment export`: recorded data as files."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from spacetraders_lab.cli.ids import AnyRunId
from spacetraders_lab.cli.settings import database
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.store.dictionary import as_markdown
from spacetraders_lab.store.export import Export, select_run, write

TableName = Literal["transactions", "observations", "queue", "intents", "skips", "placebos", "deviations"]
Format = Literal["csv", "jsonl", "parquet"]


def export(
    *,
    run_id: AnyRunId = None,
    format: Format = "csv",
    table: TableName = "transactions",
    out: Path | None = None,
    dictionary: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write what a run recorded to a file, or to standard output.

    Parameters
    ----------
    run_id:
        The run: its id from `experiment list`, or at least the first 6 characters of it.
    format:
        File format; Parquet needs --out.
    table:
        The table to export.
    out:
        File to write [default: standard output].
    dictionary:
        Explain every column instead of exporting.
    """
    if dictionary:
        print(as_markdown(), end="")
        return
    if run_id is None:
        raise UserError("name a run with --run-id; `spacetraders experiment list` shows them")
    if out is None and format == "parquet":
        raise UserError("Parquet is a binary format: name a file with --out")
    with database() as opened:
        chosen = select_run(opened, run_id, table)
        if out is None:
            write(chosen, format, sys.stdout)
            sys.stdout.flush()
        else:
            _to_file(chosen, format, out)


def _to_file(chosen: Export, kind: str, out: Path) -> None:
    with progress_bar() as progress:
        task = progress.add_task("rows", total=chosen.rows)
        write(chosen, kind, out, lambda rows: progress.update(task, completed=rows))
    print(f"{chosen.rows:,} rows of {chosen.table} in {out}")
