"""Shares and rates: the part of a whole that fulfils a condition, or that each group has."""

from __future__ import annotations

from collections.abc import Sequence

from aiser_app.domain.semantic_query import (
    Arithmetic,
    Condition,
    Operator,
    Windowed,
    WindowKind,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.figuring import rows_of, with_conditions
from aiser_app.planner.clauses.forms import (
    Walks,
    failed,
    is_percentage,
    positions,
    read_through,
    set_figures,
    set_ranked,
    without_cues,
)
from aiser_app.planner.clauses.sketch import Figure, bare
from aiser_app.planner.cues import NEUTRAL
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import word_set

_PREDICATES = word_set("""was were is are had have has did do does came come comes go goes went been be
    made make makes happened took take takes""")
_CONTENT = (
    Kind.LINK,
    Kind.WEEKDAY,
    Kind.COMPARE,
    Kind.CUE,
    Kind.EXTREME,
    Kind.LITERAL,
    Kind.MATCH,
    Kind.DATE,
    Kind.UNKNOWN,
)


def share(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """The part of a whole that fulfils a condition, or that each group has."""
    places = positions(segments, "share")
    if not places:
        return None
    at = places[0]
    in_percent = is_percentage(segments)
    rest = [*segments[:at], *segments[at + 1 :]]
    rest = without_cues(rest, "share", "percent")
    base, predicate = _split_at_predicate(without_cues(segments[at + 1 :], "share", "percent"))
    full = read_through(walks, rest)
    if full is None or not full.sketch.figures:
        return None
    figure = full.sketch.figures[0]
    only = _conditions_of_part(walks, full, base, predicate)
    if not only:
        return _share_of_groups(full, figure, in_percent)
    whole = [c for c in full.sketch.conditions if c not in only]
    part = with_conditions(figure, tuple(only))
    expression = Arithmetic(operator=Operator.DIVIDE, left=part.expression, right=figure.expression)
    full.sketch.conditions = whole
    title = f"share of {bare(figure.title)}"
    return set_figures(
        full, [Figure(expression, title, is_percentage=in_percent, cube=full.root.name)]
    )


def _split_at_predicate(segments: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
    """As in "Orders | used at least one coupon": what the whole is, and what its part does."""
    seen = False
    for n, segment in enumerate(segments):
        seen = seen or segment.kind is Kind.LINK
        is_verb = segment.kind is Kind.FUNCTION and (
            segment.word in _PREDICATES or segment.word in NEUTRAL
        )
        is_relative = segment.kind is Kind.CUE and segment.word in (
            "relative",
            "without",
            "never",
            "any",
            "null",
        )
        if seen and (is_verb or is_relative):
            behind = list(segments[n:])
            if any(s.kind in _CONTENT for s in behind):
                return list(segments[:n]), behind
    return list(segments), []


def _conditions_of_part(
    walks: Walks, full: Completing, base: list[Segment], predicate: list[Segment]
) -> list[Condition]:
    """Conditions that only the part fulfils; without a predicate all but dates belong to it."""
    conditions = full.sketch.conditions
    if not predicate:
        return list(conditions)
    whole = read_through(walks, base)
    known = whole.sketch.conditions if whole is not None else []
    return [c for c in conditions if c not in known]


def _share_of_groups(full: Completing, figure: Figure, in_percent: bool) -> Completing | None:
    if not full.sketch.groups and full.sketch.grain is None:
        return None
    expression = Windowed(window=WindowKind.SHARE, of=figure.expression)
    title = f"share of {bare(figure.title)}"
    new = Figure(expression, title, is_percentage=in_percent, cube=full.root.name)
    return set_figures(full, [new])


def rate(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """As in "Bounce rate", "cancellation rate": rows with the state, of all rows."""
    places = [n for n in positions(segments, "rate") if n > 0]
    if not places:
        return None
    at = places[0]
    named = segments[at - 1]
    if named.kind is not Kind.LINK:
        return None
    rest = without_cues([*segments[: at - 1], *segments[at + 1 :]], "percent", "rate")
    part = walks([named])
    part.run()
    conditions = tuple(part.sketch.conditions)
    if not conditions or failed(part):
        return None
    full = walks(rest)
    full.run()
    if failed(full):
        return None
    rows = rows_of(full.root)
    if not full.sketch.figures:
        full.sketch.figures.append(rows)
    full.complete()
    if failed(full):
        return None
    left = with_conditions(rows, conditions).expression
    expression = Arithmetic(operator=Operator.DIVIDE, left=left, right=rows.expression)
    full.sketch.bound = [*part.sketch.bound, *full.sketch.bound]
    for reason, amount in part.sketch.costs.items():
        full.sketch.cost(reason, amount)
    new = Figure(expression, f"{named.text.lower()} rate", is_percentage=True, cube=full.root.name)
    return set_ranked(full, rows, new)
