"""When rows count as the accepted ones.

Whatever the columns are called, and in which order they stand. Rows that repeat count once, and the
order of rows counts where the question asks for one.

Numbers are equal up to their sixth digit, or rounded as the accepted query rounds. A day, a moment at
midnight, and the month as text or as year and month, are the same when they begin the same span.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]
TOLERANCE = 1e-6
"""Relative; sums of floats differ by their order."""
MOST_TRIES = 5_000
"""Assignments of columns that are tried; only columns of equal values can be exchanged."""
MOST_LEADERS = 3
MOST_PAIRED = 500
"""Rows that are compared each with each when sorting them has not brought equal ones together."""
_MONTH = re.compile(r"(?:19|20)\d\d-\d\d")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?")
_ASKS_ORDER = re.compile(
    r"\b(?:ordered|sorted|ranked|arranged|sort|rank) (?:\w+ ){0,6}?(?:by|from|in)\b"
    r"|\border(?: (?:it|them|(?:the )?results?))? by\b"
    r"|\b(?:ascending|descending|alphabetical(?:ly)?|chronological(?:ly)?|in order(?! to))\b"
    r"|\b(?:highest|largest|most|biggest|newest|latest|oldest|earliest|lowest|smallest) first\b",
    re.IGNORECASE,
)


def asks_for_order(question: str) -> bool:
    return bool(_ASKS_ORDER.search(question))


def same_rows(
    ours: Sequence[Sequence[Any]],
    gold: Sequence[Sequence[Any]],
    *,
    ordered: bool = False,
    rounded: bool = False,
) -> bool:
    """Whether the rows are the accepted ones; `rounded` says that those were rounded by their query."""
    left, right = _distinct(ours), _distinct(gold)
    if len(left) != len(right):
        return False
    if not left:
        return True
    if len(left[0]) != len(right[0]):
        return False
    return any(
        _equal([tuple(row[i] for i in order) for row in left], right, ordered, rounded)
        for order in _assignments(left, right, rounded)
    )


def leads(
    ranking: Sequence[Sequence[Any]], gold: Sequence[Sequence[Any]], *, rounded: bool = False
) -> bool:
    """Whether the first rows of a whole ranking are the accepted leaders."""
    count = len(_distinct(gold))
    if not 0 < count <= MOST_LEADERS or len(ranking) <= count:
        return False
    return same_rows(ranking[:count], gold, rounded=rounded)


def _distinct(rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Each row once, at its first place, with values as they are compared."""
    return list(dict.fromkeys(_joined([_cell(value) for value in row]) for row in rows))


def _assignments(left: list[Row], right: list[Row], rounded: bool) -> Iterator[tuple[int, ...]]:
    """For every accepted column one of ours with the same values, in all combinations."""
    ours = [sorted((row[i] for row in left), key=_sort_key) for i in range(len(left[0]))]
    gold = [sorted((row[i] for row in right), key=_sort_key) for i in range(len(right[0]))]
    fitting = [
        [i for i, values in enumerate(ours) if _all_close(values, wanted, rounded)]
        for wanted in gold
    ]
    tries = 0

    def extended(chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        nonlocal tries
        if len(chosen) == len(gold):
            tries += 1
            yield chosen
            return
        for candidate in fitting[len(chosen)]:
            if candidate not in chosen and tries < MOST_TRIES:
                yield from extended((*chosen, candidate))

    return extended(())


def _equal(ours: list[Row], gold: list[Row], ordered: bool, rounded: bool) -> bool:
    if ordered:
        if all(_all_close(a, b, rounded) for a, b in zip(ours, gold, strict=True)):
            return True
        if not _has_same_order(ours, gold, rounded):
            return False
    left, right = sorted(ours, key=_row_key), sorted(gold, key=_row_key)
    if all(_all_close(a, b, rounded) for a, b in zip(left, right, strict=True)):
        return True
    return len(left) <= MOST_PAIRED and _paired(left, right, rounded)


def _paired(ours: list[Row], gold: list[Row], rounded: bool) -> bool:
    """Close numbers may sort otherwise on the two sides: look for a partner of each row."""
    left = list(gold)
    for row in ours:
        partner = next((n for n, other in enumerate(left) if _all_close(row, other, rounded)), None)
        if partner is None:
            return False
        del left[partner]
    return True


def _has_same_order(ours: list[Row], gold: list[Row], rounded: bool) -> bool:
    """Rows that are equal in what orders them may stand either way: one sorted column tells."""
    for column in range(len(gold[0])):
        wanted = [row[column] for row in gold]
        keys = [_sort_key(value) for value in wanted]
        is_sorted = keys in (sorted(keys), sorted(keys, reverse=True))
        is_telling = is_sorted and len(set(wanted)) > 1
        if is_telling and _all_close([row[column] for row in ours], wanted, rounded):
            return True
    return False


def _all_close(left: Sequence[Any], right: Sequence[Any], rounded: bool) -> bool:
    return all(_close(a, b, rounded) for a, b in zip(left, right, strict=True))


def _close(ours: Any, gold: Any, rounded: bool) -> bool:
    if isinstance(ours, float) and isinstance(gold, float):
        if math.isnan(ours) or math.isnan(gold):
            return math.isnan(ours) and math.isnan(gold)
        if math.isclose(ours, gold, rel_tol=TOLERANCE, abs_tol=1e-9):
            return True
        return rounded and _is_rounded(ours, gold)
    return type(ours) is type(gold) and bool(ours == gold)


def _is_rounded(ours: float, gold: float) -> bool:
    """Whether `gold` is our number with fewer decimals; halves may go either way."""
    digits = next((n for n in range(7) if math.isclose(gold, round(gold, n), abs_tol=1e-12)), None)
    return digits is not None and abs(ours - gold) <= 0.5 * 10**-digits * (1 + 1e-9)


def _sort_key(value: Any) -> tuple[str, Any]:
    if isinstance(value, float):
        return ("number", -math.inf if math.isnan(value) else value)
    return (type(value).__name__, value if isinstance(value, str) else str(value))


def _row_key(row: Row) -> list[tuple[str, Any]]:
    """Texts first: they are exact, so that rows of close numbers stand in the same order."""
    return sorted(((_sort_key(value)) for value in row), key=lambda key: key[0] == "number")


def _joined(cells: list[Any]) -> Row:
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
    """A value as it is compared: numbers as float, times as ISO text, the rest as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        is_day = moment == moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return moment.date().isoformat() if is_day else moment.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    text = value if isinstance(value, str) else str(value)
    if _MONTH.fullmatch(text):
        return f"{text}-01"
    found = _MOMENT.fullmatch(text)
    return found.group(1) if found else text
