"""Actors found a moment ago, so that a page full of requests asks the database once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from aiser_app.domain.actor import Actor

CACHE_SECONDS = 5.0
"""Upper bound on how long another process's revocation goes unnoticed here."""
CACHE_SIZE = 5_000


class ActorCache:
    """By hash of the token. Forgetting is at once in this process, `CACHE_SECONDS` in others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Actor]] = OrderedDict()

    def find(self, token_hash: str) -> Actor | None:
        with self._lock:
            found = self._entries.get(token_hash)
            if found is None:
                return None
            until, actor = found
            if until <= self._clock():
                del self._entries[token_hash]
                return None
            return actor

    def put(self, token_hash: str, actor: Actor, seconds: float = CACHE_SECONDS) -> None:
        with self._lock:
            self._entries[token_hash] = (self._clock() + min(seconds, CACHE_SECONDS), actor)
            self._entries.move_to_end(token_hash)
            while len(self._entries) > CACHE_SIZE:
                self._entries.popitem(last=False)

    def forget(self, token_hash: str) -> None:
        with self._lock:
            self._entries.pop(token_hash, None)

    def forget_user(self, user_id: str) -> None:
        with self._lock:
            for token_hash in [h for h, (_, a) in self._entries.items() if a.user_id == user_id]:
                del self._entries[token_hash]
