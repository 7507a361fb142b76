"""From Arrow types to the column types of a result, and to the types that are stored.

What has a form of its own in every reader is stored as it came: no casts, no rounding. The rest
becomes text: times, durations, bytes (as hex), unions. A column that is text in Arrow but something
else in its database says so in its field's metadata (`aiser.type`): engines give NUMERIC of unknown
precision that way, and it is compared as the number that it is.
"""

from __future__ import annotations

import pyarrow as pa

from aiser_app.domain.result import Column

DECLARED_TYPE = b"aiser.type"
"""Field metadata of engines: the column's type where Arrow's type alone cannot say it."""
ROW_COUNTER = "__aiser_rows"
"""Last stored column, of type null. It has no buffers, so that reading it alone tells how many rows
a batch has without decompressing anything: random access costs microseconds."""
COLUMN_TYPES = frozenset(
    {"string", "integer", "number", "decimal", "boolean", "date", "timestamp", "json"}
)
"""As in `domain.result.Column`."""
NUMERIC_TYPES = frozenset({"integer", "number", "decimal"})

_TEXT_KINDS = (
    pa.types.is_time,
    pa.types.is_duration,
    pa.types.is_interval,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_null,
    pa.types.is_union,
)
_LIST_KINDS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def column_type(field: pa.Field) -> str:
    """One of the types of `domain.result.Column`. A decimal without fraction is an integer."""
    data_type = field.type
    if pa.types.is_integer(data_type):
        return "integer"
    if pa.types.is_decimal(data_type):
        return "integer" if data_type.scale <= 0 else "decimal"
    if pa.types.is_floating(data_type):
        return "number"
    if pa.types.is_boolean(data_type):
        return "boolean"
    if pa.types.is_date(data_type):
        return "date"
    if pa.types.is_timestamp(data_type):
        return "timestamp"
    if pa.types.is_nested(data_type):
        return "json"
    return _declared(field) or "string"


def is_number_as_text(field: pa.Field) -> bool:
    """Numbers that only text can hold: to be compared as numbers, never as text."""
    return bool(pa.types.is_string(field.type)) and column_type(field) in NUMERIC_TYPES


def compares_as_long_number(field: pa.Field) -> bool:
    """Numbers beyond the number types of DuckDB; `number_order` has keys for them."""
    if pa.types.is_decimal(field.type):
        return bool(pa.types.is_decimal256(field.type) or field.type.scale < 0)
    return is_number_as_text(field)


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """Names made unique, types as they are stored, and the row counter at the end."""
    taken = {ROW_COUNTER.casefold()}
    fields = []
    for position, field in enumerate(schema):
        name = _unique(field.name or f"column_{position + 1}", taken)
        taken.add(name.casefold())
        declared = _declared(field)
        metadata = {DECLARED_TYPE: declared.encode()} if declared else None
        fields.append(pa.field(name, stored_type(field.type), metadata=metadata))
    return pa.schema([*fields, pa.field(ROW_COUNTER, pa.null())])


def stored_type(data_type: pa.DataType) -> pa.DataType:
    """The type in which values of `data_type` are kept."""
    if isinstance(data_type, pa.ExtensionType | pa.BaseExtensionType):
        return stored_type(data_type.storage_type)
    if pa.types.is_dictionary(data_type) or pa.types.is_run_end_encoded(data_type):
        return stored_type(data_type.value_type)
    if any(is_kind(data_type) for is_kind in _TEXT_KINDS):
        return pa.string()
    if pa.types.is_timestamp(data_type):
        return pa.timestamp(data_type.unit, tz="UTC" if data_type.tz else None)
    if pa.types.is_decimal32(data_type) or pa.types.is_decimal64(data_type):
        return pa.decimal128(data_type.precision, data_type.scale)
    if pa.types.is_date64(data_type):
        return pa.date32()
    if pa.types.is_float16(data_type):
        return pa.float32()
    return _nested_type(data_type) if pa.types.is_nested(data_type) else data_type


def result_columns(schema: pa.Schema, wanted: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns as stored; titles and units from `wanted`, where the names agree."""
    by_name = {column.name: column for column in wanted}
    columns = []
    for field in schema:
        known = by_name.get(field.name)
        columns.append(
            Column(
                name=field.name,
                type=column_type(field),
                title=known.title if known else "",
                unit=known.unit if known else "",
            )
        )
    return tuple(columns)


def _declared(field: pa.Field) -> str:
    """What the engine says that text is; anything else than a known type is ignored."""
    declared = (field.metadata or {}).get(DECLARED_TYPE, b"").decode(errors="replace")
    if not pa.types.is_string(stored_type(field.type)):
        return ""
    return declared if declared in COLUMN_TYPES else ""


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _nested_type(data_type: pa.DataType) -> pa.DataType:
    """Encodings inside containers are undone: a file cannot hold dictionaries that change."""
    if pa.types.is_map(data_type):
        return pa.map_(_inner(data_type.key_type), _inner(data_type.item_type))
    if pa.types.is_struct(data_type):
        return pa.struct([field.with_type(_inner(field.type)) for field in data_type])
    if any(is_kind(data_type) for is_kind in _LIST_KINDS):
        return pa.list_(data_type.value_field.with_type(_inner(data_type.value_type)))
    return data_type


def _inner(data_type: pa.DataType) -> pa.DataType:
    """Values inside containers keep their types: only JSON shows them, and it takes any."""
    if pa.types.is_dictionary(data_type):
        return _inner(data_type.value_type)
    if pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type):
        return pa.string()
    return _nested_type(data_type) if pa.types.is_nested(data_type) else data_type
