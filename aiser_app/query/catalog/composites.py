"""Keys of several columns that two tables share: weather by airport and hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from itertools import permutations

from sqlglot import exp

from aiser_app.domain.catalog import ColumnProfile, KeyLink, TableProfile, name_words
from aiser_app.query.catalog.naming import GENERIC_KEYS
from aiser_app.query.catalog.probe import Probe, column_expression, table_expression

MIN_COLUMNS = 2
MAX_COLUMNS = 8
_MIN_CONTAINMENT = 0.9
_PARTS_OF_TIME = frozenset(("year", "quarter", "month", "week", "day", "hour", "minute"))
_LABELS = frozenset(("name", "title", "description", "comment", "note", "text", "status", "type"))
MAX_SHARING = 60
"""A column that more tables share than this is no part of what connects two of them."""


def composite_pairs(tables: Sequence[TableProfile]) -> Iterator[tuple[TableProfile, TableProfile]]:
    """Pairs of tables that share enough columns to be worth a look, in the tables' order."""
    sharing: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for position, table in enumerate(tables):
        for column in table.columns:
            if _may_be_part(column) and column.name.casefold() not in _PARTS_OF_TIME:
                sharing[column.name, column.type].append(position)
    shared: set[tuple[int, int]] = set()
    for positions in sharing.values():
        if len(positions) <= MAX_SHARING:
            shared.update(permutations(positions, 2))
    for own, other in sorted(shared):
        yield tables[own], tables[other]


def find_composite(
    probe: Probe,
    table: TableProfile,
    target: TableProfile,
    referring: Set[tuple[str, str]] = frozenset(),
) -> KeyLink | None:
    """The fewest shared columns by which a row of `table` matches at most one row of `target`.

    What is checked are the keys that occur in `table`: rows of `target` that nothing refers to
    may repeat a key. Numbers that measure something are no part of a key. Columns that all refer to
    other tables (`referring`) make two tables siblings, not one the other's parent.
    """
    shared = _shared(table, target)
    if all((table.name, name) in referring for name in shared):
        return None
    if not _is_worth_checking(shared) or not _is_single(probe, table, target, shared):
        return None
    for column in [item for item in shared if item in _PARTS_OF_TIME] + list(shared):
        fewer = tuple(item for item in shared if item != column)
        enough = len(fewer) >= MIN_COLUMNS and column in shared
        if enough and _is_single(probe, table, target, fewer):
            shared = fewer
    containment = _containment(probe, table, target, shared)
    if containment is None or containment < _MIN_CONTAINMENT:
        return None
    return KeyLink(
        table=table.name,
        target=target.name,
        columns=tuple((name, name) for name in shared),
        name_score=0.9,
        containment=containment,
    )


def _shared(table: TableProfile, target: TableProfile) -> tuple[str, ...]:
    names = []
    for column in table.columns:
        other = target.find_column(column.name)
        if other is not None and other.type == column.type and _may_be_part(column):
            names.append(column.name)
    return tuple(names)


def _may_be_part(column: ColumnProfile) -> bool:
    words = name_words(column.name)
    if not words or words[-1] in _LABELS or column.is_clock:
        return False
    if column.type in ("string", "date", "timestamp"):
        return True
    return column.type == "integer" and (words[-1] in GENERIC_KEYS or words[-1] in _PARTS_OF_TIME)


def _is_worth_checking(shared: tuple[str, ...]) -> bool:
    """A date alone connects nothing: at least one column must be more than a part of time."""
    other = [name for name in shared if name.casefold() not in _PARTS_OF_TIME]
    return MIN_COLUMNS <= len(shared) <= MAX_COLUMNS and len(other) >= 1


def _distinct_keys(table: TableProfile, names: tuple[str, ...]) -> exp.Select:
    columns = [column_expression(name) for name in names]
    return exp.select(*columns).distinct().from_(table_expression(table.name))


def _on(names: tuple[str, ...], left: str, right: str) -> exp.Expr:
    return exp.and_(
        *(
            exp.EQ(this=column_expression(name, left), expression=column_expression(name, right))
            for name in names
        )
    )


def _is_single(
    probe: Probe, table: TableProfile, target: TableProfile, names: tuple[str, ...]
) -> bool:
    """Whether no key of `table` occurs twice in `target`."""
    counted = (
        exp.select(exp.Count(this=exp.Star()).as_("n"))
        .from_(table_expression(target.name).as_("t"))
        .join(_distinct_keys(table, names).subquery("k"), on=_on(names, "t", "k"))
        .group_by(*(column_expression(name, "t") for name in names))
    )
    row = probe.find_row(
        exp.select(exp.Max(this=column_expression("n"))).from_(counted.subquery("c"))
    )
    return row is not None and row[0] == 1


def _containment(
    probe: Probe, table: TableProfile, target: TableProfile, names: tuple[str, ...]
) -> float | None:
    query = (
        exp.select(exp.Count(this=exp.Star()), exp.Count(this=column_expression(names[0], "t")))
        .from_(_distinct_keys(table, names).subquery("k"))
        .join(
            _distinct_keys(target, names).subquery("t"),
            on=_on(names, "k", "t"),
            join_type="left",
        )
    )
    row = probe.find_row(query)
    return round(row[1] / row[0], 4) if row and row[0] else None
