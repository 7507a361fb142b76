"""A query that the guard has let through, ready to run on its route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Allowed, BoundParameter, Statement
from aiser_app.query.engines.contract import Engine, Plan, RowStream
from aiser_app.query.federation import FederatedSource, FederationSettings, prepare
from aiser_app.query.federation.running import ENGINE, ROUTE
from aiser_app.query.request import QueryRequest

OpenRows: TypeAlias = Callable[[float, CancelToken], AbstractContextManager[RowStream]]
"""(timeout in seconds, cancel) → the rows of the running query."""

_WHY = {
    "duckdb": "This data is kept beside Aiser in a DuckDB file.",
    "direct": "The query runs in the source's own database.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What the router needs to run, explain and record a query, whatever its route."""

    sources: tuple[DataSource, ...]
    sql: str
    """For people and cache keys: parameters by name."""
    parameters: tuple[BoundParameter, ...]
    tables: tuple[str, ...]
    policies: tuple[str, ...]
    engine: str
    route: str
    open_rows: OpenRows
    why: Callable[[], str]
    """Asked after the rows were read: only then a join over sources knows how much it pulled."""
    explain: Callable[[bool, float, CancelToken], Plan | None]
    """(actual, timeout in seconds, cancel) → the engine's plan, where there is one."""
    fingerprint: str = ""
    """Of `sql`, where the guard knew it already."""
    read_at: Callable[[], datetime | None] = lambda: None
    """Asked after the rows were read: how old they were, where the route knows it."""

    def as_of(self) -> datetime | None:
        """The age of the data, of kept data since its ingest; None for data that was read just now."""
        kept = [source.synced_at for source in self.sources if source.is_kept_here]
        return self.read_at() or min((at for at in kept if at is not None), default=None)

    @property
    def cache_seconds(self) -> float | None:
        """How long a result may be used again; None while the data version stays the same."""
        lives = [s.settings.cache_seconds for s in self.sources if not s.is_kept_here]
        return min(lives) if lives else None


def prepare_direct(source: DataSource, engine: Engine, allowed: Allowed) -> Prepared:
    """A query over one source runs in that source's engine."""
    statement: Statement = allowed.statement

    def open_rows(seconds: float, cancel: CancelToken) -> AbstractContextManager[RowStream]:
        return engine.stream(source, statement, timeout_seconds=seconds, cancel=cancel)

    def explain(actual: bool, seconds: float, cancel: CancelToken) -> Plan | None:
        if not engine.capabilities.explains or (actual and not engine.capabilities.explains_actual):
            return None
        return engine.explain(
            source, statement, actual=actual, timeout_seconds=seconds, cancel=cancel
        )

    return Prepared(
        sources=(source,),
        sql=allowed.sql,
        parameters=statement.parameters,
        tables=allowed.tables,
        policies=allowed.policies,
        engine=engine.name,
        route=engine.route,
        open_rows=open_rows,
        why=lambda: _WHY.get(engine.route, ""),
        explain=explain,
        fingerprint=allowed.fingerprint,
    )


def prepare_federated(
    request: QueryRequest, engines: Mapping[str, Engine], settings: FederationSettings
) -> Prepared:
    """A query over several sources: the parts in their engines, the join beside Aiser.

    Raises:
        QueryDenied: a guard refused it, or it names what is not there.
    """
    query = prepare(
        request.sql,
        [
            FederatedSource(
                name=given.source.name,
                source=given.source,
                engine=engines[given.source.engine],
                tables=given.tables,
                policies=given.policies,
            )
            for given in request.sources
        ],
        claims=request.actor.claims,
        parameters=request.parameters,
        limit=request.limit,
        settings=settings,
    )
    return Prepared(
        sources=query.sources,
        sql=query.sql,
        parameters=query.parameters,
        tables=query.tables,
        policies=query.policies,
        engine=ENGINE,
        route=ROUTE,
        open_rows=query.open_rows,
        why=query.why,
        explain=lambda _actual, _seconds, _cancel: None,
    )
