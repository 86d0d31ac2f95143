"""What people install: wheel and sdist hold all that is needed, and the wheel works where the repository is not.

One test, because a build is worth seconds: uv makes both from its cache, without the network.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from spacetraders_lab import __version__

_ROOT = Path(__file__).parents[2]
_UV = _ROOT / ".tools" / "bin" / "uv"


def test_wheel_and_sdist_hold_everything_and_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    wheel, sdist = _build(tmp_path / "dist")
    _holds_the_whole_package(wheel)
    _is_enough_to_check_and_test(sdist)
    _works_elsewhere(wheel, tmp_path / "elsewhere")


def _build(folder: Path) -> tuple[Path, Path]:
    if not _UV.exists():
        pytest.skip(f"there is no {_UV.relative_to(_ROOT)}; `make setup` puts it there where uv can be had")
    built = subprocess.run(
        [_UV, "build", "--offline", "--quiet", "--python", sys.executable, "--out-dir", folder, _ROOT],
        env={name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"},  # that is the suite's own
        capture_output=True,
        text=True,
    )
    if "network was disabled" in built.stderr:
        pytest.skip("hatchling is not in uv's cache, and this test does not go into the network")
    assert built.returncode == 0, built.stderr
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def _holds_the_whole_package(wheel: Path) -> None:
    source = _ROOT / "src"
    ours = {
        str(path.relative_to(source))
        for path in (source / "spacetraders_lab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    data = f"spacetraders_lab-{__version__}.data/data/share/spacetraders-lab"
    contrib = {
        f"{data}/{path.relative_to(_ROOT / 'contrib')}" for path in (_ROOT / "contrib").rglob("*") if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
    about = f"spacetraders_lab-{__version__}.dist-info/"
    assert {name for name in held if not name.startswith(about)} == ours | contrib
    assert f"{about}licenses/LICENSE" in held


def _is_enough_to_check_and_test(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    needed = ["Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "tools/install.sh", "LICENSE"]
    needed += ["README.md", "CHANGELOG.md", "docs/tutorial.md", "tests/conftest.py", "bench/__main__.py"]
    assert [name for name in needed if name not in held] == []
    assert not [name for name in held if name.startswith((".venv", ".tools", ".ci", "dist"))]


def _works_elsewhere(wheel: Path, folder: Path) -> None:
    """Commands of the unpacked wheel, run where the repository is not: they migrate a database and find their files."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    script = (
        "from pathlib import Path; import spacetraders_lab; from spacetraders_lab.cli.main import run;"
        f"assert Path(spacetraders_lab.__file__).is_relative_to({str(folder)!r});"
        "assert run(['--version']) == 0; assert run(['experiment', 'list']) == 0"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == __version__
    assert (folder / ".local" / "share" / "spacetraders-lab" / "lab.db").exists()
