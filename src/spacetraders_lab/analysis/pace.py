"""How fast a moved quote of one listing goes back, in draws, and what that is known from: the best grounds there are.

Ticks of the listing itself, else of listings like it, else the half-life of such moves. With none there is no pace.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from spacetraders_lab.analysis.arrays import Floats
from spacetraders_lab.analysis.draws import DRAWS, evenly, normal, normals, positive
from spacetraders_lab.analysis.recovery_findings import ListingRate, RecoveryEstimate, Stream, TickRate, stream_of
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.core.market import Listing, ListingType, Operation

_AMONG_LISTINGS = 0.5  # SD of the log of a half-life: activities of the game differ up to five times
_CHANCE = 2  # a stream of draws of its own, beside those of the curve


class PaceGround(StrEnum):
    """What is known of how fast a listing comes back, the best first."""

    LISTING = "ticks of this very listing"
    KIND = "ticks of listings of its type and activity"
    ACTIVITY = "ticks of its activity, but of the other type"
    OTHERS = "ticks of other activities, its own not being measured: it may be several times off"
    HALF_LIFE = "the half-life of such moves; larger ones may take several times longer"
    NOTHING = "nothing: that was not measured"

    @property
    def is_of_its_activity(self) -> bool:
        """Whether the pace is not borrowed from other activities, which differ several times over."""
        return self is not PaceGround.OTHERS


def pace_ground(recovery: RecoveryEstimate | None, listing: Listing, side: Operation) -> PaceGround:
    """What the pace in `resilience_of` stands on."""
    if recovery is None:
        return PaceGround.NOTHING
    ground, rates = _rates(recovery, listing)
    if rates:
        return ground
    back = recovery.returns[stream_of(listing.good.type, side)]
    told = back.half_life_minutes is not None or back.lasts_minutes is not None
    return PaceGround.HALF_LIFE if told else PaceGround.NOTHING


def resilience_of(
    recovery: RecoveryEstimate | None, listing: Listing, side: Operation, *, seed: int = 0
) -> Resilience | None:
    """How a displacement by this side goes back; None where recovery was not measured.

    Against the market's own stream a tick brings nothing back, and what is known to last is taken to last. A half-life
    is that of what does not stay, so the share that stays goes with it, clear or not. A listing that keeps its beat
    does not halve its way back, so there a half-life would miss. Where no beat was found it may keep one all the same:
    then a larger move takes longer to halve, as a lane that is kept up would find out.
    """
    if recovery is None:
        return None
    chance, stream = np.random.default_rng((seed, _CHANCE)), stream_of(listing.good.type, side)
    _, rates = _rates(recovery, listing)
    if recovery.tick is not None and rates:
        an_hour = _a_tick(rates, listing, chance) * 3600 / recovery.tick.period_seconds
        return Resilience.steadily(an_hour if stream is Stream.WITH else np.zeros(DRAWS))
    back = recovery.returns[stream]
    if back.half_life_minutes is None:
        return None if back.lasts_minutes is None else Resilience.steadily(np.zeros(DRAWS))
    share = back.permanent_share
    lasting = np.zeros(DRAWS) if share is None else np.clip(normal(share, chance), 0.0, 1.0)
    half_life = positive(back.half_life_minutes, chance) * np.exp(normals(chance) * _AMONG_LISTINGS)
    return (
        Resilience.either(half_life, back.volumes, lasting) if back.volumes else Resilience.halving(half_life, lasting)
    )


def _rates(recovery: RecoveryEstimate, listing: Listing) -> tuple[PaceGround, Sequence[TickRate | ListingRate]]:
    """What a tick brings back at the listing while it has its activity, or, less closely known, at others.

    Of EXCHANGE nothing is known.
    """
    good, rates = listing.good, recovery.rates
    if good.type is ListingType.EXCHANGE:
        return PaceGround.NOTHING, ()
    of_activity = [rate for rate in rates if rate.activity is good.activity]
    of_kind = [rate for rate in of_activity if rate.type is good.type]
    ground, alike = next(
        (
            (ground, found)
            for ground, found in (
                (PaceGround.KIND, of_kind),
                (PaceGround.ACTIVITY, of_activity),
                (PaceGround.OTHERS, rates),
            )
            if found
        ),
        (PaceGround.NOTHING, ()),
    )
    key = (listing.waypoint, good.symbol, good.type, good.activity)
    own = [x for x in recovery.listing_rates if (x.market, x.good, x.type, x.activity) == key]
    if own and (not of_kind or own[0].high - own[0].low < of_kind[0].rate.high - of_kind[0].rate.low):
        return PaceGround.LISTING, own
    return ground, alike


def _a_tick(rates: Sequence[TickRate | ListingRate], listing: Listing, chance: np.random.Generator) -> Floats:
    """Draws of the tradeVolumes that a tick brings back; one of several rates is as likely as another."""
    volume = listing.good.trade_volume
    drawn = [
        evenly(rate.low, rate.high, chance)
        if isinstance(rate, ListingRate)
        else np.maximum(1.0, np.round(positive(rate.rate, chance) * volume)) / volume  # stocks go by whole units
        for rate in rates
    ]
    return np.asarray(np.choose(np.arange(DRAWS) % len(drawn), drawn))
