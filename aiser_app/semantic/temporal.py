"""Times as tables hold them: as dates, as text or numbers that write one, in columns of their parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from aiser_app.domain.catalog import ColumnProfile, TableProfile, name_words
from aiser_app.domain.semantic_model import Dimension, DimensionType

_TIME_NAMES = (
    "date day dt on at time ts timestamp datetime epoch utc created updated modified when since "
    "until datum tag zeit fecha jour data period"
)
_TIME_WORDS = frozenset(_TIME_NAMES.split())
_YEARS = frozenset(("year", "yr", "yyyy", "jahr", "annee", "ano", "anno", "jaar"))
_MONTHS = frozenset(("month", "mon", "mth", "mm", "monat", "mois", "mes", "mese", "maand"))
_DAYS = frozenset(("day", "dom", "dd", "tag", "jour", "dia", "giorno", "dag"))
_RECORDED = frozenset(
    ("created", "updated", "modified", "loaded", "inserted", "synced", "deleted", "ingested", "etl")
)
"""When a row was written down, not when the thing happened."""
_PLANNED = frozenset(
    [
        "plan",
        "planned",
        "planning",
        "sched",
        "scheduled",
        "due",
        "expected",
        "target",
        "promised",
        "promise",
        "deadline",
        "requested",
        "expiry",
        "expires",
        "expiration",
        "valid",
        "until",
        "renewal",
        "next",
        "estimated",
        "eta",
        "forecast",
        "soll",
    ]
)
_ENDED = frozenset(
    ("end", "ended", "ends", "finish", "finished", "closed", "completed", "cancelled", "returned")
)
_NO_EVENTS = frozenset(("birth", "born", "dob", "birthday", "birthdate"))
_ISO_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST, _LATEST = 1900, 2100
_EPOCH_FROM = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_EPOCH_UNTIL = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_ISO_LENGTHS = (10.0, 19.0)


@dataclass(frozen=True, slots=True)
class StoredTime:
    """How a column writes a time, and the bounds of its values as ISO dates."""

    text_format: str
    minimum: str
    maximum: str


def stored_time(column: ColumnProfile) -> StoredTime | None:
    """The way in which text or a number is a time; None when it is none, or nothing is known."""
    low, high = column.minimum, column.maximum
    if not low or not high:
        return None
    if column.type == "string":
        return _time_as_text(column, low, high)
    if column.type == "integer" and _is_named_as_time(column):
        return _time_as_number(low, high)
    return None


def _is_named_as_time(column: ColumnProfile) -> bool:
    return bool(set(name_words(column.name)) & _TIME_WORDS)


def _time_as_text(column: ColumnProfile, low: str, high: str) -> StoredTime | None:
    """Both ends are dates, and all values are as long as one."""
    first, last = _iso_day(low), _iso_day(high)
    length = column.average_length
    if first and last and (length in _ISO_LENGTHS if length else _is_named_as_time(column)):
        return StoredTime("yyyy-mm-dd", first, last)
    first, last = _compact_day(low), _compact_day(high)
    if first and last and (length == 8.0 or _is_named_as_time(column)):
        return StoredTime("yyyymmdd", first, last)
    return None


def _time_as_number(low: str, high: str) -> StoredTime | None:
    first, last = _compact_day(low), _compact_day(high)
    if first and last:
        return StoredTime("yyyymmdd", first, last)
    if not (low.isdecimal() and high.isdecimal()):
        return None
    for text_format, divisor in (("epoch_s", 1), ("epoch_ms", 1000)):
        ends = [int(text) // divisor for text in (low, high)]
        if all(_EPOCH_FROM <= end < _EPOCH_UNTIL for end in ends):
            first, last = (datetime.fromtimestamp(end, UTC).date().isoformat() for end in ends)
            return StoredTime(text_format, first, last)
    return None


def _iso_day(text: str) -> str:
    return _day(text[:10]) if _ISO_TEXT.match(text) else ""


def _compact_day(text: str) -> str:
    is_day = len(text) == 8 and text.isascii() and text.isdigit()
    return _day(f"{text[:4]}-{text[4:6]}-{text[6:]}") if is_day else ""


def _day(text: str) -> str:
    """The date, if there is such a day within the years that data is about."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return ""
    return text if _EARLIEST <= found.year <= _LATEST else ""


def date_of_parts(table: TableProfile) -> Dimension | None:
    """A date whose year, month and perhaps day are columns, where no column has the whole date."""
    if any(c.type in ("date", "timestamp") or stored_time(c) for c in table.columns):
        return None
    for year in table.columns:
        words = name_words(year.name)
        if year.type != "integer" or not words or words[-1] not in _YEARS:
            continue
        month = _part(table, words[:-1], _MONTHS)
        if month is None:
            continue
        day = _part(table, words[:-1], _DAYS)
        name = "_".join((*words[:-1], "date"))
        if table.find_column(name) is not None:
            continue
        return Dimension(
            name=name,
            column="",
            type=DimensionType.TIME,
            title=" ".join((*words[:-1], "date")).capitalize(),
            date_parts=tuple(c.name for c in (year, month, day) if c is not None),
            minimum=f"{year.minimum}-01-01" if year.minimum else "",
            maximum=f"{year.maximum}-12-31" if year.maximum else "",
        )
    return None


def _part(
    table: TableProfile, prefix: tuple[str, ...], wanted: frozenset[str]
) -> ColumnProfile | None:
    """A number of the same event: `order_month` beside `order_year`."""
    for column in table.columns:
        words = name_words(column.name)
        if column.type == "integer" and words[:-1] == prefix and words[-1] in wanted:
            return column
    return None


def default_time(dimensions: Sequence[Dimension]) -> str:
    """The time at which a row happened: not when it was recorded, planned or over; the first one."""
    ranked = []
    for position, item in enumerate(dimensions):
        words = set(name_words(item.name))
        if item.type is not DimensionType.TIME or item.is_hidden or words & _NO_EVENTS:
            continue
        rank = (
            bool(words & _RECORDED),
            bool(words & _PLANNED),
            item.null_fraction > 0.5,
            bool(words & _ENDED),
            position,
            item.name,
        )
        ranked.append(rank)
    return min(ranked)[-1] if ranked else ""
