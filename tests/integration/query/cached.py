"""Small things that tests of the cache need."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.result import Column, Result
from aiser_app.query.cache import Fetched, ResultCache


def a_result(sql: str = "SELECT 1") -> Result:
    return Result(
        result_id=uuid.uuid4().hex,
        organization_id="0" * 32,
        source_id="1" * 32,
        columns=(Column(name="a", type="integer"),),
        row_count=1,
        truncated=False,
        limit=10,
        as_of=datetime.now(UTC),
        duration_ms=1.5,
        engine="postgres",
        route="direct",
        why="",
        sql=sql,
        tables=("orders",),
        claims_hash="c",
    )


def own(result: Result) -> Result:
    """What the router does: an envelope of the caller's own around the same rows."""
    return replace(result, result_id=uuid.uuid4().hex, from_cache=True)


class Loads:
    """Counts its calls; `gate` keeps them from ending."""

    def __init__(self, *, is_open: bool = True, error: BaseException | None = None) -> None:
        self.count = 0
        self.gate = threading.Event()
        self.error = error
        self._lock = threading.Lock()
        if is_open:
            self.gate.set()

    def __call__(self) -> Result:
        with self._lock:
            self.count += 1
        assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        return a_result()


def fetch(cache: ResultCache, key: str, load: Callable[[], Result], **options: Any) -> Fetched:
    return cache.fetch_told(
        key,
        **{
            "sources": ("1" * 32,),
            "ttl_seconds": 60.0,
            "cancel": CancelToken(),
            "reuse": own,
            "load": load,
            **options,
        },
    )


class Caller(threading.Thread):
    """One request in a thread; its result or error is there when it has ended."""

    def __init__(self, call: Callable[[], Fetched]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.fetched: Fetched | None = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.fetched = self._call()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def ended(self, seconds: float = 30) -> Caller:
        self.join(seconds)
        assert not self.is_alive()
        return self


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
