"""The one way to data for every query of every origin: guard, cache, route, result store, record."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import SourceStatus
from aiser_app.domain.result import Result
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.errors import AiserError, EngineUnavailable, NotFound, QueryDenied, SourcePaused
from aiser_app.query.cache import ResultCache, cache_key
from aiser_app.query.cube import CubeNotUsed, CubePlan, CubeRoute, check_other_way, check_written
from aiser_app.query.engines.contract import Engine, Plan
from aiser_app.query.envelopes import rows_read, titled, without_cube
from aiser_app.query.federation import FederationSettings
from aiser_app.query.guard import judge
from aiser_app.query.journal import QueryJournal, record_of
from aiser_app.query.measuring import Measurement
from aiser_app.query.prepared import Prepared, prepare_direct, prepare_federated
from aiser_app.query.request import QueryRequest, QuerySource
from aiser_app.query.results import ResultStore, StoredRows

log = logging.getLogger(__name__)

PLAN_SECONDS = 5.0
"""Time that the plan of a slow query may take; it is not run again for it."""
MAX_PLAN_CHARS = 100_000
MIN_SECONDS = 0.1
"""For a query whose time Cube has used up: it ends as one that took too long."""
FEDERATED = "duckdb"
"""Dialect and engine of queries over several sources."""


@dataclass(kw_only=True, slots=True)
class _Attempt:
    """What becomes known while one request is worked on."""

    query_id: str
    prepared: Prepared | None = None
    engine_ms: float = 0.0
    plan: str = ""
    result: Result | None = None
    measured: Measurement = field(default_factory=Measurement)


class QueryRouter:
    """Nothing else in Aiser runs a query on somebody's data."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        results: ResultStore,
        journal: QueryJournal,
        cache: ResultCache,
        federation: FederationSettings,
        cube: CubeRoute | None = None,
    ) -> None:
        """`journal` keeps the envelope; rows of a result that cannot be recorded are removed.

        Without `cube` every query takes the other routes.
        """
        self._engines = engines
        self._results = results
        self._journal = journal
        self._cache = cache
        self._federation = federation
        self._cube = cube

    def run(self, request: QueryRequest, cancel: CancelToken) -> Result:
        """Judge, find or run, store and record one query.

        Raises:
            QueryDenied: the guard refused it; nothing ran.
            QueryInvalid: the engine says that it cannot run.
            QueryTimedOut, QueryCancelled: it was stopped, in the engine too.
            EngineUnavailable: the database does not answer.
            SourcePaused: somebody paused the source.
            NotFound: the source belongs to another organization.
        """
        attempt = _Attempt(query_id=uuid.uuid4().hex)
        try:
            with attempt.measured:
                result = self._run(request, attempt, cancel)
        except AiserError as error:
            self._note(request, attempt, error)
            raise
        return self._keep(request, attempt, result)

    def find_cached(self, request: QueryRequest) -> Result | None:
        """The result of an earlier run, as this request's own; None when it has to run.

        Cheap enough for a web process. Raises like `run`, as far as that is known without running.
        """
        if request.cache.bypass:
            return None
        measured = Measurement(is_sampling=False)
        attempt = _Attempt(query_id=uuid.uuid4().hex, measured=measured)
        with attempt.measured:
            cube, refused = self._cube_plan(request)
            if cube is not None:
                request, key = cube.request, cube.key
            else:
                attempt.prepared = self._prepare(request)
                key = self._key(request, attempt.prepared)
            found = self._cache.find(key)
            result = self._reuse(request, attempt.query_id, found) if found else None
        return self._keep(request, attempt, without_cube(result, refused)) if result else None

    def check(self, request: QueryRequest) -> Prepared:
        """The verdict alone, for whoever wants to know before running.

        Raises:
            QueryDenied, SourcePaused, NotFound: as `run`.
        """
        return self._prepare(request)

    def explain(self, request: QueryRequest, cancel: CancelToken, *, actual: bool) -> Plan | None:
        """The engine's plan; `actual` runs the query.

        Raises:
            QueryDenied: also for a measured plan of a query that policies apply to: it would show
                how many rows they hide. Otherwise like `run`.
        """
        prepared = self._prepare(request)
        if actual and prepared.policies:
            raise QueryDenied(
                "A measured plan would show how many rows a policy hides.",
                hint="Ask for the plan as it would run.",
            )
        return prepared.explain(actual, self._seconds(request), cancel)

    def _run(self, request: QueryRequest, attempt: _Attempt, cancel: CancelToken) -> Result:
        plan, refused = self._cube_plan(request)
        if plan is not None:
            try:
                return self._run_by_cube(plan, attempt, cancel)
            except CubeNotUsed as error:
                log.info("cube_not_used", extra={"code": error.code, "reason": error.message})
                attempt.prepared, refused = None, error
                request = replace(request, timeout_seconds=max(MIN_SECONDS, plan.seconds_left))
        if refused is not None:
            check_other_way(request, refused)
        prepared = attempt.prepared = self._prepare(request)
        result = self._fetch(
            request,
            attempt,
            cancel,
            key=self._key(request, prepared),
            ttl_seconds=prepared.cache_seconds,
            load=lambda: self._load(request, attempt, prepared, cancel),
        )
        return without_cube(result, refused)

    def _cube_plan(self, request: QueryRequest) -> tuple[CubePlan | None, CubeNotUsed | None]:
        """What to ask of Cube, or why it cannot be asked; neither where there is no Cube."""
        if self._cube is None or not self._cube.is_for(request):
            return None, None
        self._check_source(request, request.main)
        try:
            return self._cube.plan(request, self._seconds(request)), None
        except CubeNotUsed as error:
            return None, error

    def _run_by_cube(self, plan: CubePlan, attempt: _Attempt, cancel: CancelToken) -> Result:
        """Raises `CubeNotUsed` when the query has to go another way."""
        request = plan.request
        dialect = self._engine(request.main).dialect

        def load() -> Result:
            prepared = attempt.prepared = plan.prepare(dialect, cancel)
            return self._load(request, attempt, prepared, cancel)

        seconds = request.main.source.settings.cache_seconds
        return self._fetch(request, attempt, cancel, key=plan.key, ttl_seconds=seconds, load=load)

    def _fetch(
        self,
        request: QueryRequest,
        attempt: _Attempt,
        cancel: CancelToken,
        *,
        key: str,
        ttl_seconds: float | None,
        load: Callable[[], Result],
    ) -> Result:
        return self._cache.fetch(
            key,
            sources=tuple(given.source.source_id for given in request.sources),
            ttl_seconds=ttl_seconds,
            bypass=request.cache.bypass,
            stale_ok_seconds=request.cache.stale_ok_seconds,
            wait_seconds=self._seconds(request),
            cancel=cancel,
            load=load,
            reuse=lambda found: self._reuse(request, attempt.query_id, found),
        )

    def _prepare(self, request: QueryRequest) -> Prepared:
        """Judge every part of the query, and choose its route."""
        check_written(request)
        for given in request.sources:
            self._check_source(request, given)
        if len(request.sources) > 1:
            for given in request.sources:
                self._engine(given)
            return prepare_federated(request, self._engines, self._federation)
        engine = self._engine(request.main)
        return prepare_direct(request.main.source, engine, self._judge(request, engine))

    @staticmethod
    def _check_source(request: QueryRequest, given: QuerySource) -> None:
        source = given.source
        if source.organization_id != request.actor.organization_id:
            raise NotFound("There is no such data source.")
        if source.status is SourceStatus.PAUSED:
            why = f": {source.status_reason}" if source.status_reason else "."
            raise SourcePaused(
                f"“{source.name}” is paused{why}", hint="An administrator can resume it."
            )

    def _engine(self, given: QuerySource) -> Engine:
        engine = self._engines.get(given.source.engine)
        if engine is None:
            raise EngineUnavailable(
                f"No engine is set up for “{given.source.name}”.",
                hint="Ask an administrator to check the data source.",
            )
        return engine

    def _judge(self, request: QueryRequest, engine: Engine) -> Allowed:
        given = request.main
        verdict = judge(
            request.sql,
            dialect=engine.dialect,
            tables=given.tables,
            claims=request.actor.claims,
            limit=request.limit,
            policies=given.policies,
            parameters=request.parameters,
            default_schema=given.source.options.get("schema") or None,
        )
        if isinstance(verdict, Denied):
            log.info("query denied", extra={"purpose": request.purpose, "reason": verdict.reason})
            raise QueryDenied(
                verdict.reason, hint="Write one SELECT over the tables of this data source."
            ).at(verdict.line, verdict.column)
        return verdict

    @staticmethod
    def _key(request: QueryRequest, prepared: Prepared) -> str:
        return cache_key(
            sql=prepared.sql,
            parameters=prepared.parameters,
            limit=request.limit,
            sources=prepared.sources,
            claims=request.actor.claims,
            policies=tuple(given.policies for given in request.sources),
        )

    def _load(
        self, request: QueryRequest, attempt: _Attempt, prepared: Prepared, cancel: CancelToken
    ) -> Result:
        """Run it and store the rows under the attempt's id."""
        started = time.perf_counter()
        read_at = datetime.now(UTC)
        stored = self._store(request, attempt, prepared, cancel)
        duration_ms = (time.perf_counter() - started) * 1000
        if duration_ms >= 1000 * min(s.settings.slow_query_seconds for s in prepared.sources):
            attempt.plan = self._plan(prepared)
        return Result(
            result_id=attempt.query_id,
            organization_id=request.actor.organization_id,
            source_id=request.main.source.source_id,
            columns=stored.columns,
            row_count=stored.row_count,
            truncated=stored.truncated,
            limit=request.limit,
            as_of=prepared.as_of() or read_at,
            duration_ms=round(duration_ms, 3),
            engine=prepared.engine,
            route=prepared.route,
            why=prepared.why(),
            sql=prepared.sql,
            tables=prepared.tables,
            claims_hash=request.actor.claims.hash,
            rows_read=rows_read(request, prepared),
            limiting_factor=stored.limiting_factor,
            byte_count=stored.byte_count,
            source_ids=tuple(source.source_id for source in prepared.sources),
            policies=prepared.policies,
        )

    def _store(
        self, request: QueryRequest, attempt: _Attempt, prepared: Prepared, cancel: CancelToken
    ) -> StoredRows:
        started = time.perf_counter()
        with prepared.open_rows(self._seconds(request), cancel) as rows:
            schema = rows.schema
            opened_ms = (time.perf_counter() - started) * 1000
            stored = self._results.write(
                rows,
                schema,
                result_id=attempt.query_id,
                organization_id=request.actor.organization_id,
                limit=request.limit,
                columns=request.columns,
            )
        attempt.engine_ms = opened_ms + stored.time_to_first_batch_ms
        return stored

    @staticmethod
    def _seconds(request: QueryRequest) -> float:
        caps = [s.source.settings.query_timeout_seconds for s in request.sources]
        return min([request.timeout_seconds, *(cap for cap in caps if cap is not None)])

    @staticmethod
    def _plan(prepared: Prepared) -> str:
        """Of a slow query; what cannot be had is left out."""
        try:
            plan = prepared.explain(False, PLAN_SECONDS, CancelToken())
        except AiserError as error:
            log.info("plan_not_captured", extra={"code": error.code})
            return ""
        return plan.text[:MAX_PLAN_CHARS] if plan else ""

    def _reuse(self, request: QueryRequest, query_id: str, found: Result) -> Result | None:
        """The same rows under an id of this request; None when they are gone."""
        organization_id = request.actor.organization_id
        if not self._results.share(found.result_id, organization_id, query_id):
            return None
        return replace(
            found,
            result_id=query_id,
            from_cache=True,
            columns=tuple(titled(column, request) for column in found.columns),
        )

    def _keep(self, request: QueryRequest, attempt: _Attempt, result: Result) -> Result:
        record = record_of(
            request,
            query_id=result.result_id,
            dialect=self._dialect(request),
            prepared=attempt.prepared,
            measured=attempt.measured,
            engine_ms=attempt.engine_ms,
            result=result,
            plan=attempt.plan,
        )
        try:
            self._journal.keep(result, record)
        except BaseException:
            self._results.delete(result.result_id, result.organization_id)
            raise
        return result

    def _note(self, request: QueryRequest, attempt: _Attempt, error: AiserError) -> None:
        """A failure is told whether or not it can be written down."""
        record = record_of(
            request,
            query_id=attempt.query_id,
            dialect=self._dialect(request),
            prepared=attempt.prepared,
            measured=attempt.measured,
            engine_ms=attempt.engine_ms,
            error=error,
        )
        try:
            self._journal.note(record)
        except AiserError as failure:
            log.warning("query_not_recorded", extra={"code": failure.code})

    def _dialect(self, request: QueryRequest) -> str:
        engine = self._engines.get(request.main.source.engine)
        return engine.dialect if engine and len(request.sources) == 1 else FEDERATED
