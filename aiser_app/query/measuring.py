"""What a query costs the process that runs it: time, processor, memory."""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache
from types import TracebackType
from typing import Self

import psutil

from aiser_app.observability.background import in_background

SAMPLE_SECONDS = 0.02
"""Memory is looked at this often; what rises and falls in between goes unseen."""


class Measurement:
    """A context manager around one query. Workers run one query at a time, so the process is the query.

    A query that ends within the first sample has the memory of its end.
    """

    def __init__(self, *, is_sampling: bool = True) -> None:
        """Without sampling memory is that of the end: for what takes no longer than a sample."""
        self._is_sampling = is_sampling
        self._process = _process(os.getpid())
        self._done = threading.Event()
        self._before = 0
        self._peak = 0
        self._sampled = 0
        self._started = 0.0
        self._cpu_started = 0.0
        self.duration_ms = 0.0
        self.cpu_ms = 0.0

    @property
    def peak_memory_bytes(self) -> int:
        """Highest resident memory above what it was before."""
        return max(0, max(self._peak, self._sampled) - self._before)

    def __enter__(self) -> Self:
        self._before = self._peak = self._resident()
        self._started = time.perf_counter()
        self._cpu_started = time.process_time()
        if self._is_sampling:
            in_background(self._sample)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.duration_ms = round((time.perf_counter() - self._started) * 1000, 3)
        self.cpu_ms = round((time.process_time() - self._cpu_started) * 1000, 3)
        self._done.set()
        self._peak = max(self._peak, self._resident())

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self._sampled = max(self._sampled, self._resident())

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)


@lru_cache(maxsize=1)
def _process(pid: int) -> psutil.Process:
    """This process: asking for it anew costs more than reading its memory."""
    return psutil.Process(pid)
