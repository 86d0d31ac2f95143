"""The page about the sandbox says what is so: its tables are held against the code, its program is run."""

import re
from pathlib import Path

from spacetraders_lab.sandbox.economies import ECONOMIES
from spacetraders_lab.sandbox.faults import Fault, load_faults
from spacetraders_lab.sandbox.routes import NOT_PLAYED
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.sandbox.player import Player

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def codes(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_operation_that_is_not_played_is_listed_with_its_code():
    listed = {}
    for line in section("How true it is").splitlines():
        if cells := re.fullmatch(r"\| (.+) \| (\d+) \|", line):
            listed |= dict.fromkeys(codes(cells[1]), int(cells[2]))
    player = Player()
    gate = next(w.symbol for w in player.universe.home.waypoints.values() if w.type == "JUMP_GATE")
    names = {
        "ship": "TESTER-1",
        "contract": "contract-tester-1",
        "system": player.universe.home.symbol,
        "waypoint": gate,
    }
    answered = {}
    for endpoint in NOT_PLAYED:
        status, code, _ = player.refusal(endpoint.method, endpoint.path.format(**names))
        assert status == 400
        answered[f"{endpoint.method} {endpoint.path}"] = code
    assert listed == answered


def test_every_fault_and_every_economy_is_listed():
    rows = [line.split("|")[1] for line in section("Faults").splitlines() if line.startswith("| `")]
    assert set().union(*map(codes, rows)) == {fault.value for fault in Fault}
    rows = [line.split("|")[1] for line in section("Other economies").splitlines() if line.startswith("| `")]
    assert set().union(*map(codes, rows)) == set(ECONOMIES)


def test_the_rules_shown_are_rules(tmp_path: Path):
    shown = re.search(r"```json\n(.*?)```", section("Faults"), re.DOTALL)
    assert shown
    (tmp_path / "faults.json").write_text(shown[1])
    assert [rule.fault for rule in load_faults(tmp_path / "faults.json")] == [Fault.LOST_REPLY, Fault.MAINTENANCE]


def test_the_settings_named_exist():
    named = {
        "economy", "impact", "half_life_minutes", "permanent_share", "exponent", "noise", "drift", "heterogeneity",
        "npc_traders", "systems", "speed",
    }  # fmt: skip
    assert named <= codes(PAGE)
    assert named <= set(SandboxSettings.__dataclass_fields__)


def test_the_program_shown_runs():
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert program
    exec(compile(program[1], "docs/sandbox.md", "exec"), {"__name__": "shown"})
