from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class ConversationRow(SQLModel, table=True):
    """Private to its user. Deleting sets `deleted_at`, so that it can be taken back."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "conversations"
    __table_args__ = (Index(None, "organization_id", "user_id", "updated_at"),)

    conversation_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(foreign_key="organizations.organization_id", max_length=32)
    user_id: str = Field(foreign_key="users.user_id", index=True, max_length=32)
    title: str = Field(max_length=200)
    source_id: str = Field(foreign_key="data_sources.source_id", index=True, max_length=32)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
