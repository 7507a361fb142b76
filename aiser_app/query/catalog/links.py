"""Links between tables: declared keys first, then candidates whose values were compared.

Measured on undeclared schemas (reference study of the planner): names and containment of values
together find nine of ten references; siblings that refer to one parent must not link to each other,
so each column refers to one target only, its best.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sqlglot import exp

from aiser_app.domain.catalog import (
    KeyLink,
    ProgressReport,
    SyncPhase,
    SyncProgress,
    TableProfile,
)
from aiser_app.query.catalog.candidates import (
    Candidate,
    named_candidates,
    value_candidates,
)
from aiser_app.query.catalog.composites import composite_pairs, find_composite
from aiser_app.query.catalog.naming import entity_words
from aiser_app.query.catalog.probe import Probe, column_expression, table_expression
from aiser_app.query.catalog.roles import role_candidates

MIN_CONTAINMENT = 0.5
"""A named link needs at least half of its values in the target."""
MIN_VALUE_CONTAINMENT = 0.9
"""A link without a fitting name needs nearly all of them."""
MIN_ROLE_CONTAINMENT = 0.98
"""A link of a role, of numbers that other keys have as well, needs all but strays."""
MAX_MEASURED_VALUES = 200_000
"""Distinct values of the referring column that are compared."""
MAX_COMPOSITE_ROWS = 5_000_000


def find_links(
    probe: Probe, tables: tuple[TableProfile, ...], report: ProgressReport
) -> tuple[KeyLink, ...]:
    """Every link was checked: a row of the own table matches at most one row of the target."""
    links = declared_links(tables)
    known = referring(links)
    named = [item for item in named_candidates(tables) if item.referrer not in known]
    # A manager may be a row of the same table by name, and of another one by meaning.
    elsewhere = {item.referrer for item in named if item.table is not item.target}
    roles = list(role_candidates(tables, known | elsewhere))
    links += best_links(
        chain(
            _measured(probe, named, MIN_CONTAINMENT, report),
            _measured(probe, roles, MIN_ROLE_CONTAINMENT, report),
        )
    )
    roles = list(role_candidates(tables, known | referring(links)))
    links += best_links(_measured(probe, roles, MIN_ROLE_CONTAINMENT, report))
    by_value = list(value_candidates(tables, referring(links)))
    links += best_links(_measured(probe, by_value, MIN_VALUE_CONTAINMENT, report))
    links += _composites(probe, tables, links)
    return in_order(links)


def declared_links(tables: Iterable[TableProfile]) -> list[KeyLink]:
    """What the database says, as far as it is about tables that are known."""
    tables = list(tables)
    known = {table.name for table in tables}
    return [
        KeyLink(
            table=table.name,
            target=target,
            columns=tuple(zip(own, target_columns, strict=True)),
            name_score=1.0,
            containment=1.0,
            declared=True,
        )
        for table in tables
        for own, target, target_columns in table.foreign_keys
        if target in known and len(own) == len(target_columns)
    ]


def referring(links: Iterable[KeyLink]) -> set[tuple[str, str]]:
    """Columns that refer to something, as (table, column)."""
    return {(link.table, own) for link in links for own, _ in link.columns}


def in_order(links: Iterable[KeyLink]) -> tuple[KeyLink, ...]:
    return tuple(sorted(links, key=lambda link: (link.table, link.target, link.columns)))


def best_links(measured: Iterable[tuple[Candidate, float]]) -> list[KeyLink]:
    """For each referring column its best target, by names and the measured containment."""
    found: dict[tuple[str, str], tuple[tuple[float, ...], KeyLink]] = {}
    for candidate, containment in measured:
        link = KeyLink(
            table=candidate.table.name,
            target=candidate.target.name,
            columns=((candidate.column.name, candidate.target_column.name),),
            name_score=candidate.name_score,
            containment=containment,
        )
        rank = _rank(candidate, link)
        if candidate.referrer not in found or rank > found[candidate.referrer][0]:
            found[candidate.referrer] = (rank, link)
    return _without_mutual([link for _, link in found.values()])


def _measured(
    probe: Probe, candidates: Sequence[Candidate], least: float, report: ProgressReport
) -> Iterator[tuple[Candidate, float]]:
    for done, candidate in enumerate(candidates, start=1):
        containment = _containment(probe, candidate)
        report(SyncProgress(phase=SyncPhase.LINKS, done=done, total=len(candidates)))
        enough = max(least, MIN_VALUE_CONTAINMENT) if candidate.is_aside else least
        if containment is not None and containment >= enough:
            yield candidate, containment


def _rank(candidate: Candidate, link: KeyLink) -> tuple[float, ...]:
    """Score first; then a target of the same schema, one that is named like the key, a larger one."""
    named = set(entity_words(candidate.target)) & set(candidate.column.name.casefold().split("_"))
    return (
        link.score,
        float(candidate.is_within_schema),
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
    known = referring(links)
    found = []
    for table, target in composite_pairs(tables):
        pair = (table.name, target.name)
        if pair in connected or pair[::-1] in connected:
            continue
        if max(table.row_count, target.row_count) > MAX_COMPOSITE_ROWS:
            continue
        link = find_composite(probe, table, target, known)
        if link is not None:
            found.append(link)
    return found
