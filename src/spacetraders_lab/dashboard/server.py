"""Serves the dashboard with uvicorn: in the foreground for the command, in a thread for tests."""

import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.port import checked_port


def serve(app: ASGIApp, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; `say` gets the URL. Raises UserError for an address that cannot be had."""
    with listening(host, port) as listener, suppress(KeyboardInterrupt):
        say(url_of(listener))
        _server(app).run(sockets=[listener])


@contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve on loopback (0: a free port) from a thread until the block ends; yields the URL."""
    with listening("127.0.0.1", port) as listener:
        server = _server(app)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name="dashboard", daemon=True)
        thread.start()
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def listening(host: str, port: int, option: str = "--port") -> Iterator[socket.socket]:
    """A listening socket; raises UserError for an address that cannot be had, which `option` changes."""
    checked_port(port)
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)  # its own words repeat the address
        raise UserError(f"cannot listen on {host}:{port}: {why}; try another {option}") from None
    with listener:
        yield listener


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; raises UserError for what is no address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise UserError(f"--host {host} is no address; 127.0.0.1 or 0.0.0.0 are") from None


def url_of(listener: socket.socket) -> str:
    """Where a browser finds what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,  # a stream of events never ends by itself
        )
    )
