"""Putting parts together by their groups, and groups that no row is in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlglot import exp

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.domain.semantic_query import (
    ColumnTerm,
    Condition,
    Filter,
    FilterGroup,
    Granularity,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.conditions import date_literal, days_of
from aiser_app.semantic.dialects.times import spans_later
from aiser_app.semantic.facts import Fact, Grouping
from aiser_app.semantic.identifiers import column, identifier, named
from aiser_app.semantic.join_graph import find_paths
from aiser_app.semantic.keys import Key
from aiser_app.semantic.meeting import meeting_cube
from aiser_app.semantic.scope import Build

Part = tuple[str, tuple[str, ...]]
"""Name of a WITH query that has the keys, and its own columns."""

_DIGITS = {
    Granularity.HOUR: 5,
    Granularity.DAY: 5,
    Granularity.WEEK: 4,
    Granularity.MONTH: 4,
    Granularity.QUARTER: 3,
    Granularity.YEAR: 3,
}
"""Of the number of spans that can be filled: 11 years of hours, and more than two centuries of the
others. Databases whose time ends sooner would fail on spans that are not even needed."""
_DAYS = {
    Granularity.HOUR: 1 / 24,
    Granularity.DAY: 1,
    Granularity.WEEK: 7,
    Granularity.MONTH: 28,
    Granularity.QUARTER: 84,
    Granularity.YEAR: 365,
}
"""Fewest days of a span."""
_NARROW = {
    DimensionType.NUMBER: "smallint",
    DimensionType.TIME: "date",
    DimensionType.STRING: "text",
    DimensionType.BOOLEAN: "boolean",
}
"""Types that every other one of their kind can stand in for."""


def stacked(
    build: Build,
    keys: Sequence[str],
    parts: Sequence[Part],
    counts: Collection[str],
    kinds: Mapping[str, DimensionType],
) -> str:
    """All parts one below the other, one row for each group; the name of the WITH query."""
    columns = [alias for _, own in parts for alias in own]
    listed = _one_below_the_other(
        [
            exp.select(
                *(column(key) for key in keys),
                *(
                    column(alias)
                    if alias in own
                    else exp.alias_(_missing(alias, build, kinds), identifier(alias))
                    for alias in columns
                ),
            ).from_(named(name))
            for name, own in parts
        ]
    )
    figures: list[exp.Expr] = []
    for alias in columns:
        value: exp.Expr = exp.Max(this=column(alias))
        if alias in counts:
            value = exp.func("COALESCE", value, exp.Literal.number(0))
        figures.append(exp.alias_(value, identifier(alias)))
    select = exp.select(*(column(key) for key in keys), *figures)
    select = select.from_(listed.subquery("parts")).group_by(*(column(key) for key in keys))
    return build.add_step("figures", select)


def _one_below_the_other(selects: Sequence[exp.Select]) -> exp.Query:
    listed: exp.Query = selects[0]
    for select in selects[1:]:
        listed = listed.union(select, distinct=False)
    return listed


def _missing(alias: str, build: Build, kinds: Mapping[str, DimensionType]) -> exp.Expr:
    """PostgreSQL decides on types two parts at a time, so that a bare NULL would become a text."""
    if build.dialect not in ("postgres", "redshift"):
        return exp.Null()
    return exp.cast(exp.Null(), _NARROW[kinds[alias]])


def empty_groups(build: Build, grouping: Grouping, parts: Sequence[Part]) -> Part:
    """The groups of the first dimension's cube, whether or not anything refers to them.

    Groups by what that cube does not know are combined with all that occur.
    """
    first = next((key for key in grouping.keys if not key.is_time), grouping.keys[0])
    cube = meeting_cube(build, (replace(first, role=""),))
    own = [replace(key, role=_own_role(key, first)) for key in grouping.keys]
    is_known = [_knows(build, cube.name, key) for key in own]
    known = tuple(key for key, fits in zip(own, is_known, strict=True) if fits)
    conditions = tuple(
        item for item in grouping.conditions if _is_about(build, cube.name, item, first)
    )
    inner = Grouping(
        keys=known,
        conditions=tuple(_without_role(item, first) for item in conditions),
        segments=tuple(
            name for name in grouping.segments if _is_within(build, cube.name, name, "")
        ),
    )
    fact = Fact(build, cube, inner)
    columns = [exp.alias_(fact.key(k.alias), identifier(k.alias)) for k in known]
    base = build.add_step(f"{cube.name}_groups", fact.select(columns))
    others = [k.alias for k, fits in zip(grouping.keys, is_known, strict=True) if not fits]
    if not others:
        return base, ()
    return _combined(build, grouping.names, base, {k.alias for k in known}, others, parts), ()


def _combined(
    build: Build,
    names: Sequence[str],
    base: str,
    known: Collection[str],
    others: Sequence[str],
    parts: Sequence[Part],
) -> str:
    occurring = _one_below_the_other(
        [exp.select(*(column(key) for key in others)).from_(named(name)) for name, _ in parts]
    )
    distinct = exp.select(*(column(key) for key in others)).distinct()
    distinct = distinct.from_(occurring.subquery("parts"))
    select = exp.select(*(column(k, base if k in known else "occurring") for k in names))
    select = select.from_(named(base)).join(distinct.subquery("occurring"), join_type="cross")
    return build.add_step("all_groups", select)


def _own_role(key: Key, first: Key) -> str:
    """A role that leads to the first cube is not needed within it."""
    return "" if key.role == first.role else key.role


def _knows(build: Build, cube: str, key: Key) -> bool:
    terms = build.words.columns(ColumnTerm(member=key.member, role=key.role))
    return not key.periods and all(
        _is_within(build, cube, term.member, term.role) for term in terms
    )


def _is_within(build: Build, cube: str, member: str, role: str) -> bool:
    target = member.partition(".")[0]
    return (target == cube and not role) or bool(find_paths(build.model, cube, target, role))


def _is_about(build: Build, cube: str, item: Condition, first: Key) -> bool:
    """Whether a condition is about the first cube's rows alone."""
    terms = list(build.words.filtered_columns(item))
    return bool(terms) and all(
        _is_within(build, cube, term.member, "" if term.role == first.role else term.role)
        for term in terms
    )


def _without_role(item: Condition, first: Key) -> Condition:
    if isinstance(item, Filter):
        role = "" if item.role == first.role else item.role
        other = "" if item.other_role == first.role else item.other_role
        return replace(item, role=role, other_role=other)
    if isinstance(item, FilterGroup):
        inner = tuple(_without_role(part, first) for part in item.conditions)
        return replace(item, conditions=inner)
    return item


def spans(build: Build, grouping: Grouping, key: Key, source: str) -> str:
    """Every span between the first and the last with every combination of the other keys."""
    granularity = key.granularity or Granularity.DAY
    kind = "timestamp" if granularity is Granularity.HOUR else "date"
    numbers = build.add_step("numbers", _numbers(build, _DIGITS[granularity]))
    first, last = column("first_span"), column("last_span")
    bounds = build.add_step("bounds", _bounds(build, key, source))
    start = exp.cast(spans_later(first, column("n"), granularity, build.dialect), kind)
    select = exp.select(exp.alias_(start, identifier(key.alias))).from_(named(bounds))
    select = select.join(named(numbers), join_type="cross")
    select = select.where(exp.LTE(this=start.copy(), expression=last))
    listed = build.add_step("spans", select)
    others = [alias for alias in grouping.names if alias != key.alias]
    if not others:
        return listed
    distinct = exp.select(*(column(alias) for alias in others)).distinct().from_(named(source))
    select = exp.select(
        *(column(a, listed if a == key.alias else "others") for a in grouping.names)
    )
    select = select.from_(named(listed)).join(distinct.subquery("others"), join_type="cross")
    return build.add_step("grid", select)


def _bounds(build: Build, key: Key, source: str) -> exp.Select:
    """The first and the last span: those of the asked range, else those that occur."""
    if key.date_range is None:
        return exp.select(
            exp.alias_(exp.Min(this=column(key.alias)), identifier("first_span")),
            exp.alias_(exp.Max(this=column(key.alias)), identifier("last_span")),
        ).from_(named(source))
    granularity = key.granularity or Granularity.DAY
    first, last = days_of(key.date_range)
    if (last - first).days / _DAYS[granularity] >= 10 ** _DIGITS[granularity]:
        raise QueryInvalid(
            f"There are too many spans of one {granularity.value} to fill.",
            hint="Ask for a shorter time, or for longer spans.",
        )
    if granularity is Granularity.HOUR:
        moments = (f"{first.isoformat()} 00:00:00", f"{last.isoformat()} 23:00:00")
        values = [exp.cast(exp.Literal.string(text), "timestamp") for text in moments]
    else:
        starts = (_start(day, granularity, build.query.week_start) for day in (first, last))
        values = [date_literal(day) for day in starts]
    names = ("first_span", "last_span")
    return exp.select(*(exp.alias_(v, identifier(n)) for v, n in zip(values, names, strict=True)))


def _start(day: date, granularity: Granularity, week_start: int) -> date:
    match granularity:
        case Granularity.WEEK:
            back = (day.isoweekday() - week_start) % 7
            if day.toordinal() <= back:
                raise QueryInvalid("The date is too early.")
            return date.fromordinal(day.toordinal() - back)
        case Granularity.MONTH:
            return day.replace(day=1)
        case Granularity.QUARTER:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case Granularity.YEAR:
            return day.replace(month=1, day=1)
    return day


def _numbers(build: Build, places: int) -> exp.Select:
    """0 to 9…9, of so many places."""
    ten = [exp.select(exp.alias_(exp.Literal.number(n), identifier("digit"))) for n in range(10)]
    digits = build.add_step("digits", _one_below_the_other(ten))
    total: exp.Expr = column("digit", "d0")
    for place in range(1, places):
        factor = exp.Mul(
            this=exp.Literal.number(10**place), expression=column("digit", f"d{place}")
        )
        total = exp.Add(this=total, expression=factor)
    select = exp.select(exp.alias_(total, identifier("n")))
    select = select.from_(exp.alias_(named(digits), "d0", table=True))
    for place in range(1, places):
        select = select.join(exp.alias_(named(digits), f"d{place}", table=True), join_type="cross")
    return select
