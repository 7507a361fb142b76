"""Shapes of requests and responses around queries, as in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aiser_app.api.schemas import Body, ColumnView, ErrorDetail, ShortText
from aiser_app.domain.query_ask import Explaining
from aiser_app.domain.semantic_query import SemanticQuery


class QueryBody(Body):
    source: ShortText | Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    """Name or id; with a list of several, SQL is DuckDB's and names tables as `source.table`."""
    sql: str | None = None
    semantic_query: SemanticQuery | None = None
    parameters: dict[ShortText, Any] = Field(default_factory=dict)
    """For `:name` in the SQL: values, lists for `IN (:name)`, or `{"type": "date", "value": "…"}`."""
    limit: Annotated[int, Field(strict=True)] | None = None
    """Most rows that are kept; a result that had more says so."""
    timeout: float | None = None
    """Seconds for the query itself; waiting for a worker comes on top."""
    wait: Annotated[float, Field(ge=0, le=120)] = 0
    """Seconds to wait for the end: then the answer is the finished run."""
    refresh: Annotated[bool, Field(strict=True)] = False
    """Run it again even if the result is in the cache."""
    explain: Explaining = Explaining.NO
    """Instead of rows: the plan as it would run, or as it ran."""


class QueryQueued(BaseModel):
    run_id: str
    status: str


class QueryRunView(BaseModel):
    """A run of a query. Until it has ended, what the result consists of is null or empty."""

    model_config = ConfigDict(extra="allow")

    run_id: str
    kind: Literal["query"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    source: str | None
    route: str | None
    why: str | None
    """Why this route was taken."""
    notes: list[str]
    """What a reader should know, such as that the source's Cube did not answer."""
    engine: str | None
    sql: str | None
    """As executed: re-rendered, limited, with policies; parameters by name."""
    semantic_query: dict[str, Any] | None
    result_id: str | None
    columns: list[ColumnView]
    rows: list[list[Any]]
    """The first 1,000; the others at /results/{result_id}."""
    row_count: int
    truncated: bool
    limit: int | None
    limiting_factor: str
    """What cut it off: `rows` or `bytes`; empty when it is whole."""
    as_of: datetime | None
    age_seconds: float | None
    from_cache: bool
    is_stale: bool
    tables: list[str]
    policies: list[str]
    """Row policies and column masks that applied."""
    plan: dict[str, Any] | None
    queue_ms: float | None
    engine_ms: float | None
    duration_ms: float | None
    progress: list[dict[str, Any]]
    error: ErrorDetail | None = None


class CheckBody(Body):
    source: ShortText | Annotated[list[ShortText], Field(min_length=1, max_length=10)]
    sql: str
    parameters: dict[ShortText, Any] = Field(default_factory=dict)


class CheckView(BaseModel):
    """What the guard says of a text, without running it."""

    is_allowed: bool
    sql: str | None
    """As it would run."""
    tables: list[str]
    policies: list[str]
    error: ErrorDetail | None = None


class QueryRecordView(BaseModel):
    """Milliseconds and bytes; never rows."""

    model_config = ConfigDict(from_attributes=True)

    query_id: str
    run_id: str
    user_id: str
    source_id: str
    purpose: str
    status: str
    sql: str
    fingerprint: str
    tables: list[str]
    engine: str
    route: str
    started_at: datetime
    queue_ms: float
    duration_ms: float
    engine_ms: float
    row_count: int
    byte_count: int
    peak_memory_bytes: int
    cpu_ms: float
    from_cache: bool
    truncated: bool
    error_code: str
    is_slow: bool
    plan: str


class QueryRecordList(BaseModel):
    queries: list[QueryRecordView]


class RecommendationView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: str
    title: str
    reason: str
    evidence: list[str]
    statement: str
    """What would mend it, to be read and run by a person: Aiser never does."""
    table: str
    fingerprint: str
    benefit_ms: float
    """Time that the queries in question took: what could be gained at most."""


class AdviceView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    recommendations: list[RecommendationView]
    queries_seen: int
    since: datetime
