"""What is to be measured, with what, and for how much, as typed: the options that planning and beginning share."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from spacetraders_lab.cli.design import DesignOptions
from spacetraders_lab.cli.settings import symbols
from spacetraders_lab.core.bounds import (
    MOST_AGE,
    MOST_CREDITS,
    MOST_HOURS,
    MOST_ROWS,
    MOST_SEED,
    above_zero,
    within,
)
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import DesignName
from spacetraders_lab.core.limits import Limits
from spacetraders_lab.core.waypoint import checked_system
from spacetraders_lab.run.choice import MarketLiquidityExperimentCommand

MOST_REQUESTS = 10**9  # fifteen years of asking twice a second


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """Ships, system, goods and limits of an experiment.

    Parameters
    ----------
    ships:
        Ships to use, separated by commas.
    system:
        The system whose markets to measure.
    goods:
        Goods to measure, separated by commas [default: all but FUEL].
    max_pairs:
        Measure at most this many pairs; not for the adaptive design, which chooses pairs as it goes.
    budget:
        The most credits the run may lose [default: all you have, and only the grid then trades at a loss].
    credit_floor:
        Never buy anything that would leave you with fewer credits than this.
    max_hours:
        Start no new pair after this many hours of game time; pairs under way are finished.
    max_requests:
        Start no new pair after this many requests; pairs under way are finished.
    max_age:
        Refuse to plan with prices older than this many minutes.
    until_reset:
        Start even if the universe resets before the run can finish.
    seed:
        Seed of every random choice; the same seed gives the same plan.
    """

    ships: str
    system: str
    goods: str | None = None
    max_pairs: int | None = None
    budget: int | None = None
    credit_floor: int = 0
    max_hours: float | None = None
    max_requests: int | None = None
    max_age: int = 60
    until_reset: Annotated[bool, Parameter(negative="")] = False
    seed: int = 0

    def command(self, design: DesignOptions) -> MarketLiquidityExperimentCommand:
        """What the run is asked to do; raises UserError for options that cannot be."""
        if self.max_pairs is not None and design.design is DesignName.ADAPTIVE:
            raise UserError(
                "an adaptive run chooses its pairs as it goes on: in the place of --max-pairs, bound it with"
                " --budget, --max-hours or --max-requests"
            )
        return MarketLiquidityExperimentCommand(
            ship_symbols=symbols(self.ships, "--ships"),
            system_symbol=checked_system(self.system.upper()),
            design=design.chosen(),
            goods=symbols(self.goods, "--goods") if self.goods is not None else (),
            max_pairs=within("--max-pairs", self.max_pairs, 1, MOST_ROWS),
            budget=checked_budget(self.budget),
            credit_floor=within("--credit-floor", self.credit_floor, 0, MOST_CREDITS),
            limits=Limits(
                above_zero("--max-hours", self.max_hours, MOST_HOURS),
                within("--max-requests", self.max_requests, 1, MOST_REQUESTS),
            ),
            max_age=timedelta(minutes=within("--max-age", self.max_age, 0, MOST_AGE)),
            until_reset=self.until_reset,
            seed=within("--seed", self.seed, -MOST_SEED, MOST_SEED),
        )


def checked_budget(budget: int | None) -> int | None:
    """What a run may lose; raises UserError for a budget that cannot be."""
    return within("--budget", budget, 0, MOST_CREDITS)
