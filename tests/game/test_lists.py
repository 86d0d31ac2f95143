"""Lists with entries that the game cannot show, as players have had them for days, or that make no sense."""

import logging
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from spacetraders_lab.core.errors import GameError, GameUnreachable
from spacetraders_lab.core.ship import Ship
from spacetraders_lab.game import reads
from spacetraders_lab.game.game import Game
from tests.game.sandbox import Sandbox, Trouble
from tests.game.test_cassettes import fleet
from tests.game.test_parse import SHIP, changed


def listed(size: int, *spoilt: int) -> tuple[list[str], Sandbox]:
    """The ships that are listed of a fleet in which the game cannot show the ones with these numbers, from 1 on."""
    sandbox = Sandbox(ships=("SHIP_PROBE",) * size)

    async def scene(game: Game, ship: Ship) -> list[str]:
        for number in spoilt:
            sandbox.universe.ships[f"LAB-{number:X}"].hold["ICE_WATER"] = -4
        return [ship.symbol for ship in await reads.list_ships(game.client)]

    return sandbox.play(scene), sandbox


@pytest.mark.parametrize(
    ("size", "spoilt", "requests"),
    [(5, [], 1), (3, [2], 11), (1, [1], 10), (45, [], 3), (45, [14], 18), (45, [1, 20, 45], 39), (20, [3, 4], 18)],
)
def test_a_ship_that_the_game_cannot_show_hides_no_other(size: int, spoilt: list[int], requests: int) -> None:
    symbols, sandbox = listed(size, *spoilt)
    assert symbols == [f"LAB-{number:X}" for number in range(1, size + 1) if number not in spoilt]
    assert len(sandbox.line.sent) == requests


def test_what_is_left_out_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        listed(45, 14)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == "number 14 of GET /my/ships is left out: the game cannot show it (HTTP 500, code 3000)"


def test_a_game_that_can_show_nothing_is_not_asked_for_every_ship() -> None:
    with pytest.raises(GameUnreachable) as broken:
        listed(45, *range(1, 46))
    assert (broken.value.http_status, broken.value.code) == (500, 3000)


def test_any_other_trouble_of_the_server_is_not_looked_into() -> None:
    sandbox = Sandbox()

    async def scene(game: Game, ship: Ship) -> None:
        sandbox.line.troubles.append(Trouble("GET", "/my/ships", httpx2.Response(500), times=100))
        with pytest.raises(GameUnreachable):
            await reads.list_ships(game.client)
        assert len(sandbox.line.sent) == 6

    sandbox.play(scene)


def page(entries: Sequence[Any], **meta: int) -> httpx2.Response:
    return httpx2.Response(200, json={"data": entries} | ({"meta": meta} if meta else {}))


SHIPS = [changed(SHIP, symbol=f"LAB-{number}") for number in range(1, 26)]


def test_a_list_without_figures_is_read_until_nothing_comes() -> None:
    symbols, replies = fleet(page(SHIPS[:20]), page(SHIPS[20:]), page([]))
    assert (symbols, replies) == ([ship["symbol"] for ship in SHIPS], 3)


@pytest.mark.parametrize("strange", [SHIPS[1] | {"cargo": None}, {"symbol": "LAB-2"}, None, "LAB-2"], ids=str)
def test_a_ship_that_makes_no_sense_hides_no_other(strange: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        symbols, replies = fleet(page([SHIPS[0], strange, SHIPS[2]], total=3))
    assert (symbols, replies) == (["LAB-1", "LAB-3"], 1)
    assert "is left out" in caplog.text


def test_a_list_of_which_nothing_makes_sense_is_an_error() -> None:
    with pytest.raises(GameError, match="in a form that this program does not know"):
        fleet(page([{"ship": 1}], total=1))
