"""Values of parameters: as clients send them in JSON, as runs keep them, as drivers bind them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from aiser_app.domain.query_ask import GivenParameter, ParameterType
from aiser_app.domain.verdict import ParameterValue
from aiser_app.errors import InvalidInput
from aiser_app.query.request import Parameters
from aiser_app.services.text_input import has_binary

MAX_PARAMETERS = 200
MAX_LIST = 10_000
VALUE_MAX_CHARS = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def read_parameters(given: Mapping[str, Any]) -> tuple[GivenParameter, ...]:
    """Parameters of a request's JSON: plain values, lists of them, or `{"type", "value"}`.

    Raises:
        InvalidInput: a name or value that cannot be a parameter.
    """
    if len(given) > MAX_PARAMETERS:
        raise InvalidInput(f"A query has at most {MAX_PARAMETERS} parameters.")
    return tuple(_parameter(name, value) for name, value in given.items())


def bound_values(parameters: Iterable[GivenParameter]) -> Parameters:
    """The same as values for the driver.

    Raises:
        InvalidInput: a text that does not fit its type.
    """
    return {item.name: _bound(item) for item in parameters}


def _parameter(name: str, value: Any) -> GivenParameter:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"“{name[:80]}” cannot be the name of a parameter.",
            hint="Use letters, digits and _, beginning with a letter.",
        )
    stated: ParameterType | None = None
    if isinstance(value, Mapping):
        stated, value = _stated(name, value)
    if isinstance(value, list):
        return _list(name, value, stated)
    kind, text = _one(name, value, stated)
    given = GivenParameter(name=name, type=kind, values=() if text is None else (text,))
    bound_values([given])  # refuses here what a driver could not be given
    return given


def _stated(name: str, value: Mapping[str, Any]) -> tuple[ParameterType, Any]:
    if set(value) != {"type", "value"} or value["type"] not in list(ParameterType):
        known = ", ".join(kind.value for kind in ParameterType)
        raise InvalidInput(
            f"The parameter “{name}” is a value, or an object with type and value.",
            hint=f"Types: {known}.",
        )
    return ParameterType(value["type"]), value["value"]


def _list(name: str, values: list[Any], stated: ParameterType | None) -> GivenParameter:
    if len(values) > MAX_LIST:
        raise InvalidInput(f"The list “{name}” has more than {MAX_LIST:,} values.")
    pairs = [_one(name, item, stated) for item in values]
    kinds = {kind for kind, _ in pairs}
    if ParameterType.NULL in kinds:
        raise InvalidInput(f"The list “{name}” cannot hold null.", hint="Ask for IS NULL as well.")
    if kinds == {ParameterType.INTEGER, ParameterType.NUMBER}:
        kinds = {ParameterType.NUMBER}
    if len(kinds) > 1:
        raise InvalidInput(f"The values of the list “{name}” are of different types.")
    given = GivenParameter(
        name=name,
        type=kinds.pop() if kinds else ParameterType.TEXT,
        values=tuple(text or "" for _, text in pairs),
        is_list=True,
    )
    bound_values([given])
    return given


def _one(name: str, value: Any, stated: ParameterType | None) -> tuple[ParameterType, str | None]:
    """(type, value as text) of one JSON value."""
    if value is None or stated is ParameterType.NULL:
        return ParameterType.NULL, None
    kind = stated or _guessed(value)
    if kind is None or not isinstance(value, str | int | float):
        raise InvalidInput(f"The parameter “{name}” is text, a number, true, false, or null.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > VALUE_MAX_CHARS or has_binary(text):
        raise InvalidInput(f"The parameter “{name}” is too long, or not text.")
    return kind, text


def _guessed(value: Any) -> ParameterType | None:
    kinds = {
        bool: ParameterType.BOOLEAN,
        int: ParameterType.INTEGER,
        float: ParameterType.NUMBER,
        str: ParameterType.TEXT,
    }
    return kinds.get(type(value))


def _bound(given: GivenParameter) -> ParameterValue | list[ParameterValue]:
    if given.is_list:
        return [_typed(given.name, given.type, text) for text in given.values]
    if given.type is ParameterType.NULL:
        return None
    return _typed(given.name, given.type, given.values[0])


def _typed(name: str, kind: ParameterType, text: str) -> ParameterValue:
    try:
        return _READERS[kind](text)
    except (ValueError, KeyError, InvalidOperation):
        raise InvalidInput(f"“{text[:80]}” is no {kind.value} (parameter “{name}”).") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


_READERS: Mapping[ParameterType, Callable[[str], ParameterValue]] = {
    ParameterType.TEXT: str,
    ParameterType.INTEGER: int,
    ParameterType.NUMBER: _finite,
    ParameterType.DECIMAL: _decimal,
    ParameterType.BOOLEAN: {"true": True, "false": False}.__getitem__,
    ParameterType.DATE: date.fromisoformat,
    ParameterType.TIMESTAMP: datetime.fromisoformat,
}
