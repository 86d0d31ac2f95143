"""`experiment status --watch`: a run as it goes on, redrawn in a terminal, or a line for each change elsewhere."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from spacetraders_lab.cli.render import pending_word, width
from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.experiment import OPEN_STATUSES, RunStatus
from spacetraders_lab.dashboard.run_feed import RunFeed
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.failures import DatabaseUnavailable

LOOK_EVERY = 1.0
_SHOWN_FAILURES = 5

View = dict[str, Any]


def console() -> Console:
    """Standard output, as wide as tables are."""
    return Console(width=width(), highlight=False)


async def watch(database: Database, run_id: str, clock: Clock, console: Console) -> View:
    """Show the run until it has ended; returns its last view. Raises UserError when there is no such run.

    A database out of reach is said and waited for.
    """
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            return await _follow(
                database, run_id, clock, lambda v, t: live.update(draw(v, t, clock.now()), refresh=True)
            )
    last: list[str] = []

    def say(view: View | None, trouble: str | None) -> None:
        line = trouble or (plain_line(view, clock.now()) if view else "")
        if line and last != [line]:
            last[:] = [line]
            console.print(f"{clock.now():%H:%M:%S}  {line}", soft_wrap=True)

    return await _follow(database, run_id, clock, say)


async def _follow(
    database: Database, run_id: str, clock: Clock, show: Callable[[View | None, str | None], None]
) -> View:
    feed, view = RunFeed(run_id), None
    while True:
        try:
            with database.reading() as connection:
                view = feed.refresh(connection, clock.now())
            show(view, None)
        except DatabaseUnavailable as error:
            show(view, f"waiting for the database: {error}")
        else:
            if feed.behind:
                continue
            if view["run"]["status"] not in OPEN_STATUSES:
                return view
        await clock.sleep(LOOK_EVERY)


def plain_line(view: View, now: datetime) -> str:
    """How far the run is, in one line without colour."""
    progress, pairs = view["progress"], view["progress"]["pairs"]
    parts = [
        f"{view['run']['status']}",
        _pairs_ended(progress),
        f"{pairs['CLAIMED']} in progress",
        f"{pairs['FAILED']} failed",
        f"{progress['trades']:,} trades",
        _away(view["money"]["outlay"]),
    ]
    if progress["seconds_left"] is not None:
        parts.append(f"{_span(progress['seconds_left'])} left")
    return "  ".join([*parts, *_nobody_flies(view, now)])


def _nobody_flies(view: View, now: datetime) -> list[str]:
    """How a run goes on that nobody flies for; nothing where somebody does, or where it is not to go on."""
    run = view["run"]
    if run["status"] != RunStatus.RUNNING or run["attended_until"] > now.timestamp():
        return []
    return [f"no ship is working on it; spacetraders experiment resume --run-id {run['run_id']}"]


def draw(view: View | None, trouble: str | None, now: datetime) -> RenderableType:
    """The whole picture at the width there is; `trouble` stands below what was last known."""
    troubles = [*([trouble] if trouble else []), *(_nobody_flies(view, now) if view else [])]
    warning = [Text(words, style="bold red") for words in troubles]
    if view is None:
        return Group(*warning)
    return Group(
        _heading(view), _bar(view), Text(), _ships(view, now), Text(), _figures(view), *_failures(view), *warning
    )


def _heading(view: View) -> Text:
    run = view["run"]
    text = Text.assemble(("Experiment: ", "bold"), run["run_id"], "  ", run["system"], "  ", (run["status"], "bold"))
    if run["reason"]:
        text.append(f" ({run['reason']})")
    return text


def _bar(view: View) -> RenderableType:
    progress = view["progress"]
    row = Table.grid(padding=(0, 2), expand=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True)
    left = progress["seconds_left"]
    row.add_row(
        ProgressBar(total=1.0, completed=progress["share"] or 0.0),
        _pairs_ended(progress) + (f"  {_span(left)} left" if left is not None else ""),
    )
    return row


def _pairs_ended(progress: View) -> str:
    """How many, and of how many unless more are chosen as the run goes on; the share done where anything tells."""
    ended = progress["pairs"]["COMPLETED"] + progress["pairs"]["FAILED"]
    of_all = "" if progress["is_open"] else f"/{progress['total']}"
    share = "" if progress["share"] is None else f"{100 * progress['share']:.1f}% done, "
    return f"{share}{ended}{of_all} pairs"


def _ships(view: View, now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("ship", no_wrap=True)
    table.add_column("doing", overflow="fold", ratio=1)
    for heading in ("pairs", "failed", "trades", "last trade"):
        table.add_column(heading, justify="right", no_wrap=True)
    for ship in view["ships"]:
        table.add_row(
            Text(ship["ship"]),
            Text(ship["doing"]),
            f"{ship['completed']:,}",
            f"{ship['failed']:,}",
            f"{ship['trades']:,}",
            _ago(ship["last_trade"], now),
        )
    return table


def _figures(view: View) -> Text:
    pairs, money, progress = view["progress"]["pairs"], view["money"], view["progress"]
    return Text(
        f"{pending_word(view['run']['status'])} {pairs['PENDING']:,}  In progress {pairs['CLAIMED']:,}"
        f"  Completed {pairs['COMPLETED']:,}  Failed {pairs['FAILED']:,}\n"
        f"Trades {progress['trades']:,}"
        + (f" of {progress['planned_trades']:,}" if progress["planned_trades"] else "")
        + f"  {_away(money['outlay'])}, of a budget of {money['budget']:,}  At risk {money['aboard']:,}"
    )


def _away(outlay: int) -> str:
    return f"{outlay:,} credits spent" if outlay >= 0 else f"{-outlay:,} credits earned"


def _failures(view: View) -> list[Text]:
    return [
        Text(f"{failure['pair_id']}: {failure['error_message']}", style="red")
        for failure in view["failures"][:_SHOWN_FAILURES]
    ]


def _ago(epoch: float | None, now: datetime) -> str:
    if epoch is None:
        return ""
    return f"{_span((now - datetime.fromtimestamp(epoch, UTC)).total_seconds())} ago"


def _span(seconds: float) -> str:
    """2d 4h, 3h 12m, 4m 05s, 12s: as the page writes it."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"
