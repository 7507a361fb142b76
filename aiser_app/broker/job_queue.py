"""Jobs by name: what may be enqueued, and where it waits."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.scripts import save_unique_job
from rq.serializers import JSONSerializer

from aiser_app.broker.connection import Connection, redis_errors
from aiser_app.broker.worker_registry import WorkerRegistry

INTERACTIVE = "interactive"
"""Somebody is waiting in front of a screen."""
BACKGROUND = "background"
QUEUES = (INTERACTIVE, BACKGROUND)
"""In the order in which a worker takes from them."""
FAILURE_SECONDS = 24 * 3600
"""How long a job that raised stays inspectable."""


class JobName(StrEnum):
    """Every job there is, by the dotted name of its function; listed in docs/jobs.md."""

    ANSWER_QUESTION = "aiser_app.worker.jobs.answer_question.answer_question"
    RUN_QUERY = "aiser_app.worker.jobs.run_query.run_query"
    SYNC_SOURCE = "aiser_app.worker.jobs.sync_source.sync_source"
    INGEST_FILE = "aiser_app.worker.jobs.ingest_file.ingest_file"
    EVALUATE_QUESTIONS = "aiser_app.worker.jobs.evaluate_questions.evaluate_questions"
    TRY_SEED_QUESTIONS = "aiser_app.worker.jobs.try_seed_questions.try_seed_questions"
    CLEAN_UP = "aiser_app.worker.jobs.clean_up.clean_up"


class JobQueue:
    """Names and text only, as JSON: nothing that a worker unpickles."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._workers = WorkerRegistry(connection)
        self._known: set[str] = set()
        """Queues that RQ's list of queues has."""
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES
        }

    def enqueue(
        self,
        job: JobName,
        arguments: dict[str, str],
        *,
        job_id: str,
        queue: str = INTERACTIVE,
        timeout_seconds: int = 180,
    ) -> None:
        """Make a job wait in a queue; does nothing while a job of that id waits or runs.

        Raises:
            ServiceUnavailable: Redis does not answer.
        """
        with redis_errors():
            for _ in range(2):
                try:
                    self._add(job, arguments, job_id, self._queues[queue], timeout_seconds)
                except DuplicateJobError:
                    if self._is_pending(job_id):
                        return
                    self._forget(job_id)
                else:
                    return

    def _add(
        self, job: JobName, arguments: dict[str, str], job_id: str, queue: Queue, seconds: int
    ) -> None:
        """As `Queue.enqueue` in one call instead of two: RQ says each time that there is this queue.

        Raises:
            DuplicateJobError: there is a job of that id.
        """
        made = queue.create_job(
            str(job),
            kwargs=dict(arguments),
            job_id=job_id,
            timeout=seconds,
            result_ttl=0,
            failure_ttl=FAILURE_SECONDS,
            description=f"{job.name.lower()} {job_id}",
            status=JobStatus.QUEUED,
        )
        made.origin = queue.name
        made.enqueued_at = datetime.now(UTC)
        save_unique_job(self._connection, queue.key, made)  # type: ignore[no-untyped-call]
        if queue.name not in self._known:
            self._connection.sadd(Queue.redis_queues_keys, queue.key)
            self._known.add(queue.name)

    def enqueue_once(self, job: JobName, *, period: str, queue: str = BACKGROUND) -> bool:
        """Enqueue a job without arguments unless it was enqueued in that period; True if it was not.

        `period` is the beginning of an ISO date and time: `2026-01-31` for a day, `2026-01-31T14`
        for an hour.
        """
        with redis_errors():
            mark = f"once:{job.name.lower()}:{period}"
            if not self._connection.set(mark, b"1", nx=True, ex=2 * FAILURE_SECONDS):
                return False
        self.enqueue(job, {}, job_id=f"{job.name.lower()}-{period}", queue=queue)
        return True

    def is_pending(self, job_id: str) -> bool:
        """Does a job of that id wait in a queue, or run in a worker that is alive?"""
        with redis_errors():
            return self._is_pending(job_id)

    def depth(self) -> dict[str, int]:
        """Waiting jobs by queue."""
        with redis_errors():
            return {name: queue.count for name, queue in self._queues.items()}

    def _is_pending(self, job_id: str) -> bool:
        job = self._find(job_id)
        if job is None:
            return False
        status = job.get_status(refresh=False)
        if status == JobStatus.QUEUED:
            # A worker that died between taking the id off the list and starting the job leaves
            # a job that says "queued" and waits nowhere.
            return job.get_position() is not None or self._workers.is_live(job.worker_name or "")
        return status == JobStatus.STARTED and self._workers.is_live(job.worker_name or "")

    def _find(self, job_id: str) -> Job | None:
        try:
            return Job.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
        except NoSuchJobError:
            return None

    def _forget(self, job_id: str) -> None:
        job = self._find(job_id)
        if job is not None:
            job.delete()
