"""From what was asked to what the gate is given, the same in web processes and in workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.query_ask import QueryAsk
from aiser_app.domain.result import Column
from aiser_app.errors import InvalidInput, NotFound, QueryInvalid
from aiser_app.query.cube import check_computable
from aiser_app.query.request import CacheUse, QueryRequest, SemanticAsk
from aiser_app.semantic.compiler import compile_query
from aiser_app.services.grants import query_source
from aiser_app.services.model_cache import ModelCache
from aiser_app.services.query_parameters import bound_values


@dataclass(frozen=True, kw_only=True)
class QueryRequests:
    """`dialects` says which SQL each engine speaks, by the engine's name."""

    dialects: Mapping[str, str]
    models: ModelCache = field(default_factory=ModelCache)

    def build(
        self,
        uow: UnitOfWork,
        actor: Actor,
        ask: QueryAsk,
        *,
        run_id: str,
        queue_ms: float = 0.0,
        sources: Sequence[DataSource] = (),
    ) -> QueryRequest:
        """Sources, rights and policies as they are in this transaction.

        `sources` are those of the ask, where they were read in this transaction already.

        Raises:
            NotFound: a source is gone, or has no semantic model yet.
            QueryInvalid, InvalidInput: the semantic query or a parameter does not fit.
        """
        sources = sources or [self._source(uow, actor, name) for name in ask.source_ids]
        sql, columns, semantic = ask.sql, tuple[Column, ...](), None
        if ask.semantic_query is not None:
            sql, columns, semantic = self._compiled(uow, actor, ask, sources[0])
        return QueryRequest(
            actor=actor,
            sources=tuple(query_source(uow, actor, source) for source in sources),
            sql=sql,
            limit=ask.limit,
            timeout_seconds=ask.timeout_seconds,
            purpose=ask.purpose,
            run_id=run_id,
            queue_ms=queue_ms,
            columns=columns,
            parameters=bound_values(ask.parameters),
            cache=CacheUse(bypass=ask.bypass_cache, stale_ok_seconds=ask.stale_ok_seconds),
            semantic=semantic,
        )

    @staticmethod
    def _source(uow: UnitOfWork, actor: Actor, source_id: str) -> DataSource:
        source = uow.data_sources.find(actor.organization_id, source_id)
        if source is None:
            raise NotFound("The data source of this query is gone.")
        return source

    def _compiled(
        self, uow: UnitOfWork, actor: Actor, ask: QueryAsk, source: DataSource
    ) -> tuple[str, tuple[Column, ...], SemanticAsk]:
        """SQL, its columns, and what they come from; no SQL where a Cube has to compute it."""
        model = self.models.find_latest(uow, actor.organization_id, source.source_id)
        if model is None or ask.semantic_query is None:
            raise NotFound(
                "This source has no semantic model yet.", hint="Wait for its first sync."
            )
        asked = SemanticAsk(query=ask.semantic_query, model=model)
        try:
            check_computable(ask.semantic_query, model)
            compiled = compile_query(
                ask.semantic_query,
                model,
                dialect=self.dialects.get(source.engine, source.engine),
                default_limit=ask.limit,
            )
        except (QueryInvalid, InvalidInput) as error:
            if not source.cube_url:
                raise
            return "", (), replace(asked, refusal=error)
        return compiled.sql, compiled.columns, replace(asked, members=compiled.members)
