"""Where the role automaton stands, and what lies ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import word_set

_TRANSPARENT = word_set("is are was were be been being of a an the has have had with = than")


class Cursor:
    """Goes over the segments of a cover once; what was looked ahead at can be skipped."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._at = 0

    def __iter__(self) -> Iterator[Segment]:
        while self._at < len(self._segments):
            self._at += 1
            yield self._segments[self._at - 1]

    def peek(self) -> Segment | None:
        """Next segment that is not a mere linking word."""
        for position in range(self._at, len(self._segments)):
            if not self._is_linking(position):
                return self._segments[position]
        return None

    def _is_linking(self, position: int) -> bool:
        segment = self._segments[position]
        if segment.kind is Kind.GROUP and segment.text.lower() == "by":
            following = self._segments[position + 1 : position + 2]
            return bool(following) and following[0].kind is Kind.COMPARE
        return segment.kind is Kind.FUNCTION and segment.word in _TRANSPARENT

    def skip_to(self, segment: Segment) -> None:
        """Continue behind this segment."""
        self._at = self._segments.index(segment, self._at) + 1

    def behind(self, segment: Segment) -> Segment | None:
        """The segment right behind this one."""
        place = self._segments.index(segment, self._at) + 1
        return self._segments[place] if place < len(self._segments) else None

    def value_place(self) -> tuple[Segment | None, bool]:
        """What stands behind "is", "is not" or "=", and whether it is negated."""
        negated = False
        for segment in self._segments[self._at :]:
            if segment.kind is Kind.NOT:
                negated = True
            elif not (segment.kind is Kind.FUNCTION and segment.word in _TRANSPARENT):
                return segment, negated
        return None, negated
