from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class SeedQuestionsRow(SQLModel, table=True):
    """Questions to begin with that were run on a source, and returned rows, at its last check."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "seed_questions"

    source_id: str = Field(primary_key=True, foreign_key="data_sources.source_id", max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    model_version: int
    questions: list[str] = Field(default_factory=list, sa_type=JSONB)
    checked_at: datetime
