"""What is said of single rows: conditions that they fulfil, and values computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag


class TimePart(StrEnum):
    """What repeats in time, as whole numbers; all Januaries are one group."""

    HOUR_OF_DAY = "hour_of_day"
    """0-23."""
    WEEKDAY = "weekday"
    """1 (Monday) to 7, whatever the week starts with."""
    DAY_OF_MONTH = "day_of_month"
    MONTH_OF_YEAR = "month_of_year"
    QUARTER_OF_YEAR = "quarter_of_year"
    YEAR = "year"
    """The year as a number."""


class FilterOperator(StrEnum):
    """Cube's operators. Those on text ignore case, but for `equals`."""

    EQUALS = "equals"
    NOT_EQUALS = "notEquals"
    CONTAINS = "contains"
    NOT_CONTAINS = "notContains"
    STARTS_WITH = "startsWith"
    NOT_STARTS_WITH = "notStartsWith"
    ENDS_WITH = "endsWith"
    NOT_ENDS_WITH = "notEndsWith"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    SET = "set"
    NOT_SET = "notSet"
    IN_DATE_RANGE = "inDateRange"
    """First and last day, both ends included."""
    NOT_IN_DATE_RANGE = "notInDateRange"
    BEFORE_DATE = "beforeDate"
    BEFORE_OR_ON_DATE = "beforeOrOnDate"
    AFTER_DATE = "afterDate"
    AFTER_OR_ON_DATE = "afterOrOnDate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """`member` is a dimension or a field (WHERE), or a measure or a metric (HAVING).

    Values are text, as in Cube; several mean any of them. With `other` the member is compared
    with another one of the same row or group instead, for the comparing operators.
    """

    member: str
    operator: FilterOperator
    values: tuple[str, ...] = ()
    role: str = ""
    """Join role through which the member is reached, empty when there is one way only."""
    other: str = ""
    other_role: str = ""
    part: TimePart | None = None
    """Compares this part of a time: `weekday` equals 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterGroup:
    """All of the conditions, or with `is_any` at least one; then, if asked, the opposite.

    The opposite of a condition that is unknown for a row (NULL) holds: "not in Paris" keeps rows
    without a city. A group filters rows or groups, never both.
    """

    conditions: tuple[Condition, ...]
    is_any: bool = False
    is_negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Existence:
    """Rows that have at least one related row in `cube` for which `conditions` hold; or none.

    The relation is the shortest way of joins in either direction between `of` (empty: the cube whose
    rows are counted or listed) and `cube`.
    """

    cube: str
    conditions: tuple[Condition, ...] = ()
    is_negated: bool = False
    of: str = ""
    role: str = ""
    """Chooses among parallel joins."""
    at_least: int = 1
    """Related rows needed."""


class Operator(StrEnum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    """Never of whole numbers alone; by zero it gives NULL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A number."""

    constant: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnTerm:
    """A dimension of the row."""

    member: str
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowArithmetic:
    operator: Operator
    row_left: RowExpression
    row_right: RowExpression


class DurationUnit(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, slots=True)
class Duration:
    """Time from `start` to `end`.

    Seconds to hours are exact, with fractions; days are the difference of the dates; months and years
    are completed ones, as in an age.
    """

    start: ColumnTerm
    end: ColumnTerm | None
    """None: the query's `today`."""
    unit: DurationUnit


@dataclass(frozen=True, kw_only=True, slots=True)
class Buckets:
    """The lower edge of the bucket that a number falls into: of `width`, or between `edges`."""

    bucket_of: RowExpression
    width: str = ""
    edges: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """True where the condition holds, else false."""

    condition: Condition


_CONDITION_TAGS = (("conditions", "group"), ("member", "filter"))
_ROW_TAGS = (
    ("constant", "constant"),
    ("row_left", "arithmetic"),
    ("unit", "duration"),
    ("bucket_of", "buckets"),
    ("condition", "flag"),
)


def tag_of(value: Any, tags: tuple[tuple[str, str], ...], otherwise: str) -> str:
    """By the fields that only one of them has; so no `kind` is needed in JSON."""
    for name, tag in tags:
        if name in value if isinstance(value, Mapping) else hasattr(value, name):
            return tag
    return otherwise


def _condition_tag(value: Any) -> str:
    is_existence = "cube" in value if isinstance(value, Mapping) else hasattr(value, "cube")
    return "existence" if is_existence else tag_of(value, _CONDITION_TAGS, "filter")


def _row_tag(value: Any) -> str:
    return tag_of(value, _ROW_TAGS, "column")


Condition: TypeAlias = Annotated[
    Annotated[Filter, Tag("filter")]
    | Annotated[FilterGroup, Tag("group")]
    | Annotated[Existence, Tag("existence")],
    Discriminator(_condition_tag),
]
RowExpression: TypeAlias = Annotated[
    Annotated[ColumnTerm, Tag("column")]
    | Annotated[Constant, Tag("constant")]
    | Annotated[RowArithmetic, Tag("arithmetic")]
    | Annotated[Duration, Tag("duration")]
    | Annotated[Buckets, Tag("buckets")]
    | Annotated[Flag, Tag("flag")],
    Discriminator(_row_tag),
]
