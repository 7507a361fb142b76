"""Numbers of any length as text that sorts like the numbers.

`NUMERIC` of a database can have more digits than any number type of DuckDB. A number becomes
sign, number of digits before the point, digits: comparing such keys byte by byte compares the
numbers exactly. Keys of negative numbers are turned around digit by digit.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MAX_DIGITS = 999_999
"""More than any database keeps before the point: PostgreSQL has up to 131,072."""
_NINES = 105
"""Byte of "0" plus byte of "9"."""
_SPECIAL = {
    "-infinity": "A", "-inf": "A", "infinity": "Y", "+infinity": "Y", "inf": "Y", "nan": "Z",
}  # fmt: skip
"""As PostgreSQL orders them: NaN is greater than everything."""


def number_keys(texts: pa.Array) -> pa.Array:
    """A key for each text; null where there is no number."""
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    parts = pc.extract_regex(lowered, r"^[+-]?(?P<whole>[0-9]*)\.?(?P<part>[0-9]*)$")
    whole = pc.utf8_ltrim(pc.struct_field(parts, "whole"), "0")
    digits = pc.binary_join_element_wise(
        whole, pc.utf8_rtrim(pc.struct_field(parts, "part"), "0"), ""
    )
    is_zero = pc.equal(digits, "")
    is_negative = pc.and_not(pc.starts_with(lowered, "-"), is_zero)
    length = pc.binary_length(whole)
    up = pc.binary_join_element_wise("P", _padded(length), digits, "")
    down = pc.binary_join_element_wise(
        "N", _padded(pc.subtract(MAX_DIGITS, length)), _turned(digits), "~", ""
    )
    keys = pc.if_else(is_negative, down, up)
    has_digit = pc.match_substring_regex(lowered, "[0-9]")
    return pc.if_else(has_digit, keys, _special(lowered))


def number_key(value: Decimal) -> str:
    """The key of one number, to compare with `number_keys`."""
    text = format(value, "f") if value.is_finite() else str(value)
    return str(number_keys(pa.array([text], pa.string()))[0].as_py())


def _padded(lengths: pa.Array) -> pa.Array:
    return pc.utf8_lpad(pc.cast(lengths, pa.string()), 6, "0")


def _turned(digits: pa.Array) -> pa.Array:
    """9 for 0, 8 for 1 …: on the bytes, without looking at the texts one by one."""
    filled = pa.concat_arrays([pc.fill_null(digits, "")])
    _, offsets, content = filled.buffers()
    if content is None or content.size == 0:
        return filled
    turned = _NINES - np.frombuffer(content, dtype=np.uint8)
    return pa.StringArray.from_buffers(
        len(filled), offsets, pa.py_buffer(turned), offset=filled.offset
    )


def _special(texts: pa.Array) -> pa.Array:
    names = pa.array(list(_SPECIAL), pa.string())
    keys = pa.array(list(_SPECIAL.values()), pa.string())
    return keys.take(pc.index_in(texts, value_set=names))
