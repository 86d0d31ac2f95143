"""Tables: the eye and the CSV are given the same figures; what is not known is a dash, or nothing."""

import csv
import io
import math
from dataclasses import replace

import pytest

from spacetraders_lab.analysis.crossmarket import pair_accounts, ship_accounts
from spacetraders_lab.analysis.dataset import Exclusions
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellFlag
from spacetraders_lab.analysis.influence import Influence
from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.core.market import ListingType
from spacetraders_lab.report import exploring, tables
from spacetraders_lab.report.answers import recovery_sentence
from spacetraders_lab.report.table import NOTHING, Table, as_csv, interval, number
from tests.analysis.test_crossmarket import LOAD, columns
from tests.factories import NOON
from tests.report.findings import CELL, HOSTILE, LAW, LISTING, RECOVERY, SELL, estimate, make_findings, recovery
from tests.report.subject import subject, trading

FINDINGS = make_findings()
EVERY = [
    tables.cell_table(FINDINGS.cells),
    tables.hypothesis_table(FINDINGS.hypotheses),
    exploring.contrast_table(FINDINGS.contrasts),
    tables.listing_table(FINDINGS.listings, NOON.timestamp() + 5400),
    exploring.influence_table([Influence("X1-A1", "COPPER", SELL, ListingType.EXPORT, 12, 4.0, 5.0)]),
    tables.law_table(LAW),
    tables.constants_table(LAW),
    tables.recovery_table(RECOVERY),
    tables.transition_table(FINDINGS.transitions[0]),
    tables.exclusion_table(FINDINGS),
    tables.planned_table([("made", 40), ("still to come", 2)]),
    tables.ship_table(ship_accounts(columns(LOAD))),
    tables.pair_table(pair_accounts(columns(LOAD))),
]


def records(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.csv())))


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_every_table_is_square_and_explains_itself(table: Table) -> None:
    assert table.rows
    assert all(len(row) == len(table.headings) for row in table.rows)
    assert table.right <= set(table.headings) and table.roomy <= set(table.headings)
    assert table.caption.endswith(".")
    assert len(records(table)) == len(table.records) >= 1
    assert len({tuple(record) for record in table.records}) == 1


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_what_the_terminal_shows_is_part_of_the_whole(table: Table) -> None:
    headings, rows = table.narrow()
    assert set(headings) == set(table.headings) - table.roomy
    assert [row[-1] for row in rows] == [row[table.headings.index(headings[-1])] for row in table.rows]


def test_of_the_contrasts_the_clear_ones_are_shown_and_all_are_in_the_csv() -> None:
    table = exploring.contrast_table(FINDINGS.contrasts)
    assert [row[2:4] for row in table.rows] == [("MODERATE to HIGH", "WEAK")]
    assert [record["q"] for record in records(table)] == ["0.03", "0.4"]
    assert "exploratory" in table.title and "Of 2 contrasts" in table.caption


def test_a_cell_in_percent_with_its_intervals() -> None:
    table = tables.cell_table([CELL])
    row = dict(zip(table.headings, table.rows[0], strict=True))
    assert row["measured %"] == "5.1 [4.6, 5.7]"  # 100 (e^0.05 - 1), and of 0.045 and 0.055
    assert row["depth"] == "0.20"
    sold = tables.cell_table([replace(CELL, side=SELL)])
    assert sold.rows[0][4] == "4.9 [4.4, 5.4]"  # 100 (1 - e^-0.05)
    (record,) = records(table)
    assert float(record["percent_measured"]) == pytest.approx(100 * math.expm1(0.05))
    assert float(record["percent_new_market_high"]) == pytest.approx(100 * math.expm1(0.065))


def test_cells_without_a_trade_are_counted_and_kept_in_the_csv() -> None:
    table = tables.cell_table(FINDINGS.cells)
    assert (len(table.rows), len(table.records)) == (1, 2)
    assert "1 more cells" in table.caption
    assert records(table)[1]["flag"] == CellFlag.NOT_OBSERVED.value
    assert records(table)[1]["percent_measured"] == ""


def test_both_sides_of_a_listing_are_one_row() -> None:
    table = tables.listing_table(FINDINGS.listings, NOON.timestamp() + 5400)
    (row,) = table.rows
    assert row[3:5] == ("5.1 [4.1, 6.2]", "3.0 [2.4, 3.5]")
    assert row[-1] == "1.5"
    only_bought = tables.listing_table([LISTING], NOON.timestamp())
    assert only_bought.rows[0][4] == NOTHING


def test_the_quotes_of_a_listing_are_those_read_last_on_either_side() -> None:
    left = {(row["buy_market"], row["good_symbol"]): row for row in trading().trades}  # the last of each
    listings = subject().findings.listings
    for record in tables.listing_table(listings, 0.0).records:
        row = left[record["market"], record["good"]]
        assert (record["ask"], record["bid"]) == (row["purchase_price_after"], row["sell_price_after"])
        assert -3600 * record["quote_age_hours"] == pytest.approx(row["timestamp"].timestamp())
    sold_later = [LISTING, replace(LISTING, side=SELL, ask=61, read_at=LISTING.read_at + 60)]
    assert tables.listing_table(sold_later, 0.0).records[0]["ask"] == 61


def test_a_small_p_is_not_nothing() -> None:
    (result,) = FINDINGS.hypotheses
    table = tables.hypothesis_table([replace(result, p=2e-7, p_holm=None)])
    assert table.rows[0][-2:] == ("< 0.001", NOTHING)
    assert table.records[0]["p"] == 2e-7


def test_the_table_of_tests_says_what_their_sentences_say() -> None:
    results = [result for result in subject().findings.hypotheses if result.p is not None and result.estimate]
    table = tables.hypothesis_table(results)
    assert {result.code.split(" ")[0] for result in results} >= {"H1t", "H3", "H5"}
    for result, row, record in zip(results, table.rows, table.records, strict=True):
        assert row[4] in result.sentence and (" % [" in row[4]) is (record["estimate_of"] == "log ratio")
        assert ("not adjusted" in result.sentence) is (result.p_holm is None)
    assert "not adjusted for H1t and H5" in table.caption


def test_the_label_that_cannot_step_is_named() -> None:
    for matrix, end in ((FINDINGS.transitions[0], "SCARCE"), (replace(FINDINGS.transitions[0], side=SELL), "ABUNDANT")):
        assert f"probability 0.20. Trades that begin at {end}" in tables.transition_table(matrix).caption


def test_recovery_in_words() -> None:
    said = recovery_sentence(RECOVERY)
    assert said == (
        "Quotes move by themselves every 30.0 minutes (95 % of 20 changes fit)."
        " Bought from EXPORT or sold to IMPORT: half of what does not stay is gone after 300 [270, 330] minutes."
    )
    assert recovery_sentence(recovery(Stream.AGAINST, tick=None, lasts_minutes=240.0)).endswith(
        " Sold to EXPORT or bought from IMPORT: less than half had come back after 4.0 hours, the longest watched."
    )
    for revisits, why in ((0, "was read again"), (4, "4 visits to 3 listings were read again"), (9, "do not tell it")):
        said = recovery_sentence(recovery(tick=None, half_life_minutes=None, revisits=revisits))
        assert said.startswith("Recovery was not measured: ") and why in said


def test_visits_to_listings_that_were_not_at_rest_are_counted() -> None:
    said = recovery_sentence(recovery(tick=None, half_life_minutes=None, revisits=0, unrested=12))
    assert "had moved from its rest was read again; 12 more visits were left out" in said and "36 hours" in said


def test_quotes_that_go_beyond_where_they_stood_are_not_said_to_stay():
    said = recovery_sentence(recovery(permanent_share=Estimate(-0.53, -0.95, -0.12)))
    assert "beyond where they stood, by 0.53 [0.12, 0.95] of the displacement" in said and "stays is" not in said
    assert "the share that stays is -0.10 [-0.30, 0.10]" in recovery_sentence(
        recovery(permanent_share=Estimate(-0.1, -0.3, 0.1))
    )


def test_the_exclusions_add_up() -> None:
    table = tables.exclusion_table(make_findings(exclusions=Exclusions(50, FINDINGS.exclusions.by_reason)))
    assert sum(record["transactions"] for record in table.records) == 50


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, "–"),
        (Estimate(1.5, math.nan, math.nan), "1.5"),
        (estimate(1200), "1,200.0 [1,080.0, 1,320.0]"),
    ],
)
def test_intervals(found: Estimate | None, shown: str) -> None:
    assert interval(found) == shown


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_number_is_a_dash(value: float | None) -> None:
    assert number(value, 1) == "–"
    assert as_csv([{"a": value}]) == 'a\n""\n'


def test_what_is_rounded_to_nothing_has_no_sign() -> None:
    assert number(-0.04, 1) == "0.0"


def test_hostile_names_stay_one_field() -> None:
    table = tables.listing_table([replace(LISTING, good=HOSTILE)], NOON.timestamp())
    assert records(table)[0]["good"] == HOSTILE
    assert as_csv([]) == ""
