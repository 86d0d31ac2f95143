"""`spacetraders player ...`: agents and their tokens. A token is read from a prompt or the environment, never shown."""

import asyncio
import getpass
import os
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import universe_of
from spacetraders_lab.cli.main import EXIT_FAILED, EXIT_OK
from spacetraders_lab.cli.settings import Json, settings
from spacetraders_lab.core.errors import TokenRefused, UniverseReset, UserError
from spacetraders_lab.game import reads
from spacetraders_lab.game.parse import Status
from spacetraders_lab.run.app import open_game
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.credentials import Universe, load_tokens, remove_token, save_token, tokens_path

_NO_ACCOUNT = (
    "no account token: set SPACETRADERS_ACCOUNT_TOKEN (the game's web site gives you one; a sandbox takes any)"
)
_ACCOUNT_REFUSED = "the game refused the token in SPACETRADERS_ACCOUNT_TOKEN: it is to be the account's, not an agent's"


def register(symbol: str, *, faction: str = "COSMIC") -> None:
    """Make a new agent with your account's token (SPACETRADERS_ACCOUNT_TOKEN) and keep the agent's token.

    Parameters
    ----------
    symbol:
        The agent's call sign: 3 to 14 letters, digits or dashes.
    faction:
        The faction to start with.
    """
    chosen = settings()
    account = os.environ.get("SPACETRADERS_ACCOUNT_TOKEN") or None

    async def go() -> tuple[Universe, str]:
        async with open_game(chosen.base_url, None, SystemClock()) as game:
            universe = universe_of(game, await reads.get_status(game.client))
            return universe, (await reads.register(game.client, symbol.upper(), faction.upper(), account)).token

    try:
        universe, token = asyncio.run(go())
    except TokenRefused as refused:
        remedy = _ACCOUNT_REFUSED if account else _NO_ACCOUNT
        raise UserError(f"{remedy} (the game said: {refused})") from refused
    path = save_token(tokens_path(os.environ), universe, symbol.upper(), token)
    print(f"Registered {symbol.upper()} at {chosen.base_url}; its token is stored in {path}")


def add() -> None:
    """Keep the token of an agent you have: from SPACETRADERS_TOKEN, from standard input, or typed in."""
    chosen = settings()
    token = os.environ.get("SPACETRADERS_TOKEN") or _read_token()
    if not token:
        raise UserError("no token given")

    async def whose() -> tuple[Universe, str]:
        async with open_game(chosen.base_url, token, SystemClock()) as game:
            universe = universe_of(game, await reads.get_status(game.client))
            return universe, (await reads.get_agent(game.client)).symbol

    try:
        universe, agent = asyncio.run(whose())
    except (TokenRefused, UniverseReset) as refused:
        raise UserError(
            f"the game refuses this token, so it was not stored: {refused}; enter the agent's whole token, or register"
            " a new agent: spacetraders player register <CALL SIGN>"
        ) from refused
    path = save_token(tokens_path(os.environ), universe, agent, token)
    print(f"Added {agent} at {chosen.base_url}; its token is stored in {path}")


def list_players(*, json: Json = False) -> None:
    """List the agents whose tokens are kept."""
    tokens = load_tokens(tokens_path(os.environ))
    rows = [(agent, universe.reset_date, universe.server) for universe in tokens for agent in sorted(tokens[universe])]
    if json:
        render.print_json([{"agent": a, "reset_date": date, "base_url": server} for a, date, server in rows])
    else:
        missing = "No token is stored; `player add` stores one, `player register` makes a new agent."
        render.print_table(["agent", "universe of", "server"], rows, if_empty=missing)


def remove(agent: str, *, universe: str | None = None) -> None:
    """Forget the token of an agent; the agent itself lives on.

    Parameters
    ----------
    agent:
        The agent's call sign.
    universe:
        Reset date of the universe, if tokens of several are stored.
    """
    chosen = settings()
    removed = remove_token(tokens_path(os.environ), chosen.base_url, agent.upper(), universe)
    print(f"Removed the token of {agent.upper()} at {chosen.base_url}, universe of {removed.reset_date}")


def status(*, json: Json = False) -> int:
    """Show what every agent has, and how long the universe will last.

    SPACETRADERS_TOKEN, when it is set, is asked for alone.
    """
    chosen, clock = settings(), SystemClock()
    given = os.environ.get("SPACETRADERS_TOKEN")
    kept = {} if given else load_tokens(tokens_path(os.environ), chosen.base_url)

    async def ask() -> tuple[Status, list[Standing]]:
        async with open_game(chosen.base_url, None, clock) as game:
            universe = await reads.get_status(game.client)
            here = universe_of(game, universe)
        asked = {"": given} if given else kept.get(here, {})
        past = [_past(agent, u) for u, agents in kept.items() if u != here for agent in agents if agent not in asked]
        return universe, past + [await _standing(chosen.base_url, agent, token) for agent, token in asked.items()]

    universe, standings = asyncio.run(ask())
    ends = universe.ends_at
    left = None if ends is None else max(timedelta(0), ends - clock.now())
    if json:
        about = {"reset_date": universe.reset_date, "next_reset": ends}
        hours = None if left is None else round(left.total_seconds() / 3600, 2)
        render.print_json(about | {"hours_left": hours, "agents": [asdict(standing) for standing in standings]})
    else:
        print(f"Universe of {universe.reset_date} at {chosen.base_url}")
        when = "at an unknown time" if left is None else f"{ends:%Y-%m-%d %H:%M} UTC, in {_words(left)}"
        print(f"Next reset {when}\n")
        rows = [(x.agent, None if x.credits is None else f"{x.credits:,}", x.ships, x.note) for x in standings]
        render.print_table(["agent", "credits", "ships", ""], rows, right=["credits", "ships"])
    return EXIT_FAILED if any(standing.note for standing in standings) else EXIT_OK


@dataclass(frozen=True, slots=True)
class Standing:
    """What an agent has; `note` says why it cannot be told."""

    agent: str
    credits: int | None = None
    ships: int | None = None
    note: str | None = None


def _past(name: str, universe: Universe) -> Standing:
    return Standing(name, note=f"token of the universe of {universe.reset_date}, which is over; register again")


async def _standing(base_url: str, name: str, token: str) -> Standing:
    async with open_game(base_url, token, SystemClock()) as game:
        try:
            agent = await reads.get_agent(game.client)
        except UniverseReset:
            return Standing(name, note="token of an earlier universe; register again")
        except TokenRefused:
            return Standing(name, note="the game refuses the token; add a new one")
    return Standing(agent.symbol, agent.credits, agent.ship_count)


def _words(left: timedelta) -> str:
    hours, minutes = divmod(int(left.total_seconds()) // 60, 60)
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if days else f"{hours} h {minutes} min"


def _read_token() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Token: ").strip()
    return sys.stdin.readline().strip()
