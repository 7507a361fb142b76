"""The work on seed questions: each is asked, and kept if rows come back. Only workers import this."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.run import Run, RunStatus
from aiser_app.errors import QueryCancelled
from aiser_app.planner.suggestions import suggest_questions
from aiser_app.services.evaluating import EvaluationDesks
from aiser_app.services.run_execution import Ending, Work
from aiser_app.services.step_lines import StepLines
from aiser_app.services.suggestions import SHOWN, add_seed_run

CANDIDATES = 18
"""Questions that are made at most; those that return nothing make room for others."""


class Seeding:
    """One per worker process."""

    def __init__(self, desks: EvaluationDesks) -> None:
        self._desks = desks

    def work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        """Try the questions that the model suggests until six of them have returned rows.

        Raises:
            AiserError: nothing can be tried: the source is gone, paused, or does not answer.
        """
        desk = self._desks.open(run, run.source_id, cancel)
        kept: list[str] = []
        tried = 0
        for question in suggest_questions(desk.model, CANDIDATES):
            if len(kept) == SHOWN:
                break
            if cancel.is_set:
                raise QueryCancelled("The questions were not tried to the end.")
            tried += 1
            if desk.returns_rows(question):
                kept.append(question)
            steps.report(
                "try", "Trying questions", f"{len(kept)} of {tried} return rows", state="run"
            )
        steps.report("try", "Tried questions", f"{len(kept)} of {tried} return rows")
        version = desk.model.version

        def write(uow: UnitOfWork) -> None:
            uow.seed_questions.put(
                run.organization_id,
                run.source_id,
                model_version=version,
                questions=kept,
                now=datetime.now(UTC),
            )

        return Ending(
            status=RunStatus.SUCCEEDED, outcome={"kept": len(kept), "tried": tried}, write=write
        )


def followed_by_seeding(work: Work, queue: JobQueue, events: RunEventLog) -> Work:
    """The same work on a source; when it has succeeded, the source's questions are tried anew."""

    def run_it(run: Run, cancel: CancelToken, steps: StepLines) -> Ending:
        ending = work(run, cancel, steps)
        if ending.status is not RunStatus.SUCCEEDED:
            return ending
        first = ending.write

        def write(uow: UnitOfWork) -> None:
            if first is not None:
                first(uow)
            add_seed_run(
                uow,
                organization_id=run.organization_id,
                user_id=run.user_id,
                source_id=run.source_id,
                queue=queue,
                events=events,
            )

        return replace(ending, write=write)

    return run_it
