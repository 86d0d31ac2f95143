"""How things look in a terminal: tables, bars, and the texts of the experiment commands. Prints; asks nothing."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from spacetraders_lab.cli.layout import lines
from spacetraders_lab.core.analysis_plan import FEWEST_REVISITS
from spacetraders_lab.core.container import Container, ContainerState
from spacetraders_lab.core.experiment import DesignName, ExperimentRun, QueueStatus, RunStatus
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.core.sayable import sayable
from spacetraders_lab.store.attrition import Attrition
from spacetraders_lab.store.experiments import Deviation
from spacetraders_lab.store.status import RunSummary, ShipStatus

if TYPE_CHECKING:  # what only looks need not import what plays
    from spacetraders_lab.core.planning import Plan
    from spacetraders_lab.core.schedule import Schedule
    from spacetraders_lab.core.summary import ImpactSummary
    from spacetraders_lab.run.coordinator import Begun, Prepared
    from spacetraders_lab.run.scout import ScoutingPlan
    from spacetraders_lab.store.work_queue import FailedPair

BAR_CELLS = 20
UNBOUNDED = 10_000  # columns of what is no terminal: more than any line has


def console() -> Console:
    """A console on standard output, as wide as the terminal, or as COLUMNS says; without either nothing is folded."""
    columns = os.environ.get("COLUMNS", "")
    said = int(columns) if columns.isdecimal() and 0 < int(columns) < UNBOUNDED else None
    return Console(width=said or (None if sys.stdout.isatty() else UNBOUNDED), highlight=False)


def progress_bar() -> Progress:
    """A progress bar on standard error, so that standard output stays clean; nothing where that is no terminal."""
    errors = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


@contextmanager
def steps(*names: str) -> Iterator[Callable[[], None]]:
    """A progress bar over steps that are done one after the other; call what it gives whenever one is done."""
    with progress_bar() as progress:
        task = progress.add_task(names[0], total=len(names))
        following = iter([*names[1:], names[-1]])
        yield lambda: progress.update(task, advance=1, description=next(following))


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A sign on standard error that something goes on, for the length of the block."""
    with Console(stderr=True).status(f"{words}..."):
        yield


def print_json(value: Any) -> None:
    """Print a value as JSON, times as ISO text, and null for a number that the data do not give."""
    print(json.dumps(sayable(value), indent=2, default=str, ensure_ascii=False, allow_nan=False))


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), if_empty: str = ""
) -> None:
    """Print a table, of which nothing is cut; columns named in `right` are of numbers.

    Where there are no rows, `if_empty` says on standard error what makes some.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    if not cells and if_empty:
        print(if_empty, file=sys.stderr)
    output = console()
    for is_heading, line in lines(headings, cells, right, output.width):
        output.print(Text(line, style="bold" if is_heading else ""), soft_wrap=True)


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
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(f"{plan.markets} markets in {plan.seconds / 60:.0f} minutes of game time{skipped}: {known}")
    if plan.uncharted:
        errors.print(f"{plan.uncharted} waypoints are uncharted: the game does not say whether there are markets")
    for ship, tour in zip(plan.ships, plan.tours, strict=True):
        errors.print(f"  {ship.symbol}: {' '.join(tour) or 'stays'}")


def print_status(run: RunSummary, ships: Sequence[ShipStatus], *, is_open: bool = False, is_left: bool = False) -> None:
    """The status table of a run; `is_open` where it goes on choosing pairs, `is_left` where nobody flies for it."""
    done = run.pairs[QueueStatus.COMPLETED]
    print(f"Experiment: {run.run_id}")
    if is_open:
        print(f"Progress: {done} pairs; more are chosen as the run goes")
    else:
        print(f"Progress: {done}/{run.total} pairs ({100 * done / run.total if run.total else 0:.1f}%)")
    if run.status is not RunStatus.RUNNING:
        print(f"State: {run.status}" + (f" ({run.status_reason})" if run.status_reason else ""))
    elif is_left:
        print("State: RUNNING, but no ship is working on it")
        print(f"Resume it with: spacetraders experiment resume --run-id {run.run_id}")
    print("\nShip Performance:")
    most = max((ship.completed for ship in ships), default=0)
    for ship in ships:
        share = ship.completed / done if done else 0.0
        bar = _bar(ship.completed / most if most else 0.0)
        print(f"- {ship.ship_symbol}: {ship.completed} pairs {bar} ({100 * share:.0f}%)")
    if not ships:
        print("- no ship has claimed a pair yet")
    print("\nQueue Status:")
    print(f"- Completed: {done}")
    print(f"- In Progress: {run.pairs[QueueStatus.CLAIMED]}")
    print(f"- {pending_word(run.status)}: {run.pairs[QueueStatus.PENDING]}")
    print(f"- Failed: {run.pairs[QueueStatus.FAILED]}")


def pending_word(status: RunStatus) -> str:
    """What a run's PENDING pairs are: of one that was cancelled nobody is going to measure them."""
    return "Not measured" if status is RunStatus.CANCELLED else "Pending"


def print_limits(limits: Limits, *, hours: float, requests: int) -> None:
    """How much of its limits a run has used; nothing where it has none."""
    used = []
    if limits.max_hours is not None:
        used.append(f"{hours:.1f} of {limits.max_hours:g} hours")
    if limits.max_requests is not None:
        used.append(f"{requests:,} of {limits.max_requests:,} requests")
    if used:
        print(f"\nLimits: {', '.join(used)}")


def print_readings(readings: Mapping[str, int]) -> None:
    """How far a recovery run is with what it reads again, as it has traded it so far; nothing for other runs."""
    if readings:
        print(f"\nReadings: {readings['made']:,} made, {readings['missed']:,} missed, {readings['to_come']:,} to come")


def print_failures(failed: Sequence["FailedPair"]) -> None:
    """Why pairs failed, one by one; those that the run did without, by reason."""
    for end in failed:
        if not end.was_done_without:
            print(f"  {end.pair.pair_id}: {end.error_message}")
    for reason, pairs in Counter(end.error_message for end in failed if end.was_done_without).items():
        print(f"  {pairs:,} pairs: {reason}")


def print_plan_kept(planned: Attrition, deviations: Sequence[Deviation], ended_because: str | None) -> None:
    """What became of the plan, where not everything went as planned; nothing else."""
    if planned.skipped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in planned.skipped.items())
        pending = f", pending {planned.pending:,}" if planned.pending else ""
        print(f"\nPlanned trades: {planned.planned:,}, executed {planned.executed:,}{pending}, skipped: {reasons}")
    for deviation in deviations:
        print(f"Deviation ({deviation.kind}): {deviation.what}")
    if ended_because is not None:
        print(f"\nEnded: {ended_because}")


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


def _bar(share: float) -> str:
    filled = round(share * BAR_CELLS)
    return "█" * filled + "░" * (BAR_CELLS - filled)
