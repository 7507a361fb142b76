"""What closed-class words announce for the phrases that follow: state of the role automaton."""

from __future__ import annotations

from collections.abc import Mapping

from aiser_app.domain.semantic_model import Aggregation, Cube
from aiser_app.planner.conditions import Conditions
from aiser_app.planner.cursor import Cursor
from aiser_app.planner.draft import Draft
from aiser_app.planner.linking import Cover
from aiser_app.planner.measuring import Measuring
from aiser_app.planner.picking import Picker
from aiser_app.planner.resolving import Resolver
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.vocabulary import PREPOSITIONS
from aiser_app.planner.words import word_set

_LISTING = word_set("list show give find display name named see tell")


class Announced:
    """State of the reader, and what each closed-class word does to it."""

    def __init__(
        self,
        resolver: Resolver,
        root: Cube,
        cover: Cover,
        overrides: Mapping[int, int],
        *,
        is_change: bool = False,
    ) -> None:
        """`is_change`: the figure may be missing, because a query before supplies it."""
        self._is_change = is_change
        self._resolver = resolver
        self._cursor = Cursor(cover.segments)
        self.draft = Draft(root.name)
        self._picker = Picker(self.draft, overrides)
        self._measuring = Measuring(resolver, root, self._picker)
        self._conditions = Conditions(resolver, root, self._picker)
        self._aggregation: Aggregation | None = None
        self._distinct = False
        self._cue = False
        self._carry = ""
        self._joined = False
        self._either = False
        self._negated = False
        self._preposition = ""
        self._which = False
        self._open_extreme: Segment | None = None
        self._ordering = False
        self._comparison: Segment | None = None
        self._number: Segment | None = None

    # words without content

    def _on_function(self, segment: Segment) -> None:
        if segment.word in PREPOSITIONS:
            self._preposition = segment.word
        elif segment.word in ("which", "what"):
            self._which = True
        if segment.word in _LISTING or segment.word in ("which", "what", "who"):
            self.draft.lists = True

    def _on_and(self, segment: Segment) -> None:
        self._joined = True
        self._either = segment.word == "or"
        if segment.word == "or" and self._carry not in ("value", ""):
            self.draft.fail("“or” between different things")

    def _on_unknown(self, segment: Segment) -> None:
        self.draft.fail(f"nothing here is called “{segment.text}”")

    def _on_unsupported(self, segment: Segment) -> None:
        self.draft.fail(f"{segment.word} are not computed yet")

    # closed classes

    def _on_aggregate(self, segment: Segment) -> None:
        outer = self._aggregation
        if outer is not None and not (
            outer is Aggregation.SUM and segment.aggregation is Aggregation.COUNT
        ):
            self.draft.fail("one aggregate of another")
        self._aggregation = segment.aggregation
        self._open_extreme = None
        self._cue = self._which = False

    def _on_distinct(self, segment: Segment) -> None:
        self._distinct = True

    def _on_extreme(self, segment: Segment) -> None:
        if self.draft.extreme is not None or self._aggregation is not None:
            self.draft.fail("more than one extreme")
        self.draft.extreme = self._open_extreme = segment
        if segment.number is not None:
            self.draft.limit = int(segment.number)
        if self._number is not None:
            self.draft.fail(f"“{self._number.text}” stands alone")
        self._cue = False

    def _on_group(self, segment: Segment) -> None:
        following = self._cursor.peek()
        if following is not None and following.kind is Kind.COMPARE:
            return
        self._cue = True
        first = segment.text.lower().split()[0]
        self._preposition = first if first in PREPOSITIONS else ""

    def _on_grain(self, segment: Segment) -> None:
        picked = self._open_extreme is not None and self._open_extreme.extreme == "pick"
        listed = self._carry == "group" and self._joined
        if not (segment.cued or self._cue or self._which or picked or listed):
            self.draft.fail(f"“{segment.text}” stands alone")
        if self.draft.grain not in (None, segment.granularity):
            self.draft.fail("more than one time step")
        self.draft.grain = segment.granularity
        self.draft.grain_cued = segment.cued or self._cue
        self.draft.asks_which = self.draft.asks_which or self._which
        if self._number is not None and self._which:
            self.draft.limit, self._number = int(self._number.number or 0), None
        if segment.assumption:
            self.draft.assume(segment.assumption)
        if picked:
            self._open_extreme = None
        self._closed("group")

    def _on_compare(self, segment: Segment) -> None:
        self._comparison = segment

    def _on_number(self, segment: Segment) -> None:
        self._number = segment

    def _on_not(self, segment: Segment) -> None:
        self._negated = True

    def _on_date(self, segment: Segment) -> None:
        if self._negated or self._cue:
            self.draft.fail(f"“{segment.text}” in this place")
        if segment.span is not None:
            self.draft.spans.append(segment.span)
        self._carry = ""

    def _on_order(self, segment: Segment) -> None:
        self._ordering = True

    def _on_direction(self, segment: Segment) -> None:
        self.draft.descending = segment.descending
        if segment.text.lower().startswith("alphabet"):
            self.draft.order_by_group = True

    def _closed(self, carry: str) -> bool:
        self._cue = self._which = self._negated = False
        self._carry = carry
        return True

    def _check_leftovers(self) -> None:
        draft = self.draft
        if self._comparison is not None and not self._conditions.by_unit(self._comparison):
            draft.fail(f"“{self._comparison.text}” of what")
        if self._aggregation is not None:
            self._measuring.left_over(self._aggregation)
        if self._number is not None:
            draft.fail(f"“{self._number.text}” stands alone")
        if self._negated:
            draft.fail("the negation has nothing to exclude")
        if self._ordering:
            draft.fail("the order is not clear")
        if self._open_extreme is not None and not draft.measures and not self._is_change:
            draft.fail(f"“{self._open_extreme.word}” needs a figure to go by")
