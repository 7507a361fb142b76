"""Uses results again, and lets many who ask the same at once wait for one query.

Without Redis every request simply runs: the cache makes things fast and is never needed.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from aiser_app.broker.result_cache import CachedResult, Outcome, ResultCacheStore
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.result import Result
from aiser_app.errors import AiserError, QueryCancelled, QueryTimedOut, ServiceUnavailable
from aiser_app.observability.background import in_background

log = logging.getLogger(__name__)

LONGEST_SECONDS = 7 * 24 * 3600.0
"""How long a result may live whose source tells when its data changes."""
STALE_SECONDS = 3600.0
"""How long a result of a live source is kept beyond its time, for whoever accepts a stale one."""
LOOK_SECONDS = 0.1
"""Within this somebody who waits notices a Stop, or that whoever they wait for has died."""
DOWN_SECONDS = 1.0
"""After a failure of Redis requests run without asking it again for so long."""
MAX_LOST = 3
"""After so many shared results whose rows were gone, a request runs by itself."""


class How(StrEnum):
    """Where a result came from."""

    HIT = "hit"
    STALE = "stale"
    """Its time is over; a newer one was asked for."""
    SHARED = "shared"
    """Made meanwhile for somebody who asked the same."""
    LOADED = "loaded"
    UNCACHED = "uncached"
    """Loaded without the cache, which does not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    result: Result
    how: How


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """One request as `fetch` got it."""

    key: str
    sources: tuple[str, ...]
    ttl_seconds: float
    bypass: bool
    stale_ok_seconds: float
    cancel: CancelToken
    load: Callable[[], Result]
    reuse: Callable[[Result], Result | None]
    refresh: Callable[[], None] | None
    give_up_at: float

    @property
    def keep_seconds(self) -> float:
        """Beyond its time, for whoever accepts a stale one."""
        return self.ttl_seconds + STALE_SECONDS

    @property
    def flight(self) -> str:
        """Who wants a new result does not wait for one that was begun for others."""
        return f"{self.key}:again" if self.bypass else self.key


class _Unavailable(Exception):
    """The cache does not answer; never raised by a load."""


class ResultCache:
    """One per process; safe to use from many threads."""

    def __init__(self, store: ResultCacheStore) -> None:
        self._store = store
        self._down_until = 0.0

    def find(self, key: str) -> Result | None:
        """A fresh result, if there is one; None also when the cache does not answer."""
        try:
            with self._asking():
                found = self._store.find(key)
        except _Unavailable:
            return None
        return found.result if found is not None and found.is_fresh else None

    def fetch(
        self,
        key: str,
        *,
        sources: Sequence[str],
        ttl_seconds: float | None,
        cancel: CancelToken,
        load: Callable[[], Result],
        reuse: Callable[[Result], Result | None],
        bypass: bool = False,
        stale_ok_seconds: float = 0.0,
        refresh: Callable[[], None] | None = None,
        wait_seconds: float | None = None,
    ) -> Result:
        """As `fetch_told`, without saying how."""
        return self.fetch_told(
            key,
            sources=sources,
            ttl_seconds=ttl_seconds,
            cancel=cancel,
            load=load,
            reuse=reuse,
            bypass=bypass,
            stale_ok_seconds=stale_ok_seconds,
            refresh=refresh,
            wait_seconds=wait_seconds,
        ).result

    def fetch_told(
        self,
        key: str,
        *,
        sources: Sequence[str],
        ttl_seconds: float | None,
        cancel: CancelToken,
        load: Callable[[], Result],
        reuse: Callable[[Result], Result | None],
        bypass: bool = False,
        stale_ok_seconds: float = 0.0,
        refresh: Callable[[], None] | None = None,
        wait_seconds: float | None = None,
    ) -> Fetched:
        """A result for `key`: kept, made by somebody else right now, or made by `load`.

        Args:
            key: from `cache_key`; nothing but equal keys ever share a result.
            sources: ids of all sources, for `invalidate`.
            ttl_seconds: how long a new result may be used again; 0 never, though it is still
                shared with those who wait for it; None until the version of the data changes.
            cancel: ends the caller's waiting; `load` hears of it by itself.
            load: runs the query in this thread, for one of all who ask at the same time.
            reuse: makes the caller's own envelope for rows that exist; None when they are gone.
            bypass: run again and replace what is kept.
            stale_ok_seconds: how much too old a result may be, when a newer one is on its way.
            refresh: asks for a newer one in the background, for one of all who get a stale result.
                Without it that is only given while somebody makes a newer one.
            wait_seconds: longest time to wait for somebody else's query; None for no end.

        Raises:
            AiserError: what `load` raises; QueryInvalid and QueryDenied also of somebody else's.
            QueryCancelled, QueryTimedOut: while waiting.
        """
        asked = _Asked(
            key=key,
            sources=tuple(sources),
            ttl_seconds=min(
                LONGEST_SECONDS if ttl_seconds is None else ttl_seconds, LONGEST_SECONDS
            ),
            bypass=bypass,
            stale_ok_seconds=stale_ok_seconds,
            cancel=cancel,
            load=load,
            reuse=reuse,
            refresh=refresh,
            give_up_at=float("inf") if wait_seconds is None else time.monotonic() + wait_seconds,
        )
        return self._fetched(asked)

    def _fetched(self, asked: _Asked) -> Fetched:
        try:
            found = self._kept(asked) or self._flown(asked)
        except _Unavailable:
            found = None
        return found or Fetched(result=asked.load(), how=How.UNCACHED)

    def invalidate(self, source_id: str) -> int:
        """Drop everything that was made of a source; 0 when the cache does not answer.

        Keys contain the version of the data, so this only frees memory and stops results of live
        sources from being used until their time is over.
        """
        try:
            with self._asking():
                return self._store.invalidate(source_id)
        except _Unavailable:
            return 0

    def _kept(self, asked: _Asked) -> Fetched | None:
        if asked.bypass or asked.ttl_seconds <= 0:
            return None
        with self._asking():
            entry = self._store.find(asked.key)
        if entry is None:
            return None
        if entry.is_fresh:
            return self._reused(asked, entry.result, How.HIT)
        return self._stale(asked, entry)

    def _stale(self, asked: _Asked, entry: CachedResult) -> Fetched | None:
        if time.time() >= entry.fresh_until + asked.stale_ok_seconds:
            return None
        with self._asking():
            is_coming = self._store.is_flying(asked.flight)
            is_ours = not is_coming and asked.refresh is not None
            is_first = is_ours and self._store.claim_refresh(asked.key)
        if not (is_coming or is_ours):
            return None
        if is_first and asked.refresh is not None:
            asked.refresh()
        found = self._reused(asked, entry.result, How.STALE)
        return found and replace(found, result=replace(found.result, is_stale=True))

    def _flown(self, asked: _Asked) -> Fetched | None:
        """Take the flight, or wait for whoever has it; None when that leads nowhere."""
        token = uuid.uuid4().hex
        lost = 0
        while lost < MAX_LOST:
            with self._asking():
                holder = self._store.begin(asked.flight, token)
            if holder == token:
                return self._held(asked, token)
            outcome = self._waited(asked, holder)
            if outcome.error is not None:
                raise outcome.error
            if outcome.result is not None:
                found = self._reused(asked, outcome.result, How.SHARED)
                if found is not None:
                    return found
                lost += 1
        return None

    def _held(self, asked: _Asked, token: str) -> Fetched:
        """The flight is ours: look once more, for its last holder may just have landed; then load."""
        outcome, how, began_at = Outcome(), How.LOADED, time.time()
        try:
            with self._renewing(asked.flight, token):
                found = self._landed(asked)
                result = found.result if found is not None else asked.load()
            outcome = Outcome(result=result)
            if found is not None:
                return found
            if not self._store_result(asked, result, began_at):
                how = How.UNCACHED
            return Fetched(result=result, how=how)
        except AiserError as error:
            outcome = Outcome(error=error)
            raise
        finally:
            self._end(asked.flight, token, outcome)

    def _landed(self, asked: _Asked) -> Fetched | None:
        if asked.bypass or asked.ttl_seconds <= 0:
            return None
        try:
            with self._asking():
                entry = self._store.find(asked.key)
        except _Unavailable:
            return None
        return self._reused(asked, entry.result, How.HIT) if entry and entry.is_fresh else None

    def _waited(self, asked: _Asked, holder: str) -> Outcome:
        """What came of somebody else's flight; nothing when it ended without a result."""
        while True:
            if asked.cancel.is_set:
                raise _stopped(asked.cancel)
            if time.monotonic() >= asked.give_up_at:
                raise QueryTimedOut(
                    "The same query is running for somebody else and took too long.",
                    hint="Try again in a moment.",
                )
            with self._asking():
                outcome = self._store.wait(asked.flight, holder, LOOK_SECONDS)
                if outcome is not None:
                    return outcome
                if not self._store.is_flying(asked.flight):
                    return Outcome()

    def _reused(self, asked: _Asked, result: Result, how: How) -> Fetched | None:
        own = asked.reuse(result)
        if own is not None:
            return Fetched(result=own, how=how)
        with self._asking():
            self._store.forget(asked.key, result.result_id)
        return None

    def _store_result(self, asked: _Asked, result: Result, began_at: float) -> bool:
        """Whether the cache answered. What somebody made by running again meanwhile is newer."""
        if asked.ttl_seconds <= 0:
            return True
        try:
            with self._asking():
                entry = None if asked.bypass else self._store.find(asked.key)
                if entry is not None and entry.stored_at > began_at:
                    return True
                self._store.put(
                    asked.key,
                    result,
                    sources=asked.sources,
                    fresh_seconds=asked.ttl_seconds,
                    keep_seconds=asked.keep_seconds,
                )
        except _Unavailable:
            return False
        return True

    def _end(self, flight: str, token: str, outcome: Outcome) -> None:
        try:
            with self._asking():
                self._store.end(flight, token, outcome)
        except _Unavailable:
            log.info("flight_not_ended")  # those who wait notice when its lease is over

    @contextmanager
    def _renewing(self, flight: str, token: str) -> Iterator[None]:
        """Hold on to the flight from a thread of its own, for a query blocks this one."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._store.lease_seconds / 3):
                try:
                    self._store.renew(flight, token)
                except ServiceUnavailable:
                    log.info("flight_not_renewed")

        renewing = in_background(renew)
        try:
            yield
        finally:
            done.set()
            renewing.result()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Failures of Redis, and of nothing else, become `_Unavailable`."""
        if time.monotonic() < self._down_until:
            raise _Unavailable
        try:
            yield
        except ServiceUnavailable as error:
            self._down_until = time.monotonic() + DOWN_SECONDS
            log.warning("result_cache_unavailable")
            raise _Unavailable from error


def _stopped(cancel: CancelToken) -> AiserError:
    if cancel.reason == "deadline":
        return QueryTimedOut("The query was stopped at its time limit.")
    return QueryCancelled("The query was stopped.")
