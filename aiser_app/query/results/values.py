"""Values as JSON and CSV carry them: exact, and never something that JSON cannot say.

Integers beyond 2^53 and decimals become strings, so that no reader rounds them; NaN and the two
infinities become the strings `NaN`, `Infinity` and `-Infinity`; dates and times are ISO 8601.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

JSON_SAFE_INTEGER = 2**53
"""Beyond this a double, and therefore a JSON number in a browser, is not exact."""


def json_rows(table: pa.Table) -> list[list[Any]]:
    """All rows, JSON-safe."""
    columns = [json_values(column) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)] if columns else []


def json_values(column: pa.ChunkedArray) -> list[Any]:
    """All values of one column, JSON-safe."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return list(column.to_pylist())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _times(column)
    return [json_value(value) for value in column.to_pylist()]


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


def csv_value(value: Any) -> str:
    """One JSON-safe value as CSV text; text that a spreadsheet would run is defused."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def defused(text: str) -> str:
    """A leading apostrophe keeps spreadsheets from reading text as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


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


def _times(column: pa.ChunkedArray) -> list[Any]:
    """ISO texts; years that Python has no dates for are written by Arrow instead."""
    try:
        return [None if value is None else value.isoformat() for value in column.to_pylist()]
    except (ValueError, OverflowError):
        texts = pc.cast(column, pa.string()).to_pylist()
        return [None if text is None else text.replace(" ", "T", 1) for text in texts]
