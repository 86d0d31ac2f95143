"""`spacetraders experiment plan`: what an experiment would do and cost, and how precise it would be. Trades nothing."""

import math
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from spacetraders_lab.cli import announce, render
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.design import DesignOptions
from spacetraders_lab.cli.request import RequestOptions
from spacetraders_lab.cli.settings import Json
from spacetraders_lab.cli.stop import end_at_once
from spacetraders_lab.cli.waiting import progress_bar
from spacetraders_lab.core.canonical import canonical_json, plan_hash
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import DesignName
from spacetraders_lab.core.planning import WORST_CASE, PairPlan
from spacetraders_lab.core.proposal import LeftOut
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.coordinator import Prepared, estimate
from spacetraders_lab.run.prepare import check_that_it_fits

if TYPE_CHECKING:  # numpy and all that, only where a design is played
    from spacetraders_lab.study.forecast import Forecast

_THE_GRID = DesignOptions()
_EXAMPLES = 3  # of what is left out, for each reason
_LESS_THAN_LEFT_OUT = {LeftOut.ZERO_TICK: "not traded", LeftOut.HOLD: "cut short"}


def plan(
    *,
    request: Annotated[RequestOptions, Parameter(name="*")],
    design: Annotated[DesignOptions, Parameter(name="*")] = _THE_GRID,
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Plan an experiment and price it; nothing is traded and no run is begun.

    Parameters
    ----------
    out:
        Write the analysis plan to this file; its SHA-256 is the hash that the run records.
    """
    command = request.command(design)

    async def make(lab: Lab) -> "tuple[Prepared, str | None, Forecast | None]":
        prepared = await estimate(lab, command)
        foreseen = await _forecast(lab, prepared)
        try:
            check_that_it_fits(lab, prepared)
        except UserError as refusal:
            return prepared, str(refusal), foreseen
        return prepared, None, foreseen

    prepared, refusal, foreseen = with_lab(make)
    if out is not None:
        _write(out, canonical_json(prepared.document))
    if json:
        found = {"refusal": refusal, "forecast": None if foreseen is None else asdict(foreseen)}
        render.print_json(_as_json(prepared) | found)
        return
    _print(prepared, foreseen)
    if refusal is not None:
        print(f"\nIt would not be begun: {refusal}")
    if out is not None:
        print(f"\nAnalysis plan written to {out}")


async def _forecast(lab: Lab, prepared: Prepared) -> "Forecast | None":
    """What an adaptive run would come to: it must be played, for its trades follow from what is found."""
    if prepared.run.design.name is not DesignName.ADAPTIVE:
        return None
    from spacetraders_lab.study.forecast import PLAYS, forecast, system_as_seen

    observed = await system_as_seen(lab, prepared.run.system_symbol)
    with progress_bar() as bar, end_at_once():
        task = bar.add_task("Playing the run in worlds like the system", total=PLAYS)
        return forecast(prepared, observed, lambda: bar.advance(task))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written ({error.strerror})") from error


def _as_json(prepared: Prepared) -> dict[str, Any]:
    """Everything that is printed, and the pairs; a half-width that nothing bounds is null."""
    return {
        "plan_hash": plan_hash(prepared.document),
        "design": asdict(prepared.run.design),
        "seed": prepared.run.seed,
        "goods": _goods(prepared),
        "listings": _listings(prepared),
        "pairs": [pair.pair_id for pair in prepared.pairs],
        "cells": _cells(prepared),
        "transactions": prepared.plan.transactions,
        "by_ships": [asdict(schedule) for schedule in prepared.schedules],
        "expected_profit": -prepared.plan.expected_loss,
        "peak_outlay": prepared.plan.peak_outlay,
        "worst_case": prepared.plan.worst_case,
        "budget": prepared.run.budget,
        "kept_for_fuel": prepared.run.kept_for_fuel,
        "purse": prepared.purse,
        "left_out": [{"what": o.what, "reason": o.reason.value} for o in prepared.proposal.omissions],
        "precision": [
            {name: None if value == math.inf else value for name, value in asdict(row).items()}
            for row in prepared.precision
        ],
    }


def _print(prepared: Prepared, foreseen: "Forecast | None") -> None:
    design = prepared.run.design
    print(f"Design {design.name}, seed {prepared.run.seed}, plan {plan_hash(prepared.document)[:16]}")
    if foreseen is not None:
        print(f"{len(prepared.markets)} goods; pairs are chosen as the run goes")
        _print_forecast(foreseen)
    else:
        goods = {pair.good_symbol for pair in prepared.pairs}
        print(
            f"{len(goods)} goods, {_listings(prepared)} listings, {len(prepared.pairs):,} pairs, "
            f"{_cells(prepared):,} planned trades"
        )
    announce.print_plan(prepared.plan, prepared.schedule, prepared.run, prepared.purse)
    print("\nBy number of ships:")
    headings = ["ships", "hours", "requests", "flights", "limited by"]
    rows = [[s.ships, f"{s.hours:.1f}", f"{s.requests:,}", f"{s.flights:,}", s.bound] for s in prepared.schedules]
    if design.name is DesignName.RECOVERY:
        headings.append("readings")
        rows = [[*row, f"{s.readings:,}"] for row, s in zip(rows, prepared.schedules, strict=True)]
    render.print_table(headings, rows, right=["ships", "hours", "requests", "flights", "readings"])
    print("\nGoods (cheapest and dearest: the credits that a pair ties up at worst):")
    render.print_table(
        ["good", "markets", "pairs", "cheapest", "dearest", "expected profit"],
        [
            (
                *(g[k] for k in ("good", "markets", "pairs")),
                *(f"{g[k]:,.0f}" for k in ("cheapest", "dearest")),
                f"{g['expected_profit']:+z,.0f}",
            )
            for g in _goods(prepared)
        ],
        right=["markets", "pairs", "cheapest", "dearest", "expected profit"],
    )
    _print_precision(prepared)
    _print_left_out(prepared)


def _print_forecast(foreseen: "Forecast") -> None:
    from spacetraders_lab.study.forecast import MOST_TRANSACTIONS

    print("Simulated in worlds like this system, since what a run finds decides when it ends (median, least to most):")
    for name, found in asdict(foreseen).items():
        middle, low, high = (f"{value:,.{1 if name == 'hours' else 0}f}" for value in found.values())
        print(f"  {name:<13} {middle:>7}  ({low} to {high})")
    if foreseen.transactions.most >= MOST_TRANSACTIONS:
        print(f"Simulations stopped at {MOST_TRANSACTIONS:,} transactions; --max-hours or --budget ends a run sooner.")
    print("The figures below are for one survey of everything within reach.")


def _print_precision(prepared: Prepared) -> None:
    print("\nExpected precision (half-width of 95 % intervals, in % of the estimate; the noise is assumed):")
    render.print_table(
        ["side", "type", "supply", "activity", "listings", "volumes", "measured", "a new one"],
        [
            (
                row.side,
                row.type,
                row.supply,
                row.activity or "-",
                row.listings,
                f"{row.volumes:.1f}",
                _per_cent(row.measured),
                _per_cent(row.new),
            )
            for row in prepared.precision
        ],
        right=["listings", "volumes", "measured", "a new one"],
    )


def _print_left_out(prepared: Prepared) -> None:
    found = defaultdict(list)
    for omission in prepared.proposal.omissions:
        found[omission.reason].append(omission.what)
    for reason, what in found.items():
        more = f" and {len(what) - _EXAMPLES:,} more" if len(what) > _EXAMPLES else ""
        becomes = _LESS_THAN_LEFT_OUT.get(reason, "left out")
        print(f"\n{becomes} ({reason}): {len(what):,}\n  {'; '.join(what[:_EXAMPLES])}{more}")


def _goods(prepared: Prepared) -> list[dict[str, Any]]:
    """By good: markets and pairs used, the least and the most that a pair may have out at worst, the profit."""
    by_good: dict[str, list[PairPlan]] = defaultdict(list)
    for planned in prepared.plan.pairs:
        by_good[planned.pair.good_symbol].append(planned)
    return [
        {
            "good": good,
            "markets": prepared.markets[good],
            "pairs": len(plans),
            "cheapest": min(planned.peak(WORST_CASE) for planned in plans),
            "dearest": max(planned.peak(WORST_CASE) for planned in plans),
            "expected_profit": -sum(planned.loss(1.0) for planned in plans),
        }
        for good, plans in sorted(by_good.items())
    ]


def _listings(prepared: Prepared) -> int:
    used = Counter((m, pair.good_symbol) for pair in prepared.pairs for m in (pair.buy_market, pair.sell_market))
    return len(used)


def _cells(prepared: Prepared) -> int:
    """Planned trades: what a run of this will have executed or skipped in the end."""
    menus = prepared.proposal.menus
    return sum(len(menus.get(pair.pair_id, prepared.run.design.menu).planned) for pair in prepared.pairs)


def _per_cent(share: float) -> str:
    return "-" if share == math.inf else f"{100 * share:.0f}"
