"""Where the router writes down what it did; the services keep it in Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from aiser_app.domain.query_record import QueryRecord, QueryStatus
from aiser_app.domain.result import Result
from aiser_app.errors import AiserError
from aiser_app.query.guard import fingerprint
from aiser_app.query.measuring import Measurement
from aiser_app.query.prepared import Prepared
from aiser_app.query.request import QueryRequest

_STATUSES: Mapping[str, QueryStatus] = {
    "query_denied": QueryStatus.DENIED,
    "query_timed_out": QueryStatus.TIMED_OUT,
    "query_cancelled": QueryStatus.CANCELLED,
}


class QueryJournal(Protocol):
    """Raises `ServiceUnavailable` when it cannot write."""

    def keep(self, result: Result, record: QueryRecord) -> None:
        """The envelope of a result and its record, both or neither."""

    def note(self, record: QueryRecord) -> None:
        """A query without a result."""


def record_of(
    request: QueryRequest,
    *,
    query_id: str,
    dialect: str,
    prepared: Prepared | None,
    measured: Measurement,
    engine_ms: float = 0.0,
    result: Result | None = None,
    error: AiserError | None = None,
    plan: str = "",
) -> QueryRecord:
    """The record of one query; without `prepared` it was refused before anything ran."""
    ran = result or prepared  # one that was found in the cache may have gone another way
    sql = ran.sql if ran else request.sql
    slow_after = min(s.source.settings.slow_query_seconds for s in request.sources)
    from_cache = result is not None and result.from_cache
    return QueryRecord(
        query_id=query_id,
        organization_id=request.actor.organization_id,
        user_id=request.actor.user_id,
        source_id=request.main.source.source_id,
        run_id=request.run_id,
        purpose=request.purpose,
        status=_status(error),
        sql=sql,
        fingerprint=_fingerprint(sql, dialect, prepared),
        tables=ran.tables if ran else (),
        engine=ran.engine if ran else request.main.source.engine,
        route=ran.route if ran else "",
        started_at=datetime.now(UTC),
        queue_ms=round(request.queue_ms, 3),
        duration_ms=measured.duration_ms,
        engine_ms=round(engine_ms, 3),
        row_count=result.row_count if result else 0,
        byte_count=result.byte_count if result else 0,
        peak_memory_bytes=measured.peak_memory_bytes,
        cpu_ms=measured.cpu_ms,
        from_cache=from_cache,
        truncated=result.truncated if result else False,
        error_code=error.code if error else "",
        is_slow=not from_cache and measured.duration_ms >= slow_after * 1000,
        plan=plan,
    )


def _fingerprint(sql: str, dialect: str, prepared: Prepared | None) -> str:
    known = prepared.fingerprint if prepared is not None and prepared.sql == sql else ""
    return known or fingerprint(sql, dialect)


def _status(error: AiserError | None) -> QueryStatus:
    if error is None:
        return QueryStatus.SUCCEEDED
    return _STATUSES.get(error.code, QueryStatus.FAILED)
