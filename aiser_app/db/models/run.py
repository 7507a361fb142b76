from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA

OPEN_STATUSES = ("queued", "running")
_IS_OPEN = text("status IN ('queued', 'running')")


class RunRow(SQLModel, table=True):
    """Changed only by compare-and-set on (status, attempts), so that it ends exactly once."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "runs"
    __table_args__ = (
        Index("ix_runs_open", "created_at", postgresql_where=_IS_OPEN),
        Index("ix_runs_open_user", "user_id", postgresql_where=_IS_OPEN),
    )

    run_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    user_id: str = Field(foreign_key="users.user_id", index=True, max_length=32)
    kind: str = Field(default="ask", max_length=20)
    conversation_id: str | None = Field(
        default=None, foreign_key="conversations.conversation_id", index=True, max_length=32
    )
    turn_id: str | None = Field(
        default=None, foreign_key="turns.turn_id", unique=True, max_length=32
    )
    source_id: str = Field(foreign_key="data_sources.source_id", index=True, max_length=32)
    question: str
    status: str = Field(max_length=20)
    attempts: int = 0
    worker: str | None = Field(default=None, max_length=200)
    created_at: datetime
    deadline_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    answer: dict[str, Any] | None = Field(
        default=None, sa_column=Column("answer", JSONB(none_as_null=True), nullable=True)
    )
    failure: dict[str, Any] | None = Field(
        default=None, sa_column=Column("failure", JSONB(none_as_null=True), nullable=True)
    )
    request: dict[str, Any] | None = Field(
        default=None, sa_column=Column("request", JSONB(none_as_null=True), nullable=True)
    )
    """What is to be done, of kinds other than `ask`."""
    outcome: dict[str, Any] | None = Field(
        default=None, sa_column=Column("outcome", JSONB(none_as_null=True), nullable=True)
    )
    """What came of it, of kinds other than `ask`."""
    steps: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB)
