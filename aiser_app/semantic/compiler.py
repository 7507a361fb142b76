"""From a semantic query to SQL: joins without fan-out, typed filters, a deterministic order.

The SQL is built as a tree and written once, in the dialect of the engine. One cube is the fact: the
rows that measures aggregate are its rows, and everything else is joined many-to-one from it, so no
row is ever counted twice. A query that would need more is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import Filter, SemanticQuery
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import condition, in_date_range
from aiser_app.semantic.dialects import written
from aiser_app.semantic.identifiers import column, identifier
from aiser_app.semantic.joining import Joining
from aiser_app.semantic.members import Member, Members, aggregate, resolve

MAX_MEMBERS = 60
"""Measures, dimensions, filters and orders of one query together."""
MAX_VALUES = 5_000
"""Values of all filters of one query together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledQuery:
    """`columns` and `members` are parallel, in the order of the select list."""

    sql: str
    columns: tuple[Column, ...]
    members: tuple[str, ...]
    tables: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What a reader should know: inferred joins, labels that several rows share."""


def compile_query(
    query: SemanticQuery, model: SemanticModel, *, dialect: str, default_limit: int
) -> CompiledQuery:
    """Compile `query` against `model`.

    A limit of the query becomes LIMIT unless it is above `default_limit`: then, as without one, the
    router cuts the rows and says so, because a silent LIMIT would look like the whole answer.

    Raises:
        QueryInvalid: unknown members, members that are not connected or would count rows twice,
            values that do not fit, an order by something that is not shown, or something that
            the database cannot compute.
    """
    _check_size(query)
    members = resolve(query, model)
    joining = Joining(model, members)
    select = exp.select(
        *(
            exp.alias_(_expression(member, joining), identifier(member.alias))
            for member in members.selected
        )
    )
    select = joining.add_to(select)
    for item in _conditions(query, members, joining):
        select = select.where(item, copy=False)
    if members.grouped:
        groups = [_expression(member, joining) for member in members.grouped]
        select = select.group_by(*groups, copy=False)
    for item in _having(members, joining):
        select = select.having(item, copy=False)
    order = _order(query, members)
    if order:
        select = select.order_by(*order, copy=False)
    limit = _limit(query, default_limit)
    if limit is not None:
        select = select.limit(limit, copy=False)
    return CompiledQuery(
        sql=written(select, dialect),
        columns=tuple(member.column for member in members.selected),
        members=tuple(member.name for member in members.selected),
        tables=joining.tables,
        notes=(*joining.notes, *members.notes),
    )


def _check_size(query: SemanticQuery) -> None:
    """Far beyond what somebody asks, and well below what a parser can take."""
    parts = (query.measures, query.dimensions, query.time_dimensions, query.filters, query.order)
    if sum(len(part) for part in parts) > MAX_MEMBERS:
        raise QueryInvalid(f"A semantic query names at most {MAX_MEMBERS} members.")
    if sum(len(item.values) for item in query.filters) > MAX_VALUES:
        raise QueryInvalid(f"The filters of a semantic query have at most {MAX_VALUES:,} values.")


def _expression(member: Member, joining: Joining) -> exp.Expr:
    """A fresh tree of the member: the same one may not hang in two places."""
    if member.measure is not None:
        return aggregate(member.measure, joining.column(member))
    plain = _plain(member, joining)
    if member.granularity is None:
        return plain
    truncated = exp.TimestampTrunc(this=plain, unit=exp.var(member.granularity.value.upper()))
    return exp.cast(truncated, "date" if member.column.type == "date" else "timestamp")


def _conditions(query: SemanticQuery, members: Members, joining: Joining) -> list[exp.Expr]:
    """WHERE: filters on dimensions, then date ranges."""
    found = [
        condition(item, _plain(member, joining), member.kind)
        for item, member in members.filters
        if member.measure is None
    ]
    for item, member in zip(query.time_dimensions, members.times, strict=True):
        if item.date_range is not None:
            found.append(in_date_range(_plain(member, joining), item.date_range))
    return found


def _plain(member: Member, joining: Joining) -> exp.Expr:
    found = joining.column(member)
    if found is None:
        raise QueryInvalid(f"{member.name} has no column.")
    return found


def _having(members: Members, joining: Joining) -> list[exp.Expr]:
    pairs: list[tuple[Filter, Member]] = [
        (item, member) for item, member in members.filters if member.measure is not None
    ]
    return [condition(item, _expression(member, joining), member.kind) for item, member in pairs]


def _order(query: SemanticQuery, members: Members) -> list[exp.Ordered]:
    """The order asked for, then every other group: no two rows are equal in all of them.

    Without one: by time; else by the first measure, largest first; else by the first dimension.
    """
    wanted: list[tuple[Member, bool]] = [
        (members.find_shown(item.member), item.descending) for item in query.order
    ]
    if not wanted:
        wanted = [(member, False) for member in members.grouped if member.granularity is not None]
    if not wanted and members.measured and members.grouped:
        wanted = [(members.measured[0], True)]
    rest = [(member, False) for member in members.grouped]
    ordered: dict[str, bool] = {}
    for member, descending in (*wanted, *rest):
        ordered.setdefault(member.alias, descending)
    return [
        exp.Ordered(
            this=column(alias),
            desc=descending,
            nulls_first=False,
        )
        for alias, descending in ordered.items()
    ]


def _limit(query: SemanticQuery, default_limit: int) -> int | None:
    if query.limit is None:
        return None
    if query.limit < 1:
        raise QueryInvalid("A limit is a number of rows, at least 1.")
    return query.limit if query.limit <= default_limit else None
