"""A run as clients get it: the finished ask of the interface, stable field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiser_app.domain.answer import Answer
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.encoding import encode
from aiser_app.domain.result import Column, Result
from aiser_app.domain.run import EventKind, Run, RunEvent, RunStatus
from aiser_app.services.run_lifecycle import final_payload
from aiser_app.services.wire_values import wire_value

SHOWN_ROWS = 1_000


def run_view(
    run: Run,
    *,
    source: DataSource | None,
    result: Result | None,
    rows: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    """Everything about a run in one object; what does not exist (yet) is null or empty."""
    answer = run.answer or Answer(text="")
    view: dict[str, Any] = {
        "run_id": run.run_id,
        "conversation_id": run.conversation_id,
        "status": run.status.value,
        "question": run.question,
        "created_at": run.created_at.isoformat(),
        "deadline_at": run.deadline_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "attempts": run.attempts,
        "source": source.name if source else None,
        "progress": wire_value(list(run.steps)),
        "duration_ms": _duration_ms(run),
        **_answer_view(answer),
        **_result_view(result, rows),
    }
    if answer.clarification is not None:
        view["clarification"] = encode(answer.clarification)
    if run.failure is not None:
        view["error"] = {"code": run.failure.code, "message": run.failure.message}
        if run.failure.hint:
            view["error"]["hint"] = run.failure.hint
    return view


def _answer_view(answer: Answer) -> dict[str, Any]:
    chart = answer.chart
    confidence = answer.confidence
    return {
        "text": answer.text,
        "headline": answer.headline,
        "semantic_query": encode(answer.semantic_query) if answer.semantic_query else None,
        "chips": [encode(chip) for chip in answer.chips],
        "chart": {"kind": chart.spec.kind.value, "option": wire_value(chart.option)}
        if chart
        else None,
        "confidence": encode(confidence) if confidence else None,
        "steps": [encode(step) for step in answer.steps],
        "evidence": list(answer.evidence),
        "caveats": list(answer.caveats),
        "follow_ups": list(answer.follow_ups),
        "result_ids": list(answer.result_ids),
        "usage": wire_value(answer.usage),
    }


def _result_view(result: Result | None, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    if result is None:
        return {
            "result_id": None,
            "sql": None,
            "route": None,
            "columns": [],
            "rows": [],
            "row_count": 0,
            "truncated": False,
            "as_of": None,
            "from_cache": False,
        }
    return {
        "result_id": result.result_id,
        "sql": result.sql,
        "route": result.route,
        "columns": [column_view(column) for column in result.columns],
        "rows": [wire_value(row) for row in rows],
        "row_count": result.row_count,
        "truncated": result.truncated,
        "as_of": result.as_of.isoformat(),
        "from_cache": result.from_cache,
    }


def column_view(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": column.type,
        "title": column.title,
        "unit": column.unit,
    }


def event_view(event: RunEvent) -> dict[str, Any]:
    return {
        "run_id": event.run_id,
        "seq": event.seq,
        "kind": event.kind.value,
        "payload": wire_value(event.payload),
        "at": event.at.isoformat(),
    }


_ENDINGS = {
    RunStatus.ANSWERED: EventKind.ANSWER,
    RunStatus.NEEDS_INPUT: EventKind.CLARIFICATION,
    RunStatus.FAILED: EventKind.FAILED,
    RunStatus.CANCELLED: EventKind.CANCELLED,
}


def ending_of(run: Run, seq: int) -> RunEvent | None:
    """The final event of a run as Postgres knows it, for when its events are gone from Redis."""
    if not run.status.is_final:
        return None
    return RunEvent(
        run_id=run.run_id,
        seq=seq,
        kind=_ENDINGS[run.status],
        payload=final_payload(run.answer, run.failure),
        at=run.finished_at or run.created_at,
    )


def _duration_ms(run: Run) -> float | None:
    if run.finished_at is None:
        return None
    return round((run.finished_at - run.created_at).total_seconds() * 1000, 1)
