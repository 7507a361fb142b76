"""A semantic query as Cube's REST API takes it, or why Cube cannot say it.

Cube gives the same rows as our compiler for everything that passes here, or it does not pass: days
are spans of time, wildcards in a text are ordinary characters, groups without a value come last.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import Aggregation, DimensionType, SemanticModel
from aiser_app.domain.semantic_query import Granularity, Order, SemanticQuery, TimeDimension
from aiser_app.query.cube.conditions import condition_for_cube
from aiser_app.query.cube.failures import CubeNotUsed

MAX_ROWS = 50_000
"""The most that Cube gives of one query, unless it is set up otherwise."""
COMPARED = "compareDateRange"
"""Key of the range in Cube's rows."""
_COUNTS = (Aggregation.COUNT, Aggregation.COUNT_DISTINCT)
_TYPES = {
    DimensionType.NUMBER: "number",
    DimensionType.BOOLEAN: "boolean",
    DimensionType.TIME: "timestamp",
    DimensionType.STRING: "string",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeColumn:
    """A column of the result, and the key of its values in Cube's rows."""

    key: str
    member: str
    column: Column
    stored: str = ""
    """Type of the column behind it, as the source's catalog has it; empty when it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadPlan:
    """What is sent to Cube, and what comes of its rows."""

    query: Mapping[str, Any]
    columns: tuple[CubeColumn, ...]
    asked_rows: int
    """The limit in `query`: as many rows may mean that there are more."""
    is_cut: bool
    """The limit is a part of the question: what lies beyond it is not wanted."""
    order: tuple[tuple[str, bool], ...]
    """(key, descending), as asked or as is usual."""
    ranges: tuple[tuple[str, str], ...] = ()
    """Compared ranges in the order of Cube's results: by time."""

    @property
    def members(self) -> frozenset[str]:
        return frozenset(item.member for item in self.columns if item.member)


def express(
    query: SemanticQuery,
    model: SemanticModel,
    *,
    row_limit: int,
    columns: Sequence[Column] = (),
    members: Sequence[str] = (),
) -> LoadPlan:
    """The query for Cube.

    Args:
        query: what is asked.
        model: Cube's own, as it was read.
        row_limit: most rows that are kept.
        columns: of the same query by our compiler, so that a result looks the same on every route;
            empty where only Cube can compute it.
        members: of `columns`, in parallel.

    Raises:
        CubeNotUsed: Cube has no words for it.
    """
    _check_forms(query, model)
    shown = _shown(query, model, columns, members)
    order = _order(query, shown)
    wanted = query.limit if query.limit is not None and query.limit <= row_limit else None
    asked = wanted or min(row_limit + 1, MAX_ROWS)
    if asked > MAX_ROWS:
        raise CubeNotUsed(f"Cube gives at most {MAX_ROWS:,} rows.")
    found: dict[str, Any] = {
        "measures": list(dict.fromkeys(query.measures)),
        "dimensions": list(dict.fromkeys(item.member for item in query.dimensions)),
        "timeDimensions": [_time(item) for item in query.time_dimensions],
        "filters": [condition_for_cube(item, model) for item in query.filters],
        "segments": list(query.segments),
        "order": [[_ordered_by(shown, key), "desc" if down else "asc"] for key, down in order],
        "limit": asked,
        "timezone": query.time_zone or "UTC",
    }
    return LoadPlan(
        query={key: value for key, value in found.items() if value or key == "order"},
        columns=shown,
        asked_rows=asked,
        is_cut=wanted is not None,
        order=order,
        ranges=tuple(
            days for item in query.time_dimensions for days in sorted(item.compare_date_ranges)
        ),
    )


def _check_forms(query: SemanticQuery, model: SemanticModel) -> None:
    _refuse_if(
        (bool(query.metrics), "figures of a single question"),
        (bool(query.fields), "columns that are computed for a single question"),
        (query.is_ungrouped, "single rows"),
        (bool(query.limit_by) or query.with_ties, "the best of each group, or ties"),
        (query.keep_empty, "groups without rows"),
        (query.limit is not None and query.limit < 1, "this limit"),
        (any(item.role for item in query.dimensions), "one of several joins to the same table"),
    )
    for item in query.time_dimensions:
        week = item.granularity is Granularity.WEEK
        _refuse_if(
            (item.part is not None, "parts of dates, such as weekdays"),
            (bool(item.role), "one of several joins to the same table"),
            (item.fill_gaps, "spans of time without rows"),
            (week and query.week_start != 1, "weeks that do not begin on Monday"),
        )
    if _is_compared(query) and (query.order or query.limit is not None):
        raise _cannot("an order or a limit over all of the compared periods")
    if sum(bool(item.compare_date_ranges) for item in query.time_dimensions) > 1:
        raise _cannot("comparing by two dates")
    times = Counter(item.dimension for item in query.time_dimensions)
    if any(count > 1 for count in times.values()):
        raise _cannot("the same date twice")
    unknown = [name for name in query.measures if model.find_measure(name) is None]
    unknown += [i.member for i in query.dimensions if model.find_dimension(i.member) is None]
    unknown += [
        t.dimension for t in query.time_dimensions if model.find_dimension(t.dimension) is None
    ]
    if unknown:
        raise CubeNotUsed(f"Cube's model has no “{unknown[0][:80]}”.")


def _is_compared(query: SemanticQuery) -> bool:
    return any(item.compare_date_ranges for item in query.time_dimensions)


def _refuse_if(*cases: tuple[bool, str]) -> None:
    for is_so, what in cases:
        if is_so:
            raise _cannot(what)


def _cannot(what: str) -> CubeNotUsed:
    return CubeNotUsed(f"Cube cannot express {what}.")


def _time(item: TimeDimension) -> dict[str, Any]:
    found: dict[str, Any] = {"dimension": item.dimension}
    if item.granularity is not None:
        found["granularity"] = item.granularity.value
    if item.compare_date_ranges:
        found["compareDateRange"] = [list(days) for days in sorted(item.compare_date_ranges)]
    elif item.date_range is not None:
        found["dateRange"] = list(item.date_range)
    return found


def _shown(
    query: SemanticQuery, model: SemanticModel, columns: Sequence[Column], members: Sequence[str]
) -> tuple[CubeColumn, ...]:
    """In the order of the compiler: the compared range, times, dimensions, measures."""
    own = _own_columns(query, model)
    if not own:
        raise CubeNotUsed("The query shows nothing.")
    if not columns:
        return _named(own)
    keys: dict[str, deque[CubeColumn]] = defaultdict(deque)
    for item in own:
        keys[item.member].append(item)
    if len(columns) != len(own) or len(members) != len(own):
        raise _cannot("all columns of this query")
    shown = []
    for position, (column, member) in enumerate(zip(columns, members, strict=True)):
        is_range = position == 0 and not own[0].member
        found = keys["" if is_range else member]
        if not found:
            raise _cannot("all columns of this query")
        shown.append(replace(found.popleft(), column=column))
    return tuple(shown)


def _own_columns(query: SemanticQuery, model: SemanticModel) -> list[CubeColumn]:
    found: list[CubeColumn] = []
    if _is_compared(query):
        column = Column(name="period", type="string", title="Period")
        found.append(CubeColumn(key=COMPARED, member="", column=column))
    for item in query.time_dimensions:
        if item.granularity is not None:
            span = item.granularity.value
            kind = "timestamp" if item.granularity is Granularity.HOUR else "date"
            name = f"{_short(item.dimension)}_{span}"
            column = Column(name=name, type=kind, title=span.capitalize())
            key = f"{item.dimension}.{span}"
            found.append(CubeColumn(key=key, member=item.dimension, column=column))
    for name in dict.fromkeys(item.member for item in query.dimensions):
        found.append(CubeColumn(key=name, member=name, column=_of_dimension(name, model)))
    for name in dict.fromkeys(query.measures):
        found.append(CubeColumn(key=name, member=name, column=_of_measure(name, model)))
    return found


def _of_dimension(name: str, model: SemanticModel) -> Column:
    dimension = model.find_dimension(name)
    if dimension is None:
        raise CubeNotUsed(f"Cube's model has no “{name[:80]}”.")
    kind = _TYPES[dimension.type]
    return Column(name=_short(name), type=kind, title=dimension.title, unit=dimension.unit)


def _of_measure(name: str, model: SemanticModel) -> Column:
    measure = model.find_measure(name)
    if measure is None:
        raise CubeNotUsed(f"Cube's model has no “{name[:80]}”.")
    kind = "integer" if measure.aggregation in _COUNTS else "number"
    return Column(name=_short(name), type=kind, title=measure.title, unit=measure.unit)


def _short(member: str) -> str:
    return member.rpartition(".")[2]


def _named(columns: Sequence[CubeColumn]) -> tuple[CubeColumn, ...]:
    """Short names where they are unique, else with the cube in front."""
    crowded = {n for n, count in Counter(item.column.name for item in columns).items() if count > 1}
    named = []
    for item in columns:
        name = item.column.name
        if name in crowded:
            name = item.key.replace(".", "_")
        named.append(replace(item, column=replace(item.column, name=name)))
    return tuple(named)


def _order(query: SemanticQuery, shown: Sequence[CubeColumn]) -> tuple[tuple[str, bool], ...]:
    """As the compiler orders: what is asked, else by time, else by the largest first measure."""
    spans = {item.dimension for item in query.time_dimensions if item.granularity is not None}
    times = [item.key for item in shown if item.key.rpartition(".")[0] in spans]
    measured = [item.key for item in shown if item.key in query.measures]
    groups = [item.key for item in shown if item.key not in query.measures and item.member]
    wanted = [(_found(item, shown), item.descending) for item in query.order]
    if not wanted:
        wanted = [(key, False) for key in times]
    if not wanted and measured and groups and not _is_compared(query):
        wanted = [(measured[0], True)]
    ordered: dict[str, bool] = {}
    for key, descending in (*wanted, *((key, False) for key in groups)):
        ordered.setdefault(key, descending)
    return tuple(ordered.items())


def _found(item: Order, shown: Sequence[CubeColumn]) -> str:
    for column in shown:
        if column.member and item.member in (column.member, column.column.name):
            return column.key
    raise _cannot("an order by what is not shown")


def _ordered_by(shown: Sequence[CubeColumn], key: str) -> str:
    """Cube names a time in an order without its span."""
    return next(item.member for item in shown if item.key == key)
