"""Times that move with the clock, such as `CURRENT_DATE - INTERVAL 30 DAY`: where they surely lie.

They are not computed but bounded, since a condition that is sent away only has to keep enough rows: a
day of tolerance covers zones, the time between planning and running, and midnight.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlglot import exp

_DAY = timedelta(1)
_NOW_FUNCTIONS = frozenset({"now", "today", "transaction_timestamp", "current_localtimestamp"})
_TIMES = (
    exp.DataType.Type.DATE,
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPNTZ,
    exp.DataType.Type.TIMESTAMPTZ,
)
UNIT_DAYS = {
    "SECOND": (0, 1),
    "MINUTE": (0, 1),
    "HOUR": (0, 1),
    "DAY": (1, 1),
    "WEEK": (7, 7),
    "MONTH": (28, 31),
    "QUARTER": (90, 92),
    "YEAR": (365, 366),
}
"""Least and most days of one unit."""
_LONGEST = 100_000
"""Of the number in an interval; more days than a plausible question has."""

Span = tuple[datetime, datetime]


def span(node: exp.Expr, now: datetime | None = None) -> Span | None:
    """The earliest and the latest that a value can be; None when it is no such time. In UTC."""
    now = now or datetime.now(UTC).replace(tzinfo=None)
    if isinstance(node, exp.Paren):
        return span(node.this, now)
    if _is_now(node):
        return now - _DAY, now + _DAY
    if isinstance(node, exp.Cast) and node.to.this in _TIMES:
        return _earlier(span(node.this, now), 1)
    if isinstance(node, exp.DateTrunc | exp.TimestampTrunc):
        unit = unit_of(node)
        return _earlier(span(node.this, now), UNIT_DAYS[unit][1]) if unit in UNIT_DAYS else None
    if isinstance(node, exp.Add | exp.Sub):
        base, days = span(node.this, now), _days(node.expression)
        if base is None or days is None:
            return None
        least, most = days if isinstance(node, exp.Add) else (-days[1], -days[0])
        return base[0] + timedelta(least), base[1] + timedelta(most)
    return None


def unit_of(node: exp.Expr) -> str:
    """The unit of an interval or of a truncated time, as in DAY or MONTH."""
    unit = node.args.get("unit")
    return str(unit.name).upper().removesuffix("S") if isinstance(unit, exp.Expr) else ""


def _is_now(node: exp.Expr) -> bool:
    if isinstance(node, exp.CurrentDate | exp.CurrentTimestamp | exp.Localtimestamp):
        return node.args.get("this") is None
    is_function = isinstance(node, exp.Anonymous) and not node.expressions
    return is_function and str(node.this).casefold() in _NOW_FUNCTIONS


def _earlier(found: Span | None, days: int) -> Span | None:
    return None if found is None else (found[0] - timedelta(days), found[1])


def _days(node: exp.Expr) -> tuple[int, int] | None:
    """Days of an interval, or of a plain number; least and most."""
    number = node.this if isinstance(node, exp.Interval) else node
    if not isinstance(number, exp.Literal) or not str(number.this).isdecimal():
        return None
    count = int(str(number.this))
    unit = unit_of(node) if isinstance(node, exp.Interval) else "DAY"
    if unit not in UNIT_DAYS or count > _LONGEST or not _is_number_of_days(node):
        return None
    least, most = (count * days for days in UNIT_DAYS[unit])
    return (least, most) if most <= _LONGEST else None


def _is_number_of_days(node: exp.Expr) -> bool:
    """`CURRENT_DATE - 30` takes days; a text there would be something else."""
    return isinstance(node, exp.Interval) or not node.is_string
