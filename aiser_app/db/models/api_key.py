from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class ApiKeyRow(SQLModel, table=True):
    """A key of one user. Only the SHA-256 of the secret is stored; the prefix tells keys apart."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "api_keys"

    api_key_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    user_id: str = Field(foreign_key="users.user_id", index=True, max_length=32)
    name: str = Field(max_length=200)
    prefix: str = Field(max_length=16)
    secret_hash: str = Field(unique=True, max_length=64)
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
