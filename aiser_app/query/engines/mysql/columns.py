"""What MySQL's columns are in Arrow. Values arrive as bytes, mostly of text, and are converted by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Protocol, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pymysql.constants import FIELD_TYPE, FLAG

from aiser_app.query.engines.contract import TYPE_KEY

Value: TypeAlias = bytes | None

BINARY_CHARSET = 63
_UTF8 = ("utf8", "utf-8")
_MAX_PRECISION = 38
"""Of what DuckDB and most readers of Arrow understand."""
_ENOUGH_DIGITS = 18
"""Before the point: SUM of a BIGINT is declared with 41 digits and never has so many."""

_INTEGERS = frozenset(
    {
        FIELD_TYPE.TINY,
        FIELD_TYPE.SHORT,
        FIELD_TYPE.INT24,
        FIELD_TYPE.LONG,
        FIELD_TYPE.LONGLONG,
        FIELD_TYPE.YEAR,
    }
)
_DECIMALS = frozenset({FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL})
_TEXTS = frozenset(
    {
        FIELD_TYPE.VARCHAR,
        FIELD_TYPE.VAR_STRING,
        FIELD_TYPE.STRING,
        FIELD_TYPE.TINY_BLOB,
        FIELD_TYPE.MEDIUM_BLOB,
        FIELD_TYPE.LONG_BLOB,
        FIELD_TYPE.BLOB,
    }
)
_FIXED = {
    FIELD_TYPE.FLOAT: pa.float64(),
    FIELD_TYPE.DOUBLE: pa.float64(),
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.NEWDATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    FIELD_TYPE.GEOMETRY: pa.binary(),
    FIELD_TYPE.NULL: pa.null(),
}


class Field(Protocol):
    """A column as pymysql describes it."""

    name: str
    type_code: int
    length: int
    scale: int
    flags: int
    charsetnr: int


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    return pa.schema([_arrow_field(field) for field in fields])


def arrow_batch(
    rows: Sequence[Sequence[Value]],
    fields: Sequence[Field],
    schema: pa.Schema,
    encoding: str = "utf8",
) -> pa.RecordBatch:
    """Rows as they came from the wire, as one batch; `encoding` is that of the connection.

    Raises:
        pa.ArrowException: a value does not fit its column, such as a number of more than 38 digits.
        UnicodeDecodeError: a text is not in the encoding.
    """
    columns: Sequence[Sequence[Value]] = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        _array(values, field.type_code, kind, encoding)
        for values, field, kind in zip(columns, fields, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _arrow_field(field: Field) -> pa.Field:
    declared = "json" if field.type_code == FIELD_TYPE.JSON else None
    kind = _arrow_type(field)
    if field.type_code in _DECIMALS and pa.types.is_string(kind):
        declared = "decimal" if field.scale else "integer"
    return pa.field(field.name, kind, metadata={TYPE_KEY: declared} if declared else None)


def _arrow_type(field: Field) -> pa.DataType:
    code = field.type_code
    if code in _INTEGERS:
        return pa.uint64() if field.flags & FLAG.UNSIGNED else pa.int64()
    if code in _DECIMALS:
        return _decimal_type(field)
    if code == FIELD_TYPE.BIT:
        return pa.bool_() if field.length == 1 else pa.uint64()
    if code in _TEXTS and field.charsetnr == BINARY_CHARSET:
        return pa.binary()
    return _FIXED.get(code, pa.string())  # TIME as well: it may have 838 hours


def _decimal_type(field: Field) -> pa.DataType:
    """The declared length counts the point and the sign."""
    signs = (field.scale > 0) + (not field.flags & FLAG.UNSIGNED)
    precision = max(field.length - signs, field.scale, 1)
    if precision <= _MAX_PRECISION:
        return pa.decimal128(precision, field.scale)
    if _MAX_PRECISION - field.scale >= _ENOUGH_DIGITS:
        return pa.decimal128(_MAX_PRECISION, field.scale)
    return pa.string()  # exact, and declared as the number that it is


def _array(values: Sequence[Value], type_code: int, kind: pa.DataType, encoding: str) -> pa.Array:
    if type_code == FIELD_TYPE.BIT:
        return pa.array([_bits(value) for value in values], pa.uint64()).cast(kind)
    if pa.types.is_string(kind) and encoding not in _UTF8:
        return pa.array([None if v is None else v.decode(encoding) for v in values], kind)
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_null(kind):
        return pa.array(values, kind)
    text = pa.array(values, pa.string())
    if pa.types.is_date(kind):
        return _moments(text, kind, date.fromisoformat)
    if pa.types.is_timestamp(kind):
        return _moments(text, pa.timestamp("us"), datetime.fromisoformat).cast(kind)
    return text.cast(kind)


def _bits(value: Value) -> int | None:
    """The highest first."""
    return None if value is None else int.from_bytes(value, "big")


def _moments(
    text: pa.Array, kind: pa.DataType, parse: Callable[[str], date | datetime]
) -> pa.Array:
    """Dates that do not exist (0000-00-00, 2024-02-31) are null: nothing can be counted by them."""
    impossible = pc.match_substring_regex(text, "^0000|-00")
    real = pc.if_else(impossible, pa.scalar(None, pa.string()), text)
    try:
        return real.cast(kind)
    except pa.ArrowInvalid:
        return pa.array([_parsed(value, parse) for value in real.to_pylist()], kind)


def _parsed(value: str | None, parse: Callable[[str], date | datetime]) -> date | datetime | None:
    try:
        return None if value is None else parse(value)
    except ValueError:
        return None


_NAMED = {
    "float": "number",
    "double": "number",
    "decimal": "decimal",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "json": "json",
}
_NAMED_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "year")


def column_type(native: str) -> str:
    """The type of `domain.result.Column` for a type as information_schema writes it."""
    text = native.lower()
    base = text.partition("(")[0].split(" ")[0]
    if base in _NAMED_INTEGERS:
        return "integer"
    if base == "bit":
        return "boolean" if text.startswith("bit(1)") else "integer"
    return _NAMED.get(base, "string")
