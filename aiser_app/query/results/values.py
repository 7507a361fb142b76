"""Values as JSON and CSV carry them: exact, and never something that JSON cannot say.

Integers beyond 2^53 and decimals become strings, so that no reader rounds them; NaN and the two
infinities become the strings `NaN`, `Infinity` and `-Infinity`; dates and times are ISO 8601.
Whole columns are converted at once: 10,000 rows of 10 columns take a few milliseconds.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.query.results.columns import is_number_as_text
from aiser_app.query.results.conversion import UNITS_PER_SECOND

JSON_SAFE_INTEGER = 2**53
"""Beyond this a double, and therefore a JSON number in a browser, is not exact."""
FORMULA = "^[\\x00-\\x1f]*[=+\\-@＝＋－＠]|^[\\t\\r\\n]"  # noqa: RUF001 - the wide ones count as well
"""Text that a spreadsheet would run as a formula, by OWASP's list."""

_FORMULA = re.compile(FORMULA)
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$|^-?Infinity$"
NEVER = {"us": 2**63 - 1, "ns": 2**63 - 1, "ms": 2**63 - 1, "s": 2**63 - 1, "D": 2**31 - 1}
"""How databases write `infinity` into Arrow: the greatest value of the type, or its negative."""
_FAR_DAYS = 10_000_000
"""27,000 years from 1970: Arrow writes years wrongly from 32,768 on, without a word."""


def json_rows(table: pa.Table) -> list[list[Any]]:
    """All rows, JSON-safe."""
    columns = [json_values(column) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)] if columns else []


def json_values(column: pa.ChunkedArray) -> list[Any]:
    """All values of one column, JSON-safe."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return strings(column)
    if pa.types.is_integer(kind):
        return _integers(column)
    if pa.types.is_floating(kind):
        return _floats(column)
    if pa.types.is_decimal(kind) and kind.scale <= 0:
        return [json_value(None if text is None else int(text)) for text in strings(texts(column))]
    if has_text_form(kind):
        return strings(texts(column))
    return [json_value(value) for value in column.to_pylist()]


def has_text_form(kind: pa.DataType) -> bool:
    """Whether `texts` writes columns of this type: what JSON shows as text without being text."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_decimal(kind))


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as the text that readers see."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_date(kind):
        return _repaired(column, pc.cast(column, pa.string()), "D")
    if pa.types.is_decimal(kind):
        return _decimals(column)
    return pc.cast(column, pa.string())


def strings(column: pa.ChunkedArray) -> list[Any]:
    """As `to_pylist`; bytes that are no UTF-8 are replaced instead of ending everything."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = [chunk.view(pa.binary()).to_pylist() for chunk in column.chunks]
        return [
            None if value is None else value.decode(errors="replace")
            for chunk in raw
            for value in chunk
        ]


def json_value(value: Any) -> Any:
    """One value, JSON-safe; containers are converted inside."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= JSON_SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    return _other(value)


def csv_columns(table: pa.Table) -> list[list[Any]]:
    """Cells by column: what `csv.writer` writes as it should be; text is defused."""
    return [_csv_cells(table.column(i), field) for i, field in enumerate(table.schema)]


def _csv_cells(column: pa.ChunkedArray, field: pa.Field) -> list[Any]:
    kind = field.type
    if pa.types.is_string(kind):
        return strings(_defused_column(column, may_be_number=is_number_as_text(field)))
    if pa.types.is_boolean(kind):
        return strings(pc.cast(column, pa.string()))
    if pa.types.is_integer(kind):
        return list(column.to_pylist())
    if pa.types.is_floating(kind):
        return _floats(column)
    if has_text_form(kind):
        return strings(texts(column))
    return strings(json_texts(column))


def json_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Containers as JSON text."""
    found = (json_value(value) for value in column.to_pylist())
    written = [None if v is None else json.dumps(v, ensure_ascii=False) for v in found]
    return pa.chunked_array([pa.array(written, pa.string())])


def defused(text: str) -> str:
    """A leading apostrophe keeps spreadsheets from reading text as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def is_formula(column: pa.ChunkedArray, *, may_be_number: bool = False) -> pa.ChunkedArray:
    """Which texts a spreadsheet would run. Numbers that are kept as text are numbers."""
    found = pc.match_substring_regex(column, FORMULA)
    if may_be_number:
        found = pc.and_not(found, pc.match_substring_regex(column, _NUMBER))
    return found


def _defused_column(column: pa.ChunkedArray, *, may_be_number: bool) -> pa.ChunkedArray:
    found = is_formula(column, may_be_number=may_be_number)
    if not pc.any(found).as_py():
        return column
    return pc.if_else(found, pc.binary_join_element_wise("'", column, ""), column)


def _integers(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if column.type.bit_width < 64:
        return values
    ends = pc.min_max(column)
    least, most = ends["min"].as_py(), ends["max"].as_py()
    if least is None or (least >= -JSON_SAFE_INTEGER and most <= JSON_SAFE_INTEGER):
        return values
    return [json_value(value) for value in values]


def _floats(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pc.all(pc.is_finite(column)).as_py() in (True, None):
        return values
    return [json_value(value) for value in values]


def _moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601, with an offset where there is a zone; without fraction where it is zero."""
    kind = column.type
    try:
        written = pc.cast(pc.cast(column, pa.timestamp("s", tz=kind.tz)), pa.string())
    except pa.ArrowInvalid:  # there are fractions of seconds
        written = pc.replace_substring_regex(pc.cast(column, pa.string()), r"\.0+(Z?)$", r"\1")
    written = pc.replace_substring(written, " ", "T", max_replacements=1)
    written = _repaired(column, written, kind.unit)
    return pc.replace_substring(written, "Z", "+00:00") if kind.tz else written


def _repaired(column: pa.ChunkedArray, written: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    """With the years that Arrow does not write, and the infinities of databases."""
    numbers = pc.cast(column, pa.int32() if unit == "D" else pa.int64())
    far = min(
        _FAR_DAYS if unit == "D" else _FAR_DAYS * 86_400 * UNITS_PER_SECOND[unit], NEVER[unit] - 1
    )
    wrong = pc.or_(pc.greater(numbers, far), pc.less(numbers, -far))
    if not pc.any(wrong).as_py():
        return written
    zone = "Z" if unit != "D" and column.type.tz else ""
    right = [_far_text(value, unit, zone) for value in pc.filter(numbers, wrong).to_pylist()]
    return pc.replace_with_mask(
        written.combine_chunks(), wrong.combine_chunks(), pa.array(right, pa.string())
    )


def _far_text(value: int, unit: str, zone: str) -> str:
    if abs(value) >= NEVER[unit]:
        return "infinity" if value > 0 else "-infinity"
    return f"{np.array(value).astype(f'M8[{unit}]')}{zone}"


def _decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Plain digits: Arrow writes very small and negative-scale ones with exponents."""
    written = pc.cast(column, pa.string())
    if not pc.any(pc.match_substring(written, "E")).as_py():
        return written
    plain = [None if text is None else format(Decimal(text), "f") for text in written.to_pylist()]
    return pa.chunked_array([pa.array(plain, pa.string())])


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return str(value)
    if value.as_tuple().exponent == 0:
        return json_value(int(value))
    return format(value, "f")


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _other(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
