"""Reads a list of the game's to its end, page by page. Knows nothing of what is in it but that each has a symbol.

An entry that the game cannot show, or that makes no sense, hides no other. It is left out, and the log says so.
"""

import logging
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec

from spacetraders_lab.core.errors import GameError, GameUnreachable
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.parse import Page
from spacetraders_lab.game.refusals import UNSHOWABLE

log = logging.getLogger(__name__)

_PAGE = 20  # the most that the game gives at once
_SMALLER = {_PAGE: 5, 5: 1}  # pages that are asked for instead of one that the game cannot show
_READINGS = 3  # of a list that changes while it is read


class _Listed(Protocol):
    @property
    def symbol(self) -> str: ...


L = TypeVar("L", bound=_Listed)


@dataclass(slots=True)
class _Part(Generic[L]):
    """A stretch of a list. What is left out has its place there all the same; `total` is of the whole list, if told."""

    entries: list[L] = field(default_factory=list)
    left_out: int = 0
    total: int | None = None

    @property
    def length(self) -> int:
        return len(self.entries) + self.left_out

    def add(self, other: "_Part[L]") -> None:
        self.entries += other.entries
        self.left_out += other.left_out
        self.total = self.total if other.total is None else other.total


async def read_list(client: GameClient, shape: type[L], template: str, **places: str) -> list[L]:
    """Every entry of a list, each once. A list that changes under the reader is read again, a few times at most."""
    pages, found = _Pages(client, shape, template, places), dict[str, L]()
    for _ in range(_READINGS):
        whole, totals, page = _Part[L](), set[int | None](), 1
        found = {}
        while True:
            part = await pages.read(page, _PAGE)
            whole.add(part)
            known = len(found)
            found |= {entry.symbol: entry for entry in part.entries}
            totals.add(part.total)
            is_complete = part.total is not None and whole.length >= part.total
            if is_complete or (len(found) == known and not part.left_out):
                break
            page += 1
        if totals <= {len(found) + whole.left_out, None}:
            break
    return list(found.values())


class _Pages(Generic[L]):
    """The pages of a list."""

    def __init__(self, client: GameClient, shape: type[L], template: str, places: dict[str, str]) -> None:
        self._client, self._template, self._places = client, template, places
        self._decoder = msgspec.json.Decoder(shape, strict=False)

    async def read(self, page: int, limit: int) -> _Part[L]:
        """A page; one that the game cannot show in smaller ones, for it is a single entry that spoils it."""
        query = {"page": page, "limit": limit}
        try:
            reply = await self._client.get(Page[msgspec.Raw], self._template, query=query, **self._places)
        except GameUnreachable as error:
            if error.code != UNSHOWABLE:
                raise
            if limit == 1:
                self._leave_out(
                    f"number {page}", f"the game cannot show it (HTTP {error.http_status}, code {UNSHOWABLE})"
                )
                return _Part(left_out=1)
            return await self._in_pieces(page, limit, error)
        return self._decoded(reply)

    async def _in_pieces(self, page: int, limit: int, error: GameUnreachable) -> _Part[L]:
        whole, size = _Part[L](), _SMALLER[limit]
        pieces = limit // size
        for piece in range((page - 1) * pieces + 1, page * pieces + 1):
            if whole.total is not None and (piece - 1) * size >= whole.total:
                break
            whole.add(await self.read(piece, size))
        if whole.total is None:  # not one of them could be shown: it is the game that is broken
            raise error
        return whole

    def _decoded(self, reply: Page[msgspec.Raw]) -> _Part[L]:
        part = _Part[L](total=reply.meta.total if reply.meta else None)
        for entry in reply.data:
            try:
                part.entries.append(self._decoder.decode(entry))
            except msgspec.ValidationError as error:
                part.left_out += 1
                self._leave_out("an entry", f"it has a form that this program does not know ({error})")
        if reply.data and not part.entries:
            raise GameError(f"GET {self._template}: the game answered in a form that this program does not know")
        return part

    def _leave_out(self, which: str, why: str) -> None:
        log.warning("%s of GET %s is left out: %s", which, self._template, why)
