"""Questions with known answers, put to the product, and how many of the answers were right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from aiser_app.domain.run import RunStatus
from aiser_app.domain.semantic_query import SemanticQuery


class CaseOutcome(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    """Answered, and the rows are not those of any accepted query; or answered what cannot be."""
    ASKED = "asked"
    """Not answered, but readings to choose from were offered."""
    REFUSED = "refused"
    """Not answered: something of the question is not in the data."""
    FAILED = "failed"
    """The run ended with an error."""
    BROKEN = "broken"
    """The accepted query itself does not run, so nothing can be said of the answer."""

    @property
    def is_answered(self) -> bool:
        return self in (CaseOutcome.RIGHT, CaseOutcome.WRONG)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationCase:
    """A question with the queries whose rows are accepted. None of them: it must not be answered."""

    case_id: str
    """Stable from one evaluation to the next, for comparison."""
    question: str
    gold_sql: str = ""
    """Alternatives separated by `;`, `{a, b}` for any non-empty subset of columns."""
    is_literal: bool = False
    """Whether `gold_sql` is one query as it stands, without alternatives and choices."""
    gold_query: SemanticQuery | None = None
    category: str = ""
    db_name: str = ""
    instructions: str = ""
    """What the asker adds to the question: definitions of terms."""
    where: str = ""
    """File and line it was read from."""

    @property
    def is_answerable(self) -> bool:
        return bool(self.gold_sql) or self.gold_query is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseScore:
    """What came of one case."""

    case_id: str
    question: str
    category: str
    outcome: CaseOutcome
    is_answerable: bool = True
    confidence: float | None = None
    """Of an answer."""
    milliseconds: float = 0.0
    """From the question to the end of the run."""
    note: str = ""
    """What was read, asked or what went wrong: never rows."""
    db_name: str = ""
    source_id: str = ""
    verified_query_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One evaluation of an organization's verified questions; `cases` are there when it has ended."""

    evaluation_id: str
    organization_id: str
    run_id: str
    user_id: str
    started_by: str
    """A name."""
    created_at: datetime
    status: RunStatus = RunStatus.QUEUED
    finished_at: datetime | None = None
    failure: str = ""
    case_count: int = 0
    summary: dict[str, Any] | None = None
    """As `evaluation.scores.summarize` makes it."""
    cases: tuple[CaseScore, ...] = ()
