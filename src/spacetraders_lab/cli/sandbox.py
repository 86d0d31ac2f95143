"""`spacetraders sandbox ...`: the local game server."""

from typing import Literal

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.server import serve as serve_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    profile: Literal["home", "lab"] = "home",
    seed: int = 1,
    speed: float = 1.0,
    credits: int = 175_000,
    ships: str = "SHIP_COMMAND_FRIGATE,SHIP_PROBE",
    hold: int | None = None,
    no_rate_limit: bool = False,
) -> None:
    """Serve a game universe on this machine until interrupted.

    Parameters
    ----------
    host:
        Address to listen on.
    port:
        Port to listen on.
    profile:
        home: a system like the real ones; lab: 12 goods at 6 markets each.
    seed:
        The same seed makes the same universe.
    speed:
        Play so many times faster than the clock.
    credits:
        What a new agent starts with.
    ships:
        Ship types that a new agent starts with, separated by commas.
    hold:
        Cargo capacity of every ship with a hold.
    no_rate_limit:
        Answer as many requests as come.
    """
    if speed <= 0:
        raise UserError("--speed must be above 0")
    settings = SandboxSettings(
        seed=seed,
        profile=profile,
        speed=speed,
        credits=credits,
        ships=tuple(ship.strip().upper() for ship in ships.split(",") if ship.strip()),
        hold=hold,
        rate_limit=not no_rate_limit,
    )
    serve_sandbox(settings, host=host, port=port)
