"""What a benchmark says: figures, each beside something that was run with it or the least that is possible."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured, what it is held against, their ratio or a count, and the target."""

    what: str
    measured: str
    beside: str
    ratio: str
    target: str = ""


def measure(topic: str, full: bool) -> list[Figure]:
    """The figures of a topic: what `measure` of the module of that name returns."""
    figures: list[Figure] = import_module(f"bench.{topic}").measure(full)
    return figures


def cpu_seconds(work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of this process (all threads, kernel included) for a piece of work, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def table(figures: list[Figure]) -> str:
    """The figures as Markdown."""
    rows = [(f.what, f.measured, f.beside, f.ratio, f.target) for f in figures]
    lines = ["what", "measured", "beside", "ratio or count", "target"], ["---"] * 5, *rows
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
