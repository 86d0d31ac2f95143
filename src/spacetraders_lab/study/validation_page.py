"""The page `docs/validation.md`: what was played, how the estimators did in each world, and which goals are reached."""

from collections.abc import Mapping, Sequence
from math import isnan

from spacetraders_lab.study.score import Score
from spacetraders_lab.study.summary import Performance, measured, naive, new_market, performance, ratio
from spacetraders_lab.study.validation import HALF_LIFE, TRANSACTIONS, Verdict

_HEAD = """# Validation

Estimators and designs are tried in simulated worlds whose truth is known. `make validate` plays them{scale} and writes
this page; every figure on it was measured so. Each study always begins with the same seeds, so the same program writes
the same page.

## The worlds

A world has 12 goods, each at 6 of 8 markets. In the world `base`:

* The log move by one tradeVolume depends on side, supply and activity. Cells (side × type × supply × activity) scatter
  by 10 % around the sum of these effects, and listings by 30 % around their cells.
* A trade of a full tradeVolume misses its law by 20 %.
* Log prices drift by 5 % in the long run, with a half-life of six hours. They give way up to 0.8 in the logarithm.
* A displacement halves in {half_life:g} minutes, but for a tenth that lasts.
* Two other traders trade once an hour each. Quotes are whole credits. Markets tick every half hour.

Every other world changes one thing, which its name tells: `tau` is the scatter of listings around their cells, `cv` how
far a full tradeVolume misses its law, `b` the exponent of size, `state rounding` says that markets keep the whole
credits that they show, and `smooth state` that impact follows the stock within a supply level. In `law` the economy is
the game's own. Three ships with holds of 80 fly, unless the name says otherwise.

Every world is measured by {transactions:,} transactions at random pairs, in the visits of the adaptive design: four of
five with full tradeVolumes, one of five with three sizes in drawn order, with guards, placebo readings and 45 minutes
of washout. `grid`, `adaptive`, `random` and `exponent` are designs, played in `base` (`exponent` where b is 0.9). The
truth is read from the economy, trade by trade; the estimators never see it.

## Estimates by cell

* `bias` and `error` (root mean square) are relative to the truth, over the cells with at least 3 markets.
* `measured` is how often a 95 % interval for the mean over the measured markets (weighted by their transactions) holds
  the truth, `new` the same for the mean over all markets there could be; both over all cells, ± the standard error of
  the simulation, with runs as clusters. 95 % is right.
* `error, new` is the error of the second mean. A dash stands where a world has no such number.

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
        "`ratio` is the sum of the moves over the sum of the sizes, with an interval by jackknife over the listings,",
        "read as the mean over all markets. `naive` is the original's mean of `price_impact_percent` with a normal",
        "interval, read as percent by tradeVolume. `coverage` is how often the 95 % interval holds the truth.",
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
        "A cell is *known* when its interval is within 10 % of the estimate or 0.2 points, whichever is wider. Counted",
        "are the cells in which a listing stood at first sight that is not too cheap to be measured.",
        "",
        "| | goal | threshold | found | reached |",
        "|---|---|---|---|---|",
        *(f"| {v.code} | {v.goal} | {v.threshold} | {v.found} | {said[v.passed]} |" for v in verdicts),
    ]


def _bias(found: Performance | None) -> str:
    return "-" if found is None else f"{100 * found.bias:+z.1f} %"


def _error(found: Performance | None) -> str:
    return "-" if found is None else f"{100 * found.rmse:.1f} %"


def _coverage(found: Performance | None) -> str:
    if found is None:
        return "-"
    error = found.coverage.error
    return f"{100 * found.coverage.value:.1f}" + (" %" if isnan(error) else f" ± {100 * error:.1f} %")
