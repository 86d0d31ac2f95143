"""`spacetraders experiment add-ships, remove-ship, pause, cancel`: changes to a run that is under way."""

from spacetraders_lab.cli import announce
from spacetraders_lab.cli.context import with_lab
from spacetraders_lab.cli.experiment import leave_to_daemon
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.settings import database, symbols
from spacetraders_lab.run import changes
from spacetraders_lab.run.app import Lab
from spacetraders_lab.run.clock import clock_of
from spacetraders_lab.store.intents import IntentRepository


def add_ships(*, run_id: RunId, ships: str) -> int:
    """Let more ships work on a run; they claim pairs at once.

    Parameters
    ----------
    ships:
        Ships to add, separated by commas.
    """
    new = symbols(ships, "--ships")

    async def add(lab: Lab) -> int:
        announce.print_containers(await changes.add_ships(lab, run_id, new))
        return await leave_to_daemon(lab)

    return with_lab(add)


def remove_ship(*, run_id: RunId, ship: str) -> None:
    """Let a ship finish its trade and leave the run; the others take over its pair.

    Parameters
    ----------
    ship:
        The ship to remove.
    """
    symbol = ship.strip().upper()
    with database() as opened, opened.transaction() as connection:
        others = changes.remove_ship(connection, run_id, symbol, now=clock_of(opened).now())
        loaded = symbol in IntentRepository(connection).ships_with_cargo(run_id)
    print(f"{symbol} leaves run {run_id}; {', '.join(others)} go on.")
    if loaded:
        _tell_of_cargo([symbol])


def pause(*, run_id: RunId) -> None:
    """Let every ship of a run finish its trade and wait."""
    with database() as opened, opened.transaction() as connection:
        changes.pause(connection, run_id)
    print(f"Run {run_id} is paused: its ships stop after the trade under way, within 20 seconds.")
    print(f"Resume it with: spacetraders experiment resume --run-id {run_id}")


def cancel(*, run_id: RunId) -> None:
    """End a run for good after the trades under way; what was measured stays."""
    with database() as opened, opened.transaction() as connection:
        changes.cancel(connection, run_id, now=clock_of(opened).now())
        loaded = IntentRepository(connection).ships_with_cargo(run_id)
    print(f"Run {run_id} is cancelled: its ships stop after the trade under way; what was measured stays.")
    if loaded:
        _tell_of_cargo(loaded)


def _tell_of_cargo(ships: list[str]) -> None:
    print(
        f"Cargo of the run is aboard {', '.join(ships)} now: what is still there when the ships have stopped (see"
        " `spacetraders experiment doctor`) is yours to sell, with `ship sell`."
    )
