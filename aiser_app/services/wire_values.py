"""JSON that every client reads alike: JavaScript rounds integers beyond 2^53, and knows no NaN."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

SAFE_INTEGER = 2**53


def wire_value(value: Any) -> Any:
    """`value` with big integers and decimals as text, times in ISO 8601, NaN as null."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return {str(key): wire_value(item) for key, item in value.items()}
        case list() | tuple():
            return [wire_value(item) for item in value]
        case _:
            return str(value)
