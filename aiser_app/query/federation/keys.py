"""The distinct join keys of a part that was read, as a condition for another one."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from aiser_app.query.federation.plan import MAX_KEYS, Reduction

MAX_CHARS = 60_000
"""Of the values in a query; the guard takes texts of 100,000 characters."""
_MAX_KEY_CHARS = 100

Key = int | str | date


def distinct_keys(table: pa.Table, column: str) -> list[Key] | None:
    """The values to look for; None when there are too many, or some that cannot be written."""
    position = next((i for i, name in enumerate(table.column_names) if name == column), None)
    if position is None:
        return None
    values = pc.drop_null(pc.unique(table.column(position)))
    if len(values) > MAX_KEYS:
        return None
    keys = values.to_pylist()
    if not all(_is_writable(key) for key in keys):
        return None
    if sum(len(str(key)) + 4 for key in keys) > MAX_CHARS:
        return None
    return list(keys)


def among(reduction: Reduction, keys: list[Key]) -> exp.Expr:
    """True where the part's column has one of the keys."""
    if not keys:
        return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
    column = exp.column(exp.to_identifier(reduction.column, quoted=True))
    return exp.In(this=column, expressions=[_literal(key) for key in keys])


def _is_writable(key: object) -> bool:
    """Plain values only: what the databases might read differently is not sent."""
    if isinstance(key, bool):
        return False
    if isinstance(key, int):
        return abs(key) < 2**63
    if isinstance(key, str):
        is_plain = key.isascii() and key.isprintable() and not set("\\'\"`") & set(key)
        return is_plain and len(key) <= _MAX_KEY_CHARS
    return type(key) is date and 1970 <= key.year <= 2100


def _literal(key: Key) -> exp.Expr:
    if isinstance(key, int):
        number = exp.Literal.number(abs(key))
        return exp.Neg(this=number) if key < 0 else number
    text = exp.Literal.string(str(key))
    return text if isinstance(key, str) else exp.cast(text, exp.DataType.Type.DATE)
