"""Where one tree is not enough: what each database says in its own way.

The compiler builds a tree in the terms that sqlglot has for all dialects. Here it is rewritten where
sqlglot would write something that the engine lacks or reads differently: the start of a week, a
median, dates that are text. Weeks begin on Monday everywhere.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from aiser_app.errors import QueryInvalid

_FOLDS_CASE = frozenset(("duckdb", "postgres", "redshift", "snowflake"))
"""Dialects whose reserved words are known, and that read a plain name as it is stored."""
_NO_MEDIAN = {
    "mysql": "MySQL",
    "sqlite": "SQLite",
    "bigquery": "BigQuery",
    "tsql": "SQL Server",
}
"""Databases without an aggregate for it."""

_MYSQL = {
    "HOUR": "CAST(DATE_FORMAT(x, '%Y-%m-%d %H:00:00') AS DATETIME)",
    "DAY": "DATE(x)",
    "WEEK": "DATE_SUB(DATE(x), INTERVAL (WEEKDAY(x)) DAY)",
    "MONTH": "DATE_SUB(DATE(x), INTERVAL (DAYOFMONTH(x) - 1) DAY)",
    "QUARTER": (
        "DATE_SUB(DATE_SUB(DATE(x), INTERVAL (DAYOFMONTH(x) - 1) DAY), "
        "INTERVAL ((MONTH(x) - 1) % 3) MONTH)"
    ),
    "YEAR": "DATE_SUB(DATE(x), INTERVAL (DAYOFYEAR(x) - 1) DAY)",
}
_SQLITE = {
    "HOUR": "STRFTIME('%Y-%m-%d %H:00:00', x)",
    "DAY": "DATE(x)",
    "WEEK": "DATE(x, 'weekday 0', '-6 days')",
    "MONTH": "DATE(x, 'start of month')",
    "QUARTER": (
        "DATE(x, 'start of month', "
        "'-' || CAST((CAST(STRFTIME('%m', x) AS INTEGER) - 1) % 3 AS TEXT) || ' months')"
    ),
    "YEAR": "DATE(x, 'start of year')",
}
_TEMPLATES = {"mysql": _MYSQL, "sqlite": _SQLITE}
"""Starts of spans of time, of a value x; they take their own type, without a cast around."""
_WEEKS = {"bigquery": "ISOWEEK", "tsql": "ISO_WEEK"}
"""Dialects whose plain week begins on Sunday, or on whatever the server says."""
_CLICKHOUSE_TYPES = {"DATE": "Nullable(Date32)", "TIMESTAMP": "Nullable(DateTime64(6))"}
"""ClickHouse's plain types begin in 1970, and anything earlier would wrap around."""


def written(select: exp.Select, dialect: str) -> str:
    """The query in the dialect; `select` is used up.

    Raises:
        QueryInvalid: the database cannot compute something of it.
    """
    if dialect in _NO_MEDIAN and select.find(exp.Median):
        raise QueryInvalid(
            f"{_NO_MEDIAN[dialect]} cannot compute a median.", hint="Ask for the average instead."
        )
    tree = select.transform(_rewritten, dialect, copy=False)
    return tree.sql(dialect=dialect, pretty=True, identify=dialect not in _FOLDS_CASE)


def _rewritten(node: exp.Expr, dialect: str) -> exp.Expr:
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.TimestampTrunc):
        return _truncated(node, node.this, dialect)
    if isinstance(node, exp.Median) and dialect == "trino":
        return exp.ApproxQuantile(this=node.this, quantile=exp.Literal.number("0.5"))
    if isinstance(node, exp.ILike) and dialect == "tsql":
        return exp.Like(this=exp.Lower(this=node.this), expression=exp.Lower(this=node.expression))
    if isinstance(node, exp.DataType) and dialect == "clickhouse":
        wanted = _CLICKHOUSE_TYPES.get(node.this.name)
        return exp.DataType.build(wanted, dialect="clickhouse") if wanted else node
    return node


def _truncated(cast: exp.Cast, truncation: exp.TimestampTrunc, dialect: str) -> exp.Expr:
    unit = truncation.args["unit"].name
    if dialect in _TEMPLATES:
        return _filled(_TEMPLATES[dialect][unit], truncation.this, dialect)
    if unit == "WEEK" and dialect in _WEEKS:
        truncation.set("unit", exp.var(_WEEKS[dialect]))
    if dialect == "clickhouse" and unit == "HOUR":  # a day of its own has no hours there
        truncation.set("this", exp.cast(truncation.this, "timestamp"))
    if dialect == "bigquery":  # its DATE_TRUNC takes dates and moments, TIMESTAMP_TRUNC no dates
        unit = truncation.args["unit"].name
        cast.set("this", _filled(f"DATE_TRUNC(x, {unit})", truncation.this, dialect))
    return cast


def _filled(template: str, value: exp.Expr, dialect: str) -> exp.Expr:
    tree = sqlglot.parse_one(template, dialect=dialect)
    for column in list(tree.find_all(exp.Column)):
        if column.name == "x":
            column.replace(value.copy())
    return tree
