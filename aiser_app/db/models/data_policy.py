from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class DataPolicyRow(SQLModel, table=True):
    """`kind` is `row` (then `condition`) or `mask` (then `column_name` and `mask`)."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "data_policies"
    __table_args__ = (UniqueConstraint("source_id", "name"),)

    policy_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    source_id: str = Field(foreign_key="data_sources.source_id", max_length=32)
    name: str = Field(max_length=200)
    kind: str = Field(max_length=10)
    table_name: str = Field(max_length=400)
    column_name: str = Field(default="", max_length=400)
    condition: str = ""
    mask: str = Field(default="", max_length=20)
    exempt_roles: list[str] = Field(default_factory=list, sa_type=JSONB)
    created_at: datetime
