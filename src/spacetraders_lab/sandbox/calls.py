"""What a handler gets and gives: a parsed request, the checks of its parameters and body, pages and endpoints."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from starlette.datastructures import QueryParams

from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox import refusals
from spacetraders_lab.sandbox.bodies import Body, read_body
from spacetraders_lab.sandbox.factions import contract
from spacetraders_lab.sandbox.generate import System
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe

_WHOLE = re.compile(r"-?[0-9]{1,20}")


class Access(Enum):
    """Which token a request needs."""

    OPEN = "open"  # none, an agent's is welcome
    AGENT = "agent"
    ACCOUNT = "account"  # only registration


@dataclass(slots=True)
class Page:
    """A page of a list with the figures about the whole."""

    data: list[Any]
    meta: dict[str, int]


@dataclass(slots=True)
class Call:
    """One request, authenticated and admitted."""

    universe: Universe
    now: datetime
    agent: Agent | None
    path: Mapping[str, str]
    query: QueryParams
    body: bytes
    token: str | None

    @property
    def player(self) -> Agent:
        """The agent that asks; only for endpoints that need one."""
        if self.agent is None:
            raise refusals.missing_token()
        return self.agent

    def ship(self) -> ShipState:
        """The own ship named in the path."""
        return self.universe.ship(self.player, self.path["ship"], self.now)

    def place(self) -> tuple[System, Waypoint]:
        """The waypoint named in the path, with its system."""
        return self.universe.place(self.path["system"], self.path["waypoint"])

    def contract(self) -> dict[str, Any]:
        """The own contract named in the path."""
        found = contract(self.universe, self.player)
        if found["id"] != self.path["contract"]:
            raise refusals.not_found(f"Contract {self.path['contract']}")
        return found

    def parse(self, shape: type[Body]) -> Body:
        """The body in the given shape; raises 422 for anything else."""
        return read_body(self.body, shape)

    def parse_optional(self, shape: type[Body]) -> Body:
        """As `parse`, where no body at all means all defaults."""
        return self.parse(shape) if self.body.strip() else shape()

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from the query; raises 422 outside its bounds."""
        text = self.query.get(name)
        if text is None:
            return default
        if not _WHOLE.fullmatch(text):
            raise refusals.invalid_input((name,), f"Expected a number, received {text!r}.")
        value = int(text)
        if not low <= value <= high:
            code = "too_small" if value < low else "too_big"
            raise refusals.invalid_input((name,), f"Number must be from {low} to {high}.", code)
        return value

    def choice(self, name: str, known: frozenset[str]) -> str | None:
        """The value of a parameter that may be given once; raises 422 for more, and as `choices`."""
        if len(self.query.getlist(name)) > 1:
            raise refusals.invalid_input((name,), "Expected one value, received several.")
        return next(iter(self.choices(name, known)), None)

    def choices(self, name: str, known: frozenset[str]) -> set[str]:
        """The values of a parameter that may be repeated; raises 422 for one that the game does not know."""
        values = set(self.query.getlist(name))
        if not values <= known:
            message = f"Invalid enum value, received {min(values - known)!r}."
            raise refusals.invalid_input((name,), message, "invalid_enum_value")
        return values

    def page(self, items: Sequence[Any], show: Callable[[Any], Any]) -> Page:
        """The page that the query asks for; an empty one past the end. Only its items are rendered."""
        page = self.number("page", 1, 1, 2**53)
        limit = self.number("limit", 10, 1, 20)
        chosen = items[(page - 1) * limit : page * limit]
        return Page([show(item) for item in chosen], {"total": len(items), "page": page, "limit": limit})


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API: what a handler returns is wrapped in `data` unless `enveloped` is off."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.AGENT
    status: int = 200
    enveloped: bool = True
