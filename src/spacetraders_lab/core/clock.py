"""Time as an argument: everyone who needs the hour or a pause is handed a Clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The hour (aware, UTC), seconds that never run backwards, and a pause in seconds."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...
