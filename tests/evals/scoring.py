"""When a result counts as right: any gold variant, ignoring names, order and repeated rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Row = tuple[Any, ...]
_MOST_COLUMNS = 6


def same(left: Iterable[Sequence[Any]], right: Iterable[Sequence[Any]]) -> bool:
    """Equal as sets of rows under some order of the columns."""
    ours, theirs = _rows(left), _rows(right)
    if len(ours) != len(theirs):
        return False
    if not ours:
        return True
    width = len(next(iter(ours)))
    if width != len(next(iter(theirs))) or width > _MOST_COLUMNS:
        return False
    return any(
        {tuple(row[i] for i in order) for row in ours} == theirs
        for order in itertools.permutations(range(width))
    )


def starts_with(ranking: Sequence[Sequence[Any]], leaders: Sequence[Sequence[Any]]) -> bool:
    """The first rows of a whole ranking are the leaders that were asked for."""
    count = len(leaders)
    return 0 < count <= 3 and any(same(ranking[:n], leaders) for n in (count, count + 1))


def _rows(rows: Iterable[Sequence[Any]]) -> set[Row]:
    return {_joined_month([_cell(value) for value in row]) for row in rows}


def _joined_month(cells: list[Any]) -> Row:
    """(2024, 3) is the month 2024-03."""
    for at in range(len(cells) - 1):
        year, month = cells[at], cells[at + 1]
        if _is_whole(year, 1900, 2100) and _is_whole(month, 1, 12):
            joined = f"{int(year):04d}-{int(month):02d}-01"
            return (*cells[:at], joined, *cells[at + 2 :])
    return tuple(cells)


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, float) and value.is_integer() and low <= value <= high


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return float(f"{float(value):.6g}")
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(r"(19|20)\d\d-\d\d", value):
        return f"{value}-01"
    return value
