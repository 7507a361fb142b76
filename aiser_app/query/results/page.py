"""One page of a stored result, sorted and filtered by DuckDB over the Arrow data."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput
from aiser_app.query.engines.duckdb import open_locked
from aiser_app.query.results.values import json_rows

_ROW = "__aiser_row"
"""Position in the stored order: the last sort key, so that pages never overlap."""
_COMPARISONS: dict[FilterOperator, type[exp.Binary]] = {
    FilterOperator.GT: exp.GT,
    FilterOperator.GTE: exp.GTE,
    FilterOperator.LT: exp.LT,
    FilterOperator.LTE: exp.LTE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultPage:
    """`row_count` is the number of rows that the filters leave, in all pages together."""

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    offset: int
    row_count: int
    truncated: bool


class PageQuery:
    """Runs page queries on one locked in-memory database per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def run(
        self,
        table: pa.Table,
        columns: tuple[Column, ...],
        *,
        offset: int,
        limit: int,
        sort: Sequence[Order],
        filters: Sequence[Filter],
    ) -> tuple[list[list[Any]], int]:
        """Rows of the page and the number of rows that the filters leave.

        Raises:
            InvalidInput: an unknown column, or a value that does not fit its column.
        """
        kinds = {column.name: column.type for column in columns}
        condition, values = _condition(filters, kinds)
        order = [_ordering(item, kinds) for item in sort]
        order.append(exp.Ordered(this=_column(_ROW)))
        numbered = table.append_column(_ROW, pa.array(range(table.num_rows), pa.int64()))
        names = [_column(column.name) for column in columns]
        page = _select(names, condition).order_by(*order).limit(limit).offset(offset)
        count = _select([exp.Count(this=exp.Star())], condition)
        cursor = self._cursor()
        try:
            cursor.register("result", numbered)
            total = cursor.sql(count.sql(dialect="duckdb"), params=values).to_arrow_table()
            found = cursor.sql(page.sql(dialect="duckdb"), params=values).to_arrow_table()
        finally:
            cursor.close()
        return json_rows(found), int(total.column(0)[0].as_py())

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None:
                self._connection = open_locked(
                    ":memory:", read_only=False, memory_limit="1GB", threads=2
                )
            return self._connection.cursor()


def _select(what: list[Any], condition: exp.Expr | None) -> exp.Select:
    query = exp.select(*what).from_(exp.table_("result", quoted=True))
    return query if condition is None else query.where(condition)


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))


def _ordering(order: Order, kinds: dict[str, str]) -> exp.Ordered:
    _require(order.member, kinds)
    return exp.Ordered(this=_column(order.member), desc=order.descending, nulls_first=False)


def _require(name: str, kinds: dict[str, str]) -> str:
    if name not in kinds:
        raise InvalidInput(
            f"The result has no column “{name[:80]}”.", hint=f"It has: {', '.join(kinds)[:400]}."
        )
    return kinds[name]


def _condition(
    filters: Sequence[Filter], kinds: dict[str, str]
) -> tuple[exp.Expr | None, list[Any]]:
    values: list[Any] = []
    parts = [_one(item, _require(item.member, kinds), values) for item in filters]
    return (exp.and_(*parts) if parts else None), values


def _one(item: Filter, kind: str, values: list[Any]) -> exp.Expr:
    column: exp.Expr = _column(item.member)
    match item.operator:
        case FilterOperator.SET:
            return exp.not_(exp.Is(this=column, expression=exp.Null()))
        case FilterOperator.NOT_SET:
            return exp.Is(this=column, expression=exp.Null())
    if not item.values:
        raise InvalidInput(f"The filter on “{item.member[:80]}” has no value.")
    if item.operator is FilterOperator.CONTAINS:
        text = exp.Lower(this=exp.cast(column, "text"))
        parts = [exp.func("contains", text, _bound(value.lower(), values)) for value in item.values]
        return exp.or_(*parts)
    if kind in ("json", "string"):
        column = exp.cast(column, "text")
    bound = [_bound(_typed(value, kind, item.member), values) for value in item.values]
    if item.operator in _COMPARISONS:
        if len(bound) != 1:
            raise InvalidInput(f"The filter on “{item.member[:80]}” takes one value.")
        return _COMPARISONS[item.operator](this=column, expression=bound[0])
    found = exp.In(this=column, expressions=bound)
    if item.operator is FilterOperator.EQUALS:
        return found
    return exp.or_(exp.not_(found), exp.Is(this=column.copy(), expression=exp.Null()))


def _bound(value: Any, values: list[Any]) -> exp.Expr:
    values.append(value)
    return exp.Placeholder()


def _typed(value: str, kind: str, name: str) -> Any:
    """The text of a filter as a value of its column's type."""
    try:
        match kind:
            case "integer":
                return int(value)
            case "number":
                return float(value)
            case "decimal":
                return Decimal(value)
            case "boolean":
                return {"true": True, "false": False}[value.lower()]
            case "date":
                return date.fromisoformat(value)
            case "timestamp":
                return datetime.fromisoformat(value)
            case _:
                return value
    except (ValueError, KeyError, InvalidOperation):
        raise InvalidInput(f"“{value[:80]}” does not fit the column “{name[:80]}”.") from None
