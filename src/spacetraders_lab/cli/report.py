"""`spacetraders experiment report`: what a run found, as one HTML page that needs nothing else."""

from pathlib import Path

from sqlalchemy import Connection

from spacetraders_lab import __version__
from spacetraders_lab.analysis.analyse import used_part
from spacetraders_lab.analysis.influence import influences
from spacetraders_lab.analysis.precision import precision_trace
from spacetraders_lab.cli.found import STEPS, Found, find
from spacetraders_lab.cli.ids import RunId
from spacetraders_lab.cli.settings import database
from spacetraders_lab.cli.waiting import steps
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.experiment import Design, DesignName, QueueStatus
from spacetraders_lab.core.menus import MOST_VOLUMES
from spacetraders_lab.core.planning import requests_needed
from spacetraders_lab.report.document import as_html
from spacetraders_lab.report.markdown import as_markdown
from spacetraders_lab.report.sections import Subject, compose
from spacetraders_lab.run.clock import SystemClock
from spacetraders_lab.store.attrition import Attrition, attrition
from spacetraders_lab.store.budget import Budget
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.status import summarise_run
from spacetraders_lab.store.world import World


def report(*, run_id: RunId, out: Path | None = None) -> None:
    """Write what a run found as one HTML page: it works offline, and the data of every figure are in it.

    Its words and tables are written beside it as Markdown too.

    Parameters
    ----------
    out:
        File to write [default: liquidity-<run id>.html].
    """
    target = out or Path(f"liquidity-{run_id}.html")
    if target.is_dir():
        raise UserError(f"{target} is a folder; name a file: --out report.html")
    copy = target.with_suffix(".md")
    if copy == target:
        raise UserError(f"{target} would be overwritten by the report's Markdown; name an HTML file: --out report.html")
    with database() as opened, steps(*STEPS, "composing", "drawing") as done:
        found = find(opened, [run_id], done)
        subject = _subject(opened, run_id, found)
        composed = compose(subject)
        done()
        now = SystemClock().now()
        page = as_html(composed, now=now, version=__version__)
        words = as_markdown(composed, now=now, version=__version__)
        done()
    for file, text in ((target, page), (copy, words)):
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {file}: {error.strerror}") from error
    print(f"{target} ({len(page.encode()) / 1e6:.1f} MB): open it in a browser")
    print(f"{copy}: its words and tables as Markdown")


def _subject(opened: Database, run_id: str, found: Found) -> Subject:
    used = used_part(found.data, found.findings)
    with opened.reading() as connection:
        return Subject(
            f"Liquidity of {summarise_run(connection, run_id).system_symbol}",
            f"Run {run_id}",
            _card(connection, run_id, found),
            found.data,
            found.observations,
            found.findings,
            found.pairs,
            found.ships,
            precision_trace(used, found.findings),
            _planned(attrition(connection, run_id)),
            [(d.kind, d.what) for d in ExperimentRepository(connection).deviations(run_id)],
            found.placebos,
            influences(used, found.findings),
            found.others,
        )


def _planned(found: Attrition) -> list[tuple[str, int]]:
    """What became of the planned trades."""
    skipped = [(f"left out: {reason.value.replace('_', ' ')}", count) for reason, count in found.skipped.items()]
    return [("made", found.executed), *skipped, ("still to come", found.pending)]


def _card(connection: Connection, run_id: str, found: Found) -> tuple[tuple[str, str], ...]:
    """The run as the database knows it, in words."""
    experiments = ExperimentRepository(connection)
    run, summary = experiments.get_run(run_id), summarise_run(connection, run_id)
    universe = World(connection).universe(run.universe_id)
    pairs, speed = summary.pairs, experiments.speed_of(run_id)
    visits = sum(ship.visits for ship in found.ships)
    spent, earned = (sum(getattr(ship, name) for ship in found.ships) for name in ("spent", "earned"))
    begun, ended = summary.started, summary.last_update
    assert begun is not None and ended is not None  # `find` refuses a run without trades
    return (
        ("game", f"{universe.base_url}, reset {universe.reset_date}" + _faster(speed)),
        ("state", f"{run.status.value}" + (f" ({run.status_reason})" if run.status_reason else "")),
        ("design", _in_words(run.design)),
        ("plan hash", experiments.get_plan_hash(run_id)[:16]),
        ("seed", str(run.seed)),
        ("ships", ", ".join(run.ships)),
        (
            "trades",
            f"{begun:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M} UTC, {found.time.minutes(begun, ended) / 60:.1f} h",
        ),
        ("pairs", f"{pairs[QueueStatus.COMPLETED]} of {summary.total} done, {pairs[QueueStatus.FAILED]} failed"),
        ("transactions", f"{summary.transactions:,} in {visits:,} visits"),
        ("requests, at least", f"{requests_needed(summary.transactions, visits, visits):,}"),
        ("credits spent", f"{spent:,}"),
        ("credits earned", f"{earned:,}"),
        ("net, fuel included", f"{-Budget(connection, run_id).net_spent():+,}"),
        ("budget", f"{run.budget:,}"),
    )


def _faster(speed: float) -> str:
    return "" if speed == 1 else f", {speed:g} times as fast as the clock; durations are the game's"


def _in_words(design: Design) -> str:
    if design.name is not DesignName.GRID:
        return f"{design.name}: full tradeVolumes, up to {MOST_VOLUMES} a visit"
    sizes = ", ".join(f"{fraction:g}" for fraction in design.fractions)
    return f"{design.name}: {sizes} x {design.iterations}" + (", order drawn" if design.seeded else "")
