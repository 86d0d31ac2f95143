"""The one text of a document of plain JSON, and its hash: the same document gives the same bytes everywhere."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(document: Mapping[str, Any]) -> str:
    """The one text of a document: keys sorted, no spaces; raises ValueError for a number that is none."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plan_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text, in hex: `sha256sum analysis_plan.json` says the same."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()
