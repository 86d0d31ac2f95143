"""The validation of estimators and designs: which studies are played, and what they must show (V1 to V14).

Layout after Morris, White and Crowther 2019 (ADEMP). It judges what the studies found; it computes no estimate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from spacetraders_lab.core.experiment import ClaimOrder, Design, DesignName
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.study.replicate import Allocator, Study
from spacetraders_lab.study.score import Score
from spacetraders_lab.study.summary import (
    Performance,
    Rate,
    measured,
    naive,
    new_market,
    performance,
    rejections,
    share_of_precise_cells,
)
from spacetraders_lab.study.worlds import BASE, LAW, WORLDS, World

TRANSACTIONS = 1_200
ADAPTIVE_TRANSACTIONS = 1_500
EXPONENT_TRANSACTIONS = 600
VISITS = Design(name=DesignName.ADAPTIVE, washout_seconds=2_700, claim_order=ClaimOrder.NEAREST)
EXPONENT_VISITS = Design((0.25, 0.5, 1.0), 1, seeded=True, washout_seconds=2_700)
RECOVERY_VISITS = Design(name=DesignName.RECOVERY)
REVISITS = tuple(15 * 2 ** (i / 1.5) for i in range(11))  # minutes: log-spaced from a quarter of an hour to a day
ENOUGH = 90  # replications from which on a rate of a few per cent can be judged
HALF_LIFE = BASE.settings.half_life_minutes

_OTHER_WORLDS = ("b = 0.9", "quiet", "quiet 0.1 lasts")  # that have a study of their own

Found = Mapping[str, Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One study of the validation: its name in the tables, and in how many replications it is played.

    Each study has seeds of its own: what chance does to one it must not do to all.
    """

    name: str
    study: Study
    replications: int
    first_seed: int = 1


def plans() -> list[Plan]:
    """Every study: 300 replications of the base and null worlds, 100 of everything else."""
    return [replace(plan, first_seed=1 + 1_000 * number) for number, plan in enumerate(_plans())]


def _plans() -> list[Plan]:
    return [
        *(_blocked(world) for name, world in WORLDS.items() if name not in _OTHER_WORLDS),
        Plan("grid", Study(BASE, Design()), 100),
        Plan("adaptive", Study(BASE, VISITS, ADAPTIVE_TRANSACTIONS), 100),
        Plan("random", Study(BASE, VISITS, ADAPTIVE_TRANSACTIONS, allocator=Allocator.RANDOM), 100),
        Plan("exponent b = 0.9", Study(WORLDS["b = 0.9"], EXPONENT_VISITS, EXPONENT_TRANSACTIONS), 100),
        Plan("recovery", Study(WORLDS["quiet"], RECOVERY_VISITS, watched=REVISITS), 100),
        Plan("recovery, 0.1 lasts", Study(WORLDS["quiet 0.1 lasts"], RECOVERY_VISITS, watched=REVISITS), 100),
    ]


def _blocked(world: World) -> Plan:
    often = world is BASE or world.is_null
    return Plan(world.name, Study(world, VISITS, TRANSACTIONS, allocator=Allocator.RANDOM), 300 if often else 100)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal: what was to be reached, what was found, and whether that is enough (None: could not be told)."""

    code: str
    goal: str
    threshold: str
    found: str
    passed: bool | None


def judge(found: Found) -> list[Verdict]:
    """The goals that replications can tell, V1 to V10."""
    worlds = {name: scores for name, scores in found.items() if name in WORLDS}
    base = found[BASE.name]
    return [
        *_coverage(worlds),
        _cells(performance(base, measured)),
        _bias(worlds),
        _error(performance(base, measured), performance(base, new_market)),
        *_errors_of_tests(found),
        _power(found["exponent b = 0.9"]),
        _precision(found["adaptive"]),
        _negative_control(found["grid"]),
        _recovery(found["recovery"]),
    ]


def _coverage(worlds: Found) -> list[Verdict]:
    """V1. In the law world slopes vary inside a cell, so only too low a coverage is an error there."""
    verdicts = []
    for look, what in ((measured, "the markets measured"), (new_market, "a new market")):
        rates = {name: p.coverage for name, s in worlds.items() if (p := performance(s, look)) is not None}
        outside = [name for name, rate in rates.items() if not _covers(name, rate)]
        low, high = min(rates, key=lambda n: rates[n].value), max(rates, key=lambda n: rates[n].value)
        verdicts.append(
            Verdict(
                "V1",
                f"95 % intervals for {what} hold the truth, in every world",
                "in 93 to 97 % of cases (`smooth state`, `law`: at least 93 %)",
                f"{_rate(rates[low])} ({low}) to {_rate(rates[high])} ({high})" + _but(outside),
                not outside if all(len(scores) >= ENOUGH for scores in worlds.values()) else None,
            )
        )
    return verdicts


def _covers(name: str, rate: Rate) -> bool:
    """Within the band, two Monte-Carlo errors allowed for."""
    slack = 2 * rate.error if rate.error == rate.error else 0.0
    highest = 1.0 if name in ("smooth state", LAW.name) else 0.97 + slack
    return 0.93 - slack <= rate.value <= highest


def _cells(found: Performance | None) -> Verdict:
    known = found is not None and found.worst is not None and found.tenth is not None
    worst, tenth = (found.worst, found.tenth) if found is not None and known else (0.0, 0.0)
    assert worst is not None and tenth is not None
    return Verdict(
        "V2",
        "in `base`, the intervals of every single cell with at least 3 markets hold the truth",
        "in at least 87 % of cases; 10th percentile of the cells at least 92 %",
        f"lowest {100 * worst:.1f} %, 10th percentile {100 * tenth:.1f} %" if known else "too few replications",
        worst >= 0.87 and tenth >= 0.92 if known else None,
    )


def _bias(worlds: Found) -> Verdict:
    biases = {name: p.bias for name, scores in worlds.items() if (p := performance(scores, measured)) is not None}
    worst = max(biases, key=lambda name: abs(biases[name]))
    outside = [name for name, bias in biases.items() if abs(bias) >= (0.01 if name == BASE.name else 0.02)]
    return Verdict(
        "V3",
        "mean bias of the cells with at least 3 markets",
        "below 2 % everywhere, 1 % in base",
        f"base {100 * biases[BASE.name]:+z.1f} %, largest {100 * biases[worst]:+z.1f} % ({worst})" + _but(outside),
        not outside,
    )


def _error(known: Performance | None, new: Performance | None) -> Verdict:
    assert known is not None and new is not None
    return Verdict(
        "V4",
        f"root mean square error in `base` after {TRANSACTIONS:,} transactions",
        "at most 12 % for the markets measured, 18 % for a new one",
        f"{100 * known.rmse:.1f} %, {100 * new.rmse:.1f} %",
        known.rmse <= 0.12 and new.rmse <= 0.18,
    )


# each test with the world in which its null is true
NULLS = {
    "H1 BUY": "no supply effect",
    "H1 SELL": "no supply effect",
    **{f"H1t {kind} {side}": "no supply effect" for side in Operation for kind in ListingType},
    "H2 BUY": "no activity effect",
    "H2 SELL": "no activity effect",
    "H3": "base",
    **{f"H4 {kind}": "buy = sell" for kind in ListingType},
}


def _errors_of_tests(found: Found) -> list[Verdict]:
    verdicts = []
    for test, world in NULLS.items():
        rate = rejections(found[world], test)
        verdicts.append(
            Verdict(
                "V5",
                f"{test} finds at the 5 % level what the world `{world}` has not",
                "in 1.5 to 7.5 % of runs",
                _rate(rate),
                0.015 <= rate.value <= 0.075 if rate.count >= ENOUGH else None,
            )
        )
    return verdicts


def _power(scores: Sequence[Score]) -> Verdict:
    rate = rejections(scores, "H3")
    goal = f"H3 finds b = 0.9 after {EXPONENT_TRANSACTIONS} transactions"
    is_found = rate.value >= 0.9 if rate.count >= ENOUGH else None
    return Verdict("V6", goal, "in at least 90 % of runs", _rate(rate), is_found)


def _precision(scores: Sequence[Score]) -> Verdict:
    share = fmean(share_of_precise_cells(found, VISITS.target) for found in scores)
    return Verdict(
        "V7",
        f"cells known to 10 % or 0.2 points after {ADAPTIVE_TRANSACTIONS:,} adaptive transactions",
        "at least 75 %",
        f"{100 * share:.1f} % (median {median(found.transactions for found in scores):,.0f} transactions)",
        share >= 0.75,
    )


def _negative_control(scores: Sequence[Score]) -> Verdict:
    found = performance(scores, naive)
    assert found is not None
    return Verdict(
        "V9",
        "the original's mean of `price_impact_percent` on its own grid, judged in the same way",
        "must fail V1 and V3",
        f"bias {100 * found.bias:+z.1f} %, coverage {_rate(found.coverage)}",
        found.coverage.value < 0.93 and abs(found.bias) > 0.02,
    )


def _recovery(scores: Sequence[Score]) -> Verdict:
    intervals = [found.half_life for found in scores if found.half_life is not None]
    covered = fmean(low <= HALF_LIFE <= high for _, low, high in intervals) if intervals else 0.0
    bias = median(value for value, _, _ in intervals) / HALF_LIFE - 1 if intervals else 1.0
    return Verdict(
        "V10",
        f"the half-life of {HALF_LIFE:g} min ({len(intervals)} of {len(scores)} fits gave one)",
        "coverage 92 to 99 %, median bias below 6 %",
        f"coverage {100 * covered:.1f} %, median bias {100 * bias:+z.1f} %",
        0.92 <= covered <= 0.99 and abs(bias) < 0.06 if len(intervals) >= ENOUGH else None,
    )


def _rate(rate: Rate) -> str:
    return f"{100 * rate.value:.1f} ± {100 * rate.error:.1f} %"


def _but(outside: Sequence[str]) -> str:
    return f"; outside: {', '.join(outside)}" if outside else ""
