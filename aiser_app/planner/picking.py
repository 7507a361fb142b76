"""Choosing among the meanings of a phrase, and remembering how clear the choice was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiser_app.planner.draft import Draft
from aiser_app.planner.reading import BoundWord
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Segment

NEAR = 0.12
"""Meanings that score this close to the best one are all tried as readings of their own."""


class Picker:
    """Takes the best meaning, or the one that this attempt is to try."""

    def __init__(self, draft: Draft, overrides: Mapping[int, int]) -> None:
        self.draft = draft
        self._overrides = overrides

    def pick(self, segment: Segment, options: Sequence[Option]) -> Option:
        near = [o for o in options if options[0].score - o.score < NEAR]
        lead = options[0].score - options[1].score if len(options) > 1 else 1.0
        rank = min(self._overrides.get(segment.start, 0), len(near) - 1)
        self.draft.margins.append((segment.start, lead, len(near)))
        chosen = near[rank]
        self.note(segment, chosen)
        if chosen.disagrees:
            self.draft.cost("the preposition points the other way", 0.3)
        self.draft.rank_cost += max(0.0, chosen.target.score - chosen.score)
        self.draft.rank_cost += options[0].score - chosen.score
        return chosen

    def choose(self, key: int, count: int) -> int:
        """Which of several equally likely completions this attempt is to try."""
        self.draft.margins.append((key, 0.0, count))
        return min(self._overrides.get(key, 0), count - 1)

    def note(self, segment: Segment, option: Option) -> None:
        """Record what the words were linked to; a later, fuller meaning replaces the first."""
        target = option.target
        member = target.member if not target.value else f"{target.member} = {target.value}"
        word = BoundWord(text=segment.text, member=member, how=target.how, score=target.score)
        self.draft.bound = [b for b in self.draft.bound if b.text != segment.text] + [word]
