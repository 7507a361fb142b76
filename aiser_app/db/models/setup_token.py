from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class SetupTokenRow(SQLModel, table=True):
    """The one table without an organization: it exists to make the first one."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "setup_tokens"

    token_hash: str = Field(primary_key=True, max_length=64)
    created_at: datetime
    expires_at: datetime
