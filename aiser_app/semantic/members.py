"""The columns of a result: what each shows, how it is called, its type, title and unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.domain.semantic_query import (
    ColumnTerm,
    DimensionRef,
    Duration,
    Expression,
    Field,
    Granularity,
    RowExpression,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.keys import PERIOD, Key, check_time
from aiser_app.semantic.kinds import expression_kind, is_whole, unit_of
from aiser_app.semantic.scope import Build
from aiser_app.semantic.titles import column_title, singular_title
from aiser_app.semantic.windows import time_key

_TYPES = {
    DimensionType.NUMBER: "number",
    DimensionType.BOOLEAN: "boolean",
    DimensionType.TIME: "timestamp",
    DimensionType.STRING: "string",
}
_GENERIC_TITLES = frozenset({"name", "title", "label", "code", "id", "description", "type"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A column of the result: a key of the groups, or a figure of them."""

    name: str
    """`cube.member`, or the name of a field or metric."""
    short: str
    cube: Cube | None = None
    key: Key | None = None
    expression: Expression | None = None
    alias: str = ""
    column: Column = field(default_factory=lambda: Column(name="", type="string"))

    @property
    def identity(self) -> tuple[object, ...]:
        key = self.key
        place = (key.role, key.granularity, key.part, key.periods) if key is not None else ()
        return (self.name, place, self.expression is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Members:
    """`grouped` are periods, times, then dimensions and fields; `measured` measures and metrics."""

    grouped: tuple[Member, ...]
    measured: tuple[Member, ...]

    @property
    def shown(self) -> tuple[Member, ...]:
        return (*self.grouped, *self.measured)

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(member.key for member in self.grouped if member.key is not None)

    def find(self, name: str) -> Member | None:
        """What an order refers to; the span of a time, rather than the time as it is."""
        return next((m for m in self.shown if name in (m.name, m.alias)), None)


def shown_members(query: SemanticQuery, build: Build) -> Members:
    """Look up everything that is shown.

    Raises:
        QueryInvalid: an unknown member, or nothing to show.
    """
    found: list[Member] = []
    for item in query.time_dimensions:
        found.extend(_times(item, build))
    found.sort(key=lambda member: member.key is None or not member.key.periods)
    found.extend(_dimension(item, build) for item in query.dimensions)
    found.extend(_figure(name, build) for name in query.measures)
    members = _named(_unique(found), build)
    if not members:
        raise QueryInvalid("The query shows nothing: add a measure or a dimension.")
    return Members(
        grouped=tuple(member for member in members if member.key is not None),
        measured=tuple(member for member in members if member.key is None),
    )


def _times(item: TimeDimension, build: Build) -> list[Member]:
    check_time(item)
    if build.words.kind(item.dimension) is not DimensionType.TIME:
        raise QueryInvalid(f"{item.dimension} is not a date or time.")
    cube = build.words.dimension(item.dimension)[0] if "." in item.dimension else None
    short = item.dimension.rpartition(".")[2]
    found = []
    if item.compare_date_ranges:
        key = Key(
            member=item.dimension,
            role=item.role,
            alias="",
            is_time=True,
            periods=item.compare_date_ranges,
        )
        found.append(Member(name=item.dimension, short=PERIOD, cube=cube, key=key))
    span = item.granularity or item.part
    if span is not None:
        short = f"{short}_{span.value}"
        found.append(Member(name=item.dimension, short=short, cube=cube, key=time_key(item, "")))
    return found


def _dimension(item: DimensionRef, build: Build) -> Member:
    key = Key(member=item.member, role=item.role, alias="")
    if build.words.find_field(item.member) is not None:
        return Member(name=item.member, short=item.member, key=key)
    cube, dimension = build.words.dimension(item.member)
    return Member(name=item.member, short=dimension.name, cube=cube, key=key)


def _figure(name: str, build: Build) -> Member:
    expression = build.words.expression(name)
    if build.words.find_metric(name) is not None:
        return Member(name=name, short=name, expression=expression)
    cube, measure = build.words.measure(name)
    return Member(name=name, short=measure.name, cube=cube, expression=expression)


def _unique(members: list[Member]) -> list[Member]:
    """The same column asked for twice is shown once."""
    return list({member.identity: member for member in reversed(members)}.values())[::-1]


def _named(members: list[Member], build: Build) -> list[Member]:
    """Short names where they are unique, else with the role or the cube in front."""
    crowded = {name for name, count in Counter(m.short for m in members).items() if count > 1}
    taken: set[str] = set()
    named = []
    for member in members:
        front = (member.key.role if member.key else "") or (member.cube.name if member.cube else "")
        alias = f"{front}_{member.short}" if member.short in crowded and front else member.short
        while alias in taken:
            alias = f"{member.cube.name if member.cube else 'query'}_{alias}"
        taken.add(alias)
        key = replace(member.key, alias=alias) if member.key is not None else None
        named.append(replace(member, alias=alias, key=key, column=_column(member, alias, build)))
    return named


def _column(member: Member, alias: str, build: Build) -> Column:
    if member.expression is not None:
        return _figure_column(member, member.expression, alias, build)
    if member.key is not None:
        return _key_column(member, member.key, alias, build)
    return member.column


def _figure_column(member: Member, expression: Expression, alias: str, build: Build) -> Column:
    kind = _TYPES[expression_kind(expression, build)]
    if kind == "number" and is_whole(expression, build):
        kind = "integer"
    metric = build.words.find_metric(member.name)
    if metric is None:
        measure = build.words.measure(member.name)[1]
        return Column(name=alias, type=kind, title=measure.title, unit=measure.unit)
    unit = metric.unit or ("%" if metric.is_percentage else unit_of(expression, build))
    return Column(name=alias, type=kind, title=metric.title or column_title(metric.name), unit=unit)


def _key_column(member: Member, key: Key, alias: str, build: Build) -> Column:
    if key.periods:
        return Column(name=alias, type="string", title="Period")
    if key.granularity is not None:
        kind = "timestamp" if key.granularity is Granularity.HOUR else "date"
        return Column(name=alias, type=kind, title=key.granularity.value.capitalize())
    if key.part is not None:
        return Column(name=alias, type="integer", title=column_title(key.part.value))
    own = build.words.find_field(member.name)
    if own is not None:
        kind = _TYPES[build.words.kind(member.name)]
        title = own.title or column_title(own.name)
        return Column(name=alias, type=kind, title=title, unit=own.unit or _field_unit(own, build))
    _, dimension = build.words.dimension(member.name)
    return Column(
        name=alias,
        type=_TYPES[dimension.type],
        title=_title(dimension, member, key.role),
        unit=dimension.unit,
    )


def _field_unit(own: Field, build: Build) -> str:
    row: RowExpression = own.row
    if isinstance(row, Duration):
        return {"minute": "min", "hour": "h", "second": "s"}.get(
            row.unit.value, f"{row.unit.value}s"
        )
    if isinstance(row, ColumnTerm) and "." in row.member:
        return build.words.dimension(row.member)[1].unit
    return ""


def _title(dimension: Dimension, member: Member, role: str) -> str:
    """“Name” alone says nothing beside other columns: it becomes “Airline name”."""
    title = dimension.title
    if title.casefold() in _GENERIC_TITLES and member.cube is not None:
        title = f"{singular_title(member.cube.title)} {title[:1].lower()}{title[1:]}"
    if role:
        title = f"{column_title(role)} {title[:1].lower()}{title[1:]}"
    return title


def shared_labels(members: Members, build: Build) -> list[str]:
    """A label that several rows share merges them; whoever reads the result should know."""
    found = [
        (member.cube, build.words.dimension(member.name)[1])
        for member in members.grouped
        if member.cube is not None and member.key is not None and not member.key.is_time
    ]
    notes: list[str] = []
    if any(dimension.is_key for _, dimension in found):
        return notes  # grouped by the key as well, which keeps them apart
    for cube, dimension in found:
        if not dimension.is_label or dimension.distinct_count is None:
            continue
        filled = round(cube.row_count * (1 - dimension.null_fraction))
        if dimension.distinct_count < filled:
            title, label = cube.title.lower(), dimension.title.lower()
            notes.append(f"Several {title} share one {label}; they are taken together.")
    return list(dict.fromkeys(notes))
