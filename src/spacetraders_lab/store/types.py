"""Column types that are the same value in Python on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: timestamptz on PostgreSQL, text of fixed width on SQLite, where text order is time order.

    Binding a naive datetime raises ValueError: it does not say which hour it means.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        # Not strftime: it does not pad years on every machine.
        return f"{value.isoformat(timespec='microseconds')[:-6]}Z" if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


class Word(TypeDecorator[StrEnum]):
    """A member of one of the lab's enumerations, stored as its word; an unknown word raises ValueError."""

    impl = Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self._members = {str(member): member for member in vocabulary}  # an enumeration takes ten times as long
        self._words = _Words({None: None} | {word: word for word in self._members})

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return self._words[value]

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        # a look into a dictionary and no function of Python's: a market's reading has fifty words
        return self._words.__getitem__

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._members.get(value) or self.vocabulary(value)


class _Words(dict[str | None, str | None]):
    """Words by themselves, and by the members that are them."""

    def __missing__(self, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is no word of this vocabulary")
