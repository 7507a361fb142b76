"""What all forms of composed figures share: finding their cue, reading their operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aiser_app.domain.semantic_query import (
    Filter,
    FilterOperator,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.figuring import rows_of
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.segments import Kind, Segment

Walks = Callable[[Sequence[Segment]], Completing]
"""Makes a fresh walk over some segments under the root of this attempt."""


def positions(segments: Sequence[Segment], *cues: str) -> list[int]:
    return [n for n, s in enumerate(segments) if s.kind is Kind.CUE and s.word in cues]


def failed(walk: Completing) -> bool:
    return bool(walk.sketch.failure)


def without_cues(segments: Sequence[Segment], *cues: str) -> list[Segment]:
    return [s for s in segments if not (s.kind is Kind.CUE and s.word in cues)]


def read_through(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """A completed walk, unless it fails."""
    walk = walks(segments)
    walk.run()
    walk.sketch.lists = walk.sketch.asks_which and walk.sketch.extreme is not None
    subject = walk.sketch.subject
    about_rows = walk.sketch.extreme is None and (subject is None or subject.is_rows)
    if about_rows and not walk.sketch.figures and not walk.sketch.asks_how_much:
        walk.sketch.figures.append(rows_of(walk.root))
        if subject is None and not walk.sketch.counts:
            walk.sketch.cost("what is counted is not said", 0.05)
    if not walk.sketch.failure:
        walk.complete()
    return None if walk.sketch.failure else walk


def set_figures(walk: Completing, figures: list[Figure]) -> Completing:
    walk.sketch.figures = figures
    return walk


def set_ranked(full: Completing, old: Figure, new: Figure) -> Completing:
    """Replaces a stand-in figure, also where it ranks."""
    full.sketch.figures = [new]
    if full.sketch.extreme is not None:
        full.sketch.extreme_figure = new
    full.sketch.having = [
        replace(h, figure=new) if h.figure.expression == old.expression else h
        for h in full.sketch.having
    ]
    return full


def is_percentage(segments: Sequence[Segment]) -> bool:
    words = " ".join(s.text.lower() for s in segments if s.kind is Kind.CUE)
    return any(w in words for w in ("percent", "%", "pct", "rate"))


def phrase_start(segments: Sequence[Segment], at: int) -> int:
    start = at
    while start > 0 and (
        segments[start - 1].kind in (Kind.LINK, Kind.AGGREGATE, Kind.DISTINCT)
        or (segments[start - 1].text.lower() == "of" and start > 1)
    ):
        start -= 1
    return start


def phrase_end(segments: Sequence[Segment], at: int) -> int:
    end = at
    while end < len(segments) and segments[end].kind not in (
        Kind.GROUP,
        Kind.DATE,
        Kind.GRAIN,
        Kind.CUE,
    ):
        end += 1
    return end


def operand(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    walk = walks(segments)
    walk.run()
    if walk.sketch.failure:
        return None
    subject = walk.sketch.subject
    if not walk.sketch.figures and subject is not None and not subject.is_rows:
        cube = walk.options.model.find_cube(subject.cube)
        if cube is not None:
            walk.sketch.figures.append(rows_of(cube))
            return walk
    walk.sketch.lists = False
    walk.complete()
    return walk if walk.sketch.figures and not walk.sketch.failure else None


def dated(member: str, role: str, first: str, last: str) -> Filter:
    return Filter(
        member=member, role=role, operator=FilterOperator.IN_DATE_RANGE, values=(first, last)
    )
