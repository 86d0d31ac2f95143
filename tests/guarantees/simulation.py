"""One life of a run, told by a seed: ships at work while processes die, freeze and wake, and the network lies.

`tell(seed)` plays the story in virtual time against the real sandbox and the real store, and returns what was broken
of what the lab guarantees. `python -m tests.guarantees.simulation SEED` plays one again; with FIRST LAST, all of them.
"""

import argparse
import asyncio
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx2
from sqlalchemy import Connection

from spacetraders_lab.core.errors import GameUnreachable
from spacetraders_lab.core.experiment import Design, ExperimentRun, MarketPair, Menu
from spacetraders_lab.core.menus import visit_menu
from spacetraders_lab.run.app import Lab, LeaseTimes, open_game, open_lab
from spacetraders_lab.run.faultpoints import Point
from spacetraders_lab.run.heartbeat import Pulse
from spacetraders_lab.run.worker import ShipExperimentWorkerCommand, ShipWorker
from spacetraders_lab.store.database import Database, open_database
from spacetraders_lab.study.rig import BASE_URL, Rig
from spacetraders_lab.study.virtual import AtOnce
from tests.factories import make_good
from tests.guarantees.judge import violations
from tests.postgres import running_server

T = TypeVar("T")

DESIGN = Design(fractions=(0.5, 1.0), iterations=1)
TIMES = LeaseTimes()
ON_THE_WAY = (0.05, 0.5)  # seconds that a request takes; else a ship would always be gone when a late one arrives
LONGEST_LATE = 14.0  # seconds that a request may travel after its sender gave it up; the client's time-out is 15


class Killed(BaseException):
    """The process ended here, as by SIGKILL: nothing of it runs any more."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How likely each fault is at each opportunity, and the most faults of a story."""

    kill: float = 0.015
    freeze: float = 0.01
    lost_request: float = 0.04
    lost_reply: float = 0.05
    late_request: float = 0.05
    stall: float = 0.0  # a freeze past the lease, with the intent on disk and the trade not yet sent
    most: int = 8


@dataclass(slots=True)
class Tale:
    """What happened in a story, and what was broken."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    pairs: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0


class Fate:
    """Draws the faults of a story from its seed; after `most` of them everything goes well."""

    def __init__(self, chance: Random, rates: Rates, tale: Tale) -> None:
        self.chance, self.rates, self.tale = chance, rates, tale

    def strikes(self, kind: str) -> bool:
        if self.tale.faults.total() >= self.rates.most or self.chance.random() >= getattr(self.rates, kind):
            return False
        self.tale.faults[kind] += 1
        return True


class Process:
    """One process with one ship's worker. It can die or freeze wherever it waits for something."""

    def __init__(
        self,
        fate: Fate,
        on_freeze: Callable[[], None],
        on_death: Callable[[], object] = lambda: None,
        at_moments: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._fate, self._on_freeze, self._on_death, self._at_moments = fate, on_freeze, on_death, at_moments
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.is_dead = False

    async def moment(self) -> None:
        """A place where a fault may strike; a frozen process stays here until it thaws, a dead one for ever."""
        if self._at_moments is not None:
            await self._at_moments()
        if self._thawed.is_set() and not self.is_dead:
            if self._fate.strikes("kill"):
                self.is_dead = True
                self._on_death()
            elif self._fate.strikes("freeze"):
                self._freeze(TIMES.lease * self._fate.chance.uniform(0.3, 3.0))
        await self.go_on()

    async def stall(self) -> None:
        """The worst moment to freeze: somebody else has the pair before this one wakes and would send."""
        if self._fate.strikes("stall"):
            self._freeze(3 * TIMES.lease)
        await self.go_on()

    async def go_on(self) -> None:
        """Wait while frozen; end here when dead."""
        await self._thawed.wait()
        if self.is_dead:
            raise Killed

    def _freeze(self, seconds: float) -> None:
        self._thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self._thawed.set)
        if self._fate.chance.random() < 0.7:
            self._on_freeze()  # the supervisor takes it for dead and starts another


class Wire(httpx2.AsyncBaseTransport):
    """A process's way to the game: requests and replies get lost on it, or arrive when nobody waits any more."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, process: Process, fate: Fate, late: set[Any]) -> None:
        self._inner, self._process, self._fate, self._late = inner, process, fate, late

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self._process.go_on()
        if request.method == "POST":
            self._lose_or_delay(request)
        await asyncio.sleep(self._fate.chance.uniform(*ON_THE_WAY))
        response = await self._inner.handle_async_request(request)
        await self._process.moment()
        if request.method == "POST" and self._fate.strikes("lost_reply"):
            raise httpx2.ReadTimeout("the reply was lost", request=request)
        return response

    def _lose_or_delay(self, request: httpx2.Request) -> None:
        if self._fate.strikes("lost_request"):
            raise httpx2.ReadTimeout("the request was lost", request=request)
        if self._fate.strikes("late_request"):
            delay = self._fate.chance.uniform(0.0, LONGEST_LATE)
            task = asyncio.ensure_future(self._later(request, delay))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            raise httpx2.ReadTimeout("the request is late", request=request)

    async def _later(self, request: httpx2.Request, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._inner.handle_async_request(request)


@dataclass(frozen=True)
class MortalLab(Lab):
    """A lab whose process may die or freeze before and after every use of the database."""

    process: Process | None = None

    async def write(self, work: Callable[[Connection], T]) -> T:
        assert self.process is not None
        await self.process.moment()
        result = await Lab.write(self, work)
        await self.process.moment()
        return result


class Story:
    """A run of a few pairs with a few ships, and a supervisor that starts a ship's process again when it dies."""

    def __init__(self, seed: int, database: Database, rates: Rates, design: Design, **settings: Any) -> None:
        self.chance = Random(seed)
        self.tale = Tale(seed)
        self.fate = Fate(self.chance, rates, self.tale)
        self.rig = Rig(database, ships=self.chance.randint(1, 3), rate_limit=False, seed=seed % 7, **settings)
        self.run = self._begin(design)
        self._late: set[Any] = set()
        self._lives: set[asyncio.Task[None]] = set()

    def tell(self) -> Tale:
        self.rig.clock.run(self._live())
        self._judge()
        return self.tale

    def _begin(self, design: Design, **how: Any) -> ExperimentRun:
        pairs, seed = self._pairs(), self.tale.seed
        menus = None if design.is_literal else {pair.pair_id: self._menu(pair, design, seed) for pair in pairs}
        return self.rig.queue(pairs, design, menus=menus, **how)

    def _pairs(self) -> list[MarketPair]:
        """Two to four pairs that often share a listing."""
        good = self.chance.choice(self.rig.goods())
        other = self.chance.choice(self.rig.goods())
        candidates = self.rig.pairs(12, good) + self.rig.pairs(6, other)
        return list(dict.fromkeys(self.chance.sample(candidates, self.chance.randint(2, 4))))

    def _menu(self, pair: MarketPair, design: Design, seed: int) -> Menu:
        listings = [self.rig.universe.home.markets[m].listings for m in (pair.buy_market, pair.sell_market)]
        source, target = (make_good(trade_volume=found[pair.good_symbol].trade_volume) for found in listings)
        menu = visit_menu(design, seed, 0, source, target, self.rig.ship().capacity)
        return replace(menu, highest_ask=None, lowest_bid=None)

    async def _live(self) -> None:
        for ship in self.rig.fleet:
            self._start(ship, 0.0)
        while self._lives:
            await asyncio.wait(self._lives, return_when=asyncio.FIRST_COMPLETED)
        while self._late:
            await asyncio.wait(self._late)

    def _start(self, ship: str, after: float) -> None:
        task = asyncio.ensure_future(self._life(ship, after))
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)

    async def _life(self, ship: str, after: float) -> None:
        """One process from its start to its end; a killed one is started again after a while."""
        await asyncio.sleep(after)
        process = Process(self.fate, on_freeze=lambda: self._start(ship, self.chance.uniform(0, TIMES.lease)))
        wire = Wire(self.rig.wire, process, self.fate, self._late)
        try:
            async with (
                open_game(
                    BASE_URL, self.rig.token, self.rig.clock, transport=wire, chance=Random(self.tale.seed)
                ) as game,
                open_lab(game, self.rig.database, TIMES, make_thread=AtOnce) as lab,
            ):
                await self._worker(mortal(lab, process), ship).work()
        except (Killed, GameUnreachable):
            self._start(ship, self.chance.uniform(0, 2 * TIMES.lease))

    def _worker(self, lab: Lab, ship: str) -> ShipWorker:
        owner = f"{self.chance.getrandbits(64):x}"
        command = ShipExperimentWorkerCommand(self.run.run_id, ship)
        return ShipWorker(lab, self.run, command, asyncio.Event(), Pulse(lab), owner=owner)

    def _judge(self) -> None:
        self.tale.pairs.update(self.rig.counts(self.run))
        self.tale.conflicts = len(self.rig.rows("SELECT 1 FROM experiment_intents WHERE state = 'CONFLICT'"))
        self.tale.violations += violations(self.rig, self.run)


def mortal(lab: Lab, process: Process) -> Lab:
    """The lab, in a process that may die or freeze at any use of it."""

    async def pass_by(point: Point) -> None:
        await process.moment()
        if point is Point.INTENDED:
            await process.stall()

    values = {name: getattr(lab, name) for name in Lab.__dataclass_fields__}
    return MortalLab(**values | {"pass_by": pass_by, "process": process, "chance": Random(0)})


def tell(seed: int, database: Database, rates: Rates = Rates(), design: Design = DESIGN) -> Tale:
    """Play one story on an empty database."""
    return Story(seed, database, rates, design).tell()


@contextmanager
def fresh_databases() -> Iterator[Callable[[], Database]]:
    """Makes empty SQLite databases by copying one; all are gone at the end."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        template = Path(folder) / "template.db"
        open_database(path=template, durable=False).close()
        counter = iter(range(1 << 30))

        def make() -> Database:
            path = Path(folder) / f"{next(counter)}.db"
            shutil.copy(template, path)
            return open_database(path=path, durable=False)

        yield make


@contextmanager
def fresh_postgres() -> Iterator[Callable[[], Database]]:
    """Makes empty databases on a server of its own by copying one; each is gone when the next is made."""
    with running_server() as server, server.database() as template, ExitStack() as last:
        open_database(template).close()
        name = template.partition("@/")[2].partition("?")[0]

        def make() -> Database:
            last.close()
            return open_database(last.enter_context(server.database(name)), durable=False)

        yield make


def play_seeds(tell: Callable[[int, Database], Tale], module: str) -> int:
    """Play the seeds named on the command line; returns 1 when anything was broken."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int, nargs="?")
    parser.add_argument("--postgres", action="store_true", help="on a throw-away PostgreSQL server instead of SQLite")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    faults: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    broken = 0
    with (fresh_postgres if arguments.postgres else fresh_databases)() as make:
        for seed in range(arguments.first, (arguments.last or arguments.first) + 1):
            database = make()
            tale = tell(seed, database)
            database.close()
            faults += tale.faults
            pairs += tale.pairs
            broken += bool(tale.violations)
            for violation in tale.violations:
                print(f"seed {seed}: {violation}   (again: python -m {module} {seed})", flush=True)
    print(f"runs with a violation: {broken}; faults: {dict(faults)}; pairs: {dict(pairs)}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(play_seeds(tell, "tests.guarantees.simulation"))
