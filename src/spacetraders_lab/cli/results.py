"""`spacetraders experiment analyze`: what a run found, as sentences and tables."""

from textwrap import fill

from spacetraders_lab.analysis.findings import Findings
from spacetraders_lab.cli import render
from spacetraders_lab.cli.found import STEPS, Found, find
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.settings import Json, database
from spacetraders_lab.cli.waiting import steps
from spacetraders_lab.report.answers import answers, price_warning
from spacetraders_lab.report.table import Table
from spacetraders_lab.report.tables import (
    cell_table,
    constants_table,
    exclusion_table,
    hypothesis_table,
    law_table,
    listing_table,
    pair_table,
    recovery_table,
    ship_table,
    transition_table,
)

_MOST_ROWS = 20
_MOST_COLUMNS = 100  # of a sentence that is easily read
_INDENT = 19  # of sentences, behind what they are about


def analyze(*, run_id: RunId, json: Json = False) -> None:
    """Show what a run found: impact by cell, the law of impact, recovery, profitable pairs and each ship's work.

    Long tables are cut; --json has every row, and every figure with its interval.
    """
    with database() as opened, steps(*STEPS) as done:
        found = find(opened, [run_id], done)
    tables = _tables(found)
    if json:
        render.print_json({"checks": _checks(found.findings)} | {table.name: table.records for table in tables})
        return
    print(_price_check(found.findings) + "\n")
    width = min(_MOST_COLUMNS, render.width())
    for label, sentence in answers(found.findings):
        print(fill(sentence, width, initial_indent=f"{label:<{_INDENT}}", subsequent_indent=" " * _INDENT))
    for table in tables:
        if table.rows and table.name != "hypotheses":
            _print(table)


def _tables(found: Found) -> list[Table]:
    findings = found.findings
    tables = [exclusion_table(findings), hypothesis_table(findings.hypotheses), cell_table(findings.cells)]
    if findings.law is not None:
        tables += [law_table(findings.law), constants_table(findings.law)]
    if findings.recovery is not None:
        tables.append(recovery_table(findings.recovery))
    tables += [transition_table(matrix) for matrix in findings.transitions]
    last = max(found.data.time)
    return [*tables, listing_table(findings.listings, last), pair_table(found.pairs), ship_table(found.ships)]


def _print(table: Table) -> None:
    headings, rows = table.narrow()
    print(f"\n{table.title}")
    render.print_table(headings, rows[:_MOST_ROWS], right=[h for h in headings if h in table.right])
    if len(rows) > _MOST_ROWS:
        print(f"... and {len(rows) - _MOST_ROWS} more: --json")


def _price_check(findings: Findings) -> str:
    checks = findings.checks
    said = f"{checks.posted:,} of {checks.rows:,} trades were made at exactly the quote that was read before."
    warning = price_warning(checks)
    return f"{said} {warning}" if warning else said


def _checks(findings: Findings) -> dict[str, object]:
    checks = findings.checks
    return {"rows": checks.rows, "posted": checks.posted, "swapped": checks.swapped}
