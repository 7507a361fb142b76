from __future__ import annotations

from aiser_app.bootstrap.worker import execution


def run_query(run_id: str) -> None:
    """Run the query of one run. Idempotent: a run that is not queued is left alone."""
    execution().execute(run_id)
