"""A question in the terms of a semantic model: a superset of Cube's REST query format.

The chips of an answer show exactly these fields, and editing a chip edits one of them. Everything
nests without limit here; the compiler bounds size and depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag

from aiser_app.domain.row_terms import (
    Buckets,
    ColumnTerm,
    Condition,
    Constant,
    Duration,
    DurationUnit,
    Existence,
    Filter,
    FilterGroup,
    FilterOperator,
    Flag,
    Operator,
    RowArithmetic,
    RowExpression,
    TimePart,
    tag_of,
)
from aiser_app.domain.semantic_model import Aggregation

__all__ = [
    "Arithmetic",
    "Buckets",
    "ColumnTerm",
    "Condition",
    "Constant",
    "DimensionRef",
    "Duration",
    "DurationUnit",
    "Existence",
    "Expression",
    "Field",
    "Filter",
    "FilterGroup",
    "FilterOperator",
    "Flag",
    "Granularity",
    "MeasureTerm",
    "Metric",
    "Operator",
    "Order",
    "Overall",
    "PerGroup",
    "RowAggregate",
    "RowArithmetic",
    "RowExpression",
    "SemanticQuery",
    "TimeDimension",
    "TimePart",
    "WindowKind",
    "Windowed",
]


class Granularity(StrEnum):
    """Spans of time, each value being the start of its span."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeDimension:
    """`date_range` is [first day, last day], ISO dates, both ends included."""

    dimension: str
    granularity: Granularity | None = None
    date_range: tuple[str, str] | None = None
    part: TimePart | None = None
    """Instead of a granularity: groups by what repeats."""
    compare_date_ranges: tuple[tuple[str, str], ...] = ()
    """Instead of `date_range`: one set of groups for each range, told apart by a first column with
    the range as `2024-01-01/2024-12-31`."""
    role: str = ""
    fill_gaps: bool = False
    """A row for every span between the first and the last, also where there is nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    member: str
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DimensionRef:
    """A dimension or a field to group by, and the join role through which it is reached."""

    member: str
    role: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A computed column of this query alone. `name` has no dot, and stands wherever a dimension can."""

    name: str
    row: RowExpression
    title: str = ""
    unit: str = ""


# Of many rows.


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasureTerm:
    """A measure of the model, over the rows for which `conditions` hold as well."""

    measure: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RowAggregate:
    """An aggregate that the model has no measure for. `cube` owns the rows."""

    aggregation: Aggregation
    cube: str
    row: RowExpression
    conditions: tuple[Condition, ...] = ()
    percentile: str = ""
    """For `percentile`: 0 to 1, interpolated between rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic:
    """Each side is aggregated on its own, also when they come from different cubes."""

    operator: Operator
    left: Expression
    right: Expression


class WindowKind(StrEnum):
    SHARE = "share"
    """Of the sum over all groups (of the same `within`), 0 to 1."""
    RANK = "rank"
    """1 for the largest, or with `ascending` the smallest; equals share a rank."""
    RUNNING_TOTAL = "running_total"
    PREVIOUS = "previous"
    """The value `offset` rows earlier in time."""
    CHANGE = "change"
    """The value minus the previous one."""
    GROWTH = "growth"
    """The change divided by the previous value, 0.1 for 10 %."""
    MOVING_AVERAGE = "moving_average"
    """Of this row and the `offset` - 1 before it."""
    TOTAL = "total"
    """The sum over all groups of the same `within`."""
    MEAN = "mean"
    """The average over all groups of the same `within`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Windowed:
    """Across the groups of the result, before `limit` and before conditions on groups.

    Kinds that need an order use the time dimension of the query.
    """

    window: WindowKind
    of: Expression
    within: tuple[DimensionRef, ...] = ()
    """Groups with the same of these are taken together: shares within each country."""
    offset: int = 1
    ascending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PerGroup:
    """An aggregate of aggregates: the average over customers of the number of their orders.

    Groups without rows do not count, unless `keep_empty`.
    """

    aggregation: Aggregation
    per: tuple[DimensionRef, ...]
    each: Expression
    conditions: tuple[Condition, ...] = ()
    """On the groups, in terms of `each`: a filter whose member is `each`."""
    per_time: TimeDimension | None = None
    """Groups by time: the average per month."""
    keep_empty: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Overall:
    """The value over all rows that the query's filters keep, whatever the groups."""

    overall: Expression


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A figure of this query alone. `name` has no dot, and stands wherever a measure can."""

    name: str
    expression: Expression
    title: str = ""
    unit: str = ""
    is_percentage: bool = False
    """The value is a share of 1, shown and returned as a share of 100."""


_EXPRESSION_TAGS = (
    ("constant", "constant"),
    ("measure", "measure"),
    ("row", "row"),
    ("left", "arithmetic"),
    ("window", "window"),
    ("each", "per_group"),
)


def _expression_tag(value: Any) -> str:
    return tag_of(value, _EXPRESSION_TAGS, "overall")


Expression: TypeAlias = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[MeasureTerm, Tag("measure")]
    | Annotated[RowAggregate, Tag("row")]
    | Annotated[Arithmetic, Tag("arithmetic")]
    | Annotated[Windowed, Tag("window")]
    | Annotated[PerGroup, Tag("per_group")]
    | Annotated[Overall, Tag("overall")],
    Discriminator(_expression_tag),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticQuery:
    """What is asked, independent of any SQL dialect."""

    measures: tuple[str, ...] = ()
    """Measures of the model, and names of `metrics`."""
    dimensions: tuple[DimensionRef, ...] = ()
    time_dimensions: tuple[TimeDimension, ...] = ()
    filters: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    segments: tuple[str, ...] = ()
    """Named conditions of the model, as `cube.segment`."""
    fields: tuple[Field, ...] = ()
    metrics: tuple[Metric, ...] = ()
    is_ungrouped: bool = False
    """Rows as they are instead of groups: equal ones stay apart, `measures` is empty, and rows may be
    ordered by a dimension that is not shown."""
    limit_by: tuple[DimensionRef, ...] = ()
    """`limit` holds for each of these: the three best per country."""
    with_ties: bool = False
    """Rows equal to the last one within the limit are kept too."""
    keep_empty: bool = False
    """Groups without rows are shown as well, counted as 0: rows of the first dimension's cube."""
    time_zone: str = ""
    """IANA name for spans and ranges of time, empty: as stored."""
    week_start: int = 1
    """1 (Monday) to 7."""
    today: str = ""
    """ISO date of "now" for durations, empty: the database's date."""
