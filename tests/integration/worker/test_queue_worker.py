"""The worker's own way with jobs: few calls, and every ending of a job as RQ would have it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.suspension import resume, suspend

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import BACKGROUND, INTERACTIVE
from aiser_app.config import Settings
from aiser_app.worker.queue_worker import QueueWorker

pytestmark = pytest.mark.integration
HERE = "tests.integration.worker.test_queue_worker"
SEEN: list[dict[str, Any]] = []
REDIS: list[Connection] = []


def note(job_id: str) -> None:
    """A job: keeps what Redis says of it while it runs."""
    key = f"rq:job:{job_id}"
    known = {k.decode(): v.decode(errors="replace") for k, v in REDIS[0].hgetall(key).items()}
    SEEN.append({**known, "seconds": REDIS[0].ttl(key)})


def fail() -> None:
    raise LookupError("the job broke")


def sleep_long() -> None:
    time.sleep(20)


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Connection]:
    connection = connect(redis_url)
    connection.flushdb()
    SEEN.clear()
    REDIS[:] = [connection]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield connection
    connection.close()
    for number, handler in handlers.items():
        signal.signal(number, handler)


def make_worker(redis_url: str, *, only_interactive: bool = False) -> QueueWorker:
    settings = Settings(redis_url=redis_url, workers=2, worker_number=1 if only_interactive else 2)
    return QueueWorker(settings, "w1", threading.Event())


def work(worker: QueueWorker) -> None:
    """All that waits."""
    worker.work(burst=True, logging_level=None)


def enqueue(redis: Connection, job: str, queue: str = INTERACTIVE, **options: Any) -> Job:
    made = Queue(queue, connection=redis, serializer=JSONSerializer)
    return made.enqueue(f"{HERE}.{job}", result_ttl=0, failure_ttl=600, **options)


def keys(redis: Connection, pattern: str) -> list[bytes]:
    return list(redis.scan_iter(pattern))


@pytest.mark.parametrize("only_interactive", [False, True])
def test_a_job_says_whose_it_is_while_it_runs_and_then_is_gone(
    redis: Connection, redis_url: str, only_interactive: bool
) -> None:
    enqueue(redis, "note", kwargs={"job_id": "a"}, job_id="a", job_timeout=100)
    work(make_worker(redis_url, only_interactive=only_interactive))
    (seen,) = SEEN
    assert (seen["status"], seen["worker_name"]) == ("started", "w1")
    # A worker that dies leaves a record that removes itself.
    assert 24 * 3600 < seen["seconds"] <= 24 * 3600 + 160
    assert keys(redis, "rq:job:*") == []
    assert keys(redis, "rq:*:intermediate") == []
    assert StartedJobRegistry(INTERACTIVE, connection=redis).count == 0


def test_a_job_costs_few_calls(redis: Connection, redis_url: str) -> None:
    """RQ's own way takes about forty."""
    jobs = 20
    for number in range(jobs):
        enqueue(redis, "note", kwargs={"job_id": f"j{number}"}, job_id=f"j{number}")
    before = redis.info("commandstats")
    work(make_worker(redis_url))
    after = redis.info("commandstats")
    calls = sum(
        value["calls"] - before.get(name, {"calls": 0})["calls"] for name, value in after.items()
    )
    assert len(SEEN) == jobs
    # Two calls are those of `note`; joining and leaving the queue are in it, too.
    assert calls / jobs < 16


def test_a_job_that_breaks_is_kept_and_the_next_one_runs(redis: Connection, redis_url: str) -> None:
    enqueue(redis, "fail", job_id="broken")
    enqueue(redis, "note", kwargs={"job_id": "next"}, job_id="next")
    work(make_worker(redis_url))
    assert FailedJobRegistry(INTERACTIVE, connection=redis).get_job_ids() == ["broken"]
    kept = Job.fetch("broken", connection=redis, serializer=JSONSerializer)
    assert kept.get_status() is JobStatus.FAILED
    assert "LookupError: the job broke" in (kept.latest_result().exc_string or "")
    assert len(SEEN) == 1


def test_a_job_that_never_ends_is_stopped(redis: Connection, redis_url: str) -> None:
    enqueue(redis, "sleep_long", job_id="long", job_timeout=1)
    begun = time.monotonic()
    work(make_worker(redis_url))
    assert time.monotonic() - begun < 15
    assert FailedJobRegistry(INTERACTIVE, connection=redis).get_job_ids() == ["long"]


def test_a_request_to_stop_waits_for_the_job_and_takes_no_other(
    redis: Connection, redis_url: str
) -> None:
    enqueue(redis, "ask_to_stop", job_id="last")
    enqueue(redis, "note", kwargs={"job_id": "waits"}, job_id="waits")
    worker = make_worker(redis_url)
    work(worker)
    assert worker._stopping.is_set()
    assert SEEN == []
    assert keys(redis, "rq:job:*") == [b"rq:job:waits"]


def test_a_request_that_came_too_early_is_heard(redis: Connection, redis_url: str) -> None:
    enqueue(redis, "note", kwargs={"job_id": "waits"}, job_id="waits")
    worker = make_worker(redis_url)
    worker._stopping.set()
    work(worker)
    assert SEEN == []


def test_workers_can_be_suspended(redis: Connection, redis_url: str) -> None:
    enqueue(redis, "note", kwargs={"job_id": "a"}, job_id="a")
    suspend(redis)
    work(make_worker(redis_url))
    assert SEEN == []
    resume(redis)
    work(make_worker(redis_url))
    assert len(SEEN) == 1


def test_the_record_of_a_worker_is_renewed_now_and_then(
    redis: Connection, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make_worker(redis_url)
    worker.heartbeat()
    first = redis.hget(worker.key, "last_heartbeat")
    worker.heartbeat()
    assert redis.hget(worker.key, "last_heartbeat") == first
    monkeypatch.setattr("aiser_app.worker.queue_worker.KEEP_SECONDS", 0.0)
    worker.heartbeat()
    assert redis.hget(worker.key, "last_heartbeat") != first


def test_people_who_wait_come_first(redis: Connection, redis_url: str) -> None:
    enqueue(redis, "note", BACKGROUND, kwargs={"job_id": "later"}, job_id="later")
    enqueue(redis, "note", kwargs={"job_id": "first"}, job_id="first")
    work(make_worker(redis_url))
    assert [seen["origin"] for seen in SEEN] == [INTERACTIVE, BACKGROUND]
