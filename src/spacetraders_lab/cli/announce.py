"""What a run or a scouting is going to do, said before it does it, and what it cost. Prints; asks nothing."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from spacetraders_lab.cli.render import print_table
from spacetraders_lab.core.analysis_plan import FEWEST_REVISITS
from spacetraders_lab.core.container import Container, ContainerState
from spacetraders_lab.core.experiment import DesignName, ExperimentRun

if TYPE_CHECKING:  # what only looks need not import what plays
    from spacetraders_lab.core.planning import Plan
    from spacetraders_lab.core.schedule import Schedule
    from spacetraders_lab.core.summary import ImpactSummary
    from spacetraders_lab.run.coordinator import Begun, Prepared
    from spacetraders_lab.run.scout import ScoutingPlan


def print_start(prepared: "Prepared") -> None:
    """The opening of `experiment liquidity`: fleet, goods, pairs, and the price of it all."""
    ships, plan = prepared.run.ships, prepared.plan
    print("Starting multi-ship liquidity experiment...\n")
    print(f"Fleet: {number_of_ships(len(ships))} ({', '.join(ships)})")
    print(f"System: {prepared.run.system_symbol}")
    print(f"Discovered: {len(prepared.markets)} goods")
    if prepared.run.design.name is DesignName.ADAPTIVE:
        print("Pairs are chosen as the run goes; the plan is for one survey of everything within reach.")
    else:
        _print_pairs(prepared)
    if prepared.command.max_pairs is not None:
        print(f"  (--max-pairs {prepared.command.max_pairs})")
    print_plan(plan, prepared.schedule, prepared.run, prepared.purse)


def number_of_ships(count: int) -> str:
    """`1 ship`, `2 ships`."""
    return f"{count} ship{'s' if count != 1 else ''}"


def _print_pairs(prepared: "Prepared") -> None:
    """How many pairs of each good are queued; the grid's before any are left out."""
    is_grid = prepared.run.design.name is DesignName.GRID
    chosen = Counter(pair.good_symbol for pair in prepared.proposal.pairs)
    without = 0
    for good, markets in prepared.markets.items():
        if pairs := markets * (markets - 1) if is_grid else chosen[good]:
            print(f"  {good}: {markets} markets → {pairs} pairs")
        else:
            without += 1
    if without:
        print(f"  {without} more have no pair; `experiment plan` says why")
    print(f"Total: {len(prepared.plan.pairs):,} market pairs")


def print_plan(plan: "Plan", schedule: "Schedule", run: ExperimentRun, purse: int) -> None:
    """What the experiment will cost, before anything is bought."""
    print("\nPlan:")
    print(f"  transactions   {plan.transactions:>12,}")
    print(f"  requests       {schedule.requests:>12,}")
    print(f"  hours          {schedule.hours:>12,.1f}  with {number_of_ships(schedule.ships)}, {schedule.bound}")
    net = "expected profit" if plan.expected_loss < 0 else "expected loss"
    print(f"  {net:<15}{abs(plan.expected_loss):>12,.0f}  credits")
    print(f"  peak outlay    {plan.peak_outlay:>12,.0f}  credits, at worst {plan.worst_case:,.0f}")
    print(f"  budget         {run.budget:>12,}  credits, {run.kept_for_fuel:,} of it for fuel; you have {purse:,}")
    if purse - run.credit_floor < plan.worst_case + run.kept_for_fuel <= run.budget:  # a larger budget was named
        print("In the worst case your credits run out; the run is then suspended until you have more and resume it.")
    if schedule.readings_planned:
        print(
            f"  readings       {schedule.readings:>12,}  of {schedule.readings_planned:,} can be made when they are due"
        )
    if schedule.readings < schedule.readings_planned:
        print("The others need more ships: a probe (--ships) makes every reading at the market where it stays.")
    if schedule.readings_planned and 2 * schedule.pairs < FEWEST_REVISITS:
        fewest = FEWEST_REVISITS // 2
        print(f"A half-life needs {fewest} pairs or more, and this plan has {schedule.pairs}: raise --budget.")
    if schedule.pairs < len(plan.pairs):
        print(f"It ends at its limit, with about {schedule.pairs:,} of {len(plan.pairs):,} pairs begun.")


def print_launch(begun: "Begun", pairs: int) -> None:
    """What to know once the run is written."""
    until = "Ships will dynamically claim pairs until queue empty."
    if begun.run.design.name is DesignName.ADAPTIVE:
        until = "Ships will ask for pairs until everything is precise enough, or the budget or a limit is reached."
    else:
        print(f"\nWork queue populated: {pairs:,} pairs (PENDING)")
    print()
    print_containers(begun.containers)
    print(f"Experiment run_id: {begun.run.run_id}\n\n{until}\n")
    print_monitor(begun)


def print_containers(containers: Sequence[Container]) -> None:
    """Which container flies which ship."""
    print("Created worker containers:")
    for container in containers:
        print(f"- {container.ship_symbol}: {container.container_id}")
    print()


def print_monitor(begun: "Begun") -> None:
    """The commands that show how the run goes on."""
    print("Monitor progress:")
    print(f"  spacetraders experiment status --run-id {begun.run.run_id}")
    print(f"  spacetraders daemon logs {begun.containers[0].container_id}\n", flush=True)


def print_leases(containers: Sequence[Container], flown_by: str, now: datetime) -> None:
    """Whose lease has to end before ships can go on, on standard error; nothing where none stands in the way."""
    held = [c for c in containers if c.state is ContainerState.RUNNING and c.owner != flown_by]
    left = max(((c.lease_until - now).total_seconds() for c in held if c.lease_until is not None), default=0.0)
    if left > 0:
        ships = ", ".join(c.ship_symbol for c in held)
        owners = ", ".join(sorted({str(c.owner) for c in held}))
        print(
            f"{ships}: leased to {owners} for another {left:.0f} seconds. If that process was killed, the run goes on"
            " when the lease ends.",
            file=sys.stderr,
        )


def print_scouting(plan: "ScoutingPlan") -> None:
    """What a scouting is going to do, on standard error beside its progress bar."""
    listed = len(plan.listed & {market for tour in plan.tours for market in tour})
    whose = "they" if listed == plan.markets else f"{listed} of them"
    known = f"what {whose} trade is known, but prices show only to a ship that is there"
    skipped = f"; {len(plan.fresh)} were read recently" if plan.fresh else ""
    print(f"{plan.markets} markets in {plan.seconds / 60:.0f} minutes of game time{skipped}: {known}", file=sys.stderr)
    if plan.uncharted:
        uncharted = f"{plan.uncharted} waypoints are uncharted: the game does not say whether there are markets"
        print(uncharted, file=sys.stderr)
    for ship, tour in zip(plan.ships, plan.tours, strict=True):
        print(f"  {ship.symbol}: {' '.join(tour) or 'stays'}", file=sys.stderr)


def print_impact(summary: "ImpactSummary") -> None:
    """The first impact table."""
    print("Price impact (median move of the traded quote per full tradeVolume):\n")
    print_table(
        ["side", "type", "supply", "activity", "transactions", "% per tradeVolume"],
        [
            (
                row.side,
                row.type,
                row.supply,
                row.activity or "-",
                row.transactions,
                f"{row.median_percent_per_volume:+z.1f}",
            )
            for row in summary.rows
        ],
        right=["transactions", "% per tradeVolume"],
    )
    for reason, count in summary.excluded.items():
        print(f"left out: {count} ({reason})")


def print_requests(transactions: int, requests: int, floor: int) -> None:
    """What the run cost in requests, flying included, beside the fewest that its trades and flights need."""
    print(
        f"\nRequests: {requests:,} for {transactions:,} transactions = {requests / transactions:.2f} each, flying "
        f"included; the floor is {floor:,} ({100 * (requests / floor - 1):+z.1f}%)"
    )
