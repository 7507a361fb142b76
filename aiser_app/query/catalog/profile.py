"""Measured facts of the columns of one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.errors import QueryInvalid
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


@dataclass(frozen=True, slots=True)
class _Facts:
    filled: int
    distinct: int | None
    low: str | None
    high: str | None
    length: float | None
    off_clock: int | None


def profile_table(probe: Probe, schema: TableSchema) -> TableProfile:
    """Facts as far as the budget goes; a column that could not be measured keeps its type only."""
    row_count = _row_count(probe, schema)
    columns: list[ColumnProfile] = []
    for start in range(0, len(schema.columns), _COLUMNS_PER_QUERY):
        part = schema.columns[start : start + _COLUMNS_PER_QUERY]
        facts = _measure(probe, schema, part, row_count)
        columns += [
            _column(probe, schema, column, row_count, fact)
            for column, fact in zip(part, facts, strict=True)
        ]
    return TableProfile(
        name=schema.name,
        row_count=row_count,
        columns=tuple(columns),
        description=schema.description,
        primary_key=schema.primary_key,
    )


def _row_count(probe: Probe, schema: TableSchema) -> int:
    counted = probe.find_row(
        exp.select(exp.Count(this=exp.Star())).from_(table_expression(schema.name))
    )
    return int(counted[0]) if counted else (schema.row_estimate or 0)


def _measure(
    probe: Probe, schema: TableSchema, columns: tuple[ColumnSchema, ...], row_count: int
) -> list[_Facts | None]:
    items: list[exp.Expr] = []
    for position, column in enumerate(columns):
        items += [
            item.as_(f"f{position}_{number}")
            for number, item in enumerate(_facts_of(column, exact=row_count <= EXACT_ROWS))
        ]
    row = probe.find_row(exp.select(*items).from_(table_expression(schema.name))) if items else None
    if row is None:
        return [None] * len(columns)
    width = len(row) // len(columns)
    return [_read(row[at : at + width]) for at in range(0, len(row), width)]


def _facts_of(column: ColumnSchema, *, exact: bool) -> list[exp.Expr]:
    """Always six expressions; NULL where a fact makes no sense for the type."""
    this = column_expression(column.name)
    nothing = exp.Null()
    comparable = column.type != "json"
    distinct = (
        exp.Count(this=exp.Distinct(expressions=[this])) if exact else exp.ApproxDistinct(this=this)
    )
    length = exp.Avg(this=exp.Length(this=this)) if column.type == "string" else nothing
    return [
        exp.Count(this=this),
        distinct if comparable else nothing,
        exp.cast(exp.Min(this=this), "text") if comparable else nothing,
        exp.cast(exp.Max(this=this), "text") if comparable else nothing,
        length if column.native_type.upper().startswith("VARCHAR") else nothing,
        _off_clock(this) if _may_be_clock(column) else nothing,
    ]


def _may_be_clock(column: ColumnSchema) -> bool:
    return column.type == "integer" and "time" in column.name.casefold()


def _off_clock(this: exp.Column) -> exp.Expr:
    """How many values are no time of day written as hhmm."""
    outside = exp.not_(exp.Between(this=this, low=_number(0), high=_number(2400)))
    minutes = exp.GTE(
        this=exp.paren(exp.Mod(this=this.copy(), expression=_number(100))), expression=_number(60)
    )
    return exp.CountIf(this=exp.or_(outside, minutes))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _read(row: tuple[Any, ...]) -> _Facts:
    filled, distinct, low, high, length, off_clock = row
    return _Facts(int(filled), distinct, low, high, length, off_clock)


def _column(
    probe: Probe, schema: TableSchema, column: ColumnSchema, row_count: int, facts: _Facts | None
) -> ColumnProfile:
    plain = ColumnProfile(
        name=column.name,
        type=column.type,
        native_type=column.native_type,
        description=column.description,
        is_unique=schema.primary_key == (column.name,),
    )
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
    this = exp.cast(column_expression(column.name), "text")
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
