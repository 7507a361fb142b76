"""Steps by likeness: a question was taken for one that was answered, and checked, before."""

from __future__ import annotations

from aiser_app.domain.answer import ReasoningStep
from aiser_app.domain.verified_query import VerifiedMark

KIND = "analogical"


def verified_step(mark: VerifiedMark) -> ReasoningStep:
    """Why a checked query answered this question."""
    likeness = "in the same words" if mark.is_exact else "with its parts in another order"
    return ReasoningStep(
        kind=KIND,
        claim=f"Answered with the verified query “{mark.name}”",
        how=f"It was checked for “{mark.question}”, which is this question {likeness}.",
        evidence=f"verified by {mark.verified_by} on {mark.verified_at[:10]}",
        confidence=1.0 if mark.is_exact else 0.97,
    )
