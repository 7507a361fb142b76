"""Figures step by step, where one SELECT cannot say them.

Every table is aggregated on its own before anything is put together, so that joining never multiplies
what is counted. Parts are stacked (UNION ALL) and grouped again rather than joined: groups that only
one part has stay, missing keys are one group, and every database can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import (
    Condition,
    Expression,
    MeasureTerm,
    Overall,
    PerGroup,
    RowAggregate,
    Windowed,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic import filling, windows
from aiser_app.semantic.aggregates import (
    PERCENTILES,
    Base,
    Input,
    Leaf,
    aggregation_of,
    computed,
    cube_of,
    cubes_of,
    is_count,
    share_of,
)
from aiser_app.semantic.dialects.percentiles import emulated, is_emulated
from aiser_app.semantic.facts import Fact, Grouping
from aiser_app.semantic.identifiers import column, identifier, named
from aiser_app.semantic.keys import Key
from aiser_app.semantic.kinds import value_kind
from aiser_app.semantic.meeting import meeting_cube
from aiser_app.semantic.scope import Build


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Groups, the figures that are needed of them, and which groups are shown."""

    grouping: Grouping
    figures: tuple[Expression, ...]
    having: tuple[Condition, ...] = ()
    each: Expression | None = None
    """What `each` means in `having`."""
    keep_empty: bool = False


class Inner(Protocol):
    """Figures of other groups, as a SELECT."""

    def key(self, alias: str) -> exp.Expr: ...

    def value(self, expression: Expression) -> exp.Expr: ...

    def select(self, columns: Sequence[exp.Expr]) -> exp.Select: ...


class Steps:
    """WITH queries, of which the last, `source`, has all keys and figures as columns."""

    def __init__(
        self,
        build: Build,
        wanted: Wanted,
        used: Sequence[Expression],
        inner: Callable[[Wanted], Inner],
    ) -> None:
        self._build = build
        self._wanted = wanted
        self._grouping = wanted.grouping
        self._inner = inner
        self._windows = windows.in_order(used, build.words)
        self._leaves: tuple[Leaf, ...] = tuple(
            dict.fromkeys(
                leaf for expression in used for leaf in windows.flat_leaves(expression, build.words)
            )
        )
        self.base: tuple[Base, ...] = tuple(
            leaf for leaf in self._leaves if isinstance(leaf, MeasureTerm | RowAggregate)
        )
        self._columns: dict[Leaf, str] = {}
        self.source = ""

    @property
    def is_needed(self) -> bool:
        """Whether one SELECT over one table does not say it all."""
        return (
            bool(self._windows)
            or self._wanted.keep_empty
            or self._filled() is not None
            or len(self.base) < len(self._leaves)
            or bool(self._emulated())
            or len(cubes_of(self.base, self._build.words)) > 1
        )

    def column(self, leaf: Leaf) -> exp.Expr:
        """Where a figure is in `source`."""
        return column(self._columns[leaf])

    def _filled(self) -> Key | None:
        filled = [key for key in self._grouping.keys if key.is_filled]
        if len(filled) > 1:
            raise QueryInvalid("Gaps can be filled in one time only.")
        return filled[0] if filled else None

    def _emulated(self) -> list[Base]:
        """Percentiles that the database has no aggregate for."""
        if not is_emulated(self._build.dialect):
            return []
        words = self._build.words
        return [leaf for leaf in self.base if aggregation_of(leaf, words) in PERCENTILES]

    def take(self) -> None:
        """Write all steps."""
        keys = self._grouping.names
        parts = [*self._fact_parts(), *self._group_parts()]
        has_overall = any(isinstance(leaf, Overall) for leaf in self._leaves)
        if not parts and (keys or not has_overall):
            cube = meeting_cube(self._build, self._grouping.keys)
            parts = [self._part("groups", Fact(self._build, cube, self._grouping), ())]
        if self._wanted.keep_empty and keys:
            parts.append(filling.empty_groups(self._build, self._grouping, parts))
        if keys:
            self.source = self._filled_up(self._stacked(parts))
        if has_overall:
            overall = self._overall_part()
            parts.append(overall)
            self.source = self._with_overall(overall) if keys else ""
        if not keys:
            self.source = self._side_by_side(parts)
        for level in self._windows:
            self.source = self._with_windows(level)

    def _filled_up(self, source: str) -> str:
        key = self._filled()
        if key is None:
            return source
        spans = filling.spans(self._build, self._grouping, key, source)
        return self._stacked([(source, tuple(self._columns.values())), (spans, ())])

    def _part(self, name: str, fact: Fact, found: Sequence[Base]) -> filling.Part:
        """A WITH query of one table's figures."""
        columns = [exp.alias_(fact.key(k), identifier(k)) for k in self._grouping.names]
        aliases = []
        for leaf in found:
            aliases.append(self._new_column(leaf))
            columns.append(exp.alias_(fact.value(leaf), identifier(aliases[-1])))
        return self._build.add_step(name, fact.select(columns)), tuple(aliases)

    def _new_column(self, leaf: Leaf) -> str:
        alias = f"figure_{len(self._columns) + 1}"
        self._columns[leaf] = alias
        return alias

    def _fact_parts(self) -> list[filling.Part]:
        parts = []
        cubes, special = cubes_of(self.base, self._build.words), self._emulated()
        for cube in cubes:
            own = [leaf for leaf in self.base if cube_of(leaf, self._build.words).name == cube.name]
            plain = [leaf for leaf in own if leaf not in special]
            if plain:
                fact = Fact(self._build, cube, self._grouping)
                parts.append(self._part(f"{cube.name}_figures", fact, plain))
            for leaf in own:
                if leaf in special:
                    alias = self._new_column(leaf)
                    select = Fact(self._build, cube, self._grouping).percentile(leaf, alias)
                    name = self._build.add_step(f"{cube.name}_percentile", select)
                    parts.append((name, (alias,)))
        return parts

    def _group_parts(self) -> list[filling.Part]:
        return [self._of_groups(leaf) for leaf in self._leaves if isinstance(leaf, PerGroup)]

    def _of_groups(self, leaf: PerGroup) -> filling.Part:
        """An aggregate of what a finer grouping gives."""
        if not leaf.per and leaf.per_time is None:
            raise QueryInvalid("An aggregate of groups says what the groups are.")
        inner_keys = windows.group_keys(leaf, len(self._grouping.keys))
        grouping = replace(self._grouping, keys=(*self._grouping.keys, *inner_keys))
        if leaf.per_time is not None:
            ranges = (*grouping.ranges, *windows.time_ranges((leaf.per_time,)))
            grouping = replace(grouping, ranges=ranges)
        if leaf.keep_empty:  # what is kept comes first
            grouping = replace(grouping, keys=(*inner_keys, *self._grouping.keys))
        inner = self._inner(
            Wanted(
                grouping=grouping,
                figures=(leaf.each,),
                having=leaf.conditions,
                each=leaf.each,
                keep_empty=leaf.keep_empty,
            )
        )
        columns = [exp.alias_(inner.key(k), identifier(k)) for k in grouping.names]
        columns.append(exp.alias_(inner.value(leaf.each), identifier("each")))
        name = self._build.add_step("groups", inner.select(columns))
        return self._aggregated(leaf, name, [key.alias for key in inner_keys])

    def _aggregated(self, leaf: PerGroup, name: str, inner: list[str]) -> filling.Part:
        alias, keys = self._new_column(leaf), self._grouping.names
        share = share_of(leaf.aggregation, "")
        found = Input(leaf.aggregation, column("each"), share)
        known = exp.or_(*(_is_known(column(item)) for item in inner))
        if found.is_emulated(self._build.dialect):
            given = exp.select(*map(column, keys), exp.alias_(column("each"), identifier(alias)))
            select = emulated(
                given.from_(named(name)).where(known), list(keys), alias, share, alias
            )
        else:
            value = found.over(found.value, self._build.dialect)
            select = exp.select(*map(column, keys), exp.alias_(value, identifier(alias)))
            select = select.from_(named(name)).where(known)
            select = select.group_by(*map(column, keys)) if keys else select
        return self._build.add_step("of_groups", select), (alias,)

    def _overall_part(self) -> filling.Part:
        """One row with the figures over all groups; of each period, where periods are compared."""
        found = [leaf for leaf in self._leaves if isinstance(leaf, Overall)]
        keys = tuple(key for key in self._grouping.keys if key.periods)
        wanted = Wanted(
            grouping=replace(self._grouping, keys=keys),
            figures=tuple(leaf.overall for leaf in found),
        )
        inner = self._inner(wanted)
        columns = [exp.alias_(inner.key(k.alias), identifier(k.alias)) for k in keys]
        aliases = []
        for leaf in found:
            aliases.append(self._new_column(leaf))
            columns.append(exp.alias_(inner.value(leaf.overall), identifier(aliases[-1])))
        return self._build.add_step("overall", inner.select(columns)), tuple(aliases)

    def _with_overall(self, overall: filling.Part) -> str:
        name, aliases = overall
        names = (*self._grouping.names, *self._columns.values())
        select = exp.select(
            *(column(alias, name if alias in aliases else self.source) for alias in names)
        )
        select = select.from_(named(self.source))
        shared = [key.alias for key in self._grouping.keys if key.periods]
        on = [exp.EQ(this=column(a, self.source), expression=column(a, name)) for a in shared]
        select = select.join(
            named(name),
            on=exp.and_(*on) if on else None,
            join_type="left" if on else "cross",
        )
        return self._build.add_step("figures", select)

    def _stacked(self, parts: list[filling.Part]) -> str:
        if len(parts) == 1:
            return parts[0][0]
        counts = {
            alias for leaf, alias in self._columns.items() if is_count(leaf, self._build.words)
        }
        return filling.stacked(self._build, self._grouping.names, parts, counts, self._kinds())

    def _kinds(self) -> dict[str, DimensionType]:
        """Types of the figures, for databases that must be told what a missing value would be."""
        return {alias: value_kind(leaf, self._build) for leaf, alias in self._columns.items()}

    def _side_by_side(self, parts: list[filling.Part]) -> str:
        """Figures without groups: one row each."""
        if len(parts) == 1:
            return parts[0][0]
        select = exp.select(*(column(a, name) for name, aliases in parts for a in aliases))
        select = select.from_(named(parts[0][0]))
        for name, _ in parts[1:]:
            select = select.join(named(name), join_type="cross")
        return self._build.add_step("figures", select)

    def _with_windows(self, level: Sequence[Windowed]) -> str:
        names = (*self._grouping.names, *self._columns.values())
        columns: list[exp.Expr] = [column(name) for name in names]
        for leaf in level:
            of = computed(leaf.of, self.column, self._build)
            value = windows.value(leaf, self._grouping.keys, of)
            columns.append(exp.alias_(value, identifier(self._new_column(leaf))))
        select = exp.select(*columns).from_(named(self.source))
        return self._build.add_step("compared", select)


def _is_known(value: exp.Expr) -> exp.Expr:
    return exp.not_(exp.Is(this=value, expression=exp.Null()))
