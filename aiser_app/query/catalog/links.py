"""Links between tables: declared keys first, then candidates whose values were compared.

Measured on undeclared schemas (reference study of the planner): names and containment of values
together find nine of ten references; siblings that refer to one parent must not link to each other,
so each column refers to one target only, its best.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from aiser_app.domain.catalog import KeyLink, TableProfile
from aiser_app.query.catalog.candidates import (
    Candidate,
    entity_words,
    named_candidates,
    value_candidates,
)
from aiser_app.query.catalog.composites import find_composite
from aiser_app.query.catalog.probe import Probe, column_expression, table_expression
from aiser_app.query.engines.contract import TableSchema

MIN_CONTAINMENT = 0.5
"""A named link needs at least half of its values in the target."""
MIN_VALUE_CONTAINMENT = 0.9
"""A link without a fitting name needs nearly all of them."""
MAX_MEASURED_VALUES = 200_000
"""Distinct values of the referring column that are compared."""
MAX_COMPOSITE_ROWS = 5_000_000


def find_links(
    probe: Probe, tables: tuple[TableProfile, ...], schemas: tuple[TableSchema, ...]
) -> tuple[KeyLink, ...]:
    """Every link was checked: a row of the own table matches at most one row of the target."""
    links = list(_declared(schemas, tables))
    taken = {(link.table, pair[0]) for link in links for pair in link.columns}
    named = (item for item in named_candidates(tables) if _key(item) not in taken)
    links += _best(probe, named, MIN_CONTAINMENT)
    taken = {(link.table, pair[0]) for link in links for pair in link.columns}
    links += _best(probe, value_candidates(tables, taken), MIN_VALUE_CONTAINMENT)
    links += _composites(probe, tables, links)
    return tuple(sorted(links, key=lambda link: (link.table, link.target, link.columns)))


def _declared(
    schemas: tuple[TableSchema, ...], tables: tuple[TableProfile, ...]
) -> Iterable[KeyLink]:
    known = {table.name for table in tables}
    for schema in schemas:
        for own, target, target_columns in schema.foreign_keys:
            if target in known:
                yield KeyLink(
                    table=schema.name,
                    target=target,
                    columns=tuple(zip(own, target_columns, strict=True)),
                    name_score=1.0,
                    containment=1.0,
                    declared=True,
                )


def _key(candidate: Candidate) -> tuple[str, str]:
    return candidate.table.name, candidate.column.name


def _best(probe: Probe, candidates: Iterable[Candidate], min_containment: float) -> list[KeyLink]:
    """For each referring column its best target."""
    found: dict[tuple[str, str], tuple[tuple[float, ...], KeyLink]] = {}
    for candidate in candidates:
        containment = _containment(probe, candidate)
        if containment is None or containment < min_containment:
            continue
        link = KeyLink(
            table=candidate.table.name,
            target=candidate.target.name,
            columns=((candidate.column.name, candidate.target_column.name),),
            name_score=candidate.name_score,
            containment=containment,
        )
        rank = _rank(candidate, link)
        if _key(candidate) not in found or rank > found[_key(candidate)][0]:
            found[_key(candidate)] = (rank, link)
    return _without_mutual([link for _, link in found.values()])


def _rank(candidate: Candidate, link: KeyLink) -> tuple[float, ...]:
    """Score first; then the target that is named like the key, then the one with more keys."""
    named = set(entity_words(candidate.target)) & set(candidate.column.name.casefold().split("_"))
    return (
        link.score,
        float(bool(named)),
        float(candidate.target.row_count),
    )


def _without_mutual(links: list[KeyLink]) -> list[KeyLink]:
    """Of two tables that share a key one to one, the smaller refers to the larger."""
    kept: list[KeyLink] = []
    by_ends = {(link.table, link.target, link.columns): link for link in links}
    for link in links:
        back = by_ends.get(
            (link.target, link.table, tuple((other, own) for own, other in link.columns))
        )
        if back is None or (link.containment, link.table) > (back.containment, back.table):
            kept.append(link)
    return kept


def _containment(probe: Probe, candidate: Candidate) -> float | None:
    """Share of the distinct own values that the target has; an empty table says nothing: 0.5."""
    own = (
        exp.select(column_expression(candidate.column.name).as_("value"))
        .distinct()
        .from_(table_expression(candidate.table.name))
        .where(
            exp.not_(exp.Is(this=column_expression(candidate.column.name), expression=exp.Null()))
        )
        .limit(MAX_MEASURED_VALUES)
    )
    other = (
        exp.select(column_expression(candidate.target_column.name).as_("value"))
        .distinct()
        .from_(table_expression(candidate.target.name))
    )
    query = (
        exp.select(exp.Count(this=exp.Star()), exp.Count(this=column_expression("value", "other")))
        .from_(own.subquery("own"))
        .join(
            other.subquery("other"),
            on=exp.EQ(
                this=column_expression("value", "own"),
                expression=column_expression("value", "other"),
            ),
            join_type="left",
        )
    )
    row = probe.find_row(query)
    if row is None:
        return None
    total, matched = row
    return round(matched / total, 4) if total else 0.5


def _composites(
    probe: Probe, tables: tuple[TableProfile, ...], links: list[KeyLink]
) -> list[KeyLink]:
    """Keys of several columns, tried only between tables that nothing else connects."""
    connected = {(link.table, link.target) for link in links}
    found = []
    for table in tables:
        for target in tables:
            pair = (table.name, target.name)
            if table is target or pair in connected or pair[::-1] in connected:
                continue
            if max(table.row_count, target.row_count) > MAX_COMPOSITE_ROWS:
                continue
            link = find_composite(probe, table, target)
            if link is not None:
                found.append(link)
    return found
