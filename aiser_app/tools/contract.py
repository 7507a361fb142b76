"""What a tool is, what it gets, and what it says when it cannot do its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from aiser_app.domain.actor import Actor
from aiser_app.domain.answer import Clarification
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.chart import Chart
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.result import Result
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import AiserError
from aiser_app.query.request import QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter


class ToolRetry(AiserError):
    """The arguments can be mended: the message tells the model how."""

    code = "tool_retry"
    http_status = 422
    retryable = True


class ToolFailed(AiserError):
    """The call cannot succeed, with whatever arguments; the run may go on without it."""

    code = "tool_failed"
    http_status = 422


class ToolNeedsApproval(AiserError):
    """Somebody has to agree first."""

    code = "tool_needs_approval"
    http_status = 403


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown ones are refused, so that typing errors show."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolOutput:
    """`for_model` is small and JSON-ready; `for_user` is what the answer refers to."""

    for_model: dict[str, Any]
    for_user: object = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryFinding:
    """A query that ran, with what is needed to prove and to draw it."""

    result: Result
    members: tuple[str, ...] = ()
    """Member of the model per result column; empty for SQL that the model does not know."""
    notes: tuple[str, ...] = ()
    semantic_query: SemanticQuery | None = None
    null_counts: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Findings:
    """What the tools of one run have brought to light, for the answer."""

    queries: list[QueryFinding] = field(default_factory=list)
    charts: list[tuple[str, Chart]] = field(default_factory=list)
    """(result id, chart)"""
    notes: list[str] = field(default_factory=list)
    clarification: Clarification | None = None
    timings: dict[str, float] = field(default_factory=dict)
    """Milliseconds by stage, summed up."""

    def find_query(self, result_id: str) -> QueryFinding | None:
        return next((q for q in self.queries if q.result.result_id == result_id), None)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.add_timing(stage, (perf_counter() - started) * 1000)

    def add_timing(self, stage: str, milliseconds: float) -> None:
        self.timings[stage] = round(self.timings.get(stage, 0.0) + milliseconds, 3)


class ReportStep(Protocol):
    """Shows one line of the run's step list; the same key changes the same line."""

    def __call__(
        self,
        key: str,
        title: str,
        detail: str = "",
        *,
        state: str = "done",
        duration_ms: float | None = None,
    ) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolContext:
    """Everything that a call may use. Made by the run, never from a model's arguments."""

    run_id: str
    actor: Actor
    granted: QuerySource
    """The source with the tables and policies of this actor."""
    dialect: str
    """The SQL that the source speaks."""
    model: SemanticModel
    queries: QueryRouter
    results: ResultStore
    cancel: CancelToken
    report: ReportStep
    row_limit: int
    seconds_left: Callable[[], float]
    """For one query: the query timeout, or what is left of the run's deadline."""
    findings: Findings = field(default_factory=Findings)

    @property
    def source(self) -> DataSource:
        return self.granted.source


class Tool(Protocol):
    """One ability. Implementations hold no state between calls."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str:
        """For the model: what it does and when to use it."""

    @property
    def permission(self) -> Permission:
        """What the actor must hold."""

    @property
    def arguments(self) -> type[Arguments]: ...

    @property
    def ends_run(self) -> bool:
        """The run is over after this call."""

    def call(self, arguments: Any, context: ToolContext) -> ToolOutput:
        """Do it; `arguments` is an instance of the class named above.

        Raises:
            ToolRetry, ToolFailed, ToolNeedsApproval: told to the model.
            AiserError: anything else ends the run.
        """
