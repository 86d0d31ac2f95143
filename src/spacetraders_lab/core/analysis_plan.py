"""What will be estimated and how, fixed and hashed before the first trade. Describes; it plans and estimates nothing.

The same request on the same quotes with the same seed gives the same bytes: no time, no run id and no machine is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from spacetraders_lab.core.experiment import (
    BRACKET_SECONDS,
    PLACEBO_SECONDS,
    READING_LASTS_SECONDS,
    Design,
    DesignName,
    MarketPair,
    Menu,
)
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.core.market import ListingKey, TradeGood, trade_good_from_json
from spacetraders_lab.core.menus import EXPONENT_SIZES, LARGEST_DISPLACEMENT, MOST_VOLUMES, VISITS_A_BLOCK
from spacetraders_lab.core.protocol import FURTHEST_LOG_MOVE

GOOD_ENOUGH = 0.002  # log move per tradeVolume: no half-width need be narrower, however small the estimate
FEWEST_UNITS, FEWEST_VOLUMES = 3, 8  # listings, and tradeVolumes in all, before a cell may count as precise
FEWEST_REVISITS = 8  # visits, to FEWEST_UNITS listings or more, to be read again before a half-life is estimated

ESTIMANDS = {
    "lambda": "log move of the traded quote per tradeVolume, by listing, side, and supply x activity cell",
    "measured": "transaction-weighted mean of lambda over the listings measured, by cell",
    "new": "mean of lambda over all listings of the cell's kind, with a prediction interval for one more",
    "b": "exponent of size: the log move is proportional to (units / tradeVolume)^b",
    "kappa": "supply levels moved per tradeVolume, by side",
    "recovery": "half-life of a displacement, and the share of it that lasts",
    "spread": "ln(ask / bid)",
}
HYPOTHESES = {
    "H1": "supply has no effect on lambda at any activity",
    "H1t": "in each listing type, by side, lambda neither rises nor falls from one supply level to the next",
    "H2": "activity has no effect on lambda at any supply",
    "H3": "b = 1",
    "H4": "in each listing type, lambda is the same for purchases and sales",
    "H5": "the size before has no effect (a check of the design)",
}
LOWEST_QUOTE = 1  # credits: no quote is lower
THIN_QUOTE = 10  # credits: below it half a credit of rounding is more than 5 % of the price
LATE_SECONDS = 60.0  # of the clock: a bracket is two seconds where nobody else wants the limit


class Exclusion(StrEnum):
    """Why a trade is left out of the estimates; it has the first reason that fits."""

    RECOVERED = "recovered after a crash, so nobody read the quotes right after it"
    NOT_READ_AFTER = "quotes not read after the trade"
    LEFTOVER = "sale of leftover cargo, not planned"
    FOREIGN = "other players traded between the two reads"
    TICK = "the market ticked between the two reads"
    LATE = f"quotes read more than {LATE_SECONDS:.0f} s before the trade"
    SATURATED = f"a quote at its floor of {LOWEST_QUOTE} credit, before or after"
    THIN = f"a quote below {THIN_QUOTE} credits, where rounding hides the move"
    WHOLE = "a small move in a market that keeps whole credits, where rounding replaces it"


def analysis_plan(
    *,
    version: str,
    system: str,
    ships: Sequence[str],
    design: Design,
    seed: int,
    budget: int,
    credit_floor: int,
    limits: Limits,
    may_lose: bool,
    hold: int,
    speed: float,
    pairs: Sequence[MarketPair],
    menus: Mapping[str, Menu],
    quotes: Mapping[ListingKey, TradeGood],
    figures: Mapping[str, float],
) -> dict[str, Any]:
    """The document, as plain JSON. `quotes` are the listings that may be traded, as they were when it was made.

    `speed` is the game's: game seconds in a second of the clock.
    """
    return {
        "version": version,
        "system": system,
        "ships": list(ships),
        "design": asdict(design),
        "seed": seed,
        "budget": budget,
        "credit_floor": credit_floor,
        "limits": asdict(limits),
        "may_lose": may_lose,
        "hold": hold,
        "speed": speed,
        "estimands": ESTIMANDS,
        "hypotheses": HYPOTHESES,
        "alpha": 0.05,
        "multiplicity": "Holm over H1 to H4, H1t and H5 not adjusted",
        "exclusions": [reason.value for reason in Exclusion],
        "guards": {} if design.is_literal else _guards(),
        "sizes": _sizes(design),
        "stop": _stop(design),
        "pairs": [{"pair_id": pair.pair_id, "menu": _menu(menus.get(pair.pair_id))} for pair in pairs],
        "quotes": {f"{market} {good}": asdict(listing) for (market, good), listing in sorted(quotes.items())},
        **figures,
    }


def stored_quotes(document: Mapping[str, Any]) -> dict[ListingKey, TradeGood]:
    """The listings that may be traded, as they were when the plan was made."""
    keys = {key: tuple(key.split(" ")) for key in document["quotes"]}
    return {(market, good): trade_good_from_json(document["quotes"][key]) for key, (market, good) in keys.items()}


def _guards() -> dict[str, float]:
    return {
        "placebo_seconds": PLACEBO_SECONDS,
        "longest_placebo_seconds": BRACKET_SECONDS,
        "reading_lasts_seconds": READING_LASTS_SECONDS,
        "largest_displacement_before_a_visit": LARGEST_DISPLACEMENT,
        "furthest_log_move_within_a_visit": FURTHEST_LOG_MOVE,
    }


def _sizes(design: Design) -> dict[str, Any]:
    if design.name is DesignName.GRID:
        return {"fractions": list(design.fractions), "iterations": design.iterations}
    sizes: dict[str, Any] = {"precision": "full tradeVolumes", "most_volumes_a_visit": MOST_VOLUMES}
    if design.name is DesignName.ADAPTIVE:
        sizes |= {"exponent": list(EXPONENT_SIZES), "exponent_visits": f"1 of {VISITS_A_BLOCK}"}
    return sizes


def _stop(design: Design) -> dict[str, Any]:
    if design.name is not DesignName.ADAPTIVE:
        return {"rule": "when every planned trade is executed or skipped, or the budget or a limit is reached"}
    return {
        "rule": "when every reachable cell is precise enough, at the budget, or at a limit; never by significance",
        "half_width_of_the_estimate": design.target,
        "half_width_good_enough": GOOD_ENOUGH,
        "fewest_listings": FEWEST_UNITS,
        "fewest_volumes": FEWEST_VOLUMES,
    }


def _menu(menu: Menu | None) -> dict[str, Any] | None:
    return None if menu is None else asdict(menu)
