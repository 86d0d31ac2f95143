"""What advice stands on: the best grounds there are, as wide as they are, and none at all rather than a guess."""

from dataclasses import replace

import numpy as np
import pytest

from spacetraders_lab.analysis.advice import Decay
from spacetraders_lab.analysis.evidence import DRAWS, Ground, decay_of, evidence_of
from spacetraders_lab.analysis.findings import CellFlag, LawForm, SizeLaw
from spacetraders_lab.core.errors import UserError
from spacetraders_lab.core.market import Activity, ListingType, Operation
from tests.factories import make_listing
from tests.report.findings import CELL, LAW, RECOVERY, estimate, make_findings

BUY, SELL = Operation.BUY, Operation.SELL
HERE = make_listing()
ELSEWHERE = make_listing("X1-GZ7-Z9")
FINDINGS = make_findings()


def test_the_law_with_the_asymptote_of_the_listing_comes_first() -> None:
    found = evidence_of(FINDINGS, HERE, BUY, age_minutes=0)
    assert (found.ground, found.form, found.trades) == (Ground.LAW, LawForm.ASYMPTOTE, 12)
    middle = found.curve.central()
    assert middle.asymptote is not None
    assert float(middle.asymptote[0]) == pytest.approx(30, abs=0.2)
    # one full tradeVolume: 30 + (50 - 30) 2^0.3
    assert float(middle.unit_prices(61)[0, 60]) == pytest.approx(30 + 20 * 2**0.3, abs=0.5)


def test_then_the_slope_of_the_listing() -> None:
    found = evidence_of(replace(FINDINGS, law=replace(LAW, best=LawForm.CONSTANT)), HERE, BUY, age_minutes=0)
    assert (found.ground, found.form) == (Ground.LISTING, LawForm.CONSTANT)
    drawn = np.quantile(found.curve.slope, (0.025, 0.5, 0.975))
    assert drawn == pytest.approx([0.05 / 1.22, 0.05, 0.05 * 1.22], rel=0.06)


def test_then_markets_like_it_as_far_as_one_more_of_them_may_lie() -> None:
    found = evidence_of(FINDINGS, ELSEWHERE, BUY, age_minutes=0)
    assert (found.ground, found.trades, found.markets) == (Ground.CELL, 40, 4)
    low, high = np.quantile(found.curve.slope, (0.05, 0.95))
    assert high / low > 2


@pytest.mark.parametrize(
    "unknown",
    [
        make_findings(cells=(), listings=(), law=None),
        make_findings(cells=(replace(CELL, flag=CellFlag.NOT_OBSERVED),), law=None),
        make_findings(cells=(replace(CELL, activity=Activity.STRONG),), law=None),
        make_findings(cells=(replace(CELL, side=SELL),), law=None),
        make_findings(cells=(replace(CELL, prediction=None),), law=None),
    ],
)
def test_without_grounds_there_is_no_number_but_what_to_do(unknown: object) -> None:
    with pytest.raises(UserError, match=r"buying moves IRON_ORE at X1-GZ7-Z9.*experiment liquidity"):
        evidence_of(unknown, ELSEWHERE, BUY, age_minutes=0)  # type: ignore[arg-type]


def test_an_old_quote_is_less_certain() -> None:
    fresh, old = (evidence_of(FINDINGS, HERE, BUY, age_minutes=minutes) for minutes in (0.0, 400.0))
    assert set(fresh.curve.quote) == {50.0}
    assert np.std(np.log(old.curve.quote)) == pytest.approx(0.001 * 20, rel=0.1)
    assert old.age_minutes == 400


def test_a_law_that_is_not_linear_in_size_is_carried_through() -> None:
    bent = SizeLaw(estimate(1.3, 0.02), 0.001, 8.0, 5, 100)
    found = evidence_of(make_findings(law=None, size_law=bent), HERE, BUY, age_minutes=0)
    assert (found.form, found.curve.exponent) == (LawForm.POWER, 1.3)
    straight = replace(bent, p=0.5)
    assert evidence_of(make_findings(law=None, size_law=straight), HERE, BUY, age_minutes=0).curve.exponent == 1


def test_the_same_seed_gives_the_same_draws() -> None:
    one, other, third = (evidence_of(FINDINGS, HERE, BUY, age_minutes=9, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.curve.slope, other.curve.slope)
    assert not np.array_equal(one.curve.slope, third.curve.slope)
    assert one.curve.draws == DRAWS


class TestRecovery:
    def test_a_tick_brings_back_what_was_bought_of_an_export(self) -> None:
        assert decay_of(RECOVERY, HERE, BUY) == Decay(volumes_an_hour=pytest.approx(0.6))

    def test_a_tick_brings_nothing_back_against_its_stream(self) -> None:
        assert decay_of(RECOVERY, HERE, SELL) == Decay()

    def test_without_a_rate_for_its_kind_the_half_life_stands(self) -> None:
        imported = make_listing(type=ListingType.IMPORT)
        assert decay_of(RECOVERY, imported, SELL) == Decay(half_life_minutes=300)

    def test_what_was_not_measured_is_not_known(self) -> None:
        assert decay_of(None, HERE, BUY) is None
        assert decay_of(replace(RECOVERY, tick=None, half_life_minutes=None), HERE, BUY) is None
