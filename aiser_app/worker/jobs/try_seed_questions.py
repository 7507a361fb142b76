from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def try_seed_questions(run_id: str) -> None:
    """Try the questions that a source is introduced with.

    Idempotent: a run that is not queued is left alone.
    """
    execution().execute(run_id)
