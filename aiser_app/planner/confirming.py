"""Readings that were not sure enough, offered to be clicked: the question and how it was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from aiser_app.domain.answer import Clarification, ConfidencePart
from aiser_app.domain.confirmed_question import confirmed
from aiser_app.planner.reading import ANSWER_FROM, Reading, Unreadable

MOST_READINGS = 3
_CONFIRMED = 0.9


def words_of(reading: Reading) -> str:
    """The reading as its chips say it, in one line."""
    return " · ".join(f"{chip.key} {chip.value}" for chip in reading.chips)


def find_confirmed(wanted: str, readings: Iterable[Reading]) -> Reading | None:
    """The reading that says what was clicked."""
    for reading in readings:
        if words_of(reading) == wanted:
            part = ConfidencePart(name="Reading", measured="chosen by you", score=1.0)
            score = max(reading.score, _CONFIRMED)
            return replace(reading, score=score, parts=(*reading.parts, part))
    return None


def ask_which(question: str, readings: Sequence[Reading]) -> Unreadable:
    """Ask whether this is meant, with one to three readings, the likeliest first."""
    distinct = {words_of(reading): reading for reading in reversed(readings)}
    words = list(reversed(distinct))[:MOST_READINGS]
    text = "I am not sure enough of my reading to run it. Is this what you mean?"
    if len(words) > 1:
        text = "This can mean more than one thing. Which one?"
    return Unreadable(
        clarification=Clarification(
            question=text, options=tuple(confirmed(question, item) for item in words)
        ),
        bound=readings[0].bound,
        reason="unsure",
    )


def is_sure(reading: Reading) -> bool:
    return reading.score >= ANSWER_FROM
