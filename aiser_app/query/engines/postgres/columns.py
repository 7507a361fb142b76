"""Columns of a query's result: what the driver reads well, what the server has to write as text.

The driver reads most types into Arrow exactly. Others come as raw bytes of PostgreSQL's protocol
(addresses, ranges, shapes) or lose something (arrays of several dimensions, money): for those the
query is wrapped once, so that the server casts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.errors import QueryInvalid
from aiser_app.query.engines.contract import TYPE_KEY

MAX_DIGITS = 38
"""Of Arrow's decimal128, which every reader of a result understands."""
_TYPE = b"POSTGRESQL:type"
_MODIFIER = b"POSTGRESQL:typmod"
_NUMBER = re.compile(r"-?(\d+)(?:\.(\d*))?")
_PLAIN = frozenset(
    [
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "text",
        "varchar",
        "bpchar",
        "name",
        "char",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "interval",
        "bytea",
    ]
)
_FOREVER_DAYS = (-2147472692, -2147472691)
_FOREVER_MICROSECONDS = (-(2**63) + 946_684_800_000_000 - 1, -(2**63) + 946_684_800_000_000)
"""What `infinity` and `-infinity` become when the driver moves them to the epoch of Arrow: earlier
than any date that PostgreSQL knows."""
_LAST_DAY, _FIRST_DAY = 2_932_896, -719_162
"""9999-12-31 and 0001-01-01, which stand for the two in results: what readers have as an end."""
_DAY_MICROSECONDS = 86_400_000_000

Convert = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How one column is read."""

    field: pa.Field
    convert: Convert
    cast: str = ""
    """SQL around the column, with `{}` for its name; empty: as it is."""
    is_open_decimal: bool = False
    """A numeric whose digits the server does not tell, such as a sum."""


def readings(schema: pa.Schema) -> list[Reading]:
    """One for each column of what the driver says the query returns."""
    return [_reading(field) for field in schema]


def wrapped(sql: str, columns: Sequence[Reading]) -> str:
    """The query, or the query inside another one that casts what the driver cannot read."""
    if not any(column.cast for column in columns):
        return sql
    names = [f"c{position}" for position in range(len(columns))]
    outputs = [
        (column.cast or "{}").format(f"q.{name}") + f' AS "{_quoted(column.field.name)}"'
        for column, name in zip(columns, names, strict=True)
    ]
    return f"SELECT {', '.join(outputs)} FROM (\n{sql}\n) AS q({', '.join(names)})"  # noqa: S608


def decided(columns: Sequence[Reading], first: Sequence[pa.RecordBatch]) -> list[Reading]:
    """Open decimals get their digits from the rows, if `first` is all there is; text otherwise."""
    return [
        _decided(column, [batch.column(position) for batch in first])
        if column.is_open_decimal and first
        else column
        for position, column in enumerate(columns)
    ]


def converted(
    batch: pa.RecordBatch, columns: Sequence[Reading], schema: pa.Schema
) -> pa.RecordBatch:
    """The batch in the types of `schema`.

    Raises:
        QueryInvalid: a value that the type cannot hold.
    """
    arrays = [
        column.convert(_storage(array))
        for column, array in zip(columns, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _reading(field: pa.Field) -> Reading:
    name = (field.metadata or {}).get(_TYPE, b"").decode()
    if name == "numeric":
        return _numeric(field)
    if name == "money":
        return replace(_open_decimal(field.name), cast="{}::numeric")
    if name == "oid":
        return Reading(field=pa.field(field.name, pa.int64()), convert=_same, cast="{}::int8")
    if name in ("json", "jsonb"):
        return Reading(field=_as_json(field.name), convert=_same)
    if pa.types.is_nested(field.type):
        return Reading(field=_as_json(field.name), convert=_same, cast="to_json({})::text")
    if name not in _PLAIN and not pa.types.is_string(field.type):
        return Reading(field=pa.field(field.name, pa.string()), convert=_same, cast="{}::text")
    return Reading(field=pa.field(field.name, field.type), convert=_plain(field.type))


def _as_json(name: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata={TYPE_KEY: b"json"})


def _plain(data_type: pa.DataType) -> Convert:
    if pa.types.is_date(data_type):
        return lambda array: _finite(array, pa.int32(), _FOREVER_DAYS, 1)
    if pa.types.is_timestamp(data_type):
        return lambda array: _finite(array, pa.int64(), _FOREVER_MICROSECONDS, _DAY_MICROSECONDS)
    return _same


def _same(array: pa.Array) -> pa.Array:
    return array


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _finite(array: pa.Array, integers: pa.DataType, forever: tuple[int, int], day: int) -> pa.Array:
    """`infinity` and `-infinity` as the last and the first day that readers know."""
    numbers = array.view(integers)
    lowest = pc.min(numbers).as_py()
    if lowest is None or lowest > forever[1]:
        return array
    for sentinel, stand_in in zip(forever, (_LAST_DAY, _FIRST_DAY), strict=True):
        value = pa.scalar(stand_in * day, integers)
        numbers = pc.if_else(pc.equal(numbers, sentinel), value, numbers)
    return numbers.view(array.type)


def _numeric(field: pa.Field) -> Reading:
    modifier = int((field.metadata or {}).get(_MODIFIER, b"-1"))
    if modifier < 0:
        return _open_decimal(field.name)
    precision = ((modifier - 4) >> 16) & 0xFFFF
    scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024  # eleven bits with a sign
    if not 0 <= scale <= precision <= MAX_DIGITS:
        return _text_decimal(field.name)
    return _decimal(field.name, precision, scale)


def _decimal(name: str, precision: int, scale: int) -> Reading:
    target = pa.decimal128(precision, scale)

    def convert(array: pa.Array) -> pa.Array:
        try:
            return pc.cast(array, target)
        except pa.ArrowInvalid as error:
            raise QueryInvalid(
                f"The column {name} holds NaN or infinity, which a decimal cannot hold.",
                hint=f"Write CAST({name} AS double precision).",
            ) from error

    return Reading(field=pa.field(name, target), convert=convert)


def _text_decimal(name: str) -> Reading:
    field = pa.field(name, pa.string(), metadata={TYPE_KEY: b"decimal"})
    return Reading(field=field, convert=_number_text)


def _open_decimal(name: str) -> Reading:
    return replace(_text_decimal(name), is_open_decimal=True)


def _number_text(array: pa.Array) -> pa.Array:
    """NaN and infinity as other numbers of results write them."""
    for found, written in (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
        array = pc.if_else(pc.equal(array, found), written, array)
    return array


def _decided(column: Reading, arrays: Sequence[pa.Array]) -> Reading:
    """A decimal with as many places as the rows need; text where they need too many digits."""
    whole = places = 0
    for array in arrays:
        for text in pc.unique(_storage(array)).to_pylist():
            found = _NUMBER.fullmatch(text or "0")
            if found is None:
                return column
            whole = max(whole, len(found.group(1).lstrip("0")))
            places = max(places, len(found.group(2) or ""))
    if whole + places > MAX_DIGITS:
        return column
    return replace(_decimal(column.field.name, MAX_DIGITS, places), cast=column.cast)


def _quoted(name: str) -> str:
    return name.replace('"', '""')
