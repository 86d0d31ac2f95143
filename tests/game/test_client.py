"""The client against every kind of reply and failure: what is asked again, what is raised, what is never shown."""

import logging
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from spacetraders_lab.core.errors import (
    GameError,
    GameUnreachable,
    LabError,
    Maintenance,
    TokenRefused,
    UniverseReset,
    UserError,
)
from spacetraders_lab.game.client import EffectUnknown, GameClient
from spacetraders_lab.game.limiter import TwoPoolLimiter
from spacetraders_lab.game.parse import Agent, Data, NavReply
from spacetraders_lab.study.virtual import START, VirtualClock

TOKEN = "eyJhbGciOiJSUzI1NiJ9.the-agents-secret.c2lnbmF0dXJl"
AGENT = {"data": {"symbol": "LAB", "headquarters": "X1-T1-A1", "credits": 175_000, "shipCount": 2}}
NAV = {
    "waypointSymbol": "X1-T1-A1",
    "status": "DOCKED",
    "flightMode": "CRUISE",
    "route": {"departureTime": "2026-03-01T12:00:00.000Z", "arrival": "2026-03-01T12:00:00.000Z"},
}
HTML = "<html><body><h1>Bad Gateway</h1></body></html>"

Answer = httpx2.Response | Exception


def error(status: int, code: int = 0, headers: dict[str, str] | None = None, **data: Any) -> httpx2.Response:
    """A refusal in the game's own form."""
    body = {"error": {"message": f"refused with {code}", "code": code, "data": data, "requestId": "x"}}
    return httpx2.Response(status, json=body, headers=headers)


def ok(body: Any = AGENT, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=body)


class Server:
    """A game that gives prepared answers, the last one for ever; `seen` keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.clock = VirtualClock()
        self.limiter = TwoPoolLimiter(self.clock)
        self.seen: list[httpx2.Request] = []
        self.times: list[float] = []
        self._answers = answers

    def client(self, base_url: str = "http://game.test/v2", token: str | None = TOKEN) -> GameClient:
        transport = httpx2.MockTransport(self._answer)
        return GameClient(base_url, token, clock=self.clock, limiter=self.limiter, transport=transport)

    def get_agent(self) -> Agent:
        return self.clock.run(self.client().get(Data[Agent], "/my/agent")).data

    def dock(self) -> NavReply:
        return self.clock.run(self.client().post(Data[NavReply], "/my/ships/{ship}/dock", ship="LAB-1")).data

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._answers[min(len(self.seen), len(self._answers) - 1)]
        self.seen.append(request)
        self.times.append(self.clock.elapsed)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def test_a_request_goes_out_again_as_it_was_with_no_cookie_of_an_earlier_reply() -> None:
    setting = httpx2.Response(200, json=AGENT, headers={"set-cookie": "session=1; Path=/"})
    server = Server(setting, ok(), ok({"data": {"nav": NAV}}))
    client = server.client()

    async def ask() -> None:
        for _ in range(2):
            await client.get(Data[Agent], "/my/agent")
        await client.patch(Data[NavReply], "/my/ships/{ship}/nav", json={"flightMode": "DRIFT"}, ship="LAB-1")

    server.clock.run(ask())
    first, again, order = server.seen
    assert (again.url, again.headers, again.content) == (first.url, first.headers, b"")
    assert all("cookie" not in request.headers for request in server.seen)
    assert (order.headers["content-type"], order.content) == ("application/json", b'{"flightMode":"DRIFT"}')
    assert {request.headers["authorization"] for request in server.seen} == {f"Bearer {TOKEN}"}


def raised(action: Callable[[], Any]) -> LabError:
    with pytest.raises(LabError) as caught:
        action()
    return caught.value


# --- what a request looks like -------------------------------------------------------------------------------------


def test_a_request_carries_the_token_and_the_places_of_its_path() -> None:
    server = Server(ok())
    client = server.client("http://game.test/v2/")
    server.clock.run(client.get(Data[Agent], "/my/ships/{ship}/cargo", query={"page": 2}, ship="LAB/1?x"))
    (request,) = server.seen
    assert str(request.url) == "http://game.test/v2/my/ships/LAB%2F1%3Fx/cargo?page=2"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert client.requests == {"GET /my/ships/{ship}/cargo": 1}


def test_a_post_can_carry_another_token_and_a_client_none() -> None:
    server = Server(ok())
    client = server.client(token=None)
    server.clock.run(client.post(Data[Agent], "/register", json={"symbol": "LAB"}, token="account"))
    server.clock.run(client.get(Data[Agent], "/my/agent"))
    assert server.seen[0].headers["authorization"] == "Bearer account"
    assert "authorization" not in server.seen[1].headers


def test_a_post_without_body_says_nothing_of_json() -> None:
    """The game refuses an empty body that is called JSON."""
    server = Server(ok({"data": {"nav": NAV}}))
    server.dock()
    assert "content-type" not in server.seen[0].headers


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.spacetraders.io",
        "ftp://game.test",
        "http://",
        "http://host:port",
        "/v2",
        "http://h/v2?x",
        "http://h/v2#f",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="not a base URL"):
        Server().client(address)


@pytest.mark.parametrize(
    "host", ["api.spacetraders.io", "API.SpaceTraders.io", "spacetraders.io:80", "spacetraders.io."]
)
def test_the_token_goes_to_the_game_only_under_https(host: str) -> None:
    with pytest.raises(UserError, match="https://"):
        Server().client(f"http://{host}/v2")
    Server().client(f"https://{host}/v2")
    Server().client("http://spacetraders.io.lan/v2")  # a sandbox on the local network


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "tokén", "tab\t"])
def test_a_damaged_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(UserError) as caught:
        Server().client(token=token)
    assert not token or token not in str(caught.value)


def test_the_speed_of_a_sandbox_is_learned_from_its_replies() -> None:
    server = Server(httpx2.Response(200, json=AGENT, headers={"x-sandbox-speed": "60"}))
    client = server.client()
    assert client.speed == 1.0
    server.clock.run(client.get(Data[Agent], "/my/agent"))
    assert client.speed == 60.0


def test_the_games_clock_is_learned_from_the_dates_of_its_replies() -> None:
    dates: list[dict[str, str]] = [{}, {"date": "yesterday"}, {"date": "Sun, 01 Mar 2026 13:00:00 GMT", "age": "7"}]
    server = Server(*(httpx2.Response(200, json=AGENT, headers=headers) for headers in dates))
    client = server.client()
    for _ in dates:
        server.clock.run(client.get(Data[Agent], "/my/agent"))
    assert client.skew.ahead == timedelta(0), "none, nonsense, and out of a cache"
    server = Server(httpx2.Response(200, json=AGENT, headers={"date": "Sun, 01 Mar 2026 13:00:00 GMT"}))
    client = server.client()
    server.clock.run(client.get(Data[Agent], "/my/agent"))
    assert client.skew.ahead == timedelta(hours=1)


# --- replies that are refusals -------------------------------------------------------------------------------------

# reply, what a read raises, what an action raises, and how often each is sent
REFUSALS: list[tuple[str, httpx2.Response, type[LabError], int, type[LabError], int]] = [
    ("the game's no", error(400, 4604, tradeVolume=20), GameError, 1, GameError, 1),
    ("cooldown", error(409, 4000), GameError, 1, GameError, 1),
    ("invalid body", error(422, 3001, zodIssues=[]), GameError, 1, GameError, 1),
    ("not found", error(404, 404), GameError, 1, GameError, 1),
    ("another server's 404", httpx2.Response(404, text=HTML), GameError, 1, GameError, 1),
    ("the game's 403", error(403, 4000), GameError, 1, GameError, 1),
    ("another's 403", httpx2.Response(403, text=HTML), GameUnreachable, 4, GameUnreachable, 4),
    ("another's 401", httpx2.Response(401, text=HTML), GameUnreachable, 4, GameUnreachable, 4),
    ("another's 401 in JSON", httpx2.Response(401, json={"message": "x"}), GameUnreachable, 4, GameUnreachable, 4),
    ("another's 408", httpx2.Response(408, text=HTML), GameUnreachable, 6, EffectUnknown, 1),
    ("redirect", httpx2.Response(301, headers={"location": "https://x"}), GameError, 1, GameError, 1),
    ("ship locked", error(409, 409), GameUnreachable, 6, GameUnreachable, 6),
    ("no token", error(401, 4103), TokenRefused, 1, TokenRefused, 1),
    ("malformed token", error(401, 4104), TokenRefused, 1, TokenRefused, 1),
    ("invalid token", error(401, 4115), TokenRefused, 1, TokenRefused, 1),
    ("earlier universe", error(401, 4113, expected="2", actual="1"), UniverseReset, 1, UniverseReset, 1),
    ("reset under way", error(503, 3100), Maintenance, 1, Maintenance, 1),
    ("maintenance page", httpx2.Response(503, text=HTML), Maintenance, 1, EffectUnknown, 1),
    ("rate limit", error(429, 429, {"retry-after": "1"}, retryAfter=0.4), GameUnreachable, 12, GameUnreachable, 12),
    ("bare 429", httpx2.Response(429, text=HTML), GameUnreachable, 4, GameUnreachable, 4),
    ("server error", error(500, 500), GameUnreachable, 6, EffectUnknown, 1),
    ("an answer that it cannot write", error(500, 3000), GameUnreachable, 3, EffectUnknown, 1),
    ("bad gateway", httpx2.Response(502, text=HTML), GameUnreachable, 4, EffectUnknown, 1),
    ("gateway time-out", httpx2.Response(504, text=HTML), GameUnreachable, 6, EffectUnknown, 1),
    ("no JSON", httpx2.Response(200, text=HTML), GameUnreachable, 6, EffectUnknown, 1),
    ("half a reply", httpx2.Response(200, text='{"data": {"sym'), GameUnreachable, 6, EffectUnknown, 1),
    ("other JSON", ok({"data": {"symbol": 7}}), GameError, 1, EffectUnknown, 1),
]


@pytest.mark.parametrize(("reply", "kind", "sent"), [row[1:4] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_a_read_that_goes_on_failing(reply: httpx2.Response, kind: type[LabError], sent: int) -> None:
    server = Server(reply)
    assert type(raised(server.get_agent)) is kind
    assert len(server.seen) == sent


@pytest.mark.parametrize(
    ("reply", "kind", "sent"),
    [(row[1], *row[4:]) for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
def test_an_action_that_goes_on_failing(reply: httpx2.Response, kind: type[LabError], sent: int) -> None:
    server = Server(reply)
    assert type(raised(server.dock)) is kind
    assert len(server.seen) == sent


def test_a_refusal_carries_the_games_code_status_words_and_data() -> None:
    caught = raised(Server(error(400, 4604, tradeVolume=20)).get_agent)
    assert isinstance(caught, GameError)
    assert (caught.code, caught.http_status, caught.data) == (4604, 400, {"tradeVolume": 20})
    assert str(caught) == "refused with 4604"


def test_a_reply_of_another_server_says_what_to_look_at() -> None:
    caught = raised(Server(httpx2.Response(404, text=HTML)).get_agent)
    assert str(caught) == "GET /my/agent: HTTP 404 without a reason; is game.test the game's API?"


def test_a_reply_of_the_games_web_server_is_understood() -> None:
    body = {"message": "Route GET:/my/agent not found", "error": "Not Found", "statusCode": 404}
    caught = raised(Server(httpx2.Response(404, json=body)).get_agent)
    assert str(caught) == "GET /my/agent: Route GET:/my/agent not found; is game.test the game's API?"


def test_a_reply_that_sends_on_names_where_to() -> None:
    caught = raised(Server(httpx2.Response(301, headers={"location": "https://game.test/v2/my/agent"})).get_agent)
    assert "HTTP 301 without a reason, which sends on to https://game.test/v2/my/agent;" in str(caught)


@pytest.mark.parametrize("body", ["[]", "null", '{"error": "no"}', '{"error": {"code": "x"}}', '{"error": null}', ""])
def test_refusals_in_no_known_form_are_survived(body: str) -> None:
    caught = raised(Server(httpx2.Response(400, text=body)).get_agent)
    assert isinstance(caught, GameError)
    assert (caught.code, caught.http_status) == (0, 400)


def test_refusal_data_that_is_no_object_is_left_out() -> None:
    reply = httpx2.Response(400, json={"error": {"message": "no", "code": 4000, "data": ["a"]}})
    caught = raised(Server(reply).get_agent)
    assert isinstance(caught, GameError)
    assert (caught.code, caught.data) == (4000, {})


@pytest.mark.parametrize(
    ("odd", "code", "words", "data"),
    [
        ({"code": None}, 0, "Not docked.", {"waypointSymbol": "A"}),
        ({"code": "4244"}, 4244, "Not docked.", {"waypointSymbol": "A"}),
        ({"code": 4244.0}, 4244, "Not docked.", {"waypointSymbol": "A"}),
        ({"message": None}, 4244, "HTTP 400 without a reason", {"waypointSymbol": "A"}),
        ({"data": "none"}, 4244, "Not docked.", {}),
    ],
)
def test_an_odd_field_of_a_refusal_leaves_the_others(odd: dict[str, Any], code: int, words: str, data: Any) -> None:
    whole = {"message": "Not docked.", "code": 4244, "data": {"waypointSymbol": "A"}}
    caught = raised(Server(httpx2.Response(400, json={"error": whole | odd})).get_agent)
    assert isinstance(caught, GameError)
    assert (caught.code, caught.data) == (code, data)
    assert words in str(caught)


# --- failures on the way -------------------------------------------------------------------------------------------

NEVER_SENT = {httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError}


def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        yield from kinds(kind)
        if not kind.__subclasses__():
            yield kind


@pytest.mark.parametrize("kind", sorted(kinds(httpx2.RequestError), key=lambda kind: kind.__name__))
def test_every_failure_of_the_line_is_either_never_sent_or_unknown(kind: type[Exception]) -> None:
    reading, acting = Server(kind("the wire says ...")), Server(kind("the wire says ..."))
    assert type(raised(reading.get_agent)) is GameUnreachable
    assert len(reading.seen) == 6
    assert type(raised(acting.dock)) is (GameUnreachable if kind in NEVER_SENT else EffectUnknown)
    assert len(acting.seen) == (6 if kind in NEVER_SENT else 1)


class Slow(httpx2.AsyncBaseTransport):
    """A server that trickles: never silent for long, never at an end."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self._clock.sleep(3600)
        return ok({"data": {"nav": NAV}})


def test_no_answer_is_waited_for_longer_than_the_time_out() -> None:
    clock = VirtualClock()
    client = GameClient(
        "http://game.test", TOKEN, clock=clock, limiter=TwoPoolLimiter(clock), transport=Slow(clock), timeout=15
    )
    with pytest.raises(EffectUnknown):
        clock.run(client.post(Data[NavReply], "/my/ships/{ship}/dock", ship="LAB-1"))
    assert clock.now() == START + timedelta(seconds=15)


# --- asking again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.ConnectError("refused"),
        error(500, 3000),
        httpx2.Response(502, text=HTML),
        httpx2.Response(429, text=HTML),
        error(429, 429, retryAfter=0.4),
        error(409, 409),
        httpx2.Response(200, text=HTML),
    ],
    ids=str,
)
def test_a_read_outlasts_passing_trouble(trouble: Answer) -> None:
    server = Server(trouble, trouble, ok())
    assert server.get_agent().credits == 175_000
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    "trouble",
    [httpx2.ConnectError("refused"), error(429, 429, retryAfter=0.4), httpx2.Response(429), error(409, 409)],
    ids=str,
)
def test_an_action_that_was_surely_not_executed_is_made_again(trouble: Answer) -> None:
    server = Server(trouble, trouble, ok({"data": {"nav": NAV}}))
    assert server.dock().nav.waypoint_symbol == "X1-T1-A1"
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("reply", "least", "most"),
    [
        (error(429, 429, {"retry-after": "9"}, retryAfter=2.5), 2.5, 3.0),  # the body is more exact than the header
        (error(429, 429, {"retry-after": "9"}), 9, 9.5),
        (error(429, 429, {"retry-after": "soon"}), 30, 60),
        (error(429, 429, {"retry-after": "1e9"}), 3600, 3600.5),
        (error(429, 429, {"retry-after": "9"}, retryAfter=86_400), 3600, 3600.5),
        (error(429, 429, {"retry-after": "inf"}), 30, 60),
        (error(429, 429, {"retry-after": "9"}, retryAfter="nan"), 9, 9.5),
        (httpx2.Response(429, text=HTML), 30, 60),
        (httpx2.Response(502, text=HTML), 30, 60),
    ],
    ids=["body", "header", "nonsense", "years", "a day", "endless", "no number", "bare 429", "bad gateway"],
)
def test_all_wait_as_long_as_the_game_wants_to_be_left_alone(reply: httpx2.Response, least: float, most: float) -> None:
    server = Server(reply, ok())
    server.get_agent()
    assert least <= server.times[1] <= most
    assert server.limiter.granted == 2


def test_after_an_unknown_outcome_at_the_gateway_the_next_question_waits() -> None:
    server = Server(httpx2.Response(502, text=HTML), ok())
    raised(server.dock)
    server.get_agent()
    assert server.times[1] >= 30


def test_waits_are_game_time_but_for_what_the_game_says() -> None:
    server = Server(
        httpx2.Response(502, text=HTML, headers={"x-sandbox-speed": "60"}), error(429, 429, retryAfter=2.0), ok()
    )
    server.get_agent()
    assert 0.5 <= server.times[1] <= 1.0
    assert 2.0 <= server.times[2] - server.times[1] <= 2.01


def test_a_long_wait_is_said_and_a_short_one_is_not(caplog: pytest.LogCaptureFixture) -> None:
    Server(httpx2.Response(502, text=HTML), ok()).get_agent()
    (said,) = caplog.messages
    assert re.fullmatch(r"GET /my/agent failed \(HTTP 502\); trying again in [3-6]\d seconds", said)
    Server(error(500), ok()).get_agent()
    assert caplog.messages == [said]


def test_every_try_waits_its_turn_and_is_counted() -> None:
    server = Server(error(500))
    client = server.client()
    with pytest.raises(GameUnreachable, match=r"GET /my/agent: no usable answer from http\S+ in 6 tries \(HTTP 500\)"):
        server.clock.run(client.get(Data[Agent], "/my/agent"))
    assert client.requests == {"GET /my/agent": 6}
    assert server.limiter.granted == 6
    assert server.clock.now() - START < timedelta(seconds=20)


# --- the token -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [4103, 4604])
def test_the_token_is_in_no_message_traceback_log_or_representation(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = httpx2.Response(400, json={"error": {"message": f"bad {TOKEN}", "code": code, "data": {"token": TOKEN}}})
    moved = httpx2.Response(301, headers={"location": f"https://x/?{TOKEN}"})
    for answer in (echo, httpx2.Response(401, content=echo.content), moved, httpx2.ReadError("reset")):
        server = Server(answer)
        client = server.client()
        with pytest.raises(LabError) as caught:
            server.clock.run(client.get(Data[Agent], "/my/agent"))
        shown = "".join(traceback.format_exception(caught.value)) + repr(client) + str(vars(caught.value))
        assert TOKEN not in shown
    assert TOKEN not in caplog.text
    assert repr(Server().client()) == "GameClient('http://game.test/v2')"
