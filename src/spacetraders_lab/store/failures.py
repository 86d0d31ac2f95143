"""The border where the database's errors become the lab's, judged by their codes and never by their texts."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError

from spacetraders_lab.core.errors import LabError, UserError

_SQLITE_REMEDY = {
    sqlite3.SQLITE_BUSY: "another program kept it locked; see which one, and try again",
    sqlite3.SQLITE_LOCKED: "another program kept it locked; see which one, and try again",
    sqlite3.SQLITE_FULL: "the disk is full; make room, and try again",
    sqlite3.SQLITE_IOERR: "the disk reported an error; check it before going on",
    sqlite3.SQLITE_READONLY: "it may only be read; check its owner and permissions",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the folder exists and may be written",
    sqlite3.SQLITE_PERM: "access is not permitted; check its owner and permissions",
}
_SQLITE_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
_SQLITE_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY_CODE = 0xFF  # SQLite's extended codes keep the primary one in the lowest byte

# Classes and single codes of SQLSTATE (PostgreSQL's documentation, appendix A). No code at all: no connection.
_POSTGRES_REMEDY = {
    "08": "the connection was lost; try again",
    "25006": "it may only be read here",
    "25P03": "a transaction stood still for too long (was the machine asleep?); try again",
    "28": "it refused the user or the password",
    "3D": "there is no such database on the server; create it first",
    "40": "two programs stood in each other's way; try again",
    "42501": "the user may not do this there; grant it the rights on the schema",
    "53": "the server is out of disk, memory or connections",
    "55P03": "another program kept a lock; try again",
    "57": "the server is stopping, starting, or cancelled the statement; try again",
    "58": "the server reported a disk error",
}
_POSTGRES_UNIQUE = "23505"


class DatabaseUnavailable(LabError):
    """The database did not take the work: nothing of the transaction was written, and it can be tried again."""


class Duplicate(LabError):
    """What was to be written is there already; nothing of the transaction was written."""


class DatabaseDamaged(UserError):
    """The database file is damaged and was not used."""

    def __init__(self, name: str, found: str) -> None:
        what = "is not a SQLite database, or is damaged" if found == "SQLITE_NOTADB" else "is damaged"
        super().__init__(
            f"{name} {what} ({found}). Keep a copy, restore your last backup, or save what can be read with:"
            f' sqlite3 "{name}" .recover | sqlite3 rescued.db'
        )


def unknown_run(run_id: str) -> UserError:
    """What is said of a run that is not in the database."""
    return UserError(f"there is no experiment {run_id}; `spacetraders experiment list` shows them")


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Raise DatabaseUnavailable, DatabaseDamaged or Duplicate for the failures that somebody can do something about.

    `name` is what the user calls the database. Programming errors and other broken constraints pass as they are.
    """
    try:
        yield
    except DBAPIError as error:
        explained = _explained(error, name)
        if explained is None:
            raise
        raise explained from error


def is_busy(error: DBAPIError) -> bool:
    """Whether SQLite gave up because another program had the file locked."""
    return getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_BUSY


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique index refused the row."""
    cause = error.orig
    return (
        getattr(cause, "sqlite_errorcode", 0) in _SQLITE_UNIQUE or getattr(cause, "sqlstate", None) == _POSTGRES_UNIQUE
    )


def _explained(error: DBAPIError, name: str) -> LabError | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _explained_sqlite(cause, name)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        lost = error.connection_invalidated or isinstance(error, OperationalError)
        why = " ".join(str(cause).split())  # libpq's own words, which repeat no password
        return DatabaseUnavailable(f"{name}: no connection to the server; see that it runs ({why})") if lost else None
    if state == _POSTGRES_UNIQUE:
        return Duplicate(f"{name}: {error.orig}")
    remedy = _POSTGRES_REMEDY.get(state) or _POSTGRES_REMEDY.get(state[:2])
    return DatabaseUnavailable(f"{name}: {remedy} (SQLSTATE {state})") if remedy else None


def _explained_sqlite(cause: sqlite3.Error, name: str) -> LabError | None:
    extended = getattr(cause, "sqlite_errorcode", 0)
    if extended in _SQLITE_UNIQUE:
        return Duplicate(f"{name}: {cause}")
    code = extended & _PRIMARY_CODE
    if code in _SQLITE_DAMAGED:
        return DatabaseDamaged(name, cause.sqlite_errorname)
    remedy = _SQLITE_REMEDY.get(code)
    return DatabaseUnavailable(f"{name}: {remedy} ({cause.sqlite_errorname})") if remedy else None
