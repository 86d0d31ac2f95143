"""Makes a starting system like the real ones: what lies where, and who makes, uses and passes on what.

The shape was seen in two real systems of different universes, where it was the same; places and numbers are drawn.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.generate import System, make_market, polar, system_symbol
from spacetraders_lab.sandbox.goods import ANTIMATTER, FUEL, RECIPES
from spacetraders_lab.sandbox.market import Market
from spacetraders_lab.sandbox.settings import SandboxSettings
from spacetraders_lab.sandbox.shipyard import make_shipyard

Goods = tuple[str, ...]

# What each industrial world makes; what it uses follows from the recipes.
_INDUSTRIES: tuple[Goods, ...] = (
    ("ALUMINUM", "COPPER", "IRON"),
    ("FERTILIZERS", "PLASTICS", FUEL),
    ("FABRICS", "MACHINERY", "POLYNUCLEOTIDES"),
    ("AMMUNITION", "EXPLOSIVES"),
    ("ELECTRONICS", "FAB_MATS"),
    ("ADVANCED_CIRCUITRY", "SHIP_PLATING"),
    ("MEDICINE", "SHIP_PARTS"),
    ("ASSAULT_RIFLES", "FIREARMS"),
    ("BIOCOMPOSITES", "CLOTHING", "EQUIPMENT", "FOOD"),
    ("JEWELRY",),
)
_CURIOSITIES = ("BOTANICAL_SPECIMENS", "SUPERGRAINS", "RELIC_TECH")
_METALS = ("GOLD", "PLATINUM", "SILVER")
_PIRATE_MAKES = ("ALUMINUM_ORE", "COPPER_ORE", "DRUGS", "IRON_ORE", "PRECIOUS_STONES")

_CAPITAL_NEEDS = ("CLOTHING", "EQUIPMENT", "EXOTIC_MATTER", "FOOD", "JEWELRY", "MEDICINE")
_YARD_NEEDS = ("SHIP_PARTS", "SHIP_PLATING")
_PIRATE_NEEDS = ("ASSAULT_RIFLES", "CLOTHING", "EQUIPMENT", "FIREARMS", "FOOD", "MEDICINE")

_ORES = (
    "ALUMINUM_ORE", "AMMONIA_ICE", "COPPER_ORE", "DIAMONDS", "ICE_WATER", "IRON_ORE", "MERITIUM_ORE",
    "PRECIOUS_STONES", "QUARTZ_SAND", "SILICON_CRYSTALS", "URANITE_ORE",
)  # fmt: skip
_MINERALS = ("AMMONIA_ICE", "ICE_WATER", "QUARTZ_SAND", "SILICON_CRYSTALS")
_GASES = ("HYDROCARBON", "LIQUID_HYDROGEN", "LIQUID_NITROGEN")

_CAPITAL_YARD = ("SHIP_PROBE", "SHIP_LIGHT_SHUTTLE", "SHIP_LIGHT_HAULER")
_GAS_YARD = ("SHIP_PROBE", "SHIP_SIPHON_DRONE")
_WORKS_YARD = ("SHIP_MINING_DRONE", "SHIP_SURVEYOR")

_GROUND = ("ROCKY", "FROZEN", "VOLCANIC", "BARREN", "TEMPERATE", "OCEAN", "SWAMP", "JUNGLE")
_FLAVOUR = (
    "MAGMA_SEAS", "SALT_FLATS", "FOSSILS", "DRY_SEABEDS", "THIN_ATMOSPHERE", "TOXIC_ATMOSPHERE",
    "BREATHABLE_ATMOSPHERE", "CORROSIVE_ATMOSPHERE", "STRONG_MAGNETOSPHERE", "EXTREME_PRESSURE",
    "EXTREME_TEMPERATURES", "TERRAFORMED", "PERPETUAL_DAYLIGHT", "VIBRANT_AURORAS",
)  # fmt: skip
_SETTLED = ("OUTPOST", "SCATTERED_SETTLEMENTS", "SPRAWLING_CITIES")
_DEPOSITS = ("MINERAL_DEPOSITS", "COMMON_METAL_DEPOSITS")
_RARE_DEPOSITS = ("RARE_METAL_DEPOSITS", "PRECIOUS_METAL_DEPOSITS")
_SCARS = ("SHALLOW_CRATERS", "DEEP_CRATERS", "RADIOACTIVE", "EXPLOSIVE_GASES", "DEBRIS_CLUSTER", "HOLLOWED_INTERIOR")


def generate_home(settings: SandboxSettings, random: Random) -> System:
    """A starting system: 80 to 90 waypoints, 25 to 30 markets, a jump gate.

    Shape: settled planets within 110 of the star, a gas giant at about 155, an inner belt at 320 to 400 with a
    refinery, the gate at about 440 (being built when the system is the only one) and a pirate base beyond, an outer
    belt at 715 to 790.
    """
    chart = _Chart(system_symbol(random), random)
    industries = random.sample(_INDUSTRIES, len(_INDUSTRIES))
    headquarters = _capital(chart)
    _inner_belt(chart)
    _gas_works(chart)
    _industrial_worlds(chart, industries)
    _outer_reaches(chart, is_gate_complete=settings.systems > 1)
    markets = {x.symbol: chart.market(x.symbol, settings) for x in chart.places.values() if x.has_market}
    shipyards = {symbol: make_shipyard(symbol, types, random) for symbol, types in chart.yards.items()}
    x, y = random.randrange(-2_000, 2_000), random.randrange(-2_000, 2_000)
    return System(chart.system, "BLUE_STAR", x, y, headquarters, chart.places, markets, shipyards)


@dataclass(slots=True)
class _Chart:
    """Collects a system's places under the game's numbering: letters by orbit, one running number.

    `makes`, `needs` and `trades` say what a place exports, imports and exchanges, `yards` what ships it sells.
    """

    system: str
    random: Random
    places: dict[str, Waypoint] = field(default_factory=dict)
    makes: dict[str, Goods] = field(default_factory=dict)
    needs: dict[str, Goods] = field(default_factory=dict)
    trades: dict[str, Goods] = field(default_factory=dict)
    yards: dict[str, Goods] = field(default_factory=dict)
    _letter: str = "@"

    def next_orbit(self) -> float:
        """Begin the next letter; returns an angle for what lies there."""
        self._letter = chr(ord(self._letter) + 1)
        return self.random.uniform(0, math.tau)

    def add(
        self,
        kind: str,
        at: tuple[int, int],
        traits: Iterable[str] = (),
        *,
        orbits: str | None = None,
        name: str = "",
        is_building: bool = False,
    ) -> str:
        """Place something; returns its symbol."""
        symbol = f"{self.system}-{name or f'{self._letter}{len(self.places) + 1}'}"
        self.places[symbol] = Waypoint(symbol, kind, *at, frozenset(traits), orbits, is_building)
        return symbol

    def fuel_station(self, at: tuple[int, int]) -> str:
        return self.add("FUEL_STATION", at, ("MARKETPLACE",))

    def planet(self, at: tuple[int, int], moons: int, *traits: str) -> list[str]:
        """A settled planet and its moons, all markets."""
        planet = self.add("PLANET", at, self._settled(traits))
        return [planet, *(self.add("MOON", at, self._settled(traits), orbits=planet) for _ in range(moons))]

    def belt(self, number: int, low: float, high: float) -> None:
        """A ring of asteroids between two radii."""
        for i in range(number):
            radius, angle = self.random.uniform(low, high), (i + self.random.random()) * math.tau / number
            deposits = _RARE_DEPOSITS if self.random.random() < 0.1 else _DEPOSITS
            scars = self.random.sample(_SCARS, self.random.choice((0, 0, 1, 1, 2)))
            self.add("ASTEROID", polar(radius, angle), (self.random.choice(deposits), *scars))

    def open_yard(self, place: str, types: Goods) -> None:
        """A shipyard, which needs what ships are made of."""
        self.yards[place], self.needs[place] = types, _YARD_NEEDS
        self.places[place] = replace(self.places[place], traits=self.places[place].traits | {"SHIPYARD"})

    def market(self, place: str, settings: SandboxSettings) -> Market:
        """The market of a place: what it makes, what it needs for that and besides, what it passes on."""
        makes, trades = self.makes.get(place, ()), self.trades.get(place, ())
        inputs = {good for product in makes for good in RECIPES[product]}
        imports = {*self.needs.get(place, ()), *inputs} - {*makes, *trades}
        return make_market(place, makes, imports, trades, settings, self.random)

    def _settled(self, traits: Goods) -> Goods:
        flavour = self.random.sample(_FLAVOUR, 2)
        return (self.random.choice(_GROUND), self.random.choice(_SETTLED), *flavour, "MARKETPLACE", *traits)


def _capital(chart: _Chart) -> str:
    at = polar(25, chart.next_orbit())
    capital, yard, moon = chart.planet(at, 2)
    station = chart.add("ORBITAL_STATION", at, ("MILITARY_BASE", "MARKETPLACE"), orbits=capital)
    chart.open_yard(yard, _CAPITAL_YARD)
    chart.needs[capital] = _CAPITAL_NEEDS
    chart.makes |= {moon: ("MICROPROCESSORS",), station: (chart.random.choice(_CURIOSITIES),)}
    return capital


def _inner_belt(chart: _Chart) -> None:
    angle, random = chart.next_orbit(), chart.random
    name = f"{random.choice('ABCDFGHX')}{random.choice('BDFX')}5{random.choice('ABCDEF')}"
    chart.add("ENGINEERED_ASTEROID", polar(26, angle), ("COMMON_METAL_DEPOSITS", "STRIPPED", "MARKETPLACE"), name=name)
    chart.fuel_station(polar(190, angle))
    refinery = chart.add("ASTEROID_BASE", polar(345, angle), ("HOLLOWED_INTERIOR", "OUTPOST", "MARKETPLACE"))
    chart.makes[refinery], chart.trades[refinery] = _METALS, _ORES
    chart.belt(random.randrange(31, 34), 320, 400)


def _gas_works(chart: _Chart) -> None:
    angle = chart.next_orbit()
    giant = chart.add("GAS_GIANT", polar(156, angle), ("STRONG_GRAVITY",))
    traits = ("OUTPOST", "INDUSTRIAL", "MARKETPLACE")
    works = chart.add("ORBITAL_STATION", polar(156, angle), traits, orbits=giant)
    chart.fuel_station(polar(116, angle))
    chart.open_yard(works, _GAS_YARD)
    chart.makes[works], chart.trades[works] = ("LAB_INSTRUMENTS",), _GASES


def _industrial_worlds(chart: _Chart, industries: list[Goods]) -> None:
    """Six planets with moons, twelve markets: an industry each, one more shipyard and an exchange."""
    places: list[str] = []
    for moons, radius in ((1, 86), (1, 56), (1, 76), (0, 66), (3, 46), (0, 104)):
        at = polar(radius, chart.next_orbit())
        places += chart.planet(at, moons, "INDUSTRIAL")
        if radius in (56, 104):  # a moon where nobody lives
            chart.add("MOON", at, (chart.random.choice(_GROUND), "TERRAFORMED"), orbits=places[-1 - moons])
    chart.random.shuffle(places)
    *works, yard, exchange = places
    chart.makes |= dict(zip(works, industries, strict=True))
    chart.open_yard(yard, _WORKS_YARD)
    chart.trades[exchange] = _MINERALS
    smelter = next(place for place in works if "IRON" in chart.makes[place])
    chart.needs[smelter] = ("DRUGS",)


def _outer_reaches(chart: _Chart, *, is_gate_complete: bool) -> None:
    """Gate, fuel stations on the way, pirates behind, the outer belt."""
    angle = chart.next_orbit()
    gate = chart.add("JUMP_GATE", polar(446, angle), ("MARKETPLACE",), is_building=not is_gate_complete)
    halfway = chart.fuel_station(polar(229, angle))
    chart.trades |= {gate: (ANTIMATTER,), halfway: (ANTIMATTER,)}
    chart.next_orbit()
    chart.fuel_station(polar(600, angle))
    pirates = chart.add("ASTEROID_BASE", polar(719, angle), ("HOLLOWED_INTERIOR", "PIRATE_BASE", "MARKETPLACE"))
    chart.makes[pirates], chart.needs[pirates] = _PIRATE_MAKES, _PIRATE_NEEDS
    chart.belt(chart.random.randrange(20, 24), 715, 790)
