"""Who may look and who may act: the guard in front of the page. It knows nothing of what the page shows.

On loopback the guard makes sure that the browser means this server (a page elsewhere could point its own name at
127.0.0.1); at any other address it asks for the secret. Acting needs the page's own token and its own origin besides.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spacetraders_lab.core.errors import UserError

SHORTEST_SECRET = 12
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Access:
    """The secret that a visitor must know (None: loopback only), and the token that this page's own actions carry."""

    secret: str | None = field(default=None, repr=False)
    action_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def __post_init__(self) -> None:
        if self.secret is not None and len(self.secret) < SHORTEST_SECRET:
            raise UserError(f"the dashboard's password must have at least {SHORTEST_SECRET} characters")

    def refusal(self, headers: Headers) -> PlainTextResponse | None:
        """What to answer in place of the page; None for who may look."""
        if self.secret is None:
            if _host(headers) in _LOOPBACK_NAMES:
                return None
            return PlainTextResponse("This dashboard answers only at 127.0.0.1 and localhost.\n", 421)
        if hmac.compare_digest(_given_secret(headers).encode(), self.secret.encode()):
            return None
        challenge = {"www-authenticate": 'Basic realm="SpaceTraders Liquidity Lab", charset="UTF-8"'}
        return PlainTextResponse("This dashboard asks for a password; any user name will do.\n", 401, challenge)

    def may_act(self, request: Request) -> bool:
        """Whether a request that changes something comes from this page itself."""
        origin = urlsplit(request.headers.get("origin", "")).netloc
        token = request.headers.get("x-action-token", "")
        return origin == request.headers.get("host") and hmac.compare_digest(token.encode(), self.action_token.encode())


class Guard:
    """Refuses who may not look, and puts the security headers on every answer that does not bring its own."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._access.refusal(Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_guarded)


def _host(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def _given_secret(headers: Headers) -> str:
    """The secret as a bearer token or as the password of any user; empty when there is none to be read."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
