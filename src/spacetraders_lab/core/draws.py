"""Chance that is the same everywhere: every draw follows from a seed and the words that say what it is for.

A hash and not a generator, so that a draw does not depend on how many were made before it, on the machine, or on the
version of Python; whoever holds the plan can draw it again.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, *words: object) -> float:
    """A number in [0, 1), uniform over the words."""
    digest = hashlib.sha256("\x1f".join(map(str, (seed, *words))).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def shuffled(items: Sequence[T], seed: int, *words: object) -> list[T]:
    """The items in an order drawn for these words."""
    turns = sorted(range(len(items)), key=lambda i: draw(seed, *words, i))
    return [items[i] for i in turns]


def williams_row(items: Sequence[T], number: int) -> list[T]:
    """Row `number` (any whole number, the rows go round) of a Williams square over the items.

    Over one round of rows every item stands in every place equally often and follows every other equally often, so
    neither place nor predecessor is confounded with size. Source: Williams 1949, Austr. J. Sci. Res. A 2:149.
    """
    n = len(items)
    first = [(place + 1) // 2 if place % 2 else (n - place // 2) % n for place in range(n)]
    rows = n if n % 2 == 0 else 2 * n
    turn = number % rows
    row = [(place + turn) % n for place in first]
    return [items[i] for i in (row if turn < n else reversed(row))]
