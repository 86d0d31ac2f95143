"""The routes of the page: views as JSON and as a stream of events, and, only where that was allowed, actions.

Nothing that is reached by GET changes anything: the connection behind it cannot write.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from spacetraders_lab import __version__
from spacetraders_lab.core.clock import Clock
from spacetraders_lab.core.errors import LabError, UserError
from spacetraders_lab.dashboard.access import Access, Guard
from spacetraders_lab.dashboard.feeds import feed_of
from spacetraders_lab.dashboard.logs_feed import as_json
from spacetraders_lab.dashboard.poller import Poller, Topic
from spacetraders_lab.dashboard.reports import REPORT_POLICY, Make, Reports
from spacetraders_lab.store import live, live_logs
from spacetraders_lab.store.database import Database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.failures import DatabaseUnavailable

STATIC = Path(__file__).parent / "static"
MOST_LINES = 500  # of a log in one answer
PING_EVERY = 15.0  # seconds without an event: a comment shows that both ends are there

Act = Callable[[str, str], None]  # action, run_id; on a thread of its own


def create_app(
    database: Database, clock: Clock, access: Access, act: Act | None = None, make_report: Make | None = None
) -> Starlette:
    """The dashboard over a database that can only be read.

    `act` is what --allow-control brings, else None; without `make_report` there are no reports to embed.
    """
    poller = Poller(database, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with poller.running():
            yield

    pages = _Pages(poller, clock, access, act, Reports(make_report) if make_report else None)
    routes = [
        *(
            Route(path, pages.index)
            for path in ("/", "/runs/{rest:path}", "/markets", "/markets/{rest:path}", "/listings/{rest:path}", "/logs")
        ),
        Route("/api/session", pages.session),
        Route("/api/views/{name:path}", pages.view),
        Route("/api/events/{name:path}", pages.events),
        Route("/api/logs", pages.logs),
        Route("/api/reports/{run_id}", pages.report),
        Mount("/static", _Static(directory=STATIC)),
    ]
    if act is not None:
        routes.append(Route("/api/runs/{run_id}/{action}", pages.act, methods=["POST"]))
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={
            404: _nowhere,
            UserError: _said(404),
            DatabaseUnavailable: _said(503),
            LabError: _said(500),
        },
    )


class _Static(StaticFiles):
    """Files that the browser may keep, but asks about each time: a new version shows at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


class _Pages:
    """The handlers, over one poller."""

    def __init__(self, poller: Poller, clock: Clock, access: Access, act: Act | None, reports: Reports | None) -> None:
        self._poller, self._clock, self._access, self._act, self._reports = poller, clock, access, act, reports
        self._life = secrets.token_hex(4)  # versions of another life of this server mean nothing

    async def index(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-store"})

    async def session(self, request: Request) -> Response:
        """What the page needs to know of its server; the token is of use only together with the page's own origin."""
        return JSONResponse(
            {
                "version": __version__,
                "now": self._clock.now().timestamp(),
                "makes_reports": self._reports is not None,
                "may_act": self._act is not None,
                "action_token": self._access.action_token if self._act else None,
            }
        )

    async def view(self, request: Request) -> Response:
        name = _name(request)
        async with self._poller.looking_at(name, lambda: feed_of(name)) as topic:
            while not (topic.is_current or topic.error or self._poller.trouble):
                await topic.change(PING_EVERY)
        if topic.error:
            raise topic.error
        if not topic.is_current:
            return JSONResponse({"error": self._poller.trouble}, 503)
        return Response(topic.payload, media_type="application/json")

    async def events(self, request: Request) -> Response:
        name = _name(request)
        feed_of(name)  # what does not exist is said at once
        stream = self._stream(name, request.headers.get("last-event-id", ""))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def logs(self, request: Request) -> Response:
        """Lines of the logs that fit: container, level (at least), contains, after, before (ids)."""
        asked = request.query_params
        wanted: dict[str, Any] = {
            "container_id": asked.get("container") or None,
            "least_level": asked.get("level") or None,
            "contains": asked.get("contains") or None,
            "after": _whole(asked.get("after")) or 0,
            "before": _whole(asked.get("before")),
        }
        lines = await self._poller.read(lambda c: live_logs.find_logs(c, **wanted, most=MOST_LINES))
        return JSONResponse([as_json(line) for line in lines])

    async def report(self, request: Request) -> Response:
        """The whole report of a run, for a frame that keeps it to itself."""
        run_id = request.path_params["run_id"]
        if self._reports is None:
            raise UserError("this dashboard makes no reports")
        trades = await self._poller.read(lambda c: _count_trades(c, run_id))
        html = await self._reports.report(run_id, trades, self._clock.now())
        return HTMLResponse(html, headers={"content-security-policy": REPORT_POLICY})

    async def _stream(self, name: str, last_id: str) -> AsyncIterator[str]:
        """A view whenever there is a new one, beginning with the present one unless the browser has it."""
        yield "retry: 1000\n\n"
        async with self._poller.looking_at(name, lambda: feed_of(name)) as topic:
            sent = self._version(last_id, topic)
            told: str | None = None
            while True:
                if topic.error is not None:
                    yield _event("gone", str(topic.error))
                    return
                if self._poller.trouble != told:
                    told = self._poller.trouble
                    yield _event("trouble", told or "")
                if topic.version > sent and topic.is_current:
                    sent = topic.version
                    yield f"id: {self._life}-{sent}\nevent: view\ndata: {topic.payload}\n\n"
                await topic.change(PING_EVERY)
                if topic.version == sent and self._poller.trouble == told and topic.error is None:
                    yield ": still here\n\n"

    def _version(self, last_id: str, topic: Topic) -> int:
        """The version that a browser coming back has seen; 0 when it has seen none of this server's."""
        life, _, number = last_id.partition("-")
        return int(number) if life == self._life and number.isdigit() and int(number) <= topic.version else 0

    async def act(self, request: Request) -> Response:
        if not self._access.may_act(request):
            return JSONResponse({"error": "this request does not come from the dashboard's own page"}, 403)
        assert self._act is not None
        try:
            await asyncio.to_thread(self._act, request.path_params["action"], request.path_params["run_id"])
        except UserError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse({"done": request.path_params["action"]})


async def _nowhere(request: Request, _: Exception) -> Response:
    """The page, which says that there is nothing; to a program the same as JSON."""
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"error": f"there is nothing at {request.url.path}"}, 404)
    return FileResponse(STATIC / "index.html", 404, headers={"cache-control": "no-store"})


def _said(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    """An error as an answer with that status."""

    async def answer(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status)

    return answer


def _count_trades(connection: Connection, run_id: str) -> int:
    live.run_row(connection, run_id)  # raises for a run that does not exist
    return ExperimentRepository(connection).get_transaction_count(run_id)


def _name(request: Request) -> str:
    """What is asked for, as it stands in the address: a slash within a symbol is still %2F."""
    path: str = request.scope["raw_path"].decode("ascii", "replace")
    return path.split("/", 3)[3]  # after /api/views/ or /api/events/


def _whole(number: str | None) -> int | None:
    return int(number) if number is not None and number.isdecimal() and len(number) < 19 else None


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
