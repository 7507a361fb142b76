"""Differences of two figures, or of one figure under two conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiser_app.domain.semantic_query import (
    Arithmetic,
    Condition,
    Filter,
    Operator,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.figuring import rows_of, with_conditions
from aiser_app.planner.clauses.forms import (
    Walks,
    failed,
    operand,
    phrase_end,
    phrase_start,
    positions,
    read_through,
    set_figures,
)
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.segments import Kind, Segment


def difference(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """As in "Difference between A and B", "A minus B", "how many more … did A … than B"."""
    more = positions(segments, "more")
    if more:
        return _more_than(walks, segments, more[0])
    places = positions(segments, "difference", "minus")
    if not places:
        return None
    at = places[0]
    if segments[at].word == "minus":
        start, end = phrase_start(segments, at), phrase_end(segments, at + 1)
        left, right = segments[start:at], segments[at + 1 : end]
        rest = [*segments[:start], *segments[end:]]
    else:
        middle = next(
            (n for n in range(at + 2, len(segments)) if segments[n].kind is Kind.AND), None
        )
        if middle is None:
            return None
        end = phrase_end(segments, middle + 1)
        left, right = segments[at + 1 : middle], segments[middle + 1 : end]
        rest = [*segments[:at], *segments[end:]]
    return _subtract(walks, left, right, rest)


def _subtract(
    walks: Walks, left: Sequence[Segment], right: Sequence[Segment], rest: Sequence[Segment]
) -> Completing | None:
    first, second = operand(walks, left), operand(walks, right)
    full = walks(rest)
    full.run()
    if first is None or second is None or failed(full):
        return None
    has_own = not full.sketch.figures
    a, b = first.sketch.figures[0], second.sketch.figures[0]
    if not has_own:
        a = b = full.sketch.figures[0]
    elif first.sketch.conditions and second.sketch.conditions and b.aggregation != a.aggregation:
        b = a
    full.sketch.figures = full.sketch.figures or [rows_of(full.root)]
    full.complete()
    if failed(full):
        return None
    if second.sketch.conditions and not first.sketch.conditions and a.expression != b.expression:
        full.sketch.conditions.extend(second.sketch.conditions)
        second.sketch.conditions = []
    left_side = with_conditions(a, tuple(first.sketch.conditions)).expression
    right_side = with_conditions(b, tuple(second.sketch.conditions)).expression
    if left_side == right_side:
        return None
    minus = Arithmetic(operator=Operator.SUBTRACT, left=left_side, right=right_side)
    for walk in (first, second):
        full.sketch.bound.extend(walk.sketch.bound)
        for reason, amount in walk.sketch.costs.items():
            if reason != "what to show is not said":
                full.sketch.cost(reason, amount)
    return set_figures(
        full, [Figure(minus, f"{a.title} minus {b.title}", unit=a.unit, cube=full.root.name)]
    )


def _more_than(walks: Walks, segments: Sequence[Segment], at: int) -> Completing | None:
    than = next((n for n, s in enumerate(segments) if s.text.lower() == "than" and n > at), None)
    if than is None:
        return None
    end = than + 1
    while end < len(segments) and segments[end].kind in (Kind.LINK, Kind.DATE, Kind.FUNCTION):
        end += 1
    right = walks(segments[than + 1 : end])
    right.run()
    full = read_through(walks, [*segments[:at], *segments[at + 1 : than], *segments[end:]])
    if full is None or not full.sketch.figures or failed(right):
        return None
    figure = full.sketch.figures[0]
    theirs = _of_same_columns(full, segments[than + 1 : end]) or tuple(right.sketch.conditions)
    members = {c.member for c in theirs if isinstance(c, Filter)}
    ours = tuple(c for c in full.sketch.conditions if isinstance(c, Filter) and c.member in members)
    if not theirs or not ours:
        return None
    ours = tuple(_without_values(c, theirs) for c in ours)
    full.sketch.conditions = [
        c for c in full.sketch.conditions if not (isinstance(c, Filter) and c.member in members)
    ]
    sign = -1 if any(w in segments[at].text.lower() for w in ("fewer", "less", "lower")) else 1
    first, second = (ours, theirs) if sign == 1 else (theirs, ours)
    minus = Arithmetic(
        operator=Operator.SUBTRACT, left=with_conditions(figure, first).expression,
        right=with_conditions(figure, second).expression,
    )  # fmt: skip
    full.sketch.bound.extend(right.sketch.bound)
    return set_figures(full, [Figure(minus, f"difference in {figure.title}", cube=full.root.name)])


def _of_same_columns(full: Completing, right: Sequence[Segment]) -> tuple[Condition, ...]:
    """Values behind "than" belong to the columns of the values before it."""
    ours = [c for c in full.sketch.conditions if isinstance(c, Filter)]
    found: list[Condition] = []
    for segment in right:
        for option in full.options.of(segment).values if segment.kind is Kind.LINK else ():
            same = next((c for c in ours if c.member == option.target.member), None)
            if same is not None:
                found.append(replace(same, values=(option.target.value,)))
                break
    return tuple(found)


def _without_values(ours: Filter, theirs: tuple[Condition, ...]) -> Filter:
    taken = {
        v for c in theirs if isinstance(c, Filter) and c.member == ours.member for v in c.values
    }
    kept = tuple(v for v in ours.values if v not in taken)
    return replace(ours, values=kept or ours.values)
