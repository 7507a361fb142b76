"""Connections that are used again: one pool per source, bounded by the source's own setting."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryTimedOut

Connection = TypeVar("Connection")

IDLE_SECONDS = 120.0
"""An idle connection is not used again after this: proxies and servers cut quiet ones off."""
_LOOK_SECONDS = 0.1
"""How often a waiting query looks whether it was cancelled."""


@dataclass(eq=False, slots=True)
class Lease(Generic[Connection]):
    """A borrowed connection, closed afterwards unless `keep` was called.

    Only whoever used a connection knows that it is in order.
    """

    connection: Connection
    is_kept: bool = False

    def keep(self) -> None:
        self.is_kept = True


@dataclass(eq=False, slots=True)
class _Pool(Generic[Connection]):
    """`busy` counts borrowed connections; both fields change under the condition of Pools."""

    key: tuple[object, ...]
    size: int
    busy: int = 0
    idle: list[tuple[float, Connection]] = field(default_factory=list)


class Pools(Generic[Connection]):
    """A pool per source id. A source whose address or size has changed gets a new one."""

    def __init__(
        self,
        opening: Callable[[DataSource], Connection],
        closing: Callable[[Connection], None],
    ) -> None:
        """`opening` makes a connection or raises EngineUnavailable; `closing` never raises."""
        self._opening = opening
        self._closing = closing
        self._pools: dict[str, _Pool[Connection]] = {}
        self._changed = threading.Condition()
        self._pid = os.getpid()

    @contextmanager
    def borrowed(
        self,
        source: DataSource,
        *,
        wait_seconds: float,
        cancel: CancelToken,
        ready: Callable[[Connection], None] = lambda _: None,
    ) -> Iterator[Lease[Connection]]:
        """A connection for one query, new or used before.

        `ready` makes it ready for the query. Where it raises EngineUnavailable for a connection
        that was used before, that one has died while it was idle, and another one is taken.

        Raises:
            QueryTimedOut: all connections of the source stayed busy.
            QueryCancelled: cancelled while waiting.
            EngineUnavailable: as `opening`, and `ready` for a new connection.
        """
        pool, connection = self._take(source, wait_seconds, cancel)
        lease: Lease[Connection] | None = None
        try:
            lease = Lease(self._made_ready(pool, connection, source, ready))
            yield lease
        finally:
            self._give_back(pool, lease)

    def close(self) -> None:
        """Close every idle connection; borrowed ones are closed when they come back."""
        with self._changed:
            pools, self._pools = list(self._pools.values()), {}
            idle = [connection for pool in pools for _, connection in pool.idle]
            for pool in pools:
                pool.idle.clear()
        for connection in idle:
            self._closing(connection)

    def _made_ready(
        self,
        pool: _Pool[Connection],
        connection: Connection | None,
        source: DataSource,
        ready: Callable[[Connection], None],
    ) -> Connection:
        while True:
            is_new = connection is None
            candidate = self._opening(source) if connection is None else connection
            try:
                ready(candidate)
            except BaseException as error:
                self._closing(candidate)
                if is_new or not isinstance(error, EngineUnavailable):
                    raise
            else:
                return candidate
            with self._changed:
                connection = pool.idle.pop()[1] if pool.idle else None

    def _take(
        self, source: DataSource, wait_seconds: float, cancel: CancelToken
    ) -> tuple[_Pool[Connection], Connection | None]:
        deadline = time.monotonic() + wait_seconds
        stale: list[Connection] = []
        try:
            with self._changed:
                while True:
                    pool = self._current(source, stale)
                    self._drop_old(stale)
                    if pool.busy < pool.size:
                        pool.busy += 1
                        return pool, pool.idle.pop()[1] if pool.idle else None
                    self._wait(source, pool, deadline, cancel)
        finally:
            for connection in stale:
                self._closing(connection)

    def _wait(
        self, source: DataSource, pool: _Pool[Connection], deadline: float, cancel: CancelToken
    ) -> None:
        if cancel.is_set and cancel.reason != "deadline":
            raise QueryCancelled("The query was stopped.")
        left = deadline - time.monotonic()
        if left <= 0 or cancel.is_set:
            raise QueryTimedOut(
                f"“{source.name}” was busy: {pool.size} queries run on it at the same time.",
                hint="Try again in a moment, or let an administrator allow more at once.",
            )
        self._changed.wait(min(left, _LOOK_SECONDS))

    def _current(self, source: DataSource, stale: list[Connection]) -> _Pool[Connection]:
        """The pool of the source as it is now; the condition is held."""
        if self._pid != os.getpid():
            # After a fork the sockets belong to the parent: they must not even be closed politely.
            self._pools, self._pid = {}, os.getpid()
        size = max(1, source.settings.max_concurrent)
        key = (source.engine, source.sealed_url, tuple(sorted(source.options.items())), size)
        pool = self._pools.get(source.source_id)
        if pool is None or pool.key != key:
            if pool is not None:
                stale.extend(connection for _, connection in pool.idle)
                pool.idle.clear()
            pool = self._pools[source.source_id] = _Pool(key, size)
        return pool

    def _drop_old(self, stale: list[Connection]) -> None:
        """Connections of all sources that were idle for long; the condition is held."""
        oldest = time.monotonic() - IDLE_SECONDS
        for pool in self._pools.values():
            stale.extend(connection for since, connection in pool.idle if since < oldest)
            pool.idle = [item for item in pool.idle if item[0] >= oldest]

    def _give_back(self, pool: _Pool[Connection], lease: Lease[Connection] | None) -> None:
        drop = lease
        with self._changed:
            pool.busy -= 1
            is_current = any(known is pool for known in self._pools.values())
            if lease is not None and lease.is_kept and is_current:
                pool.idle.append((time.monotonic(), lease.connection))
                drop = None
            self._changed.notify_all()
        if drop is not None:
            self._closing(drop.connection)
