"""Time as the markets live it: in a sandbox that plays faster than the clock, more of it goes by. Estimates nothing.

What is recorded carries the hour of the clock. Recovery and drift are of the game's time, so what is analysed is told
that: the hours of the first run's beginning agree, from there on the game's go on at the runs' speeds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spacetraders_lab.analysis.arrays import Column, Floats, Ints, seconds
from spacetraders_lab.analysis.dataset import Dataset
from spacetraders_lab.core.experiment import PlaceboBracket


@dataclass(frozen=True, slots=True)
class GameTime:
    """At which of the clock's hours (seconds since 1970, ascending) the game went on at which speed.

    Before the first of them it went at the first speed.
    """

    since: Floats
    speed: Floats

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[datetime, float]]) -> "GameTime":
        """From when each run was begun, and the game's speed then: game seconds a second, 1 in the real game."""
        begun = sorted(runs)
        return cls(seconds([at for at, _ in begun]), np.array([speed for _, speed in begun], dtype=np.float64))

    @property
    def is_the_clocks(self) -> bool:
        return bool((self.speed == 1.0).all())

    def of(self, hours: Column) -> NDArray[np.datetime64]:
        """The game's hours for the clock's, as UTC to the microsecond."""
        found: NDArray[np.datetime64] = self._microseconds(seconds(hours)).astype("datetime64[us]")
        return found

    def trades(self, data: Dataset) -> Dataset:
        """The trades in game time, the reading before each as well; what is left out stays what it was by the clock."""
        time, read = self._microseconds(data.time) / 1e6, self._microseconds(data.time - data.seconds) / 1e6
        return replace(data, time=time, seconds=time - read)

    def minutes(self, start: datetime, end: datetime) -> float:
        """Minutes of the game between two of the clock's hours."""
        first, last = self.of([start, end])
        return float((last - first) / np.timedelta64(1, "m"))

    def brackets(self, placebos: Iterable[PlaceboBracket]) -> list[PlaceboBracket]:
        """The placebo brackets in game time."""
        return [replace(p, before_at=self._moment(p.before_at), after_at=self._moment(p.after_at)) for p in placebos]

    def _microseconds(self, clock: Floats) -> Ints:
        gone = np.concatenate(([0.0], np.cumsum(np.diff(self.since) * self.speed[:-1])))
        run = np.maximum(0, np.searchsorted(self.since, clock, side="right") - 1)
        game = self.since[0] + gone[run] + (clock - self.since[run]) * self.speed[run]
        found: Ints = np.round(1e6 * game).astype(np.int64)
        return found

    def _moment(self, hour: datetime) -> datetime:
        moment: Any = self.of([hour])[0].item()
        found: datetime = moment.replace(tzinfo=UTC)
        return found
