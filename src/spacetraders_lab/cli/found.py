"""From the database to findings: what `experiment analyze`, `experiment report` and the advice begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.crossmarket import PairAccount, ShipAccount, pair_accounts, ship_accounts
from spacetraders_lab.analysis.dataset import Dataset, dataset_from_columns
from spacetraders_lab.analysis.findings import Findings
from spacetraders_lab.analysis.game_time import GameTime
from spacetraders_lab.analysis.observations import (
    Observations,
    OtherTrades,
    observations_from_columns,
    other_trades_from_columns,
)
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import PlaceboBracket, RunStatus
from spacetraders_lab.store.brackets import placebo_brackets
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.export import as_columns, load_other_trades, load_runs


@dataclass(frozen=True, slots=True)
class Found:
    """What was recorded, as arrays in game time, and what was found in it; `others` are trades of other runs."""

    time: GameTime
    data: Dataset
    observations: Observations
    others: OtherTrades
    placebos: list[PlaceboBracket]
    findings: Findings
    pairs: list[PairAccount]
    ships: list[ShipAccount]


STEPS = ("reading", "analysing")


def find(database: Database, run_ids: Sequence[str], done: Callable[[], None]) -> Found:
    """Read and analyse the runs together, telling `done` after each of STEPS.

    Raises UserError where there is nothing to analyse, or no pooling them.
    """
    trades = as_columns(load_runs(database, run_ids))
    seen = as_columns(load_runs(database, run_ids[:1], "observations"))
    elsewhere = as_columns(load_other_trades(database, run_ids))
    with database.reading() as connection:
        time = _game_time(connection, run_ids)
        placebos = [bracket for run_id in run_ids for bracket in placebo_brackets(connection, run_id)]
    if not len(trades["timestamp"]):
        with database.reading() as connection:
            raise UserError(_nothing_traded(connection, run_ids))
    data = dataset_from_columns(trades)
    if not time.is_the_clocks:
        data = time.trades(data)
        trades["timestamp"], seen["observed_at"] = time.of(trades["timestamp"]), time.of(seen["observed_at"])
        elsewhere["timestamp"] = time.of(elsewhere["timestamp"])
        placebos = time.brackets(placebos)
    done()
    observations = observations_from_columns(seen)
    others = other_trades_from_columns(elsewhere)
    found = Found(
        time,
        data,
        observations,
        others,
        placebos,
        analyse(data, observations, placebos, others),
        pair_accounts(trades),
        ship_accounts(trades),
    )
    done()
    return found


def _nothing_traded(connection: Connection, run_ids: Sequence[str]) -> str:
    """What to do about runs without a trade, which is not the same for a run that goes on and for one that is over."""
    runs = [ExperimentRepository(connection).get_run(id_) for id_ in run_ids]
    said = f"{', '.join(run_ids)}: nothing has been traded"
    if suspended := [run for run in runs if run.status is RunStatus.SUSPENDED]:
        return f"{said} yet; go on with: spacetraders experiment resume --run-id {suspended[0].run_id}"
    if any(run.status is RunStatus.RUNNING for run in runs):
        return f"{said} yet; `spacetraders experiment status` shows how far a run is"
    return f"{said}, and nothing will be: {runs[0].status}; begin another run: `spacetraders experiment liquidity`"


def _game_time(connection: Connection, run_ids: Sequence[str]) -> GameTime:
    experiments = ExperimentRepository(connection)
    return GameTime.of_runs((experiments.get_run(id_).created_at, experiments.speed_of(id_)) for id_ in run_ids)
