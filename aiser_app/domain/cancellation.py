"""How a Stop reaches whatever is running: set once, from any thread, heard by everyone."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CancelToken:
    """Set by the watcher of a run; engines register what to interrupt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """`cancelled`, `deadline`, `shutdown`, or None while nothing was requested."""
        return self._reason

    @property
    def is_set(self) -> bool:
        return self._reason is not None

    def cancel(self, reason: str = "cancelled") -> None:
        """Set the token and call every registered callback once; later calls do nothing."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` on cancel, at once if already set. Returns a function that unregisters."""
        with self._lock:
            if self._reason is None:
                self._callbacks.append(callback)
                return lambda: self._discard(callback)
        callback()
        return lambda: None

    def _discard(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)
