from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def sync_source(run_id: str) -> None:
    """Read a source's catalog anew. Idempotent: a run that is not queued is left alone."""
    execution().execute(run_id)
