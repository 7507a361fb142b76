"""Removes what nobody can reach any more."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from aiser_app.db.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

LEFTOVER_SECONDS = 24 * 3600
"""A result file that is still unfinished after this long belongs to a worker that died."""


class CleanUp:
    def __init__(self, engine: Engine, *, results_dir: Path) -> None:
        self._engine = engine
        self._results_dir = results_dir

    def run(self) -> int:
        """Sessions that have ended, and half-written results; returns the number of files."""
        with UnitOfWork(self._engine) as uow:
            uow.sessions.delete_expired(datetime.now(UTC))
            uow.commit()
        removed = sum(self._remove(path) for path in self._results_dir.glob("*/.*.tmp"))
        log.info("cleaned_up", extra={"leftover_files": removed})
        return removed

    @staticmethod
    def _remove(path: Path) -> bool:
        try:
            if time.time() - path.stat().st_mtime < LEFTOVER_SECONDS:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True
