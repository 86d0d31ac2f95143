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
    """A ship type as it leaves the yard; `price` in credits before any purchase raised it."""

    type: str
    role: str
    frame: str
    engine: str
    reactor: str
    fuel: int
    price: int
    crew: int = 0
    modules: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()

    @property
    def speed(self) -> int:
        return ENGINE_SPEED[self.engine]

    @property
    def cargo(self) -> int:
        return sum(CARGO_OF_MODULE.get(module, 0) for module in self.modules)


_HOLD_I, _HOLD_II, _HOLD_III = CARGO_OF_MODULE
_CREW = "MODULE_CREW_QUARTERS_I"

HULLS = {
    hull.type: hull
    for hull in (
        Hull(
            "SHIP_COMMAND_FRIGATE",
            "COMMAND",
            "FRAME_FRIGATE",
            "ENGINE_ION_DRIVE_II",
            "REACTOR_FISSION_I",
            fuel=400,
            price=190_000,
            crew=57,
            modules=(_HOLD_II, _CREW, _CREW, "MODULE_MINERAL_PROCESSOR_I", "MODULE_GAS_PROCESSOR_I"),
            mounts=("MOUNT_SENSOR_ARRAY_II", "MOUNT_GAS_SIPHON_II", "MOUNT_MINING_LASER_II", "MOUNT_SURVEYOR_II"),
        ),
        Hull(
            "SHIP_PROBE",
            "SATELLITE",
            "FRAME_PROBE",
            "ENGINE_IMPULSE_DRIVE_I",
            "REACTOR_SOLAR_I",
            fuel=0,
            price=21_000,
        ),
        Hull(
            "SHIP_LIGHT_SHUTTLE",
            "TRANSPORT",
            "FRAME_SHUTTLE",
            "ENGINE_ION_DRIVE_I",
            "REACTOR_CHEMICAL_I",
            fuel=300,
            price=88_800,
            crew=11,
            modules=(_HOLD_II, _CREW),
            mounts=("MOUNT_TURRET_I",),
        ),
        Hull(
            "SHIP_LIGHT_HAULER",
            "HAULER",
            "FRAME_LIGHT_FREIGHTER",
            "ENGINE_ION_DRIVE_I",
            "REACTOR_CHEMICAL_I",
            fuel=600,
            price=272_000,
            crew=40,
            modules=(_HOLD_II, _HOLD_II, _CREW, _CREW),
            mounts=("MOUNT_TURRET_I",),
        ),
        Hull(
            "SHIP_MINING_DRONE",
            "EXCAVATOR",
            "FRAME_DRONE",
            "ENGINE_IMPULSE_DRIVE_I",
            "REACTOR_CHEMICAL_I",
            fuel=80,
            price=41_700,
            modules=(_HOLD_I, "MODULE_MINERAL_PROCESSOR_I"),
            mounts=("MOUNT_MINING_LASER_I",),
        ),
        Hull(
            "SHIP_SIPHON_DRONE",
            "EXCAVATOR",
            "FRAME_DRONE",
            "ENGINE_IMPULSE_DRIVE_I",
            "REACTOR_CHEMICAL_I",
            fuel=80,
            price=39_800,
            modules=(_HOLD_I, "MODULE_GAS_PROCESSOR_I"),
            mounts=("MOUNT_GAS_SIPHON_I",),
        ),
        Hull(
            "SHIP_SURVEYOR",
            "SURVEYOR",
            "FRAME_DRONE",
            "ENGINE_IMPULSE_DRIVE_I",
            "REACTOR_CHEMICAL_I",
            fuel=80,
            price=27_700,
            mounts=("MOUNT_SURVEYOR_I",),
        ),
        Hull(
            "SHIP_ORE_HOUND",
            "EXCAVATOR",
            "FRAME_MINER",
            "ENGINE_ION_DRIVE_I",
            "REACTOR_FISSION_I",
            fuel=300,
            price=260_000,
            crew=40,
            modules=(_HOLD_II, "MODULE_MINERAL_PROCESSOR_I"),
            mounts=("MOUNT_MINING_LASER_II", "MOUNT_SURVEYOR_I"),
        ),
        Hull(
            "SHIP_EXPLORER",
            "EXPLORER",
            "FRAME_EXPLORER",
            "ENGINE_ION_DRIVE_II",
            "REACTOR_FUSION_I",
            fuel=800,
            price=550_000,
            crew=30,
            modules=(_HOLD_II, _CREW, "MODULE_WARP_DRIVE_I"),
            mounts=("MOUNT_SENSOR_ARRAY_II",),
        ),
        Hull(
            "SHIP_HEAVY_FREIGHTER",
            "HAULER",
            "FRAME_HEAVY_FREIGHTER",
            "ENGINE_ION_DRIVE_II",
            "REACTOR_FUSION_I",
            fuel=2300,
            price=1_800_000,
            crew=110,
            modules=(_HOLD_III, _HOLD_III, _HOLD_III, _CREW, _CREW),
            mounts=("MOUNT_TURRET_I",),
        ),
        Hull(
            "SHIP_REFINING_FREIGHTER",
            "REFINERY",
            "FRAME_HEAVY_FREIGHTER",
            "ENGINE_ION_DRIVE_II",
            "REACTOR_FUSION_I",
            fuel=2300,
            price=1_700_000,
            crew=110,
            modules=(_HOLD_III, _HOLD_III, "MODULE_ORE_REFINERY_I", _CREW),
            mounts=("MOUNT_TURRET_I",),
        ),
    )
}
