"""Tables as lines of a given width: nothing is ever cut. Prints nothing.

Where there is not room enough, the widest columns give way: texts are wrapped between words, and only where that does
not do, ids after a dash. Numbers are never broken. What still does not fit is wider than the room, for the terminal to
fold.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len

_GAP = 2  # columns between two columns
_WORD = re.compile(r"\s+|\S+")
_PIECE = re.compile(r"\s+|[^\s_:/-]*[_:/-]+|[^\s_:/-]+")


def lines(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str], room: int
) -> Iterator[tuple[bool, str]]:
    """The table line by line, and whether the line is of the headings; columns named in `right` are of numbers."""
    is_number = [heading in right for heading in headings]
    columns = [[heading, *(row[i] for row in rows)] for i, heading in enumerate(headings)]
    widths = _widths(columns, is_number, room - _GAP * (len(headings) - 1))
    for number, row in enumerate((headings, *rows)):
        cells = [_wrapped(*cell) for cell in zip(row, widths, is_number, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = map(_padded, parts, widths, is_number)
            yield number == 0, (" " * _GAP).join(padded).rstrip()


def _widths(columns: Sequence[Sequence[str]], is_number: Sequence[bool], room: int) -> list[int]:
    """How wide each column is to be: as its longest cell where there is room, else what the room leaves for it."""
    widths = [max(_longest(cell.splitlines()) for cell in column) for column in columns]
    for unit in (_WORD, _PIECE):
        least = [
            max(_longest((_WORD if n else unit).findall(cell)) for cell in column)
            for column, n in zip(columns, is_number, strict=True)
        ]
        fitting = _shrunk(widths, least, room)
        if sum(fitting) <= room:
            break
    return fitting


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widths, the widest of those that can give way made narrower until all fit, or none can."""
    found = list(widths)
    while sum(found) > room:
        able = [i for i, width in enumerate(found) if width > least[i]]
        if not able:
            break
        found[max(able, key=found.__getitem__)] -= 1
    return found


def _wrapped(text: str, width: int, is_number: bool) -> list[str]:
    """The text in lines of at most that width, broken between words, or after dashes where a word is longer."""
    unit = _WORD if is_number or _longest(_WORD.findall(text)) <= width else _PIECE
    found: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for part in unit.findall(paragraph):
            if line and cell_len((line + part).rstrip()) > width:
                found.append(line.rstrip())
                line = ""
            line += part if line else part.lstrip()
        found.append(line.rstrip())
    return found or [""]


def _padded(text: str, width: int, is_number: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if is_number else text + space


def _longest(parts: Sequence[str]) -> int:
    return max((cell_len(part.strip()) for part in parts), default=0)
