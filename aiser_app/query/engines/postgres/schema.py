"""Tables, columns, comments, keys and indexes from PostgreSQL's catalog: four statements in all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

from aiser_app.query.engines.contract import ColumnSchema, TableSchema

_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text, d.description,
       n.nspname = current_schema(),
       CASE WHEN c.relkind = 'p' THEN (
              SELECT sum(greatest(leaf.reltuples, 0))::float8
              FROM pg_partition_tree(c.oid) AS tree
              JOIN pg_class AS leaf ON leaf.oid = tree.relid
              WHERE tree.isleaf)
            WHEN c.relkind IN ('r', 'm', 'f') AND c.reltuples >= 0 THEN c.reltuples::float8
       END,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_description AS d
  ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), d.description,
       b.typname, b.typcategory::text,
       CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END,
       has_table_privilege(a.attrelid, 'SELECT')
         OR has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_description AS d
  ON d.objoid = a.attrelid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_KEYS = """
SELECT conrelid, contype::text, conkey::int[], confrelid, confkey::int[]
FROM pg_constraint WHERE contype IN ('p', 'f') AND conrelid = ANY(%s)
ORDER BY conrelid, contype DESC, conname
"""
_INDEXES = """
SELECT indrelid, (indkey::int2[])[0:indnkeyatts - 1]::int[]
FROM pg_index WHERE indrelid = ANY(%s) AND indisvalid AND indpred IS NULL
ORDER BY indrelid, indisprimary DESC, indexrelid
"""

_TYPES = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "integer"),
    **dict.fromkeys(("float4", "float8"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz"), "timestamp"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "numeric": "decimal",
    "money": "decimal",
    "bool": "boolean",
    "date": "date",
}

Connection = psycopg.Connection[tuple[Any, ...]]
Names = dict[int, dict[int, str]]


class _Key(NamedTuple):
    table: int
    kind: str
    own: list[int]
    target: int
    columns: list[int] | None


@dataclass(frozen=True, slots=True)
class _Parts:
    """What belongs to tables, by their oid."""

    columns: dict[int, list[ColumnSchema]]
    names: Names
    keys: dict[int, list[_Key]]
    indexes: dict[int, list[list[int]]]
    titles: dict[int, str]


def read_schema(connection: Connection) -> tuple[TableSchema, ...]:
    """Everything that the role may read, but the rows."""
    tables = connection.execute(_TABLES).fetchall()
    oids = [row[0] for row in tables]
    titles = {row[0]: _title(row[1], row[2], is_default=bool(row[5])) for row in tables}
    columns, names = _columns(connection, oids)
    parts = _Parts(columns, names, _keys(connection, oids), _indexes(connection, oids), titles)
    return tuple(_table(row, parts) for row in tables)


def _table(row: tuple[Any, ...], parts: _Parts) -> TableSchema:
    oid, _, _, kind, comment, _, rows, definition = row
    keys = parts.keys[oid]
    primary = next((key.own for key in keys if key.kind == "p"), [])
    foreign = []
    for key in keys:
        own = _named(key.own, parts.names[oid])
        target = _named(key.columns or [], parts.names.get(key.target, {}))
        if key.kind == "f" and own and target:
            foreign.append((own, parts.titles[key.target], target))
    indexes = (_named(index, parts.names[oid], stops=True) for index in parts.indexes[oid])
    return TableSchema(
        name=parts.titles[oid],
        columns=tuple(parts.columns[oid]),
        row_estimate=None if rows is None else int(rows),
        description=comment or "",
        primary_key=_named(primary, parts.names[oid]),
        foreign_keys=tuple(foreign),
        indexes=tuple(dict.fromkeys(index for index in indexes if index)),
        is_view=kind in ("v", "m"),
        definition=(definition or "").strip().rstrip(";"),
    )


def _columns(
    connection: Connection, oids: list[int]
) -> tuple[dict[int, list[ColumnSchema]], Names]:
    """The columns that the role may read, and their numbers in the catalog."""
    columns: dict[int, list[ColumnSchema]] = defaultdict(list)
    names: Names = defaultdict(dict)
    for row in connection.execute(_COLUMNS, (oids,)):
        table, number, name, native, comment, base, category, modifier, is_readable = row
        if not is_readable:
            continue
        names[table][number] = name
        columns[table].append(
            ColumnSchema(
                name=name,
                native_type=native,
                type=column_type(base, category, modifier),
                description=comment or "",
            )
        )
    return columns, names


def column_type(base: str, category: str, modifier: int) -> str:
    """The type of `domain.result.Column`; `modifier` is the catalog's `atttypmod`."""
    if category in ("A", "C"):
        return "json"
    if base == "numeric" and modifier >= 0 and (modifier - 4) & 0x7FF == 0:
        return "integer"
    return _TYPES.get(base, "string")


def _keys(connection: Connection, oids: list[int]) -> dict[int, list[_Key]]:
    keys: dict[int, list[_Key]] = defaultdict(list)
    for row in connection.execute(_KEYS, (oids,)):
        keys[row[0]].append(_Key(*row))
    return keys


def _indexes(connection: Connection, oids: list[int]) -> dict[int, list[list[int]]]:
    indexes: dict[int, list[list[int]]] = defaultdict(list)
    for table, numbers in connection.execute(_INDEXES, (oids,)):
        indexes[table].append(numbers)
    return indexes


def _named(numbers: list[int], names: dict[int, str], *, stops: bool = False) -> tuple[str, ...]:
    """Names of columns; nothing if one is hidden, or, where it `stops`, what comes before it.

    An index is of use by its first columns, also where an expression follows them.
    """
    found = [names.get(number) for number in numbers]
    known = found.index(None) if None in found else len(found)
    usable = found[:known] if stops or known == len(found) else []
    return tuple(name for name in usable if name is not None)


def _title(schema: str, table: str, *, is_default: bool) -> str:
    """A plain name where it is enough: default schema, and no dot in the name."""
    return table if is_default and "." not in table else f"{schema}.{table}"


def columns_named_in(connection: Connection, sql: str) -> list[tuple[str, str]]:
    """(table, column) of the tables whose names stand in a query, for hints."""
    query = """
        SELECT c.relname, a.attname
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND strpos(lower(%s), lower(c.relname)) > 0
          AND has_schema_privilege(n.oid, 'USAGE')
          AND (has_table_privilege(c.oid, 'SELECT')
               OR has_column_privilege(c.oid, a.attnum, 'SELECT'))
        ORDER BY c.relname, a.attnum LIMIT 2000
    """
    return [(table, column) for table, column in connection.execute(query, (sql,))]
