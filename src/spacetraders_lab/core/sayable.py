"""Values as JSON can say them. JSON knows no NaN and no infinity: readers refuse the whole text for one of them."""

import math
from collections.abc import Mapping
from typing import Any


def sayable(value: Any) -> Any:
    """The value with null for every number that is none, however deep in mappings, lists and tuples it stands."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: sayable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sayable(inner) for inner in value]
    return value
