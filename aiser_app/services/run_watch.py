"""Watches over a run while it works: renews its lease, hears a Stop, minds the deadline."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Self

from aiser_app.broker.run_control import RunControl
from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import ServiceUnavailable
from aiser_app.observability.background import in_background
from aiser_app.services.run_lifecycle import LEASE_SECONDS

log = logging.getLogger(__name__)

RENEW_SECONDS = 1.0
LOOK_SECONDS = 0.1
"""How often the cancel flag is looked at: Stop must be felt within 200 ms."""


class RunWatch:
    """A context manager around the work on one run; sets `cancel` with the reason."""

    def __init__(
        self,
        control: RunControl,
        *,
        run_id: str,
        worker: str,
        seconds_left: float,
        cancel: CancelToken,
    ) -> None:
        self._control = control
        self._run_id = run_id
        self._worker = worker
        self._cancel = cancel
        self._done = threading.Event()
        self._seconds_left = max(0.0, seconds_left)
        self._watching: tuple[Future[None], ...] = ()

    def __enter__(self) -> Self:
        # Apart from each other: while Redis is away, the watcher may hang in a call to it.
        self._watching = (in_background(self._watch), in_background(self._mind_deadline))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        wait(self._watching, timeout=LEASE_SECONDS)
        try:
            self._control.release_lease(self._run_id, self._worker)
        except ServiceUnavailable:
            log.warning("lease_not_released", extra={"run_id": self._run_id})

    def _mind_deadline(self) -> None:
        if not self._done.wait(self._seconds_left):
            self._cancel.cancel("deadline")

    def _watch(self) -> None:
        renewed_at = time.monotonic()
        while not self._done.wait(LOOK_SECONDS):
            try:
                if self._control.is_cancel_requested(self._run_id):
                    self._cancel.cancel("cancelled")
                if time.monotonic() - renewed_at >= RENEW_SECONDS:
                    if not self._control.hold_lease(self._run_id, self._worker, LEASE_SECONDS):
                        log.warning("lease_lost", extra={"run_id": self._run_id})
                        self._cancel.cancel("lost")
                    renewed_at = time.monotonic()
            except ServiceUnavailable:
                # Redis is away: the work goes on, the deadline holds without it.
                continue
