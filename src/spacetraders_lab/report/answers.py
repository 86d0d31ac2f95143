"""The one-page answer: what was found, and what was not measured, in sentences. Draws nothing."""

import math
from collections.abc import Mapping

from spacetraders_lab.analysis.dataset import SIDES, TYPES
from spacetraders_lab.analysis.estimate import Estimate
from spacetraders_lab.analysis.findings import CellFlag, Findings, PriceChecks, SideFit
from spacetraders_lab.analysis.recovery import RESTED_SECONDS
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate, ReturnEstimate, Stream
from spacetraders_lab.core.analysis_plan import FEWEST_REVISITS, FEWEST_UNITS
from spacetraders_lab.core.market import Operation, Supply
from spacetraders_lab.report import figures
from spacetraders_lab.report.table import interval

Answer = tuple[str, str]  # what it is about ("": the same as before), and the sentence


def answers(findings: Findings) -> list[Answer]:
    """Everything found, the plainest first, and at the end what these data cannot answer."""
    said = headlines(findings)
    if (law := findings.law) is not None:
        said.append(
            (
                "law",
                f"The simplest form that predicts unseen trades about as well as any is '{law.best.value}' (chosen in"
                f" {100 * law.confidence:.0f} % of resamples): {100 * law.score.within:.1f} % of its predictions lie"
                " within 2 credits or 0.2 %.",
            )
        )
    said += [(result.code, result.sentence) for result in findings.hypotheses if result.p is not None]
    if (recovery := findings.recovery) is not None and _is_measured(recovery):
        said.append(("recovery", recovery_sentence(recovery)))
    return said + [("" if i else "not measured", sentence) for i, sentence in enumerate(not_measured(findings))]


def price_warning(checks: PriceChecks) -> str | None:
    """What is wrong with the prices that were paid; None where they are those that were posted, as they must be."""
    if not checks.is_oriented:
        return f"{checks.swapped:,} trades were made at the other quote: ask and bid are swapped in these data."
    return None if checks.is_posted else "Prices here are not posted prices: distrust what predicts costs."


def headlines(findings: Findings) -> list[Answer]:
    """What one full tradeVolume does, in a sentence for each side and type, from the least to the most."""
    said = []
    for side in SIDES:
        for kind in TYPES:
            if found := figures.by_supply(findings.cells, side, kind):
                said.append((f"{'buying' if side is Operation.BUY else 'selling'}, {kind}", _headline(side, found)))
    return said


_VAGUE = 10  # an interval that reaches below a tenth of its value does not tell the order of magnitude


def _headline(side: Operation, found: Mapping[Supply, Estimate]) -> str:
    moves = "raises the ask" if side is Operation.BUY else "lowers the bid"
    ends = sorted((item for item in found.items() if _VAGUE * item[1].low > item[1].value), key=lambda i: i[1].value)
    if not ends:
        return f"The trades were too few, or moved too little, to tell by how much one full tradeVolume {moves}."
    (least, low), (most, high) = ends[0], ends[-1]
    sentence = f"One full tradeVolume {moves} by {interval(low)} % when supply is {least}"
    return sentence + (f", and by {interval(high)} % when it is {most}." if most != least else ".")


_MOVES = {
    Stream.WITH: "Bought from EXPORT or sold to IMPORT",
    Stream.AGAINST: "Sold to EXPORT or bought from IMPORT",
    Stream.NONE: "Traded at EXCHANGE",
}


def recovery_sentence(recovery: RecoveryEstimate) -> str:
    """The beat, and by stream the half-life and what stays, in words."""
    said = []
    if recovery.tick is not None:
        share = 100 * recovery.tick.explained / max(1, recovery.tick.changes)
        said.append(
            f"Quotes move by themselves every {recovery.tick.period_seconds / 60:.1f} minutes"
            f" ({share:.0f} % of {recovery.tick.changes} changes fit)."
        )
    said += [f"{_MOVES[stream]}: {_returned(back)}." for stream, back in recovery.returns.items() if _is_told(back)]
    return " ".join(said) or f"Recovery was not measured: {_too_few_readings(recovery.returns[Stream.WITH])}."


def _is_measured(recovery: RecoveryEstimate) -> bool:
    return recovery.tick is not None or any(map(_is_told, recovery.returns.values()))


def _is_told(back: ReturnEstimate) -> bool:
    """Whether anything is known of how such moves go back."""
    return any(known is not None for known in (back.half_life_minutes, back.permanent_share, back.lasts_minutes))


def _returned(back: ReturnEstimate) -> str:
    if back.lasts_minutes is not None:
        return f"less than half had come back after {back.lasts_minutes / 60:.1f} hours, the longest watched"
    said = []
    if back.half_life_minutes is not None:
        said.append(f"half of what does not stay is gone after {interval(back.half_life_minutes, 0)} minutes")
    if (stays := back.permanent_share) is not None and stays.high < 0:
        beyond = interval(Estimate(-stays.value, -stays.high, -stays.low), 2)
        said.append(f"quotes go beyond where they stood, by {beyond} of the displacement: they were not at rest")
    elif stays is not None:
        said.append(f"the share that stays is {interval(stays, 2)}")
    return "; ".join(said)


def _too_few_readings(back: ReturnEstimate) -> str:
    if back.unrested:
        return _counted_readings(back) + (
            f"; {back.unrested} more visits were left out, for earlier trades had moved their listing less than"
            f" {RESTED_SECONDS / 3600:.0f} hours before"
        )
    return _counted_readings(back)


def _counted_readings(back: ReturnEstimate) -> str:
    if not back.revisits:
        return f"no listing that its trades had moved{' from its rest' if back.unrested else ''} was read again"
    if back.revisits >= FEWEST_REVISITS and back.listings >= FEWEST_UNITS:
        return f"the readings after {back.revisits} visits do not tell it"
    return (
        f"{back.revisits} visits to {back.listings} listings were read again,"
        f" and it takes {FEWEST_REVISITS} visits to {FEWEST_UNITS} listings"
    )


def not_measured(findings: Findings) -> list[str]:
    """What these data cannot answer."""
    unseen = sum(cell.flag is CellFlag.NOT_OBSERVED for cell in findings.cells)
    thin = sum(cell.flag is CellFlag.THIN for cell in findings.cells)
    missing = []
    if unseen:
        missing.append(
            f"{unseen} of {len(findings.cells)} combinations of side, type, supply and activity were never met."
        )
    if thin:
        missing.append(f"{thin} rest on only one or two markets.")
    if findings.law is None:
        missing.append("The law of impact: too few trades, or of too few listings, to tell the forms apart.")
    if findings.recovery is None:
        missing.append("Recovery: no market was read again after its trades.")
    elif not _is_measured(findings.recovery):
        missing.append(recovery_sentence(findings.recovery))
    missing += filter(None, map(_noise, findings.sides))
    return missing + [f"{r.code}: {r.sentence}" for r in findings.hypotheses if r.p is None]


_FEW_REPEATS = 4  # visits to tell the noise by, below which nobody knows how steady they are


def _noise(fit: SideFit) -> str | None:
    """How badly the noise of a trade is known, which all intervals of a side rest on; None where it is known."""
    trading = "buying" if fit.side is Operation.BUY else "selling"
    if math.isnan(fit.step_cv):
        return (
            f"The noise of {trading}: no second visit tells it from what listings differ by, so all of that may be"
            " noise, and intervals are wide. Visit a few of them again."
        )
    if fit.residual_df < _FEW_REPEATS:
        return (
            f"How steady {trading} is: about {fit.residual_df:.0f} repeated visits tell, so that 92 to 95 % of its 95 %"
            " intervals hold the truth, and about 90 % where these few agree."
        )
    return None
