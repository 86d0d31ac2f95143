"""The one-page answer: what was found, and what was not measured, in sentences. Draws nothing."""

from spacetraders_lab.analysis.dataset import SIDES, TYPES
from spacetraders_lab.analysis.findings import CellFlag, Findings
from spacetraders_lab.core.market import Operation
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
            found = figures.by_supply(findings.cells, side, kind)
            if not found:
                continue
            ends = sorted(found.items(), key=lambda item: item[1].value)
            (least, low), (most, high) = ends[0], ends[-1]
            moves = "raises its ask" if side is Operation.BUY else "lowers its bid"
            sentence = f"One full tradeVolume {moves} by {interval(low)} % when {least}"
            sentence += f", by {interval(high)} % when {most}." if most != least else "."
            said.append((f"{'buying' if side is Operation.BUY else 'selling'}, {kind}", sentence))
    return said


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
