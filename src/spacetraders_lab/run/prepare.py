"""Whether a plan fits: the budget, the purse, and the life of the universe. Chooses nothing and writes nothing."""

import math
from dataclasses import replace

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import DesignName
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.choice import MarketLiquidityExperimentCommand, choose
from spacetraders_lab.run.coordinator import Prepared, estimate


async def prepare(lab: Lab, command: MarketLiquidityExperimentCommand) -> Prepared:
    """Choose and price an experiment; raises UserError when it cannot be done as asked. Buys and writes nothing."""
    prepared = await estimate(lab, command)
    check_that_it_fits(lab, prepared)
    return prepared


def check_that_it_fits(lab: Lab, prepared: Prepared) -> None:
    """Raise UserError, with what would fit, for a plan beyond the budget or beyond the life of the universe."""
    _check_budget(prepared)
    if not prepared.command.until_reset:
        _check_time_left(lab, prepared)


def _check_budget(prepared: Prepared) -> None:
    """Raise UserError, with what would fit, for a plan whose worst case would leave too little of the budget."""
    plan, budget, kept_for_fuel = prepared.plan, prepared.run.budget, prepared.run.kept_for_fuel
    in_purse = prepared.purse - prepared.run.credit_floor
    # who names a budget beyond the purse means to fill it: `SUSPENDED` meanwhile
    available = min(budget, in_purse) if prepared.command.budget is None else budget
    needed = prepared.needed
    if needed <= available:
        return
    fitting = plan.pairs_within(available - kept_for_fuel, prepared.proposal.chosen_in)
    remedies = [f"--max-pairs {fitting}" if fitting else "fewer or cheaper --goods"]
    if needed <= in_purse:
        remedies.append(f"--budget {math.ceil(needed)}")
    if fitting and prepared.run.design.name is DesignName.GRID:  # the others take only what fits
        remedies.append(f"--design {DesignName.ADAPTIVE}")
    raise UserError(
        f"the worst case of this plan is {plan.worst_case:,.0f} credits ({len(plan.pairs)} pairs), and "
        f"{kept_for_fuel:,} are kept for fuel: more than the {_said(prepared)}; what would fit: "
        f"{' or '.join(remedies)}"
    )


def _said(prepared: Prepared) -> str:
    floor = prepared.run.credit_floor
    if prepared.command.budget is None and floor:
        return f"purse of {prepared.purse:,}, of which {floor:,} are to be left"
    return f"budget of {prepared.run.budget:,}"


def _check_time_left(lab: Lab, prepared: Prepared) -> None:
    if lab.resets_at is None:
        return
    left = (lab.resets_at - lab.game.now()).total_seconds() / 3600 * lab.game.client.speed
    hours = prepared.schedule.hours
    if hours <= left:
        return
    fitting = _pairs_in(prepared, left)
    remedy = f"--max-pairs {fitting} or " if fitting else ""
    raise UserError(
        f"this plan takes {hours:,.1f} hours and the universe is reset in {max(0.0, left):,.1f} "
        f"({lab.resets_at:%Y-%m-%d %H:%M} UTC); measure less with {remedy}go as far as it lasts with --until-reset"
    )


def _pairs_in(prepared: Prepared, hours: float) -> int:
    """How many pairs would be done by then, as they would be chosen; an adaptive run is not bounded by pairs."""
    if prepared.run.design.name is DesignName.ADAPTIVE or hours <= 0:
        return 0

    def takes(pairs: int) -> float:
        fewer = replace(prepared.command, max_pairs=pairs)
        return choose(replace(prepared.known, command=fewer)).schedule.hours

    fitting, beyond = 0, len(prepared.plan.pairs)
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        fitting, beyond = (middle, beyond) if takes(middle) <= hours else (fitting, middle)
    return fitting
