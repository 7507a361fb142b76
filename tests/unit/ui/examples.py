"""Domain objects that the tests of the pages share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiser_app.access.permissions import permissions_of
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.answer import (
    Answer,
    Chip,
    Clarification,
    Confidence,
    ConfidencePart,
    ReasoningStep,
)
from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.conversation import Conversation, Turn
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.result import Column, Result
from aiser_app.domain.run import EventKind, Run, RunEvent, RunFailure, RunStatus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def actor(role: Role = Role.ANALYST, user_id: str = "u1") -> Actor:
    return Actor(
        user_id=user_id,
        organization_id="o1",
        role=role,
        permissions=permissions_of(role),
        name="Ada Lovelace",
        email="ada@example.com",
        organization_name="Harbor Air",
    )


def result(**changes: Any) -> Result:
    made = Result(
        result_id="r1",
        organization_id="o1",
        source_id="s1",
        columns=(Column(name="name", type="string"), Column(name="avg_delay", type="number")),
        row_count=16,
        truncated=False,
        limit=1000,
        as_of=NOW,
        duration_ms=84.0,
        engine="duckdb",
        route="direct",
        why="one DuckDB file",
        sql="SELECT 1",
        tables=("flights", "airlines"),
        claims_hash="c",
        rows_read=336_776,
    )
    return replace(made, **changes)


def answer(**changes: Any) -> Answer:
    made = Answer(
        text="Frontier was worst.",
        headline="21.9 min",
        result_ids=("r1",),
        chart=Chart(
            spec=ChartSpec(kind=ChartKind.BAR, title="Average delay", x="name", unit="min"),
            option={"series": [{"type": "bar", "data": [21.9, 20.1]}]},
        ),
        chips=(Chip(key="show", value="Average delay"),),
        steps=(
            ReasoningStep(kind="deductive", claim="It is", how="By name", confidence=0.8),
            ReasoningStep(kind="inductive", claim="It leads", how="By far", confidence=1.0),
        ),
        caveats=("Some rows have no delay.",),
        confidence=Confidence(
            score=0.93, parts=(ConfidencePart(name="Words", measured="4 of 5", score=0.8),)
        ),
        follow_ups=("Same, by month",),
    )
    return replace(made, **changes)


def asking_back() -> Answer:
    return Answer(
        text="I did not choose for you.",
        clarification=Clarification(
            question="What does worst mean?",
            options=("Highest average delay", "Most cancelled"),
            unknown_words=("worst",),
        ),
        confidence=Confidence(score=0.41),
    )


def run(run_id: str = "run1", status: RunStatus = RunStatus.RUNNING, **changes: Any) -> Run:
    made = Run(
        run_id=run_id,
        organization_id="o1",
        user_id="u1",
        conversation_id="c1",
        turn_id=f"turn-{run_id}",
        source_id="s1",
        question="Which carrier is worst?",
        status=status,
        attempts=1,
        created_at=NOW,
        deadline_at=NOW + timedelta(seconds=120),
        finished_at=NOW + timedelta(seconds=1.25) if status.is_final else None,
    )
    return replace(made, **changes)


def failed_run(run_id: str = "run1") -> Run:
    failure = RunFailure(code="engine_unavailable", message="It does not answer.", hint="Wait.")
    return run(run_id, RunStatus.FAILED, failure=failure)


def turn(of: Run, position: int = 1) -> Turn:
    return Turn(turn_id=of.turn_id, position=position, question=of.question, run=of)


def conversation(conversation_id: str = "c1") -> Conversation:
    return Conversation(
        conversation_id=conversation_id,
        organization_id="o1",
        user_id="u1",
        title="Worst carrier",
        source_id="s1",
        created_at=NOW,
        updated_at=NOW,
    )


def source() -> DataSource:
    return DataSource(
        source_id="s1",
        organization_id="o1",
        name="nyc_flights",
        engine="duckdb",
        synced_at=NOW,
        table_count=5,
        row_count=367_687,
    )


def step_event(run_id: str, seq: int, key: str, state: str = "run") -> RunEvent:
    payload = {"key": key, "title": f"Step {key}", "detail": "", "state": state}
    return RunEvent(run_id=run_id, seq=seq, kind=EventKind.STEP, payload=payload, at=NOW)


def final_event(run_id: str, seq: int) -> RunEvent:
    return RunEvent(run_id=run_id, seq=seq, kind=EventKind.ANSWER, payload={}, at=NOW)
