"""Dates, amounts and things of the root that phrases leave unsaid."""

from __future__ import annotations

from typing_extensions import override

from aiser_app.domain.semantic_model import Aggregation, DimensionType
from aiser_app.planner.clauses.figuring import (
    column_figure,
    distinct_figure,
    product_figure,
    rows_of,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.sketch import Figure, Moment
from aiser_app.planner.clauses.timeliness import is_time_verb, time_of_verb
from aiser_app.planner.clauses.walking import Walk
from aiser_app.planner.concepts import concept_columns
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import root as root_of


class Defaulting(Walk):
    """What stands for a date, an amount or a count under this root."""

    def default_moment(self) -> Moment | None:
        """The root's own date, or that of the nearest table that has one."""
        name = self.root.default_time_dimension
        if name:
            return Moment(name if "." in name else f"{self.root.name}.{name}")
        near: list[tuple[int, str]] = []
        for other in self.options.lexicon.paths.reachable(self.root.name):
            cube = self.options.model.find_cube(other)
            paths = self.options.lexicon.paths.to(self.root.name, other)
            if cube is not None and len(paths) == 1 and cube.default_time_dimension:
                name = cube.default_time_dimension
                near.append((len(paths[0].joins), name if "." in name else f"{other}.{name}"))
        near.sort()
        if not near or (len(near) > 1 and near[0][0] == near[1][0] and not self._is_event(near)):
            return None
        return Moment(near[0][1])

    def _is_event(self, near: list[tuple[int, str]]) -> bool:
        """Of two tables at the same distance, the larger one holds the events."""
        sizes = []
        for _, member in near[:2]:
            cube = self.options.model.find_cube(member.partition(".")[0])
            sizes.append(cube.row_count if cube is not None else 0)
        if sizes[1] > sizes[0]:
            near[0], near[1] = near[1], near[0]
        return max(sizes) > 5 * min(sizes)

    def moment_of_cube(self, name: str) -> Moment | None:
        """The date of a table that was just named: "routes of 2025"."""
        cube = self.options.model.find_cube(name)
        paths = self.options.lexicon.paths.to(self.root.name, name)
        if (
            cube is None
            or name == self.root.name
            or len(paths) != 1
            or not cube.default_time_dimension
        ):
            return None
        member = cube.default_time_dimension
        return Moment(member if "." in member else f"{name}.{member}", paths[0].role)

    @override
    def _by_verb(self) -> Moment | None:
        """As in "Orders shipped in May": the date column that shares its root with a verb just before."""
        before = self.segments[self.at - 3 : self.at - 1]
        named = [
            t.cube
            for s in before
            if s.kind is Kind.LINK
            for t in s.targets
            if t.kind == "cube" and t.score > 0.9
        ]
        if named and self.sketch.figures:
            return self.moment_of_cube(named[0])
        words = [w for w in self.state.verbs[-4:] if len(w) > 2]
        for word in reversed(words):
            found = time_of_verb(self.root, word)
            if found is not None:
                return Moment(f"{self.root.name}.{found.name}")
        if any(is_time_verb(w) for w in words[-2:]) and self.root.default_time_dimension:
            self.sketch.cost("the date of that is kept elsewhere", 0.15)
        words = [w for w in words if len(w) > 3]
        for dimension in self.root.dimensions:
            if dimension.type is not DimensionType.TIME or dimension.is_hidden:
                continue
            roots = {root_of(w) for w in name_words(dimension.name, dimension.title)} - {""}
            if any(root_of(w) in roots for w in words):
                return Moment(f"{self.root.name}.{dimension.name}")
        return None

    def count_of(self, choices: Choices) -> tuple[Option, Figure] | None:
        """What "more than 5 orders" counts: rows of the root, or different things they refer to."""
        found = choices.best("entities", "texts", "groups")
        if found is None:
            return None
        option = found[1]
        column = option.dimension
        if column is not None and (column.type is DimensionType.TIME or is_number(column)):
            return None
        if option.target.kind == "cube" and not option.path.joins:
            return option, rows_of(self.root)
        figure = distinct_figure(self.options.model, self.root, option)
        return (option, figure) if figure is not None else None

    def sum_of(self, choices: Choices) -> tuple[Option, Figure] | None:
        found = choices.best("numbers")
        if found is None:
            return None
        return found[1], column_figure(self.root, found[1], self.state.aggregation)

    def of_concept(self, concept: str, fold: Aggregation | None) -> Figure | None:
        default = next((m for m in self.root.measures if m.is_default), None)
        found = concept_columns(self.root, concept)
        if default is not None and concept == "money" and not found:
            return None
        if found:
            dimension = found[0][0]
            target = Target(
                "dimension", self.root.name, dimension.name, how="synonym", score=found[0][1]
            )
            option = Option(target, Path(self.root.name), found[0][1], dimension=dimension)
            return column_figure(self.root, option, fold)
        return product_figure(self.root, concept, fold)

    def is_kind(self, segment: Segment | None, *kinds: Kind) -> bool:
        return segment is not None and segment.kind in kinds

    def _as_options(self, name: str) -> list[Option]:
        dimension = self.root.find_dimension(name)
        target = Target("dimension", self.root.name, name, how="unit", score=0.85)
        return [Option(target, Path(self.root.name), 0.85, dimension=dimension, title=name)]
