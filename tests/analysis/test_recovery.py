"""How markets come back: the beat and what it brings, half-life and permanent share, supply labels moved by trades."""

from datetime import timedelta

import numpy as np
import pytest

from spacetraders_lab.analysis.analyse import analyse
from spacetraders_lab.analysis.dataset import dataset_of
from spacetraders_lab.analysis.decay import Revisits, fit_decay
from spacetraders_lab.analysis.law import fit_law
from spacetraders_lab.analysis.observations import OtherTrades, observations_of, other_trades_from_columns
from spacetraders_lab.analysis.quiet import drift_variance, quiet_pairs, quiet_reads
from spacetraders_lab.analysis.recovery import estimate_recovery
from spacetraders_lab.analysis.recovery_findings import Stream
from spacetraders_lab.analysis.ticks import find_tick, tick_in_bracket, ticks_between
from spacetraders_lab.analysis.transitions import supply_transitions
from spacetraders_lab.core.analysis_plan import Exclusion
from spacetraders_lab.core.experiment import PlaceboBracket
from spacetraders_lab.core.market import Activity, ListingType, Operation, Supply
from spacetraders_lab.core.travel import round_half_up
from tests.analysis.trading import (
    EPOCH,
    Trading,
    dear,
    lab_markets,
    mixed_steps,
    trade_and_return,
    trade_and_watch,
    trade_at_random,
)
from tests.factories import BUY_MARKET, GOOD, NOON, SHIP, make_good, make_listing, make_record


def reads_of(trading):
    return quiet_reads(trading.dataset(), trading.observations())


def returned(trading, stream=Stream.WITH):
    return estimate_recovery(trading.dataset(), reads_of(trading), None, None).returns[stream]


def test_reads_are_numbered_by_the_stretch_between_own_trades():
    records = [make_record(timestamp=NOON.replace(minute=m), visit_id=f"visit-{m}") for m in (10, 40)]
    seen = [make_listing(observed_at=NOON.replace(minute=m)) for m in (5, 20, 30, 50)]
    too_close = make_listing(observed_at=NOON.replace(minute=40, second=4))
    reads = quiet_reads(dataset_of(records), observations_of([*seen, too_close]))
    minutes = np.round((reads.time - NOON.timestamp()) / 60).tolist()
    assert minutes == [5, 10, 10, 20, 30, 40, 40, 50]
    assert reads.stretch.tolist() == [0, 0, 1, 1, 1, 1, 2, 2]
    assert reads.row.tolist() == [-1, -1, 0, 0, 0, 0, 1, 1]
    assert quiet_pairs(reads).tolist() == [0, 2, 3, 4, 6]


def test_a_trade_of_another_run_ends_a_stretch_and_begins_none_of_ours():
    records = [make_record(timestamp=NOON.replace(minute=m), visit_id=f"visit-{m}") for m in (10, 40)]
    seen = [make_listing(observed_at=NOON.replace(minute=m)) for m in (20, 30, 50)]
    near = make_listing(observed_at=NOON.replace(minute=25, second=4))
    others = other_trades_from_columns(
        {
            "waypoint_symbol": [BUY_MARKET, BUY_MARKET, "X1-ELSE-A1"],
            "good_symbol": [GOOD] * 3,
            "timestamp": [NOON.replace(minute=m) for m in (25, 5, 45)],
        }
    )
    reads = quiet_reads(dataset_of(records), observations_of([*seen, near]), others)
    minutes = np.round((reads.time - NOON.timestamp()) / 60).tolist()
    assert minutes == [10, 10, 20, 30, 40, 40, 50]
    assert reads.stretch.tolist() == [1, 2, 2, 3, 3, 4, 4]
    assert reads.row.tolist() == [-1, 0, 0, -1, -1, 1, 1]


@pytest.fixture(scope="module")
def game():
    """The game's law, 150 visits with looks about every seven minutes."""
    trading = trade_and_watch(lab_markets(), 150, looks=15, every=420.0, menu=mixed_steps)
    reads = reads_of(trading)
    return trading, reads, find_tick(reads)


@pytest.mark.parametrize("minutes", [30.0, 15.0])
def test_the_beat_is_found_with_the_phase_of_every_listing(minutes):
    trading = trade_and_watch(lab_markets(tick_minutes=minutes), 60)
    tick = find_tick(reads_of(trading))
    assert tick.period_seconds == 60 * minutes and tick.explained == tick.changes > 40
    for (market, good), phase in tick.phases.items():
        truth = EPOCH.timestamp() + trading.markets[market].listings[good].phase
        late = (phase - truth + tick.period_seconds / 2) % tick.period_seconds - tick.period_seconds / 2
        assert abs(late) < 240


@pytest.mark.parametrize("seed", [2, 4, 7, 9])
def test_a_beat_a_minute_too_long_is_not_taken_for_it(seed):
    """Looks every ten minutes hardly tell 30 from 31 minutes, but for the changes that the latter does not fit."""
    trading = trade_at_random(lab_markets(seed=seed), 60, seed=seed, gap=60.0)
    for _ in range(40):
        trading.now += 600
        trading.look()
    assert find_tick(reads_of(trading)).period_seconds == 1800


def test_who_watches_for_less_than_two_beats_is_told_of_none():
    """Into a period longer than the time watched, every change fits."""
    assert find_tick(reads_of(trade_and_watch(lab_markets(tick_minutes=0.1), 12, looks=8, every=15.0))) is None


def test_a_market_that_drifts_all_the_time_has_no_beat():
    trading = trade_and_watch(lab_markets(economy="constant-percent", drift=0.05, tick_minutes=0.5), 15)
    assert find_tick(reads_of(trading)) is None


def test_a_market_that_never_moves_has_no_beat():
    assert find_tick(reads_of(trade_and_watch(lab_markets(economy="null"), 20))) is None


def test_ticks_are_counted_from_their_phase():
    start, end = np.array([0.0, 99.0, 101.0]), np.array([99.0, 101.0, 1300.0])
    assert ticks_between(600.0, np.array(100.0), start, end).tolist() == [0, 1, 2]


def test_rows_with_a_tick_between_their_reads_are_left_out(game):
    trading, _, tick = game
    (market, good), phase = next(iter(tick.phases.items()))
    while (trading.now + 1 + EPOCH.timestamp() - phase) % tick.period_seconds > 1:
        trading.now += 0.5
    trading.visit(market, good, Operation.BUY, (1.0,))
    data = trading.dataset()
    assert tick_in_bracket(data, tick)[-1]
    excluded = analyse(data, trading.observations()).exclusions.by_reason[Exclusion.TICK]
    assert 1 <= excluded < 0.02 * len(data)


def test_a_tick_brings_back_what_the_activity_makes(game):
    """The lab's WEAK listings make 0.15 to 0.45 tradeVolumes a tick, the GROWING ones 0.5 to 0.9."""
    trading, reads, tick = game
    rates = estimate_recovery(trading.dataset(), reads, tick, fit_law(trading.dataset())).rates
    by_kind = {(rate.type, rate.activity): rate.rate for rate in rates}
    weak = by_kind[(ListingType.IMPORT, Activity.WEAK)]
    assert weak.low < 0.3 < weak.high and 0.2 < weak.value < 0.4
    means = {(rate.type, rate.activity): rate.mean for rate in rates}
    mean = means[(ListingType.IMPORT, Activity.WEAK)]
    assert mean.value == pytest.approx(weak.value)
    assert weak.high / weak.low > 1.8  # the listings themselves differ by up to three times
    growing = by_kind[(ListingType.IMPORT, Activity.GROWING)]
    assert 0.5 <= growing.value <= 0.9 and all(rate.ticks >= rate.listings >= 3 for rate in rates)


def test_a_listing_that_is_watched_longer_counts_no_more_in_the_mean_of_the_listings(game):
    """Slow listings have more ticks before they are back: weighted by these, the mean would be that of the slow."""
    played, _, tick = game
    law = fit_law(played.dataset())
    known = {(x.market, x.good) for x in law.listings if (x.market, x.good) in tick.phases}
    trading = Trading(lab_markets())
    rates = {
        (market, good): trading.markets[market].rate(good)
        for market, good in sorted(known)
        if trading.markets[market].listings[good].kind is ListingType.EXPORT
        and trading.markets[market].activity(good) is Activity.WEAK
    }
    for market, good in sorted(rates, key=rates.__getitem__):
        for _ in range(8 if rates[market, good] < np.median(list(rates.values())) else 1):
            trading.visit(market, good, Operation.BUY, (1.0, 1.0, 1.0))
            for _ in range(20):
                trading.now += 420
                trading.read(market, good)
    found = estimate_recovery(trading.dataset(), reads_of(trading), tick, law).rates
    (weak,) = (rate for rate in found if (rate.type, rate.activity) == (ListingType.EXPORT, Activity.WEAK))
    assert weak.listings >= 10
    assert weak.mean.value == pytest.approx(np.mean(list(rates.values())), rel=0.06)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_slow_listing_of_a_cheap_good_is_not_taken_for_a_faster_one(seed):
    """Its quote stands still over several ticks; counted over the last of them alone, moves would seem fast."""
    markets = lab_markets(seed=seed, rate_weak=(0.15, 0.17), price_level=0.5)
    trading = trade_and_watch(markets, 150, looks=15, every=420.0, menu=mixed_steps)
    reads, data = reads_of(trading), trading.dataset()
    found = estimate_recovery(data, reads, find_tick(reads), fit_law(data))
    (weak,) = (r for r in found.rates if (r.type, r.activity) == (ListingType.IMPORT, Activity.WEAK))
    own = [x for x in found.listing_rates if (x.type, x.activity) == (weak.type, weak.activity)]
    truths = [trading.markets[x.market].listings[x.good] for x in own]
    rates = [max(1, round_half_up(x.rate_weak * x.trade_volume)) / x.trade_volume for x in truths]
    assert weak.mean.value == pytest.approx(np.mean(rates), rel=0.08)
    assert all(x.low <= rate <= x.high for x, rate in zip(own, rates, strict=True))


def test_bounds_of_a_listings_rate_hold_it():
    """Most are known to within a third of themselves."""
    held, close = [], []
    for seed in range(3):
        trading = trade_and_watch(lab_markets(seed=seed), 100, looks=15, every=420.0, seed=seed)
        reads, data = reads_of(trading), trading.dataset()
        for x in estimate_recovery(data, reads, find_tick(reads), fit_law(data)).listing_rates:
            listing = trading.markets[x.market].listings[x.good]
            base = {Activity.WEAK: listing.rate_weak, Activity.GROWING: listing.rate_growing, Activity.STRONG: 1.0}
            rate = max(1, round_half_up(base.get(x.activity, 0.2) * listing.trade_volume)) / listing.trade_volume
            held.append(x.low - 0.02 * rate <= rate <= x.high + 0.02 * rate)
            close.append(x.high - x.low < rate / 3)
    assert len(held) > 50
    assert np.mean(held) > 0.95 and np.mean(close) > 0.6


def test_the_drift_of_untouched_quotes_is_measured():
    trading = trade_and_watch(dear(lab_markets(economy="constant-percent", drift=0.05, half_life_minutes=1e9)), 40)
    a_tick = 2 * 0.05**2 * (1 - 2 ** (-30 / 360))  # variance of an Ornstein-Uhlenbeck step of half an hour
    assert drift_variance(reads_of(trading)) == pytest.approx(a_tick / 30, rel=0.15)
    assert drift_variance(reads_of(trade_and_watch(lab_markets(economy="null"), 10))) == 0


def test_placebo_brackets_tell_of_the_drift_too():
    """Five seconds apart, and so near a trade that the clocks could not tell; a fifth of them saw one per cent."""
    seen = [(1000, 1010)] + [(1000, 1000)] * 4
    placebos = [
        PlaceboBracket(
            "run-1", SHIP, BUY_MARKET, make_good(purchase_price=before), NOON, make_good(purchase_price=after),
            NOON + timedelta(seconds=5),
        )
        for before, after in seen
    ]  # fmt: skip
    reads = quiet_reads(dataset_of([make_record()]), observations_of([]))
    assert drift_variance(reads) == 0
    assert drift_variance(reads, placebos) == pytest.approx(np.log(1.01) ** 2 / 5 * 12, rel=0.01)


@pytest.mark.parametrize(("half_life", "share"), [(520.0, 0.0), (240.0, 0.3)])
def test_half_life_and_permanent_share_are_found(half_life, share):
    found = []
    for seed in range(6):
        settings = {"economy": "constant-percent", "half_life_minutes": half_life, "permanent_share": share}
        markets = dear(lab_markets(seed=seed, impact=0.05, drift=0.02, tick_minutes=15.0, **settings))
        trading = trade_and_return(markets, 60, reads=3, seed=seed)
        found.append(returned(trading))
    half_lives, shares = [x.half_life_minutes for x in found], [x.permanent_share for x in found]
    assert np.median([x.value for x in half_lives]) == pytest.approx(half_life, rel=0.08)
    assert np.mean([x.value for x in shares]) == pytest.approx(share, abs=0.06)
    assert sum(x.low <= half_life <= x.high for x in half_lives) >= 4
    assert sum(x.low <= share <= x.high for x in shares) >= 4


def test_what_a_market_does_not_undo_is_told_apart_from_what_it_does():
    """In the game's economy an IMPORT only uses and an EXPORT only makes: half of the moves stay for good."""
    found = {}
    for stream in (Stream.WITH, Stream.AGAINST):
        trading = trade_and_return(dear(lab_markets()), 60, reads=3, stream=stream)
        found[stream] = returned(trading, stream)
        others = [returned(trading, other).revisits for other in (Stream.WITH, Stream.AGAINST) if other is not stream]
        assert others == [0]
    assert found[Stream.WITH].permanent_share.high < 0.2 and found[Stream.WITH].lasts_minutes is None
    assert found[Stream.AGAINST].half_life_minutes is None
    assert found[Stream.AGAINST].lasts_minutes > 600


def test_too_few_revisits_give_no_half_life():
    trading = trade_and_return(lab_markets(economy="constant-percent"), 4)
    found = returned(trading)
    assert found.half_life_minutes is None and found.permanent_share is None


@pytest.mark.parametrize(("hours", "told"), [(12, 30), (52, 60)])
def test_a_listing_on_its_way_back_from_an_earlier_visit_tells_nothing(hours, told):
    """Half a day after the first visit the quote before a second one is still far from where it comes back to."""
    settings = {"economy": "constant-percent", "half_life_minutes": 520.0, "drift": 0.02, "tick_minutes": 15.0}
    markets = dear(lab_markets(impact=0.05, **settings))
    trading = trade_and_return(markets, 60, reads=3, every=3600.0 * hours)
    found = estimate_recovery(trading.dataset(), reads_of(trading), None, None).returns
    assert sum(back.revisits for back in found.values()) == told
    assert sum(back.unrested for back in found.values()) == 60 - told
    back = found[Stream.WITH]
    assert back.half_life_minutes.low < 520 < back.half_life_minutes.high
    assert back.permanent_share.low < 0 < back.permanent_share.high


def test_half_of_what_nobody_knows_is_not_told():
    """With two dozen visits a half-life may look narrow while the share that stays may be all or nothing."""
    settings = {"economy": "constant-percent", "half_life_minutes": 520.0, "drift": 0.02, "tick_minutes": 15.0}
    markets = dear(lab_markets(seed=0, impact=0.05, **settings))
    found = returned(trade_and_return(markets, 60, reads=3, seed=0, every=7200.0))
    assert found.revisits > 20
    assert found.half_life_minutes is None and found.permanent_share is None


@pytest.mark.parametrize(("longest", "told"), [(240.0, None), (600.0, 600.0)])
def test_that_nothing_came_back_is_told_only_of_a_long_time(longest, told):
    """Within a few hours it is true of most markets, whether they come back or not."""
    chance, visits = np.random.default_rng(1), 30
    nothing_back = Revisits(
        unit=np.arange(visits),
        volumes=np.full(visits, 3.0),
        shift=np.full(visits, 0.2),
        lead=np.full(visits, 1.0),
        minutes=np.tile([longest / 2, longest], (visits, 1)),
        moved=chance.normal(0.2, 0.002, (visits, 2)),
        rounding=np.full((visits, 2), 1e-8),
        rounding_before=np.full(visits, 1e-8),
    )
    assert fit_decay(nothing_back).lasts == told


def test_a_trade_of_another_run_disturbs_the_rest_as_well():
    trading = trade_and_return(lab_markets(economy="constant-percent", impact=0.05), 30)
    data = trading.dataset()
    opened = {name: data.time[data.unit == unit].min() for unit, name in enumerate(data.unit_names)}
    others = OtherTrades({name: np.array([at - 3600]) for name, at in opened.items()})
    found = estimate_recovery(data, reads_of(trading), None, None, others)
    assert not any(back.revisits for back in found.returns.values())
    assert sum(back.unrested for back in found.returns.values()) > 20


def test_visits_that_others_disturbed_tell_nothing_of_recovery():
    trading = trade_and_return(lab_markets(economy="constant-percent", impact=0.05), 60)
    for row in trading.trades:
        row["foreign_units"] = 5
    assert returned(trading).revisits == 0


@pytest.mark.parametrize("half_life", [5760.0, 50_000.0])
def test_reads_that_come_too_soon_give_no_half_life(half_life):
    """Half a day after the trades a half-life of days has hardly begun to show: what would be told is the prior."""
    markets = dear(lab_markets(economy="constant-percent", impact=0.05, half_life_minutes=half_life, drift=0.02))
    trading = trade_and_watch(markets, 100, looks=3)
    found = returned(trading)
    assert found.revisits >= 15 and found.half_life_minutes is None


def test_a_small_share_that_lasts_does_not_lengthen_the_half_life():
    """Too small a share to be significant in one run, and a fifth of bias where it is left out."""
    found = []
    for seed in range(20):
        settings = {"economy": "constant-percent", "half_life_minutes": 520.0, "permanent_share": 0.1}
        markets = dear(lab_markets(seed=seed, impact=0.05, drift=0.05, tick_minutes=15.0, **settings))
        trading = trade_and_return(markets, 60, reads=3, seed=seed)
        found.append(returned(trading).half_life_minutes)
    assert np.median([x.value for x in found]) == pytest.approx(520, rel=0.1)
    assert sum(x.low <= 520 <= x.high for x in found) >= 18


def test_labels_move_as_far_as_their_borders_say():
    """Between SCARCE and ABUNDANT the labels are 2, 4 and 2 tradeVolumes wide: a half, a quarter, a half a volume."""
    buying, selling = supply_transitions(trade_at_random(lab_markets(), 300).dataset())
    for side, matrix in ((1, selling), (-1, buying)):
        counts = np.array(matrix.counts)
        steps = np.arange(5)[None, :] - np.arange(5)[:, None]
        assert counts.sum() > 300 and counts[side * steps < 0].sum() == 0
        assert 0.25 < matrix.kappa.low < matrix.kappa.high < 0.5
        free = slice(0, 4) if matrix is selling else slice(1, 5)
        assert matrix.step_probability == pytest.approx(counts[free][steps[free] != 0].sum() / counts[free].sum())


def test_the_end_of_the_scale_counts_neither_for_kappa_nor_for_the_chance_of_a_step():
    def bought(unit: int, before: Supply, after: Supply):
        return make_record(units=60, good_symbol=f"GOOD-{unit}", supply_before=before, supply_after=after)

    moved = [bought(unit, Supply.MODERATE, Supply.LIMITED) for unit in range(4)]
    stuck = [bought(unit, Supply.SCARCE, Supply.SCARCE) for unit in range(4)]
    buying, _ = supply_transitions(dataset_of(moved + stuck))
    assert buying.kappa.value == buying.step_probability == 1.0
    assert buying.counts[0][0] == 4 and buying.counts[2][1] == 4
