"""Limits on tries. They hold while Redis is down, too: then each process counts for itself."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from aiser_app.errors import ServiceUnavailable, TooManyAttempts

log = logging.getLogger(__name__)

LOCAL_KEYS = 10_000
"""Counters kept in a process while Redis is down; the oldest are dropped first."""


class Limiter(Protocol):
    def hit(self, key: str, limit: int, window_seconds: int) -> bool: ...

    def reset(self, key: str) -> None: ...


class LocalLimiter:
    """Counts in this process only: with n web processes the limit is n times as high at worst."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def hit(self, key: str, limit: int, window_seconds: int) -> bool:
        now = self._clock()
        with self._lock:
            ends, count = self._windows.get(key, (0.0, 0))
            if ends <= now:
                ends, count = now + window_seconds, 0
            self._windows[key] = (ends, count + 1)
            self._windows.move_to_end(key)
            while len(self._windows) > LOCAL_KEYS:
                self._windows.popitem(last=False)
        return count < limit

    def reset(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)


class Throttle:
    """Every try is counted before it is judged, so that parallel tries cannot slip through."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._local = LocalLimiter()

    def count(self, key: str, *, limit: int, window_seconds: int, message: str) -> None:
        """Count one try.

        Raises:
            TooManyAttempts: more than `limit` tries within the window.
        """
        hashed = _hashed(key)
        try:
            is_allowed = self._limiter.hit(hashed, limit, window_seconds)
        except ServiceUnavailable:
            log.warning("throttle_counts_locally")
            is_allowed = self._local.hit(hashed, limit, window_seconds)
        if not is_allowed:
            raise TooManyAttempts(message, hint=f"Try again in {window_seconds // 60} minutes.")

    def forgive(self, key: str) -> None:
        """Forget the tries after a good one."""
        hashed = _hashed(key)
        self._local.reset(hashed)
        try:
            self._limiter.reset(hashed)
        except ServiceUnavailable:
            log.warning("throttle_not_reset")


def _hashed(key: str) -> str:
    """Emails of people do not belong into Redis."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
