"""Judges the SQL expressions of one cube: what they refer to, and whether they may run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from aiser_app.domain.semantic_model import Aggregation, Cube, Measure
from aiser_app.semantic.cube_files.references import CUBE, REFERENCE, members

MAX_EXPANDED = 20_000
"""Characters of an expression with everything that it refers to written out."""
_OWN = "own_table"
"""Stands for the cube's table, whatever it is: nobody's column of another table is meant."""
_NO_COLUMNS = ("",)
"""A measure that is computed from others uses no column; `()` would mean that they are unknown."""


class Verdict(Protocol):
    @property
    def problem(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def tables(self) -> tuple[str, ...]: ...


class SqlJudge(Protocol):
    def expression_problem(self, sql: str, table: str, columns: Sequence[str]) -> str:
        """What is wrong with an expression over one table's columns; empty when nothing is."""

    def quoted(self, name: str) -> str:
        """A name as the source's SQL quotes it."""

    def select(self, sql: str) -> Verdict:
        """Whether a SELECT may run, and its columns."""


class Broken(Exception):
    """A reference that leads nowhere, or in a circle."""


class ExpressionCheck:
    def __init__(self, cube: Cube, columns: Sequence[str], judge: SqlJudge) -> None:
        self._cube = cube
        self._columns = columns
        self._judge = judge
        self._dimensions = {item.name: item for item in cube.dimensions}
        self._measures = {item.name: item for item in cube.measures}

    def problems(self) -> Iterator[tuple[str, str]]:
        """(where, what) for every expression that cannot be used."""
        for where, sql in self._expressions():
            try:
                problem = self._judge.expression_problem(
                    self._expanded(sql, ()), _OWN, self._columns
                )
            except Broken as broken:
                problem = str(broken)
            if problem:
                yield where, f"Its SQL cannot be used: {problem}"
        for item in self._cube.measures:
            if item.aggregation is Aggregation.NUMBER and item.sql:
                try:
                    problem = self._judge.expression_problem(
                        self._computed(item, (item.name,)), _OWN, _NO_COLUMNS
                    )
                except Broken as broken:
                    problem = str(broken)
                if problem:
                    where = f"{self._cube.name}.{item.name}"
                    yield where, f"Its SQL cannot be used: {problem}"

    def _expressions(self) -> Iterator[tuple[str, str]]:
        cube = self._cube
        for dimension in cube.dimensions:
            if dimension.sql:
                yield f"{cube.name}.{dimension.name}", f"{{{dimension.name}}}"
        for measure in cube.measures:
            where = f"{cube.name}.{measure.name}"
            if measure.sql and measure.aggregation is not Aggregation.NUMBER:
                yield where, measure.sql
            yield from ((where, condition) for condition in measure.filters)
        for segment in cube.segments:
            yield f"{cube.name}.{segment.name}", segment.sql

    def _expanded(self, sql: str, seen: tuple[str, ...]) -> str:
        """With every dimension that it refers to written out in brackets."""
        text = sql
        for name in dict.fromkeys(members(sql)):
            if name in seen:
                raise Broken(f"{{{name}}} refers to itself, by way of {' and '.join(seen)}.")
            dimension = self._dimensions.get(name)
            if dimension is None:
                is_measure = name in self._measures
                raise Broken(
                    f"{{{name}}} is a measure; only a measure of the type number may use those."
                    if is_measure
                    else f"{{{name}}} is no dimension of this cube."
                )
            if dimension.date_parts:
                raise Broken(f"{{{name}}} is made of parts of a date, which SQL cannot refer to.")
            own = dimension.sql or f"{_OWN}.{self._judge.quoted(dimension.column)}"
            text = _put(text, name, f"({self._expanded(own, (*seen, name))})")
            if len(text) > MAX_EXPANDED:
                raise Broken("With what it refers to it is too long.")
        return _put(text, CUBE, _OWN)

    def _computed(self, measure: Measure, seen: tuple[str, ...]) -> str:
        """Measures that it refers to stand for numbers."""
        names = list(dict.fromkeys(members(measure.sql)))
        if not names:
            raise Broken(
                "It refers to no measure: write {measure} for each that it is computed of."
            )
        text = measure.sql
        for name in names:
            if name in seen:
                raise Broken(f"{{{name}}} refers to itself, by way of {' and '.join(seen)}.")
            other = self._measures.get(name)
            if other is None:
                raise Broken(f"{{{name}}} is no measure of this cube.")
            if other.aggregation is Aggregation.NUMBER and other.sql:
                self._computed(other, (*seen, name))
            text = _put(text, name, "(1)")
        if CUBE in REFERENCE.findall(text):
            raise Broken("It is computed from measures, not from columns: {CUBE} cannot be used.")
        return text


def _put(text: str, name: str, what: str) -> str:
    return REFERENCE.sub(lambda match: what if match[1] == name else match[0], text)
