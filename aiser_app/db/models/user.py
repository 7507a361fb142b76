from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class UserRow(SQLModel, table=True):
    """`email` is lower case and unique over all organizations: people sign in by it alone."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "users"

    user_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    name: str = Field(max_length=200)
    email: str = Field(unique=True, max_length=320)
    role: str = Field(max_length=20)
    password_hash: str = Field(max_length=200)
    is_active: bool
    attributes: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    """What row policies may use of this person: region = EMEA."""
    created_at: datetime
