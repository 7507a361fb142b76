from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class SessionRow(SQLModel, table=True):
    """A browser that is signed in. Only the SHA-256 of its token is stored."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "sessions"

    token_hash: str = Field(primary_key=True, max_length=64)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    user_id: str = Field(foreign_key="users.user_id", index=True, max_length=32)
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime = Field(index=True)
