"""Shapes of requests and responses, as in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aiser_app.domain.actor import Role

ShortText = Annotated[str, StringConstraints(max_length=400)]
Secret = Annotated[str, StringConstraints(max_length=1024)]
"""A password or token on its way in; never part of a response or a log."""


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ErrorDetail(BaseModel):
    code: str
    message: str
    hint: str | None = None
    run_id: str | None = None
    line: int | None = None
    """Where in the query's text, from 1, if it is about one place."""
    column: int | None = None


class ErrorEnvelope(BaseModel):
    error: ErrorDetail


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "What was wrong with the request."},
    "5XX": {"model": ErrorEnvelope, "description": "What does not work, and whether to retry."},
}


class LoginBody(Body):
    email: ShortText
    password: Secret


class SetupBody(Body):
    token: ShortText
    organization_name: ShortText
    name: ShortText
    email: ShortText
    password: Secret


class SetupStatus(BaseModel):
    is_set_up: bool


class Me(BaseModel):
    user_id: str
    organization_id: str
    organization_name: str
    name: str
    email: str
    role: Role
    permissions: list[str]


class UserView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    user_id: str
    name: str
    email: str
    role: Role
    is_active: bool
    created_at: datetime
    attributes: dict[str, str]


class UserList(BaseModel):
    users: list[UserView]


class CreateUserBody(Body):
    name: ShortText
    email: ShortText
    role: Role
    password: Secret


class ChangeUserBody(Body):
    role: Role | None = None
    is_active: Annotated[bool, Field(strict=True)] | None = None
    attributes: dict[ShortText, ShortText] | None = None
    """What row policies use of this person; replaces all of them."""


class ApiKeyView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    api_key_id: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiKeyList(BaseModel):
    api_keys: list[ApiKeyView]


class CreateApiKeyBody(Body):
    name: ShortText
    days: Annotated[int, Field(strict=True)] | None = None
    """Days until it ends; null never ends by itself."""


class NewApiKey(ApiKeyView):
    secret: str
    """Shown this once."""


class SourceView(BaseModel):
    source_id: str
    name: str
    engine: str
    description: str
    status: str
    synced_at: datetime | None
    table_count: int
    row_count: int
    status_reason: str
    """Why it is paused, or why its last sync failed."""
    warnings: list[str]
    """What the last test of the connection found questionable."""


class SourceMade(SourceView):
    run_id: str
    """The first sync."""


class SourceList(BaseModel):
    sources: list[SourceView]


class TableView(BaseModel):
    name: str
    title: str
    description: str
    row_count: int
    dimensions: list[str]
    measures: list[str]


class SourceDetail(SourceView):
    tables: list[TableView]
    suggested_questions: list[str]
    url: str
    """Without the password; empty for uploads, and for who may not change it."""
    cube_url: str
    """Of the Cube that is attached; empty when there is none, and for who may not change it."""
    options: dict[str, Any]


class AskBody(Body):
    question: str
    source: ShortText | None = None
    """Name or id; the conversation's, else the oldest one."""
    conversation_id: ShortText | None = None
    wait: Annotated[float, Field(ge=0, le=120)] = 0
    """Seconds to wait for the end: then the answer is the finished run."""


class Queued(BaseModel):
    run_id: str
    conversation_id: str
    status: str


class ColumnView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    type: str
    """string, integer, number, decimal, boolean, date, timestamp or json."""
    title: str = ""
    unit: str = ""


class ChartView(BaseModel):
    kind: str
    option: dict[str, Any]
    """An ECharts option of JSON values only."""


class ConfidencePartView(BaseModel):
    name: str
    measured: str
    score: float


class ConfidenceView(BaseModel):
    score: float
    parts: list[ConfidencePartView]


class StepView(BaseModel):
    kind: str
    claim: str
    how: str
    evidence: str
    confidence: float
    duration_ms: float


class ClarificationView(BaseModel):
    question: str
    options: list[str]
    unknown_words: list[str]


class VerifiedMarkView(BaseModel):
    """The answer came from a verified query."""

    verified_query_id: str
    name: str
    question: str
    verified_by: str
    verified_at: str
    is_exact: bool


class RunView(BaseModel):
    """A run. Until it has ended, what the answer consists of is null or empty."""

    run_id: str
    conversation_id: str
    status: Literal["queued", "running", "answered", "needs_input", "failed", "cancelled"]
    question: str
    created_at: datetime
    deadline_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    text: str
    headline: str
    sql: str | None
    semantic_query: dict[str, Any] | None
    chips: list[dict[str, Any]]
    source: str | None
    route: str | None
    result_id: str | None
    result_ids: list[str]
    columns: list[ColumnView]
    rows: list[list[Any]]
    """The first 1,000; the others at /results/{result_id}."""
    row_count: int
    truncated: bool
    as_of: datetime | None
    from_cache: bool
    chart: ChartView | None
    confidence: ConfidenceView | None
    steps: list[StepView]
    progress: list[dict[str, Any]]
    """What the run did, line by line."""
    evidence: list[str]
    caveats: list[str]
    follow_ups: list[str]
    clarification: ClarificationView | None = None
    error: ErrorDetail | None = None
    duration_ms: float | None
    usage: dict[str, Any]
    verified: VerifiedMarkView | None = None


class ResultPageView(BaseModel):
    result_id: str
    columns: list[ColumnView]
    rows: list[list[Any]]
    """Integers beyond 2^53 and decimals are text."""
    offset: int
    limit: int
    row_count: int
    """Rows that the filters leave, in all pages together."""
    truncated: bool
    """The query had more rows than were kept."""
    limiting_factor: str
    """What cut it off when it is truncated: `rows` or `bytes`."""
    as_of: datetime
    from_cache: bool
    sql: str


class ConversationView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    conversation_id: str
    title: str
    source_id: str
    created_at: datetime
    updated_at: datetime


class ConversationList(BaseModel):
    conversations: list[ConversationView]


class TurnView(BaseModel):
    turn_id: str
    position: int
    question: str
    run_id: str
    status: str
    text: str


class ConversationDetail(ConversationView):
    turns: list[TurnView]


class RenameBody(Body):
    title: ShortText


class CheckView(BaseModel):
    name: str
    ok: bool
    detail: str
    hint: str = ""


class ReadinessView(BaseModel):
    status: Literal["ready", "not_ready"]
    checks: list[CheckView]


class LivenessView(BaseModel):
    status: Literal["ok"] = "ok"
