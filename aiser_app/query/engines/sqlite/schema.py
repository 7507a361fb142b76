"""Tables, columns, keys, indexes and views from a SQLite file's own catalog, without reading rows."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict

from aiser_app.query.engines.contract import ColumnSchema, TableSchema
from aiser_app.query.engines.sqlite.columns import type_of

_OBJECTS = """
SELECT name, type, sql FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name
"""
_COLUMNS = "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
_FOREIGN = 'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq'
_INDEXES = """
SELECT l.name, i.name FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
WHERE NOT l.partial ORDER BY l.seq, i.seqno
"""
_STATISTICS = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl"
_VIEW = re.compile(
    r"""CREATE\s+VIEW\s+(?:"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^\s("]+)\s*(?:\([^)]*\)\s*)?AS\s+""",
    re.IGNORECASE,
)


def read_schema(connection: sqlite3.Connection) -> tuple[TableSchema, ...]:
    """Everything but the rows. A view that SQLite cannot read any more is left out."""
    estimates = _estimates(connection)
    tables = []
    for name, kind, sql in connection.execute(_OBJECTS).fetchall():
        try:
            tables.append(_table(connection, name, sql if kind == "view" else "", estimates))
        except sqlite3.Error:
            continue
    return tuple(tables)


def _table(
    connection: sqlite3.Connection, name: str, view: str, estimates: dict[str, int]
) -> TableSchema:
    rows = connection.execute(_COLUMNS, (name,)).fetchall()
    primary = tuple(row[0] for row in sorted(rows, key=lambda row: row[2]) if row[2])
    return TableSchema(
        name=name,
        columns=tuple(
            ColumnSchema(name=column, native_type=declared, type=type_of(declared))
            for column, declared, _ in rows
        ),
        row_estimate=estimates.get(name),
        primary_key=primary,
        foreign_keys=_foreign_keys(connection, name),
        indexes=_indexes(connection, name, primary),
        is_view=bool(view),
        definition=_VIEW.sub("", view.strip(), count=1).rstrip(";"),
    )


def _foreign_keys(
    connection: sqlite3.Connection, name: str
) -> tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...]:
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for number, target, own, other in connection.execute(_FOREIGN, (name,)).fetchall():
        found[number].append((own, target, other or ""))
    links = []
    for parts in found.values():
        target = parts[0][1]
        others = tuple(other for _, _, other in parts)
        if not all(others):  # without names the target's primary key is meant
            rows = connection.execute(_COLUMNS, (target,)).fetchall()
            others = tuple(row[0] for row in sorted(rows, key=lambda row: row[2]) if row[2])
        if len(others) == len(parts):
            links.append((tuple(own for own, _, _ in parts), target, others))
    return tuple(links)


def _indexes(
    connection: sqlite3.Connection, name: str, primary: tuple[str, ...]
) -> tuple[tuple[str, ...], ...]:
    """Columns of each index, up to the first expression."""
    found: dict[str, list[str | None]] = defaultdict(list)
    for index, column in connection.execute(_INDEXES, (name,)).fetchall():
        found[index].append(column)
    usable = [primary]
    for columns in found.values():
        end = columns.index(None) if None in columns else len(columns)
        usable.append(tuple(column for column in columns[:end] if column is not None))
    return tuple(dict.fromkeys(index for index in usable if index))


def _estimates(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of tables as of the last ANALYZE; nothing if there was none."""
    try:
        return dict(connection.execute(_STATISTICS).fetchall())
    except sqlite3.Error:
        return {}
