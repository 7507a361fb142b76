from __future__ import annotations

from aiser_app.bootstrap import worker


def clean_up() -> None:
    """Remove ended sessions, half-written results, and rows that are over. Once an hour."""
    worker.clean_up().run()
