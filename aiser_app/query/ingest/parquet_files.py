"""Parquet: the file says its types. Structures become columns, everything deeper JSON text."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.columns import asked_reading
from aiser_app.query.ingest.dialects import too_many_columns
from aiser_app.query.ingest.naming import quoted, unique_names

_MAGIC = b"PAR1"
_MAX_FOOTER = 64 * limits.MEGABYTE
_MAX_DEPTH = 4
_INTEGERS = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
)
_KEPT = frozenset(("BOOLEAN", "DATE", "VARCHAR", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"))


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedColumn:
    name: str
    original: str
    sql: str
    type: str
    sql_type: str


def check_footer(path: Path) -> None:
    """Refuse what is cut off, encrypted or claims a footer that cannot be.

    Raises:
        InvalidInput: says so.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 8))
        tail = file.read()
    if head != _MAGIC or size < 12 or tail[4:] != _MAGIC:
        raise InvalidInput(
            "The Parquet file is cut off or damaged.", hint="Upload it again, completely."
        )
    footer = struct.unpack("<I", tail[:4])[0]
    if not 0 < footer <= min(size - 12, _MAX_FOOTER):
        raise InvalidInput("The Parquet file has a damaged footer.", hint="Write it again.")


def typed_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[TypedColumn]:
    """Columns of the file, with names and types as they will be in the table.

    Raises:
        InvalidInput: no columns, or too many of them.
    """
    check_footer(path)
    relation = connection.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
    leaves: list[tuple[str, str, str]] = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        leaves += _leaves(name, quoted(name), kind, 1)
    if len(leaves) > limits.MAX_COLUMNS:
        raise too_many_columns(len(leaves))
    names = unique_names([original for original, _, _ in leaves])
    return [
        _typed(name, original, sql, kind)
        for name, (original, sql, kind) in zip(names, leaves, strict=True)
    ]


def read_as(column: TypedColumn, wanted: str) -> TypedColumn:
    """The column with the type that somebody asks for; values that do not fit become empty."""
    reading = asked_reading(wanted, [])
    sql = f"TRY_CAST({column.sql} AS {reading.sql_type})"
    return TypedColumn(
        name=column.name,
        original=column.original,
        sql=sql,
        type=reading.type,
        sql_type=reading.sql_type,
    )


def _leaves(original: str, sql: str, kind: DuckDBPyType, depth: int) -> list[tuple[str, str, str]]:
    if kind.id != "struct" or depth >= _MAX_DEPTH:
        return [(original, sql, str(kind))]
    leaves = []
    for key, inner in cast(list[tuple[str, DuckDBPyType]], kind.children):
        step = f"struct_extract({sql}, {_text(key)})"
        leaves += _leaves(f"{original}.{key}", step, inner, depth + 1)
    return leaves


def _text(key: str) -> str:
    return "'" + key.replace("'", "''") + "'"


def _typed(name: str, original: str, sql: str, kind: str) -> TypedColumn:
    """Types that DuckDB, Arrow and people agree on; exotic ones become one of them."""
    base = kind.upper().partition("(")[0].strip()
    column_type, sql_type, value = "text", "VARCHAR", f"CAST({sql} AS VARCHAR)"
    if base in _INTEGERS:
        column_type, sql_type, value = "integer", "BIGINT", f"CAST({sql} AS BIGINT)"
    elif base in ("UBIGINT", "HUGEINT", "UHUGEINT"):
        column_type, sql_type, value = "decimal", "DECIMAL(38,0)", f"CAST({sql} AS DECIMAL(38,0))"
    elif base == "DECIMAL":
        column_type, sql_type, value = "decimal", kind, sql
    elif base in ("DOUBLE", "FLOAT", "REAL"):
        column_type, sql_type, value = "number", "DOUBLE", f"CAST({sql} AS DOUBLE)"
    elif base in _KEPT:
        column_type, sql_type, value = _KEPT_TYPES[base], base, sql
    elif base.startswith("TIMESTAMP"):
        column_type, sql_type, value = "timestamp", "TIMESTAMP", f"CAST({sql} AS TIMESTAMP)"
    elif base in ("STRUCT", "MAP", "UNION", "VARIANT", "JSON") or kind.endswith("]"):
        column_type, sql_type, value = "json", "JSON", f"to_json({sql})"
    return TypedColumn(name=name, original=original, sql=value, type=column_type, sql_type=sql_type)


_KEPT_TYPES = {
    "BOOLEAN": "boolean",
    "DATE": "date",
    "VARCHAR": "text",
    "TIMESTAMPTZ": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}
