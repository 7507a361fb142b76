"""The step list of a run: told as events while it grows, kept with the run when it has ended."""

from __future__ import annotations

import logging
import threading
from typing import Any

from aiser_app.broker.run_events import RunEventLog
from aiser_app.domain.run import EventKind
from aiser_app.errors import ServiceUnavailable

log = logging.getLogger(__name__)


class StepLines:
    """Lines by key, in the order in which they first appeared."""

    def __init__(self, events: RunEventLog, run_id: str) -> None:
        self._events = events
        self._run_id = run_id
        self._lines: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def report(
        self,
        key: str,
        title: str,
        detail: str = "",
        *,
        state: str = "done",
        duration_ms: float | None = None,
    ) -> None:
        line = {
            "key": key,
            "title": title,
            "detail": detail,
            "state": state,
            "duration_ms": None if duration_ms is None else round(duration_ms, 1),
        }
        with self._lock:
            self._lines[key] = line
        self.emit(EventKind.STEP, line)

    def emit(self, kind: EventKind, payload: dict[str, Any]) -> None:
        """Tell it; a run goes on when Redis is away, its steps are kept all the same."""
        try:
            self._events.append(self._run_id, kind, payload)
        except ServiceUnavailable:
            log.warning("run_event_not_told", extra={"run_id": self._run_id, "kind": kind.value})

    def close(self, state: str = "fail") -> list[dict[str, Any]]:
        """The lines for the record; those still running did not come to their end."""
        with self._lock:
            return [
                {**line, "state": state} if line["state"] == "run" else dict(line)
                for line in self._lines.values()
            ]
