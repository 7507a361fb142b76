"""Times that are stored as something else: in columns of their parts, as texts, as seconds."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.errors import QueryInvalid
from aiser_app.semantic.dialects.templates import filled

_TEXT_DATES = {
    "clickhouse": "toDateOrNull(x)",
    "postgres": "CAST(NULLIF(x, '') AS DATE)",
    "snowflake": "TRY_TO_DATE(x)",
    "mysql": "STR_TO_DATE(x, '%Y-%m-%d')",
    "sqlite": "DATE(x)",
    "bigquery": "SAFE_CAST(x AS DATE)",
}
_ANY_TEXT_DATE = "TRY_CAST(x AS DATE)"
_PARTS = {
    "postgres": "MAKE_DATE(y, m, d)",
    "clickhouse": "makeDate32(y, m, d)",
    "bigquery": "DATE(y, m, d)",
    "tsql": "DATEFROMPARTS(y, m, d)",
    "snowflake": "DATE_FROM_PARTS(y, m, d)",
    "databricks": "MAKE_DATE(y, m, d)",
}
"""Others get the date as a text, year-month-day."""
_TEXT_PARTS = {
    "mysql": "CONCAT(y, '-', m, '-', d)",
    "sqlite": "y || '-' || SUBSTR('0' || m, -2) || '-' || SUBSTR('0' || d, -2)",
    "trino": (
        "CAST(y AS VARCHAR) || '-' || LPAD(CAST(m AS VARCHAR), 2, '0') || '-' || "
        "LPAD(CAST(d AS VARCHAR), 2, '0')"
    ),
}
_ANY_TEXT_PARTS = "CAST(y AS TEXT) || '-' || LPAD(CAST(m AS TEXT), 2, '0') || '-' || LPAD(CAST(d AS TEXT), 2, '0')"
_EPOCHS = {
    "duckdb": "EPOCH_MS(x)",
    "postgres": "TO_TIMESTAMP(x / 1000.0) AT TIME ZONE 'UTC'",
    "mysql": "CAST('1970-01-01' AS DATETIME(3)) + INTERVAL (x * 1000) MICROSECOND",
    "sqlite": "STRFTIME('%Y-%m-%d %H:%M:%f', x / 1000.0, 'unixepoch')",
    "clickhouse": "fromUnixTimestamp64Milli(x, 'UTC')",
    "snowflake": "TO_TIMESTAMP_NTZ(x, 3)",
    "bigquery": "TIMESTAMP_MILLIS(x)",
    "tsql": "DATEADD(SECOND, x / 1000, CAST('1970-01-01' AS DATETIME2))",
    "trino": "CAST(FROM_UNIXTIME(x / 1000e0) AS TIMESTAMP)",
    "databricks": "TIMESTAMP_MILLIS(x)",
}
"""From milliseconds since 1970."""


def from_text(x: exp.Expr, text_format: str, dialect: str) -> exp.Expr:
    """A date or moment from the stored form; what is none becomes NULL where the database can say so.

    Raises:
        QueryInvalid: an unknown form.
    """
    if text_format == "yyyy-mm-dd":
        return _date(exp.cast(x, "text"), dialect)
    if text_format == "yyyymmdd":
        text = exp.cast(x, "text")
        parts: list[exp.Expr] = [
            exp.Substring(this=text.copy(), start=_number(start), length=_number(length))
            for start, length in ((1, 4), (5, 2), (7, 2))
        ]
        dash = exp.Literal.string("-")
        return _date(
            exp.func("CONCAT", parts[0], dash, parts[1], dash.copy(), parts[2])
            if dialect != "sqlite"
            else _joined(parts),
            dialect,
        )
    if text_format in ("epoch_s", "epoch_ms") and dialect in _EPOCHS:
        value: exp.Expr = exp.cast(x, "bigint")
        if text_format == "epoch_s":
            value = exp.Mul(this=value, expression=_number(1000))
        return filled(_EPOCHS[dialect], dialect, x=value)
    raise QueryInvalid(f"Times stored as “{text_format[:40]}” cannot be read.")


def from_parts(parts: list[exp.Expr], dialect: str) -> exp.Expr:
    """The date of a year, a month and, if there is one, a day; else the first of the month."""
    year, month = (exp.cast(item, "int") for item in parts[:2])
    day = exp.cast(parts[2], "int") if len(parts) > 2 else _number(1)
    values = {"y": year, "m": month, "d": day}
    if dialect in _PARTS:
        return filled(_PARTS[dialect], dialect, **values)
    return _date(filled(_TEXT_PARTS.get(dialect, _ANY_TEXT_PARTS), dialect, **values), dialect)


def _date(text: exp.Expr, dialect: str) -> exp.Expr:
    return filled(_TEXT_DATES.get(dialect, _ANY_TEXT_DATE), dialect, x=text)


def _joined(parts: list[exp.Expr]) -> exp.Expr:
    dash = exp.Literal.string("-")
    first, second, third = parts
    for item in (dash, second, dash.copy(), third):
        first = exp.DPipe(this=first, expression=item)
    return first


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)
