"""Parameters as the server binds them: a type in the text, the value aside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import QueryInvalid

_MAX_DIGITS = 76
_BITS = (64, 128, 256)


def bound(statement: Statement) -> tuple[str, Mapping[str, str]]:
    """The text with places such as `{p1:Int64}`, and the values by name.

    Raises:
        QueryInvalid: a value has no form in ClickHouse.
    """
    values: dict[str, str] = {}

    def place(position: int, parameter: BoundParameter) -> str:
        if parameter.value is None:
            return "NULL"
        kind, text = _typed(parameter.value)
        values[f"p{position}"] = text
        return f"{{p{position}:{kind}}}"

    return statement.written(place), values


def _typed(value: ParameterValue) -> tuple[str, str]:
    if isinstance(value, bool):
        return "Bool", "true" if value else "false"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return "Float64", repr(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return "Date32", value.isoformat()
    return "String", str(value)


def _integer(value: int) -> tuple[str, str]:
    for bits in _BITS:
        if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return f"Int{bits}", str(value)
        if 0 <= value < 2**bits:
            return f"UInt{bits}", str(value)
    raise QueryInvalid("A number has more digits than ClickHouse knows.")


def _decimal(value: Decimal) -> tuple[str, str]:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and infinity
        return "Float64", str(value).lower().replace("infinity", "inf")
    scale = max(0, -exponent)
    digits = max(value.adjusted() + 1, 1) + scale
    if digits > _MAX_DIGITS:
        raise QueryInvalid("A number has more digits than ClickHouse knows.")
    return f"Decimal({digits}, {scale})", f"{value:f}"


def _moment(value: datetime) -> tuple[str, str]:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return "DateTime64(6, 'UTC')", value.isoformat(sep=" ", timespec="microseconds")
