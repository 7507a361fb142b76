"""A run as clients get it: the finished ask of the interface, stable field by field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiser_app.domain.answer import Answer
from aiser_app.domain.encoding import encode
from aiser_app.domain.result import Column, Result
from aiser_app.domain.run import EventKind, Run, RunEvent, RunFailure, RunKind, RunStatus
from aiser_app.services.run_lifecycle import final_payload
from aiser_app.services.wire_values import wire_value

SHOWN_ROWS = 1_000


def run_view(
    run: Run,
    *,
    source: str | None,
    result: Result | None,
    rows: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    """Everything about a run in one object; what does not exist (yet) is null or empty.

    `source` is the name of its data source.
    """
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
        "source": source,
        "progress": wire_value(list(run.steps)),
        "duration_ms": _duration_ms(run),
        **_answer_view(answer),
        **_result_view(result, rows),
    }
    if answer.clarification is not None:
        view["clarification"] = encode(answer.clarification)
    if run.failure is not None:
        view["error"] = failure_view(run.failure)
    return view


def query_view(
    run: Run,
    *,
    source: str | None,
    result: Result | None,
    rows: Sequence[Sequence[Any]],
) -> dict[str, Any]:
    """A run of a query, sync or ingest: as a run, without text and reasoning."""
    view: dict[str, Any] = {
        "run_id": run.run_id,
        "kind": run.kind.value,
        "status": run.status.value,
        "created_at": run.created_at.isoformat(),
        "deadline_at": run.deadline_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "attempts": run.attempts,
        "source": source,
        "progress": wire_value(list(run.steps)),
        "duration_ms": _duration_ms(run),
        "queue_ms": _queue_ms(run),
    }
    if run.kind is RunKind.QUERY:
        view["semantic_query"] = run.request.get("semantic_query")
        view["plan"] = wire_value(run.outcome.get("plan")) if run.outcome else None
        view |= _result_view(result, rows)
    else:
        view["outcome"] = wire_value(dict(run.outcome)) if run.outcome is not None else None
    if run.failure is not None:
        view["error"] = failure_view(run.failure, run.run_id)
    return view


def failure_view(failure: RunFailure, run_id: str | None = None) -> dict[str, Any]:
    """As the error envelope has it; what does not exist is left out."""
    view: dict[str, Any] = {"code": failure.code, "message": failure.message}
    optional = {
        "hint": failure.hint,
        "line": failure.line,
        "column": failure.column,
        "run_id": run_id,
    }
    return view | {name: value for name, value in optional.items() if value is not None}


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
        "verified": encode(answer.verified) if answer.verified else None,
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
            "why": None,
            "notes": [],
            "limit": None,
            "limiting_factor": "",
            "is_stale": False,
            "age_seconds": None,
            "engine": None,
            "tables": [],
            "policies": [],
            "engine_ms": None,
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
        "why": result.why,
        "notes": list(result.notes),
        "limit": result.limit,
        "limiting_factor": result.limiting_factor,
        "is_stale": result.is_stale,
        "age_seconds": max(0.0, round((datetime.now(UTC) - result.as_of).total_seconds(), 1)),
        "engine": result.engine,
        "tables": list(result.tables),
        "policies": list(result.policies),
        "engine_ms": result.duration_ms,
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
    RunStatus.SUCCEEDED: EventKind.SUCCEEDED,
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
        payload=final_payload(run.answer, run.failure, run.outcome),
        at=run.finished_at or run.created_at,
    )


def _queue_ms(run: Run) -> float | None:
    if run.started_at is None:
        return None
    return round((run.started_at - run.created_at).total_seconds() * 1000, 1)


def _duration_ms(run: Run) -> float | None:
    if run.finished_at is None:
        return None
    return round((run.finished_at - run.created_at).total_seconds() * 1000, 1)
