"""Confidence of a reading, made of parts that were measured."""

from __future__ import annotations

from collections.abc import Sequence

from aiser_app.domain.answer import ConfidencePart
from aiser_app.planner.draft import Draft
from aiser_app.planner.join_paths import Path
from aiser_app.planner.reading import BoundWord

CLEAR_LEAD = 0.1
"""A second reading this near gives another answer that may as well be meant: ask."""
_FULL_LINK = 0.95
_LINK_LOSS = 0.75
_JOIN_LOSS = 0.4
_PER_TABLE = 0.04
_ASSUMPTION_LOSS = 0.02


def score_of(draft: Draft, paths: Sequence[Path]) -> float:
    """1 minus what each doubt costs, never below 0."""
    context = {s.text for s, cube in draft.entities if cube == draft.root}
    context -= {m.text for m in draft.measures}
    lost = sum(
        max(0.0, _FULL_LINK - b.score) * _LINK_LOSS for b in draft.bound if b.text not in context
    )
    lost += sum(draft.costs.values())
    lost += (1.0 - join_certainty(paths)) * _JOIN_LOSS
    lost += max(0, len({p.target for p in paths if p.joins}) - 1) * _PER_TABLE
    lost += _ASSUMPTION_LOSS * len(draft.assumptions)
    return round(max(0.0, 1.0 - lost), 3)


def join_certainty(paths: Sequence[Path]) -> float:
    return min((p.score for p in paths), default=1.0)


def parts_of(
    draft: Draft, paths: Sequence[Path], linked: int, total: int, lead: float
) -> tuple[ConfidencePart, ...]:
    """The parts shown beside the score."""
    quality = sum(b.score for b in draft.bound) / len(draft.bound) if draft.bound else 1.0
    weakest = min(draft.bound, key=lambda b: b.score, default=None)
    certainty = join_certainty(paths)
    joined = {p.target for p in paths if p.joins}
    return (
        ConfidencePart(
            name="Words linked to the model",
            measured=f"{linked} of {total}",
            score=round(linked / total, 2) if total else 1.0,
        ),
        ConfidencePart(name="Names matched", measured=_match(weakest), score=round(quality, 2)),
        ConfidencePart(
            name="Joins",
            measured=f"{len(joined)} inferred" if joined else "none needed",
            score=round(certainty, 2),
        ),
        ConfidencePart(
            name="Ahead of other readings",
            measured="no other" if lead >= 1.0 else f"by {lead:.2f}",
            score=round(min(1.0, lead / 0.3), 2),
        ),
    )


def _match(weakest: BoundWord | None) -> str:
    """By which kinds of links, told by the weakest one."""
    if weakest is None:
        return "none needed"
    return "all by name" if weakest.how == "name" else f"{weakest.how}: {weakest.text[:24]}"
