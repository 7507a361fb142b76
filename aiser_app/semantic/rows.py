"""Values and conditions of single rows, in one SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.domain.semantic_query import Condition, Granularity, RowExpression, TimePart
from aiser_app.errors import QueryInvalid
from aiser_app.semantic import authored, row_conditions, row_expressions
from aiser_app.semantic.conditions import Value
from aiser_app.semantic.dialects.stored_times import from_parts, from_text
from aiser_app.semantic.dialects.templates import number
from aiser_app.semantic.dialects.times import added, part_of
from aiser_app.semantic.dialects.zones import on_the_wall
from aiser_app.semantic.identifiers import column
from aiser_app.semantic.scope import Scope
from aiser_app.semantic.vocabulary import MAX_FIELD_STEPS

_ISO_DAY = 10
"""Characters of a date without a time of day."""


class Rows:
    """Everything about a row that the query can name, as SQL within `scope`."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.build = scope.build
        self.words = scope.build.words

    def member(self, name: str, role: str = "", *, may_fan: bool = False, steps: int = 0) -> Value:
        """A dimension or a field.

        Raises:
            QueryInvalid: it is unknown, or cannot be reached so that each row has one value.
        """
        if "." not in name and self.words.find_field(name) is not None:
            if steps >= MAX_FIELD_STEPS:
                raise QueryInvalid("A field is made of itself.")
            row = self.words.field(name).row
            return row_expressions.value(self, row, may_fan=may_fan, steps=steps + 1)
        cube, dimension = self.words.dimension(name)
        path = self.scope.locate(cube, role)
        if any(step.is_up for step in path):
            if not may_fan and not self.scope.is_joined(path):
                raise QueryInvalid(
                    f"One of “{self.scope.cube.title}” has many of “{cube.title}”, so that "
                    f"{dimension.title} has no single value there.",
                    hint="Aggregate it, or ask for rows that have one of them.",
                )
            self.build.notes[_counted(self.scope.cube, path[-1].end, self)] = None
        return self.dimension(cube, dimension, self.scope.place(path))

    def within(self, scope: Scope) -> Rows:
        """The same in another SELECT."""
        return Rows(scope)

    def expression(self, row: RowExpression) -> Value:
        return row_expressions.value(self, row)

    def condition(self, condition: Condition) -> exp.Expr:
        return exp.and_(*self.conditions((condition,)))

    def conditions(self, conditions: Sequence[Condition]) -> list[exp.Expr]:
        """All of them, as parts of an AND."""
        return row_conditions.all_of(self, conditions)

    def segment(self, name: str) -> exp.Expr:
        cube, segment = self.words.segment(name)
        alias = self.scope.place(self.scope.locate(cube))
        return self.authored(segment.sql, cube, alias, f"the segment “{segment.title}”")

    def authored(self, sql: str, cube: Cube, alias: str, what: str, steps: int = 0) -> exp.Expr:
        """SQL of the model, over the row of `cube` that is called `alias`."""
        return authored.expression(
            sql,
            dialect=self.build.dialect,
            what=what,
            alias=alias,
            resolve=partial(self._referred, cube, alias, steps),
            own_names=(cube.name, cube.table.rpartition(".")[2]),
        )

    def _referred(self, cube: Cube, alias: str, steps: int, name: str) -> exp.Expr:
        if steps >= MAX_FIELD_STEPS:
            raise QueryInvalid(f"The SQL of “{cube.title}” refers to itself.")
        if "." in name and not name.startswith(f"{cube.name}."):
            return self.member(name, steps=steps + 1).sql
        found = cube.find_dimension(name.rpartition(".")[2])
        if found is None:
            raise QueryInvalid(
                f"The SQL of “{cube.title}” refers to “{name[:80]}”, which it does not have."
            )
        return self.dimension(cube, found, alias, steps + 1).sql

    def dimension(self, cube: Cube, found: Dimension, alias: str, steps: int = 0) -> Value:
        """The dimension of the row that is called `alias`."""
        zone = self.build.query.time_zone if _has_clock(found) else ""
        return Value(self._stored(cube, found, alias, steps), found.type, zone)

    def _stored(self, cube: Cube, found: Dimension, alias: str, steps: int) -> exp.Expr:
        dialect = self.build.dialect
        if found.date_parts:
            if len(found.date_parts) < 2:
                raise QueryInvalid(f"{found.title} needs columns for year and month.")
            return from_parts([column(part, alias) for part in found.date_parts], dialect)
        if found.sql:
            plain = self.authored(found.sql, cube, alias, f"“{found.title}”", steps)
        elif found.column:
            plain = column(found.column, alias)
        else:
            raise QueryInvalid(f"{cube.name}.{found.name} has no column.")
        if found.text_format and found.type is DimensionType.TIME:
            return from_text(plain, found.text_format, dialect)
        return plain

    def spanned(self, name: str, role: str, granularity: Granularity) -> exp.Expr:
        """The start of the span that a time lies in."""
        found = self._time(name, role)
        plain = self._on_the_wall(name, found)
        shift = (8 - self.build.query.week_start) % 7 if granularity is Granularity.WEEK else 0
        if shift:
            plain = added(plain, number(shift), "DAY", self.build.dialect)
        truncated = exp.TimestampTrunc(this=plain, unit=exp.var(granularity.value.upper()))
        kind = "timestamp" if granularity is Granularity.HOUR else "date"
        start: exp.Expr = exp.cast(truncated, kind)
        if shift:
            start = exp.cast(added(start, number(-shift), "DAY", self.build.dialect), kind)
        return start

    def part(self, name: str, role: str, part: TimePart, *, may_fan: bool = False) -> exp.Expr:
        """What repeats in time."""
        found = self._time(name, role, may_fan=may_fan)
        return part_of(self._on_the_wall(name, found), part, self.build.dialect)

    def _time(self, name: str, role: str, *, may_fan: bool = True) -> Value:
        found = self.member(name, role, may_fan=may_fan)
        if found.kind is not DimensionType.TIME:
            raise QueryInvalid(f"{name} is not a date or time.")
        return found

    def _on_the_wall(self, name: str, found: Value) -> exp.Expr:
        if not found.zone:
            return found.sql
        years = _years(self.words.dimension(name)[1]) if "." in name else None
        return on_the_wall(found.sql, found.zone, self.build.dialect, years)


def _has_clock(dimension: Dimension) -> bool:
    """Whether a time has a time of day, so that zones matter."""
    if dimension.type is not DimensionType.TIME or dimension.date_parts:
        return False
    known = dimension.maximum or dimension.minimum
    return not dimension.text_format.startswith("yyyy") and len(known) != _ISO_DAY


def _years(dimension: Dimension) -> tuple[int, int] | None:
    """Years between which the times of a column lie, as far as all of it was looked at."""
    first, last = dimension.minimum[:4], dimension.maximum[:4]
    if dimension.is_sampled or not (first.isdigit() and last.isdigit()):
        return None
    return int(first), int(last)


def _counted(cube: Cube, many: str, rows: Rows) -> str:
    title = rows.words.cube(many).title
    return f"One of “{cube.title}” counts in every group in which it has some of “{title}”."
