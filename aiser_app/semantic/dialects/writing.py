"""Where one tree is not enough: what each database says in its own way.

The compiler builds a tree in the terms that sqlglot has for all dialects. Here it is rewritten where
sqlglot would write something that the engine lacks or reads differently: the start of a week, dates
that are text, sums of nothing. Weeks begin on Monday here; another start is a shift around it.
"""

from __future__ import annotations

from sqlglot import exp

from aiser_app.semantic.dialects.templates import filled

_FOLDS_CASE = frozenset(("duckdb", "postgres", "redshift", "snowflake"))
"""Dialects whose reserved words are known, and that read a plain name as it is stored."""

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

_ROUNDED_AVERAGES = frozenset(("mysql", "tsql"))
"""Dialects in which the average of whole numbers has four digits, or is a whole number."""
_CLICKHOUSE_OR_NULL: dict[type[exp.Expr], str] = {
    exp.Sum: "sumOrNull",
    exp.Avg: "avgOrNull",
    exp.Min: "minOrNull",
    exp.Max: "maxOrNull",
}


def written(select: exp.Select, dialect: str) -> str:
    """The query in the dialect; `select` is used up."""
    for node in reversed(list(select.walk())):  # what is inside comes before what is around it
        replacement = _rewritten(node, dialect)
        if replacement is not node:
            node.replace(replacement)
    return select.sql(dialect=dialect, pretty=True, identify=dialect not in _FOLDS_CASE)


def _rewritten(node: exp.Expr, dialect: str) -> exp.Expr:
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.TimestampTrunc):
        return _truncated(node, node.this, dialect)
    if isinstance(node, exp.ILike) and dialect == "tsql":
        return exp.Like(this=exp.Lower(this=node.this), expression=exp.Lower(this=node.expression))
    if isinstance(node, exp.Avg) and dialect in _ROUNDED_AVERAGES:
        node.set("this", exp.cast(node.this, "double"))
    if dialect == "clickhouse":
        return _for_clickhouse(node)
    if dialect == "tsql":
        return _for_sql_server(node)
    return node


def _for_clickhouse(node: exp.Expr) -> exp.Expr:
    """Types that begin before 1970; aggregates of no rows that are missing and not 0."""
    if isinstance(node, exp.DataType):
        wanted = _CLICKHOUSE_TYPES.get(node.this.name)
        return exp.DataType.build(wanted, dialect="clickhouse") if wanted else node
    name = _CLICKHOUSE_OR_NULL.get(type(node))
    if name is not None and not isinstance(node.parent, exp.Window):
        return exp.Anonymous(this=name, expressions=[node.this])
    if isinstance(node, exp.Lag):
        node.set("this", exp.Anonymous(this="toNullable", expressions=[node.this]))
    return node


def _for_sql_server(node: exp.Expr) -> exp.Expr:
    """No conditions as values there, and values of yes and no are bits."""
    if isinstance(node, exp.Boolean) and isinstance(node.parent, exp.If | exp.Case):
        return exp.cast(exp.Literal.number(int(node.this)), "bit")
    if isinstance(node, exp.Not) and isinstance(node.this, exp.Coalesce):
        flag = exp.case().when(node.this.this, exp.Literal.number(0)).else_(exp.Literal.number(1))
        return exp.EQ(this=flag, expression=exp.Literal.number(1))
    return node


def _truncated(cast: exp.Cast, truncation: exp.TimestampTrunc, dialect: str) -> exp.Expr:
    unit = truncation.args["unit"].name
    if dialect in _TEMPLATES:
        return filled(_TEMPLATES[dialect][unit], dialect, x=truncation.this)
    if unit == "WEEK" and dialect in _WEEKS:
        truncation.set("unit", exp.var(_WEEKS[dialect]))
    if dialect == "clickhouse" and unit == "HOUR":  # a day of its own has no hours there
        moment = exp.DataType.build(_CLICKHOUSE_TYPES["TIMESTAMP"], dialect=dialect)
        truncation.set("this", exp.cast(truncation.this, moment))
    if dialect == "bigquery":  # its DATE_TRUNC takes dates and moments, TIMESTAMP_TRUNC no dates
        unit = truncation.args["unit"].name
        cast.set("this", filled(f"DATE_TRUNC(x, {unit})", dialect, x=truncation.this))
    return cast
