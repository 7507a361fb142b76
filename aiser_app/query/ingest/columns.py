"""Which reading a column gets: the first that fits all of its values, or the one somebody asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest.naming import shown, unique_names
from aiser_app.query.ingest.readings import (
    BOOLEAN,
    INTEGER,
    NULL_WORDS,
    TEXT,
    Reading,
    date_readings,
    fits,
    number_readings,
)
from aiser_app.query.ingest.report import ColumnReport

TYPES = ("text", "integer", "number", "decimal", "boolean", "date", "timestamp")
ORDERS = ("dmy", "mdy", "ymd")
_MAX_SCALE = 10
_VALUE_CHARS = 100
"""No number or date is longer."""
_NULL_PATTERN = "|".join(re.escape(word) for word in NULL_WORDS)
_WARNING = " Every one could be read the other way round."
_POINT = re.compile(r"-?[0-9]+\.([0-9]{1,2}|[0-9]{4,})")
_COMMA = re.compile(r"-?[0-9.]*[0-9],([0-9]{1,2}|[0-9]{4,})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hints:
    """What the file as a whole says about how its numbers and dates are written."""

    decimal_comma: bool = False
    day_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnPlan:
    name: str
    original: str
    text: str
    """SQL of the column's text in the file."""
    reading: Reading
    is_asked_for: bool = False
    """Somebody chose the type: what does not fit becomes empty, and is counted."""

    @property
    def value(self) -> str:
        """SQL of the value; NULL where the text does not fit."""
        if self.reading is TEXT:
            return self.text
        return self.reading.sql.format(x=f"trim({self.text})")

    @property
    def is_misfit(self) -> str:
        """SQL: the text is there, is no word for nothing, and does not fit."""
        is_there = f"{self.text} IS NOT NULL AND NOT {_is_word_for_nothing(self.text)}"
        return f"{is_there} AND ({self.value}) IS NULL"

    def strict_value(self, position: int) -> str:
        """SQL of the value; an error that names the position where the text does not fit."""
        if self.reading is TEXT or self.is_asked_for:
            return self.value
        return (
            f"CASE WHEN {self.text} IS NULL THEN NULL ELSE coalesce({self.value}, "
            f"CASE WHEN {_is_word_for_nothing(self.text)} THEN NULL "
            f"ELSE error('{MISFIT}{position}') END) END"
        )

    @property
    def report(self) -> ColumnReport:
        return ColumnReport(
            name=self.name,
            original=shown(self.original),
            type=self.reading.type,
            note=self.reading.note,
        )


MISFIT = "aiser column "
"""Begins the message by which DuckDB says which column met a value that does not fit."""


def hints_of(samples: Iterable[Sequence[str]], delimiter: str) -> Hints:
    point = comma = 0
    for values in samples:
        point += sum(_POINT.fullmatch(value.strip()) is not None for value in values)
        comma += sum(_COMMA.fullmatch(value.strip()) is not None for value in values)
    is_comma = comma > point or (comma == point == 0 and delimiter == ";")
    return Hints(decimal_comma=is_comma, day_first=is_comma)


def meaningful(values: Iterable[str | None]) -> list[str]:
    """Distinct values without surrounding space, and without words for nothing."""
    found: dict[str, None] = {}
    for value in values:
        text = (value or "").strip(" ")
        if text.lower() not in NULL_WORDS:
            found[text] = None
    return list(found)


def decide(values: list[str], hints: Hints, failed: Collection[Reading] = ()) -> Reading:
    """The first reading that all (meaningful) values are of the shape of; text if there is none.

    `failed` are readings that fitted the sample, and not all rows.
    """
    if not values or max(map(len, values)) > _VALUE_CHARS:
        return TEXT
    for reading in _candidates(hints):
        if reading not in failed and all(reading.shape.fullmatch(value) for value in values):
            return _said(reading, values, hints)
    return TEXT


def _candidates(hints: Hints) -> Iterable[Reading]:
    yield BOOLEAN
    yield from number_readings(decimal_comma=hints.decimal_comma)
    yield from date_readings(day_first=hints.day_first)


def _said(reading: Reading, values: list[str], hints: Hints) -> Reading:
    """With a warning when the same text could mean another day."""
    rivals = [
        other
        for other in date_readings(day_first=hints.day_first)
        if other.order in reading.rivals and other.type == reading.type
    ]
    if any(fits(other, values) == len(values) for other in rivals):
        return replace(reading, note=f"{reading.note}{_WARNING}")
    return reading


def without_warning(reading: Reading) -> Reading:
    """The reading as it is among the candidates."""
    return replace(reading, note=reading.note.removesuffix(_WARNING))


def asked_reading(wanted: str, values: list[str]) -> Reading:
    """The best way to read values as the type that somebody wants: `integer`, or `date:dmy`.

    Raises:
        InvalidInput: there is no such type.
    """
    kind, _, order = wanted.strip().lower().partition(":")
    if kind not in TYPES or (order and (order not in ORDERS or kind not in ("date", "timestamp"))):
        raise InvalidInput(
            f"“{shown(wanted)[:40]}” is not a type of a column.",
            hint=f"Use {', '.join(TYPES)}; dates also as date:dmy, date:mdy, date:ymd.",
        )
    if kind == "text":
        return TEXT
    if kind == "boolean":
        return _LENIENT_BOOLEAN
    if kind in ("date", "timestamp"):
        return _asked_time(kind, order, values)
    return _asked_number(kind, values)


_LENIENT_BOOLEAN = replace(
    BOOLEAN,
    sql="CASE WHEN lower({x}) IN ('true', 'yes', 't', 'y', '1') THEN true "
    "WHEN lower({x}) IN ('false', 'no', 'f', 'n', '0') THEN false END",
)
_LENIENT_INTEGER = replace(
    INTEGER,
    shape=re.compile(r"[+-]?[0-9]{1,19}"),
    sql="CASE WHEN regexp_full_match({x}, '[+-]?[0-9]{{1,19}}') THEN TRY_CAST({x} AS BIGINT) END",
)


def _asked_number(kind: str, values: list[str]) -> Reading:
    readings = [
        reading
        for comma in (False, True)
        for reading in number_readings(decimal_comma=comma)
        if (reading.type == "integer" if kind == "integer" else reading is not INTEGER)
    ]
    if kind == "integer":
        readings.insert(0, _LENIENT_INTEGER)
    best = _best(readings, values)
    if kind == "integer":
        return best
    if kind == "number":
        sql = f"CAST({best.sql} AS DOUBLE)"
        return replace(best, type="number", sql_type="DOUBLE", sql=sql)
    scale = max((len(re.split("[.,]", v)[-1]) for v in values if re.search("[.,]", v)), default=0)
    sql_type = f"DECIMAL(38,{min(max(scale, 2), _MAX_SCALE)})"
    # Out of the text itself: a way through DOUBLE would not be exact.
    sql = re.sub(r"AS (DOUBLE|BIGINT|DECIMAL\(38,0\))\)", f"AS {sql_type})", best.sql)
    return replace(best, type="decimal", sql_type=sql_type, sql=sql)


def _asked_time(kind: str, order: str, values: list[str]) -> Reading:
    readings = [
        reading
        for reading in date_readings(day_first=order == "dmy")
        if not order or reading.order == order
    ]
    wanted_first = sorted(readings, key=lambda reading: reading.type != kind)
    best = _best(wanted_first, values)
    if best.type == kind:
        return best
    sql_type = kind.upper()
    return replace(best, type=kind, sql_type=sql_type, sql=f"CAST({best.sql} AS {sql_type})")


def _best(readings: list[Reading], values: list[str]) -> Reading:
    """The one that fits most values, the first of equals."""
    return max(readings, key=lambda reading: fits(reading, values))


def plan_columns(
    originals: Sequence[str],
    texts: Sequence[str],
    samples: Sequence[Sequence[str | None]],
    types: Mapping[str, str],
    delimiter: str = "",
) -> tuple[list[ColumnPlan], Hints]:
    """A plan per column, and the hints they were made with.

    Raises:
        InvalidInput: a type is asked for that does not exist.
    """
    values = [meaningful(sample) for sample in samples]
    hints = hints_of(values, delimiter)
    names = unique_names(originals)
    plans = []
    for name, original, text, column in zip(names, originals, texts, values, strict=True):
        wanted = types.get(name, types.get(original))
        reading = decide(column, hints) if wanted is None else asked_reading(wanted, column)
        plans.append(
            ColumnPlan(
                name=name,
                original=original,
                text=text,
                reading=reading,
                is_asked_for=wanted is not None,
            )
        )
    return plans, hints


def check_types(types: Mapping[str, str]) -> None:
    """Raises `InvalidInput` for a type that there is not, before a worker finds out."""
    for wanted in types.values():
        asked_reading(wanted, [])


def refuse_unknown(types: Mapping[str, str], columns: Sequence[ColumnReport]) -> None:
    """Raises `InvalidInput` when a type was given for a column that the file does not have."""
    known = {name for column in columns for name in (column.name, column.original)}
    unknown = sorted(name for name in types if name not in known and shown(name) not in known)
    if unknown:
        raise InvalidInput(
            f"The file has no column “{shown(unknown[0])}”.",
            hint=f"It has {', '.join(column.name for column in columns[:20])}.",
        )


def _is_word_for_nothing(text: str) -> str:
    """SQL. Not IN: DuckDB makes a join of a long list, for every row and column."""
    return f"regexp_full_match(trim({text}), '(?i){_NULL_PATTERN}')"
