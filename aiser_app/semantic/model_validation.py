"""Whether a model fits the tables there are: names, references, joins, and the SQL within it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from aiser_app.domain.model_problem import ModelProblem
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)
from aiser_app.semantic.expression_check import ExpressionCheck, SqlJudge

TEXT_FORMATS = ("yyyy-mm-dd", "yyyymmdd", "epoch_s", "epoch_ms")
MAX_CUBES = 2_000
MAX_NAME = 200
_DEFAULT_SCHEMAS = frozenset(("public", "main", "dbo", "default"))

Tables = Mapping[str, Sequence[str]]
"""Columns by table, as the catalog spells them; no columns where they are unknown."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The model with tables and columns spelled as the catalog does, and what is wrong with it."""

    model: SemanticModel
    problems: tuple[ModelProblem, ...]


def check_model(
    model: SemanticModel, tables: Tables, judge: SqlJudge, lines: Mapping[str, int] | None = None
) -> Checked:
    """Compare a model with the tables of its source, and judge every piece of SQL in it."""
    return _Check(tables, judge, lines or {}).run(model)


class _Check:
    def __init__(self, tables: Tables, judge: SqlJudge, lines: Mapping[str, int]) -> None:
        self._tables = tables
        self._judge = judge
        self._lines = lines
        self._folded = {name.casefold(): name for name in tables}
        self._problems: list[ModelProblem] = []
        self._columns: dict[str, Sequence[str]] = {}

    def run(self, model: SemanticModel) -> Checked:
        if len(model.cubes) > MAX_CUBES:
            self._error(f"A model has at most {MAX_CUBES:,} cubes.", "")
            return Checked(model, tuple(self._problems))
        for name, times in Counter(cube.name.casefold() for cube in model.cubes).items():
            if times > 1:
                self._error(f"There are {times} cubes “{name}”.", name)
        cubes = tuple(self._placed(cube) for cube in model.cubes)
        cubes = tuple(self._spelled(cube) for cube in cubes)
        by_name = {cube.name: cube for cube in cubes}
        cubes = tuple(replace(cube, joins=self._joins(cube, by_name)) for cube in cubes)
        for cube in cubes:
            self._check(cube)
        return Checked(replace(model, cubes=cubes), tuple(self._problems))

    def _placed(self, cube: Cube) -> Cube:
        """The cube with its table as the catalog spells it; its columns are known from here on."""
        self._check_name(cube.name, cube.name)
        if "." in cube.name:
            self._error("The name of a cube has no dots.", cube.name)
        if cube.sql:
            if cube.table:
                self._error("A cube has a table or SQL, not both.", cube.name)
            found = self._judge.select(cube.sql)
            if found.problem:
                self._error(f"Its sql cannot be used: {found.problem}", cube.name)
            self._columns[cube.name] = found.columns
            return replace(cube, reads=tuple(sorted(found.tables)))
        table = self._find_table(cube.table)
        if table is None:
            near = get_close_matches(cube.table, self._tables, 1)
            hint = f" Is “{near[0]}” meant?" if near else ""
            self._error(f"There is no table “{cube.table[:80]}”.{hint}", cube.name)
            self._columns[cube.name] = ()
            return cube
        self._columns[cube.name] = self._tables[table]
        return replace(cube, table=table, reads=())

    def _find_table(self, name: str) -> str | None:
        if name in self._tables:
            return name
        found = self._folded.get(name.casefold())
        schema, dot, plain = name.casefold().partition(".")
        if found is None and dot and schema in _DEFAULT_SCHEMAS:
            found = self._folded.get(plain)
        return found

    def _spelled(self, cube: Cube) -> Cube:
        """Every column as the catalog spells it."""
        return replace(
            cube,
            dimensions=tuple(
                replace(
                    item,
                    column=self._column(cube, item.column, f"{cube.name}.{item.name}"),
                    date_parts=tuple(
                        self._column(cube, part, f"{cube.name}.{item.name}")
                        for part in item.date_parts
                    ),
                )
                for item in cube.dimensions
            ),
            measures=tuple(
                replace(item, column=self._column(cube, item.column, f"{cube.name}.{item.name}"))
                for item in cube.measures
            ),
            primary_key=tuple(self._key_column(cube, name) for name in cube.primary_key),
        )

    def _key_column(self, cube: Cube, name: str) -> str:
        """Of a dimension that is an expression: its name."""
        found = cube.find_dimension(name)
        if found is not None and (found.sql or found.date_parts):
            return name
        return self._column(cube, name, cube.name)

    def _column(self, cube: Cube, name: str, where: str) -> str:
        columns = self._columns.get(cube.name, ())
        if not name or not columns or name in columns:
            return name
        found = next((item for item in columns if item.casefold() == name.casefold()), None)
        if found is None:
            near = get_close_matches(name, columns, 1)
            hint = f" Is “{near[0]}” meant?" if near else ""
            place = cube.table or "The cube's SQL"
            self._error(f"{place} has no column “{name[:80]}”.{hint}", where)
            return name
        return found

    def _joins(self, cube: Cube, cubes: Mapping[str, Cube]) -> tuple[Join, ...]:
        joins = []
        places = Counter((join.target, join.role) for join in cube.joins)
        for join in cube.joins:
            where = f"{cube.name}.joins.{join.target}"
            target = cubes.get(join.target)
            if target is None:
                self._error(f"It joins “{join.target[:80]}”, which is no cube.", where)
                continue
            if not join.columns:
                self._error(f"The join to {join.target} compares no columns.", where)
            if places[join.target, join.role] > 1:
                self._error(f"Several joins to {join.target} need a role each.", where)
            pairs = tuple(
                (self._column(cube, own, where), self._column(target, other, where))
                for own, other in join.columns
            )
            if target.primary_key and {other for _, other in pairs} != set(target.primary_key):
                key = ", ".join(target.primary_key)
                self._note(
                    f"It joins {join.target} by other columns than its primary key ({key}): "
                    "each row must match at most one row there.",
                    where,
                )
            joins.append(replace(join, columns=pairs))
        return tuple(joins)

    def _check(self, cube: Cube) -> None:
        names = [item.name for item in cube.dimensions]
        names += [item.name for item in cube.measures]
        names += [item.name for item in cube.segments]
        for name, times in Counter(names).items():
            self._check_name(name, f"{cube.name}.{name}")
            if times > 1:
                self._error(f"{times} members are named “{name}”.", f"{cube.name}.{name}")
        for item in cube.dimensions:
            self._check_dimension(cube, item)
        for measure in cube.measures:
            self._check_measure(cube, measure)
        if len([item for item in cube.measures if item.is_default]) > 1:
            self._error("Only one measure can be the default.", cube.name)
        self._check_default_time(cube)
        columns = self._columns.get(cube.name, ())
        for where, message in ExpressionCheck(cube, columns, self._judge).problems():
            self._error(message, where)

    def _check_default_time(self, cube: Cube) -> None:
        if not cube.default_time_dimension:
            return
        found = cube.find_dimension(cube.default_time_dimension)
        if found is None or found.type is not DimensionType.TIME:
            self._error(
                f"The default time “{cube.default_time_dimension[:80]}” is no time dimension.",
                cube.name,
            )

    def _check_dimension(self, cube: Cube, item: Dimension) -> None:
        where = f"{cube.name}.{item.name}"
        given = [bool(item.column), bool(item.sql), bool(item.date_parts)]
        if sum(given) != 1:
            self._error("A dimension is one of: a column, SQL, or parts of a date.", where)
        if item.text_format and item.text_format not in TEXT_FORMATS:
            self._error(f"text_format is one of {', '.join(TEXT_FORMATS)}.", where)
        is_time = item.type is DimensionType.TIME
        if (item.text_format or item.date_parts) and not is_time:
            self._error("Dates stored as text or in parts are of the type time.", where)
        if item.date_parts and not 2 <= len(item.date_parts) <= 3:
            self._error("The parts of a date are year, month and perhaps day.", where)

    def _check_measure(self, cube: Cube, item: Measure) -> None:
        where = f"{cube.name}.{item.name}"
        if item.column and item.sql:
            self._error("A measure has a column or SQL, not both.", where)
        if item.aggregation is Aggregation.PERCENTILE:
            self._error("A percentile is part of a question, and no measure.", where)
        if item.aggregation is Aggregation.NUMBER and not item.sql:
            self._error(
                "A measure of the type number is computed from others: it needs sql.", where
            )
        needs = item.aggregation not in (Aggregation.COUNT, Aggregation.NUMBER)
        if needs and not item.column and not item.sql:
            self._error(f"{item.aggregation.value} needs a column: what is aggregated?", where)
        dimension = next((d for d in cube.dimensions if d.column and d.column == item.column), None)
        adds = item.aggregation in (Aggregation.SUM, Aggregation.AVG)
        if adds and dimension is not None and dimension.type is not DimensionType.NUMBER:
            self._note(
                f"{item.column} is of the type {dimension.type.value}: adding it up may fail.",
                where,
            )

    def _check_name(self, name: str, where: str) -> None:
        if not name or len(name) > MAX_NAME or not name.isprintable():
            self._error(f"A name has 1 to {MAX_NAME} characters.", where)
        if any(character in name for character in "{}"):
            self._error("A name has no braces.", where)

    def _error(self, message: str, where: str) -> None:
        self._problems.append(self._problem(message, where, is_error=True))

    def _note(self, message: str, where: str) -> None:
        self._problems.append(self._problem(message, where, is_error=False))

    def _problem(self, message: str, where: str, *, is_error: bool) -> ModelProblem:
        line = next((self._lines[place] for place in _places(where) if place in self._lines), None)
        return ModelProblem(message=message, where=where, line=line, is_error=is_error)


def _places(where: str) -> Iterator[str]:
    """From the narrowest to the widest."""
    while where:
        yield where
        where = where.rpartition(".")[0]
