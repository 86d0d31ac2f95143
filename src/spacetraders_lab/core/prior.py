"""The price law as the lab expects it before it has measured anything: used to price plans, never as a result.

Source: public observations of the real game (2025-04 to 2026-07), 341 of 341 listings within 2 credits: a quote is
an asymptote plus a deviation that doubles every 10/3 trade volumes of stock. Both quotes of a listing come from one
stock, so two quotes are enough to place it, and neither the good's level nor the market's factor need be known.
"""

from dataclasses import dataclass, replace

from spacetraders_lab.core.market import ListingType, TradeGood

DOUBLINGS_PER_TRADE_VOLUME = 0.3
_ONE_VOLUME_APART = 2.0**-DOUBLINGS_PER_TRADE_VOLUME
# EXCHANGE is nearly flat in the observed range; a per cent a trade volume is on the cautious side
_EXCHANGE_STEP = 1.01
HALVING_HOURS = 2.0  # of a displacement that nobody has seen; a guess, which the next reading corrects


@dataclass(frozen=True, slots=True)
class ExpectedListing:
    """Where a listing's quotes stand: ask and bid as asymptote plus deviation, in credits a unit."""

    type: ListingType
    trade_volume: int
    ask_asymptote: float
    ask_deviation: float
    bid_asymptote: float
    bid_deviation: float

    @property
    def ask(self) -> float:
        return max(1.0, self.ask_asymptote + self.ask_deviation)

    @property
    def bid(self) -> float:
        return max(1.0, self.bid_asymptote + self.bid_deviation)

    def after_trade(self, net_units_bought: float) -> "ExpectedListing":
        """The listing after the player bought so many units (negative: sold)."""
        volumes = net_units_bought / self.trade_volume
        if self.type is ListingType.EXCHANGE:
            factor = _EXCHANGE_STEP**volumes
        else:
            factor = 2.0 ** (DOUBLINGS_PER_TRADE_VOLUME * volumes)
        # an IMPORT's deviations are negative and shrink as the stock falls, an EXPORT's are positive and grow
        sign = 1 if self.ask_deviation >= 0 else -1
        scale = factor**sign
        return ExpectedListing(
            self.type,
            self.trade_volume,
            self.ask_asymptote,
            self.ask_deviation * scale,
            self.bid_asymptote,
            self.bid_deviation * scale,
        )

    def recovered(self, rest: "ExpectedListing", hours: float) -> "ExpectedListing":
        """The listing so long after its last trade: the log displacement from `rest` halves in HALVING_HOURS."""
        left = 2 ** (-hours / HALVING_HOURS)

        def back(now: float, then: float) -> float:
            return then * (now / then) ** left if then else now

        return replace(
            self,
            ask_deviation=back(self.ask_deviation, rest.ask_deviation),
            bid_deviation=back(self.bid_deviation, rest.bid_deviation),
        )


def expected_listing(good: TradeGood) -> ExpectedListing:
    """Place a listing on the law from its two quotes."""
    ask, bid = float(good.purchase_price), float(good.sell_price)
    if good.type is ListingType.EXPORT:
        deviation = max(0.0, (ask - 2 * bid) / (1 - _ONE_VOLUME_APART))
        return ExpectedListing(
            good.type,
            good.trade_volume,
            ask - deviation,
            deviation,
            bid - deviation * _ONE_VOLUME_APART / 2,
            deviation * _ONE_VOLUME_APART / 2,
        )
    if good.type is ListingType.IMPORT:
        deviation = max(0.0, (ask / 2 - bid) / (1 - _ONE_VOLUME_APART))
        return ExpectedListing(
            good.type,
            good.trade_volume,
            ask + 2 * deviation * _ONE_VOLUME_APART,
            -2 * deviation * _ONE_VOLUME_APART,
            bid + deviation,
            -deviation,
        )
    return ExpectedListing(good.type, good.trade_volume, 0.0, ask, 0.0, bid)
