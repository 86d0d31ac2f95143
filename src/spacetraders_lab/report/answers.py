"""The one-page answer: what was found, and what was not measured, in sentences. Draws nothing."""

from collections.abc import Mapping

from spacetraders_lab.analysis.dataset import SIDES, TYPES
from spacetraders_lab.analysis.findings import CellFlag, Estimate, Findings
from spacetraders_lab.core.market import Operation, Supply
from spacetraders_lab.report import figures, tables
from spacetraders_lab.report.table import interval

Answer = tuple[str, str]  # what it is about ("": the same as before), and the sentence


def answers(findings: Findings) -> list[Answer]:
    """Everything found, the plainest first, and at the end what these data cannot answer."""
    said = headlines(findings)
    if (law := findings.law) is not None:
        said.append(
            (
                "law",
                f"Of the forms tried, '{law.best.value}' predicts unseen trades best (chosen in"
                f" {100 * law.confidence:.0f} % of resamples); {100 * law.score.within:.1f} % of the next quotes lie"
                " within 2 credits or 0.2 %.",
            )
        )
    said += [(result.code, result.sentence) for result in findings.hypotheses]
    if findings.recovery is not None:
        said.append(("recovery", tables.recovery_sentence(findings.recovery)))
    return said + [("" if i else "not measured", sentence) for i, sentence in enumerate(not_measured(findings))]


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
    moves = "raises its ask" if side is Operation.BUY else "lowers its bid"
    ends = sorted((item for item in found.items() if _VAGUE * item[1].low > item[1].value), key=lambda i: i[1].value)
    if not ends:
        return f"The trades were too few, or moved too little, to tell by how much one full tradeVolume {moves}."
    (least, low), (most, high) = ends[0], ends[-1]
    sentence = f"One full tradeVolume {moves} by {interval(low)} % when {least}"
    return sentence + (f", by {interval(high)} % when {most}." if most != least else ".")


def not_measured(findings: Findings) -> list[str]:
    """What these data cannot answer."""
    unseen = sum(cell.flag is CellFlag.NOT_OBSERVED for cell in findings.cells)
    thin = sum(cell.flag is CellFlag.THIN for cell in findings.cells)
    missing = []
    if unseen:
        missing.append(
            f"{unseen} of {len(findings.cells)} combinations of side, type, supply and activity never occurred."
        )
    if thin:
        missing.append(f"{thin} rest on one or two markets only.")
    if findings.law is None:
        missing.append("The law of impact: too few repeated trades of the same listings.")
    recovery = findings.recovery
    if recovery is None or (recovery.tick is None and not any(map(tables.is_told, recovery.returns.values()))):
        missing.append("Recovery: neither a beat nor a half-life could be estimated from the readings.")
    missing += [f"{r.code}: {r.question}" for r in findings.hypotheses if r.p is None and r.estimate is None]
    return missing
