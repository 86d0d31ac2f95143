"""What JSON cannot say becomes null, and nothing else changes."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from spacetraders_lab.core.sayable import sayable

told = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(told)
def test_any_value_can_be_said(value: object) -> None:
    assert json.loads(json.dumps(sayable(value), allow_nan=False)) == sayable(value)


def test_only_numbers_that_are_none_are_lost() -> None:
    value = {"low": math.nan, "ends": (-math.inf, 1.5, 2), "in": [{"high": math.inf, "name": "NaN"}]}
    assert sayable(value) == {"low": None, "ends": [None, 1.5, 2], "in": [{"high": None, "name": "NaN"}]}
