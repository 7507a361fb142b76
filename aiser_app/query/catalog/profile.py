"""Measured facts of the columns of one table, over all of its rows: for data that Aiser keeps itself.

Of somebody else's database only samples are read, see `sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.errors import QueryInvalid
from aiser_app.query.catalog.portable import as_text, average_length, count_distinct, count_where
from aiser_app.query.catalog.probe import (
    BudgetSpent,
    Probe,
    column_expression,
    table_expression,
)
from aiser_app.query.engines.contract import ColumnSchema, TableSchema

EXACT_ROWS = 5_000_000
"""Up to here distinct values are counted exactly; beyond, estimated, and nothing is called unique."""
MAX_VALUES = 200
"""Most distinct values of a text column that are kept as its list of values."""
MAX_VALUE_LENGTH = 60
"""Average length in characters beyond which a text column is prose, not a list of values."""
_COLUMNS_PER_QUERY = 40
_COUNTED_VALUES = 1_000_000
"""Most values that one statement counts exactly, unless a single column has more: every distinct one
of them is in memory until the statement ends. Columns lie apart on disk, so reading some in one
statement and the rest in the next costs no more than reading all in one."""


@dataclass(frozen=True, slots=True)
class _Facts:
    filled: int
    distinct: int | None
    low: str | None
    high: str | None
    length: float | None
    off_clock: int | None


def plain_table(schema: TableSchema, depends_on: tuple[str, ...] | None = None) -> TableProfile:
    """What the database's own catalog says; nothing measured."""
    return TableProfile(
        name=schema.name,
        row_count=max(schema.row_estimate or 0, 0),
        columns=tuple(plain_column(schema, column) for column in schema.columns),
        description=schema.description,
        primary_key=schema.primary_key,
        foreign_keys=schema.foreign_keys,
        indexes=schema.indexes,
        is_view=schema.is_view,
        depends_on=depends_on,
    )


def plain_column(schema: TableSchema, column: ColumnSchema) -> ColumnProfile:
    return ColumnProfile(
        name=column.name,
        type=column.type,
        native_type=column.native_type,
        description=column.description,
        is_unique=schema.primary_key == (column.name,),
    )


def profile_table(
    probe: Probe, schema: TableSchema, depends_on: tuple[str, ...] | None = None
) -> TableProfile:
    """Facts as far as the budget goes; a column that could not be measured keeps its type only."""
    row_count = _row_count(probe, schema)
    columns: list[ColumnProfile] = []
    width = _columns_at_once(row_count)
    for start in range(0, len(schema.columns), width):
        part = schema.columns[start : start + width]
        facts = _measure(probe, schema, part, row_count)
        columns += [
            _column(probe, schema, column, row_count, fact)
            for column, fact in zip(part, facts, strict=True)
        ]
    return replace(plain_table(schema, depends_on), row_count=row_count, columns=tuple(columns))


def _columns_at_once(row_count: int) -> int:
    if row_count > EXACT_ROWS:  # estimates take little memory
        return _COLUMNS_PER_QUERY
    return min(_COLUMNS_PER_QUERY, max(1, _COUNTED_VALUES // max(1, row_count)))


def _row_count(probe: Probe, schema: TableSchema) -> int:
    counted = probe.find_row(
        exp.select(exp.Count(this=exp.Star())).from_(table_expression(schema.name))
    )
    return int(counted[0]) if counted else (schema.row_estimate or 0)


def _measure(
    probe: Probe, schema: TableSchema, columns: tuple[ColumnSchema, ...], row_count: int
) -> list[_Facts | None]:
    items: list[exp.Expr] = []
    exact = row_count <= EXACT_ROWS
    for position, column in enumerate(columns):
        items += [
            item.as_(f"f{position}_{number}")
            for number, item in enumerate(facts_of(column, exact=exact, dialect=probe.dialect))
        ]
    row = probe.find_row(exp.select(*items).from_(table_expression(schema.name)))
    if row is None:
        return [None] * len(columns)
    width = len(row) // len(columns)
    return [_read(row[at : at + width]) for at in range(0, len(row), width)]


def facts_of(column: ColumnSchema, *, exact: bool, dialect: str) -> list[exp.Expr]:
    """Always six expressions; NULL where a fact makes no sense for the type.

    Not every engine compares everything (PostgreSQL has no smallest boolean, and no smallest UUID):
    outside of DuckDB text is compared as text, and yes and no are not.
    """
    this: exp.Expr = column_expression(column.name)
    nothing = exp.Null()
    is_text = column.type == "string"
    if is_text and dialect != "duckdb":
        this = as_text(this)
    comparable = column.type != "json"
    ordered = comparable and (dialect == "duckdb" or column.type != "boolean")
    distinct = count_distinct(this, exact=exact, dialect=dialect)
    has_length = is_text and (dialect != "duckdb" or _is_plain_text(column))
    return [
        exp.Count(this=this),
        distinct if comparable else nothing,
        as_text(exp.Min(this=this)) if ordered else nothing,
        as_text(exp.Max(this=this)) if ordered else nothing,
        average_length(this) if has_length else nothing,
        _off_clock(this) if _may_be_clock(column) else nothing,
    ]


def _is_plain_text(column: ColumnSchema) -> bool:
    return column.native_type.upper().startswith("VARCHAR")


def _may_be_clock(column: ColumnSchema) -> bool:
    return column.type == "integer" and "time" in column.name.casefold()


def _off_clock(this: exp.Expr) -> exp.Expr:
    """How many values are no time of day written as hhmm."""
    outside = exp.not_(exp.Between(this=this, low=_number(0), high=_number(2400)))
    minutes = exp.GTE(
        this=exp.paren(exp.Mod(this=this.copy(), expression=_number(100))), expression=_number(60)
    )
    return count_where(exp.or_(outside, minutes))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _read(row: tuple[Any, ...]) -> _Facts:
    filled, distinct, low, high, length, off_clock = row
    return _Facts(
        int(filled),
        distinct,
        low,
        high,
        None if length is None else float(length),
        None if off_clock is None else int(off_clock),
    )


def _column(
    probe: Probe, schema: TableSchema, column: ColumnSchema, row_count: int, facts: _Facts | None
) -> ColumnProfile:
    plain = plain_column(schema, column)
    if facts is None:
        return plain
    exact = row_count <= EXACT_ROWS
    return replace(
        plain,
        distinct_count=facts.distinct,
        null_fraction=round(1 - facts.filled / row_count, 6) if row_count else 0.0,
        minimum=facts.low,
        maximum=facts.high,
        average_length=round(facts.length, 2) if facts.length is not None else None,
        values=_values(probe, schema, column, facts),
        is_unique=plain.is_unique or (exact and 0 < row_count == facts.distinct),
        is_clock=facts.off_clock == 0 and (facts.distinct or 0) > 24,
    )


def _values(
    probe: Probe, schema: TableSchema, column: ColumnSchema, facts: _Facts
) -> tuple[str, ...]:
    """All distinct values, or none at all: half a list would mislead whoever links words to it."""
    few = facts.distinct is not None and 0 < facts.distinct <= MAX_VALUES
    if column.type != "string" or not few or (facts.length or 0) > MAX_VALUE_LENGTH:
        return ()
    this = as_text(column_expression(column.name))
    query = (
        exp.select(this.as_("value"))
        .distinct()
        .from_(table_expression(schema.name))
        .where(exp.not_(exp.Is(this=column_expression(column.name), expression=exp.Null())))
        .limit(MAX_VALUES + 1)
    )
    try:
        values = [str(row[0]) for row in probe.rows(query)]
    except (BudgetSpent, QueryInvalid):
        return ()
    return tuple(sorted(values)) if len(values) <= MAX_VALUES else ()
