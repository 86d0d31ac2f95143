"""How far the game's clock is ahead of ours, told by the date that its replies carry: no request is made for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_UNIT = timedelta(seconds=1)  # of the dates, which are cut off to whole seconds
_NONE = timedelta(0)


@dataclass(slots=True)
class Skew:
    """What the replies so far say of the game's clock; times of it and of ours are turned into each other.

    A reply was written between its request's leaving and its own arrival, which bounds the difference from both sides;
    many replies narrow it to little more than the quickest of them took. Clocks that may agree are taken to agree, so
    that a machine whose clock is right corrects nothing; otherwise it is the lower bound that counts.
    """

    _least: timedelta | None = None
    _most: timedelta = _NONE

    def note(self, date: datetime, *, sent: datetime, received: datetime) -> None:
        """A reply has come with this date of the game's; the other times are ours."""
        least, most = date - received, date + _UNIT - sent
        if self._least is not None and least <= self._most and self._least <= most:
            least, most = max(least, self._least), min(most, self._most)
        # else this is the first one, or one of the clocks was set since the others
        self._least, self._most = least, most

    @property
    def ahead(self) -> timedelta:
        """By how much the game's clock is ahead of ours; nothing while no reply has told."""
        if self._least is None or self._least <= _NONE < self._most:
            return _NONE
        return self._least

    def games(self, ours: datetime) -> datetime:
        """The moment by the game's clock."""
        return ours + self.ahead

    def past(self, games: datetime) -> datetime:
        """When our clock shows that the moment of the game's has come for sure."""
        return games - (self._least or _NONE)
