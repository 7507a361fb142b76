"""From Arrow types to the column types of a result, and to the types that are stored."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.domain.result import Column

_STORED_AS_TEXT = (
    pa.types.is_time,
    pa.types.is_duration,
    pa.types.is_interval,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary_view,
    pa.types.is_null,
)


def column_type(data_type: pa.DataType) -> str:
    """One of the types of `domain.result.Column`. A decimal without fraction is an integer."""
    if pa.types.is_integer(data_type):
        return "integer"
    if pa.types.is_decimal(data_type):
        return "integer" if data_type.scale == 0 else "decimal"
    if pa.types.is_floating(data_type):
        return "number"
    if pa.types.is_boolean(data_type):
        return "boolean"
    if pa.types.is_date(data_type):
        return "date"
    if pa.types.is_timestamp(data_type):
        return "timestamp"
    return "json" if pa.types.is_nested(data_type) else "string"


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """Names made unique, types reduced to those that every reader of a result understands."""
    taken: set[str] = set()
    fields = []
    for position, field in enumerate(schema):
        name = _unique(field.name or f"column_{position + 1}", taken)
        taken.add(name.casefold())
        fields.append(pa.field(name, _stored_type(field.type)))
    return pa.schema(fields)


def stored_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the stored types."""
    arrays = [
        _stored_array(column, field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def result_columns(schema: pa.Schema, wanted: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns as stored; titles and units from `wanted`, where the names agree."""
    by_name = {column.name: column for column in wanted}
    columns = []
    for field in schema:
        known = by_name.get(field.name)
        columns.append(
            Column(
                name=field.name,
                type=column_type(field.type),
                title=known.title if known else "",
                unit=known.unit if known else "",
            )
        )
    return tuple(columns)


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _stored_type(data_type: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(data_type):
        return _stored_type(data_type.value_type)
    if any(is_kind(data_type) for is_kind in _STORED_AS_TEXT):
        return pa.string()
    if pa.types.is_timestamp(data_type):
        return pa.timestamp("us", tz="UTC" if data_type.tz else None)
    if pa.types.is_date(data_type):
        return pa.date32()
    return data_type


def _stored_array(array: pa.Array, target: pa.DataType) -> pa.Array:
    if array.type == target:
        return array
    if pa.types.is_dictionary(array.type):
        return _stored_array(array.dictionary_decode(), target)
    if target == pa.string():
        return _as_text(array)
    return pc.cast(array, target, safe=False)


def _as_text(array: pa.Array) -> pa.Array:
    """Text for what has no JSON form: hex for bytes, the usual writing for the rest."""
    if pa.types.is_time(array.type):
        return pc.cast(array, pa.string())
    return pa.array([_text(value) for value in array.to_pylist()], pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pa.MonthDayNano):
        return _interval_text(value)
    return str(value)


def _interval_text(value: pa.MonthDayNano) -> str:
    seconds = value.nanoseconds / 1_000_000_000
    parts = ((value.months, "months"), (value.days, "days"), (seconds, "seconds"))
    written = [f"{number:g} {unit}" for number, unit in parts if number]
    return " ".join(written) or "0 seconds"
