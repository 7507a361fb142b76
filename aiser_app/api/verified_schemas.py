"""Shapes of verified queries, feedback and evaluations, as in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aiser_app.api.schemas import Body, ShortText
from aiser_app.domain.evaluation import CaseOutcome
from aiser_app.domain.run import RunStatus
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verified_query import FeedbackReason, Thumb, VerifiedStatus

Question = Annotated[str, StringConstraints(max_length=1_000)]
Sql = Annotated[str, StringConstraints(max_length=100_000)]
Note = Annotated[str, StringConstraints(max_length=2_000)]


class VerifiedQueryView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    verified_query_id: str
    source_id: str
    name: str
    questions: list[str]
    semantic_query: dict[str, Any] | None
    sql: str
    status: VerifiedStatus
    is_onboarding: bool
    proposed_by: str
    proposed_at: datetime
    run_id: str
    verified_by: str
    verified_by_name: str
    verified_at: datetime | None


class VerifiedQueryList(BaseModel):
    verified_queries: list[VerifiedQueryView]


class CreateVerifiedBody(Body):
    source: ShortText
    """Name or id."""
    name: ShortText | None = None
    """Default: the first question."""
    questions: list[Question] = Field(default_factory=list, max_length=20)
    semantic_query: SemanticQuery | None = None
    sql: Sql | None = None
    is_onboarding: bool = False
    approve: bool = False
    """Verified at once, by you."""


class ChangeVerifiedBody(Body):
    """What is given is changed."""

    name: ShortText | None = None
    questions: list[Question] | None = Field(default=None, max_length=20)
    semantic_query: SemanticQuery | None = None
    sql: Sql | None = None
    is_onboarding: bool | None = None


class FeedbackBody(Body):
    thumb: Thumb
    reason: FeedbackReason | None = None
    note: Note = ""


class FeedbackTaken(BaseModel):
    thumb: Thumb
    proposed: VerifiedQueryView | None
    """What a thumb up has proposed; null when it is verified already, or nothing could be."""


class FeedbackView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    run_id: str
    user_id: str
    thumb: Thumb
    reason: FeedbackReason | None
    note: str
    given_at: datetime


class FeedbackList(BaseModel):
    feedback: list[FeedbackView]


class EvaluationBody(Body):
    source: ShortText | None = None
    """Name or id; all sources without it."""


class CaseView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    case_id: str
    question: str
    category: str
    outcome: CaseOutcome
    confidence: float | None
    milliseconds: float
    note: str
    source_id: str
    verified_query_id: str


class EvaluationView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    evaluation_id: str
    run_id: str
    status: RunStatus
    started_by: str
    created_at: datetime
    finished_at: datetime | None
    failure: str
    case_count: int
    summary: dict[str, Any] | None
    """Shares of all asked: `accuracy`, `precision`, `coverage`; counts by outcome; by category and
    by band of confidence; milliseconds at the median and the 95th percentile."""


class EvaluationDetail(EvaluationView):
    cases: list[CaseView]


class TrendView(BaseModel):
    kind: str = "line"
    option: dict[str, Any] | None


class EvaluationList(BaseModel):
    evaluations: list[EvaluationView]
