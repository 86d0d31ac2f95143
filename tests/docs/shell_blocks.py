"""The shell blocks of a page: found, run in one shell one after the other, and compared with what the page shows.

A block fenced as `sh` is run; a block fenced as `text` right after it is its output. Lines of `...` stand for lines
left out. A block after `<!-- skip: reason -->` is not run. Everything happens on loopback and in one folder.

    python -m tests.docs.shell_blocks      # writes what the blocks print today into the pages
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from tests.waiting import until

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "docs" / "tutorial.md")
PATIENCE_SECONDS = 60.0
_BLOCK = re.compile(
    r"(?:<!-- skip: (?P<skip>[^\n]+) -->\n\n?)?^```sh\n(?P<script>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
_PORTS = ("8080", "8420")  # as the pages name them; the tests take free ones
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What differs from one run to the next, and what stands for it when lines are compared.
_VARIES = (
    (_UUID, "<UUID>"),
    (r"\b[0-9a-f]{16}\b", "<HASH>"),
    (r"\bX1-\w+(?:-\w+)?", "@"),
    (r"\b(?:SCARCE|LIMITED|MODERATE|HIGH|ABUNDANT|WEAK|GROWING|STRONG|RESTRICTED|EXPORT|IMPORT|EXCHANGE)\b", "@"),
    (r"\b(?:ALUMINUM|COPPER|IRON)(?:_ORE)?\b|\b(?:EXPLOSIVES|FERTILIZERS|GOLD|PLASTICS|POLYNUCLEOTIDES|SILVER)\b", "@"),
    (r"[█░]+", "█"),
    (r"[+−-]?\d[\d,.:]*|(?<= )[–-](?= )", "#"),
    (r"\*| thin$", ""),
    (r"\s+", " "),
    (r"@(?: @)+", "@"),
)


@dataclass(frozen=True)
class Block:
    """One shell block: why it is not run, or its script and the output that the page shows for it."""

    page: Path
    script: str
    skip: str | None
    shown: str | None


def blocks(page: Path) -> list[Block]:
    """The shell blocks of a page, in order."""
    return [Block(page, m["script"], m["skip"], m["shown"]) for m in _BLOCK.finditer(page.read_text())]


def shape(line: str) -> str:
    """A line without what differs from run to run: numbers, ids, symbols, labels, the width of columns."""
    for pattern, stand_in in _VARIES:
        line = re.sub(pattern, stand_in, line)
    return line.strip()


def matched(shown: str, printed: str) -> list[str]:
    """The printed lines that fit the shown ones, in order, `...` kept; raises AssertionError at a line without any."""
    rest = iter(printed.splitlines())
    found = []
    for line in shown.splitlines():
        if line.strip() == "...":
            found.append(line)
            continue
        fit = next((other for other in rest if shape(other) == shape(line)), None)
        assert fit is not None, f"nothing printed looks like this line, at this place: {line!r}\n\n{printed}"
        found.append(fit.rstrip())
    return found


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def _cache() -> dict[str, str]:
    """Where all tests find what takes long to make."""
    return {name: os.environ[name] for name in ("XDG_CACHE_HOME",) if name in os.environ}


class Shell:
    """One bash in a folder of its own that knows this installation's commands and none of the user's settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {named: _free_port() for named in _PORTS}
        self._count = 0
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"} | _cache(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, block: Block) -> str:
        """Run a block and return what it printed; raises AssertionError where a command failed.

        `<UUID>` is the id that was printed last before it. Of a block that goes on in the background, waits for the
        lines that the page shows.
        """
        script = block.script.replace("<UUID>", self._last_id())
        for named, taken in self.ports.items():
            script = script.replace(named, taken)
        self._count += 1
        output = self.folder / f".output-{self._count}"
        assert self._bash.stdin is not None and self._bash.stdout is not None
        self._bash.stdin.write(f"failed=0; trap 'failed=1' ERR\n{{\n{script}\n}} >{output} 2>&1\necho $failed\n")
        self._bash.stdin.flush()
        failed = self._bash.stdout.readline().strip()
        if block.script.rstrip().endswith("&"):
            self._await(block, output)
        printed = self._read(output)
        assert failed == "0", f"{block.page.name}: failed:\n{block.script}\n{printed}"
        return printed

    def close(self) -> None:
        """End the shell and whatever it has left in the background."""
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, SIGTERM)
        self._bash.communicate(timeout=PATIENCE_SECONDS)

    def _await(self, block: Block, output: Path) -> None:
        """Give what runs in the background time to print; whoever compares says what it did not."""
        with suppress(AssertionError):
            until(lambda: self._shows(block, output), within=PATIENCE_SECONDS)

    def _shows(self, block: Block, output: Path) -> bool:
        try:
            matched(block.shown or "", self._read(output))
        except AssertionError:
            return False
        return True

    def _read(self, output: Path) -> str:
        printed = output.read_text()
        for named, taken in self.ports.items():
            printed = printed.replace(taken, named)
        return printed.replace(str(self.folder), "~")

    def _last_id(self) -> str:
        outputs = sorted(self.folder.glob(".output-*"), key=lambda path: int(path.name.partition("-")[2]))
        ids = [found for path in outputs for found in re.findall(_UUID, path.read_text())]
        return ids[-1] if ids else "<UUID>"


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """A shell for the length of the block."""
    opened = Shell(folder)
    try:
        yield opened
    finally:
        opened.close()


def rewrite(page: Path) -> None:
    """Put what the blocks print today in the place of what the page shows. `make demo` is run too, without make."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as folder, shell(Path(folder)) as opened:
        for block in blocks(page):
            if block.skip and not block.script.startswith("make demo"):
                continue
            printed = opened.run(Block(page, block.script.replace("make demo", "spacetraders demo"), None, block.shown))
            if block.shown:
                text = text.replace(block.shown, "\n".join(matched(block.shown, printed)) + "\n")
    page.write_text(text)


if __name__ == "__main__":
    for page in PAGES:
        rewrite(page)
