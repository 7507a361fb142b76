"""Shapes of requests and responses around data sources and their policies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aiser_app.api.schemas import Body, ShortText
from aiser_app.domain.actor import Role
from aiser_app.domain.data_policy import PolicyKind
from aiser_app.domain.policy import MaskKind

ConnectionUrl = Annotated[str, StringConstraints(max_length=4_000)]
"""Has a password in it: part of requests only."""
ApiSecret = Annotated[str, StringConstraints(max_length=4_000)]
"""Part of requests only."""


class CreateSourceBody(Body):
    name: ShortText
    url: ConnectionUrl
    """postgresql://user:password@host:port/database and the like; docs/engines.md lists schemes."""
    description: ShortText | None = None
    options: dict[str, Any] | None = None
    """max_concurrent, connect_timeout_seconds, query_timeout_seconds, cache_seconds,
    slow_query_seconds, sample_values."""


class ChangeSourceBody(Body):
    name: ShortText | None = None
    url: ConnectionUrl | None = None
    description: ShortText | None = None
    options: dict[str, Any] | None = None


class TestUrlBody(Body):
    url: ConnectionUrl
    options: dict[str, Any] | None = None


class CubeBody(Body):
    url: ConnectionUrl
    """https://cube.example.com, with or without the path of its API."""
    secret: ApiSecret


class TestCubeBody(Body):
    url: ConnectionUrl | None = None
    secret: ApiSecret | None = None
    """Both, to try a Cube before it is attached; neither, to try the one that is."""


class CubeChanged(BaseModel):
    cube_url: str
    run_id: str | None
    """The sync that reads the model; null when one is under way, which then has to be repeated."""


class PauseBody(Body):
    reason: ShortText


class RunStarted(BaseModel):
    run_id: str
    status: str


class StepOutcomeView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    step: str
    is_ok: bool
    message: str


class ConnectionReportView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    is_ok: bool
    steps: list[StepOutcomeView]
    """Name, TCP, TLS, sign-in, rights; after the first that failed nothing was tried."""
    warnings: list[str]
    server_version: str


class SourceTableSummary(BaseModel):
    name: str
    description: str
    row_estimate: int | None
    column_count: int
    is_view: bool
    hidden_from_ai: bool


class SourceTableDetail(SourceTableSummary):
    columns: list[dict[str, Any]]
    primary_key: list[str]
    foreign_keys: list[dict[str, Any]]
    indexes: list[list[str]]
    depends_on: list[str] | None
    """Of a view: what it reads; null when that is not known."""


class SourceTableList(BaseModel):
    tables: list[SourceTableSummary]
    count: int
    """Of all that match, in all pages together."""


class PolicyBody(Body):
    name: ShortText
    source: ShortText
    table: ShortText
    condition: Annotated[str, StringConstraints(max_length=4_000)] = ""
    """A row policy: rows are seen where this is true; `:name` is the user's attribute."""
    column: ShortText = ""
    mask: MaskKind | None = None
    """A column mask: what is seen instead of the column's values."""
    exempt_roles: list[Role] = Field(default_factory=list)


class PolicyView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    policy_id: str
    source_id: str
    name: str
    kind: PolicyKind
    table: str
    condition: str
    column: str
    mask: MaskKind | None
    exempt_roles: list[Role]
    created_at: datetime


class PolicyList(BaseModel):
    policies: list[PolicyView]
