"""Steps of sell_cargo.feature: the commands as the user types them, against a game on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from spacetraders_lab.sandbox.server import RunningSandbox, running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.study.rig import FRIGATE
from tests.terminal import Answer, Terminal

scenarios("sell_cargo.feature")


@dataclass
class Story:
    """What the steps of one scenario share."""

    sandbox: RunningSandbox
    terminal: Terminal
    purse: int = 0
    answers: list[Answer] = field(default_factory=list)

    def type(self, line: str) -> Answer:
        self.answers.append(self.terminal.type(line))
        return self.answers[-1]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    settings = SandboxSettings(ships=(FRIGATE,), hold=80, speed=10_000, open_registration=True)
    with running_sandbox(settings) as sandbox:
        yield Story(sandbox, Terminal(tmp_path, BASE_URL=sandbox.base_url))


@given(parsers.parse('a player with agent "{agent}"'))
def _(story: Story, agent: str) -> None:
    assert story.type(f"player register {agent}").code == 0


@given(parsers.parse('a ship "{ship}" docked at a market that takes {units:d} units of "{good}"'))
def _(story: Story, ship: str, units: int, good: str) -> None:
    markets = story.sandbox.universe.home.markets.values()
    market = next(m for m in markets if good in m.listings and m.listings[good].trade_volume >= units)
    assert story.type(f"ship navigate {ship} {market.waypoint}").code == 0
    assert story.type(f"ship dock {ship}").code == 0
    story.purse = story.sandbox.universe.agents["TEST"].credits


@given(parsers.parse('the ship has {units:d} units of "{good}" in cargo'))
def _(story: Story, units: int, good: str) -> None:
    story.sandbox.universe.ships["TEST-1"].load(good, units)


@when(parsers.parse('I sell {units:d} units of "{good}" from ship "{ship}"'))
def _(story: Story, units: int, good: str, ship: str) -> None:
    assert story.type(f"ship sell {ship} {good} {units}").code == 0


@when(parsers.parse('I attempt to sell {units:d} units of "{good}" from ship "{ship}"'))
def _(story: Story, units: int, good: str, ship: str) -> None:
    story.type(f"ship sell {ship} {good} {units}")


@then(parsers.parse('the ship cargo contains {units:d} units of "{good}"'))
def _(story: Story, units: int, good: str) -> None:
    assert story.sandbox.universe.ships["TEST-1"].hold.get(good, 0) == units
    (ship,) = story.type("ship list --json").json
    assert ship["inventory"].get(good, 0) == units


@then("the player credits increased by the sale amount")
def _(story: Story) -> None:
    universe = story.sandbox.universe
    (sale,) = [entry for entry in universe.ledger if entry.kind == "SELL"]
    assert sale.total > 0
    assert universe.agents["TEST"].credits == story.purse + sale.total
    assert f"= {sale.total:,} credits" in story.answers[-2].out


@then(parsers.parse('the command should fail with "{words}"'))
def _(story: Story, words: str) -> None:
    assert story.answers[-1].code == 2
    assert words in story.answers[-1].complaint


@then("nothing was sold")
def _(story: Story) -> None:
    assert [entry for entry in story.sandbox.universe.ledger if entry.kind == "SELL"] == []
    assert story.sandbox.universe.agents["TEST"].credits == story.purse
