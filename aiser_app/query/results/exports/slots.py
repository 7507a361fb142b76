"""How many exports one process makes at the same time: they take CPU and disk from everybody."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator

from aiser_app.errors import TooManyAttempts
from aiser_app.query.results.exports.contract import Chunks

EXPORTS_AT_ONCE = 4
WORKBOOKS_AT_ONCE = 2
"""Of these four. XLSX is the one format that is written to disk first, with much CPU."""
WAIT_SECONDS = 5.0
_MAX_WAITING = 8
"""Each one holds a thread of those that serve all other requests, too."""


class ExportSlots:
    """One condition instead of two semaphores: nobody holds one while waiting for the other."""

    def __init__(
        self,
        *,
        at_once: int = EXPORTS_AT_ONCE,
        workbooks_at_once: int = WORKBOOKS_AT_ONCE,
        wait_seconds: float = WAIT_SECONDS,
        max_waiting: int = _MAX_WAITING,
    ) -> None:
        self._at_once = at_once
        self._workbooks_at_once = workbooks_at_once
        self._wait_seconds = wait_seconds
        self._max_waiting = max_waiting
        # Its lock may be taken twice by one thread: forgotten chunks give their slot back whenever
        # the garbage collection finds them.
        self._changed = threading.Condition(threading.RLock())
        self._running = 0
        self._workbooks = 0
        self._waiting = 0

    def take(self, extension: str) -> Callable[[], None]:
        """A slot; what is returned gives it back, and is to be called once.

        Raises:
            TooManyAttempts: none came free for some seconds.
        """
        is_workbook = extension == "xlsx"
        with self._changed:
            if not self._is_free(is_workbook) and not self._wait(is_workbook):
                raise TooManyAttempts(
                    "Others are exporting at the moment, as many as Aiser serves at the same time.",
                    hint="Try again in a minute.",
                )
            self._running += 1
            self._workbooks += is_workbook
        return lambda: self._give_back(is_workbook)

    def _is_free(self, is_workbook: bool) -> bool:
        if is_workbook and self._workbooks >= self._workbooks_at_once:
            return False
        return self._running < self._at_once

    def _wait(self, is_workbook: bool) -> bool:
        if self._waiting >= self._max_waiting:
            return False
        self._waiting += 1
        try:
            return self._changed.wait_for(lambda: self._is_free(is_workbook), self._wait_seconds)
        finally:
            self._waiting -= 1

    def _give_back(self, is_workbook: bool) -> None:
        with self._changed:
            self._running -= 1
            self._workbooks -= is_workbook
            self._changed.notify_all()


class HeldChunks:
    """Pieces of a file that hold something, until the last one is taken or nobody wants them.

    `close` may come from another thread, and waits for the piece that is just being made. What is
    forgotten without it lets go when it is collected.
    """

    def __init__(self, chunks: Chunks, let_go: Callable[[], None]) -> None:
        self._chunks = chunks
        self._lock = threading.Lock()
        self._end = weakref.finalize(self, _end, chunks, let_go)
        self._end.atexit = False  # the end of the process lets go of everything

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            try:
                return next(self._chunks)
            except BaseException:
                self._end()
                raise

    def close(self) -> None:
        """Let go; more than once is fine."""
        with self._lock:
            self._end()


def _end(chunks: Chunks, let_go: Callable[[], None]) -> None:
    try:
        chunks.close()
    finally:
        let_go()
