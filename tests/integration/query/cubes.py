"""A source with a real Cube, and the gate in front of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import NO_POLICIES, Policies
from aiser_app.domain.result import Result
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import InvalidInput, QueryInvalid
from aiser_app.query.catalog import granted, read_catalog
from aiser_app.query.connection import HostRules
from aiser_app.query.cube import CubeAccess, CubeModel, CubeRoute, check_computable
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.request import QueryRequest, QuerySource, SemanticAsk
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.fixtures.cube import RunningCube
from tests.fixtures.queries import FEDERATION, NO_CACHE, ListJournal


def an_actor(**attributes: str) -> Actor:
    return Actor(
        user_id="u" * 32,
        organization_id="o" * 32,
        role=Role.ANALYST,
        permissions=frozenset(),
        attributes=attributes,
    )


@dataclass
class CubeGate:
    """Everything of a gate whose source has a Cube."""

    engine: PostgresEngine
    access: CubeAccess
    source: DataSource
    catalog: Catalog
    found: CubeModel
    results: ResultStore
    journal: ListJournal
    router: QueryRouter

    @property
    def model(self) -> SemanticModel:
        return self.found.model

    @property
    def bare(self) -> DataSource:
        """The same source without a Cube."""
        return replace(self.source, options={})

    def ask(
        self,
        query: SemanticQuery,
        *,
        source: DataSource | None = None,
        actor: Actor | None = None,
        policies: Policies = NO_POLICIES,
        limit: int = 1000,
        seconds: float = 30,
        cancel: CancelToken | None = None,
        hidden: tuple[str, ...] = (),
    ) -> Result:
        source = source or self.source
        tables = {t.name: granted(t) for t in self.catalog.tables if t.name not in hidden}
        asked = SemanticAsk(query=query, model=self.model)
        request = QueryRequest(
            actor=actor or an_actor(),
            sources=(QuerySource(source=source, tables=tables, policies=policies),),
            sql="",
            limit=limit,
            timeout_seconds=seconds,
            purpose="test",
        )
        try:
            check_computable(query, self.model)
            compiled = compile_query(query, self.model, dialect="postgres", default_limit=limit)
        except (QueryInvalid, InvalidInput) as error:
            request = replace(request, semantic=replace(asked, refusal=error))
        else:
            request = replace(
                request,
                sql=compiled.sql,
                columns=compiled.columns,
                semantic=replace(asked, members=compiled.members),
            )
        return self.router.run(request, cancel or CancelToken())

    def rows(self, result: Result) -> list[dict[str, Any]]:
        return list(self.results.read_arrow(result).to_pylist())


def open_gate(cube: RunningCube, folder: Path, **options: Any) -> CubeGate:
    rules = HostRules()
    engine = PostgresEngine(str, rules)
    access = CubeAccess(seal=str, unseal=str, rules=rules)
    source = DataSource(
        source_id="s" * 32,
        organization_id="o" * 32,
        name="Items",
        engine="postgres",
        sealed_url=cube.database_url,
    )
    catalog = read_catalog(engine, source)
    source = replace(source, options=access.attached(source, cube.url, cube.secret))
    results, journal = ResultStore(folder / "results"), ListJournal()
    return CubeGate(
        engine=engine,
        access=access,
        source=source,
        catalog=catalog,
        found=read_model(access, source, catalog),
        results=results,
        journal=journal,
        router=QueryRouter(
            {"postgres": engine},
            results,
            journal,
            NO_CACHE,
            FEDERATION,
            cube=CubeRoute(access, **options),
        ),
    )


def read_model(
    access: CubeAccess, source: DataSource, catalog: Catalog, hidden: tuple[str, ...] = ()
) -> CubeModel:
    """As a sync reads it."""
    shown = replace(
        catalog,
        tables=tuple(table for table in catalog.tables if table.name not in hidden),
        links=tuple(link for link in catalog.links if not {link.table, link.target} & set(hidden)),
    )
    return access.model(
        source,
        an_actor(),
        inferred=infer_model(source.source_id, shown),
        tables=[table.name for table in catalog.tables],
        dialect="postgres",
        cancel=CancelToken(),
    )


Rows = list[Mapping[str, Any]]
