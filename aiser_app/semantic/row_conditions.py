"""Conditions on rows that nest, and that may be about related rows.

A condition on a column of which a row has many (the orders of a customer) means that one of them
fulfils it. Such conditions side by side are about one and the same related row: "customers with an
order of March above 100" have one order that is both.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import Condition, Existence, Filter, FilterGroup
from aiser_app.errors import QueryInvalid
from aiser_app.semantic import existence
from aiser_app.semantic.conditions import Value, compared, condition, opposite
from aiser_app.semantic.join_graph import Path
from aiser_app.semantic.row_reader import RowReader
from aiser_app.semantic.scope import up_part


def all_of(rows: RowReader, conditions: Sequence[Condition]) -> list[exp.Expr]:
    """The conditions as parts of an AND, those about one related row taken together."""
    found: list[exp.Expr | Path] = []
    related: dict[Path, list[Condition]] = {}
    for item in conditions:
        way = _related(rows, item)
        if way is None:
            found.append(_one(rows, item))
        else:
            if way not in related:
                found.append(way)
            related.setdefault(way, []).append(item)
    return [
        existence.has_some(rows, item, tuple(related[item])) if isinstance(item, tuple) else item
        for item in found
    ]


def _related(rows: RowReader, item: Condition) -> Path | None:
    """The way to the one related row that a condition is about.

    None: it is about the row itself, or about several things, each on its own.
    """
    if isinstance(item, Existence) or (isinstance(item, FilterGroup) and item.is_negated):
        return None
    ways = {_up_way(rows, term.member, term.role) for term in rows.words.filtered_columns(item)}
    if isinstance(item, FilterGroup):
        return next(iter(ways)) or None if len(ways) == 1 and not _has_parts_apart(item) else None
    many = ways - {()}
    if len(many) > 1:
        raise QueryInvalid(
            f"What the filter on {item.member} compares does not belong to one row.",
            hint="Compare columns of one table, or of tables that it refers to.",
        )
    return many.pop() if many else None


def _up_way(rows: RowReader, member: str, role: str) -> Path:
    cube, _ = rows.words.dimension(member)
    path = rows.scope.locate(cube, role)
    return () if rows.scope.is_joined(path) else up_part(path)


def _has_parts_apart(group: FilterGroup) -> bool:
    """Whether parts of it speak for themselves: an opposite means that there is no such row at all."""
    return any(
        isinstance(inner, Existence)
        or (isinstance(inner, FilterGroup) and (inner.is_negated or _has_parts_apart(inner)))
        for inner in group.conditions
    )


def _one(rows: RowReader, item: Condition) -> exp.Expr:
    if isinstance(item, Existence):
        return existence.exists(rows, item)
    if isinstance(item, FilterGroup):
        return _group(rows, item)
    return _filter(rows, item)


def _group(rows: RowReader, item: FilterGroup) -> exp.Expr:
    if not item.conditions:
        raise QueryInvalid("A group of conditions has no condition.")
    if item.is_any:
        parts = [exp.and_(*all_of(rows, (inner,))) for inner in item.conditions]
        found = exp.or_(*parts)
    else:
        found = exp.and_(*all_of(rows, item.conditions))
    if item.is_negated:
        return opposite(found)
    return exp.paren(found) if isinstance(found, exp.Connector) else found


def _filter(rows: RowReader, item: Filter) -> exp.Expr:
    if item.part is not None:
        part = rows.part(item.member, item.role, item.part)
        found = Value(part, DimensionType.NUMBER)
        if item.other:
            other = rows.part(item.other, item.other_role, item.part)
            return compared(item, found, Value(other, DimensionType.NUMBER))
        return condition(item, found)
    value = rows.member(item.member, item.role)
    if item.other:
        return compared(item, value, rows.member(item.other, item.other_role))
    return condition(item, value)
