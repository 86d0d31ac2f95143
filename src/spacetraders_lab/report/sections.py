"""What a report contains, section by section in its fixed order: from what was found to tables, figures and words."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacetraders_lab.analysis.crossmarket import PairAccount, ShipAccount
from spacetraders_lab.analysis.dataset import SIDES, TYPES, Dataset
from spacetraders_lab.analysis.findings import Findings, PriceChecks
from spacetraders_lab.analysis.influence import Influence
from spacetraders_lab.analysis.observations import NO_OTHERS, Observations, OtherTrades
from spacetraders_lab.analysis.precision import (
    ABSOLUTE_TARGET,
    RELATIVE_TARGET,
    Precision,
    transactions_to_go,
)
from spacetraders_lab.analysis.recovery import RESTED_SECONDS
from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import Operation
from spacetraders_lab.report import charts, exploring, figures, tables
from spacetraders_lab.report.answers import answers, price_warning, recovery_sentence
from spacetraders_lab.report.charts import Chart
from spacetraders_lab.report.document import Block, Facts, Grid, Report, Section, Sentences
from spacetraders_lab.report.table import Record


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about: the run's card, what it recorded, and what was found in it.

    `planned` counts what became of the planned trades, `deviations` are (kind, what) of what did not go as planned.
    """

    title: str
    subtitle: str
    card: tuple[tuple[str, str], ...]
    data: Dataset
    observations: Observations
    findings: Findings
    pairs: Sequence[PairAccount]
    ships: Sequence[ShipAccount]
    trace: Sequence[Precision]
    planned: Sequence[tuple[str, int]]
    deviations: Sequence[tuple[str, str]]
    placebos: Sequence[PlaceboBracket] = ()
    influences: Sequence[Influence] = ()
    others: OtherTrades = NO_OTHERS


def compose(subject: Subject) -> Report:
    """The report of a run."""
    makers = (
        _answer, _run_card, _cells, _heat_maps, _curves, _law, _sides, _listings, _recovery, _transitions,
        _diagnostics, _throughput, _precision, _exclusions,
    )  # fmt: skip
    return Report(subject.title, subject.subtitle, tuple(maker(subject) for maker in makers))


_HOW_TO_READ = (
    "How far one full tradeVolume moves the quote that it trades at, what else was found, and what these data cannot"
    " answer. Square brackets are 95 % intervals. What your next trade costs: spacetraders quote; what a round trip"
    " earns: spacetraders advise lane; which lanes earn most: spacetraders advise lanes."
)


def _answer(subject: Subject) -> Section:
    warning = price_warning(subject.findings.checks)
    said = Sentences((*((("prices", warning),) if warning else ()), *answers(subject.findings)))
    tests = tables.hypothesis_table(subject.findings.hypotheses)
    return Section("answer", "The answer", _HOW_TO_READ, (said, tests) if tests.rows else (said,))


def _run_card(subject: Subject) -> Section:
    checks = subject.findings.checks
    posted = ("posted-price check", f"{checks.posted:,} of {checks.rows:,} trades at exactly the quote read before")
    card = Facts((*subject.card, posted, ("orientation check", _orientation(checks))))
    intro = "" if subject.deviations else "No deviation from the plan was noticed."
    said = (Sentences(tuple(subject.deviations)),) if subject.deviations else ()
    return Section("run", "The run", intro, (card, *said))


def _orientation(checks: PriceChecks) -> str:
    if not checks.is_oriented:
        return "ask and bid are swapped"
    if checks.posted and checks.is_posted:
        return "buyers paid the ask, sellers received the bid"
    told = "" if checks.posted > checks.swapped else "not told: "
    return f"{told}{checks.posted:,} trades at the quote of their side, {checks.swapped:,} at the other"


def _cells(subject: Subject) -> Section:
    return Section("cells", "Impact by cell", "", (tables.cell_table(subject.findings.cells),))


def _heat_maps(subject: Subject) -> Section:
    found = [
        Chart(
            f"heat_map_{side.lower()}_{kind.lower()}",
            f"{'Buying from' if side is Operation.BUY else 'Selling to'} {kind}",
            "",
            charts.heat_map_spec(),
            tuple(records),
        )
        for kind in TYPES
        for side in SIDES
        if (records := figures.heat_map(subject.findings.cells, side, kind))
    ]
    contrasts = exploring.contrast_table(subject.findings.contrasts)
    return Section(
        "heat",
        "Supply and activity",
        "Percent by which one full tradeVolume moves the traded quote, with its 95 % interval; one scale of colour for"
        " all. Outlined cells rest on fewer than three markets; empty ones were not measured.",
        (*((Grid(tuple(found)),) if found else ()), *((contrasts,) if contrasts.records else ())),
    )


def _curves(subject: Subject) -> Section:
    found, exponent = [], subject.findings.exponent
    for kind in TYPES:
        for side in SIDES:
            raw = figures.raw_metaorders(subject.data, side, kind, exponent)
            if not raw:
                continue
            fitted = figures.fitted_curves(subject.findings.cells, side, kind, raw)
            name = f"curves_{side.lower()}_{kind.lower()}"
            title = f"{'Buying from' if side is Operation.BUY else 'Selling to'} {kind}"
            found.append(Chart(name, title, "", charts.curves_spec(exponent), tuple(raw), tuple(fitted)))
    return Section(
        "curves",
        "Impact curves",
        "How far the traded quote has moved along a visit. Faint lines are single visits, from one supply level to the"
        " next; heavy lines are the fitted slope of each level with its 95 % band, over all activities. A slope that"
        " is constant within a level is a description: the law below says how the move depends on the price.",
        (Grid(tuple(found)),) if found else (),
    )


def _law(subject: Subject) -> Section:
    if subject.findings.law is None:
        return Section(
            "law", "Law of impact", "Not told: too few trades, or of too few listings, to tell the forms apart."
        )
    law = subject.findings.law
    chart = Chart(
        "law_errors",
        "Prediction errors",
        "Left of 1: within the tolerance on average.",
        charts.form_errors_spec(),
        tuple(figures.form_errors(law)),
    )
    return Section("law", "Law of impact", "", (tables.law_table(law), tables.constants_table(law), Grid((chart,))))


def _sides(subject: Subject) -> Section:
    dumbbell = figures.both_sides(subject.findings.cells)
    ratios = figures.side_ratios(subject.findings.listings)
    found = [
        Chart(
            "both_sides", "By cell", "Cells that were both bought and sold.", charts.both_sides_spec(), tuple(dumbbell)
        ),
        Chart(
            "side_ratios",
            "By listing",
            "Slope by buying over slope by selling; right of 1, buying moves the quote more.",
            charts.forest_spec(),
            tuple(ratios),
        ),
    ]
    shown = tuple(chart for chart in found if chart.records)
    intro = (
        "Whether buying and selling move quotes alike." if shown else "Not measured: no listing was traded both ways."
    )
    return Section("sides", "Buying and selling", intro, (Grid(shown),) if shown else ())


def _listings(subject: Subject) -> Section:
    last = float(subject.data.time.max()) if len(subject.data) else 0.0
    table = tables.listing_table(subject.findings.listings, last)
    return Section("listings", "Listings", "", (table,))


_STREAMS = {
    Stream.WITH: (
        "Bought from EXPORT, sold to IMPORT",
        "What markets make and use by themselves works against these moves.",
    ),
    Stream.AGAINST: (
        "Sold to EXPORT, bought from IMPORT",
        "What markets make and use by themselves works along with these moves.",
    ),
    Stream.NONE: ("EXCHANGE", "These markets neither make nor use what they trade."),
}


def _recovery(subject: Subject) -> Section:
    recovery = subject.findings.recovery
    points = figures.remaining(subject.data, subject.observations, subject.others)
    furthest = max((record["hours"] for record in points), default=0.0)
    curves = {
        stream: figures.decay_curve(back, furthest)
        for stream, back in (recovery.returns if recovery is not None else {}).items()
    }
    found = [
        Chart(f"remaining_{stream}", title, caption, charts.remaining_spec(), tuple(own), tuple(curves.get(stream, ())))
        for stream, (title, caption) in _STREAMS.items()
        if (own := [record for record in points if record["stream"] == stream])
    ]
    blocks: list[Block] = [Grid(tuple(found))] if found else []
    if recovery is not None and recovery.rates:
        blocks.append(tables.recovery_table(recovery))
    said = recovery_sentence(recovery) if recovery is not None else "Not estimated from these readings."
    points_are = (
        " Each point is a later reading of a listing that no ship of the run had traded meanwhile: at 1 nothing has"
        f" come back, at 0 all of it. Only moves above {100 * figures.SMALLEST_DISPLACEMENT:.0f} % are shown, of"
        f" listings that had not been traded for {RESTED_SECONDS / 3600:.0f} hours before: others were still on their"
        " way back."
    )
    if any(curves.values()):
        points_are += " The line is the fitted half-life with its band."
    return Section("recovery", "Recovery", said + (points_are if found else ""), tuple(blocks))


def _transitions(subject: Subject) -> Section:
    found = tuple(tables.transition_table(matrix) for matrix in subject.findings.transitions)
    intro = "" if found else "Not measured: no trade of a full tradeVolume was read before and after."
    return Section("transitions", "Supply transitions", intro, found)


def _diagnostics(subject: Subject) -> Section:
    left = figures.residuals(subject.data, subject.findings.listings, subject.findings.exponent)
    shown = tuple(chart for chart in [*_residual_charts(left), *_checking_charts(subject, left)] if chart.records)
    return Section(
        "diagnostics",
        "Diagnostics",
        "Residuals are what the slope of its listing leaves of each trade's move, in units of their own spread; they"
        " should show no pattern.",
        (
            *((Grid(shown, small=True),) if shown else ()),
            *((exploring.influence_table(subject.influences),) if subject.influences else ()),
        ),
    )


def _residual_charts(left: Sequence[Record]) -> list[Chart]:
    """The residuals against all that they should not depend on."""
    fan = "A fan is noise that grows with the move; a bend is a model that is wrong."
    axes = (
        ("expected", "expected move, %", fan, False),
        ("size", "units / tradeVolume", "A bend would be an exponent of size that is not the one in use.", False),
        ("position", "position in the visit", "A trend would be an effect of order.", False),
        ("price", "quote, credits (log scale)", "A fan towards low quotes is rounding.", True),
        ("hours", "hours since the first trade", "A trend would be drift.", False),
    )
    return [
        Chart(
            f"residuals_{field}",
            f"Against {field}",
            hint,
            charts.scatter_spec(field, title, log=log),
            _only(left, field),
        )
        for field, title, hint, log in axes
    ]


def _checking_charts(subject: Subject, left: Sequence[Record]) -> list[Chart]:
    """What else the estimates stand or fall with: the noise supposed, the listings, the naive mean beside them."""
    findings = subject.findings
    drift_sd = findings.sides[0].drift_sd if findings.sides else 0.0
    quiet = figures.placebo_moves(subject.placebos, subject.data, drift_sd)
    naive = figures.naive_means(findings.cells)
    highest = max((record["naive"] for record in naive), default=1.0)
    return [
        Chart(
            "placebo_quantiles",
            "Quotes left alone",
            exploring.placebo_sentence(quiet),
            charts.diagonal_spec("normal", "residual", "normal quantile", "move, SD assumed", (-3, 3)),
            tuple(figures.quantiles(quiet)),
        ),
        Chart(
            "quantiles",
            "Normal quantiles",
            "On the line, residuals would be normal.",
            charts.diagonal_spec("normal", "residual", "normal quantile", "residual, SD", (-3, 3)),
            tuple(figures.quantiles(left)),
        ),
        Chart(
            "listing_effects",
            "Listings around their cells",
            "How much steeper or flatter each listing is than its cells, shrunken.",
            charts.caterpillar_spec(),
            tuple(figures.caterpillar(findings.listings)),
        ),
        Chart(
            "naive_means",
            "The naive mean",
            "The mean of price_impact_percent of each cell. It averages moves of small and large trades, so it lies"
            " below the move by one full tradeVolume wherever small trades were made.",
            charts.diagonal_spec("percent", "naive", "estimate, % a tradeVolume", "naive mean, %", (0, highest)),
            tuple(naive),
        ),
    ]


def _only(records: Sequence[Record], field: str) -> tuple[Record, ...]:
    """The columns that one residual figure needs: side, residual and its own."""
    return tuple({key: record[key] for key in ("side", "residual", field)} for record in records)


def _throughput(subject: Subject) -> Section:
    return Section("throughput", "Throughput", "", (tables.ship_table(subject.ships), tables.pair_table(subject.pairs)))


def _precision(subject: Subject) -> Section:
    to_go = transactions_to_go(subject.findings.cells)
    forecast = (
        "No number of further trades of the same kind would bring the next tenth of the cells within the target."
        if to_go is None
        else f"About {to_go:,} more transactions like these would bring another tenth of the cells within the target."
    )
    chart = Chart(
        "precision",
        "Cells within the target",
        f"The target is an interval of ±{100 * RELATIVE_TARGET:.0f} % of the estimate, or ±{ABSOLUTE_TARGET} percentage"
        " points where that is more, for the markets measured. All cells that the run observed count.",
        charts.precision_spec(),
        tuple(figures.precision(subject.trace)),
    )
    return Section("precision", "Precision", forecast, (Grid((chart,)),) if chart.records else ())


def _exclusions(subject: Subject) -> Section:
    planned, used = tables.planned_table(subject.planned), tables.exclusion_table(subject.findings)
    return Section("exclusions", "Exclusions", "", (planned, used))
