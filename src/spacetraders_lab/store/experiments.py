"""Runs and what they measured: rows are added and read, never altered. Estimates nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from spacetraders_lab.core.canonical import plan_hash
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import OPEN_STATUSES, ExperimentRun, RunStatus, TradeRecord
from spacetraders_lab.core.halt import Halt
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.store.attrition import skip_what_is_left, stored_design
from spacetraders_lab.store.failures import unknown_run
from spacetraders_lab.store.prepared import Prepared
from spacetraders_lab.store.schema import RUN_COLUMNS, experiment_deviations
from spacetraders_lab.store.schema import experiment_runs as runs
from spacetraders_lab.store.schema import market_experiments as trades
from spacetraders_lab.store.upsert import insert_into

_FIELDS = tuple(field.name for field in fields(TradeRecord))


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that did not go as the analysis plan says."""

    kind: str
    what: str
    recorded_at: datetime


def goes_on() -> ColumnElement[bool]:
    """The condition on a run that its ships are to work: it runs, or waits for the end of a maintenance."""
    in_maintenance = and_(runs.c.status == RunStatus.SUSPENDED, runs.c.halted_by == Halt.MAINTENANCE)
    return or_(runs.c.status == RunStatus.RUNNING, in_maintenance)


def _is_open() -> ColumnElement[bool]:
    return runs.c.status.in_(OPEN_STATUSES)


def _not_resumed_since(moment: datetime) -> ColumnElement[bool]:
    return or_(runs.c.resumed_at.is_(None), runs.c.resumed_at <= moment)


class ExperimentRepository:
    """Runs and their transactions; one transaction is the caller's. What they cost is the `Budget`'s."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_run(self, run: ExperimentRun, plan: Mapping[str, Any]) -> None:
        """Write down a run and the plan (plain JSON) that the user accepted."""
        self._connection.execute(
            insert(runs),
            {
                "run_id": run.run_id,
                "player_id": run.player_id,
                "universe_id": run.universe_id,
                "system_symbol": run.system_symbol,
                "design": asdict(run.design),
                "ships": list(run.ships),
                "seed": run.seed,
                "plan": dict(plan),
                "plan_hash": plan_hash(plan),
                "budget": run.budget,
                "credit_floor": run.credit_floor,
                "kept_for_fuel": run.kept_for_fuel,
                "max_hours": run.limits.max_hours,
                "max_requests": run.limits.max_requests,
                "status": run.status,
                "status_reason": run.status_reason,
                "created_at": run.created_at,
                "finished_at": run.finished_at,
            },
        )

    def get_run(self, run_id: str, *, to_change: bool = False) -> ExperimentRun:
        """The run; raises UserError when there is none of that id.

        `to_change`: nobody else changes it until the transaction ends, so what is written rests on what was read.
        """
        found = select(*RUN_COLUMNS).where(runs.c.run_id == run_id)
        row = self._connection.execute(found.with_for_update(key_share=True) if to_change else found).first()
        if row is None:
            raise unknown_run(run_id)
        return _run(row)

    def ids_that_begin(self, text: str) -> list[str]:
        """The ids of the runs that begin with the text, in their order."""
        begins = func.substr(runs.c.run_id, 1, len(text)) == text
        return list(self._connection.execute(select(runs.c.run_id).where(begins).order_by(runs.c.run_id)).scalars())

    def get_plan(self, run_id: str) -> dict[str, Any]:
        """The plan that the user accepted; raises UserError when there is no such run."""
        plan: dict[str, Any] | None = self._connection.scalar(select(runs.c.plan).where(runs.c.run_id == run_id))
        if plan is None:
            raise unknown_run(run_id)
        return plan

    def speed_of(self, run_id: str) -> float:
        """Game seconds in a second of the clock, as planned: 1 but in a sandbox. Raises UserError: no such run."""
        row = self._connection.execute(select(runs.c.plan["speed"].as_float()).where(runs.c.run_id == run_id)).first()
        if row is None:
            raise unknown_run(run_id)
        return 1.0 if row[0] is None else float(row[0])

    def get_plan_hash(self, run_id: str) -> str:
        """SHA-256 of the plan, taken before the first trade; raises UserError when there is no such run."""
        found: str | None = self._connection.scalar(select(runs.c.plan_hash).where(runs.c.run_id == run_id))
        if found is None:
            raise unknown_run(run_id)
        return found

    def list_runs(self) -> list[ExperimentRun]:
        """Every run of the database, the newest first."""
        newest_first = select(*RUN_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.run_id)
        return [_run(row) for row in self._connection.execute(newest_first)]

    def set_status(self, run_id: str, status: RunStatus, reason: str | None, *, now: datetime) -> None:
        """Say where the run stands; `cancel` is for one that is to end before its time.

        Ends are final: raises UserError for a run that ended otherwise, or is unknown.
        """
        moment = "resumed_at" if status is RunStatus.RUNNING else "finished_at"
        moments = {} if status is RunStatus.SUSPENDED else {moment: now}
        if self._change_status(run_id, _is_open(), status, reason, **moments):
            return
        stands = self.get_run(run_id).status
        if stands is not status:
            raise UserError(f"experiment {run_id} is {stands} and cannot become {status}")

    def nothing_more(self, run_id: str, why: str) -> None:
        """Say why a run that chooses its pairs or readings as it goes on will ask for no more."""
        self._connection.execute(
            update(runs).where(runs.c.run_id == run_id, runs.c.ended_because.is_(None)).values(ended_because=why)
        )

    def ended_because(self, run_id: str) -> str | None:
        """Why the run asks for no more; None as long as it may, and for runs whose pairs were all known before."""
        why: str | None = self._connection.scalar(select(runs.c.ended_because).where(runs.c.run_id == run_id))
        return why

    def record_deviation(self, run_id: str, kind: str, what: str, *, now: datetime) -> None:
        """Write down that something did not go as planned; the same thing is written down once."""
        statement = insert_into(self._connection, experiment_deviations)
        values = {"run_id": run_id, "kind": kind, "what": what, "recorded_at": now}
        self._connection.execute(statement.values(values).on_conflict_do_nothing())

    def deviations(self, run_id: str) -> list[Deviation]:
        """What did not go as planned, in the order in which it was noticed."""
        rows = self._connection.execute(
            select(experiment_deviations)
            .where(experiment_deviations.c.run_id == run_id)
            .order_by(experiment_deviations.c.deviation_id)
        )
        return [Deviation(row.kind, row.what, row.recorded_at) for row in rows]

    def goes_on(self, run_id: str) -> bool:
        """Whether the ships of the run are to work."""
        return (
            self._connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id, goes_on())).first()
            is not None
        )

    def suspend(self, run_id: str, by: Halt, what: str, *, met_at: datetime | None = None) -> bool:
        """Put a run to sleep until somebody resumes it; False when somebody has done so already, or it has ended.

        One that waits for the end of a maintenance waits for somebody from then on. With `met_at`, when what halts it
        was met, a run that was resumed since goes on.
        """
        awake = goes_on() if met_at is None else and_(goes_on(), _not_resumed_since(met_at))
        return self._change_status(run_id, awake, RunStatus.SUSPENDED, f"{by}: {what}", halted_by=by)

    def end_maintenance(self, run_id: str) -> bool:
        """Let a run go on after maintenance; False when it sleeps for another reason, or has ended."""
        return self._change_status(run_id, goes_on(), RunStatus.RUNNING, None)

    def cancel(self, run_id: str, reason: str, *, now: datetime) -> bool:
        """End a run before its time; what was measured stays. False when it has ended already."""
        has_ended = self._change_status(run_id, _is_open(), RunStatus.CANCELLED, reason, finished_at=now)
        if has_ended:
            skip_what_is_left(self._connection, run_id, now=now)
        return has_ended

    def set_ships(self, run_id: str, ships: Sequence[str]) -> None:
        """Say which ships belong to the run from now on."""
        self._connection.execute(update(runs).where(runs.c.run_id == run_id).values(ships=list(ships)))

    def _change_status(
        self, run_id: str, condition: ColumnElement[bool], status: RunStatus, reason: str | None, **more: Any
    ) -> bool:
        values = {"status": status, "status_reason": reason, "halted_by": None} | more
        return (
            self._connection.execute(update(runs).where(runs.c.run_id == run_id, condition).values(values)).rowcount
            == 1
        )

    def record_transaction(self, record: TradeRecord) -> None:
        """Add one executed trade. A second row for the same cell raises Duplicate when the transaction ends.

        Call it in the transaction that holds the lease and resolves the trade's intent.
        """
        _ADD.change(self._connection, {name: getattr(record, name) for name in _FIELDS})

    def records_of(self, run_id: str, pair_id: str, take: int) -> list[TradeRecord]:
        """What a take of a pair has recorded, in the order of recording."""
        rows = _OF_TAKE.rows(self._connection, {"run": run_id, "pair": pair_id, "of_take": take})
        return [TradeRecord(*row) for row in rows]

    def records(self, run_id: str) -> Iterator[TradeRecord]:
        """Every record of a run in the order of recording, in portions; the connection must stay open meanwhile."""
        statement = _records(trades.c.run_id == run_id).execution_options(yield_per=1000)
        for row in self._connection.execute(statement):
            yield TradeRecord(*row)

    def get_transaction_count(self, run_id: str) -> int:
        """How many transactions the run has recorded."""
        counted = select(func.count()).select_from(trades).where(trades.c.run_id == run_id)
        return self._connection.execute(counted).scalar_one()

    def add_requests(self, run_id: str, count: int) -> int:
        """Add to the requests that the run's ships have made; returns how many these are."""
        values = {"of_run": run_id, "requests": count}
        return int(_ADD_REQUESTS.first(self._connection, values).requests)

    def requests(self, run_id: str) -> int:
        """How many requests the run's ships have made, up to the last look of each for its next pair."""
        return int(self._connection.execute(select(runs.c.requests).where(runs.c.run_id == run_id)).scalar_one())


# what is executed for every trade or pair is built once
_ADD_REQUESTS = Prepared(
    update(runs)
    .where(runs.c.run_id == bindparam("of_run"))
    .values(requests=runs.c.requests + bindparam("requests", type_=BigInteger))
    .returning(runs.c.requests)
)


def _records(*where: ColumnElement[bool]) -> Select[Any]:
    return select(*(trades.c[name] for name in _FIELDS)).where(*where).order_by(trades.c.experiment_id)


_ADD = Prepared(insert(trades).inline().values({name: bindparam(name) for name in _FIELDS}))
_OF_TAKE = Prepared(
    _records(
        trades.c.run_id == bindparam("run"),
        trades.c.pair_id == bindparam("pair"),
        trades.c.take == bindparam("of_take"),
    )
)


def _run(row: Row[Any]) -> ExperimentRun:
    return ExperimentRun(
        run_id=row.run_id,
        player_id=row.player_id,
        universe_id=row.universe_id,
        system_symbol=row.system_symbol,
        design=stored_design(row.design),
        ships=tuple(row.ships),
        seed=row.seed,
        budget=row.budget,
        status=row.status,
        status_reason=row.status_reason,
        created_at=row.created_at,
        finished_at=row.finished_at,
        credit_floor=row.credit_floor,
        kept_for_fuel=row.kept_for_fuel,
        limits=Limits(row.max_hours, row.max_requests),
    )
