"""What a terminal shows on standard error while something goes on; nothing where that is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress_bar() -> Progress:
    """A progress bar on standard error, so that standard output stays clean; nothing where that is no terminal."""
    errors = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


@contextmanager
def steps(*names: str) -> Iterator[Callable[[], None]]:
    """A progress bar over steps that are done one after the other; call what it gives whenever one is done."""
    with progress_bar() as progress:
        task = progress.add_task(names[0], total=len(names))
        following = iter([*names[1:], names[-1]])
        yield lambda: progress.update(task, advance=1, description=next(following))


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A sign on standard error that something goes on, for the length of the block."""
    with Console(stderr=True).status(f"{words}..."):
        yield
