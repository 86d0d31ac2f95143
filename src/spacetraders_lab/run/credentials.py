"""Where tokens live: files that only the user can read, one for each universe of each server. Tokens go nowhere else.

A token is good for one universe, so those of another are kept apart and never taken for the present one's.
"""

import base64
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from spacetraders_lab.core.errors import UniverseReset, UserError

Agents = dict[str, str]  # agent symbol -> token


class Universe(NamedTuple):
    """What a token is good for: a server, as the game's status names it, from one reset to the next."""

    server: str
    reset_date: str

    @property
    def base_url(self) -> str:
        """The address where it is, or was, to be found."""
        return self.server.partition("#")[0]

    def is_at(self, base_url: str) -> bool:
        """Whether this is, or was, to be found at the address."""
        return self.base_url == base_url


def tokens_path(environment: Mapping[str, str]) -> Path:
    """The folder of the user's token files."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "spacetraders-lab" / "tokens"


def load_tokens(folder: Path, base_url: str | None = None) -> dict[Universe, Agents]:
    """The stored tokens (of one address), those of the latest universe last; none when there is no folder.

    Raises UserError for a file that others can read or that holds something else.
    """
    found = {_universe_of(path): path for path in folder.glob("*/*.json")}
    wanted = sorted(u for u in found if base_url is None or u.is_at(base_url))
    return {universe: agents for universe in wanted if (agents := _read(found[universe]))}


def save_token(folder: Path, universe: Universe, agent: str, token: str) -> Path:
    """Add or replace one agent's token; the file, which is returned, is at no moment readable by others."""
    path = _path(folder, universe)
    agents = _read(path) if path.exists() else {}
    _write(path, agents | {agent: token})
    return path


def remove_token(folder: Path, base_url: str, agent: str, reset_date: str | None = None) -> Universe:
    """Forget one agent's token at an address, and say of which universe it was.

    Raises UserError when there is none, and when there are several and no `reset_date` says which.
    """
    kept = load_tokens(folder, base_url)
    holding = [u for u, agents in kept.items() if agent in agents and reset_date in (None, u.reset_date)]
    if not holding:
        names = sorted({name for agents in kept.values() for name in agents})
        there = f"there are those of {', '.join(names)}" if names else "there are none"
        of = f" of the universe of {reset_date}" if reset_date else ""
        raise UserError(f"no token of {agent} is kept for {base_url}{of}; {there}")
    if len({u.reset_date for u in holding}) > 1:
        dates = " and ".join(universe.reset_date for universe in holding)
        raise UserError(f"tokens of {agent} are kept for the universes of {dates}; say which with --universe")
    for universe in holding:
        _write(_path(folder, universe), {name: token for name, token in kept[universe].items() if name != agent})
    return holding[-1]


async def find_token(environment: Mapping[str, str], base_url: str, which: Callable[[], Awaitable[Universe]]) -> str:
    """The token to use: SPACETRADERS_TOKEN, else that of the only agent stored for the universe at the address.

    `which` asks what universe that is; it is called only where tokens of more than one are stored. Raises UserError
    when there is no token or more than one, UniverseReset when all of them are of universes that are over.
    """
    if token := environment.get("SPACETRADERS_TOKEN"):
        return token
    kept = load_tokens(tokens_path(environment), base_url)
    if not kept:
        raise UserError(
            "no token: set SPACETRADERS_TOKEN, or store one with `spacetraders player add`, "
            "or make a new agent with `spacetraders player register`"
        )
    here = next(iter(kept)) if len(kept) == 1 else await which()
    if here not in kept:
        dates = ", ".join(sorted({universe.reset_date for universe in kept}))
        raise UniverseReset(
            f"no token is stored for the universe of {here.reset_date} that {base_url} now plays, only of universes "
            f"that are over ({dates}): make a new agent with `spacetraders player register`"
        )
    if len(agents := kept[here]) > 1:
        raise UserError(f"several agents are stored for this server ({', '.join(agents)}); set SPACETRADERS_TOKEN")
    return next(iter(agents.values()))


def _path(folder: Path, universe: Universe) -> Path:
    return folder / quote(universe.server, safe="") / f"{quote(universe.reset_date, safe='')}.json"


def _universe_of(path: Path) -> Universe:
    return Universe(unquote(path.parent.name), unquote(path.stem))


def _read(path: Path) -> Agents:
    if path.stat().st_mode & 0o077:
        raise UserError(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
    try:
        kept = json.loads(path.read_text())
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(token, str) for token in kept.values()):
        raise UserError(f"{path} is no JSON of agents and their tokens; mend it or remove it and add your agents again")
    return kept


def account_of(base_url: str, token: str) -> str:
    """What programs that use one account call it: the server and the agent; tokens that do not say are taken for one.

    The game allows an account one agent.
    """
    return " ".join(filter(None, (base_url, _claim(token, "identifier"))))


def _claim(token: str, name: str) -> str | None:
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return None
    value = claims.get(name) if isinstance(claims, dict) else None
    return value if isinstance(value, str) else None


def _write(path: Path, agents: Agents) -> None:
    """Put the file in place whole; one without agents goes away."""
    if not agents:
        path.unlink()
        return
    for folder in (path.parent.parent.parent, path.parent.parent, path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(agents, file, indent=1)
    draft.replace(path)
