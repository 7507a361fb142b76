"""Whatever happens while a run works, it ends once, and says no more than it should."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from aiser_app.agent.answer import Outcome
from aiser_app.agent.budget import Budget
from aiser_app.agent.context import AgentContext
from aiser_app.agent.loop import AgentLoop
from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.answer import Answer
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.errors import EngineUnavailable, QueryCancelled, ServiceUnavailable
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.services.answering import Answering, AnsweringLimits
from aiser_app.services.run_execution import RunExecution
from aiser_app.services.run_lifecycle import RunLifecycle
from aiser_app.tools.contract import ToolContext
from tests.fixtures.organizations import Tenant, add_run, add_tenant
from tests.fixtures.worker import wait_until

pytestmark = pytest.mark.integration
Work = Callable[[AgentContext, ToolContext, Budget], Outcome]
ANSWERED = Outcome(status=RunStatus.ANSWERED, answer=Answer(text="42"))


class Agent:
    """Stands in for the loop: does what a test says."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def run(self, context: AgentContext, tools: ToolContext, budget: Budget, emit: Any) -> Outcome:
        tools.report("read", "Reading the question", state="run")
        return self._work(context, tools, budget)


class Desk:
    """A worker's answering with an agent of the test's choice, and one run for it."""

    def __init__(self, engine: Engine, redis: Connection, tenant: Tenant, folder: Path) -> None:
        self.engine, self.redis = engine, redis
        self.run = add_run(engine, tenant.actor(), tenant.source)
        self.control = RunControl(redis)
        self.lifecycle = RunLifecycle(
            engine, events=RunEventLog(redis), control=self.control, queue=JobQueue(redis)
        )
        self._store = ResultStore(folder)

    def answering(self, work: Work, worker: str = "w1") -> RunExecution:
        answering = Answering(
            self.engine,
            agent=cast(AgentLoop, Agent(work)),
            router_for=lambda _run: cast(QueryRouter, None),
            results=self._store,
            dialects={"duckdb": "duckdb"},
            limits=AnsweringLimits(row_limit=100, query_timeout_seconds=5),
        )
        return RunExecution(
            worker=worker,
            lifecycle=self.lifecycle,
            events=RunEventLog(self.redis),
            control=self.control,
            works={RunKind.ASK: answering.work},
        )

    def answer(self, work: Work) -> Run:
        self.answering(work).execute(self.run.run_id)
        return self.now()

    def now(self) -> Run:
        with UnitOfWork(self.engine) as uow:
            return uow.runs.get(self.run.run_id)

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in RunEventLog(self.redis).read(self.run.run_id)]


@pytest.fixture
def desk(engine: Engine, redis_url: str, tmp_path: Path) -> Iterator[Desk]:
    redis = connect(redis_url)
    desk = Desk(engine, redis, add_tenant(engine), tmp_path)
    yield desk
    desk.lifecycle.finish(desk.run.run_id, desk.now().attempts, status=RunStatus.CANCELLED)
    redis.close()


def until_stopped(_context: AgentContext, tools: ToolContext, _budget: Budget) -> Outcome:
    """Works until the token is set, as a query does."""
    stopped = threading.Event()
    tools.cancel.on_cancel(stopped.set)
    assert stopped.wait(15)
    raise QueryCancelled("This run was stopped.")


def test_an_answer_is_written_with_its_steps(desk: Desk) -> None:
    seen: list[ToolContext] = []

    def work(context: AgentContext, tools: ToolContext, budget: Budget) -> Outcome:
        seen.append(tools)
        tools.report("read", "Read the question", duration_ms=3.14159)
        assert context.question == desk.run.question
        assert 0 < budget.query_seconds() <= 5
        return ANSWERED

    done = desk.answer(work)
    assert done.status is RunStatus.ANSWERED
    assert [(line["key"], line["state"], line["duration_ms"]) for line in done.steps] == [
        ("read", "done", 3.1)
    ]
    assert desk.kinds() == [
        EventKind.STARTED,
        EventKind.STEP,
        EventKind.STEP,
        EventKind.ANSWER,
    ]
    assert seen[0].actor.user_id == desk.run.user_id
    assert seen[0].findings.timings["queue_wait"] >= 0
    assert not desk.control.has_lease(desk.run.run_id)


def test_a_second_job_for_the_same_run_does_nothing(desk: Desk) -> None:
    desk.answer(lambda *_: ANSWERED)
    desk.answer(until_stopped)
    assert desk.now().attempts == 1


def test_what_nobody_expected_stays_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def work(*_: Any) -> Outcome:
        raise ZeroDivisionError("password=hunter2 at /srv/secret/path")

    done = desk.answer(work)
    assert done.failure is not None
    assert done.failure.code == "internal_error"
    assert desk.run.run_id in done.failure.message
    assert "hunter2" not in str(done.failure)
    assert any(record.exc_info for record in caplog.records)
    assert done.steps[0]["state"] == "fail"


def test_known_errors_keep_their_words(desk: Desk) -> None:
    def work(*_: Any) -> Outcome:
        raise EngineUnavailable("Sales does not answer.", hint="Try again.")

    failure = desk.answer(work).failure
    assert failure is not None
    assert (failure.code, failure.message, failure.hint) == (
        "engine_unavailable",
        "Sales does not answer.",
        "Try again.",
    )


def test_stop_is_felt_within_a_moment(desk: Desk) -> None:
    pressed: list[float] = []

    def work(context: AgentContext, tools: ToolContext, budget: Budget) -> Outcome:
        pressed.append(time.monotonic())
        desk.control.request_cancel(desk.run.run_id)
        return until_stopped(context, tools, budget)

    done = desk.answer(work)
    assert time.monotonic() - pressed[0] < 1
    assert done.status is RunStatus.CANCELLED
    assert done.steps[0]["state"] == "warn"
    assert desk.kinds()[-1] is EventKind.CANCELLED


def test_a_stop_that_came_first_is_heard_too(desk: Desk) -> None:
    desk.control.request_cancel(desk.run.run_id)
    assert desk.answer(until_stopped).status is RunStatus.CANCELLED


def test_the_lease_is_held_while_it_works(desk: Desk) -> None:
    held: list[bool] = []

    def work(*_: Any) -> Outcome:
        started = time.monotonic()
        while time.monotonic() - started < 6:
            held.append(desk.control.has_lease(desk.run.run_id))
            time.sleep(0.1)
        return ANSWERED

    assert desk.answer(work).status is RunStatus.ANSWERED
    assert all(held)


def test_a_worker_that_lost_its_lease_keeps_quiet(desk: Desk) -> None:
    def work(context: AgentContext, tools: ToolContext, budget: Budget) -> Outcome:
        desk.control.release_lease(desk.run.run_id)
        assert desk.control.hold_lease(desk.run.run_id, "w2", seconds=30)
        return until_stopped(context, tools, budget)

    assert desk.answer(work).status is RunStatus.RUNNING
    assert desk.kinds()[-1] is EventKind.STEP


def test_a_stopping_worker_hands_back(desk: Desk) -> None:
    answering = desk.answering(until_stopped)
    working = threading.Thread(target=answering.execute, args=[desk.run.run_id])
    working.start()
    wait_until(lambda: answering.is_busy, "the run to begin")
    answering.stop()
    working.join(10)
    assert desk.now().status is RunStatus.QUEUED
    assert not answering.is_busy
    # And what it begins after the request goes back at once.
    answering.execute(desk.run.run_id)
    ended = desk.now()
    assert ended.failure is not None
    assert ended.failure.code == "worker_lost"


def test_an_ending_waits_for_postgres(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []
    real = RunLifecycle.finish

    def flaky(self: RunLifecycle, run_id: str, attempt: int, **ending: Any) -> bool:
        tries.append(run_id)
        if len(tries) < 3:
            raise ServiceUnavailable("The database does not answer.")
        return real(self, run_id, attempt, **ending)

    monkeypatch.setattr(RunLifecycle, "finish", flaky)
    assert desk.answer(lambda *_: ANSWERED).status is RunStatus.ANSWERED
    assert len(tries) == 3


def test_an_ending_that_cannot_be_written_is_left_to_the_reaper(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> bool:
        raise ServiceUnavailable("The database does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr("aiser_app.services.run_execution.PERSIST_SECONDS", 0.5)
        patched.setattr(RunLifecycle, "finish", down)
        assert desk.answer(lambda *_: ANSWERED).status is RunStatus.RUNNING
    assert not desk.control.has_lease(desk.run.run_id)


def test_sources_that_are_gone_are_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "aiser_app.db.repositories.semantic_models.SemanticModelRepository.find_latest",
        lambda *_: None,
    )
    failure = desk.answer(lambda *_: ANSWERED).failure
    assert failure is not None
    assert failure.code == "not_found"


def test_a_run_goes_on_while_redis_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    def work(context: AgentContext, tools: ToolContext, budget: Budget) -> Outcome:
        def away(*_: Any, **__: Any) -> Any:
            raise ServiceUnavailable("Redis does not answer.")

        with monkeypatch.context() as patched:
            patched.setattr(RunEventLog, "append", away)
            patched.setattr(RunControl, "is_cancel_requested", away)
            tools.report("query-1", "Running the query")
            time.sleep(0.3)
        return ANSWERED

    done = desk.answer(work)
    assert done.status is RunStatus.ANSWERED
    assert [line["key"] for line in done.steps] == ["read", "query-1"]
    assert "run_event_not_told" in caplog.messages
