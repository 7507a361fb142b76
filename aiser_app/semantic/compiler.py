"""From a semantic query to SQL: joins without fan-out, typed filters, a deterministic order.

The SQL is built as a tree and written once, in the dialect of the engine. Every table whose rows are
counted is aggregated on its own; what it refers to is joined many-to-one, and what refers to it is
asked for without multiplying it. A query that has no one meaning is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import days_of
from aiser_app.semantic.dialects.writing import written
from aiser_app.semantic.dialects.zones import get_zone
from aiser_app.semantic.facts import Grouping
from aiser_app.semantic.figures import Figures
from aiser_app.semantic.identifiers import identifier
from aiser_app.semantic.keys import Key
from aiser_app.semantic.listing import RowList, Sort, Source, listed
from aiser_app.semantic.members import Members, shared_labels, shown_members
from aiser_app.semantic.nesting import MAX_DEPTH, MAX_MEMBERS, MAX_VALUES, check_size
from aiser_app.semantic.scope import Build
from aiser_app.semantic.steps import Wanted
from aiser_app.semantic.vocabulary import Vocabulary
from aiser_app.semantic.windows import time_ranges

__all__ = ["MAX_DEPTH", "MAX_MEMBERS", "MAX_VALUES", "CompiledQuery", "compile_query"]


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
        QueryInvalid: unknown members, members that are not connected or in several ways, values that
            do not fit, an order by something that is not shown, or something that the database
            cannot compute.
    """
    check_size(query)
    dialect = {"mariadb": "mysql"}.get(dialect, dialect)
    build = Build(query, model, dialect, Vocabulary(query, model))
    _check_clock(query)
    members = shown_members(query, build)
    if query.is_ungrouped:
        source, order, rest = _row_list(query, build, members)
    else:
        source, order, rest = _groups(query, build, members)
    select = listed(query, build, members, source, order, rest, default_limit)
    for name, step in build.steps.items():
        select = select.with_(identifier(name), as_=step, copy=False)
    return CompiledQuery(
        sql=written(select, dialect),
        columns=tuple(member.column for member in members.shown),
        members=tuple(member.name for member in members.shown),
        tables=tuple(build.tables),
        notes=(*build.notes, *shared_labels(members, build)),
    )


def _check_clock(query: SemanticQuery) -> None:
    if query.time_zone:
        get_zone(query.time_zone)
    if not 1 <= query.week_start <= 7:
        raise QueryInvalid("A week starts with a day from 1, Monday, to 7, Sunday.")


def _grouping(query: SemanticQuery, build: Build, members: Members) -> Grouping:
    ranges = time_ranges(query.time_dimensions)
    for item in ranges:
        days_of(item.days)
    return Grouping(
        keys=members.keys,
        conditions=tuple(item for item in query.filters if not build.words.is_on_groups(item)),
        segments=query.segments,
        ranges=ranges,
    )


def _row_list(
    query: SemanticQuery, build: Build, members: Members
) -> tuple[Source, list[Sort], list[Sort]]:
    """Rows in the order asked for, which may be that of a dimension that is not shown."""
    if query.measures:
        raise QueryInvalid("Rows as they are have no measures.", hint="Ask for groups instead.")
    if query.keep_empty:
        raise QueryInvalid("Empty groups need groups: rows as they are have none.")
    if any(build.words.is_on_groups(item) for item in query.filters):
        raise QueryInvalid("Rows as they are can only be filtered by their own columns.")
    grouping = _grouping(query, build, members)
    more = {
        item.member: Key(member=item.member, alias=f"order_{number}")
        for number, item in enumerate(query.order)
        if members.find(item.member) is None
    }
    for name in more:
        build.words.kind(name)
    rows = RowList(build, grouping, tuple(more.values()))
    order = []
    for item in query.order:
        shown = members.find(item.member)
        if shown is not None:
            order.append(Sort(shown.alias, item.descending))
        else:
            key = more[item.member]
            order.append(Sort(key.alias, item.descending, rows.key(key.alias)))
    rest = [Sort(f"row_{n}", False, key) for n, key in enumerate(rows.own_keys())]
    if not rest:
        rest = [Sort(member.alias, False) for member in members.grouped]
    return rows, order, rest


def _groups(
    query: SemanticQuery, build: Build, members: Members
) -> tuple[Source, list[Sort], list[Sort]]:
    """Groups in the order asked for, then by every other key: no two rows are equal in all of them.

    Without one: by time; else by the first measure, largest first; else by the first dimension.
    """
    hidden = [
        item.member
        for item in query.order
        if members.find(item.member) is None and build.words.find_metric(item.member) is not None
    ]
    figures = [m.expression for m in members.measured if m.expression is not None]
    figures.extend(build.words.expression(name) for name in hidden)
    wanted = Wanted(
        grouping=_grouping(query, build, members),
        figures=tuple(figures),
        having=tuple(item for item in query.filters if build.words.is_on_groups(item)),
        keep_empty=query.keep_empty,
    )
    source = Figures(build, wanted)
    order = [_sort(item.member, item.descending, build, members, source) for item in query.order]
    if not order:
        times = [m for m in members.grouped if m.key is not None and m.key.is_time]
        order = [Sort(member.alias, False) for member in times]
    if not order and members.measured and members.grouped:
        order = [Sort(members.measured[0].alias, True)]
    return source, order, [Sort(member.alias, False) for member in members.grouped]


def _sort(name: str, descending: bool, build: Build, members: Members, source: Source) -> Sort:
    shown = members.find(name)
    if shown is not None:
        return Sort(shown.alias, descending)
    if build.words.find_metric(name) is not None:
        return Sort(f"order_{name}", descending, source.value(build.words.expression(name)))
    raise QueryInvalid(
        f"Rows can only be ordered by what is shown, not by {name[:80]}.",
        hint=f"Shown are: {', '.join(member.name for member in members.shown)}.",
    )
