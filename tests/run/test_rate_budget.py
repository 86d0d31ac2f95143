"""Programs that share an account agree through the database: the game refuses nobody, and little is left unused."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, event

from spacetraders_lab.core.rate_budget import BURST_SECONDS
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import Lab, open_game, open_lab
from spacetraders_lab.run.credentials import account_of
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.study.rig import BASE_URL, Rig

ALLOWED = 2.5  # requests a second in the long run: 2, and 30 more a minute


async def join(rig: Rig, stack: AsyncExitStack, *, alone: bool = False, rate_share: float = 1.0) -> Lab:
    """One more program, with a client, a limiter and a database thread of its own."""
    account = None if alone else account_of(BASE_URL, rig.token)
    game = await stack.enter_async_context(
        open_game(BASE_URL, rig.token, rig.clock, transport=rig.wire, chance=Random(2), rate_share=rate_share)
    )
    return await stack.enter_async_context(open_lab(game, rig.database, account=account))


async def always_ask(lab: Lab) -> None:
    while True:
        await reads.get_agent(lab.game.client)


async def work_for(rig: Rig, labs: list[Lab], seconds: float) -> int:
    """Let four tasks of each program ask without a pause; returns the requests that were answered meanwhile."""
    begun = len(rig.wire.log)
    asking = asyncio.gather(*(always_ask(lab) for lab in labs for _ in range(4)))
    await asyncio.wait({asking}, timeout=seconds)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return len(rig.wire.log) - begun


def refused(rig: Rig) -> int:
    return sum(exchange.status == 429 for exchange in rig.wire.log)


def saturate(rig: Rig, programs: int, seconds: float, **how: Any) -> int:
    """Let so many programs ask; returns the requests that were answered."""

    async def main() -> int:
        async with AsyncExitStack() as stack:
            return await work_for(rig, [await join(rig, stack, **how) for _ in range(programs)], seconds)

    return rig.clock.run(main())


@contextmanager
def commits(database: Database) -> Iterator[list[None]]:
    """One entry for each commit in the block."""
    found: list[None] = []

    def count(_: Connection) -> None:
        found.append(None)

    event.listen(database._engine, "commit", count)
    yield found
    event.remove(database._engine, "commit", count)


def test_four_programs_with_sixteen_tasks_use_the_limit_and_are_never_refused(database: Database) -> None:
    rig = Rig(database)
    with commits(database) as made:
        sent = saturate(rig, 4, 300)
    assert refused(rig) == 0
    assert sent >= 0.95 * ALLOWED * 300
    assert sent / len(made) > 5, "a commit for a block of requests, not for each"


def test_programs_that_do_not_share_are_refused(database: Database) -> None:
    """So the test above can fail."""
    rig = Rig(database)
    saturate(rig, 2, 40, alone=True)
    assert refused(rig) > 0


def test_two_programs_with_half_a_share_each_are_not_refused_and_need_no_database(database: Database) -> None:
    rig = Rig(database)
    rig.clock.elapsed += 61  # nobody has a share of the request that made the agent
    sent = saturate(rig, 2, 120, alone=True, rate_share=0.5)
    assert refused(rig) == 0
    assert sent >= 0.95 * ALLOWED * 120
    assert rig.rows("SELECT * FROM rate_limit") == []


def test_a_program_that_leaves_returns_its_turn(rig: Rig) -> None:
    """Else every command of the shell would wait for the turn of the one before."""
    saturate(rig, 1, seconds=30)  # the burst pool is empty from now on
    begun = rig.clock.now()
    for _ in range(5):
        saturate(rig, 1, seconds=0)
    assert (rig.clock.now() - begun).total_seconds() < 5 * 1.5


def test_agents_of_different_accounts_have_a_budget_each(rig: Rig) -> None:
    saturate(rig, 1, 1.0)
    other = Rig(rig.database, agent="OTHER")
    saturate(other, 1, 1.0)
    accounts = [row["account"] for row in rig.rows("SELECT account FROM rate_limit")]
    assert sorted(accounts) == [f"{BASE_URL} LAB", f"{BASE_URL} OTHER"]


def test_no_request_leaves_unpromised_while_the_database_is_out_of_reach(rig: Rig) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            lab = await join(rig, stack)
            await rig.clock.sleep(BURST_SECONDS + 1)  # until what was promised so far has ended
            begun = len(rig.wire.log)
            with patch.object(rig.database, "transaction", side_effect=DatabaseUnavailable("gone")):
                with pytest.raises(DatabaseUnavailable):
                    await reads.get_agent(lab.game.client)
                assert len(rig.wire.log) == begun
            await reads.get_agent(lab.game.client)

    rig.clock.run(main())
