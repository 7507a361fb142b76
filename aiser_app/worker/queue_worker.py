"""RQ's worker with less bookkeeping: what a run needs is in Postgres and in its own lease.

RQ itself tells Redis of every step of every job, some forty calls, which took longer than a small
query. What it would do with them (statistics, finding jobs of dead workers) is done here by leases
and the reaper; see docs/decisions/0008-simple-worker.md.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from types import FrameType

from redis.client import Pipeline
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus
from typing_extensions import override

from aiser_app.broker.connection import connect
from aiser_app.broker.job_queue import FAILURE_SECONDS, INTERACTIVE, QUEUES
from aiser_app.config import Settings

RQ_TTL_SECONDS = 60
"""Life of RQ's own record of this worker; also bounds its blocking read of the queues."""
KEEP_SECONDS = 10.0
"""How often that record is renewed, and how soon `rq suspend` is noticed."""


class QueueWorker(SimpleWorker):
    """Stops between jobs; a job in hand is asked to come to its end."""

    def __init__(self, settings: Settings, name: str, stopping: threading.Event) -> None:
        super().__init__(
            list(queues_of(settings)),
            name=name,
            connection=connect(settings.redis_url, reply_timeout=RQ_TTL_SECONDS + 10),
            serializer=JSONSerializer,
            worker_ttl=RQ_TTL_SECONDS,
            log_job_description=False,
        )
        self.log_result_lifespan = False
        self._stopping = stopping
        self._kept_at = float("-inf")
        self._looked_at = float("-inf")

    @override
    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        if self._stopping.is_set():
            # The request came while this was starting.
            self._stop_requested = True

    @override
    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    @override
    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """RQ asks for one several times per job; between jobs one now and then is enough."""
        if pipeline is None and timeout is None:
            if time.monotonic() - self._kept_at < KEEP_SECONDS:
                return
            self._kept_at = time.monotonic()
        super().heartbeat(timeout, pipeline)

    @override
    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Known here alone, where it decides how a request to stop is taken."""
        self._state = state

    @override
    def check_for_suspension(self, burst: bool) -> None:
        if time.monotonic() - self._looked_at >= KEEP_SECONDS:
            self._looked_at = time.monotonic()
            super().check_for_suspension(burst)

    @override
    def execute_job(self, job: Job, queue: Queue) -> None:
        """One call to Redis before the job and one after; more only for a job that fails."""
        self.set_state(WorkerStatus.BUSY)
        try:
            self._begin(job, queue)
            try:
                timeout = int(job.timeout or RQ_TTL_SECONDS)
                with self.death_penalty_class(timeout, JobTimeoutException, job_id=job.id):
                    job.perform()
            except Exception:  # noqa: BLE001 - whatever it is, it is kept with the job
                self._keep_failed(job, queue)
            else:
                self.connection.delete(job.key)
        finally:
            self.set_state(WorkerStatus.IDLE)

    def _begin(self, job: Job, queue: Queue) -> None:
        """Say whose the job is: whoever enqueues it again asks whether that worker lives.

        The record of a job whose worker dies removes itself.
        """
        seconds = self.get_heartbeat_ttl(job)
        with self.connection.pipeline(transaction=False) as pipeline:
            self.heartbeat(seconds, pipeline)
            job.prepare_for_execution(self.name, pipeline)
            pipeline.expire(job.key, seconds + FAILURE_SECONDS)
            if len(self.queues) == 1:
                # With one queue RQ moves ids aside when it takes them.
                pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.execute()

    def _keep_failed(self, job: Job, queue: Queue) -> None:
        """A run does not end like this: this is a job that broke, for whoever looks into it."""
        job.ended_at = datetime.now(UTC)
        self.handle_exception(job, *sys.exc_info())
        self.handle_job_failure(job, queue, exc_string=traceback.format_exc())


def queues_of(settings: Settings) -> tuple[str, ...]:
    """What a worker takes, in order. The first of several is there for people who wait."""
    is_kept_free = settings.workers > 1 and settings.worker_number == 1
    return (INTERACTIVE,) if is_kept_free else QUEUES
