"""Puts cases to the agent as a person would, over one source, and judges what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

from aiser_app.agent.answer import Outcome
from aiser_app.agent.budget import Budget
from aiser_app.agent.context import AgentContext
from aiser_app.agent.loop import AgentLoop
from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.evaluation import CaseOutcome, CaseScore, EvaluationCase
from aiser_app.domain.query_record import QueryRecord
from aiser_app.domain.result import Result
from aiser_app.domain.run import RunStatus
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.value_index import ValueIndex
from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    ServiceUnavailable,
    SourcePaused,
)
from aiser_app.evaluation.comparing import asks_for_order, leads, same_rows
from aiser_app.evaluation.gold import is_ordered, variants_of
from aiser_app.query.request import QueryRequest, QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.semantic.compiler import compile_query
from aiser_app.tools.contract import Findings, ToolContext

CASE_SECONDS = 60.0
NOTE_CHARS = 300
PURPOSE = "evaluation"
_ENDS_ALL = (EngineUnavailable, ServiceUnavailable, SourcePaused, QueryCancelled)
"""Failures that say nothing of a case: the evaluation itself cannot go on."""


@dataclass(frozen=True, slots=True)
class NoJournal:
    """Keeps nothing: for evaluations outside of an installation."""

    def keep(self, result: Result, record: QueryRecord) -> None:
        return None

    def note(self, record: QueryRecord) -> None:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationDesk:
    """Everything that questions over one source need; rows are removed once they are compared."""

    agent: AgentLoop
    actor: Actor
    granted: QuerySource
    """What the accepted queries may read."""
    asked: QuerySource
    """What the agent may read: the tables that its model speaks of."""
    model: SemanticModel
    dialect: str
    queries: QueryRouter
    results: ResultStore
    row_limit: int = 100_000
    query_seconds: float = 30.0
    run_id: str = ""
    today: date | None = None
    """Today for questions and for accepted queries; None: the real one."""
    is_strict: bool = False
    """Whether a whole ranking is wrong where the accepted query gives its first rows alone."""
    cancel: CancelToken = field(default_factory=CancelToken)
    values: ValueIndex | None = None
    """Values of the data that the actor may know."""

    def score(self, case: EvaluationCase) -> CaseScore:
        """Ask one case and judge the answer.

        Raises:
            EngineUnavailable, SourcePaused, ServiceUnavailable, QueryCancelled: nothing can be
                measured; a failure of the case alone is part of its score.
        """
        score = CaseScore(
            case_id=case.case_id,
            question=case.question,
            category=case.category,
            outcome=CaseOutcome.FAILED,
            is_answerable=case.is_answerable,
            db_name=case.db_name,
            source_id=self.granted.source.source_id,
        )
        findings = Findings()
        started = perf_counter()
        try:
            outcome = self._ask(case, findings)
            score = replace(score, milliseconds=_since(started))
            return self._judged(case, score, outcome, findings)
        except _ENDS_ALL:
            raise
        except AiserError as error:
            took = score.milliseconds or _since(started)
            return self._compared(
                case, replace(score, note=_short(error.message), milliseconds=took)
            )
        finally:
            self._remove_all(findings)

    def returns_rows(self, question: str) -> bool:
        """Whether a question is answered, with at least one row. Raises as `score`."""
        findings = Findings()
        try:
            case = EvaluationCase(case_id="", question=question)
            outcome = self._ask(case, findings)
        except _ENDS_ALL:
            raise
        except AiserError:
            return False
        finally:
            self._remove_all(findings)
        found = findings.queries[-1].result.row_count if findings.queries else 0
        return outcome.status is RunStatus.ANSWERED and found > 0

    def _ask(self, case: EvaluationCase, findings: Findings) -> Outcome:
        budget = Budget(
            deadline_at=datetime.now(UTC) + timedelta(seconds=CASE_SECONDS),
            cancel=self.cancel,
            query_timeout_seconds=self.query_seconds,
        )
        tools = ToolContext(
            run_id=self.run_id,
            actor=self.actor,
            granted=self.asked,
            dialect=self.dialect,
            model=self.model,
            queries=self.queries,
            results=self.results,
            cancel=self.cancel,
            report=_say_nothing,
            row_limit=self.row_limit,
            seconds_left=budget.query_seconds,
            findings=findings,
        )
        context = AgentContext(
            question=case.question,
            source=self.granted.source,
            model=self.model,
            today=self.today or datetime.now(UTC).date(),
            instructions=case.instructions,
            values=self.values,
        )
        return self.agent.run(context, tools, budget, _say_nothing)

    def _judged(
        self, case: EvaluationCase, score: CaseScore, outcome: Outcome, findings: Findings
    ) -> CaseScore:
        answer = outcome.answer
        if outcome.status is RunStatus.NEEDS_INPUT and answer is not None:
            asked = answer.clarification
            has_choice = asked is not None and bool(asked.options) and not asked.unknown_words
            kind = CaseOutcome.ASKED if has_choice else CaseOutcome.REFUSED
            return self._compared(case, replace(score, outcome=kind, note=_short(answer.text)))
        if outcome.status is not RunStatus.ANSWERED or answer is None or not findings.queries:
            failure = outcome.failure
            note = _short(failure.message if failure else "No answer.")
            return self._compared(case, replace(score, note=note))
        score = replace(
            score,
            outcome=CaseOutcome.WRONG,
            confidence=answer.confidence.score if answer.confidence else None,
            note=_short(" · ".join(f"{chip.key} {chip.value}" for chip in answer.chips)),
        )
        result = findings.queries[-1].result
        if result.truncated:
            note = f"More than {result.limit:,} rows cannot be compared."
            return self._compared(case, replace(score, note=note))
        query = answer.semantic_query
        is_ranking = query is not None and bool(query.order) and query.limit is None
        return self._compared(case, score, self._rows(result), is_ranking=is_ranking)

    def _compared(
        self,
        case: EvaluationCase,
        score: CaseScore,
        rows: list[tuple[Any, ...]] | None = None,
        *,
        is_ranking: bool = False,
    ) -> CaseScore:
        """The score with the rows of an answer compared; without rows only what is accepted is tried."""
        if not case.is_answerable:
            return score
        why, has_run = "", False
        try:
            golds = self._golds(case)
        except AiserError as error:
            golds, why = iter(()), error.message
        for sql in golds:
            try:
                gold = self._gold_rows(sql)
            except _ENDS_ALL:
                raise
            except AiserError as error:
                why = why or error.message
                continue
            has_run = True
            if rows is None:
                break
            found = self._matched(case, sql, rows, gold, is_ranking=is_ranking)
            if found:
                note = _short(f"{score.note} (its first rows)") if found == "leads" else score.note
                return replace(score, outcome=CaseOutcome.RIGHT, note=note)
        if has_run:
            return score
        where = f"{case.where}: " if case.where else ""
        note = _short(f"{where}the accepted query does not run: {why}")
        return replace(score, outcome=CaseOutcome.BROKEN, note=note)

    def _matched(
        self,
        case: EvaluationCase,
        sql: str,
        rows: list[tuple[Any, ...]],
        gold: list[tuple[Any, ...]],
        *,
        is_ranking: bool,
    ) -> str:
        """Whether the rows are those of one accepted query: `same`, `leads`, or nothing."""
        ordered = asks_for_order(case.question) and is_ordered(sql)
        rounded = "round(" in sql.lower().replace(" ", "")
        if same_rows(rows, gold, ordered=ordered, rounded=rounded):
            return "same"
        is_led = is_ranking and not self.is_strict and leads(rows, gold, rounded=rounded)
        return "leads" if is_led else ""

    def _golds(self, case: EvaluationCase) -> Iterator[str]:
        """SQL of every accepted query. Raises `QueryInvalid` for one that the model has no room for."""
        if case.is_literal:
            return iter((case.gold_sql,))
        if case.gold_query is None:
            return variants_of(case.gold_sql, self.today)
        query = case.gold_query
        if query.today and self.today is not None:
            query = replace(query, today=self.today.isoformat())
        compiled = compile_query(
            query, self.model, dialect=self.dialect, default_limit=self.row_limit
        )
        return iter((compiled.sql,))

    def _gold_rows(self, sql: str) -> list[tuple[Any, ...]]:
        result = self.queries.run(
            QueryRequest(
                actor=self.actor,
                sources=(self.granted,),
                sql=sql,
                limit=self.row_limit,
                timeout_seconds=self.query_seconds,
                purpose=PURPOSE,
                run_id=self.run_id,
            ),
            self.cancel,
        )
        try:
            return self._rows(result)
        finally:
            self._remove(result)

    def _rows(self, result: Result) -> list[tuple[Any, ...]]:
        table = self.results.read_arrow(result)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def _remove_all(self, findings: Findings) -> None:
        for query in findings.queries:
            self._remove(query.result)

    def _remove(self, result: Result) -> None:
        self.results.delete(result.result_id, result.organization_id)


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= NOTE_CHARS else line[: NOTE_CHARS - 1] + "…"


def _say_nothing(*_: object, **__: object) -> None:
    """An evaluation tells of cases, not of their steps."""
