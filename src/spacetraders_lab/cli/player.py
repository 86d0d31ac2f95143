"""`spacetraders player ...`: agents and their tokens. A token is read from a prompt or the environment, never shown."""

import asyncio
import getpass
import os
import sys

from spacetraders_lab.cli import render
from spacetraders_lab.cli.context import Json, settings
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.game import reads
from spacetraders_lab.run.app import open_game
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.run.credentials import load_tokens, save_token, tokens_path


def register(symbol: str, *, faction: str = "COSMIC") -> None:
    """Make a new agent with your account's token (SPACETRADERS_ACCOUNT_TOKEN) and keep the agent's token.

    Parameters
    ----------
    symbol:
        The agent's call sign, 3 to 14 letters, digits or dashes.
    faction:
        The faction it starts with.
    """
    chosen = settings()
    account = os.environ.get("SPACETRADERS_ACCOUNT_TOKEN")

    async def go() -> str:
        async with open_game(chosen.base_url, None, SystemClock()) as game:
            return (await reads.register(game.client, symbol.upper(), faction.upper(), account)).token

    token = asyncio.run(go())
    path = tokens_path(os.environ)
    save_token(path, chosen.base_url, symbol.upper(), token)
    print(f"Registered {symbol.upper()} at {chosen.base_url}; its token is kept in {path}")


def add() -> None:
    """Keep the token of an agent you have: from SPACETRADERS_TOKEN, from standard input, or typed in."""
    chosen = settings()
    token = os.environ.get("SPACETRADERS_TOKEN") or _read_token()
    if not token:
        raise UserError("no token given")

    async def whose() -> str:
        async with open_game(chosen.base_url, token, SystemClock()) as game:
            return (await reads.get_agent(game.client)).symbol

    agent = asyncio.run(whose())
    path = tokens_path(os.environ)
    save_token(path, chosen.base_url, agent, token)
    print(f"Added {agent} at {chosen.base_url}; its token is kept in {path}")


def list_players(*, json: Json = False) -> None:
    """List the agents whose tokens are kept."""
    tokens = load_tokens(tokens_path(os.environ))
    rows = [(agent, url) for url, agents in sorted(tokens.items()) for agent in sorted(agents)]
    if json:
        render.print_json([{"agent": agent, "base_url": url} for agent, url in rows])
    else:
        render.print_table(["agent", "server"], rows)


def _read_token() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Token: ").strip()
    return sys.stdin.readline().strip()
