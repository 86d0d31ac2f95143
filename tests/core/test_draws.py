"""Draws: the same for the same words, spread over all values; squares in which no size has a fixed place."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.draws import draw, shuffled, williams_row

seeds = st.integers(0, 2**31)


@given(seeds, st.text())
def test_a_draw_depends_on_its_words_alone(seed: int, word: str) -> None:
    assert draw(seed, word) == draw(seed, word)
    assert 0 <= draw(seed, word) < 1
    assert draw(seed, word, 1) != draw(seed, word, 2)
    assert draw(seed, "ab", "c") != draw(seed, "a", "bc")


def test_draws_are_known_for_ever() -> None:
    """A plan drawn today is drawn alike tomorrow, on any machine."""
    assert round(draw(7, "pairs", 3), 9) == 0.612680184
    assert shuffled("abcdef", 7, "order") == list("fcadeb")


def test_draws_fill_the_interval_evenly() -> None:
    tenths = Counter(int(10 * draw(seed, "even")) for seed in range(5000))
    assert min(tenths.values()) > 420
    assert max(tenths.values()) < 580


@given(seeds, st.lists(st.integers(), unique=True))
def test_a_shuffle_keeps_every_item(seed: int, items: list[int]) -> None:
    assert sorted(shuffled(items, seed)) == sorted(items)


@given(st.integers(2, 8), st.integers(-50, 50))
def test_a_round_of_rows_balances_place_and_predecessor(n: int, start: int) -> None:
    rows = [williams_row(range(n), start + i) for i in range(n if n % 2 == 0 else 2 * n)]
    each = len(rows) // n
    assert all(sorted(row) == list(range(n)) for row in rows)
    for place in range(n):
        assert set(Counter(row[place] for row in rows).values()) == {each}
    followers = Counter(pair for row in rows for pair in pairwise(row))
    assert len(followers) == n * (n - 1)
    assert len(set(followers.values())) == 1
