"""The report: one HTML file that needs nothing else, made of sections in a fixed order. Reads no database.

Text from the game is text: the template escapes everything, and data for scripts is JSON with its brackets escaped.
The same run gives the same bytes, but for the time in its footer.
"""

import base64
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from spacetraders_lab.report.charts import Chart
from spacetraders_lab.report.table import Table, as_csv


@dataclass(frozen=True, slots=True)
class Grid:
    """Charts side by side where there is room: two of them, or three if they are `small`."""

    charts: tuple[Chart, ...]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is: the run card."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sentences:
    """Findings in words, each with a short label ("" for none)."""

    sentences: tuple[tuple[str, str], ...]


Block = Table | Grid | Facts | Sentences


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the report with an introduction and what stands below it."""

    anchor: str
    title: str
    intro: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report says, before it is drawn."""

    title: str
    subtitle: str
    sections: tuple[Section, ...] = field(default=())

    def files(self) -> dict[str, str]:
        """The CSV of every table and figure that has data, by name."""
        found: dict[str, str] = {}
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Table):
                    found[block.name] = block.csv()
                elif isinstance(block, Grid):
                    for chart in block.charts:
                        found |= {chart.name: as_csv(chart.records), f"{chart.name}_fit": as_csv(chart.overlay)}
        return {name: text for name, text in found.items() if text}


def as_html(report: Report, *, now: datetime, version: str) -> str:
    """The whole document; `now` is the time that its footer names."""
    environment = Environment(
        loader=PackageLoader("spacetraders_lab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # a page that no browser could read must not be made
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False}
    environment.tests["table"] = lambda block: isinstance(block, Table)
    environment.tests["grid"] = lambda block: isinstance(block, Grid)
    environment.tests["facts"] = lambda block: isinstance(block, Facts)
    return environment.get_template("report.html.j2").render(
        report=report,
        links={name: _data_url(text) for name, text in report.files().items()},
        vega=_vega(),
        now=f"{now:%Y-%m-%d %H:%M} UTC",
        version=version,
    )


@cache
def _vega() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script. It is code, so it is not escaped.

    Making it takes seconds, more than all the rest of a report: it is kept in the user's cache where that can be.
    """
    with suppress(OSError, RuntimeError):  # RuntimeError: who has no home
        return Markup(_kept().read_text(encoding="utf-8"))
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with suppress(OSError, RuntimeError):
        _keep(script, _kept())
    return Markup(script)


def _kept() -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "spacetraders-lab" / f"vega-{metadata.version('vl-convert-python')}.js"


def _keep(script: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    try:
        draft.write_text(script, encoding="utf-8")
        draft.replace(file)  # whole, or not at all
    finally:
        draft.unlink(missing_ok=True)


def _data_url(text: str) -> str:
    return "data:text/csv;base64," + base64.b64encode(text.encode()).decode()
