"""ClickHouse's types: what they are for people, and how values of them come to Arrow exactly.

The server's Arrow output loses some types (a DateTime becomes a plain number, an Enum its code), so
a query is described first, and wrapped once where a column has to be converted in the server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from aiser_app.query.engines.contract import TYPE_KEY

_WRAPPERS = ("Nullable(", "LowCardinality(")
_INTEGER = re.compile(r"U?Int(\d+)$")
_DECIMAL = re.compile(r"Decimal\((\d+), ?(\d+)\)")
_CONTAINERS = (
    "Array(",
    "Tuple(",
    "Map(",
    "Nested(",
    "Point",
    "Ring",
    "Polygon",
    "MultiPolygon",
    "LineString",
    "MultiLineString",
    "QBit(",
)
_JSON = ("JSON", "Object(")
_AS_TEXT = (
    "Enum8(",
    "Enum16(",
    "IPv4",
    "IPv6",
    "UUID",
    "Variant(",
    "Dynamic",
    "Time",
    "Time64(",
    "Geometry",
)
_MAX_DIGITS = 38
_EXACT_BITS = 64

_DATES = ("Date", "Date32")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a query as ClickHouse describes it."""

    name: str
    native: str


def plain(native: str) -> str:
    """Without Nullable and LowCardinality around it."""
    text = native.strip()
    while text.startswith(_WRAPPERS):
        text = text.partition("(")[2][:-1].strip()
    return text


def column_type(native: str) -> str:
    """One of the types of `domain.result.Column`."""
    text = plain(native)
    if _INTEGER.match(text) or text.startswith("Interval"):
        return "integer"
    if text.startswith(("Float", "BFloat")):
        return "number"
    decimal = _DECIMAL.match(text)
    if decimal:
        return "decimal" if int(decimal.group(2)) else "integer"
    if text == "Bool":
        return "boolean"
    if text in _DATES:
        return "date"
    if text.startswith("DateTime"):
        return "timestamp"
    return "json" if text.startswith((*_CONTAINERS, *_JSON)) else "string"


def wrapped(sql: str, columns: Sequence[Column]) -> str:
    """The query, or the query inside another one that converts what Arrow output would lose."""
    casts = [_cast(plain(column.native)) for column in columns]
    names = [column.name for column in columns]
    if not any(casts) or len(set(names)) < len(names):
        return sql
    outputs = [
        f"{cast.format(_quoted(name))} AS {_quoted(name)}" if cast else _quoted(name)
        for cast, name in zip(casts, names, strict=True)
    ]
    return f"SELECT {', '.join(outputs)} FROM (\n{sql}\n)"  # noqa: S608 - the guard's own text


def arrow_schema(stream: pa.Schema, columns: Sequence[Column]) -> pa.Schema:
    """The stream's schema with the types that text stands for, and in types that readers know."""
    fields = []
    for field, column in zip(stream, columns, strict=True):
        kind = _storage(field.type)
        declared = column_type(column.native)
        is_text = pa.types.is_string(kind) and declared != "string"
        metadata = {TYPE_KEY: declared} if is_text else None
        fields.append(pa.field(field.name, kind, metadata=metadata))
    return pa.schema(fields)


def _storage(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        return _storage(kind.storage_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    return kind


def _cast(text: str) -> str:
    """How the server converts a column; empty: not at all."""
    integer = _INTEGER.match(text)
    if integer:
        return "toString({})" if int(integer.group(1)) > _EXACT_BITS else ""
    decimal = _DECIMAL.match(text)
    if decimal:
        return "toString({})" if int(decimal.group(1)) > _MAX_DIGITS else ""
    if text == "DateTime" or text.startswith("DateTime("):
        return "toDateTime64({}, 0)"
    if text.startswith(_CONTAINERS):
        return "toJSONString({})"
    if text.startswith((*_AS_TEXT, *_JSON)):
        return "toString({})"
    return ""


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
