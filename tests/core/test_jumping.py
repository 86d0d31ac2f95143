"""Ways from system to system against every way there is, and how little is asked to find them."""

from collections.abc import Iterator
from itertools import pairwise
from math import dist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacetraders_lab.core.jumping import Fact, Gates, Jumps, Unread, find_jumps
from spacetraders_lab.core.routing import Preference, Unreachable

FASTEST, CHEAPEST, FEWEST = Preference.FASTEST, Preference.CHEAPEST, Preference.FEWEST_REQUESTS


def gate(number: int) -> str:
    return f"X1-S{number}-G"


def system(number: int) -> str:
    return f"X1-S{number}"


class Galaxy:
    """Everything about a few gates; `asked` keeps what a search wanted to know. The first is the start."""

    def __init__(
        self, places: list[tuple[int, int]], links: set[tuple[int, int]], unfinished: frozenset[int] = frozenset()
    ) -> None:
        numbers = range(len(places))
        both = links | {(b, a) for a, b in links}
        self.truth = Gates(
            {gate(n): n in unfinished for n in numbers},
            {gate(n): tuple(gate(m) for m in numbers if (n, m) in both and n != m) for n in numbers},
            {system(n): places[n] for n in numbers},
        )
        self.asked: list[Unread] = []

    def find(self, goal: int, preference: Preference = FASTEST) -> Jumps:
        known = Gates()
        while isinstance(found := find_jumps(known, gate(0), system(goal), preference), Unread):
            assert found not in self.asked
            self.asked.append(found)
            key = found.gate.removesuffix("-G") if found.fact is Fact.POSITION else found.gate
            name = {Fact.CONSTRUCTION: "under_construction", Fact.POSITION: "positions"}.get(found.fact, "connections")
            getattr(known, name)[key] = getattr(self.truth, name)[key]
        return found

    def ways(self, goal: int, way: tuple[str, ...] = (gate(0),)) -> Iterator[tuple[str, ...]]:
        """Every way through gates that work, by exhaustion."""
        if way[-1] == gate(goal):
            yield way
            return
        for other in self.truth.connections[way[-1]]:
            if other not in way and not self.truth.under_construction[other]:
                yield from self.ways(goal, (*way, other))

    def seconds(self, way: tuple[str, ...]) -> int:
        """The cooldowns of all jumps but the last."""
        places = [self.truth.positions[g.removesuffix("-G")] for g in way[:-1]]
        return sum(60 + round(dist(a, b)) for a, b in pairwise(places))


@st.composite
def galaxies(draw: st.DrawFn) -> Galaxy:
    size = draw(st.integers(2, 7))
    numbers = st.integers(0, size - 1)
    places = draw(st.lists(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), min_size=size, max_size=size))
    links = draw(st.sets(st.tuples(numbers, numbers), max_size=14))
    return Galaxy(places, links, draw(st.frozensets(st.integers(1, size - 1), max_size=2)))


@given(galaxies(), st.sampled_from(list(Preference)))
@settings(max_examples=200, deadline=None)
def test_no_way_is_better_and_none_is_overlooked(galaxy: Galaxy, preference: Preference) -> None:
    ways = list(galaxy.ways(1))
    try:
        found = galaxy.find(1, preference)
    except Unreachable:
        assert not ways
        return
    way = (gate(0), *found.gates)
    assert way in ways
    costs = {
        FASTEST: [galaxy.seconds(w) + 0.5 * (len(w) - 1) for w in ways],
        CHEAPEST: [(len(w) - 1) * 10_000 + galaxy.seconds(w) for w in ways],
        FEWEST: [len(w) - 1 for w in ways],
    }
    assert costs[preference][ways.index(way)] == min(costs[preference])
    assert len(found.gates) == len(way) - 1
    if preference is not FEWEST:
        assert found.seconds == galaxy.seconds(way)


def test_a_neighbour_is_found_by_asking_two_things() -> None:
    galaxy = Galaxy([(0, 0)] * 5, {(0, 1), (0, 2), (0, 3), (0, 4)})
    assert galaxy.find(1) == Jumps((gate(1),), 0)
    assert galaxy.asked == [Unread(gate(0), Fact.CONNECTIONS), Unread(gate(1), Fact.CONSTRUCTION)]


def test_the_last_jumps_cooldown_keeps_nobody_waiting() -> None:
    """The far goal is two jumps away either way; what counts is how far the gate between is."""
    galaxy = Galaxy([(0, 0), (900, 0), (10, 0), (400, 0)], {(0, 2), (0, 3), (2, 1), (3, 1)})
    assert galaxy.find(1) == Jumps((gate(2), gate(1)), 70)


def test_who_counts_requests_asks_for_no_positions() -> None:
    galaxy = Galaxy([(0, 0), (9, 0), (10, 0)], {(0, 2), (2, 1)})
    galaxy.find(1, FEWEST)
    assert Fact.POSITION not in {unread.fact for unread in galaxy.asked}


@pytest.mark.parametrize(
    ("galaxy", "words"),
    [
        (Galaxy([(0, 0)] * 3, {(0, 2)}), "no charted jump gates lead there from X1-S0-G"),
        (Galaxy([(0, 0)] * 3, {(0, 2), (2, 1)}, frozenset({2})), r"under construction are in the way \(X1-S2-G\)"),
        (Galaxy([(0, 0)] * 99, {(n, n + 1) for n in range(2, 98)} | {(0, 2), (98, 1)}), "not among the 50 systems"),
    ],
)
def test_unreachable_says_why(galaxy: Galaxy, words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        galaxy.find(1)


def test_what_may_have_changed_is_asked_again() -> None:
    known = Gates({gate(1): True, gate(2): False}, {gate(3): (), gate(4): (gate(1),)}, {system(1): (0, 0)})
    known.forget_obstacles()
    assert known == Gates({gate(2): False}, {gate(4): (gate(1),)}, {system(1): (0, 0)})
