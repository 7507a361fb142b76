"""Tables and views from a catalog that can be asked by SQL, in a few statements at any size."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from aiser_app.query.engines.contract import ColumnSchema, TableSchema
from aiser_app.query.engines.warehouses.adapter import Rows

_INTEGERS = re.compile(
    r"(?:tiny|small|medium|big|long|short|byte)?int(?:eger|\d+)?|byte|short|long|bigint", re.I
)
_NUMBERS = re.compile(r"double|float\d*|real|double precision", re.I)
_DECIMALS = re.compile(
    r"(?:decimal|numeric|number|bignumeric|dec)(?:\((\d+)(?:,\s*(\d+))?\))?", re.I
)
_JSON = re.compile(r"json|variant|object|array|map|struct|row|record", re.I)
_MONEY = frozenset({"money", "smallmoney"})


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogQueries:
    """Statements, and the columns that they give in this order."""

    columns: str
    """schema, table, column, type, comment; in the order of the table."""
    tables: str
    """schema, table, kind (with VIEW in it for views), rows or NULL, comment."""
    views: str = ""
    """schema, table, definition."""
    keys: str = ""
    """schema, table, index, column, whether it is the primary key; in the order of the index."""


def read_catalog(rows: Rows, queries: CatalogQueries, default: str) -> tuple[TableSchema, ...]:
    """Everything but the rows; tables of the schema `default` have plain names."""
    columns: dict[tuple[str, str], list[ColumnSchema]] = defaultdict(list)
    for schema, table, name, native, comment in rows(queries.columns):
        columns[schema, table].append(
            ColumnSchema(
                name=name,
                native_type=native,
                type=column_type(native),
                description=comment or "",
            )
        )
    views = {
        (schema, table): text or ""
        for schema, table, text in (rows(queries.views) if queries.views else [])
    }
    primary, indexes = _keys(rows(queries.keys) if queries.keys else [])
    return tuple(
        TableSchema(
            name=_qualified(schema, table, default),
            columns=tuple(columns.get((schema, table), ())),
            row_estimate=None if count is None else int(count),
            description=comment or "",
            primary_key=primary.get((schema, table), ()),
            indexes=tuple(dict.fromkeys(indexes.get((schema, table), {}).values())),
            is_view="VIEW" in str(kind).upper(),
            definition=_select(views.get((schema, table), "")),
        )
        for schema, table, kind, count, comment in rows(queries.tables)
    )


def column_type(native: str) -> str:
    """The type of `domain.result.Column` for the usual names of types."""
    text = " ".join(native.lower().split())
    base = re.split(r"[(<\s]", text, maxsplit=1)[0]
    decimal = _DECIMALS.match(text)
    if decimal:
        scale = decimal.group(2) if decimal.group(1) else None
        return "integer" if scale == "0" else "decimal"
    if base in _MONEY:
        return "decimal"
    if base in ("bool", "boolean", "bit"):
        return "boolean"
    if _INTEGERS.fullmatch(base):
        return "integer"
    if _NUMBERS.fullmatch(base):
        return "number"
    if base == "date":
        return "date"
    if base.startswith(("timestamp", "datetime", "smalldatetime")):
        return "timestamp"
    return "json" if _JSON.fullmatch(base) else "string"


def _keys(
    found: list[tuple[Any, ...]],
) -> tuple[
    dict[tuple[str, str], tuple[str, ...]], dict[tuple[str, str], dict[str, tuple[str, ...]]]
]:
    primary: dict[tuple[str, str], tuple[str, ...]] = {}
    indexes: dict[tuple[str, str], dict[str, tuple[str, ...]]] = defaultdict(dict)
    for schema, table, index, column, is_primary in found:
        own = indexes[schema, table]
        own[index] = (*own.get(index, ()), column)
        if is_primary:
            primary[schema, table] = own[index]
    return primary, indexes


def _select(definition: str) -> str:
    """The SELECT of `CREATE VIEW … AS SELECT …`, or of a definition that is one already."""
    found = re.search(r"\bAS\s*\(?\s*((?:SELECT|WITH)\b.*)", definition, re.IGNORECASE | re.DOTALL)
    is_create = definition.lstrip().upper().startswith("CREATE")
    return found.group(1).rstrip().rstrip(";") if found and is_create else definition


def _qualified(schema: str, table: str, default: str) -> str:
    return table if schema.lower() == default.lower() and "." not in table else f"{schema}.{table}"
