"""Cube's rows as typed Arrow: numbers come as text, and stay exact.

Cube's own types do not tell whole numbers from fractions, so a column of numbers becomes what all of
its values are: 64-bit integers, else decimals, else floating point (exponents, not a number).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from aiser_app.query.cube.expressing import COMPARED, CubeColumn, LoadPlan
from aiser_app.query.cube.failures import CubeNotUsed, unreadable

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})")
_INT64 = range(-(2**63), 2**63)
_MAX_DIGITS = 76
"""Of Arrow's widest decimal."""
_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0"})
_BATCH_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeRows:
    """All rows of a query: Cube gives them at once."""

    table: pa.Table

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.table.to_batches(max_chunksize=_BATCH_ROWS))


def typed_rows(plan: LoadPlan, results: Sequence[Mapping[str, Any]]) -> CubeRows:
    """The rows of all results, in the order that was asked for.

    Raises:
        CubeNotUsed: there may be more rows, or others than our compiler would give.
        CubeFailed: a value is not of its type, or a column is missing.
    """
    if len(results) != max(1, len(plan.ranges)):
        raise unreadable()
    rows: list[Mapping[str, Any]] = []
    for position, result in enumerate(results):
        found = _ordered(plan, result["data"])
        if plan.ranges:
            first, last = plan.ranges[position]
            found = [{**row, COMPARED: f"{first}/{last}"} for row in found]
        rows.extend(found)
    fields, arrays = [], []
    for item in plan.columns:
        array = _array(item, [_value(row, item.key) for row in rows])
        fields.append(pa.field(item.column.name, array.type))
        arrays.append(array)
    return CubeRows(table=pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


def _ordered(plan: LoadPlan, rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Groups without a value last, as the compiler puts them; Cube leaves that to its database."""
    if len(rows) >= plan.asked_rows and not plan.is_cut:
        raise CubeNotUsed(f"Cube gave {len(rows):,} rows and may have more.")
    if not plan.order:
        return rows
    key = plan.order[0][0]
    empty = [row for row in rows if _value(row, key) is None]
    if not empty:
        return rows
    if plan.is_cut and len(rows) >= plan.asked_rows:
        raise CubeNotUsed("In Cube's order groups without a value may push out others.")
    return [row for row in rows if _value(row, key) is not None] + empty


def _value(row: Mapping[str, Any], key: str) -> Any:
    if key not in row:
        raise unreadable()
    return row[key]


def _array(item: CubeColumn, values: list[Any]) -> pa.Array:
    make = _STORED.get((item.column.type, item.stored)) or _MAKERS.get(item.column.type, _texts)
    try:
        return make(values)
    except (ValueError, TypeError, OverflowError, InvalidOperation, pa.ArrowException):
        raise unreadable() from None


def _numbers(values: list[Any]) -> pa.Array:
    texts = [None if value is None else _number_text(value) for value in values]
    given = [text for text in texts if text is not None]
    if not given:
        return pa.array(texts, pa.float64())
    if all(_INTEGER.fullmatch(text) for text in given):
        whole = [None if text is None else int(text) for text in texts]
        if all(number is None or number in _INT64 for number in whole):
            return pa.array(whole, pa.int64())
    if all(_DECIMAL.fullmatch(text) for text in given):
        found = _decimals([None if text is None else Decimal(text) for text in texts])
        if found is not None:
            return found
    return _floats(texts)


def _floats(values: list[Any]) -> pa.Array:
    found = [None if value is None else float(_number_text(value)) for value in values]
    return pa.array(found, pa.float64())


def _number_text(value: Any) -> str:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < _MAX_DIGITS else str(value)
    if isinstance(value, int | str):
        return str(value).strip()
    raise TypeError("no number")


def _decimals(values: list[Decimal | None]) -> pa.Array | None:
    """Exact, or None when Arrow has no decimal that is wide enough."""
    scale = whole = 0
    for value in values:
        if value is not None:
            _, digits, exponent = value.as_tuple()
            scale = max(scale, -int(exponent))
            whole = max(whole, len(digits) + int(exponent))
    precision = max(1, whole + scale)
    if precision > _MAX_DIGITS:
        return None
    wide = precision > 38
    kind = pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)
    return pa.array(values, kind)


def _truths(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else _truth(value) for value in values], pa.bool_())


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("neither true nor false")
    return text in _TRUE


def _days(values: list[Any]) -> pa.Array:
    found: list[date | None] = [None if v is None else _moment(v).date() for v in values]
    return pa.array(found, pa.date32())


def _moments(values: list[Any]) -> pa.Array:
    found = [None if value is None else _moment(value) for value in values]
    return pa.array(found, pa.timestamp("us"))


def _moment(value: Any) -> datetime:
    """Cube has moved it to the query's time zone already."""
    if not isinstance(value, str):
        raise TypeError("no time")
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


_MAKERS: Mapping[str, Callable[[list[Any]], pa.Array]] = {
    "integer": _numbers,
    "number": _numbers,
    "decimal": _numbers,
    "boolean": _truths,
    "date": _days,
    "timestamp": _moments,
}
_STORED: Mapping[tuple[str, str], Callable[[list[Any]], pa.Array]] = {
    ("timestamp", "date"): _days,
    ("number", "number"): _floats,
}
"""Where the column behind a member tells more than Cube does: days without a time, floating point."""
