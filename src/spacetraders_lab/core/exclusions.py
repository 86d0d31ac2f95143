"""Which recorded trades are of no use to an estimate, and why: one rule for the live page and for the analysis.

Only what a record alone shows. What it takes a whole run to see (the beat of the markets, whole credits) is the
analysis's.
"""

from typing import Any

from spacetraders_lab.core.analysis_plan import LATE_SECONDS, LOWEST_QUOTE, THIN_QUOTE, Exclusion


def marks(
    *, recovered: Any, unread: Any, leftover: Any, foreign: Any, grown: Any, seconds: Any, before: Any, after: Any
) -> tuple[tuple[Exclusion, Any], ...]:
    """Every reason with whether it fits, in their order: the first that fits counts.

    Of one trade, or of many as arrays. `before` and `after` are the traded quote, `after` any number where it is
    `unread`; `foreign` are others' units, `grown` is whether the tradeVolume after is another, `seconds` are of the
    clock, from the reading before to the trade.
    """
    return (
        (Exclusion.RECOVERED, recovered),
        (Exclusion.NOT_READ_AFTER, unread),
        (Exclusion.LEFTOVER, leftover),
        (Exclusion.FOREIGN, foreign > 0),
        (Exclusion.TICK, grown),  # a tradeVolume changes only at a tick
        (Exclusion.LATE, seconds > LATE_SECONDS),
        (Exclusion.SATURATED, (before <= LOWEST_QUOTE) | (after <= LOWEST_QUOTE)),
        (Exclusion.THIN, before < THIN_QUOTE),
    )
