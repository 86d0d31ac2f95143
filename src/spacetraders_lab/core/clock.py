"""Time as an argument: everyone who needs the hour or a pause is handed a Clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The hour (aware, UTC) and a pause in seconds; a virtual clock answers both without waiting."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...
