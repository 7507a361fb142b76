"""Arrow types of different databases brought together, so that DuckDB can join them.

Nothing is rounded: what has no exact form in DuckDB's Arrow reader becomes text or, for numbers
with more digits than DuckDB's decimals have, a double.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.query.engines.contract import TYPE_KEY

MAX_DIGITS = 38
"""Of DuckDB's decimals."""
_PLAIN_NUMBER = r"^[+-]?[0-9]+(\.[0-9]*)?$"
_AS_TEXT = (pa.types.is_null, pa.types.is_string_view, pa.types.is_large_string)


def joinable_field(field: pa.Field) -> pa.Field:
    """The field as its values are handed to DuckDB; only the mark of text decimals is kept."""
    declared = (field.metadata or {}).get(TYPE_KEY)
    is_number = declared == b"decimal" and pa.types.is_string(_stored(field.type))
    metadata = {TYPE_KEY: b"decimal"} if is_number else None
    return pa.field(field.name, _stored(field.type), metadata=metadata)


def joinable_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the types of `schema`, whose fields come from `joinable_field`."""
    arrays = [
        _converted(array, field.type) for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def with_numbers(table: pa.Table) -> pa.Table:
    """Decimals that came as text become numbers: exact when they fit, doubles otherwise."""
    for position, field in enumerate(table.schema):
        if (field.metadata or {}).get(TYPE_KEY) == b"decimal":
            numbers = as_numbers(table.column(position))
            table = table.set_column(position, pa.field(field.name, numbers.type), numbers)
    return table


def as_numbers(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals written as text, as exact decimals if 38 digits hold all of them, else as doubles."""
    plain = pc.all(pc.match_substring_regex(texts, _PLAIN_NUMBER), min_count=0).as_py()
    if plain:
        digits = pc.utf8_ltrim(texts, "+-")
        dots = pc.find_substring(digits, ".")
        lengths = pc.binary_length(digits)
        has_dot = pc.greater_equal(dots, 0)
        scale = _most(pc.if_else(has_dot, pc.subtract(pc.subtract(lengths, dots), 1), 0))
        whole = _most(pc.if_else(has_dot, dots, lengths))
        if scale + whole <= MAX_DIGITS:
            return pc.cast(texts, pa.decimal128(MAX_DIGITS, scale))
    return pc.cast(texts, pa.float64())


def _most(numbers: pa.ChunkedArray) -> int:
    return pc.max(numbers).as_py() or 0


def _stored(data_type: pa.DataType) -> pa.DataType:
    if isinstance(data_type, pa.BaseExtensionType):
        return _stored(data_type.storage_type)
    if pa.types.is_dictionary(data_type):
        return _stored(data_type.value_type)
    if any(is_kind(data_type) for is_kind in _AS_TEXT):
        return pa.string()
    if pa.types.is_float16(data_type):
        return pa.float64()
    if pa.types.is_timestamp(data_type):
        unit = "ns" if data_type.unit == "ns" else "us"
        return pa.timestamp(unit, tz="UTC" if data_type.tz else None)
    if pa.types.is_date64(data_type):
        return pa.date32()
    if pa.types.is_decimal(data_type):
        if data_type.precision <= MAX_DIGITS and 0 <= data_type.scale <= data_type.precision:
            return pa.decimal128(data_type.precision, data_type.scale)
        return pa.float64()
    return data_type


def _converted(array: pa.Array, target: pa.DataType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):
        return _converted(array.storage, target)
    if array.type == target:
        return array
    if pa.types.is_dictionary(array.type):
        return _converted(array.dictionary_decode(), target)
    return pc.cast(array, target, safe=False)
