"""The one way to data for every query of every origin: guard, engine, result store, record."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiser_app.domain.actor import Actor
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.result import Column, Result
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.errors import EngineUnavailable, NotFound, QueryDenied
from aiser_app.query.engines.contract import Engine
from aiser_app.query.guard import judge
from aiser_app.query.results import ResultStore, StoredRows

log = logging.getLogger(__name__)

_WHY = {
    "duckdb": "This data is kept beside Aiser in a DuckDB file.",
    "direct": "The query runs in the source's own database.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRequest:
    """`tables` are the names that the query may read; `limit` the most rows that are kept."""

    actor: Actor
    source: DataSource
    tables: tuple[str, ...]
    sql: str
    limit: int
    timeout_seconds: float
    purpose: str
    columns: tuple[Column, ...] = ()
    """Titles and units by column name, for the result's columns."""


class QueryRouter:
    """Nothing else in Aiser runs a query on somebody's data."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        results: ResultStore,
        record: Callable[[Result], None],
    ) -> None:
        """`record` keeps the envelope; rows of a result that cannot be recorded are removed."""
        self._engines = engines
        self._results = results
        self._record = record

    def run(self, request: QueryRequest, cancel: CancelToken) -> Result:
        """Judge, run, store and record one query.

        Raises:
            QueryDenied: the guard refused it; nothing ran.
            QueryInvalid: the engine says that it cannot run.
            QueryTimedOut, QueryCancelled: it was stopped, in the engine too.
            EngineUnavailable: the database does not answer.
            NotFound: the source belongs to another organization.
        """
        engine = self._engine(request)
        verdict = self._judge(request, engine)
        started = time.monotonic()
        read_at = datetime.now(UTC)
        result_id = uuid.uuid4().hex
        stored = self._run(request, engine, verdict, result_id, cancel)
        result = Result(
            result_id=result_id,
            organization_id=request.actor.organization_id,
            source_id=request.source.source_id,
            columns=stored.columns,
            row_count=stored.row_count,
            truncated=stored.truncated,
            limit=request.limit,
            as_of=request.source.synced_at or read_at,
            duration_ms=round((time.monotonic() - started) * 1000, 3),
            engine=engine.name,
            route=engine.route,
            why=_WHY.get(engine.route, ""),
            sql=verdict.sql,
            tables=verdict.tables,
            claims_hash=verdict.claims.hash,
            rows_read=self._rows_read(request.source, engine, verdict.tables),
        )
        self._keep(result)
        return result

    def _engine(self, request: QueryRequest) -> Engine:
        if request.source.organization_id != request.actor.organization_id:
            raise NotFound("There is no such data source.")
        engine = self._engines.get(request.source.engine)
        if engine is None:
            raise EngineUnavailable(
                f"No engine is set up for “{request.source.name}”.",
                hint="Ask an administrator to check the data source.",
            )
        return engine

    def _judge(self, request: QueryRequest, engine: Engine) -> Allowed:
        verdict = judge(
            request.sql,
            dialect=engine.dialect,
            tables=request.tables,
            claims=request.actor.claims,
            limit=request.limit,
        )
        if isinstance(verdict, Denied):
            log.info("query denied", extra={"purpose": request.purpose, "reason": verdict.reason})
            raise QueryDenied(
                verdict.reason, hint="Write one SELECT over the tables of this data source."
            )
        return verdict

    def _run(
        self,
        request: QueryRequest,
        engine: Engine,
        verdict: Allowed,
        result_id: str,
        cancel: CancelToken,
    ) -> StoredRows:
        with engine.stream(
            request.source, verdict.sql, timeout_seconds=request.timeout_seconds, cancel=cancel
        ) as rows:
            return self._results.write(
                rows,
                rows.schema,
                result_id=result_id,
                organization_id=request.actor.organization_id,
                limit=request.limit,
                columns=request.columns,
            )

    @staticmethod
    def _rows_read(source: DataSource, engine: Engine, tables: tuple[str, ...]) -> int | None:
        """Rows of the tables in use, as the database's catalog knows them."""
        known = {table.name: table.row_estimate for table in engine.describe(source)}
        counts = [known.get(name) for name in tables]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _keep(self, result: Result) -> None:
        try:
            self._record(result)
        except BaseException:
            self._results.delete(result.result_id, result.organization_id)
            raise
