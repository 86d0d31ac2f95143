"""A browser's end of a stream of events, as plain values."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True)
class Event:
    """One event: its name, its id (empty: none), its data."""

    name: str
    id: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@contextmanager
def follow(url: str, name: str, **headers: str) -> Iterator[Iterator[Event]]:
    """The events of a view as they come; each takes at most ten seconds to come."""
    with (
        httpx2.Client(timeout=10) as client,
        client.stream("GET", f"{url}/api/events/{name}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields.setdefault(name, []).append(value)
            continue
        if "data" in fields:
            yield Event(fields.get("event", ["message"])[0], fields.get("id", [""])[0], "\n".join(fields["data"]))
        fields = {}
