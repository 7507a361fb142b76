"""Domain dataclasses to JSON and back: the one form they take in Postgres, Redis and tool calls."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from aiser_app.errors import InvalidInput

T = TypeVar("T")


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(cls: type) -> TypeAdapter[Any]:
    """Adapters take milliseconds to build; there are only as many as domain classes."""
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def encode(value: object) -> Any:
    """JSON-ready form of a domain object: dicts, lists, text, numbers; times in ISO 8601."""
    return _adapter(type(value)).dump_python(value, mode="json")


def decode(cls: type[T], data: object) -> T:
    """The object that `encode` was given; unknown fields are ignored, so that old rows stay readable.

    Raises:
        InvalidInput: the data does not have the shape of `cls`; names the first offending field.
    """
    try:
        return cast(T, _adapter(cls).validate_python(data, strict=False))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "value"
        raise InvalidInput(f"Not a valid {cls.__name__}: {where}: {first['msg']}.") from None
