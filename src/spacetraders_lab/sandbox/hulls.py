"""The ships that can be had: hull, engine, hold and price of each type. Tables only.

Sources: shipyard replies published by players (FloWi/flwi-spacetraders-agent, eseidel/space_traders); what those
leave open (crew, slots, power) is chosen plausibly.
"""

from dataclasses import dataclass

CARGO_OF_MODULE = {"MODULE_CARGO_HOLD_I": 15, "MODULE_CARGO_HOLD_II": 40, "MODULE_CARGO_HOLD_III": 75}
REACTOR_POWER = {"REACTOR_SOLAR_I": 3, "REACTOR_CHEMICAL_I": 15, "REACTOR_FISSION_I": 31, "REACTOR_FUSION_I": 40}
ENGINE_SPEED = {
    "ENGINE_IMPULSE_DRIVE_I": 9,
    "ENGINE_ION_DRIVE_I": 15,
    "ENGINE_ION_DRIVE_II": 36,
    "ENGINE_HYPER_DRIVE_I": 60,
}


@dataclass(frozen=True, slots=True)
class Hull:
    """A ship type as it leaves the yard: tank in units of ship fuel, price in credits before any purchase raised it."""

    type: str
    role: str
    frame: str
    engine: str
    reactor: str
    fuel: int
    crew: int
    price: int
    modules: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()

    @property
    def speed(self) -> int:
        return ENGINE_SPEED[self.engine]

    @property
    def cargo(self) -> int:
        return sum(CARGO_OF_MODULE.get(module, 0) for module in self.modules)


_IMPULSE, _ION, _ION_II, _ = ENGINE_SPEED
_SOLAR, _CHEMICAL, _FISSION, _FUSION = REACTOR_POWER
_HOLD_I, _HOLD_II, _HOLD_III = CARGO_OF_MODULE
_CREW, _ORES, _GASES = "MODULE_CREW_QUARTERS_I", "MODULE_MINERAL_PROCESSOR_I", "MODULE_GAS_PROCESSOR_I"
_LASER, _LASER_II, _SIPHON, _SIPHON_II, _SURVEYOR, _SURVEYOR_II, _SENSORS_II, _TURRET = (
    f"MOUNT_{name}"
    for name in ("MINING_LASER_I", "MINING_LASER_II", "GAS_SIPHON_I", "GAS_SIPHON_II", "SURVEYOR_I", "SURVEYOR_II",
                 "SENSOR_ARRAY_II", "TURRET_I")
)  # fmt: skip

_ALL = (
    # type, role, frame, engine, reactor, fuel, crew, price, modules, mounts
    Hull("SHIP_COMMAND_FRIGATE", "COMMAND", "FRAME_FRIGATE", _ION_II, _FISSION, 400, 57, 190_000,
         (_HOLD_II, _CREW, _CREW, _ORES, _GASES), (_SENSORS_II, _SIPHON_II, _LASER_II, _SURVEYOR_II)),
    Hull("SHIP_PROBE", "SATELLITE", "FRAME_PROBE", _IMPULSE, _SOLAR, 0, 0, 21_000),
    Hull("SHIP_LIGHT_SHUTTLE", "TRANSPORT", "FRAME_SHUTTLE", _ION, _CHEMICAL, 300, 11, 88_800,
         (_HOLD_II, _CREW), (_TURRET,)),
    Hull("SHIP_LIGHT_HAULER", "HAULER", "FRAME_LIGHT_FREIGHTER", _ION, _CHEMICAL, 600, 40, 272_000,
         (_HOLD_II, _HOLD_II, _CREW, _CREW), (_TURRET,)),
    Hull("SHIP_MINING_DRONE", "EXCAVATOR", "FRAME_DRONE", _IMPULSE, _CHEMICAL, 80, 0, 41_700,
         (_HOLD_I, _ORES), (_LASER,)),
    Hull("SHIP_SIPHON_DRONE", "EXCAVATOR", "FRAME_DRONE", _IMPULSE, _CHEMICAL, 80, 0, 39_800,
         (_HOLD_I, _GASES), (_SIPHON,)),
    Hull("SHIP_SURVEYOR", "SURVEYOR", "FRAME_DRONE", _IMPULSE, _CHEMICAL, 80, 0, 27_700, (), (_SURVEYOR,)),
    Hull("SHIP_ORE_HOUND", "EXCAVATOR", "FRAME_MINER", _ION, _FISSION, 300, 40, 260_000,
         (_HOLD_II, _ORES), (_LASER_II, _SURVEYOR)),
    Hull("SHIP_EXPLORER", "EXPLORER", "FRAME_EXPLORER", _ION_II, _FUSION, 800, 30, 550_000,
         (_HOLD_II, _CREW, "MODULE_WARP_DRIVE_I"), (_SENSORS_II,)),
    Hull("SHIP_HEAVY_FREIGHTER", "HAULER", "FRAME_HEAVY_FREIGHTER", _ION_II, _FUSION, 2300, 110, 1_800_000,
         (_HOLD_III, _HOLD_III, _HOLD_III, _CREW, _CREW), (_TURRET,)),
    Hull("SHIP_REFINING_FREIGHTER", "REFINERY", "FRAME_HEAVY_FREIGHTER", _ION_II, _FUSION, 2300, 110, 1_700_000,
         (_HOLD_III, _HOLD_III, "MODULE_ORE_REFINERY_I", _CREW), (_TURRET,)),
)  # fmt: skip

HULLS = {hull.type: hull for hull in _ALL}
