"""A question in the terms of a semantic model: a superset of Cube's REST query format.

The chips of an answer show exactly these fields, and editing a chip edits one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Granularity(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class FilterOperator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "notEquals"
    CONTAINS = "contains"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    SET = "set"
    NOT_SET = "notSet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """`member` is a dimension (WHERE) or a measure (HAVING); values are text, as in Cube."""

    member: str
    operator: FilterOperator
    values: tuple[str, ...] = ()
    role: str = ""
    """Join role through which the member is reached, empty when there is one way only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeDimension:
    """`date_range` is [first day, last day], ISO dates, both ends included."""

    dimension: str
    granularity: Granularity | None = None
    date_range: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    member: str
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DimensionRef:
    """A dimension to group by, and the join role through which it is reached."""

    member: str
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticQuery:
    """What is asked, independent of any SQL dialect."""

    measures: tuple[str, ...] = ()
    dimensions: tuple[DimensionRef, ...] = ()
    time_dimensions: tuple[TimeDimension, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
