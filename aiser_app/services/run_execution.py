"""What a worker does with a run of whatever kind: claim, work, write down. Only workers import this."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TypeAlias

from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.answer import Answer
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.run import Run, RunFailure, RunKind, RunStatus
from aiser_app.errors import AiserError, ServiceUnavailable
from aiser_app.services.run_lifecycle import RunLifecycle, deadline_failure, failure_of
from aiser_app.services.run_watch import RunWatch
from aiser_app.services.step_lines import StepLines

log = logging.getLogger(__name__)

PERSIST_SECONDS = 20.0
"""How long an ending is tried to be written while Postgres is away; then the reaper ends the run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How the work on a run ended: an answer for questions, an outcome for the other kinds."""

    status: RunStatus
    answer: Answer | None = None
    failure: RunFailure | None = None
    outcome: Mapping[str, Any] | None = None
    write: Callable[[UnitOfWork], None] | None = None
    """Written in the transaction that ends the run, unless somebody else has ended it."""
    insert: Callable[[UnitOfWork], None] | None = None
    """As `write`, for rows that are added without reading any: it costs no call of the database."""


Work: TypeAlias = Callable[[Run, CancelToken, StepLines], Ending]
"""The work of one kind. Raises `AiserError` for what a person should read."""


def succeeding(work: Callable[[Run, CancelToken, StepLines], Mapping[str, Any]]) -> Work:
    """A work that ends in `succeeded` with what it returns, or raises."""

    def run_it(run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        return Ending(status=RunStatus.SUCCEEDED, outcome=work(run, cancel, steps))

    return run_it


class RunExecution:
    """One per worker process; works on one run at a time."""

    def __init__(
        self,
        *,
        worker: str,
        lifecycle: RunLifecycle,
        events: RunEventLog,
        control: RunControl,
        works: Mapping[RunKind, Work],
    ) -> None:
        self._worker = worker
        self._lifecycle = lifecycle
        self._events = events
        self._control = control
        self._works = works
        self._current: CancelToken | None = None
        self._is_stopping = False

    def execute(self, run_id: str) -> None:
        """Work on a queued run; does nothing when it is not queued (any more).

        Raises:
            ServiceUnavailable: the run could not be claimed; it stays queued, the reaper sees to it.
        """
        run = self._lifecycle.begin(run_id, self._worker)
        if run is None:
            return
        cancel = CancelToken()
        self._current = cancel
        if self._is_stopping:
            cancel.cancel("shutdown")
        steps = StepLines(self._events, run_id)
        watch = RunWatch(
            self._control,
            run_id=run_id,
            worker=self._worker,
            seconds_left=(run.deadline_at - datetime.now(UTC)).total_seconds(),
            cancel=cancel,
        )
        try:
            with watch:
                ending = self._ending(run, cancel, steps)
                self._persist(run, ending, cancel, steps)
        finally:
            self._current = None

    def stop(self) -> None:
        """Interrupt the run in hand, and any that still begins: they go back into the queue."""
        self._is_stopping = True
        current = self._current
        if current is not None:
            current.cancel("shutdown")

    @property
    def is_busy(self) -> bool:
        return self._current is not None

    def _ending(self, run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        """The work, with whatever goes wrong turned into an ending."""
        try:
            return self._works[run.kind](run, cancel, steps)
        except AiserError as error:
            log.info("run_stopped", extra={"run_id": run.run_id, "code": error.code})
            failure = failure_of(error)
        except Exception:
            log.exception("run_failed_unexpectedly", extra={"run_id": run.run_id})
            failure = RunFailure(
                code=AiserError.code,
                message=f"Something went wrong inside Aiser (run {run.run_id}).",
                hint="Try again; if it stays, give this run id to your administrator.",
            )
        return self._failed(run, failure, cancel.reason)

    @staticmethod
    def _failed(run: Run, failure: RunFailure, reason: str | None) -> Ending:
        """Why the work stopped decides, not where the stop was noticed."""
        if reason == "cancelled":
            return Ending(status=RunStatus.CANCELLED)
        if reason == "deadline" or failure.code == "deadline_exceeded":
            return Ending(status=RunStatus.FAILED, failure=deadline_failure(run))
        return Ending(status=RunStatus.FAILED, failure=failure)

    def _persist(self, run: Run, ending: Ending, cancel: CancelToken, steps: StepLines) -> None:
        """Write the ending, waiting for Postgres if need be."""
        if cancel.reason == "lost":
            log.warning("run_left_to_another_worker", extra={"run_id": run.run_id})
            return
        give_up_at = perf_counter() + PERSIST_SECONDS
        while True:
            try:
                self._write(run, ending, cancel, steps)
            except ServiceUnavailable:
                if perf_counter() > give_up_at:
                    log.error("run_ending_not_written", extra={"run_id": run.run_id})
                    return
                time.sleep(0.3)
            else:
                return

    def _write(self, run: Run, ending: Ending, cancel: CancelToken, steps: StepLines) -> None:
        interrupted = ending.status is RunStatus.FAILED and cancel.reason == "shutdown"
        if interrupted:
            self._lifecycle.hand_back(run)
            return
        self._lifecycle.finish(
            run.run_id,
            run.attempts,
            status=ending.status,
            answer=ending.answer,
            failure=ending.failure,
            outcome=ending.outcome,
            write=ending.write,
            insert=ending.insert,
            steps=steps.close("warn" if ending.status is RunStatus.CANCELLED else "fail"),
        )
