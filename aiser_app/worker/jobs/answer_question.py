from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def answer_question(run_id: str) -> None:
    """Answer the question of one run. Idempotent: a run that is not queued is left alone."""
    execution().execute(run_id)
