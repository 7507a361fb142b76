"""Jobs wait once, and are told apart from jobs that were lost with their worker."""

from __future__ import annotations

import json
import uuid

import pytest
from rq.job import Job
from rq.serializers import JSONSerializer

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.job_queue import JobName, JobQueue
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.errors import ServiceUnavailable

pytestmark = pytest.mark.integration


@pytest.fixture
def queue(redis: Connection) -> JobQueue:
    redis.flushdb()
    return JobQueue(redis)


def enqueue(queue: JobQueue, job_id: str, where: str = "interactive") -> None:
    queue.enqueue(JobName.ANSWER_QUESTION, {"run_id": "r"}, job_id=job_id, queue=where)


def test_a_job_waits_once(queue: JobQueue) -> None:
    job_id = uuid.uuid4().hex
    assert not queue.is_pending(job_id)
    enqueue(queue, job_id)
    enqueue(queue, job_id)
    assert queue.is_pending(job_id)
    assert queue.depth() == {"interactive": 1, "background": 0}
    enqueue(queue, "another", "background")
    assert queue.depth() == {"interactive": 1, "background": 1}


def test_a_job_is_names_and_text_in_json(queue: JobQueue, redis: Connection) -> None:
    enqueue(queue, "plain")
    job = Job.fetch("plain", connection=redis, serializer=JSONSerializer)
    assert json.loads(job.data) == [str(JobName.ANSWER_QUESTION), None, [], {"run_id": "r"}]
    assert job.timeout == 180


def test_a_job_lost_with_its_worker_may_be_enqueued_again(
    queue: JobQueue, redis: Connection
) -> None:
    enqueue(queue, "lost")
    redis.lpop("rq:queue:interactive")
    assert not queue.is_pending("lost")
    enqueue(queue, "lost")
    assert queue.is_pending("lost")
    assert queue.depth()["interactive"] == 1


def test_a_started_job_is_pending_while_its_worker_lives(
    queue: JobQueue, redis: Connection
) -> None:
    enqueue(queue, "running")
    redis.lpop("rq:queue:interactive")
    redis.hset("rq:job:running", mapping={"status": "started", "worker_name": "w1"})
    workers = WorkerRegistry(redis)
    assert not queue.is_pending("running")
    workers.beat("w1", {})
    assert queue.is_pending("running")
    enqueue(queue, "running")
    assert queue.depth()["interactive"] == 0
    workers.forget("w1")
    assert not queue.is_pending("running")


def test_an_unreachable_server_is_service_unavailable() -> None:
    queue = JobQueue(connect("redis://127.0.0.1:1/0"))
    with pytest.raises(ServiceUnavailable):
        enqueue(queue, "x")
    with pytest.raises(ServiceUnavailable):
        queue.is_pending("x")
    with pytest.raises(ServiceUnavailable):
        queue.depth()
