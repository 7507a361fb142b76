"""Tables, views, keys and indexes from information_schema, in five statements at any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.query.engines.contract import ColumnSchema, TableSchema
from aiser_app.query.engines.mysql.columns import column_type

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Runs a statement with values."""
_Key = tuple[str, str]

_HERE = """
({schema} = DATABASE() OR DATABASE() IS NULL
 AND {schema} NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys'))
"""
_TABLES = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT
FROM information_schema.TABLES WHERE {here} ORDER BY 1, 2
"""
_COLUMNS = """
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_COMMENT
FROM information_schema.COLUMNS WHERE {here} ORDER BY 1, 2, ORDINAL_POSITION
"""
_VIEWS = """
SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION
FROM information_schema.VIEWS WHERE {here}
"""
_INDEXES = """
SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME
FROM information_schema.STATISTICS WHERE {here} ORDER BY 1, 2, 3, SEQ_IN_INDEX
"""
_FOREIGN_KEYS = """
SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
       REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE {here} AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1, 2, 3, ORDINAL_POSITION
"""


def read_schema(rows: Rows) -> tuple[TableSchema, ...]:
    """Everything but the rows."""
    ((default,),) = rows("SELECT DATABASE()", ())
    columns: dict[_Key, list[ColumnSchema]] = defaultdict(list)
    for schema, table, name, native, comment in _read(rows, _COLUMNS):
        columns[schema, table].append(
            ColumnSchema(
                name=name, native_type=native, type=column_type(native), description=comment or ""
            )
        )
    definitions = {(schema, table): text for schema, table, text in _read(rows, _VIEWS)}
    indexes = _indexes(_read(rows, _INDEXES))
    links = _foreign_keys(_read(rows, _FOREIGN_KEYS), default)
    return tuple(
        _table(row, columns, definitions, indexes, links, default) for row in _read(rows, _TABLES)
    )


def columns_of(rows: Rows, tables: Sequence[str]) -> list[tuple[str, str]]:
    """(table, column) of these tables of the default database, for hints."""
    if not tables:
        return []
    places = ", ".join(["%s"] * len(tables))
    sql = (
        "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS "  # noqa: S608 - places
        f"WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ({places}) "
        "ORDER BY TABLE_NAME, ORDINAL_POSITION"
    )
    return [(str(table), str(column)) for table, column in rows(sql, tables)]


def tables_in(sql: str) -> tuple[str, ...]:
    """Names of the tables that a query mentions; empty when it cannot be read."""
    try:
        tree = sqlglot.parse_one(sql, dialect="mysql")
    except SqlglotError:
        return ()
    return tuple(dict.fromkeys(table.name for table in tree.find_all(exp.Table)))


def _read(rows: Rows, sql: str) -> list[tuple[Any, ...]]:
    return rows(sql.format(here=_HERE.format(schema="TABLE_SCHEMA")), ())


def _table(
    row: tuple[Any, ...],
    columns: dict[_Key, list[ColumnSchema]],
    definitions: dict[_Key, str],
    indexes: dict[_Key, dict[str, tuple[str, ...]]],
    links: dict[_Key, list[tuple[tuple[str, ...], str, tuple[str, ...]]]],
    default: str | None,
) -> TableSchema:
    schema, table, kind, count, comment = row
    is_view = "VIEW" in str(kind)
    own = indexes.get((schema, table), {})
    return TableSchema(
        name=_qualified(schema, table, default),
        columns=tuple(columns.get((schema, table), ())),
        row_estimate=None if is_view or count is None else int(count),
        description="" if is_view else comment or "",  # a view's comment is the word VIEW
        primary_key=own.get("PRIMARY", ()),
        foreign_keys=tuple(links.get((schema, table), ())),
        indexes=tuple(dict.fromkeys(own.values())),
        is_view=is_view,
        definition=_definition(definitions.get((schema, table)) or "", default),
    )


def _indexes(rows: list[tuple[Any, ...]]) -> dict[_Key, dict[str, tuple[str, ...]]]:
    """An index ends, for our purposes, before its first expression: that has no column name."""
    found: dict[_Key, dict[str, tuple[str, ...]]] = defaultdict(dict)
    closed: set[tuple[str, str, str]] = set()
    for schema, table, index, column in rows:
        if column is None:
            closed.add((schema, table, index))
        elif (schema, table, index) not in closed:
            own = found[schema, table]
            own[index] = (*own.get(index, ()), column)
    return found


def _foreign_keys(
    rows: list[tuple[Any, ...]], default: str | None
) -> dict[_Key, list[tuple[tuple[str, ...], str, tuple[str, ...]]]]:
    pairs: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    targets: dict[tuple[str, str, str], str] = {}
    for schema, table, name, column, target_schema, target, target_column in rows:
        pairs[schema, table, name].append((column, target_column))
        targets[schema, table, name] = _qualified(target_schema, target, default)
    found: dict[_Key, list[tuple[tuple[str, ...], str, tuple[str, ...]]]] = defaultdict(list)
    for (schema, table, name), columns in pairs.items():
        own, other = zip(*columns, strict=True)
        found[schema, table].append((own, targets[schema, table, name], other))
    return found


def _definition(text: str, default: str | None) -> str:
    """Without the default database's name, which MySQL writes before everything."""
    if not text or default is None:
        return text
    try:
        tree = sqlglot.parse_one(text, dialect="mysql")
    except SqlglotError:
        return text
    for node in tree.find_all(exp.Table, exp.Column):
        if node.text("db") == default and not node.text("catalog"):
            node.set("db", None)
    return tree.sql(dialect="mysql")


def _qualified(schema: str, table: str, default: str | None) -> str:
    """A plain name where it is enough: default database, and no dot in the name."""
    return table if schema == default and "." not in table else f"{schema}.{table}"
