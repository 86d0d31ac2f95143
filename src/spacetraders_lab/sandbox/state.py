"""Keeps a universe across restarts: one file, written whole or not at all, refused when anything is wrong with it."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.ledger import Ledger, LedgerEntry
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Progress
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.universe import Agent, ShipState, Universe

_FORMAT = b"spacetraders-sandbox-state-1"
_NO_ENTRIES, _ARRAY = b"\x90", b"\xdd"  # of MessagePack: an array of none, and of as many as four bytes say
_PART = 1_000  # entries: a millisecond


@dataclass(slots=True)
class _MarketState:
    listings: list[Listing]
    transactions: list[dict[str, Any]]
    progress: Progress


@dataclass(slots=True)
class _YardState:
    prices: dict[str, int]
    transactions: list[dict[str, Any]]


@dataclass(slots=True)
class _State:
    """What a universe cannot make again from its settings."""

    settings: SandboxSettings
    start: datetime
    reset_date: str
    is_first: bool
    agents: dict[str, Agent]
    ships: dict[str, ShipState]
    markets: dict[str, _MarketState]
    yards: dict[str, _YardState]
    ledger: list[LedgerEntry]  # at the end, where a snapshot puts in its entries


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A universe as it is at one moment. It may be written by another thread while the universe goes on.

    The ledger, which grows for ever, is only pointed at: its first `entries` are never altered.
    """

    state: bytes  # with no ledger
    ledger: Ledger
    entries: int

    @classmethod
    def of(cls, universe: Universe) -> "Snapshot":
        return cls(msgspec.msgpack.encode(_state_of(universe)), universe.ledger, len(universe.ledger))

    def write(self, path: Path) -> None:
        """Write it beside the file and put it in its place, so that the file is always whole."""
        parts = list(self._parts())
        whole = hashlib.sha256()
        for part in parts:
            whole.update(part)
        beside = path.with_name(f"{path.name}.part")
        with beside.open("wb") as file:
            file.write(b"%s %d %s\n" % (_FORMAT, sum(map(len, parts)), whole.hexdigest().encode()))
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def _parts(self) -> Iterator[bytes]:
        """The state with its ledger, in parts: encoded in one call, it would keep every other thread waiting."""
        yield self.state.removesuffix(_NO_ENTRIES) + _ARRAY + self.entries.to_bytes(4, "big")
        encode = msgspec.msgpack.Encoder().encode
        for start in range(0, self.entries, _PART):
            yield b"".join(map(encode, self.ledger[start : min(start + _PART, self.entries)]))


def load_universe(path: Path, settings: SandboxSettings) -> Universe:
    """The universe kept in a file. Raises UserError when the file is damaged, or of a universe with other settings."""
    state = _read(path)
    differing = [name for name, value in asdict(settings).items() if asdict(state.settings)[name] != value]
    if differing:
        made = ", ".join(f"{name}={getattr(state.settings, name)!r}" for name in differing)
        raise UserError(f"{path} keeps a universe with other settings ({made}); give the same ones or another file")
    universe = Universe.grown_from(settings, state.start, state.reset_date, is_first=state.is_first)
    universe.agents = state.agents
    universe.ships = state.ships
    universe.fleets = {
        agent: {ship.symbol: ship for ship in state.ships.values() if ship.agent == agent} for agent in state.agents
    }
    universe.ledger = Ledger(state.ledger)
    for system in universe.systems.values():
        for symbol, market in system.markets.items():
            kept = state.markets[symbol]
            market.restore(kept.listings, kept.transactions, kept.progress)
        for symbol, yard in system.shipyards.items():
            yard.prices = state.yards[symbol].prices
            yard.transactions.extend(state.yards[symbol].transactions)
    return universe


def _state_of(universe: Universe) -> _State:
    """The state of a universe but for its ledger."""
    systems = universe.systems.values()
    return _State(
        settings=universe.settings,
        start=universe.start,
        reset_date=universe.reset_date,
        is_first=universe.is_first,
        agents=universe.agents,
        ships=universe.ships,
        markets={
            symbol: _MarketState(list(x.listings.values()), list(x.transactions), x.progress)
            for system in systems
            for symbol, x in system.markets.items()
        },
        yards={
            symbol: _YardState(x.prices, list(x.transactions))
            for system in systems
            for symbol, x in system.shipyards.items()
        },
        ledger=[],
    )


def _read(path: Path) -> _State:
    try:
        header, _, content = path.read_bytes().partition(b"\n")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    wanted = b"%s %d %s" % (_FORMAT, len(content), hashlib.sha256(content).hexdigest().encode())
    if header != wanted:
        raise UserError(f"{path} is no whole sandbox state; move it away to begin a new universe")
    try:
        return msgspec.msgpack.decode(content, type=_State)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} was written by another version of the sandbox: {error}") from None
