"""What advice is made of: tables as the catalog knows them, queries as the history knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.domain.query_record import QueryRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class TableFacts:
    """`indexes` are the columns of each index in order, primary keys included."""

    name: str
    columns: tuple[str, ...] = ()
    row_estimate: int | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    is_view: bool = False

    def has_index_on(self, column: str) -> bool:
        """Whether an index begins with the column: only then it helps to find its values."""
        wanted = column.casefold()
        return any(index and index[0].casefold() == wanted for index in self.indexes)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryGroup:
    """Queries that differ only in their literals, newest first."""

    fingerprint: str
    records: tuple[QueryRecord, ...]

    @property
    def newest(self) -> QueryRecord:
        return self.records[0]

    @property
    def ran(self) -> tuple[QueryRecord, ...]:
        """Without those that the cache answered."""
        return tuple(record for record in self.records if not record.from_cache)

    @property
    def total_ms(self) -> float:
        return sum(record.duration_ms for record in self.ran)

    @property
    def median_ms(self) -> float:
        times = sorted(record.duration_ms for record in self.ran)
        return times[len(times) // 2] if times else 0.0


def grouped(records: Iterable[QueryRecord]) -> tuple[QueryGroup, ...]:
    """Those that succeeded or ran out of time, by fingerprint; the ones that took most come first."""
    by_print: dict[str, list[QueryRecord]] = {}
    for record in records:
        if record.status in ("succeeded", "timed_out"):
            by_print.setdefault(record.fingerprint, []).append(record)
    groups = [QueryGroup(fingerprint=key, records=tuple(r)) for key, r in by_print.items()]
    return tuple(sorted(groups, key=lambda group: (-group.total_ms, group.fingerprint)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Searched:
    """A column that rows are picked or matched by."""

    table: str
    column: str
    is_join: bool


def parsed(sql: str, dialect: str) -> exp.Expr | None:
    """The tree of a query from the history; None when it cannot be read (any more)."""
    try:
        return sqlglot.parse_one(sql, read=dialect)
    except (SqlglotError, RecursionError):
        return None


def searched_columns(root: exp.Expr, tables: Mapping[str, TableFacts]) -> tuple[Searched, ...]:
    """Columns compared in WHERE and ON, with the table that each belongs to, as far as that is clear."""
    by_alias = _aliases(root, tables)
    found: dict[tuple[str, str], bool] = {}
    for where in root.find_all(exp.Where):
        for column in _compared(where.this):
            _note(found, column, by_alias, is_join=False)
    for join in root.find_all(exp.Join):
        for column in _compared(join.args.get("on")):
            _note(found, column, by_alias, is_join=True)
    return tuple(
        Searched(table=table, column=column, is_join=is_join)
        for (table, column), is_join in found.items()
    )


def _aliases(root: exp.Expr, tables: Mapping[str, TableFacts]) -> dict[str, TableFacts]:
    known = {name.casefold(): facts for name, facts in tables.items()}
    found = {}
    for table in root.find_all(exp.Table):
        full = f"{table.db}.{table.name}".casefold()
        facts = known.get(full) or known.get(table.name.casefold())
        if facts is not None:
            found[table.alias_or_name.casefold()] = facts
    return found


def _compared(condition: exp.Expr | None) -> Iterable[exp.Column]:
    """Columns that stand alone on one side of a comparison an index can serve."""
    if condition is None:
        return
    kinds = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between)
    for node in condition.find_all(*kinds):
        if node.find_ancestor(exp.Not, exp.Or) is not None:
            continue
        for side in (node.this, node.args.get("expression")):
            if isinstance(side, exp.Column):
                yield side


def _note(
    found: dict[tuple[str, str], bool],
    column: exp.Column,
    by_alias: Mapping[str, TableFacts],
    *,
    is_join: bool,
) -> None:
    if column.table:
        owners = [by_alias[column.table.casefold()]] if column.table.casefold() in by_alias else []
    else:
        owners = [facts for facts in by_alias.values() if _has(facts, column.name)]
    if len({owner.name for owner in owners}) != 1 or not _has(owners[0], column.name):
        return
    key = (
        owners[0].name,
        next(c for c in owners[0].columns if c.casefold() == column.name.casefold()),
    )
    found[key] = found.get(key, False) or is_join


def _has(facts: TableFacts, column: str) -> bool:
    return any(name.casefold() == column.casefold() for name in facts.columns)
