"""Whether a condition can be true on a row that an outer join made up of NULLs."""

from __future__ import annotations

from sqlglot import exp

_REJECTING = (
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.Like,
    exp.Between,
    exp.In,
    exp.Column,
)
_STRICT = (
    exp.Add,
    exp.Boolean,
    exp.Cast,
    exp.Column,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.DataType,
    exp.DateTrunc,
    exp.Extract,
    exp.Identifier,
    exp.Interval,
    exp.Literal,
    exp.Neg,
    exp.Paren,
    exp.Placeholder,
    exp.Sub,
    exp.TimestampTrunc,
    exp.Tuple,
    exp.Var,
    exp.Year,
)


def rejects_nulls(condition: exp.Expr) -> bool:
    """True only if the condition is certainly not true when all of its columns are NULL."""
    if isinstance(condition, exp.Paren):
        return rejects_nulls(condition.this)
    if isinstance(condition, exp.And):
        return rejects_nulls(condition.left) or rejects_nulls(condition.right)
    if isinstance(condition, exp.Or):
        return rejects_nulls(condition.left) and rejects_nulls(condition.right)
    if isinstance(condition, exp.Not):
        return _rejects_negated(condition.this)
    return isinstance(condition, _REJECTING) and _is_strict(condition)


def _rejects_negated(condition: exp.Expr) -> bool:
    """NOT of something that is NULL for NULLs is NULL as well; NOT (x IS NULL) is false."""
    if isinstance(condition, exp.Paren):
        return _rejects_negated(condition.this)
    if isinstance(condition, exp.Is):
        is_plain = isinstance(condition.this, exp.Column)
        return is_plain and isinstance(condition.expression, exp.Null)
    return isinstance(condition, _REJECTING) and _is_strict(condition)


def _is_strict(condition: exp.Expr) -> bool:
    """Whether it is NULL when its columns are: it compares them as they are, nothing replaces NULL."""
    if isinstance(condition, exp.Column):
        return True
    has_column = condition.this.find(exp.Column) is not None or (
        isinstance(condition, exp.Binary) and condition.expression.find(exp.Column) is not None
    )
    return has_column and all(
        isinstance(node, _STRICT) for node in condition.walk() if node is not condition
    )
