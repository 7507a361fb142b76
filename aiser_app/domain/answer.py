"""What a person gets back: the answer, and everything that lets them check it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiser_app.domain.chart import Chart
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verified_query import VerifiedMark


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasoningStep:
    """One step of the chain: what was concluded, by which means, from which evidence."""

    kind: str
    """deductive, inductive, abductive or analogical."""
    claim: str
    how: str
    evidence: str = ""
    confidence: float = 1.0
    duration_ms: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfidencePart:
    """One measured part: `measured` as people read it, `score` in 0..1."""

    name: str
    measured: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidence:
    """At 0.75 and above Aiser answers, below it asks."""

    score: float
    parts: tuple[ConfidencePart, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One part of the reading of a question, as shown above the answer."""

    key: str
    """show, by, when, where, order or limit."""
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Clarification:
    """What Aiser needs to know before it can answer; every option is itself askable."""

    question: str
    options: tuple[str, ...] = ()
    unknown_words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Numbers in `text` and `headline` are filled from the result, never invented."""

    text: str
    headline: str = ""
    result_ids: tuple[str, ...] = ()
    chart: Chart | None = None
    semantic_query: SemanticQuery | None = None
    chips: tuple[Chip, ...] = ()
    steps: tuple[ReasoningStep, ...] = ()
    evidence: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    confidence: Confidence | None = None
    follow_ups: tuple[str, ...] = ()
    clarification: Clarification | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    verified: VerifiedMark | None = None
    """Set when the query was not read from the question but verified by a person."""
