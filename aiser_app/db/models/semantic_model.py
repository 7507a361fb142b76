from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class SemanticModelRow(SQLModel, table=True):
    """Every version is kept. Which ones are in force, `domain.model_version.Origin` says."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "semantic_models"
    __table_args__ = (UniqueConstraint("source_id", "version"),)

    semantic_model_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    source_id: str = Field(foreign_key="data_sources.source_id", max_length=32)
    version: int
    content: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime
    origin: str = Field(default="inferred", max_length=20)
    author_id: str | None = Field(default=None, foreign_key="users.user_id", max_length=32)
    note: str = ""
