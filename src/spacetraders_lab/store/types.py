"""Column types that are the same value in Python on both databases."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

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

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return str(value if isinstance(value, self.vocabulary) else self.vocabulary(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self._members.get(value) or self.vocabulary(value)
