"""Random semantic queries over a random schema."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import (
    Arithmetic,
    ColumnTerm,
    Condition,
    Constant,
    DimensionRef,
    Existence,
    Expression,
    Filter,
    FilterGroup,
    FilterOperator,
    Granularity,
    MeasureTerm,
    Metric,
    Operator,
    Overall,
    PerGroup,
    RowAggregate,
    SemanticQuery,
    TimeDimension,
    Windowed,
    WindowKind,
)
from tests.unit.semantic.brute.schemas import TEXTS, Schema

_MEASURES = ("count", "sum_n", "avg_w", "max_n", "median_w", "texts")
_DAYS = ("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-29", "2024-03-05")
_O = FilterOperator
_BY_COLUMN: dict[str, tuple[tuple[FilterOperator, ...], tuple[str, ...]]] = {
    "n": ((_O.EQUALS, _O.NOT_EQUALS, _O.GT, _O.GTE, _O.LT, _O.LTE), ("-1", "0", "1", "2")),
    "w": ((_O.GT, _O.LTE, _O.EQUALS), ("-0.5", "0", "1.25")),
    "t": (
        (
            _O.EQUALS, _O.NOT_EQUALS, _O.CONTAINS, _O.NOT_CONTAINS, _O.STARTS_WITH,
            _O.NOT_STARTS_WITH, _O.ENDS_WITH, _O.NOT_ENDS_WITH,
        ),
        (*TEXTS, "%", "'"),
    ),
    "yes": ((_O.EQUALS, _O.NOT_EQUALS), ("true", "false")),
    "moment": (
        (
            _O.EQUALS, _O.NOT_EQUALS, _O.BEFORE_DATE, _O.BEFORE_OR_ON_DATE, _O.AFTER_DATE,
            _O.AFTER_OR_ON_DATE, _O.IN_DATE_RANGE, _O.NOT_IN_DATE_RANGE,
        ),
        _DAYS,
    ),
}  # fmt: skip
_LISTS = (_O.EQUALS, _O.NOT_EQUALS, _O.CONTAINS, _O.NOT_CONTAINS)
_RANGES = (_O.IN_DATE_RANGE, _O.NOT_IN_DATE_RANGE)


@st.composite
def filters(draw: st.DrawFn, cubes: tuple[str, ...]) -> Filter:
    cube = draw(st.sampled_from(cubes))
    column = draw(st.sampled_from(tuple(_BY_COLUMN)))
    member = f"{cube}.{column}"
    if column == "n" and draw(st.integers(0, 5)) == 0:
        operator = draw(st.sampled_from((_O.EQUALS, _O.NOT_EQUALS, _O.GT, _O.LTE)))
        return Filter(member=member, operator=operator, other=f"{cube}.id")
    if draw(st.integers(0, 5)) == 0:
        return Filter(member=member, operator=draw(st.sampled_from((_O.SET, _O.NOT_SET))))
    operators, values = _BY_COLUMN[column]
    operator = draw(st.sampled_from(operators))
    one = st.sampled_from(values)
    if operator in _RANGES:
        first, last = sorted((draw(one), draw(one)))
        return Filter(member=member, operator=operator, values=(first, last))
    chosen = draw(st.lists(one, min_size=1, max_size=2 if operator in _LISTS else 1, unique=True))
    return Filter(member=member, operator=operator, values=tuple(chosen))


@lru_cache(maxsize=256)
def conditions(cubes: tuple[str, ...], depth: int = 2) -> st.SearchStrategy[Condition]:
    plain: st.SearchStrategy[Any] = filters(cubes)
    if depth == 0:
        return plain
    inner = st.lists(conditions(cubes, depth - 1), min_size=1, max_size=3).map(tuple)
    groups = st.builds(
        FilterGroup, conditions=inner, is_any=st.booleans(), is_negated=st.booleans()
    )
    existences = st.builds(
        Existence,
        cube=st.sampled_from(cubes),
        conditions=st.lists(conditions(cubes, depth - 1), max_size=2).map(tuple),
        is_negated=st.booleans(),
        at_least=st.sampled_from((1, 1, 2)),
    )
    return st.one_of(plain, plain, groups, existences)


@st.composite
def leaves(draw: st.DrawFn, schema: Schema) -> Expression:
    cube = draw(st.sampled_from(schema.cubes))
    own = draw(st.lists(conditions(schema.cubes, 1), max_size=1).map(tuple))
    if draw(st.booleans()):
        return MeasureTerm(measure=f"{cube}.{draw(st.sampled_from(_MEASURES))}", conditions=own)
    ones = [cube, *_ones(schema, cube)]
    column = draw(st.sampled_from(ones))
    aggregation = draw(
        st.sampled_from((Aggregation.SUM, Aggregation.COUNT, Aggregation.MIN, Aggregation.AVG))
    )
    row = ColumnTerm(member=f"{column}.n")
    return RowAggregate(aggregation=aggregation, cube=cube, row=row, conditions=own)


def _ones(schema: Schema, cube: str) -> list[str]:
    """Tables of which a row has at most one."""
    targets = [target for own, target in schema.edges if own == cube]
    return targets + [further for target in targets for further in _ones(schema, target)]


@st.composite
def figures(
    draw: st.DrawFn, schema: Schema, keys: tuple[DimensionRef, ...], *, has_time: bool
) -> Expression:
    leaf = draw(leaves(schema))
    kind = draw(st.integers(0, 7))
    if kind <= 1:
        return leaf
    if kind == 2:
        operator = draw(st.sampled_from(tuple(Operator)))
        right = draw(leaves(schema) | st.just(Constant(constant="2")))
        return Arithmetic(operator=operator, left=leaf, right=right)
    if kind == 3:
        return Arithmetic(operator=Operator.SUBTRACT, left=leaf, right=Overall(overall=leaf))
    if kind <= 5:
        plain = (WindowKind.SHARE, WindowKind.RANK, WindowKind.TOTAL, WindowKind.MEAN)
        ordered = (WindowKind.RUNNING_TOTAL, WindowKind.PREVIOUS, WindowKind.CHANGE)
        within = draw(st.sampled_from(((), keys[:1])))
        window = draw(st.sampled_from((*plain, *ordered) if has_time else plain))
        return Windowed(
            window=window,
            of=leaf,
            within=() if window in ordered else within,
            ascending=draw(st.booleans()),
        )
    per = DimensionRef(member=f"{draw(st.sampled_from(schema.cubes))}.id")
    limits: tuple[Condition, ...] = ()
    if draw(st.booleans()):
        limits = (Filter(member="each", operator=_O.GTE, values=("1",)),)
    aggregation = draw(st.sampled_from((Aggregation.AVG, Aggregation.COUNT, Aggregation.MAX)))
    return PerGroup(aggregation=aggregation, per=(per,), each=leaf, conditions=limits)


@st.composite
def queries(draw: st.DrawFn, schema: Schema) -> SemanticQuery:
    cubes = schema.cubes
    members = st.sampled_from(
        [f"{cube}.{column}" for cube in cubes for column in ("t", "yes", "id")]
    )
    names = draw(st.lists(members, max_size=2, unique=True))
    keys = tuple(DimensionRef(member=name) for name in names)
    times: tuple[TimeDimension, ...] = ()
    if draw(st.integers(0, 3)) == 0:
        spans = [item for item in Granularity if item is not Granularity.HOUR]
        times = (
            TimeDimension(
                dimension=f"{draw(st.sampled_from(cubes))}.moment",
                granularity=draw(st.sampled_from(spans)),
            ),
        )
    leaf = draw(leaves(schema))
    metrics = [Metric(name="first", expression=leaf)]
    metrics += [
        Metric(name=f"m{n}", expression=draw(figures(schema, keys, has_time=bool(times))))
        for n in range(draw(st.integers(0, 1)))
    ]
    having: list[Condition] = []
    if draw(st.integers(0, 4)) == 0:
        operator = draw(st.sampled_from((_O.GT, _O.LTE, _O.NOT_EQUALS, _O.SET)))
        values = () if operator is _O.SET else ("1",)
        having = [Filter(member="first", operator=operator, values=values)]
    where = draw(st.lists(conditions(cubes), max_size=2))
    return SemanticQuery(
        measures=tuple(metric.name for metric in metrics),
        dimensions=keys,
        time_dimensions=times,
        filters=(*where, *having),
        metrics=tuple(metrics),
    )
