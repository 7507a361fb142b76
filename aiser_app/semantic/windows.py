"""Figures across the groups of a result: shares, ranks, changes, running totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from aiser_app.domain.semantic_query import (
    DimensionRef,
    Expression,
    PerGroup,
    TimeDimension,
    Windowed,
    WindowKind,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.aggregates import Leaf, leaves
from aiser_app.semantic.identifiers import column
from aiser_app.semantic.keys import Key, Range, check_time
from aiser_app.semantic.vocabulary import Vocabulary

MAX_OFFSET = 10_000
_ORDERED = frozenset(
    (
        WindowKind.RUNNING_TOTAL,
        WindowKind.PREVIOUS,
        WindowKind.CHANGE,
        WindowKind.GROWTH,
        WindowKind.MOVING_AVERAGE,
    )
)


def flat_leaves(expression: Expression, words: Vocabulary) -> Iterator[Leaf]:
    """What must be computed before any window is."""
    for leaf in leaves(expression, words):
        if isinstance(leaf, Windowed):
            yield from flat_leaves(leaf.of, words)
        else:
            yield leaf


def in_order(expressions: Sequence[Expression], words: Vocabulary) -> list[list[Windowed]]:
    """All windows, those first that need no other: the rank of a growth comes after the growth."""
    levels: dict[Windowed, int] = {}

    def level(expression: Expression) -> int:
        deepest = 0
        for leaf in leaves(expression, words):
            if isinstance(leaf, Windowed):
                levels[leaf] = level(leaf.of)
                deepest = max(deepest, levels[leaf] + 1)
        return deepest

    depth = max((level(expression) for expression in expressions), default=0)
    return [[leaf for leaf, at in levels.items() if at == number] for number in range(depth)]


def value(leaf: Windowed, keys: Sequence[Key], of: exp.Expr) -> exp.Expr:
    """The window as SQL, over the columns of the step before.

    Raises:
        QueryInvalid: it needs a time and there is none, or groups that the query does not have.
    """
    if not 1 <= leaf.offset <= MAX_OFFSET:
        raise QueryInvalid(f"A window reaches over 1 to {MAX_OFFSET:,} rows.")
    within = [column(_found(item, keys).alias) for item in leaf.within]
    if leaf.window in _ORDERED:
        return _in_time(leaf, keys, within, of)
    match leaf.window:
        case WindowKind.RANK:
            order = exp.Ordered(this=of.copy(), desc=not leaf.ascending, nulls_first=False)
            rank = _over(exp.Rank(), within, [order])
            missing = exp.Is(this=of.copy(), expression=exp.Null())
            return exp.case().when(missing, exp.Null()).else_(rank)
        case WindowKind.MEAN:
            return _over(exp.Avg(this=of.copy()), within)
        case WindowKind.TOTAL:
            return _over(exp.Sum(this=of.copy()), within)
    return _ratio(of, _over(exp.Sum(this=of.copy()), within))


def _in_time(
    leaf: Windowed, keys: Sequence[Key], within: list[exp.Column], of: exp.Expr
) -> exp.Expr:
    """Along the time of the query, within what else there is; a group without a time has no place."""
    time = _time(keys)
    others = [key for key in keys if key.alias != time.alias]
    if not leaf.within:
        within = [column(key.alias) for key in others]
    held = {item.name for item in within}
    after = [key.alias for key in others if key.alias not in held]
    order = [_ascending(column(alias)) for alias in (time.alias, *after)]
    missing = exp.Is(this=column(time.alias), expression=exp.Null())
    apart = exp.case().when(missing, exp.Literal.number(1)).else_(exp.Literal.number(0))
    parts: list[exp.Expr] = [*within, apart]
    lag = exp.Lag(this=of.copy(), offset=exp.Literal.number(leaf.offset))
    match leaf.window:
        case WindowKind.RUNNING_TOTAL:
            found: exp.Expr = _over(exp.Sum(this=of.copy()), parts, order, "UNBOUNDED")
        case WindowKind.MOVING_AVERAGE:
            found = _over(exp.Avg(this=of.copy()), parts, order, str(leaf.offset - 1))
        case WindowKind.PREVIOUS:
            found = _over(lag, parts, order)
        case _:
            previous = _over(lag, parts, order)
            found = exp.Sub(this=exp.paren(of.copy()), expression=previous)
            if leaf.window is WindowKind.GROWTH:
                found = _ratio(found, previous.copy())
    return exp.case().when(exp.not_(missing.copy()), found)


def _ascending(value: exp.Expr) -> exp.Ordered:
    """Not asking for NULLS LAST, which MySQL's running sums do not know; what is missing is apart."""
    return exp.Ordered(this=value, desc=False, nulls_first=True)


def _over(
    function: exp.Expr,
    within: Sequence[exp.Expr],
    order: Sequence[exp.Ordered] = (),
    preceding: str = "",
) -> exp.Window:
    window = exp.Window(this=function, partition_by=[item.copy() for item in within])
    if order:
        window.set("order", exp.Order(expressions=[item.copy() for item in order]))
    if preceding:
        start = preceding if preceding == "UNBOUNDED" else exp.Literal.number(preceding)
        spec = exp.WindowSpec(
            kind="ROWS", start=start, start_side="PRECEDING", end="CURRENT ROW", end_side=None
        )
        window.set("spec", spec)
    return window


def _ratio(part: exp.Expr, whole: exp.Expr) -> exp.Expr:
    divisor = exp.Nullif(this=whole, expression=exp.Literal.number(0))
    return exp.Div(this=exp.cast(part.copy(), "double"), expression=divisor)


def _found(item: DimensionRef, keys: Sequence[Key]) -> Key:
    for key in keys:
        if key.is_same(item.member, item.role) or (not item.role and key.member == item.member):
            return key
    raise QueryInvalid(
        f"A figure within {item.member[:80]} needs it among the groups of the query.",
        hint="Group by it as well.",
    )


def find_key(item: DimensionRef, keys: Sequence[Key]) -> Key:
    """The group that a reference means.

    Raises:
        QueryInvalid: the query does not group by it.
    """
    return _found(item, keys)


def _time(keys: Sequence[Key]) -> Key:
    """What rows are in order of: spans, else what repeats, else compared periods."""
    times = [key for key in keys if key.is_time]
    for chosen in (
        [key for key in times if key.granularity is not None],
        [key for key in times if key.part is not None],
        [key for key in times if key.periods],
    ):
        if chosen:
            return chosen[0]
    raise QueryInvalid(
        "Changes, running totals and moving averages need a time to follow.",
        hint="Add a time dimension with a granularity.",
    )


def group_keys(leaf: PerGroup, start: int) -> tuple[Key, ...]:
    """The finer groups of an aggregate of groups; `start` keeps their names apart."""
    keys = [
        Key(member=item.member, role=item.role, alias=f"per_{number}")
        for number, item in enumerate(leaf.per, start=start + 1)
    ]
    time = leaf.per_time
    if time is not None:
        check_time(time)
        if time.granularity is None and time.part is None:
            raise QueryInvalid("Groups by time need a granularity or a part.")
        keys.append(time_key(time, f"per_{start + len(keys) + 1}"))
    return tuple(keys)


def time_key(item: TimeDimension, alias: str) -> Key:
    return Key(
        member=item.dimension,
        role=item.role,
        alias=alias,
        granularity=item.granularity,
        part=item.part,
        is_time=True,
        is_filled=item.fill_gaps,
        date_range=item.date_range,
    )


def time_ranges(items: Sequence[TimeDimension]) -> tuple[Range, ...]:
    """The ranges that rows lie in."""
    return tuple(
        Range(member=item.dimension, role=item.role, days=item.date_range)
        for item in items
        if item.date_range is not None
    )
