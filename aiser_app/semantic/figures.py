"""Figures for groups: of one table in one SELECT, or step by step where one is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube
from aiser_app.domain.semantic_query import (
    Condition,
    Expression,
    Filter,
    FilterGroup,
    MeasureTerm,
    RowAggregate,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.aggregates import Leaf, all_cubes, computed, cubes_of
from aiser_app.semantic.conditions import Value, compared, condition, opposite
from aiser_app.semantic.facts import Fact
from aiser_app.semantic.identifiers import column, named
from aiser_app.semantic.kinds import expression_kind
from aiser_app.semantic.meeting import meeting_cube
from aiser_app.semantic.scope import Build
from aiser_app.semantic.steps import Steps, Wanted


class Figures:
    """What the SELECT that shows groups is made of: keys, values, and the way to write it."""

    def __init__(self, build: Build, wanted: Wanted) -> None:
        self._build = build
        self._wanted = wanted
        used = (*wanted.figures, *self._in_conditions(wanted.having))
        if len(all_cubes(used, build.words)) > 1 and not wanted.grouping.is_shared:
            wanted = replace(wanted, grouping=replace(wanted.grouping, is_shared=True))
            self._wanted = wanted
        self._fact: Fact | None = None
        self._steps = Steps(build, wanted, used, self._inner)
        if self._steps.is_needed:
            self._steps.take()
        else:
            self._fact = Fact(build, self._only_cube(), wanted.grouping)

    def _inner(self, wanted: Wanted) -> Figures:
        return Figures(self._build, wanted)

    def _only_cube(self) -> Cube:
        cubes = cubes_of(self._steps.base, self._build.words)
        return cubes[0] if cubes else meeting_cube(self._build, self._wanted.grouping.keys)

    def _in_conditions(self, conditions: Iterable[Condition]) -> list[Expression]:
        found: list[Expression] = []
        for item in conditions:
            if isinstance(item, FilterGroup):
                found.extend(self._in_conditions(item.conditions))
            elif isinstance(item, Filter):
                found.append(self._meant(item.member))
                if item.other:
                    found.append(self._meant(item.other))
        return found

    def _meant(self, name: str) -> Expression:
        if self._wanted.each is not None:
            if name != "each":
                raise QueryInvalid("Conditions on groups within a figure are about `each`.")
            return self._wanted.each
        return self._build.words.expression(name)

    def key(self, alias: str) -> exp.Expr:
        """A key in the SELECT that `select` makes."""
        return self._fact.key(alias) if self._fact is not None else column(alias)

    def value(self, expression: Expression) -> exp.Expr:
        """A figure in the SELECT that `select` makes."""
        return computed(expression, self._leaf, self._build)

    def _leaf(self, leaf: Leaf) -> exp.Expr:
        if self._fact is not None and isinstance(leaf, MeasureTerm | RowAggregate):
            return self._fact.value(leaf)
        return self._steps.column(leaf)

    def select(self, columns: Sequence[exp.Expr]) -> exp.Select:
        """The columns for every group that is shown."""
        having = [self._condition(item) for item in self._wanted.having]
        if self._fact is not None:
            select = self._fact.select(columns)
            for item in having:
                select = select.having(item, copy=False)
            return select
        select = exp.select(*columns).from_(named(self._steps.source))
        for item in having:
            select = select.where(item, copy=False)
        return select

    def _condition(self, item: Condition) -> exp.Expr:
        """A condition on groups."""
        if isinstance(item, FilterGroup):
            if not item.conditions:
                raise QueryInvalid("A group of conditions has no condition.")
            parts = [self._condition(inner) for inner in item.conditions]
            found = exp.or_(*parts) if item.is_any else exp.and_(*parts)
            return opposite(found) if item.is_negated else found
        if not isinstance(item, Filter):
            raise QueryInvalid("Groups are filtered by their figures.")
        value = self._compared_value(item.member)
        if item.other:
            return compared(item, value, self._compared_value(item.other))
        return condition(item, value)

    def _compared_value(self, name: str) -> Value:
        expression = self._meant(name)
        return Value(self.value(expression), expression_kind(expression, self._build))
