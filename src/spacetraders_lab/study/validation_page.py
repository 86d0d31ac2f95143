"""The page `docs/validation.md`: what was played, how the estimators did in each world, and which goals are reached."""

from collections.abc import Mapping, Sequence
from math import isnan

from spacetraders_lab.study.score import Score
from spacetraders_lab.study.summary import Performance, measured, naive, new_market, performance, ratio
from spacetraders_lab.study.validation import HALF_LIFE, TRANSACTIONS, Verdict

_HEAD = """# Validation

What the estimators and designs make of worlds whose truth is known. Written by `make validate`{scale}; every figure on
this page was measured by it. Every study has fixed seeds of its own, so that the same program writes the same page.

## The worlds

12 goods at 6 of 8 markets each. In `base` the log move by a tradeVolume depends on side, supply and activity; cells
scatter by 10 % around the sum of their effects and listings by 30 % around their cells; a full step misses its law by
20 %; log prices drift (5 % in the long run, half-life 6 h) and give way up to 0.8; a displacement halves in
{half_life:g} min but for a tenth that lasts; two other traders trade once an hour each; quotes are whole credits;
markets tick every half hour. Each other world changes one thing. In `law` the economy is the game's own. Three ships
with 80 units fly, unless the name says otherwise.

Every world is measured by {transactions:,} transactions at random pairs in the visits of the adaptive design: four of
five with full tradeVolumes, one of five with three sizes in drawn order, guards, placebo readings, 45 minutes of
washout. The truth is read from the economy, trade by trade, and is seen only by what keeps the score.

## Estimates by cell

Bias and error (root mean square) are relative to the truth, over cells with at least 3 markets; coverage is that of
95 % intervals over all cells, ± its Monte-Carlo standard error, with replications as clusters. `measured` is the
transaction-weighted mean over the markets measured, `new` the mean over all markets there could be.

"""


def page(found: Mapping[str, Sequence[Score]], verdicts: Sequence[Verdict], scale: float) -> str:
    """The whole page."""
    at = "" if scale == 1 else f" at {scale:g} of the full number of replications"
    head = _HEAD.format(scale=at, half_life=HALF_LIFE, transactions=TRANSACTIONS)
    return head + "\n".join([*_worlds(found), "", *_estimators(found), "", *_goals(verdicts), ""])


def _worlds(found: Mapping[str, Sequence[Score]]) -> list[str]:
    lines = [
        "| study | runs | transactions | bias | error | measured | new | error, new |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, scores in found.items():
        if name.startswith("recovery"):
            continue
        trades = sorted(score.transactions for score in scores)[len(scores) // 2]
        known, new = performance(scores, measured), performance(scores, new_market)
        lines.append(
            f"| {name} | {len(scores)} | {trades:,} | {_bias(known)} | {_error(known)} | {_coverage(known)} | "
            f"{_coverage(new)} | {_error(new)} |"
        )
    return lines


def _estimators(found: Mapping[str, Sequence[Score]]) -> list[str]:
    lines = [
        "## Other estimators on the same data",
        "",
        "The ratio of sums with a jackknife is read as the mean over all markets. The naive one is the original's mean",
        "of `price_impact_percent` with a normal interval, read as per cent per tradeVolume.",
        "",
        "| study | ratio: bias | coverage | naive: bias | error | coverage |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("base", "grid", "adaptive"):
        simple, original = performance(found[name], ratio), performance(found[name], naive)
        lines.append(
            f"| {name} | {_bias(simple)} | {_coverage(simple)} | {_bias(original)} | {_error(original)} | "
            f"{_coverage(original)} |"
        )
    return lines


def _goals(verdicts: Sequence[Verdict]) -> list[str]:
    said = {True: "yes", False: "**no**", None: "cannot be told"}
    return [
        "## Goals",
        "",
        "| | goal | threshold | found | reached |",
        "|---|---|---|---|---|",
        *(f"| {v.code} | {v.goal} | {v.threshold} | {v.found} | {said[v.passed]} |" for v in verdicts),
    ]


def _bias(found: Performance | None) -> str:
    return "-" if found is None else f"{100 * found.bias:+.1f} %"


def _error(found: Performance | None) -> str:
    return "-" if found is None else f"{100 * found.rmse:.1f} %"


def _coverage(found: Performance | None) -> str:
    if found is None:
        return "-"
    error = found.coverage.error
    return f"{100 * found.coverage.value:.1f}" + (" %" if isnan(error) else f" ± {100 * error:.1f} %")
