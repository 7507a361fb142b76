from __future__ import annotations

from aiser_app.bootstrap import worker


def clean_up() -> None:
    """Remove ended sessions and half-written results. Once a day."""
    worker.clean_up().run()
