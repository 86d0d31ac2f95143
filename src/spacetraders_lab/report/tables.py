"""What the tables of an analysis say: rows for the eye and records for a CSV, from one place. Draws nothing.

The terminal, the HTML report and the CSV files beside it all show these.
"""

import math
from collections.abc import Iterable, Sequence

from spacetraders_lab.analysis.crossmarket import PairAccount, ShipAccount, find_profitable_pairs
from spacetraders_lab.analysis.dataset import SUPPLIES
from spacetraders_lab.analysis.findings import (
    CellEstimate,
    CellFlag,
    Findings,
    FormScore,
    HypothesisResult,
    LawFit,
    LawForm,
    ListingEstimate,
    TransitionMatrix,
    percent_estimate,
)
from spacetraders_lab.analysis.hypotheses import effect
from spacetraders_lab.analysis.recovery_findings import RecoveryEstimate
from spacetraders_lab.core.market import ListingType, Operation
from spacetraders_lab.report.table import NOTHING, Table, interval, number, p_value, spread_out

# What each form of the law says, in words.
LAWS = {
    LawForm.NONE: "Trades do not move the quote.",
    LawForm.CONSTANT: "A tradeVolume moves the quote by the same percentage wherever it is; each listing has its own.",
    LawForm.LINEAR: "A tradeVolume moves the quote by the same number of credits wherever it stands.",
    LawForm.POWER: "x tradeVolumes at once move the quote by x^b times a percentage; each listing has its own.",
    LawForm.STOCK: (
        "P' = A + (P - A) 2^(k x) for x tradeVolumes bought (x < 0: sold). The quote runs away from an asymptote A or"
        " towards it, so the percentage of a move depends on where the quote stands. Both quotes of a listing show one"
        " hidden stock: bid = ratio · ask + h, and the ask's asymptote is scale · h, with h the listing's own."
    ),
    LawForm.ASYMPTOTE: (
        "P' = A + (P - A) 2^(k x) for x tradeVolumes bought (x < 0: sold). The quote runs away from an asymptote A or"
        " towards it, so the percentage of a move depends on where the quote stands. Each listing and side has its own"
        " A."
    ),
}


def cell_table(cells: Sequence[CellEstimate]) -> Table:
    """Impact by side, type, supply and activity; cells without any trade are in the CSV only."""
    rows, records = [], []
    unseen = sum(cell.flag is CellFlag.NOT_OBSERVED for cell in cells)
    for cell in cells:
        measured, new, wide, ratio = (
            percent_estimate(cell.side, estimate) if estimate else None
            for estimate in (cell.measured, cell.new_market, cell.prediction, cell.ratio)
        )
        row = (
            cell.side.value,
            cell.type.value,
            cell.supply.value,
            cell.activity.value if cell.activity else NOTHING,
            interval(measured),
            interval(new),
            str(cell.markets),
            str(cell.transactions),
            number(cell.depth_one_percent, 2),
            "" if cell.flag is CellFlag.OK else cell.flag.value,
        )
        rows += [row] if cell.flag is not CellFlag.NOT_OBSERVED else []
        records.append(
            {"side": cell.side.value, "type": cell.type.value, "supply": cell.supply.value}
            | {"activity": cell.activity.value if cell.activity else None}
            | spread_out("percent_measured", measured)
            | spread_out("percent_new_market", new)
            | spread_out("percent_prediction", wide)
            | spread_out("percent_ratio_of_sums", ratio)
            | {"naive_mean_price_impact_percent": cell.naive_percent, "markets": cell.markets}
            | {"transactions": cell.transactions, "trade_volumes": cell.trade_volumes, "shrinkage": cell.shrinkage}
            | {"depth_one_percent_trade_volumes": cell.depth_one_percent, "flag": cell.flag.value}
        )
    return Table(
        "cells",
        "Impact by cell",
        "Move of the traded quote against the trader by one full tradeVolume, in percent, with 95 % intervals."
        " 'measured' is the mean over the markets that were measured, 'a new market' the mean over markets like them."
        " Depth is in tradeVolumes that move the quote by 1 %. A thin cell has fewer than three markets."
        f" Not measured, because no market was in that state when it was traded: {unseen} more cells.",
        ("side", "type", "supply", "activity", "measured %", "a new market %", "mkts", "trades", "depth", "flag"),
        tuple(rows),
        tuple(records),
        frozenset({"measured %", "a new market %", "mkts", "trades", "depth"}),
        frozenset({"depth", "mkts"}),
    )


def hypothesis_table(results: Sequence[HypothesisResult]) -> Table:
    """The pre-registered tests."""
    return Table(
        "hypotheses",
        "Hypotheses",
        "Tests fixed before the first trade; p is adjusted after Holm over H1 to H4, and not adjusted for H1t and H5."
        " Estimates are the change of impact from one supply level to the next fuller one (H1t), the exponent of size"
        " (H3), by how much buying moves more than selling (H4), and what a full trade just before adds (H5). Supply"
        " and activity were not assigned by chance, so H1 and H2 say where impact differs, not why.",
        ("", "question", "side", "statistic", "estimate", "p", "p (Holm)"),
        tuple(
            (
                r.code,
                r.question,
                r.side or "",
                r.statistic,
                NOTHING if r.estimate is None else effect(r.code, r.estimate),
                p_value(r.p),
                p_value(r.p_holm),
            )
            for r in results
        ),
        tuple(
            {"code": r.code, "question": r.question, "side": r.side, "statistic": r.statistic}
            | {"estimate_of": None if r.estimate is None else "b" if r.code == "H3" else "log ratio"}
            | spread_out("estimate", r.estimate)
            | {"p": r.p, "p_holm": r.p_holm, "sentence": r.sentence}
            for r in results
        ),
        frozenset({"estimate", "p", "p (Holm)"}),
    )


def listing_table(listings: Sequence[ListingEstimate], now: float) -> Table:
    """What one actually trades: every listing measured, both sides in a row; `now` in seconds since 1970."""
    both: dict[tuple[str, str], dict[Operation, ListingEstimate]] = {}
    for listing in listings:
        both.setdefault((listing.market, listing.good), {})[listing.side] = listing
    rows, records = [], []
    for (market, good), sides in sorted(both.items()):
        latest = max(sides.values(), key=lambda side: side.read_at)
        buy, sell = (
            percent_estimate(side, sides[side].slope) if side in sides else None
            for side in (Operation.BUY, Operation.SELL)
        )
        age = (now - latest.read_at) / 3600
        trades = sum(side.transactions for side in sides.values())
        rows.append(
            (
                market,
                good,
                latest.type.value,
                interval(buy),
                interval(sell),
                str(latest.trade_volume),
                str(latest.ask),
                str(latest.bid),
                str(trades),
                number(age, 1),
            )
        )
        records.append(
            {"market": market, "good": good, "type": latest.type.value}
            | spread_out("percent_buy", buy)
            | spread_out("percent_sell", sell)
            | {"trade_volume": latest.trade_volume, "ask": latest.ask, "bid": latest.bid}
            | {"log_spread": math.log(latest.ask / latest.bid), "transactions": trades, "quote_age_hours": age}
        )
    return Table(
        "listings",
        "Listings",
        "Each listing that was traded: the move of its ask by buying, and of its bid by selling, one full tradeVolume,"
        " shrunken towards markets like it; the quotes as the last trade there left them, and how long before the"
        " last trade of all that was.",
        ("market", "good", "type", "buy %", "sell %", "volume", "ask", "bid", "trades", "age h"),
        tuple(rows),
        tuple(records),
        frozenset({"buy %", "sell %", "volume", "ask", "bid", "trades", "age h"}),
        frozenset({"trades", "age h"}),
    )


def law_table(law: LawFit) -> Table:
    """The candidate forms, the simplest first; the best is marked."""
    shown = [("EXPORT, IMPORT", score) for score in law.scores] + [("EXCHANGE", s) for s in law.exchange_scores]
    return Table(
        "law",
        "Law of impact",
        "Each form predicts trades that it was not fitted to."
        f" Chosen for EXPORT and IMPORT (*): '{law.best.value}', the simplest that is not clearly worse than any other,"
        f" in {100 * law.confidence:.0f} % of resamples of the listings."
        " Errors are in units of the tolerance, 2 credits or 0.2 % of the quote, whichever is more.",
        ("listings", "form", "error, new listings", "error, later", "within", "median credits"),
        tuple((where, *_score(score, mark="*" if score is law.score else "")) for where, score in shown),
        tuple(
            {"listings": where, "form": score.form.value, "error_by_listing": score.by_listing}
            | {"error_by_time": score.by_time, "within": score.within, "error_credits": score.error_credits}
            | {"error_95": score.error_95, "predictions": score.predictions}
            for where, score in shown
        ),
        frozenset({"error, new listings", "error, later", "within", "median credits"}),
        frozenset({"median credits"}),
    )


def constants_table(law: LawFit) -> Table:
    """What listings of a type share under the chosen form; EXCHANGE is left aside, the form was not chosen for it."""
    shared = {n: e for n, e in law.score.parameters.items() if not n.endswith(ListingType.EXCHANGE.value)}
    return Table(
        "constants",
        "Constants of the law",
        LAWS[law.best],
        ("constant", "value"),
        tuple((name, interval(value, 3)) for name, value in shared.items()),
        tuple({"constant": name} | spread_out("value", value) for name, value in shared.items()),
        frozenset({"value"}),
    )


def recovery_table(recovery: RecoveryEstimate) -> Table:
    """What one tick brings back, by type and activity."""
    return Table(
        "recovery",
        "Recovery a tick",
        "By how many tradeVolumes the stock goes back towards its rest at each tick of its market: the mean over the"
        " listings measured, and the ends between which 95 % of listings lie, for each has a pace of its own.",
        ("type", "activity", "tradeVolumes a tick", "of one listing", "listings", "ticks"),
        tuple(
            (
                r.type,
                r.activity or NOTHING,
                interval(r.mean, 2),
                f"{number(r.rate.low, 2)} to {number(r.rate.high, 2)}",
                str(r.listings),
                str(r.ticks),
            )
            for r in recovery.rates
        ),
        tuple(
            {"type": r.type, "activity": r.activity}
            | spread_out("rate", r.mean)
            | {"rate_of_one_listing_low": r.rate.low, "rate_of_one_listing_high": r.rate.high}
            | {"listings": r.listings, "ticks": r.ticks}
            for r in recovery.rates
        ),
        frozenset({"tradeVolumes a tick", "of one listing", "listings", "ticks"}),
    )


def transition_table(matrix: TransitionMatrix) -> Table:
    """Supply before and after full trades of one side."""
    end = SUPPLIES[0 if matrix.side is Operation.BUY else -1]
    caption = "Full-tradeVolume trades by supply before (rows) and after (columns). "
    if matrix.kappa is not None:
        caption += f"One tradeVolume moves {interval(matrix.kappa, 2)} labels. "
    if matrix.step_probability is not None:
        caption += f"One full trade changes the label with probability {matrix.step_probability:.2f}. "
        caption += f"Trades that begin at {end}, the end of the scale, are in the table but not in these figures."
    return Table(
        f"transitions_{matrix.side.lower()}",
        f"Supply transitions, {matrix.side}",
        caption,
        ("before", *(supply.value for supply in SUPPLIES)),
        tuple(
            (before.value, *(str(n) if n else "·" for n in counts))
            for before, counts in zip(SUPPLIES, matrix.counts, strict=True)
        ),
        tuple(
            {"before": before.value} | {after.value: n for after, n in zip(SUPPLIES, counts, strict=True)}
            for before, counts in zip(SUPPLIES, matrix.counts, strict=True)
        ),
        frozenset(supply.value for supply in SUPPLIES),
    )


def planned_table(planned: Sequence[tuple[str, int]]) -> Table:
    """What became of every trade that was planned."""
    return Table(
        "planned",
        "Planned trades",
        f"What became of the {sum(count for _, count in planned):,} trades that were planned; a batch that had to be"
        " split is one of them.",
        ("trades", "number"),
        tuple((what, f"{count:,}") for what, count in planned),
        tuple({"trades": what, "number": count} for what, count in planned),
        frozenset({"number"}),
    )


def exclusion_table(findings: Findings) -> Table:
    """Every row that was left out, by reason."""
    by_reason = findings.exclusions.by_reason
    counts = [*((reason.value, count) for reason, count in by_reason.items()), ("used", findings.exclusions.used)]
    return Table(
        "exclusions",
        "Recorded transactions",
        f"What became of the {findings.exclusions.rows:,} recorded transactions in the estimates; none was deleted.",
        ("reason", "transactions"),
        tuple((reason, f"{count:,}") for reason, count in counts),
        tuple({"reason": reason, "transactions": count} for reason, count in counts),
        frozenset({"transactions"}),
    )


def ship_table(ships: Sequence[ShipAccount]) -> Table:
    """What each ship did."""
    return Table(
        "ships",
        "Ships",
        "Hours run from a ship's first trade to its last. 'in visits' is the share of them between trades of one visit;"
        " the rest is flying and waiting, which the records do not tell apart.",
        ("ship", "pairs", "visits", "trades", "trades/h", "hours", "in visits", "spent", "earned", "net"),
        tuple(
            (
                s.ship,
                str(s.pairs),
                str(s.visits),
                str(s.transactions),
                number(s.transactions_an_hour, 1),
                number(s.hours, 1),
                f"{number(100 * s.visit_share, 0)} %",
                f"{s.spent:,}",
                f"{s.earned:,}",
                f"{s.earned - s.spent:+,}",
            )
            for s in ships
        ),
        tuple(
            {"ship": s.ship, "pairs": s.pairs, "visits": s.visits, "transactions": s.transactions, "units": s.units}
            | {"hours": s.hours, "visit_hours": s.visit_hours, "spent": s.spent, "earned": s.earned}
            for s in ships
        ),
        frozenset({"pairs", "visits", "trades", "trades/h", "hours", "in visits", "spent", "earned", "net"}),
        frozenset({"visits"}),
    )


def pair_table(accounts: Sequence[PairAccount]) -> Table:
    """Pairs that earned something after their own impact, the best first; the CSV has every pair."""
    profitable = find_profitable_pairs(accounts)
    return Table(
        "pairs",
        "Profitable pairs",
        f"{len(profitable)} of {len(accounts)} pairs earned something on each unit. Spreads in credits a unit: at the"
        " quotes that the visits began with, as traded, and for one more unit after the last trade.",
        ("good", "buy at", "sell at", "units", "before", "realised", "after", "profit"),
        tuple(
            (
                a.good,
                a.buy_market,
                a.sell_market,
                str(a.sold),
                number(a.spread_before, 1),
                number(a.spread_realised, 1),
                number(a.spread_after, 1),
                f"{a.profit:+,}",
            )
            for a in profitable
        ),
        tuple(
            {"good": a.good, "buy_market": a.buy_market, "sell_market": a.sell_market, "transactions": a.transactions}
            | {"bought": a.bought, "sold": a.sold, "spent": a.spent, "earned": a.earned, "ask": a.ask, "bid": a.bid}
            | {"spread_before": a.spread_before, "spread_realised": a.spread_realised, "spread_after": a.spread_after}
            for a in accounts
        ),
        frozenset({"units", "before", "realised", "after", "profit"}),
    )


def _score(score: FormScore, mark: str) -> Iterable[str]:
    return (
        score.form.value + mark,
        number(score.by_listing, 2),
        number(score.by_time, 2),
        f"{number(100 * score.within, 1)} %",
        number(score.error_credits, 1),
    )
