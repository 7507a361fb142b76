"""How large and how deep a query may be, checked before anything walks through it by itself."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from aiser_app.domain.semantic_query import Filter, SemanticQuery
from aiser_app.errors import QueryInvalid

MAX_MEMBERS = 200
"""Measures, dimensions, conditions, fields, metrics, orders and what they are made of, together."""
MAX_VALUES = 5_000
"""Values of all filters of one query together."""
MAX_DEPTH = 8
"""Conditions within conditions, figures within figures."""

_ROOT = ("measures", "dimensions", "time_dimensions", "filters", "order", "segments")
_ROOT_MORE = ("fields", "metrics", "limit_by")


def check_size(query: SemanticQuery) -> None:
    """Far beyond what somebody asks, and well below what a parser can take.

    Nothing here calls itself: a query of thousands of levels must end in words too.

    Raises:
        QueryInvalid: it is too large or too deep.
    """
    members = values = 0
    waiting: list[tuple[object, int]] = []
    for name in (*_ROOT, *_ROOT_MORE):
        waiting.extend((item, 1) for item in getattr(query, name))
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH + 1:
            raise QueryInvalid(f"Conditions and figures may be nested {MAX_DEPTH} levels deep.")
        members += 1
        if members > MAX_MEMBERS:
            raise QueryInvalid(f"A semantic query names at most {MAX_MEMBERS} members.")
        if isinstance(item, Filter):
            values += len(item.values)
            if values > MAX_VALUES:
                raise QueryInvalid(
                    f"The filters of a semantic query have at most {MAX_VALUES:,} values."
                )
        elif is_dataclass(item):
            waiting.extend((part, depth + 1) for part in _parts(item))


def _parts(item: object) -> list[object]:
    found: list[object] = []
    for field in fields(item):  # type: ignore[arg-type]
        value = getattr(item, field.name)
        inside = value if isinstance(value, tuple) else (value,)
        found.extend(part for part in inside if is_dataclass(part))
    return found
