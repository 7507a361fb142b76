"""Which rows a sort and filters leave, and in which order: by DuckDB, over the columns in question.

DuckDB sees those columns alone, batch by batch, and answers with positions of rows; the values
themselves always come from the stored file, exact in every type. A sorted result of 1,000,000 rows
is 8 MB of positions, which are kept for the pages that follow.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from sqlglot import exp

from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput, StorageFull
from aiser_app.query.engines.duckdb import LOCKED_PROFILE
from aiser_app.query.results.comparing import bound_value
from aiser_app.query.results.keys import KeyColumns
from aiser_app.query.results.reading import Positions, StoredTable

_TABLE = "result"
_ROW = "row"
_MEMORY_LIMIT = "512MB"
_SPILL_LIMIT = "8GB"
_KEPT_BYTES = 64 * 1024 * 1024
"""Positions that are kept for the next page, in all results together."""
_COMPARISONS: dict[FilterOperator, type[exp.Binary]] = {
    FilterOperator.GT: exp.GT,
    FilterOperator.GTE: exp.GTE,
    FilterOperator.LT: exp.LT,
    FilterOperator.LTE: exp.LTE,
}


class RowSelector:
    """One locked in-memory database per process; it spills below `spill_folder`, bounded."""

    def __init__(self, spill_folder: Path) -> None:
        self._spill_folder = spill_folder / uuid.uuid4().hex
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pid = 0
        self._kept: OrderedDict[object, Positions] = OrderedDict()

    def positions(
        self,
        table: StoredTable,
        sort: Sequence[Order],
        filters: Sequence[Filter],
        *,
        identity: object,
    ) -> Positions:
        """Positions of the rows that the filters leave, in the order of `sort`, then as stored.

        `identity` tells this content from any other, for the pages that follow.

        Raises:
            InvalidInput: an unknown column, or a value that does not fit its column.
        """
        asked = (identity, tuple(sort), tuple(filters))
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        found = self._select(table, sort, filters)
        self._keep(asked, found)
        return found

    def _keep(self, asked: object, found: Positions) -> None:
        with self._lock:
            self._kept[asked] = found
            while sum(kept.nbytes for kept in self._kept.values()) > _KEPT_BYTES:
                self._kept.popitem(last=False)

    def _select(
        self, table: StoredTable, sort: Sequence[Order], filters: Sequence[Filter]
    ) -> Positions:
        keys = KeyColumns(table.schema)
        values: list[object] = []
        parts = [_condition(item, keys, values) for item in filters]
        orders = [
            exp.Ordered(this=keys.key(item.member), desc=item.descending, nulls_first=False)
            for item in sort
        ]
        query = exp.select(_ROW).from_(_TABLE)
        if parts:
            query = query.where(exp.and_(*parts))
        if orders:
            query = query.order_by(*orders, exp.Ordered(this=exp.column(_ROW)))
        cursor = self._cursor()
        try:
            cursor.register(_TABLE, _reader(table, keys))
            relation = cursor.sql(query.sql(dialect="duckdb"), params=values)
            found = relation.to_arrow_table().column(0).to_numpy()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise StorageFull(
                "There is no room to sort or filter this result.",
                hint="Use fewer or shorter columns, or put the order into the query.",
            ) from error
        except (duckdb.Error, pa.ArrowException) as error:
            raise InvalidInput(
                "The result cannot be sorted or filtered like this.",
                hint="Use other columns, or ask a narrower question.",
            ) from error
        finally:
            cursor.close()
        return found if orders else np.sort(found)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            # The clean-up removes the folder while nothing is in it.
            self._spill_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._connection is None or self._pid != os.getpid():
                # After a fork the threads of the parent's database are gone.
                self._connection, self._pid = self._open(), os.getpid()
            return self._connection.cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            ":memory:",
            config={
                **LOCKED_PROFILE,
                "memory_limit": _MEMORY_LIMIT,
                "threads": "2",
                "temp_directory": str(self._spill_folder),
                "max_temp_directory_size": _SPILL_LIMIT,
            },
        )
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        return connection


def _reader(table: StoredTable, keys: KeyColumns) -> pa.RecordBatchReader:
    schema = pa.schema([*keys.schema(), pa.field(_ROW, pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in table.batches(keys.indices):
            rows = np.arange(start, start + batch.num_rows)
            yield pa.RecordBatch.from_arrays([*keys.arrays(batch), pa.array(rows)], schema=schema)
            start += batch.num_rows

    return pa.RecordBatchReader.from_batches(schema, batches())


def _condition(item: Filter, keys: KeyColumns, values: list[object]) -> exp.Expr:
    match item.operator:
        case FilterOperator.SET:
            return exp.not_(exp.Is(this=keys.presence(item.member), expression=exp.Null()))
        case FilterOperator.NOT_SET:
            return exp.Is(this=keys.presence(item.member), expression=exp.Null())
    field = keys.field(item.member)
    if not item.values:
        raise InvalidInput(f"The filter on “{item.member[:80]}” has no value.")
    if item.operator is FilterOperator.CONTAINS:
        text = exp.Lower(this=keys.text(item.member))
        parts = [exp.func("contains", text, _bound(value.lower(), values)) for value in item.values]
        return exp.or_(*parts)
    column = keys.text(item.member) if pa.types.is_nested(field.type) else keys.key(item.member)
    if item.operator in _COMPARISONS:
        return _comparison(item, column, field, values)
    return _membership(item, column, field, values)


def _comparison(item: Filter, column: exp.Expr, field: pa.Field, values: list[object]) -> exp.Expr:
    if len(item.values) != 1:
        raise InvalidInput(f"The filter on “{item.member[:80]}” takes one value.")
    bound = bound_value(field, item.values[0], item.operator)
    if bound.outcome is not None:
        known = exp.not_(exp.Is(this=column, expression=exp.Null()))
        return exp.and_(known, exp.Boolean(this=bound.outcome))
    return _COMPARISONS[item.operator](this=column, expression=_bound(bound.value, values))


def _membership(item: Filter, column: exp.Expr, field: pa.Field, values: list[object]) -> exp.Expr:
    """`equals` or `notEquals`, which rows without a value satisfy as well."""
    bounds = [bound_value(field, value, item.operator) for value in item.values]
    possible = [_bound(bound.value, values) for bound in bounds if bound.outcome is None]
    found: exp.Expr = (
        exp.In(this=column, expressions=possible) if possible else exp.Boolean(this=False)
    )
    if item.operator is FilterOperator.EQUALS:
        return found
    return exp.or_(exp.not_(found), exp.Is(this=column.copy(), expression=exp.Null()))


def _bound(value: object, values: list[object]) -> exp.Expr:
    values.append(value)
    return exp.Placeholder()
