"""Types for the columns of a SQLite result, where every value has a type of its own.

What a column was declared as comes first, if its values agree; otherwise the values decide; where
they are mixed the column is text, in which every integer is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from aiser_app.errors import QueryInvalid
from aiser_app.query.engines.contract import TYPE_KEY

_EXACT = 2**53
"""Integers up to here are exact as floating-point numbers."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Values = Sequence[Any]
Convert = Callable[[Any], Any]


class _Unfit(ValueError):
    """A value that is not of the column's type."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read."""

    field: pa.Field
    convert: Convert | None = None
    """None: the values are handed to Arrow as they are."""


def type_of(declared: str) -> str:
    """The type of `domain.result.Column` for a declared type, by the rules of SQLite's affinities.

    https://www.sqlite.org/datatype3.html#determination_of_column_affinity
    """
    name = declared.upper()
    for part, found in _DECLARED:
        if part in name:
            return found
    return "string"


_DECLARED = (
    ("BOOL", "boolean"),
    ("DATETIME", "timestamp"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("JSON", "json"),
    ("INT", "integer"),
    ("CHAR", "string"),
    ("CLOB", "string"),
    ("TEXT", "string"),
    ("BLOB", "string"),
    ("REAL", "number"),
    ("FLOA", "number"),
    ("DOUB", "number"),
    ("DEC", "number"),
    ("NUM", "number"),
)


def readings(
    names: Sequence[str], declared: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> list[Reading]:
    """One for each column, by the first rows."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    types = declared if len(declared) == len(names) else [""] * len(names)
    return [_reading(*parts) for parts in zip(names, types, columns, strict=True)]


def batch(
    rows: Sequence[tuple[Any, ...]], columns: Sequence[Reading], schema: pa.Schema
) -> pa.RecordBatch:
    """Rows in the types of `schema`.

    Raises:
        QueryInvalid: a value that is not of the type that the first rows have shown.
    """
    arrays = []
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        try:
            arrays.append(_array(values, column))
        except (_Unfit, ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            name = column.field.name
            raise QueryInvalid(
                f"The column {name} holds values of different types.",
                hint=f"Write CAST({name} AS TEXT) to read all of them.",
            ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Values, column: Reading) -> pa.Array:
    convert = column.convert
    if convert is not None:
        values = [None if value is None else convert(value) for value in values]
    return pa.array(values, column.field.type)


def _reading(name: str, declared: str, values: Values) -> Reading:
    wanted = type_of(declared) if declared else ""
    for candidate in _CANDIDATES.get(wanted, ()):
        reading = candidate(name)
        if _agrees(values, reading):
            return reading
    return _by_values(name, values)


def _agrees(values: Values, reading: Reading) -> bool:
    try:
        _array(values, reading)
    except (_Unfit, ValueError, TypeError, OverflowError, pa.ArrowException):
        return False
    return True


def _by_values(name: str, values: Values) -> Reading:
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int}:
        return _integers(name)
    if kinds == {bytes}:
        return Reading(pa.field(name, pa.binary()), _only(bytes))
    if kinds == {float} or (kinds == {int, float} and _agrees(values, _numbers(name))):
        return _numbers(name)
    return Reading(pa.field(name, pa.string()), _text)


def _integers(name: str) -> Reading:
    return Reading(pa.field(name, pa.int64()), _only(int))


def _numbers(name: str) -> Reading:
    return Reading(pa.field(name, pa.float64()), _number)


def _only(kind: type) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is not kind:
            raise _Unfit
        return value

    return convert


def _number(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and abs(value) <= _EXACT:
        return float(value)
    raise _Unfit


def _boolean(value: Any) -> bool:
    if type(value) is int and value in (0, 1):
        return bool(value)
    raise _Unfit


def _date(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    raise _Unfit


def _time(value: Any) -> datetime:
    """Without a zone: what SQLite's own functions write."""
    moment = _moment(value)
    if moment.tzinfo is not None:
        raise _Unfit
    return moment


def _zoned(value: Any) -> datetime:
    moment = _moment(value)
    if moment.tzinfo is None:
        raise _Unfit
    return moment.astimezone(UTC)


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise _Unfit
    return datetime.fromisoformat(value)


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_CANDIDATES: dict[str, tuple[Callable[[str], Reading], ...]] = {
    "integer": (_integers,),
    "number": (_numbers,),
    "boolean": (lambda name: Reading(pa.field(name, pa.bool_()), _boolean),),
    "date": (lambda name: Reading(pa.field(name, pa.date32()), _date),),
    "timestamp": (
        lambda name: Reading(pa.field(name, pa.timestamp("us")), _time),
        lambda name: Reading(pa.field(name, pa.timestamp("us", tz="UTC")), _zoned),
    ),
    "json": (
        lambda name: Reading(pa.field(name, pa.string(), metadata={TYPE_KEY: b"json"}), _only(str)),
    ),
    "string": (lambda name: Reading(pa.field(name, pa.string()), _only(str)),),
}
