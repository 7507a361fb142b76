"""Tables and views of the source's database from ClickHouse's system tables, in two statements."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.query.engines.clickhouse.types import column_type
from aiser_app.query.engines.contract import ColumnSchema, TableSchema

Rows = Callable[[str], list[tuple[Any, ...]]]

_TABLES = """
SELECT name, engine, total_rows, comment, sorting_key, primary_key, as_select, currentDatabase()
FROM system.tables
WHERE database = currentDatabase() AND NOT is_temporary AND NOT startsWith(name, '.inner')
ORDER BY name
"""
_COLUMNS = """
SELECT table, name, type, comment
FROM system.columns
WHERE database = currentDatabase() AND default_kind != 'EPHEMERAL'
ORDER BY table, position
"""
_PLAIN = re.compile(r"[A-Za-z_]\w*")


def read_schema(rows: Rows) -> tuple[TableSchema, ...]:
    """Everything but the rows. A primary key of ClickHouse is an order, not unique: an index."""
    columns: dict[str, list[ColumnSchema]] = defaultdict(list)
    for table, name, native, comment in rows(_COLUMNS):
        columns[table].append(
            ColumnSchema(
                name=name, native_type=native, type=column_type(native), description=comment
            )
        )
    return tuple(_table(row, columns) for row in rows(_TABLES))


def columns_in(rows: Rows, sql: str) -> list[tuple[str, str]]:
    """(table, column) of the tables that a query mentions, for hints."""
    try:
        tree = sqlglot.parse_one(sql, dialect="clickhouse")
    except SqlglotError:
        return []
    names = {table.name for table in tree.find_all(exp.Table)}
    return [
        (str(table), str(column)) for table, column, *_ in rows(_COLUMNS) if str(table) in names
    ]


def _table(row: tuple[Any, ...], columns: dict[str, list[ColumnSchema]]) -> TableSchema:
    name, engine, count, comment, sorting, primary, definition, database = row
    is_view = "View" in engine
    keys = (_leading(primary), _leading(sorting))
    return TableSchema(
        name=name,
        columns=tuple(columns.get(name, ())),
        row_estimate=None if is_view or count is None else int(count),
        description=comment,
        indexes=tuple(dict.fromkeys(key for key in keys if key)),
        is_view=is_view,
        definition=_definition(definition, database) if is_view else "",
    )


def _leading(key: str) -> tuple[str, ...]:
    """Columns of a key up to its first expression."""
    found = []
    for part in key.split(", "):
        if not _PLAIN.fullmatch(part):
            break
        found.append(part)
    return tuple(found)


def _definition(text: str, database: str) -> str:
    """Without the database's own name before its tables."""
    try:
        tree = sqlglot.parse_one(text, dialect="clickhouse")
    except SqlglotError:
        return text
    for node in tree.find_all(exp.Table, exp.Column):
        if node.text("db") == database:
            node.set("db", None)
    return tree.sql(dialect="clickhouse")
