"""What to look at and not to believe: contrasts that nobody planned, listings left out, quotes left alone."""

from collections.abc import Sequence

from spacetraders_lab.analysis.distributions import NORMAL_REACH
from spacetraders_lab.analysis.findings import CellContrast
from spacetraders_lab.analysis.influence import Influence
from spacetraders_lab.report.table import NOTHING, Record, Table, interval, number, p_value, spread_out

_MOST_INFLUENTIAL = 10
FALSE_SHARE = 0.1  # of the contrasts shown, expected to be wrong


def contrast_table(contrasts: Sequence[CellContrast]) -> Table:
    """Cells beside their neighbours: those that differ clearly enough; all of them are in the CSV only."""
    clear = [contrast for contrast in contrasts if contrast.q <= FALSE_SHARE]
    return Table(
        "contrasts",
        "Which cells differ (exploratory)",
        f"Of {len(contrasts)} contrasts between neighbouring cells of three markets or more the {len(clear)} that are"
        " clear after Benjamini and Hochberg: about a tenth of them are expected to be wrong. None of this was fixed"
        " before the data: it is where to look next, not what was shown. The ratio is that of the second cell's slope"
        " to the first one's.",
        ("side", "type", "supply", "activity", "ratio", "p", "q"),
        tuple(
            (
                c.side.value,
                c.type.value,
                _change(c.supplies),
                _change(c.activities),
                interval(c.ratio, 2),
                p_value(c.p),
                p_value(c.q),
            )
            for c in sorted(clear, key=lambda contrast: contrast.p)
        ),
        tuple(
            {"side": c.side.value, "type": c.type.value}
            | {"first_supply": c.supplies[0], "second_supply": c.supplies[1]}
            | {"first_activity": c.activities[0], "second_activity": c.activities[1]}
            | spread_out("ratio", c.ratio)
            | {"p": c.p, "q": c.q}
            for c in contrasts
        ),
        frozenset({"ratio", "p", "q"}),
    )


def _change(ends: Sequence[str | None]) -> str:
    """From one label to the other, or the label that both have."""
    first, second = (end or NOTHING for end in ends)
    return first if first == second else f"{first} to {second}"


def influence_table(found: Sequence[Influence]) -> Table:
    """What the headline figures would be without single listings: the ten that matter most; all are in the CSV."""
    return Table(
        "influence",
        "Leaving listings out",
        "The mean move by one tradeVolume over all trades of a side and type, in percent, with and without one of the"
        " most traded listings. A large change means that the figure is that listing's more than the markets'.",
        ("side", "type", "good", "market", "trades", "with %", "without %", "change %"),
        tuple(
            (
                x.side.value,
                x.type.value,
                x.good,
                x.market,
                str(x.transactions),
                number(x.percent, 2),
                number(x.without, 2),
                f"{100 * x.change:+z.1f}",
            )
            for x in found[:_MOST_INFLUENTIAL]
        ),
        tuple(
            {"side": x.side.value, "type": x.type.value, "good": x.good, "market": x.market}
            | {"transactions": x.transactions, "percent": x.percent, "percent_without": x.without, "change": x.change}
            for x in found
        ),
        frozenset({"trades", "with %", "without %", "change %"}),
    )


def placebo_sentence(moves: Sequence[Record]) -> str:
    """How quotes between two reads without a trade compare with the noise that the estimates suppose."""
    moved = sum(record["percent"] != 0 for record in moves)
    beyond = sum(abs(record["residual"]) > NORMAL_REACH for record in moves) / max(1, len(moves))
    return (
        f"Of {len(moves):,} pairs of quotes read twice without a trade between, {moved:,} differ;"
        f" {100 * beyond:.1f} % differ by more than drift and rounding should make in 5 %. Where quotes stand still"
        " until a tick, most are at nothing and few far out."
    )
