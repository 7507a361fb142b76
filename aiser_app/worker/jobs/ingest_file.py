from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def ingest_file(run_id: str) -> None:
    """Make an uploaded file tables of its source. Idempotent: a run that is not queued is left alone."""
    execution().execute(run_id)
