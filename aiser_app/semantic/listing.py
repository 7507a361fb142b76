"""What is in the result and in what order: groups or rows, order, limits, the best of each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from aiser_app.domain.semantic_query import Expression, SemanticQuery
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.facts import Fact, Grouping
from aiser_app.semantic.identifiers import column, identifier, named
from aiser_app.semantic.keys import Key
from aiser_app.semantic.meeting import meeting_cube
from aiser_app.semantic.members import Member, Members
from aiser_app.semantic.scope import Build
from aiser_app.semantic.windows import find_key


class Source(Protocol):
    """Where the columns of a result come from."""

    def key(self, alias: str) -> exp.Expr: ...

    def value(self, expression: Expression) -> exp.Expr: ...

    def select(self, columns: Sequence[exp.Expr]) -> exp.Select: ...


@dataclass(frozen=True, slots=True)
class Sort:
    """One part of the order; without a shown column it is a column of its own, not shown."""

    alias: str
    descending: bool
    hidden: exp.Expr | None = None

    def by(self, value: exp.Expr) -> exp.Ordered:
        return exp.Ordered(this=value, desc=self.descending, nulls_first=False)

    @property
    def over_alias(self) -> exp.Ordered:
        return self.by(column(self.alias))

    @property
    def inside(self) -> exp.Ordered:
        return self.by(self.hidden.copy() if self.hidden is not None else column(self.alias))


class RowList:
    """Rows as they are."""

    def __init__(self, build: Build, grouping: Grouping, more: Sequence[Key]) -> None:
        keys = (*grouping.keys, *more)
        self._fact = Fact(build, meeting_cube(build, keys), _with(grouping, keys))
        self.build = build

    def key(self, alias: str) -> exp.Expr:
        return self._fact.row_key(alias)

    def value(self, expression: Expression) -> exp.Expr:
        raise QueryInvalid("Rows as they are have no measures.", hint="Ask for groups instead.")

    def select(self, columns: Sequence[exp.Expr]) -> exp.Select:
        return self._fact.rows_select(columns)

    def own_keys(self) -> list[exp.Expr]:
        """Columns that make the order of rows certain."""
        return [column(name, self._fact.cube.name) for name in self._fact.cube.primary_key]


def _with(grouping: Grouping, keys: tuple[Key, ...]) -> Grouping:
    return Grouping(
        keys=keys,
        conditions=grouping.conditions,
        segments=grouping.segments,
        ranges=grouping.ranges,
    )


def listed(
    query: SemanticQuery,
    build: Build,
    members: Members,
    source: Source,
    order: Sequence[Sort],
    rest: Sequence[Sort],
    default_limit: int,
) -> exp.Select:
    """The SELECT with order and limit. `rest` decides between rows that are equal in `order`."""
    shown = [_shown(member, source) for member in members.shown]
    limit = _limit(query)
    if limit is not None and (query.limit_by or query.with_ties):
        return _best(query, build, members, source, shown, order, rest, limit)
    select = source.select(shown)
    every = _unique([*order, *rest])
    if every:
        select = select.order_by(*(item.inside for item in every), copy=False)
    if limit is not None and limit <= default_limit:
        select = select.limit(limit, copy=False)
    return select


def _shown(member: Member, source: Source) -> exp.Expr:
    if member.expression is not None:
        found = source.value(member.expression)
    else:
        found = source.key(member.alias)
    return exp.alias_(found, identifier(member.alias))


def _best(
    query: SemanticQuery,
    build: Build,
    members: Members,
    source: Source,
    shown: list[exp.Expr],
    order: Sequence[Sort],
    rest: Sequence[Sort],
    limit: int,
) -> exp.Select:
    """The first rows of each group, or with those that are equal to the last of them."""
    keys = [find_key(item, members.keys).alias for item in query.limit_by]
    every = _unique([*order, *rest])
    hidden = [exp.alias_(s.hidden, identifier(s.alias)) for s in every if s.hidden is not None]
    columns = [*shown, *hidden]
    inner = build.add_step("listed", source.select(columns))
    ranking = order if query.with_ties else every
    if not ranking:
        raise QueryInvalid("The first rows of each group need an order.")
    function = exp.Rank() if query.with_ties else exp.RowNumber()
    window = exp.Window(
        this=function,
        partition_by=[column(key) for key in keys],
        order=exp.Order(expressions=[item.over_alias for item in ranking]),
    )
    place = exp.alias_(window, identifier("place"))
    names = [column(item.alias) for item in columns]
    numbered = build.add_step("placed", exp.select(*names, place).from_(named(inner)))
    within = exp.LTE(this=column("place"), expression=exp.Literal.number(limit))
    select = exp.select(*(column(member.alias) for member in members.shown))
    select = select.from_(named(numbered)).where(within)
    final = _unique([*(_group_sort(key, every) for key in keys), *every])
    return select.order_by(*(item.over_alias for item in final), copy=False)


def _group_sort(key: str, order: Sequence[Sort]) -> Sort:
    return next((item for item in order if item.alias == key), Sort(key, descending=False))


def _unique(order: Sequence[Sort]) -> list[Sort]:
    found: dict[str, Sort] = {}
    for item in order:
        found.setdefault(item.alias, item)
    return list(found.values())


def _limit(query: SemanticQuery) -> int | None:
    if query.limit is None:
        if query.limit_by:
            raise QueryInvalid("The first rows of each group need a limit.")
        return None
    if query.limit < 1:
        raise QueryInvalid("A limit is a number of rows, at least 1.")
    return query.limit
