"""Advice on a source's queries: what would help, why, and the statement that a person could run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RecommendationKind(StrEnum):
    MISSING_INDEX = "missing_index"
    FULL_SCAN = "full_scan"
    EXPLODING_JOIN = "exploding_join"
    WIDE_SELECT = "wide_select"
    REPEATED_QUERY = "repeated_query"
    STALE_STATISTICS = "stale_statistics"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """`statement` is never run by Aiser."""

    kind: RecommendationKind
    title: str
    reason: str
    evidence: tuple[str, ...]
    """Measured facts: counts, times, lines of a plan."""
    statement: str = ""
    table: str = ""
    fingerprint: str = ""
    """The query that it is about, as in the history."""
    benefit_ms: float = 0.0
    """Time that the queries in question took in all: what could be gained at most."""
