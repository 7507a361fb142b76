"""Tables, columns, comments and declared keys from DuckDB's own catalog."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import duckdb

from aiser_app.query.engines.contract import ColumnSchema, TableSchema

_COLUMNS = """
SELECT c.schema_name, c.table_name, c.column_name, c.data_type, c.comment
FROM duckdb_columns() AS c
WHERE NOT c.internal AND c.database_name = current_database()
ORDER BY c.schema_name, c.table_name, c.column_index
"""
_TABLES = """
SELECT schema_name, table_name, estimated_size, comment, false, '' FROM duckdb_tables()
WHERE NOT internal AND NOT temporary AND database_name = current_database()
UNION ALL
SELECT schema_name, view_name, NULL, comment, true, sql FROM duckdb_views()
WHERE NOT internal AND NOT temporary AND database_name = current_database()
ORDER BY 1, 2
"""
_KEYS = """
SELECT schema_name, table_name, constraint_type, constraint_column_names,
       referenced_table, referenced_column_names
FROM duckdb_constraints()
WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') AND database_name = current_database()
ORDER BY 1, 2, constraint_index
"""

_INDEXES = """
SELECT schema_name, table_name, expressions FROM duckdb_indexes()
WHERE database_name = current_database() ORDER BY 1, 2, index_name
"""
_NAME = r'(?:"(?:[^"]|"")*"|[^\s"(),])+'
_VIEW = re.compile(rf"CREATE VIEW {_NAME}\s*(?:\({_NAME}(?:, {_NAME})*\)\s*)?AS ")

_INTEGER_NAMES = (
    "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT "
    "INT8 INT16 INT32 INT64 INT128 UINT8 UINT16 UINT32 UINT64 UINT128"
)
_INTEGERS = frozenset(_INTEGER_NAMES.split())
_OTHERS = {
    "DOUBLE": "number",
    "FLOAT": "number",
    "FLOAT32": "number",
    "FLOAT64": "number",
    "REAL": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "JSON": "json",
}


def read_schema(connection: duckdb.DuckDBPyConnection) -> tuple[TableSchema, ...]:
    """Everything but the rows."""
    columns: dict[tuple[str, str], list[ColumnSchema]] = {}
    for schema, table, name, native, comment in _rows(connection, _COLUMNS):
        columns.setdefault((schema, table), []).append(
            ColumnSchema(
                name=name,
                native_type=native,
                type=column_type(native),
                description=comment or "",
            )
        )
    primary, foreign = _keys(connection)
    indexes = _indexes(connection)
    return tuple(
        TableSchema(
            name=_qualified(schema, table),
            columns=tuple(columns.get((schema, table), ())),
            row_estimate=size,
            description=comment or "",
            primary_key=primary.get((schema, table), ()),
            foreign_keys=tuple(foreign.get((schema, table), ())),
            indexes=_all_indexes(
                primary.get((schema, table), ()), indexes.get((schema, table), ())
            ),
            is_view=is_view,
            definition=_VIEW.sub("", sql.strip(), count=1).rstrip(";"),
        )
        for schema, table, size, comment, is_view, sql in _rows(connection, _TABLES)
    )


def column_type(native: str) -> str:
    """The type of `domain.result.Column` that a DuckDB type is shown as."""
    base = native.upper().partition("(")[0].strip()
    if native.endswith("]") or base in ("STRUCT", "MAP", "UNION", "VARIANT"):
        return "json"
    if base in _INTEGERS:
        return "integer"
    if base == "DECIMAL":
        return "decimal"
    if base.startswith("TIMESTAMP"):
        return "timestamp"
    return _OTHERS.get(base, "string")


def _keys(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[
    dict[tuple[str, str], tuple[str, ...]],
    dict[tuple[str, str], list[tuple[tuple[str, ...], str, tuple[str, ...]]]],
]:
    primary: dict[tuple[str, str], tuple[str, ...]] = {}
    foreign: dict[tuple[str, str], list[tuple[tuple[str, ...], str, tuple[str, ...]]]] = {}
    for schema, table, kind, own, target, target_columns in _rows(connection, _KEYS):
        if kind == "PRIMARY KEY":
            primary[schema, table] = tuple(own)
        else:
            link = (tuple(own), _qualified(schema, target), tuple(target_columns))
            foreign.setdefault((schema, table), []).append(link)
    return primary, foreign


def _indexes(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], list[tuple[str, ...]]]:
    """Columns of each index; one with an expression is left out."""
    found: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for schema, table, expressions in _rows(connection, _INDEXES):
        columns = tuple(part.strip(" '\"") for part in expressions.strip("[]").split(","))
        if all(re.fullmatch(r"[\w .-]+", column) for column in columns):
            found.setdefault((schema, table), []).append(columns)
    return found


def _all_indexes(
    primary: tuple[str, ...], others: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    """DuckDB keeps an index for a primary key, and does not list it."""
    return tuple(dict.fromkeys(index for index in (primary, *others) if index))


def _qualified(schema: str, table: str) -> str:
    """A plain name where it is enough: default schema, and no dot in the name."""
    return table if schema == "main" and "." not in table else f"{schema}.{table}"


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return list(connection.cursor().execute(sql).fetchall())
