"""One life of a run with its user in it, told by a seed: machines die and freeze, the network lies, the game refuses,
and meanwhile somebody pauses, resumes, cancels, sends ships away and calls others, raises the budget, stops containers.

`tell(seed)` plays it in virtual time against the real sandbox and the real store. In the end the world is well again
and the user says `resume` once: what is broken of the lab's guarantees then is returned. The command line is that of
`simulation`: `python -m tests.guarantees.lives FIRST LAST`.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import httpx2
from sqlalchemy import update

from spacetraders_lab.core.errors import LabError, UserError
from spacetraders_lab.core.experiment import OPEN_STATUSES, ClaimOrder, Design, DesignName, ExperimentRun, RunStatus
from spacetraders_lab.run import changes, supervisor
from spacetraders_lab.run.accounts import OneAccount
from spacetraders_lab.run.app import Lab, open_game, open_lab
from spacetraders_lab.run.doctor import examine, mend
from spacetraders_lab.run.fleet import is_over
from spacetraders_lab.store.containers import ContainerRepository
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.schema import experiment_runs
from spacetraders_lab.study.rig import BASE_URL
from spacetraders_lab.study.virtual import AtOnce
from tests.guarantees import mischief
from tests.guarantees.aftermath import aftermath, money, told_of_ships
from tests.guarantees.simulation import TIMES, Process, Rates, Story, Tale, Wire, mortal, play_seeds
from tests.run.test_adaptive import ADAPTIVE, RoundRobin

SPEED = 20.0  # game seconds in a second of the clock: flights are short beside leases
RATES = Rates(kill=0.006, freeze=0.004, lost_request=0.02, lost_reply=0.02, late_request=0.02, most=5)
GRID = Design(fractions=(0.5, 1.0), iterations=1)
LADDER = Design(name=DesignName.LADDER, washout_seconds=300, claim_order=ClaimOrder.NEAREST)
RECOVERY = Design(name=DesignName.RECOVERY, washout_seconds=8 * 3600, claim_order=ClaimOrder.NEAREST)
LOOK_SECONDS = 6.0
LONGEST = 6 * 3600.0  # seconds of the clock after which a run that was resumed must have ended
ENOUGH = 50_000_000  # credits


DESIGNS = (*(GRID, LADDER, GRID, ADAPTIVE) * 5, RECOVERY)  # which takes eight hours: one is as dear as ten others


class Machine:
    """A process that drives containers: a daemon, or with `run_id` a command in the foreground."""

    def __init__(self, life: "Life", owner: str, run_id: str | None = None) -> None:
        self.life, self.owner, self.run_id = life, owner, run_id
        self.stop = asyncio.Event()
        self.process = Process(life.fate, on_freeze=life.start_another, on_death=self._die, at_moments=life.moment)
        self.task = asyncio.ensure_future(self._live())

    def kill(self) -> None:
        self.process.is_dead = True
        self._die()

    def _die(self) -> None:
        self.task.cancel()

    async def _live(self) -> None:
        life = self.life
        wire = Wire(life.rig.wire, self.process, life.fate, life.late)
        chance = Random(life.chance.getrandbits(32))
        try:
            async with (
                open_game(BASE_URL, life.rig.token, life.rig.clock, transport=wire, chance=chance) as game,
                open_lab(game, life.rig.database, TIMES, make_thread=AtOnce) as lab,
            ):
                living = mortal(life.equip(lab), self.process)
                restarts = {} if self.run_id is None else {"most_restarts": 0}
                crews = OneAccount(living)
                driver = supervisor.Supervisor(
                    living, crews, self.owner, TIMES, run_id=self.run_id, chance=chance, **restarts
                )
                await driver.run(self.stop)
        except LabError:
            pass  # the game does not let it in: who wants it at work starts it again
        except BaseException:
            if not self.process.is_dead:
                raise


class Life(Story):
    """A run, the machines that fly its ships, and its user."""

    def __init__(self, seed: int, database: Database, rates: Rates = RATES, design: Design = GRID) -> None:
        self.seen: list[str] = []
        self.enough = RoundRobin(most=Random(seed).randint(1, 6))
        super().__init__(seed, database, rates, design, speed=SPEED)
        self.late = self._late
        self.scrapped: set[str] = set()
        self.machines: list[Machine] = []
        self.runs, self.began_at = [self.run], len(self.rig.universe.ledger)
        if design.is_literal and self.chance.random() < 0.4:
            self.runs.append(self._begin(design, run_id="run-2"))
        self.first_ships = [self._vary(run) for run in self.runs]
        self._moments, self._reached, self._acted = -1, asyncio.Event(), asyncio.Event()
        self.budgets = [self.rig.run(run).budget for run in self.runs]

    def _begin(self, design: Design, **how: Any) -> ExperimentRun:
        if design.name is not DesignName.ADAPTIVE:
            return super()._begin(design, **how)
        self.rig.scout()
        goods = tuple(self.rig.goods()[:4])
        return self.rig.launch(self.rig.prepare(design=design, budget=3_000_000, seed=self.tale.seed, goods=goods))

    def _vary(self, run: ExperimentRun) -> list[str]:
        """Let it begin with some of the ships, and maybe with a small budget or little time; returns the ships."""
        ships = self.chance.sample(self.rig.fleet, self.chance.randint(1, len(self.rig.fleet)))
        budget = self.chance.choice([run.budget, run.kept_for_fuel + self.chance.randint(2_000, 40_000)])
        requests = self.chance.randint(20, 200) if self.chance.random() < 0.15 else None
        with self.rig.database.transaction() as connection:
            values = {"ships": ships, "budget": budget, "max_requests": requests}
            connection.execute(update(experiment_runs).where(experiment_runs.c.run_id == run.run_id).values(values))
            containers = ContainerRepository(connection)
            containers.start(run, ships, now=self.rig.clock.now())
            containers.stop_of_run(run.run_id, but=ships, now=self.rig.clock.now())
        return ships

    # --- the world ------------------------------------------------------------------------------------------------

    def equip(self, lab: Lab) -> Lab:
        return replace(lab, allocate=self.enough, calculator=AtOnce())

    def start(self, owner: str | None = None, run_id: str | None = None) -> Machine:
        machine = Machine(self, owner or f"{self.chance.getrandbits(48):x}", run_id)
        self.machines.append(machine)
        return machine

    def start_another(self) -> None:
        self.start()

    async def moment(self) -> None:
        """A machine is about to use the database or the network: the user may have waited for just that."""
        self._moments -= 1
        if self._moments == 0:
            self._acted.clear()
            self._reached.set()
            if self.chance.random() < 0.5:
                await asyncio.wait({asyncio.ensure_future(self._acted.wait())}, timeout=1.0)

    def refuse(self, status: int, code: int, seconds: float) -> None:
        """For so long the game answers everything with an error."""
        until = self.rig.clock.elapsed + seconds

        def answer(_: httpx2.Request) -> httpx2.Response | None:
            if self.rig.clock.elapsed >= until:
                return None
            return httpx2.Response(status, json={"error": {"message": "no", "code": code}})

        self.rig.wire.before = answer

    def tell(self) -> Tale:
        """Play it, with machines that look less often what is wanted: the looks take most of the time."""
        with patch.object(supervisor, "LOOK_SECONDS", LOOK_SECONDS):
            return super().tell()

    # --- the story ------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        acts = self.chance.randint(1, 12)
        self.start()
        if self.chance.random() < 0.3:
            self.start()
        for _ in range(acts):
            await self._wait()
            await self._act()
            self._acted.set()
        self._moments = -1
        await self._end_well()
        while self._late:
            await asyncio.wait(self._late)

    async def _wait(self) -> None:
        """For a while, or until machines have used the database or the network so many times."""
        if self.chance.random() < 0.4:
            await asyncio.sleep(self.chance.expovariate(1 / 15))
            return
        self._reached.clear()
        self._moments = self.chance.randint(1, 80)
        reached = asyncio.ensure_future(self._reached.wait())
        await asyncio.wait({reached}, timeout=90.0)
        reached.cancel()

    async def _act(self) -> None:
        self.run = self.chance.choice(self.runs)
        name = self.chance.choices(list(ACTS), [weight for weight, _ in ACTS.values()])[0]
        self._say(name)
        try:
            await ACTS[name][1](self)
        except UserError as error:
            self._say(f"    refused: {error}")
            self._must_be_right_to_refuse(name, str(error))
        except LabError as error:
            self._say(f"    {type(error).__name__}: {error}")
        except Exception:  # noqa: BLE001  # whatever it is, it is told
            self.tale.violations.append(f"{name} broke off: {traceback.format_exc()}")

    def _say(self, what: str) -> None:
        run = self.rig.run(self.run)
        self.seen.append(f"{self.rig.clock.elapsed:8.1f} [{run.status} {','.join(run.ships)}] {what}")

    def _must_be_right_to_refuse(self, name: str, error: str) -> None:
        run = self.rig.run(self.run)
        over = self.rig.read(lambda c: is_over(c, run.run_id))
        is_final = run.status not in OPEN_STATUSES
        fine = {
            "pause": run.status is not RunStatus.RUNNING,
            "resume": is_final,
            "resume some": is_final or "at work on this run" in error,
            "resume here": is_final,
            "raise the budget": is_final,
            "resume on the page": is_final,
            "cancel": is_final,
            "add a ship": is_final or over,
            "remove a ship": is_final or "last ship" in error or "is not in run" in error,
            "mend": is_final or "at work on run" in error,
            "remove a container": "stop it first" in error,
        }
        if not fine.get(name, False):
            self.tale.violations.append(f"{name} was refused: {error}")

    async def _end_well(self) -> None:
        """The world is well and whole, and the user says `resume` once."""
        self.fate.rates = replace(self.fate.rates, most=0)
        self.rig.wire.before = lambda _: None
        self.rig.agent.credits = max(self.rig.agent.credits, ENOUGH)
        self._say("all is well from now on")
        await self._clear_up()
        for run in self.runs:
            await self._resume_for_the_last_time(run)
        self.start()
        for _ in range(round(LONGEST / 5)):
            if not any(map(self._is_open, self.runs)):
                break
            await asyncio.sleep(5)
        self._say("the run has ended")
        for machine in self.machines[:-1]:
            machine.stop.set()
        await asyncio.sleep(1.1 * TIMES.lease)  # the last one sees to what dead ones had leased
        self.machines[-1].stop.set()
        await asyncio.wait([machine.task for machine in self.machines])
        for machine in self.machines:
            if not machine.task.cancelled() and machine.task.exception() is not None and not machine.process.is_dead:
                self.tale.violations.append(f"a machine broke off: {machine.task.exception()!r}")

    def _judge(self) -> None:
        for run in self.runs:
            self.tale.pairs.update(self.rig.counts(run))
            self.tale.pairs[f"runs {self.rig.run(run).status}"] += 1
        largest = sum(sorted(self.budgets)[-len(self.runs) :])
        self.tale.violations += [what for what in aftermath(self.rig, self.runs) if not self._is_lost_with_a_ship(what)]
        self.tale.violations += money(self.rig, self.runs, largest, since=self.began_at)
        for run, ships in zip(self.runs, self.first_ships, strict=True):
            self.tale.violations += told_of_ships(self.rig, run, ships)

    def _is_lost_with_a_ship(self, what: str) -> bool:
        """Whether it is a trade of which nobody will ever know, for its ship was scrapped."""
        return any(what.startswith(f"1 trade(s) without a row: ('{ship}'") for ship in self.scrapped)

    def _is_open(self, run: ExperimentRun) -> bool:
        return self.rig.run(run).status in OPEN_STATUSES

    async def _clear_up(self) -> None:
        """What a run that was cancelled has left aboard leaves no room for another's."""
        if len(self.runs) > 1 and not all(map(self._is_open, self.runs)):
            await asyncio.sleep(1.1 * TIMES.lease)
            for run in self.runs:
                if not self._is_open(run):
                    await self.rig.process(lambda lab, run=run: mend(lab, run.run_id))  # type: ignore[misc]

    async def _resume_for_the_last_time(self, run: ExperimentRun) -> None:
        run = self.rig.run(run)
        if run.status not in OPEN_STATUSES:
            return
        self.budgets.append(2 * ENOUGH)
        try:
            if not set(run.ships) - self.scrapped:
                await self.rig.process(lambda lab: changes.add_ships(lab, run.run_id, self.rig.fleet))
            await self.rig.process(lambda lab: changes.reopen(lab, run.run_id, budget=2 * ENOUGH))
        except UserError as error:
            if self._is_open(run):
                self.tale.violations.append(f"the last resume was refused: {error}")

    # --- what the user does ---------------------------------------------------------------------------------------

    async def write(self, work: Callable[[Any], Any]) -> Any:
        with self.rig.database.transaction() as connection:
            return work(connection)

    def some_ship(self) -> str:
        return self.chance.choice(self.rig.fleet)

    def some_machine(self) -> Machine | None:
        live = [machine for machine in self.machines if not machine.task.done()]
        return self.chance.choice(live) if live else None

    async def pause(self) -> None:
        await self.write(lambda c: changes.pause(c, self.run.run_id))

    async def cancel(self) -> None:
        await self.write(lambda c: changes.cancel(c, self.run.run_id, now=self.rig.clock.now()))

    async def resume(self) -> None:
        await self.rig.process(lambda lab: changes.reopen(lab, self.run.run_id))

    async def resume_on_the_page(self) -> None:
        await self.write(lambda c: changes.resume(c, self.run.run_id, now=self.rig.clock.now()))

    async def resume_some(self) -> None:
        ships = self.chance.sample(self.rig.fleet, self.chance.randint(1, len(self.rig.fleet)))
        self._say(f"    {ships}")
        await self.rig.process(lambda lab: changes.reopen(lab, self.run.run_id, ships))

    async def raise_budget(self) -> None:
        budget = round(self.rig.run(self.run).budget * self.chance.uniform(1.1, 3.0))
        await self.rig.process(lambda lab: changes.reopen(lab, self.run.run_id, budget=budget))
        self.budgets.append(budget)

    async def resume_here(self) -> None:
        owner = f"command_{self.chance.getrandbits(32):x}"
        await self.rig.process(lambda lab: changes.reopen(lab, self.run.run_id, keep_for=owner))
        self.start(owner, self.run.run_id)

    async def add(self) -> None:
        ship = self.some_ship()
        self._say(f"    {ship}")
        await self.rig.process(lambda lab: changes.add_ships(lab, self.run.run_id, [ship]))

    async def remove(self) -> None:
        ship = self.some_ship()
        self._say(f"    {ship}")
        await self.write(lambda c: changes.remove_ship(c, self.run.run_id, ship, now=self.rig.clock.now()))

    def some_container(self) -> str | None:
        found = self.rig.read(lambda c: ContainerRepository(c).list_containers(self.run.run_id))
        return self.chance.choice(found).container_id if found else None

    async def stop_container(self) -> None:
        if container := self.some_container():
            await self.write(lambda c: ContainerRepository(c).stop(container, now=self.rig.clock.now()))

    async def remove_container(self) -> None:
        if container := self.some_container():
            await self.write(lambda c: ContainerRepository(c).remove(container))

    async def mend(self) -> None:
        await self.rig.process(lambda lab: mend(lab, self.run.run_id))

    async def look(self) -> None:
        await self.rig.process(lambda lab: examine(lab, self.run.run_id))

    async def start_machine(self) -> None:
        self.start()

    async def stop_machine(self) -> None:
        if machine := self.some_machine():
            machine.stop.set()

    async def kill_machine(self) -> None:
        if machine := self.some_machine():
            machine.kill()
            if self.chance.random() < 0.5:
                self.start()

    async def maintenance(self) -> None:
        self.refuse(503, 3100, self.chance.uniform(1, 40))

    async def token_refused(self) -> None:
        self.refuse(401, 4104, self.chance.uniform(1, 20))

    async def reset(self) -> None:
        """As far as the game says; in the end it turns out to have been a mistake."""
        self.refuse(401, 4113, self.chance.uniform(1, 20))

    async def purse(self) -> None:
        poor = self.rig.agent.credits > 100_000
        self.rig.agent.credits = self.chance.randint(0, 3000) if poor else ENOUGH


Act = tuple[float, Callable[[Life], Awaitable[None]]]
ACTS: dict[str, Act] = {
    "pause": (4, Life.pause),
    "cancel": (0.5, Life.cancel),
    "resume": (3, Life.resume),
    "resume on the page": (1, Life.resume_on_the_page),
    "resume some": (2, Life.resume_some),
    "resume here": (1, Life.resume_here),
    "raise the budget": (1, Life.raise_budget),
    "add a ship": (2, Life.add),
    "remove a ship": (3, Life.remove),
    "stop a container": (1, Life.stop_container),
    "remove a container": (0.5, Life.remove_container),
    "mend": (1, Life.mend),
    "look": (0.5, Life.look),
    "start a machine": (1, Life.start_machine),
    "stop a machine": (1, Life.stop_machine),
    "kill a machine": (1, Life.kill_machine),
    "maintenance": (0.5, Life.maintenance),
    "the token is refused": (0.5, Life.token_refused),
    "the purse": (0.5, Life.purse),
    "the game is reset": (0.2, Life.reset),
    "a tradeVolume changes": (1, mischief.change_volume),
    "a good is taken off a list": (0.5, mischief.take_off_the_list),
    "a market is closed": (0.5, mischief.close_a_market),
    "all are turned away": (0.5, mischief.turn_away),
    "a ship is flown by hand": (0.5, mischief.fly_by_hand),
    "cargo is thrown overboard": (0.5, mischief.throw_overboard),
    "a ship is scrapped": (0.3, mischief.scrap),
}


def make_life(seed: int, database: Database, rates: Rates = RATES) -> Life:
    """A life on an empty database; the design is chosen by the seed."""
    return Life(seed, database, rates, DESIGNS[seed % len(DESIGNS)])


def tell(seed: int, database: Database) -> Tale:
    """Play one life."""
    return make_life(seed, database).tell()


if __name__ == "__main__":
    raise SystemExit(play_seeds(tell, "tests.guarantees.lives"))
