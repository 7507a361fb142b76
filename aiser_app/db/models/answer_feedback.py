from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from aiser_app.db.models.metadata import METADATA


class AnswerFeedbackRow(SQLModel, table=True):
    """What the person who asked said of the answer of a run."""

    metadata = METADATA
    __tablename__: ClassVar[str] = "answer_feedback"

    run_id: str = Field(primary_key=True, foreign_key="runs.run_id", max_length=32)
    organization_id: str = Field(
        foreign_key="organizations.organization_id", index=True, max_length=32
    )
    user_id: str = Field(foreign_key="users.user_id", max_length=32)
    thumb: str = Field(max_length=10)
    reason: str = Field(default="", max_length=20)
    note: str = ""
    given_at: datetime
