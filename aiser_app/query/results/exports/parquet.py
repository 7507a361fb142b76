"""Parquet: the stored types as they are, in row groups of a usual size."""

from __future__ import annotations

from collections.abc import Generator

import pyarrow as pa
import pyarrow.parquet as pq

from aiser_app.query.results.exports.chunk_sink import ChunkSink
from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.values import json_texts, texts

_ROWS = 16_384
_GROUP_ROWS = 131_072
_GROUP_BYTES = 32 * 1024 * 1024


def parquet_chunks(rows: ExportRows) -> Generator[bytes, None, None]:
    """The footer comes last, so that the file is complete or visibly not one."""
    schema = pa.schema([_field(field) for field in rows.schema])
    sink = ChunkSink()
    with pq.ParquetWriter(sink, schema) as writer:
        waiting: list[pa.Table] = []
        for window in rows.windows(_ROWS):
            waiting.append(_converted(window, schema))
            if _is_enough(waiting):
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
                yield sink.take()
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    yield sink.take()


def _is_enough(tables: list[pa.Table]) -> bool:
    rows = sum(table.num_rows for table in tables)
    size = sum(table.nbytes for table in tables)
    return bool(rows >= _GROUP_ROWS or size >= _GROUP_BYTES)


def _field(field: pa.Field) -> pa.Field:
    return field if _has_form(field.type) else field.with_type(pa.string())


def _has_form(kind: pa.DataType) -> bool:
    """Parquet has no empty structs and no decimals that count in tens."""
    if pa.types.is_decimal(kind):
        return bool(kind.scale >= 0)
    if pa.types.is_nested(kind):
        parts = [kind.field(number).type for number in range(kind.num_fields)]
        return bool(parts) and all(_has_form(part) for part in parts)
    return True


def _converted(window: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for column, field in zip(window.columns, schema, strict=True):
        if column.type == field.type:
            columns.append(column)
        elif pa.types.is_nested(column.type):
            columns.append(json_texts(column))
        else:
            columns.append(texts(column))
    return pa.Table.from_arrays(columns, schema=schema)
