"""Everything a sandbox universe can be told. What the real game leaves uncertain is a field here, not a constant."""

import math
from dataclasses import dataclass, fields
from datetime import datetime

from spacetraders_lab.core.bounds import MOST_CREDITS, MOST_UNITS, above_zero, within
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.sandbox.economy import EXCHANGE_STEEPNESS
from spacetraders_lab.sandbox.faults import FaultRule
from spacetraders_lab.sandbox.hulls import HULLS

Range = tuple[float, float]

_MOST = 1e12  # of what may be as many or as long as anybody likes
_COUNTED = {  # the least and the most of it
    "seed": (-(2**63), 2**63 - 1),
    "credits": (0, MOST_CREDITS),
    "hold": (1, MOST_UNITS),
    "goods": (1, MOST_UNITS),
    "systems": (1, 1_000),
    "npc_traders": (0, 10_000),
    "requests_per_second": (1, _MOST),
    "burst_requests": (1, _MOST),
    "transactions_kept": (0, _MOST),
    "noise": (0, _MOST),
    "drift": (0, _MOST),
    "heterogeneity": (0, _MOST),
}
_ABOVE_ZERO = {
    "speed": 1e6,
    "burst_seconds": _MOST,
    "tick_minutes": _MOST,
    "half_life_minutes": _MOST,
    "drift_half_life_minutes": _MOST,
    "npc_trade_minutes": _MOST,
    "price_level": _MOST,
}


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How a universe is made and how it runs.

    Durations are game time; on the wall clock they take 1/`speed` of it. Stocks are counted in trade volumes and
    rates in trade volumes a tick. Sources of the defaults: the SpaceTradersAPI/api-docs wiki and market snapshots
    published by players (2025-04 to 2026-07).
    """

    seed: int = 1
    profile: str = "home"  # "home": a system like the real ones; "lab": 12 goods at 6 markets each, cheap and close
    goods: int = 12  # of the lab profile; more than 12 come with more markets, and prices like the 12's
    speed: float = 1.0
    start: datetime | None = None  # when the universe began; None: the moment it is made

    credits: int = 175_000
    ships: tuple[str, ...] = ("SHIP_COMMAND_FRIGATE", "SHIP_PROBE")
    hold: int | None = None  # cargo capacity of every ship that has a hold; None: as the game's
    open_registration: bool = False  # register without any token

    rate_limit: bool = True
    requests_per_second: int = 2
    burst_requests: int = 30
    burst_seconds: float = 60.0

    tick_minutes: float = 30.0
    rest_export: Range = (7.05, 10.0)
    rest_export_rare: Range = (20.5, 22.0)  # listings with a trade volume of 6
    rest_exchange: Range = (4.5, 5.5)
    rest_import: Range = (-1.2, 3.6)
    export_factor: Range = (0.45, 0.75)
    import_factor: Range = (1.30, 1.65)
    rate_restricted: float = 0.20
    rate_weak: Range = (0.15, 0.45)
    rate_growing: Range = (0.5, 0.9)
    rate_strong: float = 1.0
    exchange_rate: float = 0.0  # pull of an EXCHANGE stock back to its middle; none was ever seen
    exchange_steepness: float = EXCHANGE_STEEPNESS
    stock_offset: float = 0.0  # added to the stock in the price formulas, known only to about 0.07
    inputs_per_unit: float = 0.0  # units of each input that a unit made uses up; whether any is unknown
    busy_share: float = 0.25  # trade volumes traded within a tick that count as a busy tick
    growing_after: int = 2  # busy ticks until a listing is GROWING
    strong_after: int = 6  # ... and until it is STRONG
    volume_grows: bool = True
    volume_cap: float = 9.0  # tradeVolume stops growing at this multiple of the first one
    volume_shrinks_after: int = 0  # quiet ticks until a grown tradeVolume goes back a step; 0: never, as far as seen

    economy: str = "game"  # the measured law, or one of economies.ECONOMIES; most of what follows is for those
    impact: float = 0.05  # move of the price by one full trade volume
    exponent: float = 0.8  # "power", "by-cell": the move grows with (units / tradeVolume) to this power
    half_life_minutes: float = 240.0
    permanent_share: float = 0.0  # of each move
    heterogeneity: float = 0.0  # standard deviation of the log impact between listings
    noise: float = 0.0  # coefficient of variation of a transaction's effect (also in the game's law)
    drift: float = 0.0  # stationary standard deviation of the log price level (also in the game's law)
    drift_half_life_minutes: float = 360.0
    saturation: float = 5.0  # the log displacement at which a listing gives way no further
    state_rounding: bool = False  # each trade leaves the price it moves at whole credits, not only its display
    interaction: float = 0.0  # "by-cell": standard deviation of the log impact of cells around supply and activity
    absent_effect: str = ""  # "by-cell": supply, activity or side, whose effect is then none
    smooth: bool = False  # "by-cell": impact follows the stock within a supply level too
    price_level: float = 1.0  # times every mid price

    npc_traders: int = 0  # other traders, who show in the markets' transactions
    npc_trade_minutes: float = 10.0  # mean time between two trades of one of them

    faults: tuple[FaultRule, ...] = ()

    systems: int = 1  # with more than one, jump gates are complete and connect them

    transactions_kept: int = 100
    ship_locks: bool = True  # a ship whose last request is still being answered refuses the next one with 409
    error_statuses: tuple[tuple[int, int], ...] = ()  # (code, HTTP status) other than the usual, where it is a guess
    ship_price_growth: float = 0.03
    modifications_fee: int = 100

    def __post_init__(self) -> None:
        for name, (least, most) in _COUNTED.items():
            within(f"{name} of a sandbox", getattr(self, name), least, most)
        for name, most in _ABOVE_ZERO.items():
            above_zero(f"{name} of a sandbox", getattr(self, name), most)
        for field in fields(self):
            if not all(math.isfinite(number) for number in _numbers(getattr(self, field.name))):
                raise UserError(f"{field.name} of a sandbox must be a finite number")
        if self.absent_effect not in ("", "supply", "activity", "side"):
            raise UserError(f"{self.absent_effect!r} is no effect; there are supply, activity and side")
        unknown = [kind for kind in self.ships if kind not in HULLS]
        if unknown or not self.ships:
            raise UserError(
                f"{', '.join(unknown) or 'nothing'} is no fleet to start with; there are {', '.join(HULLS)}"
            )


def _numbers(value: object) -> list[float]:
    """The numbers with a point that a setting is made of."""
    return [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, float)]
