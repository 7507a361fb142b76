from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class AuditEventRow(SQLModel, table=True):
    """Who did what to whose account, and when. `detail` never holds a secret."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "audit_events"
    __table_args__ = (Index(None, "organization_id", "at"),)

    audit_event_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    user_id: str | None = Field(
        default=None, foreign_key="users.user_id", index=True, max_length=32
    )
    """Who acted; empty when nobody was signed in, as in a refused sign-in."""
    kind: str = Field(max_length=60)
    subject: str = Field(max_length=400)
    """What it was done to: a user, a key, an email."""
    client: str = Field(max_length=100)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    at: datetime
