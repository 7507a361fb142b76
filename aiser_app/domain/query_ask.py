"""What a person or client asks to be run: kept with the run, so that a worker finds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiser_app.domain.semantic_query import SemanticQuery


class ParameterType(StrEnum):
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    NULL = "null"


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenParameter:
    """A value as text with its type, so that it survives JSON exactly."""

    name: str
    type: ParameterType
    values: tuple[str, ...] = ()
    """One, unless `is_list`; none for NULL."""
    is_list: bool = False


class Explaining(StrEnum):
    """Instead of rows, the engine's plan: as it would run, or as it ran."""

    NO = "no"
    PLAN = "plan"
    ACTUAL = "actual"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryAsk:
    """Exactly one of `sql` and `semantic_query` is set."""

    source_ids: tuple[str, ...]
    limit: int
    timeout_seconds: float
    purpose: str
    sql: str = ""
    semantic_query: SemanticQuery | None = None
    parameters: tuple[GivenParameter, ...] = ()
    explaining: Explaining = Explaining.NO
    bypass_cache: bool = False
    stale_ok_seconds: float = 0.0
