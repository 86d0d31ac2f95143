"""The data dictionary: what every column that can be exported means. The docs and `--dictionary` are made from it.

Words only. Types and vocabularies are read from the schema, so they cannot be said wrongly here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import JSON, Boolean, Column, Double, Table
from sqlalchemy.types import TypeEngine

from spacetraders_lab.store import schema
from spacetraders_lab.store.types import UtcDateTime, Word


@dataclass(frozen=True, slots=True)
class Entry:
    """One column as the dictionary explains it; `optional` columns may be empty."""

    table: str
    column: str
    kind: str
    optional: bool
    meaning: str


# What `experiment export --table` calls them.
TABLES: dict[str, Table] = {
    "transactions": schema.market_experiments,
    "observations": schema.market_observations,
    "queue": schema.experiment_work_queue,
    "intents": schema.experiment_intents,
    "skips": schema.experiment_skips,
    "placebos": schema.placebo_brackets,
    "deviations": schema.experiment_deviations,
}

ABOUT = {
    "transactions": "One row for each executed purchase or sale of the run, in the order of recording.",
    "observations": (
        "One row for each good of each market reply, whoever asked for it: the whole universe and system of the run,"
        " before and after it too (drift, recovery)."
    ),
    "queue": "One row for each pair of the run: how its work stands or ended.",
    "intents": "One row for each trade that was about to be sent, and what became of it.",
    "skips": (
        "One row for each planned trade that was left out, and why. With the transactions of a pair's last take they"
        " make up all that was planned for it."
    ),
    "placebos": (
        "One row for each market that was read twice with no own trade between, by the same ship or by two; what it"
        " quoted is among the observations of those two times."
    ),
    "deviations": "One row for each thing that did not go as the plan says.",
}

_RUN = {
    "run_id": "The run.",
    "player_id": "The agent, a number of this database.",
}
MEANINGS = {
    "transactions": {
        **_RUN,
        "experiment_id": "Number of the row; grows in the order of recording.",
        "ship_symbol": "The ship that traded.",
        "good_symbol": "The good.",
        "pair_id": "The pair in the work queue, GOOD:BUY:SELL; where the run measures it again, #2, #3, ... follow.",
        "buy_market": "Where the pair buys.",
        "sell_market": "Where the pair sells; of a leftover's sale, where it was sold.",
        "operation": "The side: BUY pays the ask, SELL receives the bid.",
        "iteration": "Which repeat of this fraction, from 1; 0 for a leftover.",
        "batch_size_fraction": "The planned share of the tradeVolume; empty for a leftover (cargo sold to clear).",
        "units": "Units really traded. Use units / trade_volume_before as the size, not the planned fraction.",
        "price_per_unit": "Credits a unit that the game charged or paid.",
        "total_credits": "Credits that changed hands.",
        "listing_type": "Whether the market makes the good (EXPORT), uses it (IMPORT) or passes it on (EXCHANGE).",
        "supply_before": "Supply level in the reply before the trade.",
        "activity_before": "Activity before the trade; empty for EXCHANGE, for which the game gives none.",
        "trade_volume_before": "Most units a transaction, before the trade.",
        "price_before": "Quote of the side traded before the trade, credits a unit: the ask for BUY, the bid for SELL.",
        "purchase_price_before": "The ask before the trade: what a player pays.",
        "sell_price_before": "The bid before the trade: what a player receives.",
        "supply_after": "Supply level after the trade. All `after` columns are empty where nobody could read it.",
        "activity_after": "Activity after the trade.",
        "trade_volume_after": "Most units a transaction, after the trade.",
        "price_after": "Quote of the side traded after the trade.",
        "purchase_price_after": "The ask after the trade.",
        "sell_price_after": "The bid after the trade.",
        "supply_change": "Supply before and after, as in MODERATE→LIMITED.",
        "price_impact_percent": (
            "(price_after - price_before) / price_before in percent, of this transaction whatever its size: not"
            " additive, and a mean over sizes has no meaning."
        ),
        "visit_id": "One docking at one market.",
        "sequence_in_visit": "Which trade of the visit, from 1.",
        "cumulative_units": "Units traded in the visit so far, this trade included.",
        "seconds_since_before": "Seconds from the reading before to the trade, by the clock of the game server.",
        "foreign_units": "Units of the good that other players' ships traded there since the reading before.",
        "cargo_units": "Units in the hold after the trade, all goods.",
        "cargo_capacity": "Units that the hold takes.",
        "take": "Which ship's turn at the pair, from 1: another ship starts a new take.",
        "part": "Which part of a batch that had to be split at the tradeVolume, from 1.",
        "recovered": "The trade was found out after a lost reply; nothing was read right after it.",
        "timestamp": "When the game says that it traded.",
    },
    "observations": {
        "observation_id": "Number of the row.",
        "universe_id": "The universe (server and reset), a number of this database.",
        "system_symbol": "The system.",
        "waypoint_symbol": "The market.",
        "good_symbol": "The good.",
        "type": "EXPORT, IMPORT or EXCHANGE.",
        "trade_volume": "Most units a transaction.",
        "supply": "Supply level.",
        "activity": "Activity; empty for EXCHANGE.",
        "purchase_price": "The ask: what a player pays for a unit.",
        "sell_price": "The bid: what a player receives for a unit.",
        "observed_at": "When the reply came, by the game's clock.",
        "source": "What the market was read for.",
        "ship_symbol": "The ship that read it; empty where that is not known.",
    },
    "queue": {
        **_RUN,
        "queue_id": "Number of the pair in this database.",
        "pair_id": "GOOD:BUY:SELL; where the run measures the pair again, #2, #3, ... follow.",
        "good_symbol": "The good.",
        "buy_market": "Where it is bought.",
        "sell_market": "Where it is sold.",
        "status": "How the pair stands.",
        "claimed_by": "The ship that has, or last had, the pair.",
        "claimed_at": "When it was claimed.",
        "completed_at": "When the pair ended, well or not.",
        "attempts": "How often it was claimed.",
        "error_message": "Why it FAILED, or what the last attempt ended with.",
        "failed_for": "Why it FAILED, in one word, as for `skips`; limit and credits: the run did without it.",
        "created_at": "When it was queued.",
        "position": "Its place in the queue.",
        "owner": "The ship whose worker holds the claim, /, and the start of that worker.",
        "lease_until": "When the claim ends unless it is renewed.",
        "not_before": "Earliest next claim.",
        "max_attempts": "Claims after which it is given up.",
        "take": "How many ships have had it.",
        "menu": "What is traded at the pair, in order; empty where the run's design says it for all pairs.",
    },
    "intents": {
        "intent_id": "Number of the row.",
        "run_id": _RUN["run_id"],
        "queue_id": "The pair, as numbered in the queue.",
        "ship_symbol": "The ship.",
        "owner": "The worker, as in the queue.",
        "attempt": "Which claim of the pair.",
        "take": "Which ship's turn at the pair.",
        "operation": "The side.",
        "good_symbol": "The good.",
        "market": "The market.",
        "fraction": "The planned share of the tradeVolume; empty for a leftover.",
        "iteration": "Which repeat; 0 for a leftover.",
        "part": "Which part of a split batch.",
        "units": "Units that were to be traded.",
        "units_before": "Units of the good in the hold before.",
        "units_found": "Units found in the hold where they were neither before nor after.",
        "price_limit": "The quote that was seen: the most a unit may cost.",
        "quote_before": "What was known before the trade, enough to record it after a crash.",
        "state": "What became of it.",
        "created_at": "When it was written.",
        "resolved_at": "When its outcome was known.",
    },
    "skips": {
        "skip_id": "Number of the row.",
        "run_id": _RUN["run_id"],
        "queue_id": "The pair, as numbered in the queue.",
        "take": "Which ship's turn at the pair; 0: left out before anybody's.",
        "operation": "The side.",
        "batch_size_fraction": "The planned share of the tradeVolume.",
        "iteration": "Which repeat of this fraction, from 1.",
        "reason": "Why it was left out.",
        "created_at": "When that was decided.",
    },
    "placebos": {
        "bracket_id": "Number of the row.",
        "run_id": _RUN["run_id"],
        "queue_id": "The pair in whose visit it was read.",
        "take": "Which ship's turn at the pair.",
        "ship_symbol": "The ship.",
        "market_symbol": "The market.",
        "before_at": "When it was read first.",
        "after_at": "When it was read again.",
        "before_ship_symbol": "Who read it first; empty where it was the same ship.",
    },
    "deviations": {
        "deviation_id": "Number of the row.",
        "run_id": _RUN["run_id"],
        "kind": "What kind of thing it is.",
        "what": "What happened.",
        "recorded_at": "When it was noticed.",
    },
}


def dictionary(name: str) -> Iterator[Entry]:
    """Every column of a table of TABLES, in the order of export; a column without a meaning raises KeyError."""
    for column in TABLES[name].columns:
        yield Entry(name, column.name, _kind(column), bool(column.nullable), MEANINGS[name][column.name])


def as_markdown() -> str:
    """The whole dictionary as the docs show it."""
    parts = [_HEAD]
    for name, about in ABOUT.items():
        rows = [
            f"| `{entry.column}` | {entry.kind}{', may be empty' if entry.optional else ''} | {entry.meaning} |"
            for entry in dictionary(name)
        ]
        heading = f"\n## {name}\n\n{about} In the database: `{TABLES[name].name}`.\n"
        parts += [heading, "| column | type | meaning |", "|---|---|---|", *rows]
    return "\n".join(parts) + "\n"


_HEAD = """# Data dictionary

Made by `spacetraders experiment export --dictionary`; do not edit. Every table can be exported as CSV, JSON lines or
Parquet: `spacetraders experiment export --run-id <UUID> --table transactions --format parquet --out trades.parquet`.
Prices are whole credits a unit, times are UTC."""


def _kind(column: Column[object]) -> str:
    kind: TypeEngine[object] = column.type
    match kind:
        case Word():
            return " ".join(kind.vocabulary)
        case UtcDateTime():
            return "time"
        case Boolean():
            return "true or false"
        case Double():
            return "number"
        case JSON():
            return "JSON text"
    return "text" if kind.python_type is str else "whole number"
