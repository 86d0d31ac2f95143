"""Chance without state: every draw is named by what it is for, so it never depends on who looked when.

That keeps a universe the same whether a market is looked at every minute or once a week, and after a restart.
"""

from random import Random


def draw(*name: object) -> Random:
    """A random source for one purpose; the same name gives the same numbers."""
    return Random(":".join(map(str, name)))
