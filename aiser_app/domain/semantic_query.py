"""A question in the terms of a semantic model: a superset of Cube's REST query format.

The chips of an answer show exactly these fields, and editing a chip edits one of them. Everything
nests without limit here; the compiler bounds size and depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag

from aiser_app.domain.semantic_model import Aggregation


class Granularity(StrEnum):
    """Spans of time, each value being the start of its span."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


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


# Of one row.


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


_CONDITION_TAGS = (("conditions", "group"), ("member", "filter"))
_ROW_TAGS = (
    ("constant", "constant"),
    ("row_left", "arithmetic"),
    ("unit", "duration"),
    ("bucket_of", "buckets"),
    ("condition", "flag"),
)
_EXPRESSION_TAGS = (
    ("constant", "constant"),
    ("measure", "measure"),
    ("row", "row"),
    ("left", "arithmetic"),
    ("window", "window"),
    ("each", "per_group"),
)


def _tag(value: Any, tags: tuple[tuple[str, str], ...], otherwise: str) -> str:
    """By the fields that only one of them has; so no `kind` is needed in JSON."""
    for name, tag in tags:
        if name in value if isinstance(value, Mapping) else hasattr(value, name):
            return tag
    return otherwise


def _condition_tag(value: Any) -> str:
    is_existence = "cube" in value if isinstance(value, Mapping) else hasattr(value, "cube")
    return "existence" if is_existence else _tag(value, _CONDITION_TAGS, "filter")


def _row_tag(value: Any) -> str:
    return _tag(value, _ROW_TAGS, "column")


def _expression_tag(value: Any) -> str:
    return _tag(value, _EXPRESSION_TAGS, "overall")


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
