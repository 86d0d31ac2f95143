"""The report as Markdown: every word and table of the page, and hostile text is text."""

from dataclasses import replace

import pytest

from spacetraders_lab.report.document import Report
from spacetraders_lab.report.markdown import as_markdown
from spacetraders_lab.report.sections import compose
from spacetraders_lab.report.table import Table
from tests.factories import NOON
from tests.report.findings import HOSTILE, make_findings
from tests.report.subject import subject


@pytest.fixture(scope="module")
def whole() -> Report:
    return compose(replace(subject(), findings=make_findings()))


@pytest.fixture(scope="module")
def text(whole: Report) -> str:
    return as_markdown(whole, now=NOON, version="1.0")


def tables_of(report: Report) -> list[Table]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Table)]


def test_every_section_is_there_in_its_order(whole: Report, text: str) -> None:
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [section.title for section in whole.sections]


def test_every_row_of_every_table_is_a_row(whole: Report, text: str) -> None:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    shown = [table for table in tables_of(whole) if table.rows]
    assert len(rows) == sum(len(table.rows) + 2 for table in shown) > 20
    widths = [len(table.headings) for table in shown for _ in range(len(table.rows) + 2)]
    assert [row.replace("\\|", "").count("|") - 1 for row in rows] == widths


def test_text_from_the_game_cannot_make_a_mark() -> None:
    hostile = HOSTILE + " | [x](javascript:y) *z*\n# head"
    text = as_markdown(Report(hostile, hostile), now=NOON, version="1.0")
    plain = text.replace("\\<", "").replace("\\]", "").replace("\\*", "").replace("\\|", "")
    assert not any(mark in plain for mark in ("<script>", "](", "*", "|"))
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]


def test_what_is_no_mark_stays_as_it_is_read() -> None:
    said = "b = 0.96 [0.88, 1.04], p < 0.001 & price_impact_percent -3"
    assert said in as_markdown(Report(said, "-3.2"), now=NOON, version="1.0")
    assert "\n-3.2\n" in as_markdown(Report(said, "-3.2"), now=NOON, version="1.0")


def test_the_same_run_gives_the_same_text(whole: Report, text: str) -> None:
    assert as_markdown(whole, now=NOON, version="1.0") == text
