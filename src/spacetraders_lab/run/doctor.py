"""What is out of order in a run, what will happen to it, and doing that now. Finds nothing out by trading."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from spacetraders_lab.core.errors import LeaseLost, PairError, UserError
from spacetraders_lab.core.experiment import ExperimentRun, Intent
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.run import effects
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.heartbeat import Pulse
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, ShipWorker
from spacetraders_lab.store import doctor
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import HoldHistory, IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository

_ELSEWHERE = "stays as it is: the run belongs to another universe or server, whose ships cannot be asked from here"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing out of order, and what will become of it."""

    kind: str
    what: str
    next: str


async def examine(lab: Lab, run_id: str) -> list[Finding]:
    """Everything out of order in a run; reads the ships of the run and changes nothing. Raises UserError.

    Of a run in another universe, which may be over, only the database can tell. The ships there may have had the same
    names as ships here.
    """
    now = lab.clock.now()

    def work(connection: Connection) -> tuple[ExperimentRun, list[Intent], Sequence[Finding]]:
        run = ExperimentRepository(connection).get_run(run_id)
        return run, IntentRepository(connection).open_of_run(run_id), _of_the_queue(connection, run, now)

    run, intents, queue = await lab.read(work)
    if run.universe_id != lab.universe_id:
        return [replace(finding, next=_ELSEWHERE) for finding in (*map(_open_intent, intents), *queue)]
    _check_agent(lab, run)
    fleet = {ship.symbol: ship for ship in await reads.list_ships(lab.game.client)}
    unknown = [_open_intent(intent, is_gone=intent.ship_symbol not in fleet) for intent in intents]
    held = await lab.read(lambda c: [f for ship in fleet.values() for f in _of_the_hold(c, run, ship)])
    return [*unknown, *queue, *held]


async def mend(lab: Lab, run_id: str) -> None:
    """Do now what would happen at the next start: reconcile what is open, fail what is spent, sell what is left over.

    Ships of a run that goes on sell at their next claim; those of a run that has ended do it here. Raises UserError
    for a run of another universe or agent, and while a ship is at work on the run: what it is about to send, nobody
    else can tell.
    """
    now = lab.clock.now()
    run, intents, busy = await lab.read(
        lambda c: (
            ExperimentRepository(c).get_run(run_id),
            IntentRepository(c).open_of_run(run_id),
            doctor.ships_at_work(c, run_id, now=now),
        )
    )
    if run.universe_id != lab.universe_id:
        raise UserError(f"run {run_id} belongs to another universe or server; its data are kept, and nothing is mended")
    _check_agent(lab, run)
    if busy:
        raise UserError(
            f"{', '.join(busy)}: at work on run {run_id}; stop it first, or try again in "
            f"{lab.times.lease:.0f} seconds if it was killed"
        )
    if intents:
        await lab.clock.sleep(lab.times.settle)
    fleet = await reads.list_ships(lab.game.client)
    for intent in intents:
        await _reconcile(lab, intent, is_gone=intent.ship_symbol not in {ship.symbol for ship in fleet})
    await lab.write(lambda c: _clear_queue(c, run, lab.clock.now()))
    if run.finished_at is not None or await lab.read(lambda c: WorkQueueRepository(c).unfinished(run_id)) == 0:
        await _clear_holds(lab, run, fleet)


def _clear_queue(connection: Connection, run: ExperimentRun, now: datetime) -> None:
    """Fail what is spent; of a run that has ended nobody fails any more, and what was being done is given back."""
    queue = WorkQueueRepository(connection)
    if run.finished_at is None:
        queue.sweep(run.run_id, now=now)
    else:
        queue.put_down_stale(run.run_id, now=now)


def _check_agent(lab: Lab, run: ExperimentRun) -> None:
    if run.player_id != lab.player_id:
        raise UserError(f"run {run.run_id} belongs to another agent; use that agent's token")


async def _reconcile(lab: Lab, intent: Intent, *, is_gone: bool) -> None:
    try:
        if is_gone:
            await effects.write_off(lab, intent)
        else:
            await effects.reconcile(lab, intent, lab.write)
    except PairError:
        return  # it is on record as a CONFLICT now, and the ledger goes on from what the hold showed
    except LeaseLost:
        return  # a ship that came back meanwhile has found out itself


async def _clear_holds(lab: Lab, run: ExperimentRun, fleet: Sequence[Ship]) -> None:
    loaded = await lab.read(lambda c: [ship.symbol for ship in fleet if _of_the_hold(c, run, ship)])
    for ship in loaded:
        command = ShipExperimentWorkerCommand(run.run_id, ship)
        await ShipWorker(lab, run, command, asyncio.Event(), Pulse(lab)).clear_hold()


def _open_intent(intent: Intent, *, is_gone: bool = False) -> Finding:
    step, ship = intent.step, intent.ship_symbol
    what = f"{ship} meant to {step.operation} {step.units} {step.good_symbol} at {step.market}"
    if is_gone:
        return Finding("open intent", what, f"is written off by --fix: {ship} is no more, and nobody can tell")
    return Finding("open intent", what, "is reconciled from the hold before the ship trades again")


def _of_the_queue(connection: Connection, run: ExperimentRun, now: datetime) -> Sequence[Finding]:
    run_id = run.run_id
    stale = [
        Finding(
            "stale lease",
            f"{x.ship_symbol} was at {x.pair_id} until {x.lease_until:%Y-%m-%d %H:%M:%S}",
            _next_of(x, run),
        )
        for x in doctor.stale_leases(connection, run_id, now=now)
    ]
    missing = [
        Finding(
            "missing cells",
            f"{x.pair_id} is completed with {x.cells_bought} of {x.cells_wanted} cells, "
            f"{x.units_bought} units bought and {x.units_sold} sold",
            "stays as it is: the analysis sees fewer rows",
        )
        for x in doctor.missing_cells(connection, run_id)
    ]
    gaps = [
        Finding(
            "ledger gap",
            f"{x.pair_id}, take {x.take}: {x.trades_happened} trades happened, {x.rows_recorded} are recorded",
            "stays as it is: the rows that exist are right",
        )
        for x in doctor.ledger_gaps(connection, run_id)
    ]
    return [*stale, *missing, *gaps]


def _next_of(stale: doctor.StaleLease, run: ExperimentRun) -> str:
    if run.finished_at is not None:
        return "is given back by --fix: the run has ended"
    return "fails: its attempts are spent" if stale.is_spent else "is taken over at the next claim"


def _of_the_hold(connection: Connection, run: ExperimentRun, ship: Ship) -> list[Finding]:
    """Cargo of the run in a ship's hold, and where the hold is not what the ledger says."""
    findings = []
    intents, has_ended = IntentRepository(connection), run.finished_at is not None
    for good, history in intents.histories(run.run_id, ship.symbol).items():
        units = ship.units_of(good)
        is_late = units == intents.units_if_late(run.run_id, ship.symbol, good)
        if not units and (has_ended or not history.of_the_run):
            continue  # what is not the run's, or no longer, may have gone where its owner wanted
        if has_ended and not history.of_the_run and not is_late:
            continue  # ... and may have come from there
        if units != history.expected_units:
            what = f"{ship.symbol} holds {units} {good} where {history.expected_units} were expected"
            findings.append(Finding("hold mismatch", what, _next_of_mismatch(run, history)))
        elif units > history.units_of_others:
            what = f"{ship.symbol} holds {units - history.units_of_others} {good} of the run"
            findings.append(
                Finding("cargo aboard", what, "is sold when the ship works again, or by --fix when the run has ended")
            )
    return findings


def _next_of_mismatch(run: ExperimentRun, history: HoldHistory) -> str:
    if run.finished_at is not None and not history.of_the_run:
        return "stays as it is: a trade of the run may have come too late"
    return "is put on record before the next trade of the good"
