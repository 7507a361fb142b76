"""The evaluation page's state and view over services in memory; thumbs in the chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aiser_app.domain.answer import Answer
from aiser_app.domain.evaluation import CaseOutcome, CaseScore, Evaluation
from aiser_app.domain.run import RunStatus
from aiser_app.domain.verified_query import (
    Thumb,
    VerifiedMark,
    VerifiedQuery,
    VerifiedStatus,
)
from aiser_app.errors import Conflict, NotFound
from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.evaluation import state as evaluation_state
from aiser_app.ui.evaluation.state import EvaluationState
from aiser_app.ui.evaluation.view import MOST_CASES, load_page
from aiser_app.ui.shell.state import ShellState
from tests.unit.ui import examples as ex
from tests.unit.ui.conftest import FakeServices
from tests.unit.ui.tabs import browser


def score(outcome: CaseOutcome, number: int = 1, confidence: float | None = None) -> CaseScore:
    return CaseScore(
        case_id=f"v1:{number}",
        question=f"Question {number}?",
        category="",
        outcome=outcome,
        confidence=confidence,
        milliseconds=12.3,
        source_id="s1",
        verified_query_id="v1",
    )


def summary(right: int, of: int) -> dict[str, Any]:
    return {
        "accuracy": right / of, "precision": None, "right": right, "answerable": of, "answered": right,
        "counts": {"asked": 1, "refused": 2}, "latency_ms": {"p50": 11.0, "p95": 20.0},
    }  # fmt: skip


def evaluation(number: int = 1, **changes: Any) -> Evaluation:
    made = Evaluation(
        evaluation_id=f"e{number}",
        organization_id="o1",
        run_id=f"run{number}",
        user_id="u1",
        started_by="Ada Lovelace",
        created_at=ex.NOW + timedelta(days=number),
        status=RunStatus.SUCCEEDED,
        summary=summary(1, 2),
        cases=(score(CaseOutcome.RIGHT, 1, 0.97), score(CaseOutcome.WRONG, 2, 0.8)),
        case_count=2,
    )
    return replace(made, **changes)


def verified(number: int, status: VerifiedStatus, *questions: str) -> VerifiedQuery:
    return VerifiedQuery(
        verified_query_id=f"v{number}",
        organization_id="o1",
        source_id="s1",
        name="Checked",
        questions=questions,
        status=status,
        proposed_by="u1",
        proposed_at=ex.NOW,
    )


@pytest.fixture
def verifying(fake: FakeServices, monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    """Services with two verified queries, two proposals and no evaluation."""
    held: dict[str, Any] = {
        "evaluations": [],
        "queries": [
            verified(1, VerifiedStatus.VERIFIED, "How many?"),
            verified(2, VerifiedStatus.PROPOSED, "Which?"),
            verified(3, VerifiedStatus.PROPOSED),
        ],
        "calls": [],
    }
    fake.verifying = held  # type: ignore[attr-defined]

    def start(_actor: Any) -> Evaluation:
        if any(not item.status.is_final for item in held["evaluations"]):
            raise Conflict("An evaluation is under way.", hint="Wait.")
        made = evaluation(9, status=RunStatus.QUEUED, summary=None, cases=())
        held["evaluations"].insert(0, made)
        return made

    def get(_actor: Any, evaluation_id: str) -> Evaluation:
        found = [e for e in held["evaluations"] if e.evaluation_id == evaluation_id]
        if not found:
            raise NotFound("There is no such evaluation.")
        return found[0]

    def record(name: str) -> Any:
        def call(_actor: Any, verified_query_id: str, change: Any = None) -> VerifiedQuery:
            held["calls"].append(
                (name, verified_query_id, change and change.questions and tuple(change.questions))
            )
            return verified(1, VerifiedStatus.VERIFIED, "How many?")

        return call

    fake.evaluations = SimpleNamespace(  # type: ignore[attr-defined]
        list=lambda _actor, _limit: list(held["evaluations"]), get=get, start=start
    )
    fake.verified_queries = SimpleNamespace(  # type: ignore[attr-defined]
        list=lambda _actor: list(held["queries"]),
        get=lambda _actor, _id: verified(3, VerifiedStatus.PROPOSED, "Which?", "And which?"),
        change=record("change"), approve=record("approve"), delete=record("delete"), retire=record("retire"),
    )  # fmt: skip
    fake.sources.list = lambda _actor: [ex.source()]
    monkeypatch.setattr(evaluation_state, "services", lambda: fake)
    monkeypatch.setattr(evaluation_state, "FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(evaluation_state, "POLL_SECONDS", 0.02)
    return fake


@pytest.fixture
async def tabs(verifying: FakeServices) -> AsyncIterator[Any]:
    async with browser() as make:
        yield make


async def opened(tabs: Any) -> Any:
    tab = tabs()
    await tab.load("/evaluation")
    await tab.fire(EvaluationState.open)
    await tab.until(lambda: tab.var(EvaluationState, "is_loaded"))
    return tab


def test_what_was_not_right_comes_first() -> None:
    cases = tuple(score(CaseOutcome.RIGHT, n) for n in range(MOST_CASES + 5))
    shown = evaluation(
        1, cases=(*cases, score(CaseOutcome.ASKED, 900), score(CaseOutcome.BROKEN, 901))
    )
    services: Any = SimpleNamespace(
        evaluations=SimpleNamespace(list=lambda *_: [shown, evaluation(2)], get=lambda *_: shown),
        verified_queries=SimpleNamespace(list=lambda _: []),
        sources=SimpleNamespace(list=lambda _: []),
    )
    page = load_page(services, ex.actor())
    assert [row.word for row in page.cases[:3]] == ["Broken", "Asked back", "Right"]
    assert len(page.cases) == MOST_CASES
    assert page.case_note == "The first 200 of 207; the API has all"
    assert page.cases[0].source == "a removed source"
    assert page.has_trend
    assert [(f.name, f.value, f.unit) for f in page.figures] == [
        ("Right of all", "50.0", "%"),
        ("Right of answered", "none", ""),
        ("Not answered", "3", ""),
        ("Half answered within", "11", "ms"),
    ]


def test_an_evaluation_that_was_stopped_says_so() -> None:
    stopped = evaluation(1, status=RunStatus.CANCELLED, summary=None, cases=())
    failed = evaluation(2, status=RunStatus.FAILED, summary=None, cases=(), failure="Out of time.")
    services: Any = SimpleNamespace(
        evaluations=SimpleNamespace(
            list=lambda *_: [stopped, failed],
            get=lambda _, wanted: failed if wanted == "e2" else stopped,
        ),
        verified_queries=SimpleNamespace(list=lambda _: []),
        sources=SimpleNamespace(list=lambda _: []),
    )
    page = load_page(services, ex.actor())
    assert (page.failure, [item.result for item in page.evaluations]) == (
        "It was stopped before it had ended.",
        ["Stopped", "Failed"],
    )
    assert load_page(services, ex.actor(), "e2").failure == "Out of time."


async def test_the_page_shows_proposals_and_lets_them_be_approved(
    tabs: Any, verifying: Any
) -> None:
    tab = await opened(tabs)
    page = tab.var(EvaluationState, "page")
    assert [(p.question, p.needs_words) for p in page.proposals] == [
        ("Which?", False),
        ("Checked", True),
    ]
    assert (page.verified_count, page.shown_id) == (1, "")
    assert tab.var(ShellState, "title") == "Evaluation"
    await tab.fire(EvaluationState.approve, verified_query_id="v2")
    await tab.fire(EvaluationState.edit, verified_query_id="v3")
    await tab.until(lambda: tab.var(EvaluationState, "editing_id") == "v3")
    await tab.fire(EvaluationState.keep)
    await tab.until(lambda: tab.var(EvaluationState, "editing_id") == "")
    await tab.fire(EvaluationState.rewrite, verified_query_id="v3", question="Which one?")
    await tab.fire(EvaluationState.choose, verified_query_id="v2", action="dismiss")
    await tab.fire(EvaluationState.choose, verified_query_id="v1", action="retire")
    await tab.fire(EvaluationState.choose, verified_query_id="v1", action="begin")
    await tab.until(lambda: len(verifying.verifying["calls"]) == 5)
    assert verifying.verifying["calls"] == [
        ("approve", "v2", None),
        ("change", "v3", ("Which one?", "And which?")),
        ("delete", "v2", None),
        ("retire", "v1", None),
        ("change", "v1", None),
    ]
    await tab.fire(EvaluationState.choose, verified_query_id="v1", action="explode")
    await tab.until(lambda: tab.var(EvaluationState, "problem") == "There is no such action.")


async def test_a_run_is_followed_to_its_end(tabs: Any, verifying: Any) -> None:
    tab = await opened(tabs)
    await tab.fire(EvaluationState.start)
    await tab.until(lambda: tab.var(EvaluationState, "page").running_id == "run9")
    step = ex.step_event("run9", 1, "evaluate")
    verifying.feed.put(replace(step, payload={**step.payload, "detail": "1 of 2"}))
    await tab.until(lambda: tab.var(EvaluationState, "progress") == "1 of 2")
    await tab.fire(EvaluationState.start)
    await tab.until(lambda: tab.var(EvaluationState, "problem") == "An evaluation is under way.")
    await tab.fire(EvaluationState.stop)
    await tab.until(lambda: verifying.cancelled == ["run9"])
    verifying.verifying["evaluations"] = [evaluation(9)]
    verifying.feed.put(ex.final_event("run9", 2))
    await tab.until(lambda: tab.var(EvaluationState, "page").running_id == "")
    page = tab.var(EvaluationState, "page")
    assert page.shown_id == "e9"
    assert [row.word for row in page.cases] == ["Wrong", "Right"]
    assert tab.var(EvaluationState, "progress") == ""


async def test_one_that_somebody_else_started_is_awaited(
    tabs: Any, verifying: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def denied(_actor: Any, _run_id: str, _after: int) -> AsyncIterator[Any]:
        raise NotFound("There is no such run.")
        yield

    monkeypatch.setattr(verifying.runs, "follow", denied)
    running = evaluation(9, status=RunStatus.RUNNING, summary=None, cases=())
    verifying.verifying["evaluations"] = [running, evaluation(1)]
    tab = await opened(tabs)
    assert tab.var(EvaluationState, "page").shown_id == "e1"
    await asyncio.sleep(0.05)
    verifying.verifying["evaluations"] = [evaluation(9), evaluation(1)]
    await tab.until(lambda: tab.var(EvaluationState, "page").shown_id == "e9")
    await tab.fire(EvaluationState.show, evaluation_id="e1")
    await tab.until(lambda: tab.var(EvaluationState, "page").shown_id == "e1")


async def test_a_thumb_is_kept(fake: FakeServices) -> None:
    async with browser() as make:
        fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
        tab = make()
        await tab.load("/chat/c1")
        await tab.until(lambda: tab.var(ChatState, "is_loaded"))
        for thumb in (Thumb.UP, Thumb.DOWN):
            await tab.fire(ChatState.rate, run_id="run1", thumb=thumb.value)
            assert fake.thumbs == {"run1": thumb}
        await tab.fire(ChatState.rate, run_id="run1", thumb="sideways")
        assert fake.thumbs == {"run1": Thumb.DOWN}


def test_a_thumb_is_shown_on_its_answer_alone() -> None:
    from aiser_app.domain.conversation import Turn
    from aiser_app.ui.chat.state import _rated
    from aiser_app.ui.chat.view import view_turn

    turns = [
        view_turn(Turn(turn_id=name, position=0, question="q", run=ex.run(name)), None)
        for name in ("run1", "run2")
    ]
    assert [turn.thumb for turn in _rated(turns, "run2", "down")] == ["", "down"]


def test_an_answer_of_a_verified_query_says_by_whom() -> None:
    from aiser_app.ui.chat.view import view_turn

    mark = VerifiedMark(
        verified_query_id="v1", name="n", question="q", verified_by="Ada Lovelace",
        verified_at="2026-11-05T10:00:00+00:00", is_exact=True,
    )  # fmt: skip
    run = ex.run(status=RunStatus.ANSWERED, answer=Answer(text="3.", verified=mark))
    assert view_turn(ex.turn(run), ex.result()).verified == "Verified by Ada Lovelace on 5 Nov 2026"
