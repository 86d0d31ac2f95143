"""SpaceTraders Liquidity Lab: measure price impact, market depth and recovery with your own ships."""

__version__ = "0.1.0"
