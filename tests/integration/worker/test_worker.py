"""A real worker process: from a question in the queue to one ending, whatever happens meanwhile."""

from __future__ import annotations

import signal
import time
from dataclasses import replace

import pytest

from aiser_app.broker.run_events import RunEventLog
from aiser_app.config import Settings
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.run import EventKind, RunStatus
from aiser_app.worker.queue_worker import queues_of
from tests.fixtures.worker import WorkerBench, wait_until

pytestmark = pytest.mark.integration
QUESTION = "Which carrier has the worst average arrival delay?"


def kinds_of(bench: WorkerBench, run_id: str) -> list[EventKind]:
    return [event.kind for event in RunEventLog(bench.services.redis).read(run_id)]


def test_questions_are_answered_with_their_proof(bench: WorkerBench) -> None:
    started = time.monotonic()
    worker = bench.start()
    assert time.monotonic() - started < 15
    run = bench.ask(QUESTION)
    done = bench.finished(run.run_id)
    assert done.status is RunStatus.ANSWERED, done.failure
    assert done.answer is not None
    assert "Frontier" in done.answer.text
    assert done.answer.chart is not None
    view = bench.services.runs.view(bench.actor, run.run_id)
    assert view["rows"][0][0] == "Frontier Airlines Inc."
    assert view["sql"].startswith("SELECT")
    assert {line["state"] for line in view["progress"]} == {"done"}
    timings = view["usage"]["timings_ms"]
    assert {"queue_wait", "context", "plan", "compile", "engine_and_store", "chart"} <= set(timings)

    kinds = kinds_of(bench, run.run_id)
    assert kinds[:2] == [EventKind.QUEUED, EventKind.STARTED]
    assert kinds[-1] is EventKind.ANSWER
    assert sum(kind.is_final for kind in kinds) == 1

    follow_up = bench.ask("by month", conversation_id=run.conversation_id)
    changed = bench.finished(follow_up.run_id)
    assert changed.status is RunStatus.ANSWERED, changed.answer
    assert changed.answer is not None
    assert changed.answer.semantic_query is not None
    assert changed.answer.semantic_query.measures == ("flights.avg_arr_delay",)

    unknown = bench.finished(bench.ask("How many purple elephants are there?").run_id)
    assert unknown.status is RunStatus.NEEDS_INPUT
    assert unknown.answer is not None
    assert unknown.answer.clarification is not None
    assert unknown.answer.clarification.options
    assert unknown.answer.result_ids == ()
    assert kinds_of(bench, unknown.run_id)[-1] is EventKind.CLARIFICATION

    assert [w["pid"] for w in bench.live_workers()] == [worker.pid]
    assert worker.stop() == 0
    assert bench.live_workers() == []


def test_stop_reaches_the_database(bench: WorkerBench) -> None:
    bench.start()
    run = bench.ask_slowly()
    bench.until_querying(run.run_id)
    pressed = time.monotonic()
    bench.services.runs.cancel(bench.actor, run.run_id)
    done = bench.finished(run.run_id)
    assert done.status is RunStatus.CANCELLED
    assert time.monotonic() - pressed < 2
    assert kinds_of(bench, run.run_id)[-1] is EventKind.CANCELLED
    # The worker is free again: the query does not go on in the background.
    assert bench.finished(bench.ask(QUESTION).run_id).status is RunStatus.ANSWERED


def test_a_run_ends_at_its_deadline(bench: WorkerBench) -> None:
    bench.start()
    asked = time.monotonic()
    run = bench.ask_slowly_within(3)
    done = bench.finished(run.run_id)
    assert 2.5 < time.monotonic() - asked < 5
    assert done.status is RunStatus.FAILED
    assert done.failure is not None
    assert done.failure.code == "deadline_exceeded"


def test_a_killed_worker_costs_one_attempt_then_the_run_fails(bench: WorkerBench) -> None:
    bench.start("scheduler")
    first = bench.start()
    run = bench.ask_slowly()
    bench.until_querying(run.run_id)
    first.stop(signal.SIGKILL)
    second = bench.start()
    wait_until(lambda: bench.run(run.run_id).attempts == 2, "the second attempt")
    bench.until_querying(run.run_id)
    second.stop(signal.SIGKILL)
    done = bench.finished(run.run_id)
    assert done.status is RunStatus.FAILED
    assert done.failure is not None
    assert done.failure.code == "worker_lost"
    kinds = kinds_of(bench, run.run_id)
    assert kinds.count(EventKind.STARTED) == 2
    assert [kind for kind in kinds if kind.is_final] == [EventKind.FAILED]


def test_a_stopping_worker_hands_its_run_to_another(bench: WorkerBench) -> None:
    first = bench.start()
    run = bench.ask_slowly()
    bench.until_querying(run.run_id)
    second = bench.start()
    asked = time.monotonic()
    assert first.stop(signal.SIGTERM) == 0
    assert time.monotonic() - asked < 10
    wait_until(lambda: bench.run(run.run_id).attempts == 2, "the second attempt")
    bench.services.runs.cancel(bench.actor, run.run_id)
    assert bench.finished(run.run_id).status is RunStatus.CANCELLED
    assert second.stop() == 0


def test_an_idle_worker_stops_at_once(bench: WorkerBench) -> None:
    worker = bench.start()
    asked = time.monotonic()
    assert worker.stop(signal.SIGTERM) == 0
    assert time.monotonic() - asked < 5


def test_a_question_whose_job_was_lost_is_enqueued_again(bench: WorkerBench) -> None:
    run = bench.ask(QUESTION)
    bench.services.redis.flushdb()
    bench.start("scheduler")
    bench.start()
    assert bench.finished(run.run_id).status is RunStatus.ANSWERED


def test_users_who_were_shut_out_get_no_answer(bench: WorkerBench) -> None:
    run = bench.ask(QUESTION)
    with UnitOfWork(bench.services.engine) as uow:
        user = uow.users.find(bench.actor.organization_id, bench.actor.user_id)
        assert user is not None
        uow.users.change(replace(user, is_active=False))
        uow.commit()
    bench.start()
    done = bench.finished(run.run_id)
    assert done.failure is not None
    assert done.failure.code == "permission_denied"


@pytest.mark.parametrize(
    ("workers", "number", "queues"),
    [
        (1, 1, ("interactive", "background")),
        (2, 1, ("interactive",)),
        (2, 2, ("interactive", "background")),
        (2, 0, ("interactive", "background")),
    ],
)
def test_one_of_several_workers_is_kept_free_for_people(
    workers: int, number: int, queues: tuple[str, ...]
) -> None:
    assert queues_of(Settings(workers=workers, worker_number=number)) == queues
