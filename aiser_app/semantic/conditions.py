"""Filters of a semantic query as SQL conditions: typed values, never pasted text."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import Filter, FilterOperator
from aiser_app.errors import QueryInvalid

_COMPARISONS: dict[FilterOperator, type[exp.Binary]] = {
    FilterOperator.GT: exp.GT,
    FilterOperator.GTE: exp.GTE,
    FilterOperator.LT: exp.LT,
    FilterOperator.LTE: exp.LTE,
}
_ESCAPE = "!"
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def condition(item: Filter, column: exp.Expr, kind: DimensionType) -> exp.Expr:
    """The filter on `column`. As in Cube, `notEquals` keeps rows that have no value.

    Raises:
        QueryInvalid: missing or superfluous values, or one that does not fit the type.
    """
    if item.operator is FilterOperator.SET:
        return exp.not_(_is_null(column))
    if item.operator is FilterOperator.NOT_SET:
        return _is_null(column)
    if not item.values:
        raise QueryInvalid(f"The filter on {item.member} has no value.")
    if item.operator is FilterOperator.CONTAINS:
        return exp.or_(*(_contains(value, column) for value in item.values))
    if item.operator in _COMPARISONS:
        return _comparison(item, column, kind)
    if kind is DimensionType.TIME and any(_day(value) for value in item.values):
        found: exp.Expr = exp.or_(*(_on_day(item, value, column) for value in item.values))
    else:
        found = _among(item, column, kind)
    if item.operator is FilterOperator.EQUALS:
        return found
    return exp.or_(_negated(found), _is_null(column))


def _negated(found: exp.Expr) -> exp.Expr:
    if isinstance(found, exp.EQ):
        return exp.NEQ(this=found.this, expression=found.expression)
    return exp.not_(found)


def in_date_range(column: exp.Expr, date_range: tuple[str, str]) -> exp.Expr:
    """From the start of the first day to the end of the last one.

    Raises:
        QueryInvalid: not two ISO dates in order.
    """
    first, last = _day(date_range[0]), _day(date_range[1])
    if first is None or last is None or first > last:
        raise QueryInvalid(
            "A date range needs its first and its last day, in this order.",
            hint="For example 2013-06-01 to 2013-06-30.",
        )
    return exp.and_(
        exp.GTE(this=column.copy(), expression=_date(first)),
        exp.LT(this=column.copy(), expression=_date(_next(first=last))),
    )


def _comparison(item: Filter, column: exp.Expr, kind: DimensionType) -> exp.Expr:
    if len(item.values) != 1:
        raise QueryInvalid(f"The filter on {item.member} compares with one value.")
    operator, value = _COMPARISONS[item.operator], item.values[0]
    day = _day(value) if kind is DimensionType.TIME else None
    if day is None:
        return operator(this=column.copy(), expression=_literal(item, value, kind))
    # A day is a span of time: after it starts with the next day, and up to it ends there.
    if item.operator is FilterOperator.GT:
        return exp.GTE(this=column.copy(), expression=_date(_next(first=day)))
    if item.operator is FilterOperator.LTE:
        return exp.LT(this=column.copy(), expression=_date(_next(first=day)))
    return operator(this=column.copy(), expression=_date(day))


def _among(item: Filter, column: exp.Expr, kind: DimensionType) -> exp.Expr:
    values = [_literal(item, value, kind) for value in item.values]
    if len(values) == 1:
        return exp.EQ(this=column.copy(), expression=values[0])
    return exp.In(this=column.copy(), expressions=values)


def _on_day(item: Filter, value: str, column: exp.Expr) -> exp.Expr:
    day = _day(value)
    if day is None:
        moment = _literal(item, value, DimensionType.TIME)
        return exp.EQ(this=column.copy(), expression=moment)
    return exp.paren(in_date_range(column, (value, value)))


def _contains(value: str, column: exp.Expr) -> exp.Expr:
    """Without regard to case; the wildcards of LIKE are ordinary characters in a value."""
    for char in (_ESCAPE, "%", "_"):
        value = value.replace(char, f"{_ESCAPE}{char}")
    like = exp.ILike(
        this=exp.cast(column.copy(), "text"), expression=exp.Literal.string(f"%{value}%")
    )
    return exp.Escape(this=like, expression=exp.Literal.string(_ESCAPE))


def _literal(item: Filter, value: str, kind: DimensionType) -> exp.Expr:
    match kind:
        case DimensionType.NUMBER:
            return _number(item, value)
        case DimensionType.BOOLEAN:
            return _boolean(item, value)
        case DimensionType.TIME:
            return _moment(item, value)
        case _:
            return exp.Literal.string(value)


def _number(item: Filter, value: str) -> exp.Expr:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise _misfit(item, value, "number") from None
    if not number.is_finite():
        raise _misfit(item, value, "number")
    literal = exp.Literal.number(format(abs(number), "f"))
    return exp.Neg(this=literal) if number < 0 else literal


def _boolean(item: Filter, value: str) -> exp.Expr:
    text = value.strip().casefold()
    if text not in _TRUE | _FALSE:
        raise _misfit(item, value, "yes or no")
    return exp.true() if text in _TRUE else exp.false()


def _moment(item: Filter, value: str) -> exp.Expr:
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise _misfit(item, value, "date") from None
    text = moment.replace(tzinfo=None).isoformat(sep=" ")
    return exp.cast(exp.Literal.string(text), "timestamp")


def _misfit(item: Filter, value: str, wanted: str) -> QueryInvalid:
    return QueryInvalid(f"“{value[:80]}” is no {wanted}, as the filter on {item.member} needs.")


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None


def _next(*, first: date) -> date:
    try:
        return first + timedelta(days=1)
    except OverflowError:
        raise QueryInvalid("The date is too late.") from None


def _date(day: date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def _is_null(column: exp.Expr) -> exp.Expr:
    return exp.Is(this=column.copy(), expression=exp.Null())
