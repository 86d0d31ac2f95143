"""Makes a system and its markets from a seed: what lies where, who makes and uses what, and the hidden truth at rest.

It only creates; nothing here changes a universe that runs. `lab.py` has the other profile.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.core.travel import round_half_up
from spacetraders_lab.core.waypoint import Waypoint
from spacetraders_lab.sandbox.goods import ANTIMATTER, ANTIMATTER_VOLUME, EXCHANGE_VOLUME, FUEL, GOODS, RARE, RECIPES
from spacetraders_lab.sandbox.listing import Listing
from spacetraders_lab.sandbox.market import Market, draw_factor
from spacetraders_lab.sandbox.settings import Range, SandboxSettings
from spacetraders_lab.sandbox.shipyard import Shipyard, make_shipyard


@dataclass(slots=True)
class System:
    """A system: its places in the game's order, its markets and shipyards by waypoint symbol."""

    symbol: str
    type: str
    x: int
    y: int
    headquarters: str
    waypoints: dict[str, Waypoint]
    markets: dict[str, Market]
    shipyards: dict[str, Shipyard]
    faction: str = "COSMIC"
    orbitals: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.orbitals = {
            symbol: tuple(x.symbol for x in self.waypoints.values() if x.orbits == symbol) for symbol in self.waypoints
        }


# What each place of a home system makes; what it uses follows from the recipes.
_INDUSTRIES: tuple[tuple[str, ...], ...] = (
    ("ALUMINUM", "COPPER", "IRON"),
    ("FERTILIZERS", "PLASTICS"),
    ("FABRICS", "MACHINERY", "POLYNUCLEOTIDES"),
    ("AMMUNITION", "EXPLOSIVES"),
    ("ELECTRONICS", "FAB_MATS"),
    ("ADVANCED_CIRCUITRY", "SHIP_PLATING"),
    ("MEDICINE", "SHIP_PARTS"),
    ("ASSAULT_RIFLES", "FIREARMS"),
    ("BIOCOMPOSITES", "CLOTHING", "EQUIPMENT", "FOOD"),
    ("JEWELRY",),
)
_CAPITAL_NEEDS = ("CLOTHING", "EQUIPMENT", "EXOTIC_MATTER", "FOOD", "JEWELRY", "MEDICINE")
_YARD_NEEDS = ("SHIP_PARTS", "SHIP_PLATING")
_PIRATE_NEEDS = ("ASSAULT_RIFLES", "CLOTHING", "EQUIPMENT", "FIREARMS", "FOOD", "MEDICINE")
_PIRATE_MAKES = ("ALUMINUM_ORE", "COPPER_ORE", "DRUGS", "IRON_ORE", "PRECIOUS_STONES")
_METALS = ("GOLD", "PLATINUM", "SILVER")
_ORES = (
    "ALUMINUM_ORE", "AMMONIA_ICE", "COPPER_ORE", "DIAMONDS", "ICE_WATER", "IRON_ORE", "MERITIUM_ORE",
    "PRECIOUS_STONES", "QUARTZ_SAND", "SILICON_CRYSTALS", "URANITE_ORE",
)  # fmt: skip
_MINERALS = ("AMMONIA_ICE", "ICE_WATER", "QUARTZ_SAND", "SILICON_CRYSTALS")
_GASES = ("HYDROCARBON", "LIQUID_HYDROGEN", "LIQUID_NITROGEN")
_CURIOSITIES = ("BOTANICAL_SPECIMENS", "SUPERGRAINS", "RELIC_TECH")

_YARDS = {
    "capital": ("SHIP_PROBE", "SHIP_LIGHT_SHUTTLE", "SHIP_LIGHT_HAULER"),
    "gas": ("SHIP_PROBE", "SHIP_SIPHON_DRONE"),
    "works": ("SHIP_MINING_DRONE", "SHIP_SURVEYOR"),
}

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


def system_symbol(random: Random) -> str:
    """A symbol like the game's: X1 and two letters, two digits."""
    return f"X1-{''.join(random.choices('ABCDFGHJKMNPQRSTUVXYZ', k=2))}{random.randrange(10, 100)}"


def make_listing(good: str, kind: ListingType, settings: SandboxSettings, random: Random) -> Listing:
    """A listing at rest: f, stock, rates and phase drawn from the ranges of the settings."""
    entry = GOODS[good]
    exchange = ANTIMATTER_VOLUME if good == ANTIMATTER else EXCHANGE_VOLUME
    volume = exchange if kind is ListingType.EXCHANGE else entry.volume
    low, high = _rest_range(kind, volume, settings)
    stock = round_half_up(random.uniform(low, high) * volume)
    return Listing(
        good=good,
        kind=kind,
        mid=entry.mid,
        factor=draw_factor(kind, settings, random),
        trade_volume=volume,
        first_volume=volume,
        stock=stock,
        rest=stock / volume,
        phase=float(random.randrange(round(settings.tick_minutes * 60))),
        rate_weak=round(random.uniform(*settings.rate_weak), 3),
        rate_growing=round(random.uniform(*settings.rate_growing), 3),
        impact=settings.impact * math.exp(random.gauss(0, settings.heterogeneity)),
    )


def _rest_range(kind: ListingType, volume: int, settings: SandboxSettings) -> Range:
    if kind is ListingType.EXCHANGE:
        return (4.5, 5.5)
    if kind is ListingType.IMPORT:
        return settings.rest_import
    return settings.rest_export_rare if volume == RARE else settings.rest_export


def make_market(
    waypoint: str,
    exports: Iterable[str],
    imports: Iterable[str],
    exchange: Iterable[str],
    settings: SandboxSettings,
    random: Random,
) -> Market:
    """A market at rest; FUEL is added to the exchange where it is not listed otherwise."""
    kinds = dict.fromkeys((FUEL, *exchange), ListingType.EXCHANGE)
    kinds |= dict.fromkeys(imports, ListingType.IMPORT) | dict.fromkeys(exports, ListingType.EXPORT)
    listings = {good: make_listing(good, kind, settings, random) for good, kind in sorted(kinds.items())}
    return Market(waypoint, listings, settings)


class _Chart:
    """Collects the places of one system under the game's numbering: letters by orbit, one running number."""

    def __init__(self, system: str, random: Random, *, is_connected: bool) -> None:
        self.system = system
        self.is_connected = is_connected
        self.random = random
        self.places: dict[str, Waypoint] = {}
        self.count = 0
        self.letter = "@"

    def orbit(self) -> None:
        """Begin the next letter."""
        self.letter = chr(ord(self.letter) + 1)

    def add(
        self, kind: str, at: tuple[int, int], traits: Iterable[str] = (), orbits: str | None = None, name: str = ""
    ) -> str:
        """Place something; returns its symbol."""
        self.count += 1
        symbol = f"{self.system}-{name or f'{self.letter}{self.count}'}"
        building = kind == "JUMP_GATE" and not self.is_connected
        self.places[symbol] = Waypoint(symbol, kind, *at, frozenset(traits), orbits, building)
        return symbol

    def planet(self, at: tuple[int, int], moons: int, *, traits: Iterable[str]) -> list[str]:
        """A settled planet and its moons, all markets."""
        planet = self.add("PLANET", at, self._settled(traits))
        return [planet, *(self.add("MOON", at, self._settled(traits), planet) for _ in range(moons))]

    def asteroid(self, radius: float, angle: float) -> None:
        deposits = _RARE_DEPOSITS if self.random.random() < 0.1 else _DEPOSITS
        scars = self.random.sample(_SCARS, self.random.choice((0, 0, 1, 1, 2)))
        self.add("ASTEROID", polar(radius, angle), (self.random.choice(deposits), *scars))

    def belt(self, number: int, low: float, high: float) -> None:
        """A ring of asteroids between two radii."""
        for i in range(number):
            self.asteroid(self.random.uniform(low, high), (i + self.random.random()) * math.tau / number)

    def _settled(self, traits: Iterable[str]) -> tuple[str, ...]:
        flavour = self.random.sample(_FLAVOUR, 2)
        return (self.random.choice(_GROUND), self.random.choice(_SETTLED), *flavour, "MARKETPLACE", *traits)


def polar(radius: float, angle: float) -> tuple[int, int]:
    """Whole map coordinates at a radius and an angle (radians)."""
    return round(radius * math.cos(angle)), round(radius * math.sin(angle))


def generate_home(settings: SandboxSettings, random: Random) -> System:
    """A starting system like the real ones: 80 to 90 waypoints, 25 to 30 markets, a jump gate.

    Shape: settled planets within 110 of the star, a gas giant at about 155, an inner belt at 320 to 400 with a
    refinery, the gate at about 440 (being built when the system is the only one) and a pirate base beyond, an outer
    belt at 715 to 790.
    """
    chart = _Chart(system_symbol(random), random, is_connected=settings.systems > 1)
    industries = random.sample(_INDUSTRIES, len(_INDUSTRIES))
    makes: dict[str, tuple[str, ...]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    trades: dict[str, tuple[str, ...]] = {}
    yards: dict[str, tuple[str, ...]] = {}

    chart.orbit()
    capital, yard, moon, station = _capital(chart)
    needs |= {capital: _CAPITAL_NEEDS, yard: _YARD_NEEDS}
    makes |= {moon: ("MICROPROCESSORS",), station: (random.choice(_CURIOSITIES),)}
    yards[yard] = _YARDS["capital"]

    chart.orbit()
    angle = random.uniform(0, math.tau)
    rock = f"{random.choice('ABCDFGHX')}{random.choice('BDFX')}5{random.choice('ABCDEF')}"
    chart.add("ENGINEERED_ASTEROID", polar(26, angle), ("COMMON_METAL_DEPOSITS", "STRIPPED", "MARKETPLACE"), name=rock)
    chart.add("FUEL_STATION", polar(190, angle), ("MARKETPLACE",))
    refinery = chart.add("ASTEROID_BASE", polar(345, angle), ("HOLLOWED_INTERIOR", "OUTPOST", "MARKETPLACE"))
    makes[refinery], trades[refinery] = _METALS, _ORES
    chart.belt(random.randrange(31, 34), 320, 400)

    chart.orbit()
    gas = _gas_works(chart)
    makes[gas], needs[gas], trades[gas], yards[gas] = ("LAB_INSTRUMENTS",), _YARD_NEEDS, _GASES, _YARDS["gas"]

    works = _industrial_worlds(chart)
    makes |= dict(zip(works, industries, strict=False))
    free = works[len(industries) :]
    needs[free[0]], yards[free[0]] = _YARD_NEEDS, _YARDS["works"]
    trades[free[1]] = _MINERALS
    smelter = next(place for place, goods in makes.items() if "IRON" in goods)
    needs[smelter] = ("DRUGS",)
    chemist = next(place for place, goods in makes.items() if "PLASTICS" in goods)
    makes[chemist] = (*makes[chemist], FUEL)

    pirates = _outer_reaches(chart, trades)
    makes[pirates], needs[pirates] = _PIRATE_MAKES, _PIRATE_NEEDS
    return _furnish(chart, capital, makes, needs, trades, yards, settings)


def _capital(chart: _Chart) -> list[str]:
    at = polar(25, chart.random.uniform(0, math.tau))
    capital, yard, moon = chart.planet(at, 2, traits=())
    chart.places[yard] = _with_traits(chart.places[yard], "SHIPYARD")
    return [capital, yard, moon, chart.add("ORBITAL_STATION", at, ("MILITARY_BASE", "MARKETPLACE"), capital)]


def _gas_works(chart: _Chart) -> str:
    angle = chart.random.uniform(0, math.tau)
    giant = chart.add("GAS_GIANT", polar(156, angle), ("STRONG_GRAVITY",))
    works = chart.add("ORBITAL_STATION", polar(156, angle), ("OUTPOST", "INDUSTRIAL", "MARKETPLACE", "SHIPYARD"), giant)
    chart.add("FUEL_STATION", polar(116, angle), ("MARKETPLACE",))
    return works


def _industrial_worlds(chart: _Chart) -> list[str]:
    """Twelve markets on six planets with their moons; two of the moons are not industrial but yard and exchange."""
    places: list[str] = []
    for moons, radius in ((1, 86), (1, 56), (1, 76), (0, 66), (3, 46), (0, 104)):
        chart.orbit()
        angle = chart.random.uniform(0, math.tau)
        places += chart.planet(polar(radius, angle), moons, traits=("INDUSTRIAL",))
        if radius in (56, 104):
            chart.add("MOON", polar(radius, angle), (chart.random.choice(_GROUND), "TERRAFORMED"), places[-1])
    chart.random.shuffle(places)
    yard = places[len(_INDUSTRIES)]
    chart.places[yard] = _with_traits(chart.places[yard], "SHIPYARD")
    return places


def _outer_reaches(chart: _Chart, trades: dict[str, tuple[str, ...]]) -> str:
    """Gate, fuel stations on the way, pirates behind, the outer belt; returns the pirate base."""
    chart.orbit()
    angle = chart.random.uniform(0, math.tau)
    gate = chart.add("JUMP_GATE", polar(446, angle), ("MARKETPLACE",))
    halfway = chart.add("FUEL_STATION", polar(229, angle), ("MARKETPLACE",))
    trades |= {gate: (ANTIMATTER,), halfway: (ANTIMATTER,)}
    chart.orbit()
    chart.add("FUEL_STATION", polar(600, angle), ("MARKETPLACE",))
    pirates = chart.add("ASTEROID_BASE", polar(719, angle), ("HOLLOWED_INTERIOR", "PIRATE_BASE", "MARKETPLACE"))
    chart.belt(chart.random.randrange(20, 24), 715, 790)
    return pirates


def _furnish(
    chart: _Chart,
    capital: str,
    makes: dict[str, tuple[str, ...]],
    needs: dict[str, tuple[str, ...]],
    trades: dict[str, tuple[str, ...]],
    yards: dict[str, tuple[str, ...]],
    settings: SandboxSettings,
) -> System:
    random = chart.random
    markets = {}
    for symbol, place in chart.places.items():
        if place.has_market:
            exports = makes.get(symbol, ())
            inputs = {good for product in exports for good in RECIPES[product] if product not in trades.get(symbol, ())}
            imports = ({*needs.get(symbol, ()), *inputs} - {*exports}) - {*trades.get(symbol, ())}
            markets[symbol] = make_market(symbol, exports, imports, trades.get(symbol, ()), settings, random)
    shipyards = {symbol: make_shipyard(symbol, types, random) for symbol, types in yards.items()}
    x, y = random.randrange(-2_000, 2_000), random.randrange(-2_000, 2_000)
    return System(chart.system, "BLUE_STAR", x, y, capital, chart.places, markets, shipyards)


def _with_traits(place: Waypoint, *traits: str) -> Waypoint:
    return Waypoint(
        place.symbol, place.type, place.x, place.y, place.traits | {*traits}, place.orbits, place.is_under_construction
    )
