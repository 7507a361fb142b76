from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class TurnRow(SQLModel, table=True):
    """`position` counts from 1 within its conversation."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "turns"
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)

    turn_id: str = Field(primary_key=True, max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    conversation_id: str = Field(foreign_key="conversations.conversation_id", max_length=32)
    position: int
    question: str
    created_at: datetime
