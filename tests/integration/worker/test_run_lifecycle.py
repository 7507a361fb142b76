"""Runs move by compare-and-set: whoever comes late changes nothing, and every run ends once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.answer import Answer
from aiser_app.domain.chart import Chart, ChartKind, ChartSpec
from aiser_app.domain.run import EventKind, Run, RunFailure, RunStatus
from aiser_app.errors import ServiceUnavailable
from aiser_app.services.run_lifecycle import RunLifecycle, final_payload, job_id_of
from tests.fixtures.organizations import Tenant, add_run, add_tenant
from tests.fixtures.worker import wait_until

pytestmark = pytest.mark.integration
ANSWER = Answer(text="42")


@dataclass
class Clock:
    skipped: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Connection]:
    connection = connect(redis_url)
    connection.flushdb()
    yield connection
    connection.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lifecycle(engine: Engine, redis: Connection, clock: Clock) -> RunLifecycle:
    return RunLifecycle(
        engine,
        events=RunEventLog(redis),
        control=RunControl(redis),
        queue=JobQueue(redis),
        now=clock,
    )


@pytest.fixture(scope="module")
def tenant(engine: Engine) -> Tenant:
    return add_tenant(engine)


@pytest.fixture
def run(engine: Engine, tenant: Tenant) -> Iterator[Run]:
    """A queued run; whatever is open afterwards is ended, the reaper looks at all of them."""
    yield add_run(engine, tenant.actor(), tenant.source)
    with UnitOfWork(engine) as uow:
        for one in uow.runs.list_open():
            uow.runs.finish(one.run_id, one.attempts, status=RunStatus.CANCELLED)
        uow.commit()


@pytest.fixture
def now_is(engine: Engine, run: Run) -> Callable[[], Run]:
    def look() -> Run:
        with UnitOfWork(engine) as uow:
            return uow.runs.get(run.run_id)

    return look


def kinds(redis: Connection, run: Run) -> list[EventKind]:
    return [event.kind for event in RunEventLog(redis).read(run.run_id)]


def lose_lease(redis: Connection, run: Run) -> None:
    RunControl(redis).release_lease(run.run_id)


def test_one_of_two_workers_begins(lifecycle: RunLifecycle, redis: Connection, run: Run) -> None:
    begun = lifecycle.begin(run.run_id, "w1")
    assert begun is not None
    assert (begun.status, begun.attempts) == (RunStatus.RUNNING, 1)
    assert RunControl(redis).has_lease(run.run_id)
    assert lifecycle.begin(run.run_id, "w2") is None
    assert lifecycle.begin(run.run_id, "w1") is None
    assert kinds(redis, run) == [EventKind.STARTED]


def test_what_has_ended_does_not_begin(
    lifecycle: RunLifecycle, redis: Connection, run: Run
) -> None:
    assert lifecycle.finish(run.run_id, 0, status=RunStatus.CANCELLED)
    assert lifecycle.begin(run.run_id, "w1") is None
    assert not RunControl(redis).has_lease(run.run_id)
    assert lifecycle.begin("0" * 32, "w1") is None


def test_a_claim_that_a_crash_forgot_is_made_again(
    lifecycle: RunLifecycle, engine: Engine, redis: Connection, run: Run, clock: Clock
) -> None:
    """Claims do not wait for the disk: the database may come back without one."""
    assert lifecycle.begin(run.run_id, "w1") is not None
    forgotten = text(
        "UPDATE runs SET status = 'queued', attempts = 0, worker = NULL, started_at = NULL"
        " WHERE run_id = :run_id"
    )
    with engine.begin() as connection:
        connection.execute(forgotten, {"run_id": run.run_id})
    assert lifecycle.begin(run.run_id, "w2") is None  # the first is at it still
    assert not lifecycle.finish(run.run_id, 1, status=RunStatus.ANSWERED, answer=ANSWER)
    assert kinds(redis, run) == [EventKind.STARTED]
    lose_lease(redis, run)
    clock.skip(5)
    assert lifecycle.requeue_or_fail_lost() == 0
    clock.skip(3)
    assert lifecycle.requeue_or_fail_lost() == 1
    assert JobQueue(redis).is_pending(f"{run.run_id}-0")
    assert lifecycle.begin(run.run_id, "w2") is not None
    assert lifecycle.finish(run.run_id, 1, status=RunStatus.ANSWERED, answer=ANSWER)
    assert kinds(redis, run) == [EventKind.STARTED, EventKind.STARTED, EventKind.ANSWER]


def test_a_run_ends_once(
    lifecycle: RunLifecycle, redis: Connection, run: Run, now_is: Callable[[], Run]
) -> None:
    lifecycle.begin(run.run_id, "w1")
    steps = [{"key": "read", "title": "Read", "state": "done"}]
    assert lifecycle.finish(run.run_id, 1, status=RunStatus.ANSWERED, answer=ANSWER, steps=steps)
    failure = RunFailure(code="late", message="Too late.")
    assert not lifecycle.finish(run.run_id, 1, status=RunStatus.FAILED, failure=failure)
    ended = now_is()
    assert ended.status is RunStatus.ANSWERED
    assert ended.failure is None
    assert list(ended.steps) == steps
    assert kinds(redis, run) == [EventKind.STARTED, EventKind.ANSWER]


def test_an_attempt_that_was_overtaken_changes_nothing(
    lifecycle: RunLifecycle, redis: Connection, run: Run, now_is: Callable[[], Run]
) -> None:
    first = lifecycle.begin(run.run_id, "w1")
    assert first is not None
    lose_lease(redis, run)
    assert lifecycle.hand_back(first)
    assert not lifecycle.hand_back(first)
    second = lifecycle.begin(run.run_id, "w2")
    assert second is not None
    assert second.attempts == 2
    assert not lifecycle.finish(run.run_id, 1, status=RunStatus.ANSWERED, answer=ANSWER)
    assert now_is().status is RunStatus.RUNNING
    assert lifecycle.finish(run.run_id, 2, status=RunStatus.ANSWERED, answer=ANSWER)
    assert kinds(redis, run) == [
        EventKind.STARTED,
        EventKind.STEP,
        EventKind.STARTED,
        EventKind.ANSWER,
    ]


def test_a_lost_run_is_queued_once_more_then_fails(
    lifecycle: RunLifecycle,
    redis: Connection,
    run: Run,
    clock: Clock,
    now_is: Callable[[], Run],
) -> None:
    queue = JobQueue(redis)
    begun = lifecycle.begin(run.run_id, "w1")
    assert begun is not None
    assert lifecycle.requeue_or_fail_lost() == 0
    lose_lease(redis, run)
    assert lifecycle.requeue_or_fail_lost() == 0, "a lease may be late: suspicion first"
    clock.skip(3)
    assert lifecycle.requeue_or_fail_lost() == 1
    assert now_is().status is RunStatus.QUEUED
    assert queue.is_pending(job_id_of(begun))

    assert lifecycle.begin(run.run_id, "w2") is not None
    lose_lease(redis, run)
    lifecycle.requeue_or_fail_lost()
    clock.skip(3)
    assert lifecycle.requeue_or_fail_lost() == 1
    ended = now_is()
    assert ended.failure is not None
    assert ended.failure.code == "worker_lost"
    assert lifecycle.requeue_or_fail_lost() == 0


def test_a_lease_that_came_back_clears_the_suspicion(
    lifecycle: RunLifecycle, redis: Connection, run: Run, clock: Clock
) -> None:
    lifecycle.begin(run.run_id, "w1")
    lose_lease(redis, run)
    lifecycle.requeue_or_fail_lost()
    RunControl(redis).hold_lease(run.run_id, "w1")
    clock.skip(3)
    assert lifecycle.requeue_or_fail_lost() == 0
    lose_lease(redis, run)
    assert lifecycle.requeue_or_fail_lost() == 0


def test_a_queued_run_without_a_job_gets_one(
    lifecycle: RunLifecycle, redis: Connection, run: Run, clock: Clock
) -> None:
    queue = JobQueue(redis)
    assert lifecycle.requeue_or_fail_lost() == 0, "it may still be on its way"
    clock.skip(4)
    assert lifecycle.requeue_or_fail_lost() == 0
    clock.skip(3)
    assert lifecycle.requeue_or_fail_lost() == 1
    assert queue.is_pending(job_id_of(run))
    clock.skip(10)
    assert lifecycle.requeue_or_fail_lost() == 0
    assert queue.depth()["interactive"] == 1


@pytest.mark.parametrize("running", [False, True])
def test_no_run_outlives_its_deadline(
    lifecycle: RunLifecycle,
    redis: Connection,
    run: Run,
    clock: Clock,
    now_is: Callable[[], Run],
    running: bool,
) -> None:
    if running:
        lifecycle.begin(run.run_id, "w1")
    clock.skip(124)
    assert lifecycle.requeue_or_fail_lost() == 1
    ended = now_is()
    assert ended.failure is not None
    assert ended.failure.code == "deadline_exceeded"
    assert "120 s" in ended.failure.message
    assert RunControl(redis).is_cancel_requested(run.run_id)
    assert kinds(redis, run)[-1] is EventKind.FAILED


def test_the_worker_has_a_moment_to_end_it_itself(
    lifecycle: RunLifecycle, run: Run, clock: Clock
) -> None:
    lifecycle.begin(run.run_id, "w1")
    clock.skip(121)
    assert lifecycle.requeue_or_fail_lost() == 0


def test_the_ending_is_told_when_redis_is_back(
    lifecycle: RunLifecycle,
    redis: Connection,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Postgres has it first; an append that fails is tried again, and at last given up."""
    lifecycle.begin(run.run_id, "w1")
    tries: list[str] = []
    real = RunEventLog.append

    def flaky(self: RunEventLog, run_id: str, kind: EventKind, payload: dict[str, Any]) -> Any:
        tries.append(run_id)
        if len(tries) < 3:
            raise ServiceUnavailable("Redis does not answer.")
        return real(self, run_id, kind, payload)

    monkeypatch.setattr(RunEventLog, "append", flaky)
    monkeypatch.setattr("aiser_app.services.run_lifecycle.time.sleep", lambda _seconds: None)
    assert lifecycle.finish(run.run_id, 1, status=RunStatus.ANSWERED, answer=ANSWER)
    assert len(tries) == 3
    assert kinds(redis, run)[-1] is EventKind.ANSWER


def test_a_run_begins_while_events_cannot_be_told(
    lifecycle: RunLifecycle, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise ServiceUnavailable("Redis does not answer.")

    monkeypatch.setattr(RunEventLog, "append", away)
    begun = lifecycle.begin(run.run_id, "w1")
    assert begun is not None
    assert begun.attempts == 1


def test_final_events_are_small() -> None:
    spec = ChartSpec(kind=ChartKind.BAR, title="T")
    chart = Chart(spec=spec, option={"series": [{"data": [1] * 2_000}]})
    payload = final_payload(replace(ANSWER, chart=chart), None)
    assert payload["text"] == "42"
    assert payload["chart"] == {
        "spec": {"kind": "bar", "title": "T", "x": "", "y": [], "series": "", "unit": ""}
    }
    assert final_payload(None, RunFailure(code="c", message="m"))["code"] == "c"
    assert final_payload(None, None) == {}


def test_leases_end_with_their_worker(redis: Connection, run: Run) -> None:
    control = RunControl(redis)
    control.hold_lease(run.run_id, "dead", seconds=0.2)
    wait_until(lambda: not control.has_lease(run.run_id), "the lease to end", 5)
