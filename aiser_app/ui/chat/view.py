"""What the chat page shows of a turn: flat texts and references, made from domain objects.

Rows never pass through here; grid and chart fetch them by id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiser_app.domain.answer import Answer, Chip, Confidence, ReasoningStep
from aiser_app.domain.confirmed_question import split_confirmed
from aiser_app.domain.conversation import Turn
from aiser_app.domain.result import Result
from aiser_app.domain.run import Run, RunStatus
from aiser_app.ui.chat import wording


@dataclass(kw_only=True)
class ChipView:
    key: str
    value: str


@dataclass(kw_only=True)
class PartView:
    """A measured part of confidence; `percent` is the width of its bar."""

    name: str
    measured: str
    percent: str
    level: str


@dataclass(kw_only=True)
class ReasonView:
    number: str
    claim: str
    how: str
    kind: str
    evidence: str
    score: str
    level: str


@dataclass(kw_only=True)
class FactView:
    name: str
    value: str


@dataclass(kw_only=True)
class StepView:
    """One line of the step list; `state` is run, done, warn, fail or wait."""

    key: str
    title: str
    detail: str
    state: str
    took: str


@dataclass(kw_only=True)
class OptionView:
    """`text` is what is asked by a click, `label` what is read: of an offered reading the reading alone."""

    number: str
    text: str
    label: str = ""


@dataclass(kw_only=True)
class TurnView:
    """A question and whatever came of it. `status` is a RunStatus value."""

    turn_id: str
    run_id: str
    question: str
    heading: str = ""
    """The question without the reading that was chosen for it: the chips show that."""
    asked_at: str
    status: str
    link: str = ""
    headline: str = ""
    text: str = ""
    chips: list[ChipView] = field(default_factory=list)
    has_result: bool = False
    has_chart: bool = False
    result_id: str = ""
    chart_title: str = ""
    unit: str = ""
    sql: str = ""
    table_note: str = ""
    row_count: str = ""
    tables: str = ""
    tab_labels: list[str] = field(default_factory=list)
    tab_counts: list[str] = field(default_factory=list)
    tab_panels: list[int] = field(default_factory=list)
    reasons: list[ReasonView] = field(default_factory=list)
    has_confidence: bool = False
    confidence_level: str = ""
    confidence_word: str = ""
    confidence_score: str = ""
    parts: list[PartView] = field(default_factory=list)
    facts: list[FactView] = field(default_factory=list)
    route: str = ""
    as_of: str = ""
    query_took: str = ""
    csv: str = ""
    caveats: list[str] = field(default_factory=list)
    follow_ups: list[str] = field(default_factory=list)
    clarifying: str = ""
    options: list[OptionView] = field(default_factory=list)
    unknown_words: list[str] = field(default_factory=list)
    steps: list[StepView] = field(default_factory=list)
    failure: str = ""
    failure_hint: str = ""
    thumb: str = ""
    """What the person said of the answer: up, down, or nothing yet."""
    verified: str = ""
    """Who has checked the query of the answer, and when."""
    took: str = ""
    started_ms_ago: int = 0
    limit_seconds: int = 0


def view_turn(turn: Turn, result: Result | None, now: datetime | None = None) -> TurnView:
    """The view of a turn; `result` is the answer's first result, when it still exists."""
    run = turn.run
    view = TurnView(
        turn_id=turn.turn_id,
        run_id=run.run_id,
        question=turn.question,
        heading=split_confirmed(turn.question)[0],
        asked_at=run.created_at.isoformat(),
        status=run.status.value,
        link=f"/chat/{run.conversation_id}#{turn.turn_id}",
        steps=_ended(view_steps(run.steps), run.status),
        took=_took(run),
        started_ms_ago=_ms_since(run.created_at, now or datetime.now(UTC)),
        limit_seconds=round((run.deadline_at - run.created_at).total_seconds()),
    )
    if run.failure is not None:
        view.failure = run.failure.message
        view.failure_hint = run.failure.hint or ""
    if run.answer is not None:
        _add_answer(view, run.answer)
        if run.status is RunStatus.ANSWERED and result is not None:
            _add_result(view, run.answer, result)
        _add_tabs(view)
    return view


def view_steps(steps: Iterable[dict[str, Any]]) -> list[StepView]:
    """Step lines from the payloads of `step` events, the last state of each."""
    lines: dict[str, StepView] = {}
    for payload in steps:
        line = view_step(payload)
        lines[line.key] = line
    return list(lines.values())


def view_step(payload: dict[str, Any]) -> StepView:
    title = str(payload.get("title") or "")
    took = payload.get("duration_ms")
    return StepView(
        key=str(payload.get("key") or title),
        title=title,
        detail=str(payload.get("detail") or ""),
        state=str(payload.get("state") or "run"),
        took=wording.duration(took) if isinstance(took, int | float) else "",
    )


def _ended(steps: list[StepView], status: RunStatus) -> list[StepView]:
    """A run that has ended has no running step: the last one is where it broke or was stopped."""
    if status.is_final:
        for step in steps:
            if step.state == "run":
                step.state = "fail" if status is RunStatus.FAILED else "warn"
    return steps


def _took(run: Run) -> str:
    if run.finished_at is None:
        return ""
    return wording.duration((run.finished_at - run.created_at).total_seconds() * 1000)


def _ms_since(moment: datetime, now: datetime) -> int:
    return max(0, round((now - moment).total_seconds() * 1000))


def _add_answer(view: TurnView, answer: Answer) -> None:
    view.headline = answer.headline
    view.text = answer.text
    view.chips = [ChipView(key=chip.key, value=_chip_text(chip)) for chip in answer.chips]
    view.reasons = [_reason(number, step) for number, step in enumerate(answer.steps, start=1)]
    view.caveats = list(answer.caveats)
    view.follow_ups = list(answer.follow_ups)
    if answer.verified is not None:
        mark = answer.verified
        when = f" on {wording.day(mark.verified_at)}" if mark.verified_at else ""
        view.verified = f"Verified by {mark.verified_by}{when}"
    if answer.confidence is not None:
        _add_confidence(view, answer.confidence)
    if answer.clarification is not None:
        asked = answer.clarification
        view.clarifying = asked.question
        view.options = [
            OptionView(number=str(number), text=text, label=_label(text))
            for number, text in enumerate(asked.options, start=1)
        ]
        view.unknown_words = list(asked.unknown_words)


def _label(option: str) -> str:
    words = split_confirmed(option)[1]
    return f"{words[:1].upper()}{words[1:]}" if words else option


def _chip_text(chip: Chip) -> str:
    """Words begin with a capital; values of filters stay as they are in the data."""
    return chip.value if chip.key == "where" else chip.value[:1].upper() + chip.value[1:]


def _reason(number: int, step: ReasoningStep) -> ReasonView:
    return ReasonView(
        number=str(number),
        claim=step.claim,
        how=step.how,
        kind=step.kind.capitalize(),
        evidence=step.evidence,
        score=f"{step.confidence:.2f}",
        level=wording.confidence_level(step.confidence),
    )


def _add_confidence(view: TurnView, confidence: Confidence) -> None:
    level = wording.confidence_level(confidence.score)
    view.has_confidence = True
    view.confidence_level = level
    view.confidence_word = f"{level.capitalize()} confidence"
    view.confidence_score = f"{confidence.score:.2f}"
    view.parts = [
        PartView(
            name=part.name,
            measured=part.measured,
            percent=f"{max(0.0, min(1.0, part.score)) * 100:.0f}%",
            level=wording.confidence_level(part.score),
        )
        for part in confidence.parts
    ]


def _add_result(view: TurnView, answer: Answer, result: Result) -> None:
    view.has_result = True
    view.result_id = result.result_id
    view.has_chart = answer.chart is not None and bool(answer.chart.option)
    if answer.chart is not None:
        view.unit = answer.chart.spec.unit
        spec = answer.chart.spec
        view.chart_title = f"{spec.title}, {spec.unit}" if spec.unit else spec.title
    view.sql = result.sql
    view.route = wording.route(result)
    view.tables = ", ".join(result.tables)
    view.as_of = result.as_of.isoformat()
    view.csv = f"/api/v1/results/{result.result_id}.csv"
    view.table_note = _table_note(result)
    view.row_count = wording.grouped(result.row_count)
    view.query_took = wording.duration(result.duration_ms)
    view.facts = _facts(result)


def _table_note(result: Result) -> str:
    rows = "1 row" if result.row_count == 1 else f"{wording.grouped(result.row_count)} rows"
    if result.truncated:
        return f"{rows}: cut at the limit of {wording.grouped(result.limit)}, there are more"
    return f"{rows}, all of them"


def _facts(result: Result) -> list[FactView]:
    facts = [FactView(name="Tables", value=", ".join(result.tables))]
    if result.rows_read is not None:
        facts.append(FactView(name="Rows read", value=wording.grouped(result.rows_read)))
    facts.append(FactView(name="Rows returned", value=wording.rows_returned(result)))
    return facts


def _add_tabs(view: TurnView) -> None:
    tabs = [
        ("Chart", "", view.has_chart),
        ("Table", view.row_count, view.has_result),
        ("SQL", "", view.has_result),
        ("Reasoning", str(len(view.reasons)), bool(view.reasons)),
    ]
    shown = [(label, count, panel) for panel, (label, count, has) in enumerate(tabs) if has]
    view.tab_labels = [label for label, _, _ in shown]
    view.tab_counts = [count for _, count, _ in shown]
    view.tab_panels = [panel for _, _, panel in shown]
