from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class ResultRow(SQLModel, table=True):
    """The envelope of a query's rows, and whose they are. The rows are in the result store."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "results"

    result_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    user_id: str = Field(foreign_key="users.user_id", index=True, max_length=32)
    run_id: str = Field(foreign_key="runs.run_id", index=True, max_length=32)
    source_id: str = Field(foreign_key="data_sources.source_id", index=True, max_length=32)
    envelope: dict[str, Any] = Field(sa_type=JSONB)
    created_at: datetime = Field(index=True)
