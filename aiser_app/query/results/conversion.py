"""Batches of engines in the types that are stored. Whole columns at a time wherever Arrow can."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.query.results.columns import is_number_as_text

_SPELLED_OUT_DIGITS = 1_000
"""Exponents beyond this are left as they are written: spelling them out would fill the disk."""

_EXPONENT = re.compile("[0-9][eE]")
UNITS_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)


def stored_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the stored types, with the row counter."""
    arrays = [
        _stored_array(column, field)
        for column, field in zip(batch.columns, list(schema)[:-1], strict=True)
    ]
    return pa.RecordBatch.from_arrays([*arrays, pa.nulls(batch.num_rows)], schema=schema)


def _stored_array(array: pa.Array, field: pa.Field) -> pa.Array:
    found = _plain(array)
    if found.type != field.type:
        found = _as_text(found) if field.type == pa.string() else _cast(found, field.type)
    return _spelled_out(found) if is_number_as_text(field) else found


def _cast(array: pa.Array, target: pa.DataType) -> pa.Array:
    if "list_view" in str(array.type):  # Arrow's own cast of them makes arrays that are not valid
        return pa.array(array.to_pylist(), target)
    return pc.cast(array, target)


def _plain(array: pa.Array) -> pa.Array:
    """Without extension types and encodings."""
    if isinstance(array, pa.ExtensionArray):
        return _plain(array.storage)
    if pa.types.is_dictionary(array.type):
        return _plain(array.dictionary_decode())
    if pa.types.is_run_end_encoded(array.type):
        return _plain(pc.run_end_decode(array))
    return array


def _as_text(array: pa.Array) -> pa.Array:
    """Text for what has no JSON form: hex for bytes, the usual writing for the rest."""
    kind = array.type
    if any(is_kind(kind) for is_kind in _BYTES):
        return _hex(pc.cast(array, pa.binary()))
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return _each_once(array, _span_text)
    if pa.types.is_union(kind):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
    return pc.cast(array, pa.string())


def _hex(array: pa.Array) -> pa.Array:
    """Two characters per byte; the buffers are made whole, not value by value."""
    filled = pc.fill_null(array, b"")  # what a missing value points to is not its own
    if len(filled) == 0:
        return pa.array([], pa.string())
    _, offsets, content = filled.buffers()
    ends = pa.Array.from_buffers(
        pa.int32(), len(filled) + 1, [None, offsets], offset=filled.offset
    ).to_numpy()
    data = b"" if content is None else memoryview(content)[ends[0] : ends[-1]]
    starts = (ends - ends[0]) * 2
    text = pa.StringArray.from_buffers(
        len(filled), pa.py_buffer(starts), pa.py_buffer(bytes(data).hex().encode())
    )
    return pc.if_else(array.is_valid(), text, None) if array.null_count else text


def _each_once(array: pa.Array, text: Callable[[Any], str]) -> pa.Array:
    """Python's writing, once for each distinct value."""
    encoded = pc.dictionary_encode(array)
    written = pa.array([text(value) for value in encoded.dictionary], pa.string())
    return written.take(encoded.indices)


def _span_text(value: pa.Scalar) -> str:
    if isinstance(value, pa.MonthDayNanoIntervalScalar):
        return _interval_text(value.as_py())
    return _duration_text(value.value, value.type.unit)


def _duration_text(value: int, unit: str) -> str:
    """As Python writes a timedelta, but for any length and down to nanoseconds."""
    seconds, fraction = divmod(value, UNITS_PER_SECOND[unit])
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        digits = f"{fraction * (10**9 // UNITS_PER_SECOND[unit]):09}"
        text += f".{digits if unit == 'ns' else digits[:6]}"
    return f"{days} day{'' if abs(days) == 1 else 's'}, {text}" if days else text


def _interval_text(value: pa.MonthDayNano) -> str:
    seconds = Decimal(value.nanoseconds).scaleb(-9).normalize()
    parts = ((value.months, "months"), (value.days, "days"), (seconds, "seconds"))
    written = [f"{Decimal(number):f} {unit}" for number, unit in parts if number]
    return " ".join(written) or "0 seconds"


def _spelled_out(array: pa.Array) -> pa.Array:
    """Decimal text without exponents, so that every reader and every comparison understands it."""
    if not pc.any(pc.match_substring_regex(array, _EXPONENT.pattern)).as_py():
        return array
    return pa.array([_without_exponent(text) for text in array.to_pylist()], pa.string())


def _without_exponent(text: str | None) -> str | None:
    if text is None or not _EXPONENT.search(text):
        return text
    try:
        value = Decimal(text)
        fits = value.is_finite() and abs(value.adjusted()) <= _SPELLED_OUT_DIGITS
        return format(value, "f") if fits else text
    except InvalidOperation:
        return text
