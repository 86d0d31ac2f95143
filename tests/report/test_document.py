"""The page: everything in it and nothing outside, hostile text is text, and the same run gives the same bytes."""

import base64
import csv
import io
import json
import math
import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
import vl_convert
from altair import load_schema
from jsonschema import Draft7Validator
from markupsafe import Markup

from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import Findings, PriceChecks, SizeLaw
from spacetraders_lab.core.market import Supply
from spacetraders_lab.report import document, figures, sections
from spacetraders_lab.report.answers import answers, headlines, not_measured
from spacetraders_lab.report.charts import Chart
from spacetraders_lab.report.document import Facts, Grid, Report, Section, Sentences, as_html
from spacetraders_lab.report.sections import compose
from spacetraders_lab.report.table import Table
from tests.factories import NOON
from tests.report.findings import CELL, HOSTILE, make_findings
from tests.report.subject import subject

ORDER = [
    "answer", "run", "cells", "heat", "curves", "law", "sides", "listings", "recovery", "transitions", "diagnostics",
    "throughput", "precision", "exclusions",
]  # fmt: skip
_SCHEMA = Draft7Validator(load_schema())


@cache
def whole() -> Report:
    return compose(subject())


def charts_of(report: Report) -> dict[str, Chart]:
    return {c.name: c for s in report.sections for b in s.blocks if isinstance(b, Grid) for c in b.charts}


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, scripts by type, and all text outside of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text = ""
        self._script: str | None = None
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "script":
            self._in_script, self._script = True, dict(attributes).get("type")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append((self._script, data))
        else:
            self.text += data

    @property
    def data(self) -> list[dict[str, object]]:
        """The specifications of the figures."""
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]

    @property
    def downloads(self) -> dict[str, str]:
        """The CSV files in the page."""
        links = [attributes for tag, attributes in self.tags if tag == "a" and attributes.get("download")]
        return {str(a["download"]): base64.b64decode(str(a["href"]).partition(",")[2]).decode() for a in links}


def page_of(report: Report) -> Page:
    """The page without the drawing library, which is long to read and the same in all of them."""
    with patch.object(document, "_vega", lambda: Markup("vega()")):
        return Page(as_html(report, now=NOON, version="1.2.3"))


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(whole())


def test_the_sections_come_in_order(page: Page) -> None:
    assert [a["id"] for tag, a in page.tags if tag == "section"] == ORDER


def test_the_page_needs_nothing_from_outside(page: Page) -> None:
    html = as_html(whole(), now=NOON, version="1.2.3")
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "iframe", "img", "object", "base"})
    assert all("src" not in attributes for _, attributes in page.tags)
    targets = [str(attributes["href"]) for _, attributes in page.tags if "href" in attributes]
    assert all(target.startswith(("#", "data:text/csv;base64,")) for target in targets)
    assert "url(" not in html.partition("</style>")[0]
    assert len(html.encode()) < 3_000_000


def test_every_figure_and_table_has_its_data_beside_it(page: Page) -> None:
    downloads = page.downloads
    for section in whole().sections:
        for block in section.blocks:
            items: list[Chart | Table] = list(block.charts) if isinstance(block, Grid) else []
            for item in [*items, *([block] if isinstance(block, Table) else [])]:
                rows = list(csv.DictReader(io.StringIO(downloads.get(f"{item.name}.csv", ""))))
                assert len(rows) == len(item.records)
    assert len(page.data) == sum(tag == "figure" for tag, _ in page.tags) >= 20


def test_the_answer_says_what_was_not_measured(page: Page) -> None:
    assert "not measured" in page.text
    assert "were never met" in page.text


def test_the_same_run_gives_the_same_bytes_but_for_the_time() -> None:
    """Analysed and composed anew, with the drawing library left out."""
    with patch.object(document, "_vega", lambda: Markup("vega()")):
        one = as_html(whole(), now=NOON, version="1.2.3")
        subject.cache_clear()
        other = as_html(compose(subject()), now=NOON + timedelta(days=1), version="1.2.3")
    assert other != one
    assert other.replace("2026-03-02 12:00 UTC", "2026-03-01 12:00 UTC") == one


def test_the_drawing_library_is_made_once_and_a_cache_that_cannot_be_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(home: Path | str) -> str:
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        document._vega.cache_clear()  # as a process of its own
        return as_html(Report("t", "t"), now=NOON, version="1.2.3")

    made: list[str] = []
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: made.append(snippet) or "draw('é')")
    first = page(tmp_path / "cache")
    assert "draw('é')" in first and len(made) == 1
    assert page(tmp_path / "cache") == first and len(made) == 1
    (kept,) = (file for file in (tmp_path / "cache").rglob("*") if file.is_file())
    monkeypatch.setattr(document.metadata, "version", lambda _: "another")
    assert page(tmp_path / "cache") == page(kept) == first and len(made) == 3  # a file is no folder
    monkeypatch.setattr(Path, "home", Mock(side_effect=RuntimeError))
    assert page("") == first and len(made) == 4
    document._vega.cache_clear()


def test_hostile_text_is_text() -> None:
    chart = Chart(HOSTILE, HOSTILE, HOSTILE, {"mark": "point"}, ({"good": HOSTILE},))
    table = Table("t", HOSTILE, HOSTILE, (HOSTILE,), ((HOSTILE,),), ({"good": HOSTILE},))
    blocks = (table, Grid((chart,)), Sentences(((HOSTILE, HOSTILE),)))
    report = Report(HOSTILE, HOSTILE, (Section(HOSTILE, HOSTILE, HOSTILE, blocks),))
    plain = Report("t", "t", (Section("t", "t", "t", blocks[2:]),))
    page, usual = page_of(report), page_of(plain)
    assert len([kind for kind, _ in page.scripts if kind is None]) == len(
        [kind for kind, _ in usual.scripts if kind is None]
    )
    assert page.text.count(HOSTILE) >= 12
    assert page.data[0]["data"] == {"values": [{"good": HOSTILE}]}
    assert csv.DictReader(io.StringIO(page.downloads["t.csv"])).__next__()["good"] == HOSTILE
    assert "49" not in re.sub(r"[0-9a-f]{2,}", "", page.text)  # {{ 7 * 7 }} was not computed


@pytest.mark.parametrize(
    ("checks", "orientation", "warning"),
    [
        (PriceChecks(73, 73, 0), "buyers paid the ask, sellers received the bid", None),
        (PriceChecks(73, 70, 3), "70 trades at the quote of their side, 3 at the other", "not posted"),
        (PriceChecks(73, 0, 0), "not told", "not posted prices"),
        (PriceChecks(0, 0, 0), "not told", None),
        (PriceChecks(73, 2, 71), "ask and bid are swapped", "71 trades were made at the other quote"),
    ],
)
def test_the_page_says_of_prices_what_was_seen(checks: PriceChecks, orientation: str, warning: str | None) -> None:
    sections = {s.anchor: s for s in compose(replace(subject(), findings=make_findings(checks=checks))).sections}
    (card, *_) = sections["run"].blocks
    assert isinstance(card, Facts) and dict(card.pairs)["orientation check"].startswith(orientation)
    (said, *_) = sections["answer"].blocks
    assert isinstance(said, Sentences)
    first = dict(said.sentences).get("prices", "")
    assert warning in first if warning else not first


def test_an_interval_without_ends_leaves_the_page_readable() -> None:
    """A browser reads no NaN, and would draw neither that figure nor any after it."""
    wide = ({"percent": 2.5, "low": float("nan"), "high": float("inf")},)
    chart = Chart("c", "c", "", {"mark": "point"}, wide, overlay=wide)
    section = Section("s", "s", "", (Grid((chart,)),))
    page = page_of(Report("t", "t", (section,)))
    (text,) = [text for kind, text in page.scripts if kind == "application/json"]
    assert "NaN" not in text and "Infinity" not in text
    expected = [{"percent": 2.5, "low": None, "high": None}]
    assert page.data[0]["data"] == {"values": expected} and page.data[0]["datasets"] == {"overlay": expected}


def test_a_run_that_taught_nothing_still_makes_a_page() -> None:
    played = subject()
    nothing = Findings(exclusions=played.findings.exclusions, checks=played.findings.checks)
    no_rows = played.data.take(played.data.time < 0)
    empty = replace(played, findings=nothing, data=no_rows, pairs=(), ships=(), trace=(), planned=(), deviations=())
    page = page_of(compose(empty))
    assert [a["id"] for tag, a in page.tags if tag == "section"] == ORDER
    assert "Not measured" in page.text


def test_what_did_not_go_as_planned_is_said(page: Page) -> None:
    assert "GOLD was nowhere on sale" in page.text
    assert list(csv.DictReader(io.StringIO(page.downloads["planned.csv"])))[1] == {
        "trades": "left out: guard",
        "number": "3",
    }


def test_headlines_name_the_least_and_the_most() -> None:
    said = dict(headlines(subject().findings))
    assert re.fullmatch(
        r"One full tradeVolume raises the ask by [\d.]+ \[.*\] % when supply is \w+, and by [\d.]+ \[.*\] % when it is"
        r" \w+\.",
        said["buying, EXPORT"],
    )
    assert said["selling, IMPORT"].startswith("One full tradeVolume lowers the bid by")


def test_a_question_without_an_answer_is_told_once_and_with_its_reason() -> None:
    findings = subject().findings
    open_ones = tuple(replace(r, p=None, sentence=f"{r.question} Not tested.") for r in findings.hypotheses[:2])
    said = answers(replace(findings, hypotheses=(*open_ones, *findings.hypotheses[2:])))
    for result in open_ones:
        assert [sentence for _, sentence in said if result.question in sentence] == [
            f"{result.code}: {result.sentence}"
        ]
    assert ("recovery" in dict(said)) != any("Recovery was not measured" in sentence for _, sentence in said)


def test_a_headline_tells_no_figure_that_is_not_known() -> None:
    vague = replace(CELL, measured=Estimate(0.01, 0.0001, 1.0))
    told = replace(CELL, supply=Supply.SCARCE)
    label = f"buying, {CELL.type}"
    assert "% when supply is SCARCE." in dict(headlines(make_findings(cells=(vague, told))))[label]
    assert "to tell by how much" in dict(headlines(make_findings(cells=(vague,))))[label]


def test_residuals_are_taken_with_the_exponent_that_the_slopes_were_computed_with() -> None:
    law = SizeLaw(exponent=Estimate(0.5, 0.4, 0.6), t=-9.0, p=0.001, df=9.0, markets=9, transactions=99)
    found = replace(subject().findings, size_law=law)
    records = charts_of(compose(replace(subject(), findings=found)))["residuals_expected"].records
    told = figures.residuals(subject().data, found.listings, 0.5)
    assert [record["expected"] for record in records] == [record["expected"] for record in told]


def test_the_recovery_section_says_what_its_figures_really_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "SMALLEST_DISPLACEMENT", 0.03)
    monkeypatch.setattr(sections, "RESTED_SECONDS", 12 * 3600.0)
    (recovery,) = (section for section in compose(subject()).sections if section.anchor == "recovery")
    assert "moves above 3 % are shown, of listings that had not been traded for 12 hours before" in recovery.intro


def test_what_was_not_measured_is_named() -> None:
    nothing = make_findings(law=None, recovery=None)
    missing = " ".join(not_measured(nothing))
    assert "1 of 2 combinations" in missing and "law of impact" in missing and "Recovery" in missing
    assert not any("law" in sentence for sentence in not_measured(make_findings()))


@pytest.mark.parametrize(("df", "said"), [(0.0, "no second visit tells it"), (2.1, "about 2 repeated visits tell")])
def test_noise_that_few_visits_tell_is_said_to_be_badly_known(df: float, said: str) -> None:
    (known,) = make_findings().sides
    fit = replace(known, residual_df=df, step_cv=math.nan if df < 1 else known.step_cv)
    assert said in " ".join(not_measured(make_findings(sides=(fit,))))
    assert said not in " ".join(not_measured(make_findings()))


def test_every_specification_is_valid() -> None:
    """With findings made up, every kind of figure is there."""
    charts = charts_of(compose(replace(subject(), findings=make_findings()))) | charts_of(whole())
    assert len(charts) >= 20
    for chart in charts.values():
        _assert_valid(chart)


def _assert_valid(chart: Chart) -> None:
    """Against the schema (altair's), and by compiling it as the page will; every field is one of its data."""
    few = replace(chart, records=chart.records[:5], overlay=chart.overlay[:5]).whole()
    _SCHEMA.validate(few)
    vl_convert.vegalite_to_vega(few)
    for layer in chart.spec.get("layer", [chart.spec]):
        data = layer.get("data", {})
        records = data.get("values", chart.overlay if data.get("name") == "overlay" else chart.records)
        fields = set(re.findall(r'"field": "([^"]+)"', json.dumps(layer.get("encoding", {}))))
        assert not records or fields <= {key for record in records for key in record}
