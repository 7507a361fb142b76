"""A conversation: turns of questions and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aiser_app.domain.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    conversation_id: str
    organization_id: str
    user_id: str
    title: str
    source_id: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A question and its run."""

    turn_id: str
    position: int
    question: str
    run: Run
