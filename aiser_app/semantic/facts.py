"""The figures of one table for each group: one SELECT, in which no row counts twice.

Tables that a row refers to are joined beside it. Where groups are made by something of which a row has
many, rows are first told apart by their key within each group, and then aggregated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube
from aiser_app.domain.semantic_query import Condition, MeasureTerm, RowAggregate
from aiser_app.semantic.aggregates import Input, input_of
from aiser_app.semantic.dialects.percentiles import emulated
from aiser_app.semantic.identifiers import column, identifier
from aiser_app.semantic.keys import Key, Range, own_time
from aiser_app.semantic.rows import Rows
from aiser_app.semantic.scope import Build, Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouping:
    """By what rows are grouped, and which rows there are."""

    keys: tuple[Key, ...] = ()
    conditions: tuple[Condition, ...] = ()
    segments: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    is_shared: bool = False
    """Several tables have figures for these groups: each has its own time and its own roles."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(key.alias for key in self.keys)


_PLAIN_GROUPS = frozenset(("mysql",))
"""Databases that do not recognize a longer expression in GROUP BY when they see it again."""


class Fact:
    """One table's part in a query."""

    def __init__(self, build: Build, cube: Cube, grouping: Grouping) -> None:
        self.build = build
        self.cube = cube
        self.rows = Rows(Scope(build, cube, has_own_roles=grouping.is_shared))
        self._grouping = grouping
        keys = [own_time(key, cube, build, is_shared=grouping.is_shared) for key in grouping.keys]
        self._keys = {key.alias: key.sql(self.rows) for key in keys}
        self._wheres = [
            found
            for key in keys
            if (found := key.condition(self.rows, self._keys[key.alias])) is not None
        ]
        ranges = tuple(
            own_time(item, cube, build, is_shared=grouping.is_shared).condition
            for item in grouping.ranges
        )
        self._wheres.extend(self.rows.conditions((*grouping.conditions, *ranges)))
        self._wheres.extend(self.rows.segment(name) for name in grouping.segments)
        self._inputs: list[Input] = []
        is_computed = any(
            key.is_computed(found) for key, found in zip(keys, self._keys.values(), strict=True)
        )
        is_plain = build.dialect not in _PLAIN_GROUPS or not is_computed
        self._is_inner = self.rows.scope.is_fanned or not is_plain

    def key(self, alias: str) -> exp.Expr:
        """The key's expression in the outermost part of this SELECT."""
        return column(alias) if self._is_inner else self._keys[alias].copy()

    def row_key(self, alias: str) -> exp.Expr:
        """The key's expression where rows are not grouped."""
        return self._keys[alias].copy()

    def value(self, leaf: MeasureTerm | RowAggregate) -> exp.Expr:
        """An aggregate as an expression of this SELECT."""
        found = input_of(leaf, self.rows)
        if not self._is_inner:
            return found.over(found.value, self.build.dialect)
        return found.over(self._told_apart_value(found), self.build.dialect)

    def _told_apart_value(self, found: Input) -> exp.Expr:
        if found not in self._inputs:
            self._inputs.append(found)
        return column(f"value_{self._inputs.index(found)}")

    def select(self, columns: Sequence[exp.Expr]) -> exp.Select:
        """The columns for each group; call it when all values were asked for."""
        if self._is_inner:
            select = exp.select(*columns).from_(self._told_apart().subquery("told_apart"))
        else:
            select = self._filtered(exp.select(*columns))
        keys = [self.key(alias) for alias in self._keys]
        return select.group_by(*keys, copy=False) if keys else select

    def rows_select(self, columns: Sequence[exp.Expr]) -> exp.Select:
        """The columns for each row."""
        return self._filtered(exp.select(*columns))

    def percentile(self, leaf: MeasureTerm | RowAggregate, alias: str) -> exp.Select:
        """The keys and one percentile, for databases that have no aggregate for it."""
        found = input_of(leaf, self.rows)
        value = exp.alias_(found.per_row.copy(), identifier(alias))
        if self._is_inner:
            inner = self._told_apart_value(found)
            source = exp.select(*map(column, self._keys), exp.alias_(inner, identifier(alias)))
            given = source.from_(self._told_apart().subquery("told_apart"))
        else:
            given = self._filtered(exp.select(*self._aliased(), value))
        return emulated(given, list(self._keys), alias, found.share, alias)

    def _aliased(self) -> list[exp.Expr]:
        return [exp.alias_(key.copy(), identifier(alias)) for alias, key in self._keys.items()]

    def _filtered(self, select: exp.Select) -> exp.Select:
        select = self.rows.scope.add_to(select)
        for item in self._wheres:
            select = select.where(item.copy(), copy=False)
        return select

    def _told_apart(self) -> exp.Select:
        """Each row of the cube once in each group, with what is aggregated of it."""
        scope = self.rows.scope
        names = scope.key_columns() if scope.is_fanned else ()
        own = [
            exp.alias_(column(name, scope.alias), identifier(f"row_{number}"))
            for number, name in enumerate(names)
        ]
        inputs = [
            exp.alias_(item.per_row.copy(), identifier(f"value_{number}"))
            for number, item in enumerate(self._inputs)
        ]
        select = self._filtered(exp.select(*self._aliased(), *own, *inputs))
        return select.distinct(copy=False) if scope.is_fanned else select
