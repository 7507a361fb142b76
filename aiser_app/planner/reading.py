"""What the planner says of a question: a reading with its proof, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from aiser_app.domain.answer import Chip, Clarification, ConfidencePart
from aiser_app.domain.semantic_query import SemanticQuery

Shape: TypeAlias = Literal["number", "ranking", "series", "table"]

ANSWER_FROM = 0.75
"""Readings that score less are offered as questions instead of being run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundWord:
    """Words of the question and what they were linked to."""

    text: str
    member: str
    how: str
    """name, part of a name, abbreviation, word form, synonym, value, part of a value, or spelling."""
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One understanding of a question in which every content word has a meaning."""

    query: SemanticQuery
    shape: Shape
    chips: tuple[Chip, ...] = ()
    bound: tuple[BoundWord, ...] = ()
    unbound: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    parts: tuple[ConfidencePart, ...] = ()
    score: float
    title: str = ""
    superlative: str = ""
    """The asked extreme as an adjective (`worst`), when the question singles one out."""
    subject: str = ""
    """What one row of the result is, singular: `carrier`, `month`."""
    measure_phrases: tuple[str, ...] = ()
    """The measures in running text: `average arrival delay`."""
    coverage: tuple[str, str] = ("", "")
    """First and last day of the data, when known and the question is about a period."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """No reading, or none that is sure enough; the options of the clarification can be asked."""

    clarification: Clarification
    bound: tuple[BoundWord, ...] = ()
    unbound: tuple[str, ...] = ()
    reason: str = ""
