"""Placebo brackets of two ships: what one has read shortly before, the next need not read again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from spacetraders_lab.core.experiment import Design, DesignName
from spacetraders_lab.run import effects
from spacetraders_lab.run.app import Lab
from spacetraders_lab.sandbox import trade
from spacetraders_lab.study.rig import Rig

LADDER = Design(name=DesignName.LADDER, washout_seconds=45 * 60, fractions=(1.0,), iterations=1)


def _lab_with_two_ships_at_the_market(make_rig: Callable[..., Rig], **settings: object) -> tuple[Rig, str]:
    rig = make_rig(ships=2, **settings)
    pair = rig.pairs(1)[0]
    for ship in (rig.ship(1), rig.ship(2)):
        ship.waypoint = pair.buy_market
    return rig, pair.buy_market


def _read_by_the_second(rig: Rig, market: str, ship: str = "LAB-2") -> None:
    async def read(lab: Lab) -> None:
        await effects.read_market(lab, market, "visit", ship=ship)

    rig.play(read)


def _buy(rig: Rig, ship: str, good: str) -> None:
    trade.purchase(rig.universe, rig.universe.ships[ship], good, 1, rig.clock.now())


def _fly(rig: Rig) -> tuple[int, list[dict[str, object]]]:
    """How often LAB-1 reads the market before it buys, and the brackets of its first market."""
    pair, before = rig.pairs(1)[0], len(rig.wire.log)
    run = rig.queue([pair], LADDER)
    rig.fly(run, "LAB-1")
    sent = rig.wire.log[before:]
    bought = next(i for i, exchange in enumerate(sent) if exchange.fits("POST", "/purchase"))
    brackets = rig.rows(
        "SELECT before_ship_symbol, before_at, after_at FROM placebo_brackets WHERE market_symbol = :m",
        m=pair.buy_market,
    )
    assert rig.counts(run) == {"COMPLETED": 1}
    return sum(exchange.fits("GET", "/market") for exchange in sent[:bought]), brackets


@pytest.mark.parametrize(
    ("seconds", "speed", "readings"), [(5, 1, 1), (110, 1, 1), (130, 1, 2), (11, 10, 1), (13, 10, 2)]
)
def test_a_reading_of_the_last_two_minutes_by_another_ship_begins_the_bracket(
    make_rig: Callable[..., Rig], seconds: float, speed: float, readings: int
) -> None:
    """Two minutes of the game's time; longer ago, the ship reads a second time."""
    rig, market = _lab_with_two_ships_at_the_market(make_rig, speed=speed)
    _read_by_the_second(rig, market)
    rig.clock.run(rig.clock.sleep(seconds))
    read, (bracket,) = _fly(rig)
    assert read == readings
    assert bracket["before_ship_symbol"] == ("LAB-2" if readings == 1 else None)


def test_what_was_read_in_the_same_moment_begins_none(make_rig: Callable[..., Rig]) -> None:
    rig, market = _lab_with_two_ships_at_the_market(make_rig)
    _read_by_the_second(rig, market)
    read, (bracket,) = _fly(rig)
    assert (read, bracket["before_ship_symbol"]) == (2, None)


@pytest.mark.parametrize("good", ["its own", "another"])
@pytest.mark.parametrize("reader", ["LAB-2", "SECOND-1"])
def test_no_trade_of_ours_is_within_a_bracket(make_rig: Callable[..., Rig], good: str, reader: str) -> None:
    """Of whichever good: untouched listings are the bracket's controls. The market's list tells, whoever traded, and
    whoever read, be it a ship of another agent that the same database knows.
    """
    rig, market = _lab_with_two_ships_at_the_market(make_rig)
    own = rig.pairs(1)[0].good_symbol
    _buy(rig, "LAB-2", own)
    rig.clock.run(rig.clock.sleep(1))
    _read_by_the_second(rig, market, reader)
    rig.clock.run(rig.clock.sleep(5))
    others = (x for x in rig.universe.home.markets[market].listings if x not in (own, "FUEL"))
    _buy(rig, "LAB-2", own if good == "its own" else next(others))
    rig.clock.run(rig.clock.sleep(5))
    read, (bracket,) = _fly(rig)
    assert (read, bracket["before_ship_symbol"]) == (2, None)


def test_fuel_that_a_ship_takes_in_is_no_trade(make_rig: Callable[..., Rig]) -> None:
    rig, market = _lab_with_two_ships_at_the_market(make_rig)
    _buy(rig, "LAB-2", rig.pairs(1)[0].good_symbol)
    rig.clock.run(rig.clock.sleep(1))
    _read_by_the_second(rig, market)
    rig.clock.run(rig.clock.sleep(5))
    rig.ship(2).fuel -= 200
    trade.refuel(rig.universe, rig.ship(2), None, False, rig.clock.now())
    rig.clock.run(rig.clock.sleep(5))
    read, (bracket,) = _fly(rig)
    assert (read, bracket["before_ship_symbol"]) == (1, "LAB-2")


def test_the_original_grid_takes_no_bracket(make_rig: Callable[..., Rig]) -> None:
    rig, market = _lab_with_two_ships_at_the_market(make_rig)
    _read_by_the_second(rig, market)
    rig.clock.run(rig.clock.sleep(5))
    rig.fly(rig.queue([rig.pairs(1)[0]], replace(LADDER, name=DesignName.GRID)), "LAB-1")
    assert rig.rows("SELECT * FROM placebo_brackets") == []
