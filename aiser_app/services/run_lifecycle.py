"""From queued to one final status: the only code that moves a run, for workers and the reaper.

Every move is a compare-and-set on (status, attempt) in Postgres, so that a worker which comes back
from the dead changes nothing. The final event follows the commit, never the other way round.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine

from aiser_app.broker.job_queue import BACKGROUND, INTERACTIVE, JobName, JobQueue
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.answer import Answer
from aiser_app.domain.encoding import encode
from aiser_app.domain.run import EventKind, Run, RunFailure, RunKind, RunStatus
from aiser_app.errors import AiserError, RunDeadlineExceeded, ServiceUnavailable, WorkerLost
from aiser_app.services.sync_endings import leave_syncing

log = logging.getLogger(__name__)

LEASE_SECONDS = 5.0
"""Without a sign of life for this long, a worker no longer holds its run."""
MAX_ATTEMPTS = 2
SUSPICION_SECONDS = 2.0
"""A run must look lost for this long: a lease may be late when Redis has just come back."""
ENQUEUE_GRACE_SECONDS = 3.0
"""A run this young may still be on its way into the queue."""
DEADLINE_GRACE_SECONDS = 3.0
"""The worker of a run ends it at its deadline; after this the reaper does."""
FINAL_EVENT_TRIES = 5
JOB_SLACK_SECONDS = 30
"""The queue stops a job this long after the run's own deadline: only if all else failed."""
_JOBS = {
    RunKind.ASK: (JobName.ANSWER_QUESTION, INTERACTIVE),
    RunKind.QUERY: (JobName.RUN_QUERY, INTERACTIVE),
    RunKind.SYNC: (JobName.SYNC_SOURCE, BACKGROUND),
    RunKind.INGEST: (JobName.INGEST_FILE, BACKGROUND),
    RunKind.EVALUATE: (JobName.EVALUATE_QUESTIONS, BACKGROUND),
    RunKind.SEED: (JobName.TRY_SEED_QUESTIONS, BACKGROUND),
}
_ENDINGS = {
    RunStatus.ANSWERED: EventKind.ANSWER,
    RunStatus.NEEDS_INPUT: EventKind.CLARIFICATION,
    RunStatus.SUCCEEDED: EventKind.SUCCEEDED,
    RunStatus.FAILED: EventKind.FAILED,
    RunStatus.CANCELLED: EventKind.CANCELLED,
}


def job_id_of(run: Run) -> str:
    """Id of the queue's job for the next attempt of a run."""
    return f"{run.run_id}-{run.attempts}"


def enqueue_run(queue: JobQueue, run: Run, seconds: float) -> None:
    """Hand a run to the workers; `seconds` is what is left of its time."""
    job, where = _JOBS[run.kind]
    queue.enqueue(
        job,
        {"run_id": run.run_id},
        job_id=job_id_of(run),
        queue=where,
        timeout_seconds=max(1, int(seconds)) + JOB_SLACK_SECONDS,
    )


def failure_of(error: AiserError) -> RunFailure:
    return RunFailure(
        code=error.code,
        message=error.message,
        hint=error.hint,
        line=error.line,
        column=error.column,
    )


def deadline_failure(run: Run) -> RunFailure:
    seconds = (run.deadline_at - run.created_at).total_seconds()
    what = "This question was not answered" if run.kind is RunKind.ASK else "This did not end"
    return failure_of(
        RunDeadlineExceeded(
            f"{what} within {seconds:,.0f} s.",
            hint="Ask for less at once, or try again when less is going on.",
        )
    )


def worker_lost_failure() -> RunFailure:
    return failure_of(WorkerLost("The worker that was at it died, twice.", hint="Start it again."))


class RunLifecycle:
    """Shared by the worker, which begins and finishes runs, and the reaper, which mends them."""

    def __init__(
        self,
        engine: Engine,
        *,
        events: RunEventLog,
        control: RunControl,
        queue: JobQueue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._events = events
        self._control = control
        self._queue = queue
        self._now = now
        self._suspects: dict[str, datetime] = {}

    def begin(self, run_id: str, worker: str) -> Run | None:
        """Claim a queued run; None when it has ended, or somebody else is at it.

        The lease is taken first: a run that is `running` has one from its first moment on.
        """
        if not self._control.hold_lease(run_id, worker, LEASE_SECONDS):
            return None
        with UnitOfWork(self._engine, each_alone=True) as uow:
            run = uow.runs.claim(run_id, worker, self._now())
        if run is None:
            self._control.release_lease(run_id, worker)
            return None
        self._mention(run_id, EventKind.STARTED, {"attempt": run.attempts})
        return run

    def finish(
        self,
        run_id: str,
        attempt: int,
        *,
        status: RunStatus,
        answer: Answer | None = None,
        failure: RunFailure | None = None,
        outcome: Mapping[str, Any] | None = None,
        steps: Sequence[dict[str, Any]] = (),
        write: Callable[[UnitOfWork], None] | None = None,
        insert: Callable[[UnitOfWork], None] | None = None,
    ) -> bool:
        """Write the ending, and with it what `write` and `insert` add, then tell it.

        `insert` goes out together with the commit, so it may read nothing. False when the run had
        ended, or another attempt has begun.
        """
        with UnitOfWork(self._engine) as uow:
            is_first = uow.runs.finish(
                run_id,
                attempt,
                status=status,
                answer=answer,
                failure=failure,
                outcome=outcome,
                steps=steps,
                now=self._now(),
            )
            if is_first and status is not RunStatus.SUCCEEDED:
                leave_syncing(uow, uow.runs.get(run_id), failure.message if failure else "")
            if is_first and write is not None:
                write(uow)
            if is_first and insert is not None:
                uow.commit(last=partial(insert, uow))
            else:
                uow.commit()
        if is_first:
            log.info(
                "run_finished",
                extra={
                    "run_id": run_id,
                    "attempt": attempt,
                    "status": status.value,
                    "code": failure.code if failure else None,
                },
            )
            self._tell(run_id, _ENDINGS[status], final_payload(answer, failure, outcome))
        return is_first

    def hand_back(self, run: Run) -> bool:
        """Queue a running run for another attempt; ends it when there is none left."""
        if run.attempts >= MAX_ATTEMPTS:
            return self.finish(
                run.run_id,
                run.attempts,
                status=RunStatus.FAILED,
                failure=worker_lost_failure(),
                steps=run.steps,
            )
        with UnitOfWork(self._engine) as uow:
            is_first = uow.runs.requeue(run.run_id, run.attempts)
            uow.commit()
        if is_first:
            log.warning("run_requeued", extra={"run_id": run.run_id, "attempt": run.attempts})
            self._mention(
                run.run_id,
                EventKind.STEP,
                {
                    "key": "retry",
                    "title": "The worker went away; another one starts again",
                    "detail": "",
                    "state": "warn",
                    "duration_ms": None,
                },
            )
            self._enqueue(run)
        return is_first

    def requeue_or_fail_lost(self) -> int:
        """One look of the reaper at every open run; returns how many it changed.

        Raises:
            ServiceUnavailable: Postgres or Redis does not answer; nothing is judged by halves.
        """
        with UnitOfWork(self._engine) as uow:
            runs = uow.runs.list_open()
        suspects = self._suspects
        self._suspects = {}
        return sum(self._mend(run, suspects) for run in runs)

    def _mend(self, run: Run, suspects: dict[str, datetime]) -> bool:
        now = self._now()
        over_by = (now - run.deadline_at).total_seconds()
        if over_by > (DEADLINE_GRACE_SECONDS if run.status is RunStatus.RUNNING else 0):
            self._control.request_cancel(run.run_id)
            return self.finish(
                run.run_id, run.attempts, status=RunStatus.FAILED, failure=deadline_failure(run)
            )
        if not self._looks_lost(run, now):
            return False
        key = f"{run.run_id}-{run.attempts}-{run.status.value}"
        first_seen = suspects.get(key, now)
        if now - first_seen < timedelta(seconds=SUSPICION_SECONDS):
            self._suspects[key] = first_seen
            return False
        if run.status is RunStatus.RUNNING:
            return self.hand_back(run)
        log.warning("run_enqueued_again", extra={"run_id": run.run_id})
        self._enqueue(run)
        return True

    def _looks_lost(self, run: Run, now: datetime) -> bool:
        if run.status is RunStatus.RUNNING:
            return not self._control.has_lease(run.run_id)
        if now - run.created_at < timedelta(seconds=ENQUEUE_GRACE_SECONDS):
            return False
        return not self._queue.is_pending(job_id_of(run))

    def _enqueue(self, run: Run) -> None:
        enqueue_run(self._queue, run, (run.deadline_at - self._now()).total_seconds())

    def _mention(self, run_id: str, kind: EventKind, payload: dict[str, Any]) -> None:
        """Append an event that the run can do without: what was committed goes on regardless."""
        try:
            self._events.append(run_id, kind, payload)
        except ServiceUnavailable:
            log.warning("run_event_not_told", extra={"run_id": run_id, "kind": kind.value})

    def _tell(self, run_id: str, kind: EventKind, payload: dict[str, Any]) -> None:
        """Append the final event; readers ask Postgres when it never comes."""
        for attempt in range(FINAL_EVENT_TRIES):
            try:
                self._events.append(run_id, kind, payload)
            except ServiceUnavailable:
                log.warning("final_event_not_told", extra={"run_id": run_id})
                time.sleep(0.2 * (attempt + 1))
            else:
                return


def final_payload(
    answer: Answer | None,
    failure: RunFailure | None,
    outcome: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the final event tells: the answer without the option of its chart, or the failure."""
    if answer is not None:
        payload: dict[str, Any] = encode(answer)
        if answer.chart is not None:
            payload["chart"] = {"spec": encode(answer.chart.spec)}
        return payload
    if outcome is not None:
        return dict(outcome)
    return encode(failure) if failure is not None else {}
