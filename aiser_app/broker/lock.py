"""A lock across processes that ends by itself when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import LockError, LockNotOwnedError

from aiser_app.broker.connection import Connection, redis_errors


@contextmanager
def exclusive(connection: Connection, name: str, *, seconds: float) -> Iterator[bool]:
    """Try to hold the lock while the block runs; yields whether it is held. Never waits.

    `seconds` is how long it stays held when the holder dies; the block must take less.
    """
    lock = connection.lock(f"lock:{name}", timeout=seconds, blocking=False)
    with redis_errors():
        held = bool(lock.acquire())
    try:
        yield held
    finally:
        if held:
            # Not ours any more when it took longer than `seconds`.
            with redis_errors(), suppress(LockNotOwnedError, LockError):
                lock.release()
