"""Short companions of a piece of work: a watchdog, a sampler, a renewal. Their threads are used again.

Starting a thread waits until it runs, which on a busy machine takes milliseconds, several times per
query. A thread that is waiting in a pool is only woken.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

MAX_THREADS = 512
"""More companions than this at once wait for one another; a process works on far fewer queries."""

_pool: ThreadPoolExecutor | None = None


def in_background(work: Callable[[], None]) -> Future[None]:
    """Run `work` in a thread of the pool; it has to end when what it accompanies ends.

    The future's `result()` waits for that, and raises what `work` raised.
    """
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="companion")
    return _pool.submit(work)


def _forget() -> None:
    """After a fork the parent's threads do not exist."""
    global _pool
    _pool = None


os.register_at_fork(after_in_child=_forget)
