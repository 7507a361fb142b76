"""Values that a query compares columns with, as far as they can be known before it runs."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from sqlglot import exp

from aiser_app.domain.verdict import ParameterValue

Parameters: TypeAlias = Mapping[str, ParameterValue | Sequence[ParameterValue]]

_TIMES = (
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPTZ,
    exp.DataType.Type.TIMESTAMPNTZ,
)


@dataclass(frozen=True, slots=True)
class Constant:
    """`written` is how a part writes it: the literal, or the parameter it came from."""

    value: str | int | float | bool | Decimal | date | datetime
    written: exp.Expr

    @property
    def number(self) -> Decimal | None:
        """Exactly, when it is a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | Decimal):
            return None
        if isinstance(self.value, float) and not math.isfinite(self.value):
            return None
        found = Decimal(self.value)
        return found if found.is_finite() else None

    @property
    def moment(self) -> date | datetime | None:
        """A date, or a time in UTC without its zone; also from ISO text, as DuckDB reads it."""
        value = self.value
        if isinstance(value, str):
            is_time = len(value) > len("2024-01-01")
            try:
                value = datetime.fromisoformat(value) if is_time else date.fromisoformat(value)
            except ValueError:
                return None
        if isinstance(value, datetime) and value.tzinfo is not None:
            try:
                return value.astimezone(UTC).replace(tzinfo=None)
            except OverflowError:
                return None
        return value if isinstance(value, date) else None


def constants(node: exp.Expr, parameters: Parameters) -> list[Constant] | None:
    """The values of a literal or parameter, of a list parameter all; None for anything else."""
    if isinstance(node, exp.Placeholder):
        if node.name not in parameters:
            return None
        given = parameters[node.name]
        if isinstance(given, str) or not isinstance(given, Sequence):
            return None if given is None else [Constant(given, node)]
        return None if None in given else [Constant(v, node) for v in given if v is not None]
    value = _literal(node)
    return None if value is None else [Constant(value, node)]


def constant(node: exp.Expr, parameters: Parameters) -> Constant | None:
    """The value of a literal or parameter; None for anything else."""
    found = constants(node, parameters)
    return found[0] if found is not None and len(found) == 1 else None


def is_exact_float(number: Decimal) -> bool:
    """Whether floats of 32 and of 64 bits both hold it exactly, so that every engine agrees."""
    try:
        as_float = struct.unpack("f", struct.pack("f", float(number)))[0]
    except OverflowError:
        return False
    return math.isfinite(as_float) and Decimal(as_float) == number


def _literal(node: exp.Expr) -> str | int | Decimal | bool | date | datetime | None:
    if isinstance(node, exp.Paren):
        return _literal(node.this)
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return str(node.this) if node.is_string else _number(str(node.this))
    if isinstance(node, exp.Neg):
        inner = _literal(node.this)
        is_number = isinstance(inner, int | Decimal) and not isinstance(inner, bool)
        return -inner if is_number else None  # type: ignore[operator]
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return _moment(str(node.this.this), node.to.this)
    return None


def _number(text: str) -> int | Decimal | None:
    """A number with an exponent is a double to DuckDB, and compared as such: not exact."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text):
        return None
    return int(text) if text.isdecimal() else Decimal(text)


def _moment(text: str, kind: object) -> date | datetime | None:
    try:
        if kind == exp.DataType.Type.DATE:
            return date.fromisoformat(text)
        if kind in _TIMES:
            return datetime.fromisoformat(text)
    except ValueError:
        return None
    return None
