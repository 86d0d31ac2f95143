"""Claims of the work queue beside the bare drivers, and whether a claim costs more in a long queue."""

from bench.figures import Figure
from bench.queue import Row
from bench.queue import measure as work_off

WORKERS, PAIRS = (1, 4, 16, 64), 2_000
LENGTHS = (10_000, 100_000, 1_000_000)


def measure(full: bool = False) -> list[Figure]:
    """Every number of workers on both databases; with `full` queues of up to a million pairs."""
    figures = [figure for workers in WORKERS for figure in _figures(workers)]
    return figures + [figure for length in LENGTHS for figure in _figures(4, length)] if full else figures


def _figures(workers: int, length: int = 0) -> list[Figure]:
    rows = list(work_off(workers, PAIRS, length))
    return [_figure(lab, bare) for lab, bare in zip(rows[::2], rows[1::2], strict=True)]


def _figure(lab: Row, bare: Row) -> Figure:
    return Figure(
        f"claim and complete, {lab.database}, {lab.workers} workers, {lab.pairs:,} pairs",
        f"{lab.pairs_a_second:,.0f}/s",
        f"{bare.pairs_a_second:,.0f}/s with the bare driver",
        f"{lab.pairs_a_second / bare.pairs_a_second:.2f}×, {lab.doubles + lab.missing} doubles or lost",
        "0 doubles",
    )
