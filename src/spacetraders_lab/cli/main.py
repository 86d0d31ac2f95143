"""The command `spacetraders`: its tree of commands, and what an error looks like to the user.

Commands are named by module and function and imported only when they run, so that --help stays quick.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, Token, UnusedCliTokensError, convert

from spacetraders_lab import __version__
from spacetraders_lab.core.errors import GameError, GameUnreachable, LabError, UserError, WorldCondition

EXIT_OK, EXIT_FAILED, EXIT_USER, EXIT_SUSPENDED = 0, 1, 2, 3
NEW_OBJECTS = 10_000  # between two looks for garbage

_COMMANDS = {
    "experiment": (
        "Run experiments: plan, fly, watch, analyze.",
        {
            "plan": "Show what an experiment would trade, cost and take, without trading.",
            "simulate": "Test a design in simulated worlds whose answer is known.",
            "liquidity": "Start a liquidity experiment.",
            "status": "Show the progress of a run.",
            "list": "List all runs.",
            "add-ships": "Add ships to a run.",
            "remove-ship": "Remove a ship from a run.",
            "pause": "Pause a run; its ships finish the trade they are at.",
            "resume": "Resume a run that was paused, interrupted or suspended.",
            "cancel": "End a run for good; its measurements stay.",
            "doctor": "Show what is wrong with a run; --fix repairs it.",
            "analyze": "Print what a run found.",
            "report": "Write what a run found as an HTML page.",
            "export": "Export recorded data as CSV, JSON lines or Parquet.",
            "archive": "Hide a run from the list.",
            "delete": "Delete a run and everything it measured.",
        },
    ),
    "db": (
        "Back up, check and compact the database.",
        {
            "backup": "Copy the database to a new file.",
            "check": "Check the database for damage and inconsistencies.",
            "compact": "Thin out old market observations that belong to no run.",
        },
    ),
    "market": (
        "Read markets and look up known prices.",
        {
            "scout": "Visit every market of a system and record its prices.",
            "list": "List the latest known prices of a system.",
            "get": "Read one market now and record its prices.",
            "spreads": "List the best trade lane for each good, by one transaction; by the hour: advise lanes.",
            "history": "List the recorded prices of one good at one market.",
        },
    ),
    "advise": (
        "Advise on trades, from what was measured.",
        {
            "lane": "How much to trade between two markets, how often, and what it earns.",
            "lanes": "Which lanes of a system earn most an hour.",
            "split": "How to split a large trade over several visits.",
        },
    ),
    "ship": (
        "Fly and trade by hand.",
        {
            "list": "List your ships.",
            "navigate": "Fly to a waypoint, refuelling where needed.",
            "dock": "Dock at the current waypoint.",
            "orbit": "Leave the dock.",
            "refuel": "Fill the tank.",
            "buy": "Buy cargo at the current market.",
            "sell": "Sell cargo at the current market.",
        },
    ),
    "player": (
        "Manage agents and their tokens.",
        {
            "register": "Register a new agent with SPACETRADERS_ACCOUNT_TOKEN and store its token.",
            "add": "Store the token of an existing agent.",
            "list": "List the agents whose tokens are stored.",
            "remove": "Delete the stored token of an agent.",
            "status": "Show credits, ships and the time until the next reset.",
        },
    ),
    "daemon": (
        "Manage the daemon that flies ships in the background.",
        {
            "start": "Start a daemon on this machine.",
            "stop": "Stop the daemons on this machine.",
            "status": "Show the daemons that are running.",
            "list": "List containers: one for each ship of a run.",
            "logs": "Show the log of a container.",
            "inspect": "Show the details of a container.",
            "stop-container": "Stop a container.",
            "remove": "Delete a finished container and its log.",
        },
    ),
    "sandbox": ("Run a local game server.", {"serve": "Serve a game universe on this machine."}),
}
# Commands that do not live in the module named after their noun.
_MODULES = {
    ("experiment", "status"): "standing",
    ("experiment", "list"): "standing",
    ("experiment", "plan"): "plan",
    ("experiment", "simulate"): "simulate",
    ("experiment", "add-ships"): "changes",
    ("experiment", "remove-ship"): "changes",
    ("experiment", "pause"): "changes",
    ("experiment", "cancel"): "changes",
    ("experiment", "export"): "export",
    ("experiment", "analyze"): "results",
    ("experiment", "report"): "report",
    ("experiment", "archive"): "db",
    ("experiment", "delete"): "db",
    ("market", "scout"): "scouting",
    ("market", "get"): "scouting",
    ("advise", "lane"): "advice",
    ("advise", "lanes"): "lanes",
    ("advise", "split"): "advice",
    ("daemon", "status"): "containers",
    ("daemon", "list"): "containers",
    ("daemon", "logs"): "containers",
    ("daemon", "inspect"): "containers",
    ("daemon", "stop-container"): "containers",
    ("daemon", "remove"): "containers",
}


def build_app() -> App:
    """The whole tree of commands, with nothing heavy imported."""
    app = App(
        name="spacetraders",
        help="Measure the liquidity of SpaceTraders markets.",
        help_format="plaintext",  # Markdown would cost a quarter of the time that --help takes
        version=__version__,
        default_parameter=Parameter(converter=_converted),
    )
    for noun, (help_text, verbs) in _COMMANDS.items():
        group = App(name=noun, help=help_text)
        for verb, verb_help in verbs.items():
            function = {"list": f"list_{noun}s"}.get(verb, verb.replace("-", "_"))
            module = _MODULES.get((noun, verb), noun)
            group.command(f"spacetraders_lab.cli.{module}:{function}", name=verb, help=verb_help)
        app.command(group)
    app.command(
        "spacetraders_lab.cli.completion:install",
        name="--install-completion",
        help="Install tab completion for your shell.",
    )
    app.command("spacetraders_lab.cli.dashboard:dashboard", name="dashboard", help="Serve a live web page of all runs.")
    app.command("spacetraders_lab.cli.advice:quote", name="quote", help="Predict what a trade will cost or earn.")
    app.command(
        "spacetraders_lab.cli.demo:demo", name="demo", help="Run a small experiment against a local game server."
    )
    return app


def _converted(wanted: Any, tokens: Sequence[Token]) -> Any:
    """What was typed, as the type that an option has: a word of a choice may be in capitals, as the API writes them.

    Raises ValueError for a whole number written with a point. cyclopts would round it: 2.5 pairs were 2.
    """
    if get_origin(wanted) is Literal:
        tokens = [token.evolve(value=token.value.lower()) for token in tokens]
    if int in (wanted, *get_args(wanted)):
        for token in tokens:
            if "." in token.value:
                raise ValueError(f"{token.value!r} is not written as a whole number.")
    return convert(wanted, tokens)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 the request was wrong, 3 the run is suspended."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, when_loaded=_look_for_garbage))


def _look_for_garbage() -> None:
    """From now on, and not in what was imported: that is as good as none."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()


def run(arguments: Sequence[str], when_loaded: Callable[[], None] = lambda: None) -> int:
    """Run one command; returns its exit code, and prints one line for anything the lab knows how to explain."""
    try:
        command, given, _ = build_app().parse_args(arguments, exit_on_error=False, print_error=False)
        when_loaded()
        result = command(*given.args, **given.kwargs)
        sys.stdout.flush()  # here, where it can still be said that there is no room for it
    except CycloptsError as error:
        return _complain(f"{_of_the_line(error)} Try --help.", EXIT_USER)
    except UserError as error:
        return _complain(str(error), EXIT_USER)
    except WorldCondition as error:
        return _complain(str(error), EXIT_SUSPENDED)
    except GameUnreachable as error:
        return _complain(f"{error}; is SPACETRADERS_BASE_URL right, and is the game up?", EXIT_FAILED)
    except GameError as error:
        return _complain(_of_the_game(error), EXIT_FAILED)
    except LabError as error:
        return _complain(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # as in `... | head`: the reader has enough, and Python must not try to flush again
        _write_no_more()
        return EXIT_OK
    except OSError as error:  # a full disk, a file system that is read only: the machine's fault, and no bug
        _write_no_more()
        return _complain(_of_the_machine(error), EXIT_FAILED)
    return result if isinstance(result, int) else EXIT_OK


def _write_no_more() -> None:
    """Let what is still to be written to standard output go nowhere: nobody can have it."""
    with suppress(OSError):  # where it is no file, there is nothing to redirect
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _of_the_line(error: CycloptsError) -> str:
    """What is wrong with what was typed."""
    wanted = error.argument
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:  # it calls them tokens, which here are secrets
        return f"nothing can be done with {' '.join(map(repr, error.unused_tokens))} here."
    if isinstance(error, MissingArgumentError) and wanted is not None and not wanted.tokens and error.command_chain:
        return f"{' '.join(error.command_chain)} needs {wanted.name}."
    return str(error)


def _of_the_game(error: GameError) -> str:
    if error.http_status == 404 and not error.code:  # the server's word, not the game's
        return f"{error} SPACETRADERS_BASE_URL says where it is; the game's ends in /v2"
    return f"the game said: {error}{_of_the_fields(error)}" + (f" (code {error.code})" if error.code else "")


def _of_the_fields(error: GameError) -> str:
    """What the game says of single fields of a request that it does not like, where it does."""
    issues = error.data.get("zodIssues")
    said = [
        f"{'.'.join(map(str, issue['path']))}: {issue['message']}"
        for issue in (issues if isinstance(issues, list) else ())
        if isinstance(issue, dict) and isinstance(issue.get("path"), list) and isinstance(issue.get("message"), str)
    ]
    return f" ({'; '.join(said)})" if said else ""


def _of_the_machine(error: OSError) -> str:
    """What went wrong, and with which file where that is known: a write to standard output names none."""
    what = error.strerror or str(error) or type(error).__name__
    return f"cannot use {error.filename}: {what}" if error.filename else f"cannot read or write: {what}"


def _complain(message: str, code: int) -> int:
    print(f"spacetraders: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
