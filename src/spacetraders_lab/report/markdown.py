"""The report as Markdown, for a terminal, a note or a diff: its words and tables. Figures are named, not drawn."""

import re
from datetime import datetime

from spacetraders_lab.report.document import Block, Facts, Grid, Report
from spacetraders_lab.report.table import Table

# What would be taken for a mark where it stands; "[1, 2]", "< 3" and "a_b" would not, and stay readable.
_MARK = re.compile(r"[\\`*|]|(?<!\w)_|_(?!\w)|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=#?\w+;)|^[>#]|^[+-](?=\s)")


def as_markdown(report: Report, *, now: datetime, version: str) -> str:
    """The whole document; `now` is the time that its last line names. Text from the game stays text."""
    parts = [f"# {_text(report.title)}", _text(report.subtitle)]
    for section in report.sections:
        parts += [f"## {_text(section.title)}", *([_text(section.intro)] if section.intro else [])]
        for block in section.blocks:
            parts += _block(block, section.title)
    made = f"Made {now:%Y-%m-%d %H:%M} UTC by SpaceTraders Liquidity Lab {version}."
    parts.append(f"{made} Intervals are 95 % unless another share is named. The figures are in the HTML report.")
    return "\n\n".join(parts) + "\n"


def _block(block: Block, heading: str) -> list[str]:
    match block:
        case Table():
            title = [f"### {_text(block.title)}"] if block.title != heading else []
            return [*title, _text(block.caption), *([_table(block)] if block.rows else [])]
        case Grid():
            figures = (f"- Figure: {_text(chart.title)}. {_text(chart.caption)}".rstrip() for chart in block.charts)
            return ["\n".join(figures)]
        case Facts():
            return ["\n".join(f"- {_text(name)}: {_text(value)}" for name, value in block.pairs)]
        case _:
            return ["\n".join(f"- {_labelled(*said)}" for said in block.sentences)]


def _table(table: Table) -> str:
    rule = ["---:" if heading in table.right else "---" for heading in table.headings]
    rows = [[_text(cell) for cell in row] for row in (table.headings, *table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


def _labelled(label: str, sentence: str) -> str:
    return f"**{_text(label)}** {_text(sentence)}" if label else _text(sentence)


def _text(text: str) -> str:
    """The text on one line, with every mark escaped."""
    return _MARK.sub(r"\\\g<0>", " ".join(text.split()))
