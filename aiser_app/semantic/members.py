"""The members of a semantic query, looked up in the model, each with its column of the result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from sqlglot import exp

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Measure,
    SemanticModel,
)
from aiser_app.domain.semantic_query import Filter, Granularity, SemanticQuery, TimeDimension
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.titles import column_title, singular_title

_AGGREGATES: dict[Aggregation, type[exp.AggFunc]] = {
    Aggregation.SUM: exp.Sum,
    Aggregation.AVG: exp.Avg,
    Aggregation.MIN: exp.Min,
    Aggregation.MAX: exp.Max,
    Aggregation.MEDIAN: exp.Median,
    Aggregation.COUNT: exp.Count,
}
_COUNTS = (Aggregation.COUNT, Aggregation.COUNT_DISTINCT)
_TYPES = {
    DimensionType.NUMBER: "number",
    DimensionType.BOOLEAN: "boolean",
    DimensionType.TIME: "timestamp",
    DimensionType.STRING: "string",
}
_GENERIC_TITLES = frozenset({"name", "title", "label", "code", "id", "description", "type"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A measure or a dimension in its place in one query."""

    cube: Cube
    short: str
    """Name within the cube."""
    role: str = ""
    dimension: Dimension | None = None
    measure: Measure | None = None
    granularity: Granularity | None = None
    alias: str = ""
    column: Column = field(default_factory=lambda: Column(name="", type="string"))

    @property
    def name(self) -> str:
        return f"{self.cube.name}.{self.short}"

    @property
    def source_column(self) -> str:
        """The column of the cube's table; empty for the row count."""
        found = self.dimension or self.measure
        return found.column if found is not None else ""

    @property
    def kind(self) -> DimensionType:
        return self.dimension.type if self.dimension is not None else DimensionType.NUMBER


@dataclass(frozen=True, kw_only=True, slots=True)
class Members:
    """`grouped` are time dimensions with a granularity, then dimensions; `times` all of them."""

    grouped: tuple[Member, ...]
    measured: tuple[Member, ...]
    times: tuple[Member, ...]
    filters: tuple[tuple[Filter, Member], ...]
    notes: tuple[str, ...] = ()

    @property
    def selected(self) -> tuple[Member, ...]:
        return (*self.grouped, *self.measured)

    @property
    def used(self) -> tuple[Member, ...]:
        """Everything that needs its table in the query, also what only filters."""
        return (*self.selected, *self.times, *(member for _, member in self.filters))

    def find_shown(self, name: str) -> Member:
        """The column that an order refers to.

        Raises:
            QueryInvalid: it is not part of the result.
        """
        for member in self.selected:
            if name in (member.name, member.alias):
                return member
        raise QueryInvalid(
            f"Rows can only be ordered by what is shown, not by {name[:80]}.",
            hint=f"Shown are: {', '.join(member.name for member in self.selected)}.",
        )


def resolve(query: SemanticQuery, model: SemanticModel) -> Members:
    """Look everything up.

    Raises:
        QueryInvalid: an unknown member, or nothing to show.
    """
    times = tuple(_time(item, model) for item in query.time_dimensions)
    dimensions = tuple(_dimension(item.member, model, item.role) for item in query.dimensions)
    measures = tuple(_measure(name, model) for name in query.measures)
    grouped = tuple(member for member in times if member.granularity is not None)
    shown = _named(_unique((*grouped, *dimensions, *measures)))
    if not shown:
        raise QueryInvalid("The query shows nothing: add a measure or a dimension.")
    return Members(
        grouped=tuple(member for member in shown if member.measure is None),
        measured=tuple(member for member in shown if member.measure is not None),
        times=times,
        filters=tuple((item, _filtered(item, model)) for item in query.filters),
        notes=tuple(_shared_labels(shown)),
    )


def aggregate(measure: Measure, column: exp.Expr | None) -> exp.Expr:
    """The aggregate as SQL; without a column it counts rows."""
    if column is None:
        return exp.Count(this=exp.Star())
    if measure.aggregation is Aggregation.COUNT_DISTINCT:
        return exp.Count(this=exp.Distinct(expressions=[column]))
    return _AGGREGATES[measure.aggregation](this=column)


def _time(item: TimeDimension, model: SemanticModel) -> Member:
    found = _dimension(item.dimension, model, "")
    if found.kind is not DimensionType.TIME:
        raise QueryInvalid(f"{found.name} is not a date or time.")
    return replace(found, granularity=item.granularity)


def _dimension(name: str, model: SemanticModel, role: str) -> Member:
    cube, dimension = _cube_of(name, model), model.find_dimension(name)
    if dimension is None:
        raise _unknown(name, cube)
    return Member(cube=cube, short=dimension.name, role=role, dimension=dimension)


def _measure(name: str, model: SemanticModel) -> Member:
    cube, measure = _cube_of(name, model), model.find_measure(name)
    if measure is None:
        raise _unknown(name, cube)
    return Member(cube=cube, short=measure.name, measure=measure)


def _filtered(item: Filter, model: SemanticModel) -> Member:
    """A filter's member is a dimension, or else a measure."""
    if model.find_dimension(item.member) is not None:
        return _dimension(item.member, model, item.role)
    return _measure(item.member, model)


def _cube_of(name: str, model: SemanticModel) -> Cube:
    cube = model.find_cube(name.partition(".")[0])
    if cube is None:
        known = ", ".join(item.name for item in model.cubes)
        raise QueryInvalid(f"There is no “{name[:80]}”.", hint=f"There is: {known[:400]}.")
    return cube


def _unknown(name: str, cube: Cube) -> QueryInvalid:
    members = [item.name for item in cube.dimensions] + [item.name for item in cube.measures]
    return QueryInvalid(
        f"{cube.title} has no “{name.partition('.')[2][:80]}”.",
        hint=f"It has: {', '.join(members)[:400]}.",
    )


def _unique(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """The same column asked for twice is shown once."""
    found: dict[tuple[object, ...], Member] = {}
    for member in members:
        key = (member.name, member.role, member.granularity, member.measure is None)
        found.setdefault(key, member)
    return tuple(found.values())


def _named(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """Short names where they are unique, else with the role or the cube in front."""
    wanted = [_short_name(member) for member in members]
    crowded = {name for name, count in Counter(wanted).items() if count > 1}
    taken: set[str] = set()
    named = []
    for member, short in zip(members, wanted, strict=True):
        alias = f"{member.role or member.cube.name}_{short}" if short in crowded else short
        while alias in taken:
            alias = f"{member.cube.name}_{alias}"
        taken.add(alias)
        named.append(replace(member, alias=alias, column=_result_column(member, alias)))
    return tuple(named)


def _short_name(member: Member) -> str:
    if member.granularity is None:
        return member.short
    return f"{member.short}_{member.granularity.value}"


def _result_column(member: Member, alias: str) -> Column:
    if member.measure is not None:
        measure = member.measure
        kind = "integer" if measure.aggregation in _COUNTS else "number"
        return Column(name=alias, type=kind, title=measure.title, unit=measure.unit)
    dimension = member.dimension
    kind = _TYPES[member.kind]
    if member.granularity not in (None, Granularity.HOUR):
        kind = "date"
    return Column(
        name=alias,
        type=kind,
        title=_title(member),
        unit=dimension.unit if dimension is not None else "",
    )


def _title(member: Member) -> str:
    """“Name” alone says nothing beside other columns: it becomes “Airline name”."""
    title = member.dimension.title if member.dimension is not None else member.short
    if title.casefold() in _GENERIC_TITLES:
        title = f"{singular_title(member.cube.title)} {title[:1].lower()}{title[1:]}"
    if member.role:
        title = f"{column_title(member.role)} {title[:1].lower()}{title[1:]}"
    if member.granularity is not None:
        return member.granularity.value.capitalize()
    return title


def _shared_labels(members: tuple[Member, ...]) -> list[str]:
    """A label that several rows share merges them; whoever reads the result should know."""
    notes: list[str] = []
    if any(m.dimension is not None and m.dimension.is_key for m in members):
        return notes  # grouped by the key as well, which keeps them apart
    for member in members:
        dimension = member.dimension
        if dimension is None or not dimension.is_label or dimension.distinct_count is None:
            continue
        filled = round(member.cube.row_count * (1 - dimension.null_fraction))
        if dimension.distinct_count < filled:
            title, label = member.cube.title.lower(), dimension.title.lower()
            notes.append(f"Several {title} share one {label}; they are taken together.")
    return list(dict.fromkeys(notes))
