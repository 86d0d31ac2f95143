"""`spacetraders dashboard`: what it refuses before it listens, and that it serves until it is told to end."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.terminal import Terminal

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--host 0.0.0.0", ["0.0.0.0", "--password-file", "SPACETRADERS_DASHBOARD_PASSWORD"]),
        ("--host ::", ["::", "--password-file"]),
        ("--host nonsense", ["nonsense", "no address"]),
        ("--password-file nothing.txt", ["nothing.txt", "No such file"]),
        ("--port 70000", ["70000"]),
    ],
)
def test_nonsense_is_refused_in_one_line(tmp_path: Path, options: str, words: list[str]) -> None:
    answer = Terminal(tmp_path).type(f"dashboard {options}")
    assert answer.code == 2
    assert all(word in answer.complaint for word in words)


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("short\n")
    answer = Terminal(tmp_path).type(f"dashboard --password-file {tmp_path / 'password'}")
    assert (answer.code, "at least 12" in answer.complaint, "short" in answer.err) == (2, True, False)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = Terminal(tmp_path).type(f"dashboard --port {taken.getsockname()[1]}")
    assert (answer.code, "in use" in answer.complaint, "--port" in answer.complaint) == (2, True, True)


def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, DASHBOARD_PASSWORD=PASSWORD)
    command = [sys.executable, "-c", "from spacetraders_lab.cli.main import main; main()", "dashboard", "--port", "0"]
    with subprocess.Popen(
        [*command, "--host", "0.0.0.0"], stdout=subprocess.PIPE, env=terminal.environment, text=True
    ) as process:
        assert process.stdout is not None
        warned, said = process.stdout.readline(), process.stdout.readline()
        port = said.partition(";")[0].rpartition(":")[2]
        assert httpx2.get(f"http://127.0.0.1:{port}/").status_code == 401
        assert httpx2.get(f"http://127.0.0.1:{port}/api/views/runs", auth=("me", PASSWORD)).json() == []
        assert PASSWORD not in Path(f"/proc/{process.pid}/cmdline").read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert "0.0.0.0" in warned and "knows the password can look" in warned
    assert "ends it" in said
