"""Filters of a semantic query as SQL conditions: typed values, never pasted text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import Filter, FilterOperator
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.dialects.zones import get_zone, start_of

_COMPARISONS: dict[FilterOperator, type[exp.Binary]] = {
    FilterOperator.GT: exp.GT,
    FilterOperator.GTE: exp.GTE,
    FilterOperator.LT: exp.LT,
    FilterOperator.LTE: exp.LTE,
    FilterOperator.BEFORE_DATE: exp.LT,
    FilterOperator.BEFORE_OR_ON_DATE: exp.LTE,
    FilterOperator.AFTER_DATE: exp.GT,
    FilterOperator.AFTER_OR_ON_DATE: exp.GTE,
}
_DATES = frozenset(item for item in FilterOperator if item.value.endswith(("Date", "DateRange")))
_TEXTS = {
    FilterOperator.CONTAINS: "%{}%",
    FilterOperator.NOT_CONTAINS: "%{}%",
    FilterOperator.STARTS_WITH: "{}%",
    FilterOperator.NOT_STARTS_WITH: "{}%",
    FilterOperator.ENDS_WITH: "%{}",
    FilterOperator.NOT_ENDS_WITH: "%{}",
}
_NEGATIONS = frozenset(item for item in FilterOperator if item.value.startswith("not"))
_ESCAPE = "!"
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a row or a group. `zone` is where days begin, empty: as stored."""

    sql: exp.Expr
    kind: DimensionType
    zone: str = ""


def condition(item: Filter, value: Value) -> exp.Expr:
    """The filter on `value`. As in Cube, negations keep rows that have no value.

    Raises:
        QueryInvalid: missing or superfluous values, or one that does not fit the type.
    """
    column = value.sql
    if item.operator is FilterOperator.SET:
        return exp.not_(_is_null(column))
    if item.operator is FilterOperator.NOT_SET:
        return _is_null(column)
    if not item.values:
        raise QueryInvalid(f"The filter on {item.member} has no value.")
    if item.operator in _DATES and value.kind is not DimensionType.TIME:
        raise QueryInvalid(f"{item.member} is not a date or time.")
    if item.operator in _COMPARISONS:
        return _comparison(item, value)
    found = _positive(item, value)
    if item.operator not in _NEGATIONS:
        return found
    return exp.or_(_negated(found), _is_null(column))


def _positive(item: Filter, value: Value) -> exp.Expr:
    """What the operator says, or what it denies."""
    if item.operator in _TEXTS:
        return exp.or_(*(_like(_TEXTS[item.operator], text, value.sql) for text in item.values))
    if item.operator in (FilterOperator.IN_DATE_RANGE, FilterOperator.NOT_IN_DATE_RANGE):
        if len(item.values) != 2:
            raise QueryInvalid("A date range needs its first and its last day.")
        return in_date_range(value, (item.values[0], item.values[1]))
    if value.kind is DimensionType.TIME and any(_day(text) for text in item.values):
        return exp.or_(*(_on_day(item, text, value) for text in item.values))
    return _among(item, value)


def compared(item: Filter, value: Value, other: Value) -> exp.Expr:
    """One member with another one; where either is missing, only `notEquals` holds.

    Raises:
        QueryInvalid: the operator does not compare, or there are values as well.
    """
    kinds: dict[FilterOperator, type[exp.Binary]] = {
        **_COMPARISONS,
        FilterOperator.EQUALS: exp.EQ,
        FilterOperator.NOT_EQUALS: exp.NEQ,
    }
    kind = kinds.get(item.operator)
    if kind is None or item.values:
        raise QueryInvalid(
            f"{item.member} and {item.other} cannot be compared so.",
            hint="Use equals, notEquals, gt, gte, lt or lte, without values.",
        )
    if value.kind is not other.kind:
        raise QueryInvalid(f"{item.member} and {item.other} are of different types.")
    found: exp.Expr = kind(this=value.sql.copy(), expression=other.sql.copy())
    if kind is exp.NEQ:
        return exp.or_(found, _is_null(value.sql), _is_null(other.sql))
    return found


def opposite(found: exp.Expr) -> exp.Expr:
    """True where `found` is false or unknown."""
    if isinstance(found, exp.Is):
        return exp.not_(found)
    if isinstance(found, exp.Not) and isinstance(found.this, exp.Is):
        return found.this.copy()
    return exp.not_(exp.func("COALESCE", found, exp.false()))


def _negated(found: exp.Expr) -> exp.Expr:
    if isinstance(found, exp.EQ):
        return exp.NEQ(this=found.this, expression=found.expression)
    return exp.not_(found)


def in_date_range(value: Value, date_range: tuple[str, str]) -> exp.Expr:
    """From the start of the first day to the end of the last one.

    Raises:
        QueryInvalid: not two ISO dates in order.
    """
    first, last = days_of(date_range)
    return exp.and_(
        exp.GTE(this=value.sql.copy(), expression=_date(first, value)),
        exp.LT(this=value.sql.copy(), expression=_date(_next(first=last), value)),
    )


def days_of(date_range: tuple[str, str]) -> tuple[date, date]:
    """The first and the last day.

    Raises:
        QueryInvalid: not two ISO dates in order.
    """
    first, last = _day(date_range[0]), _day(date_range[1])
    if first is None or last is None or first > last:
        raise QueryInvalid(
            "A date range needs its first and its last day, in this order.",
            hint="For example 2013-06-01 to 2013-06-30.",
        )
    return first, last


def _comparison(item: Filter, value: Value) -> exp.Expr:
    if len(item.values) != 1:
        raise QueryInvalid(f"The filter on {item.member} compares with one value.")
    kind, text = _COMPARISONS[item.operator], item.values[0]
    day = _day(text) if value.kind is DimensionType.TIME else None
    if day is None:
        return kind(this=value.sql.copy(), expression=_literal(item, text, value))
    # A day is a span of time: after it starts with the next day, and up to it ends there.
    if kind is exp.GT:
        return exp.GTE(this=value.sql.copy(), expression=_date(_next(first=day), value))
    if kind is exp.LTE:
        return exp.LT(this=value.sql.copy(), expression=_date(_next(first=day), value))
    return kind(this=value.sql.copy(), expression=_date(day, value))


def _among(item: Filter, value: Value) -> exp.Expr:
    values = [_literal(item, text, value) for text in item.values]
    if len(values) == 1:
        return exp.EQ(this=value.sql.copy(), expression=values[0])
    return exp.In(this=value.sql.copy(), expressions=values)


def _on_day(item: Filter, text: str, value: Value) -> exp.Expr:
    if _day(text) is None:
        return exp.EQ(this=value.sql.copy(), expression=_moment(item, text, value))
    return exp.paren(in_date_range(value, (text, text)))


def _like(pattern: str, text: str, column: exp.Expr) -> exp.Expr:
    """Without regard to case; the wildcards of LIKE are ordinary characters in a value."""
    for char in (_ESCAPE, "%", "_"):
        text = text.replace(char, f"{_ESCAPE}{char}")
    like = exp.ILike(
        this=exp.cast(column.copy(), "text"), expression=exp.Literal.string(pattern.format(text))
    )
    return exp.Escape(this=like, expression=exp.Literal.string(_ESCAPE))


def _literal(item: Filter, text: str, value: Value) -> exp.Expr:
    match value.kind:
        case DimensionType.NUMBER:
            return _number(item, text)
        case DimensionType.BOOLEAN:
            return _boolean(item, text)
        case DimensionType.TIME:
            return _moment(item, text, value)
        case _:
            return exp.Literal.string(text)


def number(text: str) -> exp.Expr | None:
    """A number literal, None for what is no finite number."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > 300:
        return None
    literal = exp.Literal.number(format(abs(value), "f"))
    return exp.Neg(this=literal) if value < 0 else literal


def _number(item: Filter, text: str) -> exp.Expr:
    found = number(text)
    if found is None:
        raise _misfit(item, text, "number")
    return found


def _boolean(item: Filter, value: str) -> exp.Expr:
    text = value.strip().casefold()
    if text not in _TRUE | _FALSE:
        raise _misfit(item, value, "yes or no")
    return exp.true() if text in _TRUE else exp.false()


def _moment(item: Filter, text: str, value: Value) -> exp.Expr:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _misfit(item, text, "date") from None
    if value.zone:
        local = moment if moment.tzinfo else moment.replace(tzinfo=get_zone(value.zone))
        moment = local.astimezone(UTC)
    return _timestamp(moment.replace(tzinfo=None))


def _timestamp(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "timestamp")


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


def _date(day: date, value: Value) -> exp.Expr:
    """When the day begins."""
    return _timestamp(start_of(day, value.zone)) if value.zone else date_literal(day)


def date_literal(day: date) -> exp.Cast:
    return exp.cast(exp.Literal.string(day.isoformat()), "date")


def _is_null(column: exp.Expr) -> exp.Expr:
    return exp.Is(this=column.copy(), expression=exp.Null())
