"""Stops a running query from outside: at its time limit, or when somebody cancels."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import AiserError, QueryCancelled, QueryTimedOut
from aiser_app.observability.background import in_background

log = logging.getLogger(__name__)

REPEAT_SECONDS = 0.05
"""An interrupt that arrives between two steps of a query is lost, so it is repeated until the end."""


class Watchdog:
    """While entered, calls `interrupt` once the time is up or the token is set, until left."""

    def __init__(
        self, interrupt: Callable[[], None], timeout_seconds: float, cancel: CancelToken
    ) -> None:
        self._interrupt = interrupt
        self._timeout = timeout_seconds
        self._cancel = cancel
        self._wake = threading.Event()
        self._done = threading.Event()
        self._timed_out = False
        self._unregister: Callable[[], None] = lambda: None
        self._watching: Future[None] | None = None

    def __enter__(self) -> Watchdog:
        if self._cancel.is_set:
            raise self._stop_error()
        self._unregister = self._cancel.on_cancel(self._wake.set)
        self._watching = in_background(self._watch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unregister()
        self._done.set()
        self._wake.set()
        if self._watching is not None and self._watching.exception() is not None:
            log.warning("interrupt_failed", exc_info=self._watching.exception())

    @property
    def has_stopped(self) -> bool:
        """Whether an interrupt was sent: one may still be on its way to the connection."""
        return self._timed_out or self._cancel.is_set

    def raise_if_stopped(self, cause: BaseException) -> None:
        """Called when a query failed: an interrupted one failed because it was stopped.

        Raises:
            QueryCancelled, QueryTimedOut: the watchdog had stopped the query.
        """
        if self.has_stopped:
            raise self._stop_error() from cause

    def _watch(self) -> None:
        if not self._wake.wait(self._timeout):
            self._timed_out = True
        while not self._done.is_set():
            self._interrupt()
            self._done.wait(REPEAT_SECONDS)

    def _stop_error(self) -> AiserError:
        if self._timed_out or self._cancel.reason == "deadline":
            seconds = f" after {self._timeout:.3g} s" if self._timed_out else ""
            return QueryTimedOut(
                f"The query was stopped at its time limit{seconds}.",
                hint="Ask for less: a shorter time range, or fewer groups.",
            )
        return QueryCancelled("The query was stopped.")
