"""Logs: every line says which run, pair, ship and container it is about, and no token can be in it. Decides nothing."""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from spacetraders_lab.core.clock import Clock
from spacetraders_lab.run.app import Memory
from spacetraders_lab.run.secrets import redacted
from spacetraders_lab.store.failures import DatabaseUnavailable
from spacetraders_lab.store.logs import LogLine, LogRepository

MOST_LINES = 10_000  # that wait for the database; then the oldest are given up
_PACKAGE = logging.getLogger("spacetraders_lab")
_about: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039  # never altered, only replaced


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Let every line of the block, and of tasks begun in it, say what it is about: run_id, pair_id, ship_symbol..."""
    token = _about.set(_about.get() | fields)
    try:
        yield
    finally:
        _about.reset(token)


class Sieve(logging.Filter):
    """Finishes a record before any handler sees it: message and traceback without tokens, and what it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        record.about = _about.get()
        return True


class TextFormat(logging.Formatter):
    """One line for people: hour, level, container, pair, message; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        about: dict[str, str] = getattr(record, "about", {})
        at = datetime.fromtimestamp(record.created, UTC)
        names = [about[name] for name in ("container_id", "pair_id") if name in about]
        line = " ".join([f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{record.levelname:<7}", *names, record.getMessage()])
        return line + (f"\n{record.exc_text}" if record.exc_text else "")


class JsonFormat(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= getattr(record, "about", {})
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, allow_nan=False)


class LogBook(logging.Handler):
    """Keeps what containers say until `write` puts it into the database, many lines in one transaction."""

    def __init__(self, clock: Clock, most: int = MOST_LINES) -> None:
        super().__init__(logging.INFO)
        self.addFilter(Sieve())
        self._clock = clock
        self._lines: deque[LogLine] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, str] = dict(getattr(record, "about", {}))
        container_id = fields.pop("container_id", None)
        if container_id is not None:
            text = record.getMessage() + (f"\n{record.exc_text}" if record.exc_text else "")
            self._lines.append(LogLine(container_id, record.levelname, text, self._clock.now(), fields))

    async def write(self, memory: Memory) -> None:
        """Put into the database what was said since the last time. Raises DatabaseUnavailable, with nothing lost."""
        if not self._lines:
            return
        lines, self._lines = self._lines, deque(maxlen=self._lines.maxlen)
        try:
            await memory.write(lambda c: LogRepository(c).append(lines))
        except DatabaseUnavailable:
            self._lines = deque([*lines, *self._lines], maxlen=lines.maxlen)
            raise


@contextmanager
def logging_to(*handlers: logging.Handler) -> Iterator[None]:
    """Send what the lab says to these handlers for the length of the block."""
    before = _PACKAGE.level
    _PACKAGE.setLevel(min(logging.INFO, *(handler.level or logging.INFO for handler in handlers)))
    for handler in handlers:
        _PACKAGE.addHandler(handler)
    try:
        yield
    finally:
        _PACKAGE.setLevel(before)
        for handler in handlers:
            _PACKAGE.removeHandler(handler)


def to_stream(level: int, *, as_json: bool = False, stream: TextIO | None = None) -> logging.Handler:
    """A handler that writes lines of at least this level to a stream (standard error), in words or as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(JsonFormat() if as_json else TextFormat())
    handler.addFilter(Sieve())
    return handler
