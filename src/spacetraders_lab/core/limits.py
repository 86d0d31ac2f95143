"""How long a run may go on and how much it may ask of the game: beyond that it begins nothing more. Decides only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Game hours since the run was begun, pauses included, and requests of its ships; None: no such limit."""

    max_hours: float | None = None
    max_requests: int | None = None

    def reached(self, *, hours: float, requests: int) -> str | None:
        """Which limit is reached, in words for the user; None as long as none is."""
        if self.max_hours is not None and hours >= self.max_hours:
            return f"the limit of {self.max_hours:g} hours is reached"
        if self.max_requests is not None and requests >= self.max_requests:
            return f"the limit of {self.max_requests:,} requests is reached"
        return None


NO_LIMITS = Limits()
