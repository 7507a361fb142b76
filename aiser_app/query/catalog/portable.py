"""Expressions of measuring queries that every dialect can compute.

What sqlglot writes as it stands is not repeated here; what it would write wrongly, or what an
engine lacks, is. Checked on DuckDB, SQLite and PostgreSQL by running, elsewhere by reading.
"""

from __future__ import annotations

from sqlglot import exp

_ESTIMATES_DISTINCT = frozenset(
    ("duckdb", "clickhouse", "snowflake", "bigquery", "trino", "databricks", "spark")
)
"""Dialects with an aggregate that estimates distinct values; the others count them."""
_SAMPLES_BLOCKS = frozenset(
    ("postgres", "snowflake", "bigquery", "tsql", "trino", "databricks", "spark")
)
"""Dialects that read a share of a table's blocks at the price of that share."""
_SEEDED = frozenset(("postgres", "tsql", "databricks", "spark"))
_SEED = 42
_BLOCK_ROWS = 10.0
"""How many times the wanted rows the sampled blocks should hold: blocks are chosen by chance."""


def count_distinct(this: exp.Expr, *, exact: bool, dialect: str) -> exp.Expr:
    if exact or dialect not in _ESTIMATES_DISTINCT:
        return exp.Count(this=exp.Distinct(expressions=[this]))
    return exp.ApproxDistinct(this=this)


def count_where(condition: exp.Expr) -> exp.Expr:
    """How many rows fulfil it. As a sum: `COUNT_IF` is missing in more dialects than it is in."""
    one, none = exp.Literal.number(1), exp.Literal.number(0)
    return exp.Sum(this=exp.case().when(condition, one).else_(none))


def as_text(this: exp.Expr) -> exp.Expr:
    return exp.cast(this, "text")


def start_of_text(this: exp.Expr, length: int, *, dialect: str) -> exp.Expr:
    """The first characters: a sample must not fetch documents."""
    text = as_text(this)
    if dialect == "clickhouse":  # its SUBSTRING counts bytes, and would cut a character in two
        return exp.Anonymous(this="substringUTF8", expressions=[text, _number(1), _number(length)])
    return exp.Substring(this=text, start=_number(1), length=_number(length))


def average_length(this: exp.Expr) -> exp.Expr:
    """In characters."""
    return exp.Avg(this=exp.Length(this=this))


def sampled_table(table: exp.Table, rows: int, row_estimate: int | None, dialect: str) -> exp.Table:
    """`table`, or where the dialect can, blocks of it that hold about `rows` rows and more.

    With a fixed seed, where there is one: the same data gives the same sample, and a sync that
    finds nothing new changes nothing.
    """
    wanted = rows * _BLOCK_ROWS
    if dialect not in _SAMPLES_BLOCKS or row_estimate is None or row_estimate <= wanted:
        return table
    percent = f"{100 * wanted / row_estimate:.6f}"
    sample = exp.TableSample(percent=exp.Literal.number(percent))
    if dialect != "tsql":
        sample.set("method", exp.var("SYSTEM"))
    if dialect in _SEEDED:
        sample.set("seed", _number(_SEED))
    sampled = table.copy()
    sampled.set("sample", sample)
    return sampled


def bounds_of(column: exp.Expr, table: exp.Table) -> exp.Select:
    """Smallest and largest value, each by a query of its own: so every engine uses an index."""
    smallest = exp.select(exp.Min(this=column)).from_(table)
    largest = exp.select(exp.Max(this=column.copy())).from_(table.copy())
    return exp.select(smallest.subquery().as_("low"), largest.subquery().as_("high"))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
