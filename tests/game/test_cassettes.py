"""Awkward replies as the real game and the layers in front of it have given them, played back without any network.

The texts are our own, made after what players have published (SpaceTradersAPI/api-docs, its changelog and wiki, and
community clients): error bodies with codes, proxies' HTML, words and fields of later versions, numbers out of range,
pages that change while they are read.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import pytest

from spacetraders_lab.core.commands import PurchaseCargoCommand
from spacetraders_lab.core.errors import GameError, GameUnreachable, LabError, Maintenance, TokenRefused, UniverseReset
from spacetraders_lab.core.ship import NavStatus, Ship
from spacetraders_lab.core.travel import FlightMode
from spacetraders_lab.game import reads
from spacetraders_lab.game.client import GameClient
from spacetraders_lab.game.execute import execute
from spacetraders_lab.game.game import Game
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.game.outcome import Outcome, Refused, Unknown
from spacetraders_lab.study.virtual import VirtualClock

HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


def page(status: int, title: str) -> httpx2.Response:
    """What a proxy answers in the game's place."""
    return httpx2.Response(status, text=HTML.format(title), headers={"content-type": "text/html"})


def error(status: int, code: int, message: str = "no", **data: Any) -> httpx2.Response:
    body = {"message": message, "code": code, "data": data, "requestId": "cl0"}
    return httpx2.Response(status, json={"error": body})


def data(content: Any, status: int = 200, **meta: int) -> httpx2.Response:
    return httpx2.Response(status, json={"data": content} | ({"meta": meta} if meta else {}))


class Cassette(httpx2.AsyncBaseTransport):
    """Plays its replies in their order, the last one again and again, and keeps what was asked."""

    def __init__(self, *replies: httpx2.Response | Exception) -> None:
        self._replies, self.asked = list(replies), 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)
        reply = self._replies[min(self.asked, len(self._replies) - 1)]
        self.asked += 1
        if isinstance(reply, Exception):
            raise reply
        return httpx2.Response(reply.status_code, headers=reply.headers, content=reply.content)


def play(cassette: Cassette, scene: Callable[[Game], Any]) -> Any:
    clock = VirtualClock()

    async def whole() -> Any:
        limiter = TwoPoolLimiter(clock)
        client = GameClient("https://game.test/v2", "token", clock=clock, limiter=limiter, transport=cassette)
        try:
            return await scene(Game(client, clock))
        finally:
            await client.aclose()

    return clock.run(whole())


# --- replies of a form that was not expected -----------------------------------------------------------------------

STAMP = "2026-03-01T12:00:00.000Z"
AGENT = {"accountId": "a", "symbol": "LAB", "headquarters": "X1-AA1-A1", "credits": 175000, "shipCount": 2}


def ship(symbol: str = "LAB-1", **changes: Any) -> dict[str, Any]:
    nav = {
        "systemSymbol": "X1-AA1",
        "waypointSymbol": "X1-AA1-A1",
        "route": {"departureTime": STAMP, "arrival": STAMP},
        "status": "DOCKED",
        "flightMode": "CRUISE",
    }
    whole = {
        "symbol": symbol,
        "nav": nav | changes.pop("nav", {}),
        "fuel": {"current": 400, "capacity": 400, "consumed": {"amount": 0, "timestamp": STAMP}},
        "cargo": {"capacity": 40, "units": 0, "inventory": []},
        "engine": {"symbol": "ENGINE_ION_DRIVE_II", "speed": 36, "condition": 1},
    }
    return whole | changes


def good(**changes: Any) -> dict[str, Any]:
    listing = {"symbol": "IRON", "type": "EXPORT", "tradeVolume": 60, "supply": "HIGH", "activity": "WEAK"}
    return listing | {"purchasePrice": 100, "sellPrice": 48} | changes


def market(**changes: Any) -> dict[str, Any]:
    lists = {"exports": [{"symbol": "IRON"}], "imports": [], "exchange": [{"symbol": "FUEL"}]}
    return {"symbol": "X1-AA1-A1"} | lists | changes


def read_market(*replies: httpx2.Response) -> Any:
    return play(Cassette(*replies), lambda game: reads.get_market(game.client, "X1-AA1-A1"))


def test_fields_that_nobody_knew_are_ignored() -> None:
    answer = data(market(tradeGoods=[good(taxRate=0.05, history=[])], weather={"storm": True}), season="spring")  # type: ignore[arg-type]
    assert read_market(answer).goods["IRON"].purchase_price == 100


def test_goods_with_words_of_a_later_version_are_left_out_and_the_others_kept() -> None:
    strange = [
        good(symbol="A", supply="OVERFLOWING"),
        good(symbol="B", type="AUCTION"),
        good(symbol="ANTIGRAVITY_SILK"),
    ]
    seen = read_market(data(market(tradeGoods=[*strange, good(symbol="C", activity="FRANTIC")])))
    assert set(seen.goods) == {"ANTIGRAVITY_SILK", "C"}
    assert seen.goods["C"].activity is None


def test_transactions_of_unknown_kinds_are_left_out() -> None:
    row = {"waypointSymbol": "X1-AA1-A1", "shipSymbol": "Z-1", "tradeSymbol": "FUEL", "units": 1}
    row |= {"pricePerUnit": 72, "totalPrice": 72, "timestamp": STAMP}
    seen = read_market(data(market(transactions=[row | {"type": "BARTER"}, row | {"type": "SELL"}])))
    assert len(seen.transactions) == 1


def test_a_market_without_a_ship_has_its_lists_and_no_prices() -> None:
    seen = read_market(data(market()))
    assert (seen.listed, dict(seen.goods), seen.transactions) == (("FUEL", "IRON"), {}, ())


def read_ship(**changes: Any) -> Ship:
    found: Ship = play(Cassette(data(ship(**changes))), lambda game: reads.get_ship(game.client, "LAB-1"))
    return found


def test_negative_cargo_is_nothing() -> None:
    items = [{"symbol": "IRON", "units": -3}, {"symbol": "GOLD", "units": 5}, {"symbol": "FUEL", "units": 0}]
    seen = read_ship(cargo={"capacity": 40, "units": 2, "inventory": items})
    assert dict(seen.inventory) == {"GOLD": 5}
    assert seen.free_space == 35


def test_a_flight_mode_of_a_later_version_is_one_that_will_be_changed() -> None:
    assert read_ship(nav={"flightMode": "HYPERCRUISE"}).flight_mode is FlightMode.STEALTH


def test_negative_credits_are_credits() -> None:
    assert play(Cassette(data(AGENT | {"credits": -512})), lambda game: reads.get_agent(game.client)).credits == -512


@pytest.mark.parametrize("answer", [data(None), data([]), httpx2.Response(200, json=[1]), data({"symbol": 5})])
def test_json_of_a_form_that_makes_no_sense_is_an_error_at_once(answer: httpx2.Response) -> None:
    cassette = Cassette(answer)
    with pytest.raises(GameError, match="in a form that this program does not know"):
        play(cassette, lambda game: reads.get_agent(game.client))
    assert cassette.asked == 1


# --- what stands in front of the game ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        page(502, "502 Bad Gateway"),
        page(504, "504 Gateway Time-out"),
        page(520, "Web server is returning an unknown error"),
        page(403, "Access denied"),
        page(408, "408 Request Time-out"),
        page(429, "429 Too Many Requests"),
        page(200, "Just a moment..."),
        httpx2.Response(200, text=""),
        httpx2.Response(200, text='{"data": {"symbol": "LA'),
        error(500, 3000, "Unexpected server error"),
        error(409, 409, "Ship LAB-1 is currently locked while processing another request."),
        error(429, 429, "You have reached your API limit.", type="IP Address", retryAfter=0.35, remaining=0),
        httpx2.ReadTimeout("x"),
        httpx2.RemoteProtocolError("x"),
        httpx2.ConnectError("x"),
    ],
    ids=lambda reply: (
        type(reply).__name__ if isinstance(reply, Exception) else f"{reply.status_code} {reply.text[:30]}"
    ),
)
def test_what_passes_is_asked_again_and_the_reader_never_notices(first: httpx2.Response | Exception) -> None:
    cassette = Cassette(first, data(AGENT))
    assert play(cassette, lambda game: reads.get_agent(game.client)).symbol == "LAB"
    assert cassette.asked == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(503, 3100, "The universe is being reset. Please check back in a few minutes."), Maintenance),
        (page(503, "Service Unavailable"), Maintenance),
        (
            error(401, 4113, "Token reset_date does not match", expected="2026-03-08", actual="2026-03-01"),
            UniverseReset,
        ),
        (error(401, 4104, "Failed to parse token."), TokenRefused),
        (error(401, 4103, "Missing Bearer token"), TokenRefused),
        (page(403, "Access denied"), GameUnreachable),
        (page(404, "Not found"), GameError),
        (page(502, "502 Bad Gateway"), GameUnreachable),
        (httpx2.Response(301, headers={"location": "https://elsewhere.test"}), GameError),
    ],
)
def test_what_lasts_is_said_in_one_sentence_without_html(answer: httpx2.Response, kind: type[LabError]) -> None:
    with pytest.raises(kind) as said:
        play(Cassette(answer), lambda game: reads.get_agent(game.client))
    assert "<" not in str(said.value)
    assert "\n" not in str(said.value)


SHIP = Ship("LAB-1", "X1-AA1-A1", NavStatus.DOCKED, FlightMode.CRUISE, 36, 400, 400, 40)


def buy(*replies: httpx2.Response | Exception) -> tuple[Outcome, int]:
    cassette = Cassette(*replies)
    return play(cassette, lambda game: execute(game, PurchaseCargoCommand("LAB-1", "IRON", 5), SHIP)), cassette.asked


@pytest.mark.parametrize(
    "answer",
    [page(502, "502 Bad Gateway"), page(201, "Just a moment..."), error(500, 3000), data({"agent": AGENT}, 201)],
)
def test_a_trade_whose_answer_makes_no_sense_is_unknown_and_never_sent_again(answer: httpx2.Response) -> None:
    outcome, asked = buy(answer)
    assert isinstance(outcome, Unknown)
    assert asked == 1


def test_refusals_carry_the_games_code_and_data_whatever_http_status_they_come_with() -> None:
    for status in (400, 409, 422):
        outcome, asked = buy(error(status, 4604, "limit", tradeSymbol="IRON", units=5, tradeVolume=3))
        assert isinstance(outcome, Refused)
        assert (outcome.error.code, outcome.error.data["tradeVolume"], asked) == (4604, 3, 1)


def test_a_body_that_the_game_finds_wrong_is_refused_with_its_code() -> None:
    issues = [{"code": "too_small", "path": ["units"], "message": "Number must be greater than 0"}]
    outcome, _ = buy(error(422, 3001, "The payload is invalid.", zodIssues=issues))
    assert isinstance(outcome, Refused)
    assert outcome.error.code == 3001


# --- lists that change under the reader ----------------------------------------------------------------------------


def fleet(*replies: httpx2.Response) -> tuple[list[str], int]:
    cassette = Cassette(*replies)
    ships: Sequence[Ship] = play(cassette, lambda game: reads.list_ships(game.client))
    return [ship.symbol for ship in ships], cassette.asked


def ships(first: int, last: int, *, of: int) -> httpx2.Response:
    return data([ship(f"LAB-{i}") for i in range(first, last + 1)], total=of, page=1, limit=20)


def test_a_ship_bought_between_two_pages_makes_the_list_be_read_again() -> None:
    symbols, asked = fleet(ships(1, 20, of=21), ships(21, 22, of=22), ships(1, 20, of=22), ships(21, 22, of=22))
    assert symbols == [f"LAB-{i}" for i in range(1, 23)]
    assert asked == 4


def test_an_entry_that_shows_on_both_pages_counts_once() -> None:
    symbols, _ = fleet(ships(1, 20, of=21), ships(20, 20, of=21), ships(1, 20, of=21), ships(21, 21, of=21))
    assert symbols == [f"LAB-{i}" for i in range(1, 22)]


def test_a_page_that_stays_empty_ends_the_reading_with_what_there_is() -> None:
    symbols, asked = fleet(*[ships(1, 20, of=40), data([], total=40, page=2, limit=20)] * 3)
    assert (len(symbols), asked) == (20, 6)


def test_more_than_the_total_is_not_waited_for() -> None:
    assert fleet(ships(1, 3, of=3)) == (["LAB-1", "LAB-2", "LAB-3"], 1)
