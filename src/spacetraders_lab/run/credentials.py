"""Where tokens live: one file that only the user can read, by server and agent. Tokens go nowhere else.

A token names the universe it is good for, so one of an earlier universe is known without asking the game.
"""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

from spacetraders_lab.core.errors import UserError

Tokens = dict[str, dict[str, str]]  # base URL -> agent symbol -> token


def tokens_path(environment: Mapping[str, str]) -> Path:
    """The user's token file."""
    home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "spacetraders-lab" / "tokens.json"


def load_tokens(path: Path) -> Tokens:
    """All stored tokens; none when there is no file. Raises UserError for a file others can read or that is no JSON."""
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o077:
        raise UserError(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
    try:
        return dict(json.loads(path.read_text()))
    except ValueError:
        raise UserError(f"{path} is not readable as JSON; mend it or remove it and add your agents again") from None


def save_token(path: Path, base_url: str, agent: str, token: str) -> None:
    """Add or replace one agent's token; the file is never, not even for a moment, readable by others."""
    tokens = load_tokens(path)
    tokens.setdefault(base_url, {})[agent] = token
    _write(path, tokens)


def remove_token(path: Path, base_url: str, agent: str) -> None:
    """Forget one agent's token; raises UserError when there is none."""
    tokens = load_tokens(path)
    agents = tokens.get(base_url, {})
    if agent not in agents:
        kept = f"there are those of {', '.join(sorted(agents))}" if agents else "there are none"
        raise UserError(f"no token of {agent} is kept for {base_url}; {kept}")
    del agents[agent]
    _write(path, {url: kept for url, kept in tokens.items() if kept})


def reset_date_of(token: str) -> str | None:
    """The reset date of the universe that an agent's token is good for; None for what does not say."""
    return _claim(token, "reset_date")


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


def _write(path: Path, tokens: Tokens) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(tokens, file, indent=1)
    draft.replace(path)


def find_token(environment: Mapping[str, str], base_url: str) -> str:
    """The token to use: SPACETRADERS_TOKEN, else the only agent stored for the server.

    Raises UserError when there is none or more than one.
    """
    if token := environment.get("SPACETRADERS_TOKEN"):
        return token
    agents = load_tokens(tokens_path(environment)).get(base_url, {})
    if not agents:
        raise UserError(
            "no token: set SPACETRADERS_TOKEN, or store one with `spacetraders player add`, "
            "or make a new agent with `spacetraders player register`"
        )
    if len(agents) > 1:
        raise UserError(f"several agents are stored for this server ({', '.join(agents)}); set SPACETRADERS_TOKEN")
    return next(iter(agents.values()))
