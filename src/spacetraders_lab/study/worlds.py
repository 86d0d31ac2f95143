"""The worlds that designs and estimators are tried in: an economy whose truth is known, and the fleet that measures it.

The base world is that of a market whose impact depends on side, supply and activity, with noisy steps (20 % of a full
one), listings that differ (30 %), drift, other traders, and quotes that give way only so far. The others change one
thing each. A null world lacks one effect, so whoever finds it there is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from spacetraders_lab.sandbox.settings import SandboxSettings

_NEVER = 10**9  # ticks
_AGE_HOURS = 24.0  # after which drift has forgotten that it began at nothing
_BASE = SandboxSettings(
    profile="lab",
    economy="by-cell",
    exponent=1.0,
    heterogeneity=0.3,
    noise=0.2,
    interaction=0.1,
    drift=0.05,
    half_life_minutes=520.0,
    permanent_share=0.1,
    saturation=0.8,
    npc_traders=2,
    npc_trade_minutes=60.0,
    # activity and tradeVolume stay what they are, so that a listing stays in the cells that its stock gives it
    growing_after=_NEVER,
    strong_after=_NEVER,
    volume_grows=False,
)


@dataclass(frozen=True, slots=True)
class World:
    """An economy (`settings`; the seed is the replication's) and a fleet: so many ships with a hold each, one engine.

    `credits` is the purse; `is_null` says that an effect is absent on purpose. With probes at the markets nobody's view
    of any is older than `probe_minutes` (0: there are none). The fleet comes when the economy is `age_hours` old.
    """

    name: str
    settings: SandboxSettings
    ships: int = 3
    hold: int = 80
    speed: int = 36
    fuel: int = 400
    credits: int = 1_000_000_000
    probe_minutes: float = 10.0
    age_hours: float = 0.0

    @property
    def is_null(self) -> bool:
        return bool(self.settings.absent_effect)

    def settings_of(self, seed: int) -> SandboxSettings:
        """The settings of one replication."""
        return replace(self.settings, seed=seed)


def _world(name: str, fleet: Mapping[str, int] = MappingProxyType({}), **changed: Any) -> World:
    return World(name, replace(_BASE, **changed), **fleet, age_hours=_AGE_HOURS)


BASE = _world("base")
LAW = World("law", SandboxSettings(profile="lab"))  # the game's own law, as the sandbox plays it unless told otherwise

_ALL = (
    BASE,
    _world("tau 0.15", heterogeneity=0.15),
    _world("tau 0.5", heterogeneity=0.5),
    _world("cv 0.05", noise=0.05),
    _world("cv 0.4", noise=0.4),
    _world("drift x3", drift=0.15),
    _world("foreign trades x9", npc_traders=18),
    _world("state rounding", state_rounding=True),
    _world("no rounding", price_level=1000.0),
    _world("b = 0.7", exponent=0.7),
    _world("b = 0.9", exponent=0.9),
    _world("b = 1.3", exponent=1.3),
    _world("8 ships", {"ships": 8}),
    _world("40 cargo", {"hold": 40}),
    _world("smooth state", smooth=True),
    _world("no saturation", saturation=50.0),
    _world("no supply effect", absent_effect="supply", interaction=0.0),
    _world("no activity effect", absent_effect="activity", interaction=0.0),
    _world("buy = sell", absent_effect="side", interaction=0.0),
    _world("quiet", permanent_share=0.0, npc_traders=0),
    _world("quiet 0.1 lasts", npc_traders=0),
    LAW,
)
WORLDS: Mapping[str, World] = MappingProxyType({world.name: world for world in _ALL})
