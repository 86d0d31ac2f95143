"""Ctrl-C and SIGTERM: the first asks to stop in order, the second ends the process at once. Stops nothing itself."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(promise: str) -> Iterator[asyncio.Event]:
    """The event that the first signal sets, saying `promise`; the second then does what the system does by default.

    Nothing is lost by that either: what was under way is found in the database when the run is resumed.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def first() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        print(f"{promise} (again: at once)", file=sys.stderr, flush=True)
        stop.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, first)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


@contextmanager
def end_at_once() -> Iterator[None]:
    """Ctrl-C ends what is computed in the block; an event loop would only hear of it after that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
