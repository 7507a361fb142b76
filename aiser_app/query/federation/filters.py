"""What of a condition may run in another database without any row getting lost.

The query itself is always checked again here, so what is sent may keep too many rows and never
too few: it must be true wherever DuckDB finds the condition true. Databases disagree on collations,
on the case of LIKE, on NaN, on time zones and on rounding, so only what all agree on is sent, and
times are sent with a day to spare on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlglot import exp

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.federation.constants import (
    Constant,
    Parameters,
    constant,
    constants,
    is_exact_float,
)
from aiser_app.query.federation.moving import UNIT_DAYS, span, unit_of

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
}
_BYTEWISE_TEXT = frozenset({"duckdb", "clickhouse"})
"""Compare text byte by byte, as DuckDB does here; elsewhere it depends on a collation."""
_NAN_IS_GREATEST = frozenset({"duckdb", "postgres", "snowflake", "spark", "databricks"})
_HAS_NO_NAN = frozenset({"mysql", "sqlite", "tsql"})
_TRUE_BOOLEANS = frozenset(
    {"duckdb", "postgres", "clickhouse", "snowflake", "bigquery", "trino", "spark", "databricks"}
)
_LOOSE_NULLS = frozenset({"mysql", "sqlite", "clickhouse"})
"""Have values, such as the date 0000-00-00, that arrive as NULL here and are none there."""
_NO_TIMES = frozenset({"sqlite"})
_NO_TIMESTAMPS = frozenset({"sqlite", "bigquery"})
_LARGEST = Decimal(2**63 - 1)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
"""Every engine has these."""
_ODD_TEXT = frozenset("\\[")
"""In a LIKE pattern: special in some databases, plain text in others."""


@dataclass(frozen=True, slots=True)
class Weakened:
    """`is_exact`: true for just the rows that the condition is true for."""

    expression: exp.Expr
    is_exact: bool


class Weakening:
    """Conditions over one table, for the dialect of its source."""

    def __init__(
        self,
        table: GrantedTable,
        dialect: str,
        parameters: Parameters,
        *,
        masked: frozenset[str] = frozenset(),
    ) -> None:
        """`masked` are columns, casefolded, whose values a policy replaces: never compared there."""
        self._names = {c.casefold(): c for c in table.columns if c.casefold() not in masked}
        self._kinds = {name.casefold(): kind for name, kind in table.column_types.items()}
        self._dialect = dialect
        self._parameters = parameters
        self._forms: dict[type[exp.Expr], Callable[[exp.Expr], Weakened | None]] = {
            exp.Paren: lambda node: self.weakened(node.this),
            exp.And: self._and,
            exp.Or: self._or,
            exp.Not: lambda node: self._not(node.this),
            exp.In: self._in,
            exp.Between: self._between,
            exp.Is: lambda node: self._is_null(node, negated=False),
            exp.Like: self._like,
            exp.StartsWith: self._starts_with,
            exp.Column: lambda node: self._compare(node, exp.EQ, exp.true()),
            **dict.fromkeys(_FLIPPED, self._comparison),
        }

    def weakened(self, condition: exp.Expr) -> Weakened | None:
        """A condition that is true wherever `condition` is; None when there is none worth sending.

        Its columns are those of the table, without qualifiers.
        """
        form = self._forms.get(type(condition))
        if form is None or condition.args.get("negate"):
            return None
        return form(condition)

    def _and(self, node: exp.Expr) -> Weakened | None:
        left, right = (self.weakened(side) for side in _sides(node))
        if left is None or right is None:
            kept = left or right
            return Weakened(kept.expression, False) if kept is not None else None
        return _both(left, right)

    def _or(self, node: exp.Expr) -> Weakened | None:
        left, right = (self.weakened(side) for side in _sides(node))
        if left is None or right is None:
            return None
        return Weakened(
            exp.or_(left.expression, right.expression), left.is_exact and right.is_exact
        )

    def _not(self, node: exp.Expr) -> Weakened | None:
        """Only what stays simple when negated: the opposite of too much would be too little."""
        if isinstance(node, exp.Paren):
            return self._not(node.this)
        if isinstance(node, exp.Not):
            return self.weakened(node.this)
        if isinstance(node, exp.And | exp.Or):
            swapped = exp.Or if isinstance(node, exp.And) else exp.And
            parts = [exp.Not(this=part.copy()) for part in _sides(node)]
            return self.weakened(swapped(this=parts[0], expression=parts[1]))
        if isinstance(node, exp.Is):
            return self._is_null(node, negated=True)
        if isinstance(node, exp.In):
            return self._in(node, negated=True)
        if isinstance(node, exp.Column):
            return self._compare(node, exp.EQ, exp.false())
        negated = _NEGATED.get(type(node))
        if negated is None:
            return None
        return self.weakened(negated(this=node.this.copy(), expression=node.expression.copy()))

    def _comparison(self, node: exp.Expr) -> Weakened | None:
        left = node.this
        if constant(left, self._parameters) is not None or span(left) is not None:
            return self._compare(node.expression, _FLIPPED[type(node)], left)
        return self._compare(left, type(node), node.expression)

    def _between(self, node: exp.Expr) -> Weakened | None:
        if node.args.get("symmetric"):
            return None
        low = self._compare(node.this, exp.GTE, node.args["low"])
        high = self._compare(node.this, exp.LTE, node.args["high"])
        if low is None or high is None:
            kept = low or high
            return Weakened(kept.expression, False) if kept is not None else None
        return _both(low, high)

    def _in(self, node: exp.Expr, negated: bool = False) -> Weakened | None:
        if node.args.get("query") is not None or not node.expressions:
            return None
        operator = exp.NEQ if negated else exp.EQ
        found: list[Weakened] = []
        is_plain = True
        for item in node.expressions:
            values = constants(item, self._parameters)
            if values is None:
                return None
            for value in values:
                one = self._against(node.this, operator, value)
                if one is None:
                    return None
                is_plain = is_plain and type(one.expression) is operator
                found.append(one)
        if not found:
            return None
        if not is_plain:
            joined = exp.and_ if negated else exp.or_
            return Weakened(joined(*(one.expression for one in found)), False)
        column = found[0].expression.this
        # A day given as text is written as a date; what was a parameter stays one.
        is_date = self._kind(column) == "date"
        items = [one.expression.expression for one in found] if is_date else node.expressions
        written = exp.In(this=column, expressions=[item.copy() for item in items])
        return Weakened(exp.Not(this=written) if negated else written, found[0].is_exact)

    def _is_null(self, node: exp.Expr, *, negated: bool) -> Weakened | None:
        column = self._column(node.this)
        if column is None or not isinstance(node.expression, exp.Null):
            return None
        found = exp.Is(this=column, expression=exp.Null())
        if negated:
            return Weakened(exp.Not(this=found), self._dialect not in _LOOSE_NULLS)
        return None if self._dialect in _LOOSE_NULLS else Weakened(found, True)

    def _like(self, node: exp.Expr) -> Weakened | None:
        column, pattern = self._column(node.this), constant(node.expression, self._parameters)
        if column is None or pattern is None or self._kind(column) != "string":
            return None
        odd = _ODD_TEXT | ({"_"} if self._dialect == "clickhouse" else set())
        if not isinstance(pattern.value, str) or odd & set(pattern.value):
            return None
        if not _is_plain_text(pattern.value):
            return None
        found = exp.Like(this=column, expression=pattern.written.copy())
        return Weakened(found, self._dialect == "duckdb")

    def _starts_with(self, node: exp.Expr) -> Weakened | None:
        start = constant(node.expression, self._parameters)
        if start is None or not isinstance(start.value, str) or set("%_") & set(start.value):
            return None
        pattern = exp.Literal.string(f"{start.value}%")
        return self._like(exp.Like(this=node.this, expression=pattern))

    def _compare(
        self, left: exp.Expr, operator: type[exp.Expr], right: exp.Expr
    ) -> Weakened | None:
        value = constant(right, self._parameters)
        if value is not None:
            return self._against(left, operator, value)
        found, timed = span(right), self._timed(left)
        if found is None or timed is None or not self._has_times(timed[0]):
            return None
        low, high = found[0] - timedelta(1), found[1] + timedelta(1 + timed[1])
        if self._kind(timed[0]) == "date":
            return _within(timed[0], operator, low.date(), high.date())
        return _within(timed[0], operator, low, high)

    def _against(
        self, left: exp.Expr, operator: type[exp.Expr], value: Constant
    ) -> Weakened | None:
        if isinstance(left, exp.Paren):
            return self._against(left.this, operator, value)
        if isinstance(left, exp.Year) or (
            isinstance(left, exp.Extract) and left.name.upper() == "YEAR"
        ):
            inner = left.this if isinstance(left, exp.Year) else left.expression
            return self._in_year(self._column(inner), operator, value)
        timed = self._timed(left)
        if timed is not None:
            return self._in_time(*timed, operator, value)
        column = self._column(left)
        if column is None or not self._agrees(self._kind(column), operator, value):
            return None
        is_exact = self._kind(column) != "string" or self._dialect in _BYTEWISE_TEXT
        return Weakened(operator(this=column, expression=value.written.copy()), is_exact)

    def _agrees(self, kind: str, operator: type[exp.Expr], value: Constant) -> bool:
        """Whether the database compares such values as DuckDB does."""
        number = value.number
        if kind in ("integer", "decimal"):
            is_loose = isinstance(value.value, float) and not _is_safe_float(kind, value.value)
            return number is not None and abs(number) <= _LARGEST and not is_loose
        if kind == "number":
            return number is not None and is_exact_float(number) and self._orders_nan(operator)
        if kind == "string":
            is_text = isinstance(value.value, str) and _is_plain_text(value.value)
            return is_text and (operator is exp.EQ or self._dialect in _BYTEWISE_TEXT)
        if kind == "boolean":
            is_truth = isinstance(value.value, bool) and operator in (exp.EQ, exp.NEQ)
            return is_truth and self._dialect in _TRUE_BOOLEANS
        return False

    def _orders_nan(self, operator: type[exp.Expr]) -> bool:
        if operator in (exp.EQ, exp.LT, exp.LTE):
            return True
        return self._dialect in _NAN_IS_GREATEST or self._dialect in _HAS_NO_NAN

    def _timed(self, node: exp.Expr) -> tuple[exp.Column, int] | None:
        """(column, days) when the value lies between the column less that many days and the column."""
        days = 0
        if isinstance(node, exp.DateTrunc | exp.TimestampTrunc):
            days, node = UNIT_DAYS.get(unit_of(node), (0, -1))[1], node.this
        elif isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE:
            days, node = 1, node.this
        column = self._column(node)
        if column is None or days < 0 or self._kind(column) not in ("date", "timestamp"):
            return None
        return column, days

    def _in_time(
        self, column: exp.Column, days: int, operator: type[exp.Expr], value: Constant
    ) -> Weakened | None:
        moment = value.moment
        is_timestamp = self._kind(column) == "timestamp"
        if moment is None or operator is exp.NEQ or not self._has_times(column):
            return None
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return None
        if is_timestamp:
            # Zones differ by up to 14 hours from UTC: a day covers every reading of the value.
            at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
            return _within(column, operator, at - timedelta(1), at + timedelta(days + 1))
        day = moment.date() if isinstance(moment, datetime) else moment
        is_exact = days == 0 and not isinstance(moment, datetime)
        if is_exact:
            return _exactly(column, operator, day)
        return _within(column, operator, day, day + timedelta(days))

    def _in_year(
        self, column: exp.Column | None, operator: type[exp.Expr], value: Constant
    ) -> Weakened | None:
        year = value.value
        if column is None or not isinstance(year, int) or isinstance(year, bool):
            return None
        if not _FIRST_YEAR < year < _LAST_YEAR or not self._has_times(column):
            return None
        if self._kind(column) not in ("date", "timestamp") or operator is exp.NEQ:
            return None
        spare = timedelta(1) if self._kind(column) == "timestamp" else timedelta(0)
        low, high = date(year, 1, 1) - spare, date(year + 1, 1, 1) + spare
        if spare:
            low, high = datetime.combine(low, time()), datetime.combine(high, time())
        return _within(column, operator, low, high)

    def _has_times(self, column: exp.Column) -> bool:
        refused = _NO_TIMESTAMPS if self._kind(column) == "timestamp" else _NO_TIMES
        return self._dialect not in refused

    def _column(self, node: exp.Expr) -> exp.Column | None:
        if isinstance(node, exp.Paren):
            return self._column(node.this)
        if (
            not isinstance(node, exp.Column)
            or node.table
            or node.name.casefold() not in self._names
        ):
            return None
        name = self._names[node.name.casefold()]
        return exp.column(exp.to_identifier(name, quoted=True))

    def _kind(self, column: exp.Column) -> str:
        return self._kinds.get(column.name.casefold(), "")


def _both(left: Weakened, right: Weakened) -> Weakened:
    return Weakened(exp.and_(left.expression, right.expression), left.is_exact and right.is_exact)


def _exactly(column: exp.Column, operator: type[exp.Expr], day: date) -> Weakened | None:
    written = _written(day)
    if written is None:
        return None
    return Weakened(operator(this=column, expression=written), True)


def _sides(node: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    return node.this, node.expression


def _within(column: exp.Column, operator: type[exp.Expr], low: date, high: date) -> Weakened | None:
    """The column between the two, as far as the operator bounds it."""
    bounds: list[exp.Expr] = []
    for bound, kind, operators in (
        (low, exp.GTE, (exp.EQ, exp.GT, exp.GTE)),
        (high, exp.LTE, (exp.EQ, exp.LT, exp.LTE)),
    ):
        if operator in operators:
            written = _written(bound)
            if written is None:
                return None
            bounds.append(kind(this=column.copy(), expression=written))
    return Weakened(exp.and_(*bounds), False) if bounds else None


def _written(moment: date) -> exp.Expr | None:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    if isinstance(moment, datetime):
        text = moment.replace(microsecond=0).isoformat(sep=" ")
        return exp.cast(exp.Literal.string(text), exp.DataType.Type.TIMESTAMP)
    return exp.cast(exp.Literal.string(moment.isoformat()), exp.DataType.Type.DATE)


def _is_safe_float(kind: str, value: float) -> bool:
    """Whether comparing with this double gives the same as comparing with its exact value."""
    return kind == "integer" and abs(value) < 2**53


def _is_plain_text(text: str) -> bool:
    return len(text) <= 1_000 and text.isprintable() and "\\" not in text
