"""One agent execution for one turn of a conversation, and the events it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aiser_app.domain.answer import Answer


class RunKind(StrEnum):
    """What a run does; each kind has a job of its own."""

    ASK = "ask"
    QUERY = "query"
    SYNC = "sync"
    INGEST = "ingest"
    EVALUATE = "evaluate"
    """Puts the organization's verified questions to the planner."""
    SEED = "seed"
    """Tries the questions that a source is introduced with."""


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """The end of every kind but `ask`."""
    ANSWERED = "answered"
    NEEDS_INPUT = "needs_input"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING)


class EventKind(StrEnum):
    QUEUED = "queued"
    STARTED = "started"
    STEP = "step"
    """payload: {key, title, detail, state: run|done|warn|fail, duration_ms}; same key = same line."""
    TOKEN = "token"  # noqa: S105 - a piece of text, not a secret
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    CLARIFICATION = "clarification"
    ANSWER = "answer"
    SUCCEEDED = "succeeded"
    """payload: what came of it"""
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (
            EventKind.ANSWER,
            EventKind.CLARIFICATION,
            EventKind.SUCCEEDED,
            EventKind.FAILED,
            EventKind.CANCELLED,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEvent:
    """`seq` counts from 1 within its run, without gaps: the cursor for replay."""

    run_id: str
    seq: int
    kind: EventKind
    payload: dict[str, Any]
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFailure:
    """Why a run ended in `failed`: safe to show."""

    code: str
    message: str
    hint: str | None = None
    line: int | None = None
    """Where in the query's text, from 1, if it is about one place."""
    column: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Ends in exactly one final status, within its deadline, persisted once."""

    run_id: str
    organization_id: str
    user_id: str
    source_id: str
    status: RunStatus
    attempts: int
    created_at: datetime
    deadline_at: datetime
    kind: RunKind = RunKind.ASK
    conversation_id: str = ""
    """Of questions only, as are `turn_id`, `question` and `answer`."""
    turn_id: str = ""
    question: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    """What is to be done, of kinds other than `ask`."""
    outcome: Mapping[str, Any] | None = None
    """What came of it, of kinds other than `ask`."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    answer: Answer | None = None
    failure: RunFailure | None = None
    steps: tuple[dict[str, Any], ...] = field(default=())
    """The last state of every step line, so that a finished run shows its steps for ever."""
