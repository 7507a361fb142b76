"""What a filter's text is compared with, by the type of its column, exactly.

Instants and days are compared as whole numbers of their unit, numbers at the scale of their column.
A value between two that the column can hold is rounded so that the comparison stays right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException
from typing import Any

import numpy as np
import pyarrow as pa

from aiser_app.domain.semantic_query import FilterOperator
from aiser_app.errors import InvalidInput
from aiser_app.query.results.columns import column_type, compares_as_long_number
from aiser_app.query.results.conversion import UNITS_PER_SECOND
from aiser_app.query.results.number_order import number_key
from aiser_app.query.results.values import NEVER

_MOST = 10**38 - 1
"""Beyond this neither an integer nor a decimal of DuckDB can be."""
_CONTEXT = Context(prec=2_200, Emin=-10_000, Emax=10_000)
_MOMENT = re.compile(
    r"(?P<day>[+-]?\d{4,9}-\d\d-\d\d)"
    r"(?:[t ](?P<minute>\d\d:\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?"
    r"\s?(?P<zone>z|[+-]\d\d(?::?\d\d)?)?"
)
_ROUNDING = {
    FilterOperator.GT: ROUND_FLOOR,
    FilterOperator.LTE: ROUND_FLOOR,
    FilterOperator.GTE: ROUND_CEILING,
    FilterOperator.LT: ROUND_CEILING,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A value for the query, or what is known without asking: `outcome`."""

    value: Any = None
    outcome: bool | None = None
    """True when every value of the column satisfies the comparison, False when none does."""


def bound_value(field: pa.Field, text: str, operator: FilterOperator) -> Bound:
    """The value that `text` stands for in the column.

    Raises:
        InvalidInput: the text does not fit the column.
    """
    try:
        return _bound(field, text, operator)
    except (ValueError, KeyError, DecimalException, OverflowError):
        raise InvalidInput(f"“{text[:80]}” does not fit the column “{field.name[:80]}”.") from None


def _bound(field: pa.Field, text: str, operator: FilterOperator) -> Bound:
    kind = field.type
    if compares_as_long_number(field):
        return Bound(number_key(_number(text)))
    match column_type(field):
        case "integer" | "decimal":
            scale = kind.scale if pa.types.is_decimal(kind) else 0
            found = _whole(_number(text), scale, operator)
            if found.outcome is None and pa.types.is_decimal(kind):
                return Bound(Decimal(found.value).scaleb(-scale, _CONTEXT))
            return found
        case "number":
            return Bound(float(text))
        case "boolean":
            return Bound({"true": True, "false": False}[text.strip().lower()])
        case "date" if pa.types.is_date(kind):
            return _instant(text, "D", operator)
        case "timestamp" if pa.types.is_timestamp(kind):
            return _instant(text, kind.unit, operator)
        case _:
            return Bound(text)


def _number(text: str) -> Decimal:
    value = Decimal(text.strip())
    if value.is_finite() and value and abs(value.adjusted()) > 2_000:
        raise OverflowError
    return value


def _whole(value: Decimal, scale: int, operator: FilterOperator) -> Bound:
    """`value` in units of the column's last digit."""
    if value.is_nan():
        raise ValueError
    if value.copy_abs() > _CONTEXT.scaleb(Decimal(_MOST), -scale):
        return Bound(outcome=_beyond(operator, is_above=value > 0))
    units = _CONTEXT.scaleb(value, scale)
    whole = units.to_integral_value(_ROUNDING.get(operator, ROUND_FLOOR), _CONTEXT)
    if operator not in _ROUNDING and whole != units:
        return Bound(outcome=False)
    return Bound(int(whole))


def _beyond(operator: FilterOperator, *, is_above: bool) -> bool:
    if operator in (FilterOperator.LT, FilterOperator.LTE):
        return is_above
    return operator in (FilterOperator.GT, FilterOperator.GTE) and not is_above


def _instant(text: str, unit: str, operator: FilterOperator) -> Bound:
    """A day or a moment in whole units since 1970."""
    stripped = text.strip().lower()
    if stripped in ("infinity", "-infinity"):
        return Bound(-NEVER[unit] if stripped.startswith("-") else NEVER[unit])
    seconds = _seconds(stripped)
    if unit == "D":
        return _whole(_CONTEXT.divide(seconds, Decimal(86_400)), 0, operator)
    return _whole(_CONTEXT.multiply(seconds, Decimal(UNITS_PER_SECOND[unit])), 0, operator)


def _seconds(text: str) -> Decimal:
    """Seconds since 1970 in UTC; what has no zone is in UTC."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError
    clock = f"{match['day']}T{match['minute'] or '00:00'}:{match['second'] or '00'}"
    whole = int(np.datetime64(clock, "s").astype(np.int64))
    fraction = Decimal(f"0.{match['fraction'] or '0'}")
    return whole - _offset(match["zone"]) + fraction


def _offset(zone: str | None) -> int:
    if not zone or zone == "z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].removeprefix(":") or 0)
    return (hours * 60 + minutes) * (-60 if zone[0] == "-" else 60)
