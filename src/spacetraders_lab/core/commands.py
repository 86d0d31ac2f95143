"""What a ship can be told to do, as plain values. `game.execute` does them; everyone else only reads them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NavigateShipCommand:
    """Fly to a waypoint, refuelling on the way where needed; ends in orbit there, or docked if it never left."""

    ship_symbol: str
    destination: str


@dataclass(frozen=True, slots=True)
class DockShipCommand:
    """Dock where the ship is."""

    ship_symbol: str


@dataclass(frozen=True, slots=True)
class OrbitShipCommand:
    """Leave the dock."""

    ship_symbol: str


@dataclass(frozen=True, slots=True)
class RefuelShipCommand:
    """Fill the tank at the market where the ship is docked."""

    ship_symbol: str


@dataclass(frozen=True, slots=True)
class GetMarketQuery:
    """Read the market at a waypoint, live; what a worker does with what it reads is its own (`run.effects`)."""

    waypoint: str


@dataclass(frozen=True, slots=True)
class PurchaseCargoCommand:
    """Buy units of a good where the ship is docked, in one transaction."""

    ship_symbol: str
    trade_symbol: str
    units: int


@dataclass(frozen=True, slots=True)
class SellCargoCommand:
    """Sell units of a good where the ship is docked, in one transaction."""

    ship_symbol: str
    trade_symbol: str
    units: int


TradeCommand = PurchaseCargoCommand | SellCargoCommand
Command = NavigateShipCommand | DockShipCommand | OrbitShipCommand | RefuelShipCommand | TradeCommand
