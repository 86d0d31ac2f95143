"""What a run may leave behind when it has ended, whatever its user did: nothing that waits, is kept, or told wrong."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from spacetraders_lab.core.container import ContainerState
from spacetraders_lab.core.experiment import OPEN_STATUSES, ExperimentRun, QueueStatus, RunStatus
from spacetraders_lab.run.doctor import examine, mend
from spacetraders_lab.store import listing_locks
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.status import summarise_run, summarise_ships
from spacetraders_lab.study.rig import Rig
from tests.guarantees.judge import cells, ledger_gaps, left_open, planned, stuck


def aftermath(rig: Rig, runs: Sequence[ExperimentRun]) -> list[str]:
    """Everything that is wrong after the end of all runs, before and after `doctor --fix`."""
    runs = [rig.run(run) for run in runs]
    found = [what for run in runs for what in (*_is_final(rig, run), *_left_by_its_ships(rig, run))]
    for run in runs:
        if run.status not in OPEN_STATUSES:
            rig.play(lambda lab, run=run: mend(lab, run.run_id))  # type: ignore[misc]
    for run in runs:
        findings = rig.play(lambda lab, run=run: examine(lab, run.run_id))  # type: ignore[misc]
        found += [f"doctor, after --fix: {x.kind}: {x.what}" for x in findings]
        found += [*_at_rest(rig, run), *_status(rig, run), *cells(rig, run), *planned(rig, run), *left_open(rig, run)]
        found += [] if run.status is RunStatus.CANCELLED else stuck(rig, run)
    return found + list(ledger_gaps(rig, *runs))


def told_of_ships(rig: Rig, run: ExperimentRun, ships: Sequence[str]) -> Iterator[str]:
    """Who was written down to have come and gone since the run began with these ships, against who is in it."""
    flying = set(ships)
    for deviation in rig.read(lambda c: ExperimentRepository(c).deviations(run.run_id)):
        words = deviation.what.replace(",", "").split()
        if deviation.kind == "ships" and words[1:3] == ["has", "left"]:
            flying.discard(words[0])
        elif deviation.kind == "ships":
            flying.add(words[2])
    if flying != set(rig.run(run).ships):
        yield f"{sorted(rig.run(run).ships)} are in the run; by what was written down, {sorted(flying)}"


def _is_final(rig: Rig, run: ExperimentRun) -> Iterator[str]:
    if run.status in OPEN_STATUSES:
        yield f"the run is {run.status} ({run.status_reason}) for good: {rig.counts(run)}"


def _at_rest(rig: Rig, run: ExperimentRun) -> Iterator[str]:
    """Containers that have ended, no lease, no listing locked for longer than the washout."""
    for container in rig.read(lambda c: ContainerRepository(c).list_containers(run.run_id)):
        if container.state in (ContainerState.PENDING, ContainerState.RUNNING) or container.owner:
            yield f"the container of {container.ship_symbol} is {container.state}, owned by {container.owner}"
    for row in rig.rows("SELECT pair_id, status, owner FROM experiment_work_queue WHERE owner IS NOT NULL"):
        yield f"{row['pair_id']} ({row['status']}) is still leased to {row['owner']}"
    now = rig.clock.now()
    washout = timedelta(seconds=run.design.washout_seconds / rig.universe.settings.speed)
    for listing, until in rig.read(lambda c: listing_locks.held(c, run.universe_id, now)).items():
        if until > now + washout:
            yield f"{listing} is locked until {until}"


def _left_by_its_ships(rig: Rig, run: ExperimentRun) -> Iterator[str]:
    """What ships of a completed run that were to go on have not sold or not found out about."""
    if run.status is not RunStatus.COMPLETED:
        return
    done = {
        container.ship_symbol
        for container in rig.read(lambda c: ContainerRepository(c).list_containers(run.run_id))
        if container.state is ContainerState.COMPLETED
    }
    for ship in run.ships:
        if ship in done and rig.read(lambda c, ship=ship: IntentRepository(c).may_carry_cargo(run.run_id, ship)):  # type: ignore[misc]
            yield f"{ship} has completed its work with cargo aboard, or a trade that nobody knows the outcome of"


def money(rig: Rig, runs: Sequence[ExperimentRun], most_away: int, *, since: int) -> Iterator[str]:
    """Of all runs together: what went away since the sandbox kept so many entries, and whether that was counted."""
    fuel = sum(entry.total for entry in rig.ledger("REFUEL", since=since))
    counted = sum(row["fuel_credits"] for row in rig.rows("SELECT fuel_credits FROM experiment_runs"))
    if counted < fuel:
        yield f"fuel cost {fuel}, counted were {counted}"
    away = peak = 0
    for entry in rig.ledger("PURCHASE", "SELL", "REFUEL", since=since):
        away += -entry.total if entry.kind == "SELL" else entry.total
        peak = max(peak, away)
    if peak > most_away:
        yield f"{peak} were away of a budget of {most_away}"
    outlay = sum(rig.read(lambda c: [Budget(c, run.run_id).outlay() for run in runs]))
    if outlay < away:
        yield f"{away} are away, counted were {outlay}"


def _status(rig: Rig, run: ExperimentRun) -> Iterator[str]:
    """What `experiment status` shows, against the tables."""
    ships = rig.read(lambda c: summarise_ships(c, run.run_id))
    summary = rig.read(lambda c: summarise_run(c, run.run_id, ships))
    for ship in ships:
        if ship.working_on:
            yield f"status: {ship.ship_symbol} works on {ship.working_on} in a run that is {summary.status}"
    if sum(ship.completed for ship in ships) != summary.pairs[QueueStatus.COMPLETED]:
        yield f"status: {summary.pairs} pairs, by ship {ships}"
    if summary.transactions != len(rig.records(run)):
        yield f"status: {summary.transactions} transactions"
    if run.status is RunStatus.COMPLETED and summary.pairs[QueueStatus.PENDING] + summary.pairs[QueueStatus.CLAIMED]:
        yield f"status: COMPLETED with {summary.pairs}"
