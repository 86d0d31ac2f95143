"""The map from the original design to this code is true: every name on it can be imported, every command exists.

And no name that the original design's readers will look for is missing from it.
"""

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from tests.terminal import Terminal

_PAGE = Path(__file__).parent.parent / "docs" / "design-map.md"
ORIGINAL_NAMES = [
    "SellCargoCommand",
    "SellCargoHandler",
    "PurchaseCargoCommand",
    "NavigateShipCommand",
    "DockShipCommand",
    "GetMarketQuery",
    "MarketPair",
    "MarketSelector",
    "select_representative_markets",
    "generate_market_pairs",
    "WorkQueueRepository",
    "enqueue_pairs",
    "claim_next_pair",
    "mark_complete",
    "mark_failed",
    "get_queue_status",
    "get_ship_progress",
    "ExperimentRepository",
    "record_transaction",
    "get_transaction_count",
    "ShipExperimentWorkerCommand",
    "ShipExperimentWorkerHandler",
    "MarketLiquidityExperimentCommand",
    "MarketLiquidityExperimentHandler",
    "get_experiment_status",
    "experiment_cli",
    "experiment_work_queue",
    "market_experiments",
]


def _rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its own head."""
    section = _PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


NAMES = sorted({name for _, here, *_ in _rows("Names") for name in _quoted(here)})
# what the remarks mention by its full name must exist as well
MENTIONED = sorted(
    {name for *_, note in _rows("Names") for name in _quoted(note) if re.match(r"(core|game|store|run|cli)\.", name)}
)
COMMANDS = [command for _, here in _rows("Commands") for command in _quoted(here)]


@pytest.mark.parametrize("name", [*NAMES, *MENTIONED])
def test_every_name_on_the_map_can_be_imported(name: str) -> None:
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            module = import_module(".".join(["spacetraders_lab", *parts[:split]]))
        except ModuleNotFoundError:
            continue
        assert reduce(getattr, parts[split:], module) is not None
        return
    raise AssertionError(f"no module of {name}")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_the_map_explains_itself(tmp_path: Path, command: str) -> None:
    assert Terminal(tmp_path).type(f"{command} --help").code == 0


@pytest.mark.parametrize("name", ORIGINAL_NAMES)
def test_every_name_of_the_original_is_on_the_map(name: str) -> None:
    assert any(name in _quoted(original) for original, *_ in _rows("Names"))


def test_names_that_still_exist_are_spelt_as_in_the_original() -> None:
    kept = [n for n in ORIGINAL_NAMES if any(place.split(".")[-1] == n for place in NAMES)]
    changed = sorted(set(ORIGINAL_NAMES) - set(kept))
    assert changed == [
        "MarketLiquidityExperimentHandler",
        "SellCargoHandler",
        "ShipExperimentWorkerHandler",
        "experiment_cli",
        "get_experiment_status",
    ]
