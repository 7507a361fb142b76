from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class OrganizationRow(SQLModel, table=True):
    metadata = METADATA
    __tablename__: ClassVar[str] = "organizations"

    organization_id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=200)
    created_at: datetime
