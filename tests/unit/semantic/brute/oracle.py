"""What a semantic query means, worked out row by row. Nothing here knows of SQL or of the compiler."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    Operator,
    Overall,
    PerGroup,
    RowAggregate,
    SemanticQuery,
    TimeDimension,
    Windowed,
    WindowKind,
)
from tests.unit.semantic.brute.schemas import Row, Schema

Joined = dict[str, Row | None]
Group = tuple[Any, ...]
Keys = tuple[DimensionRef | TimeDimension, ...]

_MEASURES = {
    "count": (Aggregation.COUNT, ""),
    "sum_n": (Aggregation.SUM, "n"),
    "avg_w": (Aggregation.AVG, "w"),
    "max_n": (Aggregation.MAX, "n"),
    "median_w": (Aggregation.MEDIAN, "w"),
    "texts": (Aggregation.COUNT_DISTINCT, "t"),
}


@dataclass(frozen=True)
class Place:
    """A row, seen from its own table, and rows that are joined to it already."""

    start: str
    joined: Joined


class Oracle:
    def __init__(self, schema: Schema, query: SemanticQuery) -> None:
        self.schema = schema
        self.query = query
        self.metrics = {metric.name: metric for metric in query.metrics}

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of the result, in any order."""
        keys: Keys = (
            *(item for item in self.query.time_dimensions if item.granularity),
            *self.query.dimensions,
        )
        row_filters = [f for f in self.query.filters if not self.is_of_groups(f)]
        figures = {name: self.expression(name) for name in self.query.measures}
        having = [f for f in self.query.filters if self.is_of_groups(f)]
        needed = [*figures.values()]
        needed += [self.expression(f.member) for f in having if isinstance(f, Filter)]
        groups = Groups(self, keys, row_filters, needed)
        found = []
        for group in groups.names:
            values = {name: groups.value(item, group) for name, item in figures.items()}
            holds = [
                compare(f, groups.value(self.expression(f.member), group))
                for f in having
                if isinstance(f, Filter)
            ]
            if all(holds):
                found.append((*group, *values.values()))
        return found

    def is_of_groups(self, item: Condition) -> bool:
        if not isinstance(item, Filter):
            return False
        return item.member in self.metrics or item.member.partition(".")[2] in _MEASURES

    def expression(self, name: str) -> Expression:
        if name in self.metrics:
            return self.metrics[name].expression
        return MeasureTerm(measure=name)

    # --- ways between rows ---

    def way(self, start: str, end: str) -> list[tuple[str, str, bool]]:
        """Steps (from, to, whether to many) of the only way."""
        waiting: list[tuple[str, list[tuple[str, str, bool]]]] = [(start, [])]
        seen = {start}
        for at, steps in waiting:
            if at == end:
                return steps
            for owner, target in self.schema.edges:
                for here, there, up in ((owner, target, False), (target, owner, True)):
                    if here == at and there not in seen:
                        seen.add(there)
                        waiting.append((there, [*steps, (here, there, up)]))
        raise AssertionError(f"no way from {start} to {end}")

    def partners(self, row: Row, here: str, there: str, *, up: bool) -> list[Row]:
        if up:
            return [r for r in self.schema.rows[there] if r[f"{here}_id"] == row["id"]]
        return [r for r in self.schema.rows[there] if r["id"] == row[f"{there}_id"]]

    def spread(self, start: str, row: Row, needed: Iterable[str]) -> list[Joined]:
        """The row with each combination of what belongs to it, None where there is nothing."""
        found: list[Joined] = [{start: row}]
        for cube in needed:
            for here, there, up in self.way(start, cube):
                if there in found[0]:
                    continue
                further: list[Joined] = []
                for joined in found:
                    parent = joined[here]
                    matches = self.partners(parent, here, there, up=up) if parent else []
                    further.extend({**joined, there: match} for match in matches or [None])
                found = further
        return found

    def reached(self, start: str, row: Row, end: str) -> list[Row]:
        """All different rows of a table that belong to the row."""
        rows = [row]
        for here, there, up in self.way(start, end):
            rows = [match for item in rows for match in self.partners(item, here, there, up=up)]
        return list({item["id"]: item for item in rows}.values())

    def value(self, member: str, place: Place) -> Any:
        cube, _, column = member.partition(".")
        row = place.joined[place.start]
        for here, there, up in self.way(place.start, cube):
            if there in place.joined:
                row = place.joined[there]
            elif row is not None:
                matches = self.partners(row, here, there, up=up)
                assert len(matches) <= 1
                row = matches[0] if matches else None
        return row[column] if row is not None else None

    # --- conditions ---

    def all_of(self, conditions: Sequence[Condition], place: Place) -> bool | None:
        """Conditions on one table of many rows are about the same of its rows."""
        results: list[bool | None] = []
        related: dict[str, list[Condition]] = {}
        for item in conditions:
            many = self.related(item, place)
            if many:
                related.setdefault(many, []).append(item)
            else:
                results.append(self.holds(item, place))
        for many, items in related.items():
            start = place.joined[place.start]
            assert start is not None
            results.append(
                any(
                    self.all_of(items, Place(many, {many: row})) is True
                    for row in self.reached(place.start, start, many)
                )
            )
        return both(results)

    def related(self, item: Condition, place: Place) -> str:
        """The table of many rows that a condition is about, if it is about one alone."""
        if isinstance(item, Existence):
            return ""
        if isinstance(item, FilterGroup):
            inner = {self.related(part, place) for part in item.conditions}
            plain = not any(contains_existence(part) for part in item.conditions)
            return inner.pop() if len(inner) == 1 and plain and not item.is_negated else ""
        cubes = {m.partition(".")[0] for m in (item.member, item.other) if m}
        found = {self.last_up(place, cube) for cube in cubes} - {""}
        return found.pop() if found else ""

    def last_up(self, place: Place, cube: str) -> str:
        ups = [there for _, there, up in self.way(place.start, cube) if up]
        return ups[-1] if ups and ups[-1] not in place.joined else ""

    def holds(self, item: Condition, place: Place) -> bool | None:
        if isinstance(item, FilterGroup):
            if item.is_any:
                found = either([self.all_of([part], place) for part in item.conditions])
            else:
                found = self.all_of(item.conditions, place)
            return found is not True if item.is_negated else found
        if isinstance(item, Existence):
            return self.exists(item, place) is not item.is_negated
        value = self.value(item.member, place)
        if item.other:
            return compare_two(item, value, self.value(item.other, place))
        return compare(item, value)

    def exists(self, item: Existence, place: Place) -> bool:
        start = place.joined[place.start]
        assert start is not None
        rows = [start]
        if item.of and item.of != place.start:
            rows = self.reached(place.start, start, item.of)
        near = item.of or place.start
        far = {row["id"]: row for middle in rows for row in self.reached(near, middle, item.cube)}
        fitting = []
        for row in far.values():
            inside = place if item.cube == place.start else Place(item.cube, {item.cube: row})
            if self.all_of(item.conditions, inside) is True:
                fitting.append(row)
        return len(fitting) >= item.at_least


class Groups:
    """Groups of a query, and figures over them."""

    def __init__(
        self,
        oracle: Oracle,
        keys: Keys,
        conditions: Sequence[Condition],
        figures: Sequence[Expression],
    ) -> None:
        self.oracle = oracle
        self.keys = keys
        self.conditions = conditions
        self.cache: dict[str, dict[Group, list[tuple[Row, list[Place]]]]] = {}
        self.names: list[Group] = [] if keys else [()]
        for item in figures:
            for leaf in leaves(item):
                if isinstance(leaf, MeasureTerm | RowAggregate):
                    self._add(self._groups(cube_of(leaf)))
                elif isinstance(leaf, PerGroup):
                    self._add(self._per_group(leaf))
        if not self.names:
            own = [leaf for item in figures for leaf in leaves(item)]
            if own and all(isinstance(leaf, Overall) for leaf in own):
                raise AssertionError("needs a figure of the groups")

    def _add(self, groups: Iterable[Group]) -> None:
        for group in groups:
            if group not in self.names:
                self.names.append(group)

    def _groups(self, cube: str) -> dict[Group, list[tuple[Row, list[Place]]]]:
        """For each group its rows, once each, with all the ways in which they are in it."""
        if cube in self.cache:
            return self.cache[cube]
        oracle = self.oracle
        needed = [member_of(key).partition(".")[0] for key in self.keys]
        found: dict[Group, dict[int, tuple[Row, list[Place]]]] = {}
        for row in oracle.schema.rows[cube]:
            for joined in oracle.spread(cube, row, needed):
                place = Place(cube, joined)
                if oracle.all_of(self.conditions, place) is not True:
                    continue
                group = tuple(
                    key_value(key, oracle.value(member_of(key), place)) for key in self.keys
                )
                found.setdefault(group, {}).setdefault(row["id"], (row, []))[1].append(place)
        self.cache[cube] = {group: list(rows.values()) for group, rows in found.items()}
        return self.cache[cube]

    def value(self, item: Expression, group: Group) -> Any:
        match item:
            case Constant():
                return float(item.constant)
            case Arithmetic():
                return calculate(
                    item.operator, self.value(item.left, group), self.value(item.right, group)
                )
            case MeasureTerm() | RowAggregate():
                return self._aggregate(item, group)
            case Overall():
                inner = Groups(self.oracle, (), self.conditions, [item.overall])
                return inner.value(item.overall, ())
            case PerGroup():
                values = self._per_group(item).get(group, [])
                return fold(item.aggregation, values)
            case Windowed():
                return self._window(item, group)

    def _aggregate(self, leaf: MeasureTerm | RowAggregate, group: Group) -> Any:
        rows = self._groups(cube_of(leaf)).get(group, [])
        chosen = [
            (row, places)
            for row, places in rows
            if any(self.oracle.all_of(leaf.conditions, place) is True for place in places)
        ]
        if isinstance(leaf, RowAggregate):
            assert isinstance(leaf.row, ColumnTerm)
            member = leaf.row.member
            values = [self.oracle.value(member, places[0]) for _, places in chosen]
            return fold(leaf.aggregation, values)
        aggregation, column = _MEASURES[leaf.measure.partition(".")[2]]
        return fold(aggregation, [row[column] if column else 1 for row, _ in chosen])

    def _per_group(self, leaf: PerGroup) -> dict[Group, list[Any]]:
        keys = (*self.keys, *leaf.per)
        inner = Groups(self.oracle, keys, self.conditions, [leaf.each])
        found: dict[Group, list[Any]] = {}
        for group in inner.names:
            if all(value is None for value in group[len(self.keys) :]):
                continue
            value = inner.value(leaf.each, group)
            if all(compare(c, value) for c in leaf.conditions if isinstance(c, Filter)):
                found.setdefault(group[: len(self.keys)], []).append(value)
        return found

    def _window(self, item: Windowed, group: Group) -> Any:
        within = [number for number, key in enumerate(self.keys) if _is_within(key, item)]
        ordered = item.window in (WindowKind.RUNNING_TOTAL, WindowKind.PREVIOUS, WindowKind.CHANGE)
        if ordered:
            within = [n for n, key in enumerate(self.keys) if isinstance(key, DimensionRef)]
        mine = [g for g in self.names if all(g[n] == group[n] for n in within)]
        values = {g: self.value(item.of, g) for g in mine}
        own = values[group]
        known = [value for value in values.values() if value is not None]
        match item.window:
            case WindowKind.TOTAL:
                return sum(known) if known else None
            case WindowKind.MEAN:
                return sum(known) / len(known) if known else None
            case WindowKind.SHARE:
                return calculate(Operator.DIVIDE, own, sum(known) if known else None)
            case WindowKind.RANK:
                if own is None:
                    return None
                better = [v for v in known if (v < own if item.ascending else v > own)]
                return len(better) + 1
        time = next(n for n, key in enumerate(self.keys) if isinstance(key, TimeDimension))
        if group[time] is None:
            return None
        before = sorted((g for g in mine if g[time] is not None), key=lambda g: g[time])
        at = before.index(group)
        if item.window is WindowKind.RUNNING_TOTAL:
            sums = [values[g] for g in before[: at + 1] if values[g] is not None]
            return sum(sums) if sums else None
        previous = values[before[at - item.offset]] if at >= item.offset else None
        if item.window is WindowKind.PREVIOUS:
            return previous
        return calculate(Operator.SUBTRACT, own, previous)


def _is_within(key: DimensionRef | TimeDimension, item: Windowed) -> bool:
    return isinstance(key, DimensionRef) and key in item.within


def member_of(key: DimensionRef | TimeDimension) -> str:
    return key.member if isinstance(key, DimensionRef) else key.dimension


def key_value(key: DimensionRef | TimeDimension, value: Any) -> Any:
    if isinstance(key, DimensionRef) or value is None:
        return value
    day = value.date()
    starts: dict[Granularity, Callable[[], Any]] = {
        Granularity.DAY: lambda: day,
        Granularity.WEEK: lambda: day.fromordinal(day.toordinal() - day.weekday()),
        Granularity.MONTH: lambda: day.replace(day=1),
        Granularity.QUARTER: lambda: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        Granularity.YEAR: lambda: day.replace(month=1, day=1),
    }
    assert key.granularity is not None
    return starts[key.granularity]()


def cube_of(leaf: MeasureTerm | RowAggregate) -> str:
    return leaf.cube if isinstance(leaf, RowAggregate) else leaf.measure.partition(".")[0]


def leaves(item: Expression) -> list[Expression]:
    if isinstance(item, Arithmetic):
        return [*leaves(item.left), *leaves(item.right)]
    if isinstance(item, Windowed):
        return leaves(item.of)
    return [] if isinstance(item, Constant) else [item]


def contains_existence(item: Condition) -> bool:
    if isinstance(item, FilterGroup):
        return any(contains_existence(part) for part in item.conditions)
    return isinstance(item, Existence)


def fold(aggregation: Aggregation, values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if aggregation is Aggregation.COUNT:
        return len(known)
    if aggregation is Aggregation.COUNT_DISTINCT:
        return len(set(known))
    if not known:
        return None
    folds: dict[Aggregation, Callable[[Any], Any]] = {
        Aggregation.SUM: sum,
        Aggregation.MIN: min,
        Aggregation.MAX: max,
        Aggregation.AVG: lambda items: sum(items) / len(items),
        Aggregation.MEDIAN: statistics.median,
    }
    return folds[aggregation](known)


def calculate(operator: Operator, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if operator is Operator.DIVIDE:
        return left / right if right else None
    return {
        Operator.ADD: left + right,
        Operator.SUBTRACT: left - right,
        Operator.MULTIPLY: left * right,
    }[operator]


def both(results: Sequence[bool | None]) -> bool | None:
    if False in results:
        return False
    return None if None in results else True


def either(results: Sequence[bool | None]) -> bool | None:
    if True in results:
        return True
    return None if None in results else False


def compare_two(item: Filter, value: Any, other: Any) -> bool | None:
    if value is None or other is None:
        return True if item.operator is FilterOperator.NOT_EQUALS else None
    return _ordered(item.operator, value, other)


def _ordered(operator: FilterOperator, value: Any, other: Any) -> bool:
    return bool(
        {
            FilterOperator.EQUALS: value == other,
            FilterOperator.NOT_EQUALS: value != other,
            FilterOperator.GT: value > other,
            FilterOperator.GTE: value >= other,
            FilterOperator.LT: value < other,
            FilterOperator.LTE: value <= other,
        }[operator]
    )


def compare(item: Condition, value: Any) -> bool | None:
    assert isinstance(item, Filter)
    operator = item.operator
    if operator is FilterOperator.SET:
        return value is not None
    if operator is FilterOperator.NOT_SET:
        return value is None
    if value is None:
        return True if operator.value.startswith("not") else None
    if isinstance(value, bool):
        wanted = [text == "true" for text in item.values]
        return (value in wanted) is (operator is FilterOperator.EQUALS)
    if isinstance(value, str):
        return _compare_text(operator, value, item.values)
    if isinstance(value, datetime):
        return _compare_time(operator, value, item.values)
    numbers = [float(text) for text in item.values]
    if operator is FilterOperator.EQUALS:
        return value in numbers
    if operator is FilterOperator.NOT_EQUALS:
        return value not in numbers
    return _ordered(operator, value, numbers[0])


def _compare_text(operator: FilterOperator, value: str, texts: Sequence[str]) -> bool:
    if operator is FilterOperator.EQUALS:
        return value in texts
    if operator is FilterOperator.NOT_EQUALS:
        return value not in texts
    small = [text.lower() for text in texts]
    tests: dict[str, Callable[[str], bool]] = {
        "contains": lambda text: text in value.lower(),
        "startswith": lambda text: value.lower().startswith(text),
        "endswith": lambda text: value.lower().endswith(text),
    }
    name = operator.value.lower()
    found = any(tests[name.removeprefix("not")](text) for text in small)
    return not found if name.startswith("not") else found


def _compare_time(operator: FilterOperator, value: datetime, texts: Sequence[str]) -> bool:
    day = value.date().isoformat()
    match operator:
        case FilterOperator.EQUALS:
            return day in texts
        case FilterOperator.NOT_EQUALS:
            return day not in texts
        case FilterOperator.IN_DATE_RANGE:
            return texts[0] <= day <= texts[1]
        case FilterOperator.NOT_IN_DATE_RANGE:
            return not texts[0] <= day <= texts[1]
        case FilterOperator.BEFORE_DATE | FilterOperator.LT:
            return day < texts[0]
        case FilterOperator.BEFORE_OR_ON_DATE | FilterOperator.LTE:
            return day <= texts[0]
        case FilterOperator.AFTER_DATE | FilterOperator.GT:
            return day > texts[0]
    return day >= texts[0]
