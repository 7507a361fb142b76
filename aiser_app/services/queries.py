"""Running queries: checks what is asked, finds it in the cache, or hands it to a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import new_id
from aiser_app.db.storable import storable_text
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.encoding import encode
from aiser_app.domain.permission import Permission
from aiser_app.domain.query_ask import Explaining, QueryAsk
from aiser_app.domain.result import Result
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import AiserError, InvalidInput, TooManyAttempts
from aiser_app.query.journal import QueryJournal
from aiser_app.query.request import QueryRequest
from aiser_app.query.router import QueryRouter
from aiser_app.services.journals import RunJournal
from aiser_app.services.query_parameters import read_parameters
from aiser_app.services.query_requests import QueryRequests
from aiser_app.services.run_actors import actor_of
from aiser_app.services.run_lifecycle import enqueue_run, failure_of
from aiser_app.services.run_views import failure_view
from aiser_app.services.sources import find_source

MAX_OPEN_QUERIES = 100
"""Of one user: a script may ask for many at once, and cannot fill the queue without end."""
QUEUE_SECONDS = 60.0
"""Time to wait for a worker, on top of the query's own limit."""
LASTING_SECONDS = 1.0
"""What is committed without waiting for the disk is there for good after this."""
MIN_TIMEOUT_SECONDS = 0.1
MAX_TIMEOUT_SECONDS = 600.0
MAX_SOURCES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryInput:
    """A query as a page or client gives it: unchecked. None means the default."""

    sources: Sequence[str]
    """Names or ids; with several, SQL names tables as `source.table`."""
    sql: str | None = None
    semantic_query: SemanticQuery | None = None
    parameters: Mapping[str, Any] | None = None
    limit: int | None = None
    timeout_seconds: float | None = None
    purpose: str = "api"
    explaining: Explaining = Explaining.NO
    bypass_cache: bool = False
    stale_ok_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryLimits:
    default_rows: int
    max_rows: int
    default_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A run that waits for a worker; with `result` one that has ended, since the cache had it."""

    run: Run
    source: DataSource
    result: Result | None = None


class Queries:
    def __init__(
        self,
        engine: Engine,
        *,
        queue: JobQueue,
        events: RunEventLog,
        requests: QueryRequests,
        router_for: Callable[[QueryJournal], QueryRouter],
        limits: QueryLimits,
    ) -> None:
        """`router_for` gives the gate that writes into a journal; here it only looks things up."""
        self._engine = engine
        self._queue = queue
        self._events = events
        self._requests = requests
        self._router_for = router_for
        self._limits = limits

    def submit(self, actor: Actor, given: QueryInput, *, is_awaited: bool = False) -> Submitted:
        """Start a query; what is in the cache is there at once, and the run has ended already.

        `is_awaited` is a promise not to tell anybody of the run before it has ended, or
        `LASTING_SECONDS` have passed: then it need not be on the disk before it is worked on.

        Raises:
            InvalidInput: neither or both of SQL and semantic query, limits out of range.
            NotFound: a source is unknown, or somebody else's.
            TooManyAttempts: the user has too many queries open.
        """
        require(actor, Permission.QUERIES_RUN)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine, each_alone=True) as uow:
            ask, sources = self._ask(uow, actor, given)
            run = self._new_run(actor, ask, now)
            request = self._request(uow, run, ask, sources)
        found = self._find_cached(run, request) if request is not None else None
        if found is None:
            self._enqueue(actor, run, is_awaited=is_awaited)
        return found or Submitted(run=run, source=sources[0])

    def check(self, actor: Actor, given: QueryInput) -> dict[str, Any]:
        """What the guard says of a text, without running it. Raises as `submit`."""
        require(actor, Permission.QUERIES_RUN)
        with UnitOfWork(self._engine, each_alone=True) as uow:
            ask, sources = self._ask(uow, actor, given)
            run = self._new_run(actor, ask, datetime.now(UTC))
            request = self._requests.build(
                uow, actor_of(uow, run), ask, run_id=run.run_id, sources=sources
            )
        router = self._router_for(RunJournal(engine=self._engine, run=run))
        try:
            found = router.check(request)
        except AiserError as error:
            return {
                "is_allowed": False,
                "sql": None,
                "tables": [],
                "policies": [],
                "error": failure_view(failure_of(error)),
            }
        return {
            "is_allowed": True,
            "sql": found.sql,
            "tables": list(found.tables),
            "policies": list(found.policies),
        }

    def _ask(
        self, uow: UnitOfWork, actor: Actor, given: QueryInput
    ) -> tuple[QueryAsk, list[DataSource]]:
        if (given.sql is None) == (given.semantic_query is None):
            raise InvalidInput("Give either sql or semantic_query.")
        if storable_text(given.sql or "") != (given.sql or ""):
            # What is judged later must be what was sent.
            raise InvalidInput("The query has characters that are not text.")
        if not 1 <= len(given.sources) <= MAX_SOURCES:
            raise InvalidInput(f"Name one to {MAX_SOURCES} data sources.")
        if given.semantic_query is not None and len(given.sources) > 1:
            raise InvalidInput("A semantic query reads one data source.", hint="Use SQL.")
        named = [find_source(uow, actor.organization_id, name) for name in given.sources]
        sources = list({source.source_id: source for source in named}.values())
        ask = QueryAsk(
            source_ids=tuple(source.source_id for source in sources),
            sql=given.sql or "",
            semantic_query=given.semantic_query,
            parameters=read_parameters(given.parameters or {}),
            limit=self._rows(given.limit),
            timeout_seconds=self._seconds(given.timeout_seconds),
            purpose=given.purpose,
            explaining=given.explaining,
            bypass_cache=given.bypass_cache,
            stale_ok_seconds=given.stale_ok_seconds,
        )
        return ask, sources

    def _rows(self, limit: int | None) -> int:
        if limit is None:
            return self._limits.default_rows
        if not 1 <= limit <= self._limits.max_rows:
            raise InvalidInput(f"The limit is 1 to {self._limits.max_rows:,} rows.")
        return limit

    def _seconds(self, timeout: float | None) -> float:
        if timeout is None:
            return self._limits.default_seconds
        if not MIN_TIMEOUT_SECONDS <= timeout <= MAX_TIMEOUT_SECONDS:
            raise InvalidInput(
                f"The timeout is {MIN_TIMEOUT_SECONDS} to {MAX_TIMEOUT_SECONDS:.0f} seconds."
            )
        return timeout

    @staticmethod
    def _new_run(actor: Actor, ask: QueryAsk, now: datetime) -> Run:
        return Run(
            run_id=new_id(),
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            source_id=ask.source_ids[0],
            kind=RunKind.QUERY,
            request=encode(ask),
            status=RunStatus.QUEUED,
            attempts=0,
            created_at=now,
            deadline_at=now + timedelta(seconds=ask.timeout_seconds + QUEUE_SECONDS),
        )

    def _request(
        self, uow: UnitOfWork, run: Run, ask: QueryAsk, sources: Sequence[DataSource]
    ) -> QueryRequest | None:
        """For the cache; what is wrong with it is found, and told, by the worker."""
        if ask.bypass_cache or ask.explaining is not Explaining.NO:
            return None
        try:
            return self._requests.build(
                uow, actor_of(uow, run), ask, run_id=run.run_id, sources=sources
            )
        except AiserError:
            return None

    def _find_cached(self, run: Run, request: QueryRequest) -> Submitted | None:
        """The run, ended, when an earlier result answers it."""
        ended: list[Run] = []

        def write(uow: UnitOfWork, result: Result) -> None:
            now = datetime.now(UTC)
            done = replace(
                run,
                status=RunStatus.SUCCEEDED,
                started_at=now,
                finished_at=now,
                outcome={"result_id": result.result_id},
            )
            uow.runs.add(done)
            ended.append(done)

        journal = RunJournal(engine=self._engine, run=run, first=write)
        try:
            found = self._router_for(journal).find_cached(request)
        except AiserError:
            return None
        if found is None:
            return None
        return Submitted(run=ended[0], source=request.main.source, result=found)

    def _enqueue(self, actor: Actor, run: Run, *, is_awaited: bool) -> None:
        with UnitOfWork(self._engine) as uow:
            uow.users.lock(actor.organization_id, actor.user_id)
            if uow.runs.add_counting(run) >= MAX_OPEN_QUERIES:
                raise TooManyAttempts(
                    f"You have {MAX_OPEN_QUERIES} queries open.",
                    hint="Wait for one to end, or stop one.",
                )
            uow.after_commit(lambda: self._announce(run))
            uow.commit(lazily=is_awaited)

    def _announce(self, run: Run) -> None:
        self._events.append(run.run_id, EventKind.QUEUED, {})
        enqueue_run(self._queue, run, (run.deadline_at - run.created_at).total_seconds())
