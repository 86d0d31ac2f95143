"""What must never be written: tokens are made known here where they come in, and struck out where text goes out."""

import re

_known: set[str] = set()
_LOOKS_SECRET = re.compile(r"(?i:bearer)\s+\S+|\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
STRUCK_OUT = "[token]"
_SHORTEST = 8  # what is shorter is no token, and may be a word


def keep_secret(token: str | None) -> None:
    """Strike the token out of everything that is said from now on."""
    if token and len(token) >= _SHORTEST:
        _known.add(token)


def redacted(text: str) -> str:
    """The text without the tokens that are known, and without what looks like one."""
    for token in _known:
        text = text.replace(token, STRUCK_OUT)
    return _LOOKS_SECRET.sub(STRUCK_OUT, text)
