from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def evaluate_questions(run_id: str) -> None:
    """Put an organization's verified questions to the planner.

    Idempotent: a run that is not queued is left alone.
    """
    execution().execute(run_id)
