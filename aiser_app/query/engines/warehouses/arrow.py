"""Rows of Python objects, as most drivers give them, in Arrow batches of one schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa

from aiser_app.query.engines.contract import TYPE_KEY
from aiser_app.query.engines.warehouses.adapter import Fetched

BATCH_ROWS = 10_000
_DIGITS = 38

JSON = pa.field("", pa.string(), metadata={TYPE_KEY: "json"})
"""Stands for nested values, which become text."""


def fetched(
    names: Sequence[str],
    fetch: Callable[[int], Sequence[Sequence[Any]]],
    kinds: Sequence[pa.Field | pa.DataType | None] = (),
) -> Fetched:
    """Batches of what `fetch` gives; `kinds` are the types as far as the driver tells them.

    The others are decided by the first batch.
    """
    first = fetch(BATCH_ROWS)
    columns = list(zip(*first, strict=True)) or [()] * len(names)
    known = list(kinds) or [None] * len(names)
    fields = [
        _field(name, kind, values) for name, kind, values in zip(names, known, columns, strict=True)
    ]
    schema = pa.schema(fields)
    return Fetched(schema, _batches(first, fetch, schema))


def unified(tables: Iterator[pa.Table | pa.RecordBatch], empty: Callable[[], pa.Schema]) -> Fetched:
    """Arrow from a driver whose parts may differ in width: all in the schema of the first, widened.

    `empty` gives the schema when there is no part at all.
    """
    first = next(tables, None)
    schema = _widened(first.schema if first is not None else empty())

    def parts() -> Iterator[pa.RecordBatch]:
        part = first
        while part is not None:
            table = part if isinstance(part, pa.Table) else pa.Table.from_batches([part])
            yield from table.cast(schema, safe=True).to_batches(max_chunksize=BATCH_ROWS)
            part = next(tables, None)

    return Fetched(schema, parts())


def _widened(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _wide(field.type)) for field in schema])


def _wide(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.uint64() if kind == pa.uint64() else pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_decimal128(kind):
        return pa.decimal128(_DIGITS, kind.scale)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    return kind


def _batches(
    first: Sequence[Sequence[Any]],
    fetch: Callable[[int], Sequence[Sequence[Any]]],
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    rows = first
    while rows:
        columns = list(zip(*rows, strict=True))
        yield pa.RecordBatch.from_arrays(
            [_array(values, field.type) for values, field in zip(columns, schema, strict=True)],
            schema=schema,
        )
        rows = fetch(BATCH_ROWS)


def _field(name: str, kind: pa.Field | pa.DataType | None, values: Sequence[Any]) -> pa.Field:
    if isinstance(kind, pa.Field):
        return kind.with_name(name)
    if kind is not None:
        return pa.field(name, kind)
    some = next((value for value in values if value is not None), None)
    if isinstance(some, (list, dict)) or (isinstance(some, tuple) and some):
        return JSON.with_name(name)
    if some is None or isinstance(some, (str, time, timedelta, UUID)):
        return pa.field(name, pa.string())
    try:
        return pa.field(name, _decided(pa.array(values, from_pandas=False).type))
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # a mixture: text holds each as it is
        return pa.field(name, pa.string())


def _decided(kind: pa.DataType) -> pa.DataType:
    """Wide enough for rows that are still to come."""
    if pa.types.is_decimal(kind):
        return pa.decimal128(_DIGITS, max(kind.scale, 0))
    return _wide(kind)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    return pa.array(values, kind)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
    return str(value)
