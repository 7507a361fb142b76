"""Answers of the market in a form in which databases can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.semantic.compiler import CompiledQuery, compile_query
from tests.unit.semantic.market import MODEL

_QUERY = TypeAdapter(SemanticQuery)


def compiled(parts: dict[str, Any], dialect: str) -> CompiledQuery:
    query = _QUERY.validate_python(parts)
    return compile_query(query, MODEL, dialect=dialect, default_limit=1_000)


def alike(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Numbers rounded, yes and no as 1 and 0, moments without parts of seconds."""
    return [tuple(_alike(value) for value in row) for row in rows]


def _alike(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | float | Decimal):
        return round(float(value), 6) + 0.0
    if isinstance(value, str) and value[:4].isdigit():
        return value.removesuffix(".000000").removesuffix(".000")
    return value
