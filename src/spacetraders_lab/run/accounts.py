"""The accounts that this machine holds tokens of: for each player one line to the game, with its own limiter.

Tokens stay on the machine they were given to; a player without one here is left to the other machines.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from sqlalchemy import Connection

from spacetraders_lab.core.errors import LabError, TokenRefused, UniverseReset, UserError, WorldCondition
from spacetraders_lab.run.app import Lab, LeaseTimes, Memory, open_game, open_lab
from spacetraders_lab.run.credentials import Agents, Universe, account_of, load_tokens
from spacetraders_lab.run.suspend import put_on_record
from spacetraders_lab.store.containers import Waiting
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0  # between two tries to open an account that does not open


class _NotTheirs(LabError):
    """The token is good, and another agent's."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Tokens as this machine has them: those of the user's files, read anew each time, and one given for an address.

    Whose the latter is, only the game can tell.
    """

    folder: Path
    given: Mapping[str, str] = field(default_factory=dict, repr=False)  # base URL -> token

    def for_player(self, player: Waiting) -> list[str]:
        """The tokens that may be the player's, the surest first."""
        given = self.given.get(Universe(player.server, player.reset_date).base_url)
        return [token for token in (self.kept_for(player), given) if token]

    def kept_for(self, player: Waiting) -> str | None:
        """The token that is kept as the player's own, if there is one."""
        return self._kept().get(Universe(player.server, player.reset_date), {}).get(player.agent_symbol)

    def fingerprints(self, salt: str) -> tuple[str, ...]:
        """What tells whether a token is among these, to who has the token."""
        kept = [token for agents in self._kept().values() for token in agents.values()]
        return tuple(sorted(fingerprint(token, salt) for token in {*kept, *self.given.values()}))

    def _kept(self) -> Mapping[Universe, Agents]:
        try:
            return load_tokens(self.folder)
        except UserError as error:  # a file that is being mended; the next look reads it anew
            log.warning("%s", error)
            return {}


def fingerprint(token: str, salt: str) -> str:
    """A number that a token leads to, and that leads to no token."""
    return hashlib.sha256(f"{salt}:{token}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Account:
    lab: Lab
    token: str = field(repr=False)


class Accounts:
    """Opens accounts in the background, as they are asked for, and keeps them open until `close`.

    `equip` may give a lab what its runs need beside the game and the database.
    """

    def __init__(
        self,
        memory: Memory,
        keys: Keys,
        times: LeaseTimes,
        *,
        rate_share: float = 1.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        chance: Random | None = None,
        equip: Callable[[Lab], Lab] = lambda lab: lab,
    ) -> None:
        self._memory, self._clock, self.keys, self._times = memory, memory.clock, keys, times
        self._rate_share, self._equip = rate_share, equip
        self._transport, self._chance = transport, chance or Random()
        self._accounts: dict[int, _Account] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._shut: dict[tuple[int, str], float] = {}  # (player, token) -> when to try again
        self._unfit: set[tuple[int, str]] = set()  # of those that were given: that was said
        self._without_token: set[int] = set()  # players of whom that was said
        self._stack = AsyncExitStack()

    @property
    def labs(self) -> list[Lab]:
        """The accounts that are open."""
        return [account.lab for account in list(self._accounts.values())]  # asked by a thread of its own too

    def ready(self, players: Sequence[Waiting]) -> dict[int, Lab]:
        """Those of the players who can fly now; the others are being seen to."""
        ready = {}
        for player in players:
            tokens = self.keys.for_player(player)
            account = self._accounts.get(player.player_id)
            if account is not None and account.token in tokens:
                ready[player.player_id] = account.lab
            elif player.player_id not in self._opening:
                self._try_to_open(player, tokens)
        return ready

    async def close(self) -> None:
        """Hang up."""
        for task in self._opening.values():
            task.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        await self._stack.aclose()

    def _try_to_open(self, player: Waiting, tokens: Sequence[str]) -> None:
        if not tokens and player.player_id not in self._without_token:
            self._without_token.add(player.player_id)
            log.info(
                "ships of %s at %s wait for a daemon with its token; this machine has none: spacetraders player add",
                player.agent_symbol,
                player.server,
            )
        now = self._clock.monotonic()
        due = [token for token in tokens if self._shut.get((player.player_id, token), 0.0) <= now]
        if due:
            self._opening[player.player_id] = asyncio.create_task(self._open(player, due[0]))

    async def _open(self, player: Waiting, token: str) -> None:
        log.info("asking %s for %s; a game in trouble may take a minute", player.server, player.agent_symbol)
        try:
            async with AsyncExitStack() as stack:
                lab = await self._enter(stack, player, token)
                self._stack.push_async_exit(stack.pop_all())
            self._accounts[player.player_id] = _Account(lab, token)
            log.info("%s can play at %s", player.agent_symbol, player.server)
        except LabError as error:
            self._shut[player.player_id, token] = self._clock.monotonic() + RETRY_SECONDS
            await self._judge(player, token, error)
        finally:
            del self._opening[player.player_id]

    async def _enter(self, stack: AsyncExitStack, player: Waiting, token: str) -> Lab:
        base_url = Universe(player.server, player.reset_date).base_url
        how: dict[str, Any] = {"transport": self._transport, "chance": self._chance, "rate_share": self._rate_share}
        game = await stack.enter_async_context(open_game(base_url, token, self._clock, **how))
        thread = self._memory.thread
        account = account_of(base_url, token) if self._rate_share == 1 else None
        opened = open_lab(
            game, self._memory.database, self._times, make_thread=lambda: nullcontext(thread), account=account
        )
        lab = await stack.enter_async_context(opened)
        if lab.player_id == player.player_id:
            return self._equip(replace(lab, chance=self._chance))
        if token != self.keys.kept_for(player):
            raise _NotTheirs("the token is another agent's")
        raise UniverseReset("the universe of this agent was reset")

    async def _judge(self, player: Waiting, token: str, error: LabError) -> None:
        """Say why the account did not open, and tell the player's runs where it is the player who cannot play.

        Only a token that is kept as the player's own says that. One that was given may be anybody's: that of an agent
        who is gone says nothing of the others who wait, whom another machine may be flying for.
        """
        is_own = token == self.keys.kept_for(player)
        if is_own or not isinstance(error, TokenRefused | UniverseReset | _NotTheirs):
            log.warning("%s cannot play at %s: %s", player.agent_symbol, player.server, error)
        elif (player.player_id, token) not in self._unfit:
            self._unfit.add((player.player_id, token))
            log.warning(
                "%s cannot play at %s with the token in SPACETRADERS_TOKEN: start the daemon with the agent's own or"
                " without any, or keep the agent's own with `spacetraders player add` (%s)",
                player.agent_symbol,
                player.server,
                error,
            )
        if is_own and isinstance(error, TokenRefused | UniverseReset):
            await self._tell_runs(player, error)

    async def _tell_runs(self, player: Waiting, condition: WorldCondition) -> None:
        """Nobody flies for this player until the user has seen to it: its runs wait, with the reason."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            for run in ExperimentRepository(connection).list_runs():
                if run.player_id == player.player_id:
                    put_on_record(connection, run.run_id, condition, met_at=now, now=now)

        with suppress(DatabaseUnavailable):  # then it is said after the next try
            await self._memory.write(work)


class OneAccount:
    """The account of a command that has opened it itself."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def ready(self, players: Sequence[Waiting]) -> dict[int, Lab]:
        """The account, if it is among the players."""
        return {player.player_id: self._lab for player in players if player.player_id == self._lab.player_id}
