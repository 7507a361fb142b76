"""What the groups of a query are made by: dimensions, fields, spans and parts of time, periods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from sqlglot import exp

from aiser_app.domain.semantic_model import Cube
from aiser_app.domain.semantic_query import (
    Filter,
    FilterOperator,
    Granularity,
    TimeDimension,
    TimePart,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import days_of, in_date_range
from aiser_app.semantic.identifiers import column, identifier
from aiser_app.semantic.join_graph import find_paths
from aiser_app.semantic.rows import Rows
from aiser_app.semantic.scope import Build

PERIOD = "period"
MAX_PERIODS = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """`alias` is the column that holds it, in every step of the query."""

    member: str
    alias: str
    role: str = ""
    granularity: Granularity | None = None
    part: TimePart | None = None
    is_time: bool = False
    """From a time dimension of the query, so that another fact may put its own time there."""
    periods: tuple[tuple[str, str], ...] = ()
    """Compared ranges of the time `member`; the key is which of them."""
    is_filled: bool = False
    date_range: tuple[str, str] | None = None

    def is_same(self, member: str, role: str) -> bool:
        return self.member == member and self.role == role and not self.periods

    def is_computed(self, found: exp.Expr) -> bool:
        """Whether it is an expression of the row rather than a column or the start of a span."""
        return self.granularity is None and not isinstance(found, exp.Column)

    def sql(self, rows: Rows) -> exp.Expr:
        """The key of a row."""
        if self.periods:
            return self._period(rows)
        if self.granularity is not None:
            return rows.spanned(self.member, self.role, self.granularity)
        if self.part is not None:
            return rows.part(self.member, self.role, self.part, may_fan=True)
        return rows.member(self.member, self.role, may_fan=True).sql

    def _period(self, rows: Rows) -> exp.Expr:
        """Each row once for every period that it lies in; see `periods_condition`."""
        parts = [
            exp.select(exp.alias_(exp.Literal.string(_name(item)), identifier(PERIOD)))
            for item in self.periods
        ]
        listed: exp.Query = parts[0]
        for part in parts[1:]:
            listed = listed.union(part, distinct=False)
        alias = rows.scope.cross("periods", listed)
        return column(PERIOD, alias)

    def condition(self, rows: Rows, key: exp.Expr) -> exp.Expr | None:
        """What holds for rows of the group besides being in it."""
        if not self.periods:
            return None
        value = rows.member(self.member, self.role, may_fan=True)
        return exp.or_(
            *(
                exp.and_(
                    exp.EQ(this=key.copy(), expression=exp.Literal.string(_name(item))),
                    in_date_range(value, item),
                )
                for item in self.periods
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """A time between two days."""

    member: str
    role: str
    days: tuple[str, str]

    @property
    def condition(self) -> Filter:
        return Filter(
            member=self.member,
            role=self.role,
            operator=FilterOperator.IN_DATE_RANGE,
            values=self.days,
        )


Placed = TypeVar("Placed", Key, Range)


def own_time(item: Placed, cube: Cube, build: Build, *, is_shared: bool) -> Placed:
    """The same of the time that belongs to `cube`, when figures of several tables stand together.

    "Orders and tickets by month" are orders by the month of the order, and tickets by the month of
    the ticket: rows of one table have no single time in the other.
    """
    if not is_shared or (isinstance(item, Key) and not item.is_time):
        return item
    if "." not in item.member:
        return item
    owner, _ = build.words.dimension(item.member)
    if owner.name == cube.name or find_paths(build.model, cube.name, owner.name):
        return item
    name = cube.default_time_dimension.rpartition(".")[2]
    found = cube.find_dimension(name) if name else None
    if found is None:
        return item
    build.notes[f"“{cube.title}” are placed in time by their own “{found.title}”."] = None
    return replace(item, member=f"{cube.name}.{found.name}", role="")


def check_time(item: TimeDimension) -> None:
    """Raises QueryInvalid for parts of a time dimension that exclude each other."""
    if item.granularity is not None and item.part is not None:
        raise QueryInvalid("A time is grouped by a span or by what repeats, not by both.")
    if item.compare_date_ranges and item.date_range is not None:
        raise QueryInvalid("A time has one date range, or several to compare.")
    if len(item.compare_date_ranges) > MAX_PERIODS:
        raise QueryInvalid(f"At most {MAX_PERIODS} date ranges can be compared.")
    if item.fill_gaps and item.granularity is None:
        raise QueryInvalid("Gaps can be filled between spans of time only.")
    if item.fill_gaps and item.compare_date_ranges:
        raise QueryInvalid("Gaps cannot be filled where date ranges are compared.")


def _name(days: tuple[str, str]) -> str:
    first, last = days_of(days)
    return f"{first.isoformat()}/{last.isoformat()}"
