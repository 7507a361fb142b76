"""Time zones: stored times are UTC; ranges and spans are those of the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot import exp

from aiser_app.errors import QueryInvalid
from aiser_app.semantic.dialects.templates import number
from aiser_app.semantic.dialects.times import added

_FIRST, _LAST = 1970, 2037
"""Years for which changes of the clock are written out when the data's own are not known."""
_NATIVE = frozenset(("duckdb", "postgres"))


def get_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        QueryInvalid: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise QueryInvalid(
            f"There is no time zone “{name[:60]}”.", hint="For example Europe/Paris."
        ) from None


def start_of(day: date, zone: str) -> datetime:
    """When the day begins there, in UTC and without a zone."""
    local = datetime.combine(day, time(), tzinfo=get_zone(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def on_the_wall(
    x: exp.Expr, zone: str, dialect: str, years: tuple[int, int] | None = None
) -> exp.Expr:
    """The stored moment as clocks there show it. `years` are the first and last of the data."""
    get_zone(zone)
    if dialect in _NATIVE:
        name = exp.Literal.string(zone)
        return exp.AtTimeZone(this=exp.cast(x, "timestamptz"), zone=name)
    first, last = years or (_FIRST, _LAST)
    changes = _changes(zone, max(first - 1, 1900), min(last + 1, 2100))
    if len(changes) == 1:
        return added(x, number(changes[0][1]), "SECOND", dialect)
    shift = exp.case()
    for (_, offset), (end, _) in pairwise(changes):
        until = exp.cast(exp.Literal.string(end.isoformat(sep=" ")), "timestamp")
        shift = shift.when(exp.LT(this=x.copy(), expression=until), number(offset), copy=False)
    return added(x, shift.else_(number(changes[-1][1]), copy=False), "SECOND", dialect)


@lru_cache(maxsize=64)
def _changes(zone: str, first: int, last: int) -> tuple[tuple[datetime, int], ...]:
    """Moments in UTC from which on an offset in seconds holds."""
    info = get_zone(zone)

    def offset(moment: datetime) -> int:
        found = moment.astimezone(info).utcoffset()
        return round(found.total_seconds()) if found is not None else 0

    at = datetime(first, 1, 1, tzinfo=UTC)
    found = [(at, offset(at))]
    while at.year <= last:
        later = at + timedelta(days=7)
        if offset(later) != found[-1][1]:
            low, high = at, later
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if offset(middle) == found[-1][1] else (low, middle)
            found.append((high, offset(high)))
        at = later
    return tuple((moment.replace(tzinfo=None), seconds) for moment, seconds in found)
