"""Faults on demand: which request meets which mishap. `mishaps.py` carries them out.

Strikes are drawn by name (seed, rule, how many requests the rule has seen), so the same requests meet the same faults.
"""

from collections import Counter
from enum import StrEnum
from pathlib import Path

import msgspec

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.chance import draw


class Fault(StrEnum):
    """What can befall a request. "After effect" means that the game did what was asked."""

    LOST_REQUEST = "lost-request"  # the connection breaks and nothing was done
    LOST_REPLY = "lost-reply"  # the connection breaks after effect
    LATE_REQUEST = "late-request"  # nothing happens for `seconds`, then the game does it, whoever still waits
    LATENCY = "latency"  # the reply takes `seconds` longer, after effect
    LIMITED = "limited"  # 429 as the game's own, to be repeated after `seconds`
    LIMITED_BARE = "limited-bare"  # 429 without any header that says until when
    PROXY_429 = "proxy-429"  # an HTML page of somebody in front of the game
    PROXY_502 = "proxy-502"
    SERVER_ERROR = "server-error"  # 500 with code 3000, after effect
    LOCKED = "locked"  # 409: the ship is busy with another request
    TRUNCATED = "truncated"  # half of the reply's JSON, after effect
    MAINTENANCE = "maintenance"  # 503 with code 3100 for all, for `seconds` of game time (an hour unless said)
    RESET = "reset"  # a new universe with a new reset date; with `seconds`, maintenance before


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a fault strikes: requests of `method` to the route template `path` (any, where they are not given).

    The first `after` of them are spared, then each is struck with `probability`, at most `count` of them.
    """

    fault: Fault
    probability: float = 1.0
    method: str | None = None
    path: str | None = None
    after: int = 0
    count: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"a probability lies between 0 and 1, not at {self.probability}")


def load_faults(path: Path) -> tuple[FaultRule, ...]:
    """The rules of a JSON file: a list of objects with the fields of FaultRule. Raises UserError for anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[FaultRule, ...])
    except OSError as error:
        raise UserError(f"the faults cannot be read: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no list of faults: {error}") from None


class FaultMenu:
    """The rules in force and what they have done: `injected` counts strikes by fault."""

    def __init__(self, seed: int, rules: tuple[FaultRule, ...] = ()) -> None:
        self.seed = seed
        self.injected: Counter[Fault] = Counter()
        self.set(rules)

    def set(self, rules: tuple[FaultRule, ...]) -> None:
        """Put these rules in force, their counts at zero."""
        self.rules = rules
        self._seen = [0] * len(rules)
        self._struck = [0] * len(rules)

    def choose(self, method: str, path: str) -> FaultRule | None:
        """The rule that strikes this request, None for most."""
        for number, rule in enumerate(self.rules):
            if (rule.method or method, rule.path or path) == (method, path) and self._strikes(number, rule):
                self._struck[number] += 1
                self.injected[rule.fault] += 1
                return rule
        return None

    def _strikes(self, number: int, rule: FaultRule) -> bool:
        self._seen[number] += 1
        if self._seen[number] <= rule.after or (rule.count is not None and self._struck[number] >= rule.count):
            return False
        return draw(self.seed, "fault", number, self._seen[number]).random() < rule.probability
