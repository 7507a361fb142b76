"""How a column mask is written in each dialect."""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp

from aiser_app.domain.policy import MaskKind

_TEXT = {
    "mysql": "CAST({c} AS CHAR)",
    "clickhouse": "toString({c})",
    "bigquery": "CAST({c} AS STRING)",
    "databricks": "CAST({c} AS STRING)",
    "spark": "CAST({c} AS STRING)",
    "tsql": "CAST({c} AS NVARCHAR(4000))",
    "sqlite": "CAST({c} AS TEXT)",
    "duckdb": "CAST({c} AS TEXT)",
    "postgres": "CAST({c} AS TEXT)",
}
"""A value as text; VARCHAR elsewhere."""

_HASH = {
    "bigquery": "TO_HEX(MD5({t}))",
    "clickhouse": "lower(hex(MD5({t})))",
    "tsql": "LOWER(CONVERT(VARCHAR(32), HASHBYTES('MD5', {t}), 2))",
    "trino": "LOWER(TO_HEX(MD5(TO_UTF8({t}))))",
}
"""MD5 of a text in small hexadecimal digits; `MD5(text)` elsewhere. SQLite has no digest of its own:
its engine has to define `md5` on the connection."""

_LENGTH = {"mysql": "CHAR_LENGTH({t})", "tsql": "LEN({t})", "clickhouse": "lengthUTF8({t})"}
_LAST_FOUR = {
    "sqlite": "SUBSTR({t}, -4)",
    "trino": "SUBSTR({t}, -4)",
    "clickhouse": "substringUTF8({t}, -4)",
}
_JOINED = {"duckdb", "postgres", "sqlite", "snowflake", "trino"}
"""Dialects that join text with `||`; the others have CONCAT."""

_MARK = "aiser_value"


def masked(kind: MaskKind, column: exp.Column, dialect: str) -> exp.Expr:
    """The expression that stands for `column`."""
    template = _template(kind, dialect).copy()
    for place in list(template.find_all(exp.Column)):
        place.replace(column.copy())
    return template


@lru_cache(maxsize=64)
def _template(kind: MaskKind, dialect: str) -> exp.Expr:
    text = _TEXT.get(dialect, "CAST({c} AS VARCHAR)").format(c=_MARK)
    if kind is MaskKind.NULL:
        # The type stays, so that comparisons and sums of the column can still be written.
        sql = f"CASE WHEN 1 = 0 THEN {_MARK} END"
    elif kind is MaskKind.CONSTANT:
        sql = "'***'"
    elif kind is MaskKind.HASH:
        sql = _HASH.get(dialect, "MD5({t})").format(t=text)
    else:
        length = _LENGTH.get(dialect, "LENGTH({t})").format(t=text)
        last = _LAST_FOUR.get(dialect, "RIGHT({t}, 4)").format(t=text)
        joined = f"'***' || {last}" if dialect in _JOINED else f"CONCAT('***', {last})"
        sql = f"CASE WHEN {length} > 4 THEN {joined} ELSE '***' END"
    found: exp.Expr = sqlglot.parse_one(f"SELECT {sql}", read=dialect).expressions[0]
    return found
