"""Agents and their tokens: registration, and who a bearer token speaks for."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe


def register(universe: Universe, symbol: str, faction: str, now: datetime) -> tuple[Agent, list[ShipState]]:
    """A new agent with its first ships at headquarters; raises 4111 when the symbol is taken."""
    symbol = symbol.upper()
    if symbol in universe.agents:
        raise refusals.symbol_taken(symbol)
    home = universe.home
    digest = hashlib.sha256(f"{universe.secret}:{symbol}".encode()).hexdigest()
    agent = Agent(
        symbol=symbol,
        account_id=f"cm{digest[:23]}",
        faction=faction,
        headquarters=home.headquarters,
        credits=universe.settings.credits,
        token=agent_token(universe, symbol),
        registered=now,
    )
    universe.agents[symbol] = agent
    universe.fleets[symbol] = {}
    yard = next(iter(home.shipyards), home.headquarters)
    ships = []
    for kind in universe.settings.ships:
        at = yard if kind == "SHIP_PROBE" else home.headquarters
        ships.append(universe.add_ship(agent, kind, home.waypoints[at], now))
        universe.note("REGISTER", ships[-1], now)
    return agent, ships


def agent_token(universe: Universe, symbol: str) -> str:
    """A token of JWT shape that carries agent and reset date, signed with the universe's secret."""
    claims = {
        "identifier": symbol,
        "version": "v2.3.0",
        "reset_date": universe.reset_date,
        "iat": int(universe.start.timestamp()),
        "sub": "agent-token",
    }
    head = _segment({"alg": "HS256", "typ": "JWT"})
    body = f"{head}.{_segment(claims)}"
    return f"{body}.{_signature(universe.secret, body)}"


def agent_of(universe: Universe, token: str) -> Agent:
    """The agent a token speaks for.

    Raises 4104 for what is no token, 4114 for another kind of token, 4113 for one of an earlier universe, 4115 for
    one that this universe did not sign.
    """
    claims = token_claims(token) or {}
    kind = claims.get("sub")
    if not kind or not isinstance(kind, str):
        raise refusals.malformed_token()
    if kind != "agent-token":
        raise refusals.wrong_token_kind("agent", kind.removesuffix("-token"))
    actual = str(claims.get("reset_date", ""))
    if actual != universe.reset_date:
        raise refusals.token_of_another_universe(universe.reset_date, actual)
    agent = universe.agents.get(str(claims.get("identifier", "")))
    if agent is None or not hmac.compare_digest(agent.token.encode(), token.encode()):
        raise refusals.invalid_token()
    return agent


@lru_cache(maxsize=256)  # whoever plays shows the same token with every request
def token_claims(token: str) -> dict[str, Any] | None:
    """What a token of JWT shape says, None when it has another shape; kept, so not to be changed."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _segment(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _signature(secret: str, body: str) -> str:
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
