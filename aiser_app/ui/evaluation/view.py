"""What the evaluation page shows: flat texts, made from domain objects in one trip to the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Actor
from aiser_app.domain.evaluation import CaseOutcome, CaseScore, Evaluation
from aiser_app.domain.run import RunStatus
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus

MOST_CASES = 200
"""Rows of the table; those that were not right come first."""
MOST_PROPOSALS = 50
MOST_EVALUATIONS = 20
_WORDS = {
    CaseOutcome.RIGHT: ("Right", "success", "circle-check"),
    CaseOutcome.WRONG: ("Wrong", "danger", "circle-x"),
    CaseOutcome.ASKED: ("Asked back", "info", "circle-help"),
    CaseOutcome.REFUSED: ("Refused", "warn", "circle-slash"),
    CaseOutcome.FAILED: ("Failed", "danger", "triangle-alert"),
    CaseOutcome.BROKEN: ("Broken", "danger", "unplug"),
}
_ORDER = (
    CaseOutcome.BROKEN,
    CaseOutcome.WRONG,
    CaseOutcome.FAILED,
    CaseOutcome.REFUSED,
    CaseOutcome.ASKED,
    CaseOutcome.RIGHT,
)


@dataclass(kw_only=True)
class FigureView:
    name: str
    value: str
    unit: str
    note: str


@dataclass(kw_only=True)
class CaseRow:
    case_id: str
    verified_query_id: str
    question: str
    outcome: str
    word: str
    level: str
    confidence: str
    source: str
    took: str
    note: str


@dataclass(kw_only=True)
class EvaluationItem:
    evaluation_id: str
    at: str
    by: str
    result: str
    is_shown: bool


@dataclass(kw_only=True)
class ProposalView:
    verified_query_id: str
    question: str
    needs_words: bool
    """It was a follow-up: somebody has to write what it asks by itself."""
    source: str
    at: str


@dataclass(kw_only=True)
class EvaluationPage:
    """Everything that is on the page, but for the chart, which is fetched by address."""

    shown_id: str = ""
    shown_at: str = ""
    shown_by: str = ""
    failure: str = ""
    figures: list[FigureView] = field(default_factory=list)
    cases: list[CaseRow] = field(default_factory=list)
    case_note: str = ""
    evaluations: list[EvaluationItem] = field(default_factory=list)
    proposals: list[ProposalView] = field(default_factory=list)
    verified_count: int = 0
    has_trend: bool = False
    running_id: str = ""
    """Run of the evaluation that has not ended."""
    running_evaluation: str = ""


def load_page(services: Services, actor: Actor, wanted: str = "") -> EvaluationPage:
    """The page with one evaluation open: the wanted one, else the latest that has ended."""
    listed = services.evaluations.list(actor, MOST_EVALUATIONS)
    ended = [item for item in listed if item.status.is_final]
    shown_id = wanted or (ended[0].evaluation_id if ended else "")
    queries = services.verified_queries.list(actor)
    names = {source.source_id: source.name for source in services.sources.list(actor)}
    page = EvaluationPage(
        proposals=_proposals(queries, names),
        verified_count=sum(query.status is VerifiedStatus.VERIFIED for query in queries),
        has_trend=sum(item.summary is not None for item in ended) > 1,
        evaluations=[_item(item, shown_id) for item in ended],
    )
    running = next((item for item in listed if not item.status.is_final), None)
    if running is not None:
        page.running_id, page.running_evaluation = running.run_id, running.evaluation_id
    if shown_id:
        _add_shown(page, services.evaluations.get(actor, shown_id), names)
    return page


def _add_shown(page: EvaluationPage, evaluation: Evaluation, names: dict[str, str]) -> None:
    page.shown_id = evaluation.evaluation_id
    page.shown_at = evaluation.created_at.isoformat()
    page.shown_by = evaluation.started_by
    if evaluation.summary is None:
        page.failure = evaluation.failure or "It was stopped before it had ended."
        return
    page.figures = _figures(evaluation.summary)
    ordered = sorted(evaluation.cases, key=lambda case: _ORDER.index(case.outcome))
    page.cases = [_row(case, names) for case in ordered[:MOST_CASES]]
    count = len(evaluation.cases)
    page.case_note = f"{count:,} questions" if count != 1 else "1 question"
    if count > MOST_CASES:
        page.case_note = f"The first {MOST_CASES} of {count:,}; the API has all"


def _figures(summary: dict[str, Any]) -> list[FigureView]:
    counts, latency = summary["counts"], summary["latency_ms"]
    answered, right = summary["answered"], summary["right"]
    waited = latency["p50"]
    return [
        _share("Right of all", summary["accuracy"], f"{right:,} of {summary['answerable']:,}"),
        _share("Right of answered", summary["precision"], f"{right:,} of {answered:,}"),
        FigureView(
            name="Not answered",
            value=f"{counts['asked'] + counts['refused']:,}",
            unit="",
            note=f"{counts['asked']:,} asked back, {counts['refused']:,} refused",
        ),
        FigureView(
            name="Half answered within",
            value="none" if waited is None else f"{waited:,.0f}",
            unit="" if waited is None else "ms",
            note="" if waited is None else f"95% within {latency['p95']:,.0f} ms",
        ),
    ]


def _share(name: str, share: float | None, note: str) -> FigureView:
    value = "none" if share is None else f"{share * 100:.1f}"
    return FigureView(name=name, value=value, unit="" if share is None else "%", note=note)


def _row(case: CaseScore, names: dict[str, str]) -> CaseRow:
    word, level, _icon = _WORDS[case.outcome]
    return CaseRow(
        case_id=case.case_id,
        verified_query_id=case.verified_query_id,
        question=case.question,
        outcome=case.outcome.value,
        word=word,
        level=level,
        confidence="" if case.confidence is None else f"{case.confidence:.2f}",
        source=names.get(case.source_id, "a removed source"),
        took=f"{case.milliseconds:,.0f} ms" if case.milliseconds else "",
        note=case.note,
    )


def _item(evaluation: Evaluation, shown_id: str) -> EvaluationItem:
    summary = evaluation.summary
    if summary is not None:
        result = f"{summary['right']:,} of {summary['answerable']:,} right"
    else:
        result = "Stopped" if evaluation.status is RunStatus.CANCELLED else "Failed"
    return EvaluationItem(
        evaluation_id=evaluation.evaluation_id,
        at=evaluation.created_at.isoformat(),
        by=evaluation.started_by,
        result=result,
        is_shown=evaluation.evaluation_id == shown_id,
    )


def _proposals(queries: Sequence[VerifiedQuery], names: dict[str, str]) -> list[ProposalView]:
    proposed = [query for query in queries if query.status is VerifiedStatus.PROPOSED]
    proposed.sort(key=lambda query: query.proposed_at, reverse=True)
    return [
        ProposalView(
            verified_query_id=query.verified_query_id,
            question=query.questions[0] if query.questions else query.name,
            needs_words=not query.questions,
            source=names.get(query.source_id, "a removed source"),
            at=query.proposed_at.isoformat(),
        )
        for query in proposed[:MOST_PROPOSALS]
    ]
