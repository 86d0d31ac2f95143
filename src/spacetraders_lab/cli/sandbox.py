"""`spacetraders sandbox ...`: the local game server."""

import os
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.faults import load_faults
from spacetraders_lab.sandbox.server import Admin
from spacetraders_lab.sandbox.server import serve as serve_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings

_ADMIN_TOKEN = "SPACETRADERS_SANDBOX_ADMIN_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseOptions:
    """What the command line can say of the universe; what it does not say is left to the settings.

    Parameters
    ----------
    profile:
        home: a system like the real ones (default). lab: 12 goods at 6 markets each.
    seed:
        Seed of the universe; the same seed makes the same universe.
    speed:
        Run this many times faster than real time.
    systems:
        Number of systems, connected by jump gates.
    credits:
        Credits a new agent starts with.
    ships:
        Ship types a new agent starts with, separated by commas.
    hold:
        Cargo capacity of every ship that has a hold.
    npc_traders:
        Number of other traders in the markets.
    economy:
        game, constant-percent, linear, power, null or by-cell.
    faults:
        A JSON file with faults to inject.
    """

    profile: str | None = None
    seed: int | None = None
    speed: float | None = None
    systems: int | None = None
    credits: int | None = None
    ships: str | None = None
    hold: int | None = None
    npc_traders: int | None = None
    economy: str | None = None
    faults: Path | None = None

    def over(self, settings: SandboxSettings) -> SandboxSettings:
        """The settings with what was said in their place; raises UserError for what makes no sense."""
        said = {name: value for name, value in asdict(self).items() if value is not None}
        if self.ships:
            said["ships"] = tuple(part.strip().upper() for part in self.ships.split(",") if part.strip())
        if self.faults:
            said["faults"] = load_faults(self.faults)
        return replace(settings, **said)


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    universe: Annotated[UniverseOptions, Parameter(name="*")] = UniverseOptions(),
    no_rate_limit: Annotated[bool, Parameter(negative="")] = False,
    settings: Path | None = None,
    state: Path | None = None,
    truth: Path | None = None,
    admin_port: int | None = None,
) -> None:
    """Serve a game universe on this machine until interrupted.

    Parameters
    ----------
    host:
        Address to listen on.
    port:
        Port to listen on; 0 takes any free one.
    no_rate_limit:
        Do not limit the request rate.
    settings:
        A TOML file with any fields of SandboxSettings; options on the command line override it.
    state:
        Keep the universe in this file, and continue from it at the next start.
    truth:
        Write the hidden values of every listing to this file at the start.
    admin_port:
        Open the operator's port; its token is read from SPACETRADERS_SANDBOX_ADMIN_TOKEN.
    """
    chosen = universe.over(_from_file(settings) if settings else SandboxSettings())
    if no_rate_limit:
        chosen = replace(chosen, rate_limit=False)
    serve_sandbox(chosen, host, port, state=state, truth=truth, admin=_admin(admin_port))


def _admin(port: int | None) -> Admin | None:
    if port is None:
        return None
    token = os.environ.get(_ADMIN_TOKEN)
    if not token:
        raise UserError(f"the operator's port needs a token of your choice in {_ADMIN_TOKEN}")
    return Admin(token, port)


def _from_file(path: Path) -> SandboxSettings:
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None
    unknown = sorted(set(content) - {field.name for field in fields(SandboxSettings)})
    if unknown:
        raise UserError(f"{path}: there is no setting {', '.join(unknown)}")
    try:
        return msgspec.convert(content, SandboxSettings)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: {error}") from None
