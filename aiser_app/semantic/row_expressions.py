"""Computed columns of a row: sums, durations, buckets, flags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import assert_never

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import (
    Buckets,
    ColumnTerm,
    Constant,
    Duration,
    Flag,
    Operator,
    RowArithmetic,
    RowExpression,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import Value, date_literal, number
from aiser_app.semantic.dialects.times import between
from aiser_app.semantic.row_reader import RowReader

MAX_EDGES = 200
_OPERATORS: dict[Operator, type[exp.Binary]] = {
    Operator.ADD: exp.Add,
    Operator.SUBTRACT: exp.Sub,
    Operator.MULTIPLY: exp.Mul,
}


def value(rows: RowReader, row: RowExpression, *, may_fan: bool = False, steps: int = 0) -> Value:
    """A row expression as SQL.

    Raises:
        QueryInvalid: a part does not fit.
    """

    def inner(part: RowExpression) -> Value:
        return value(rows, part, may_fan=may_fan, steps=steps)

    def figure(part: RowExpression) -> exp.Expr:
        return as_number(inner(part), part)

    match row:
        case ColumnTerm():
            return rows.member(row.member, row.role, may_fan=may_fan, steps=steps)
        case Constant():
            found = constant(row)
        case RowArithmetic():
            found = arithmetic(row.operator, figure(row.row_left), figure(row.row_right))
        case Duration():
            found = _duration(rows, row, inner)
        case Buckets():
            found = _buckets(row, figure(row.bucket_of), rows.build.dialect)
        case Flag():
            holds = rows.condition(row.condition)
            flag = exp.case().when(holds, exp.true()).else_(exp.false())
            return Value(flag, DimensionType.BOOLEAN)
        case _:
            assert_never(row)
    return Value(found, DimensionType.NUMBER)


def as_number(found: Value, row: RowExpression | None = None) -> exp.Expr:
    """A number to compute with: yes is 1 and no is 0.

    Raises:
        QueryInvalid: it is a text or a time.
    """
    if found.kind is DimensionType.NUMBER:
        return found.sql
    if found.kind is DimensionType.BOOLEAN:
        sql = found.sql
        if isinstance(sql, exp.Case):  # a flag, which is never missing
            holds = sql.args["ifs"][0].this
            return exp.case().when(holds.copy(), _plain(1)).else_(_plain(0))
        yes = exp.EQ(this=sql.copy(), expression=exp.true())
        no = exp.EQ(this=sql.copy(), expression=exp.false())
        return exp.case().when(yes, _plain(1)).when(no, _plain(0))
    name = row.member if isinstance(row, ColumnTerm) else "That"
    raise QueryInvalid(f"{name} is no number to compute with.")


def constant(item: Constant) -> exp.Expr:
    found = number(item.constant)
    if found is None:
        raise QueryInvalid(f"“{item.constant[:80]}” is no number.")
    return found


def arithmetic(operator: Operator, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Division is never of whole numbers, and by zero it is missing."""
    if operator is Operator.DIVIDE:
        divisor = exp.Nullif(this=right, expression=_plain(0))
        return exp.Div(this=exp.cast(left, "double"), expression=divisor)
    kind = _OPERATORS[operator]
    return kind(this=_grouped(left), expression=_grouped(right))


def _grouped(item: exp.Expr) -> exp.Expr:
    return exp.paren(item) if isinstance(item, exp.Binary | exp.Neg) else item


def _duration(rows: RowReader, row: Duration, inner: Callable[[ColumnTerm], Value]) -> exp.Expr:
    start = inner(row.start)
    end = inner(row.end) if row.end is not None else Value(_today(rows), DimensionType.TIME)
    for item, term in ((start, row.start), (end, row.end)):
        if item.kind is not DimensionType.TIME:
            name = term.member if term is not None else "today"
            raise QueryInvalid(f"{name} is not a date or time.")
    return exp.paren(between(start.sql, end.sql, row.unit, rows.build.dialect))


def _today(rows: RowReader) -> exp.Expr:
    text = rows.build.query.today
    if not text:
        return exp.CurrentDate()
    try:
        return date_literal(date.fromisoformat(text.strip()))
    except ValueError:
        raise QueryInvalid(f"“{text[:40]}” is no date.") from None


def _buckets(row: Buckets, x: exp.Expr, dialect: str) -> exp.Expr:
    if bool(row.width) == bool(row.edges):
        raise QueryInvalid("Buckets have either one width, or edges.")
    return _of_width(row.width, x, dialect) if row.width else _between(row.edges, x)


def _of_width(text: str, x: exp.Expr, dialect: str) -> exp.Expr:
    """Fractions are scaled to whole numbers first: 0.3 / 0.1 is a little less than 3."""
    if number(text) is None or Decimal(text.strip()) <= 0:
        raise QueryInvalid(f"“{text[:40]}” is no width of buckets.")
    width = Decimal(text.strip())
    exponent = width.as_tuple().exponent
    scale = 10 ** max(0, -exponent) if isinstance(exponent, int) else 1
    whole = int(width * scale)
    scaled = exp.Mul(this=_grouped(x), expression=_plain(scale)) if scale > 1 else _grouped(x)
    quotient = exp.Div(this=exp.cast(scaled, "double"), expression=_plain(whole))
    bucket = exp.Mul(this=_floor(quotient, dialect), expression=_plain(whole))
    if scale == 1:
        return bucket
    return exp.Div(this=exp.cast(bucket, "double"), expression=_plain(scale))


def _floor(x: exp.Expr, dialect: str) -> exp.Expr:
    if dialect != "sqlite":
        return exp.Floor(this=x)
    # Not every SQLite has FLOOR; a cast cuts towards zero.
    cut = exp.cast(exp.paren(x), "int")
    below = exp.case().when(exp.LT(this=exp.paren(x.copy()), expression=cut.copy()), _plain(1))
    return exp.paren(exp.Sub(this=cut, expression=below.else_(_plain(0))))


def _between(edges: tuple[str, ...], x: exp.Expr) -> exp.Expr:
    """The highest edge that is not above the number; below the first there is none."""
    if len(edges) > MAX_EDGES:
        raise QueryInvalid(f"Buckets have at most {MAX_EDGES} edges.")
    found = [constant(Constant(constant=edge)) for edge in edges]
    ordered = sorted(zip((Decimal(edge.strip()) for edge in edges), found, strict=True), key=_first)
    case = exp.case()
    for _, edge in reversed(ordered):
        case = case.when(exp.GTE(this=x.copy(), expression=edge.copy()), edge.copy(), copy=False)
    return case


def _first(pair: tuple[Decimal, exp.Expr]) -> Decimal:
    return pair[0]


def _plain(number: int) -> exp.Expr:
    return exp.Literal.number(number)
