"""Whether Aiser can work: each store, the tables, and somebody to do the work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import httpx
from sqlalchemy import Engine, text

from aiser_app.broker.connection import Connection, redis_errors
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.db.migrations import is_at_head
from aiser_app.db.unit_of_work import DATABASE_DOWN, database_unavailable
from aiser_app.errors import AiserError, ServiceUnavailable

log = logging.getLogger(__name__)

CHROMA_SECONDS = 1.0
ALL_SECONDS = 4.0
"""Checks run side by side; one that takes longer counts as failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Safe to show to anyone: names, versions and counts, never addresses or driver texts."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


class Health:
    def __init__(
        self, engine: Engine, *, redis: Connection, workers: WorkerRegistry, chroma_url: str
    ) -> None:
        self._engine = engine
        self._redis = redis
        self._workers = workers
        self._chroma_url = chroma_url.rstrip("/")

    def readiness(self) -> Readiness:
        """Look at everything, side by side."""
        checks: dict[str, Callable[[], str]] = {
            "database": self._database,
            "migrations": self._migrations,
            "redis": self._redis_ping,
            "chroma": self._chroma,
            "worker": self._worker,
        }
        pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="readiness")
        futures = {name: pool.submit(check) for name, check in checks.items()}
        wait(futures.values(), timeout=ALL_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        return Readiness(checks=tuple(_judged(name, future) for name, future in futures.items()))

    def _database(self) -> str:
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DATABASE_DOWN as error:
            raise database_unavailable() from error
        return "answers"

    def _migrations(self) -> str:
        if not is_at_head(self._engine):
            raise ServiceUnavailable(
                "The tables are not those of this version.",
                hint="Run `python -m aiser_app migrate`.",
            )
        return "at head"

    def _redis_ping(self) -> str:
        with redis_errors():
            self._redis.ping()
        return "answers"

    def _chroma(self) -> str:
        problem = ServiceUnavailable(
            "Chroma does not answer.", hint="It restarts by itself; see logs/chroma-1.log."
        )
        if not self._chroma_url:
            raise problem
        try:
            reply = httpx.get(
                f"{self._chroma_url}/api/v2/heartbeat", timeout=CHROMA_SECONDS, trust_env=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise problem from error
        if reply.status_code != httpx.codes.OK:
            raise problem
        return "answers"

    def _worker(self) -> str:
        live = len(self._workers.live())
        if not live:
            raise ServiceUnavailable(
                "No worker is alive: questions wait.", hint="Workers need up to 15 s to start."
            )
        return f"{live} alive"


def _judged(name: str, future: Future[str]) -> Check:
    if not future.done():
        return Check(name=name, ok=False, detail=f"No answer within {ALL_SECONDS:.0f} s.")
    error = future.exception()
    if error is None:
        return Check(name=name, ok=True, detail=future.result())
    if isinstance(error, AiserError):
        return Check(name=name, ok=False, detail=error.message, hint=error.hint or "")
    log.error("readiness_check_broke", extra={"check": name}, exc_info=error)
    return Check(name=name, ok=False, detail="The check itself failed.", hint="See the log.")
