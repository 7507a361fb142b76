"""Confidence of an answer: the reading's score, corrected by what the result turned out to be.

Only things that were measured count, and each is shown: nothing here is a feeling of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiser_app.domain.answer import Confidence, ConfidencePart

ANSWER_FROM = 0.75
"""At this score and above Aiser answers; below it asks."""
UNMEASURED_READING = 0.85
"""Score of a reading that came without measured parts, as from a language model."""
CHECK_COST = 0.08
"""Lost per failed check of the result."""
EMPTY_VALUES_COST = 0.15
"""Lost when every value the answer rests on is empty; less in proportion."""
TIE_COST = 0.03
CLEAR_LEAD = 0.05
"""Relative gap to the next row from which a first place counts as clear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What was measured on a result. None where there was nothing to measure."""

    row_count: int
    truncated: bool = False
    value_share: float | None = None
    """Share of the rows behind the answer that have a value, 0..1."""
    distinct_groups: bool = True
    """No two rows carry the same labels."""
    lead: float | None = None
    """Relative gap between the first and the second row of a ranking, 0..1."""
    join_score: float | None = None
    """Certainty of the weakest join in use, 0..1, for readings that did not weigh it themselves."""


def combine(
    parts: Sequence[ConfidencePart], measured: Measured, *, score: float | None = None
) -> Confidence:
    """The score of the answer with all its parts.

    `score` is that of the reading; without one it is the mean of its parts.
    """
    checks = [measured.row_count > 0, not measured.truncated, measured.distinct_groups]
    total = _reading_score(parts, score) - CHECK_COST * checks.count(False)
    found = list(parts)
    found.append(
        ConfidencePart(
            name="Checks passed",
            measured=f"{checks.count(True)} of {len(checks)}",
            score=round(checks.count(True) / len(checks), 2),
        )
    )
    if measured.value_share is not None:
        total -= EMPTY_VALUES_COST * (1 - measured.value_share)
        found.append(
            ConfidencePart(
                name="Rows with a value",
                measured=f"{measured.value_share * 100:.1f}%",
                score=round(measured.value_share, 3),
            )
        )
    if measured.lead is not None:
        clear = min(1.0, measured.lead / CLEAR_LEAD)
        total -= TIE_COST * (1 - clear)
        found.append(
            ConfidencePart(
                name="First ahead of second",
                measured=f"by {measured.lead * 100:.1f}%",
                score=round(clear, 2),
            )
        )
    if measured.join_score is not None:
        total = min(total, total * (0.6 + 0.4 * measured.join_score))
        found.append(
            ConfidencePart(
                name="Joins",
                measured=f"{measured.join_score:.2f}",
                score=round(measured.join_score, 2),
            )
        )
    return Confidence(score=round(min(1.0, max(0.0, total)), 3), parts=tuple(found))


def lead_of(values: Sequence[float | int | None]) -> float | None:
    """Relative gap between the first two values of a ranking; None without two numbers."""
    if len(values) < 2 or values[0] is None or values[1] is None:
        return None
    widest = max(abs(values[0]), abs(values[1]))
    return min(1.0, abs(values[0] - values[1]) / widest) if widest else 0.0


def _reading_score(parts: Sequence[ConfidencePart], score: float | None) -> float:
    if score is not None:
        return score
    if not parts:
        return UNMEASURED_READING
    return sum(part.score for part in parts) / len(parts)
