"""Questions whose query a person has checked, and what people said of answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aiser_app.domain.semantic_query import SemanticQuery


class VerifiedStatus(StrEnum):
    PROPOSED = "proposed"
    """Somebody liked an answer; nobody has checked it yet, so nothing uses it."""
    VERIFIED = "verified"
    RETIRED = "retired"
    """Checked once and not used any more; kept, so that its history can be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedQuery:
    """Exactly one of `semantic_query` and `sql` is set. Used only while its status is verified."""

    verified_query_id: str
    organization_id: str
    source_id: str
    name: str
    questions: tuple[str, ...]
    """Ways to ask it, the first one shown. Empty while the answer that it was proposed from was to
    a follow-up such as "by month", which says nothing by itself."""
    semantic_query: SemanticQuery | None = None
    sql: str = ""
    status: VerifiedStatus = VerifiedStatus.PROPOSED
    is_onboarding: bool = False
    """Offered first to whoever begins with the source."""
    proposed_by: str
    proposed_at: datetime
    run_id: str = ""
    """The run whose answer it was proposed from; empty when it was written by hand."""
    verified_by: str = ""
    """Id of the person who approved it."""
    verified_by_name: str = ""
    """Their name at that time: people leave, what they have checked stays."""
    verified_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedMark:
    """On an answer: it came from a verified query."""

    verified_query_id: str
    name: str
    question: str
    """The checked question that the asked one was matched with."""
    verified_by: str
    """A name."""
    verified_at: str
    """ISO 8601."""
    is_exact: bool
    """Asked in the same words, but for what carries no meaning; otherwise its parts are reordered."""


class Thumb(StrEnum):
    UP = "up"
    DOWN = "down"


class FeedbackReason(StrEnum):
    """Why an answer was not right: few buckets, so that they can be counted."""

    WRONG_NUMBERS = "wrong_numbers"
    WRONG_READING = "wrong_reading"
    WRONG_CHART = "wrong_chart"
    NOT_ENOUGH = "not_enough"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """What the person who asked said of the answer; one per run, the last word counts."""

    run_id: str
    organization_id: str
    user_id: str
    thumb: Thumb
    reason: FeedbackReason | None = None
    note: str = ""
    given_at: datetime
