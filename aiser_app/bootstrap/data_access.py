"""Engines, result store and cache of a process: everything that the gate to data is made of."""

from __future__ import annotations

from dataclasses import dataclass

from aiser_app.access.sealing import Sealer
from aiser_app.broker.connection import connect
from aiser_app.broker.result_cache import ResultCacheStore
from aiser_app.config import Settings
from aiser_app.query.cache import ResultCache
from aiser_app.query.connection import host_rules
from aiser_app.query.cube import CubeAccess, CubeRoute
from aiser_app.query.engines.clickhouse import ClickHouseEngine
from aiser_app.query.engines.contract import Engine
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.engines.mysql import MySQLEngine
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.engines.sqlite import SqliteEngine
from aiser_app.query.engines.warehouses import warehouse_engines
from aiser_app.query.federation import FederationSettings
from aiser_app.query.journal import QueryJournal
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.query.source_access import SourceAccess

SEAL_FILE = "sealing-key"
"""Keys of the addresses of data sources, under the folder of secrets."""
CACHE_REPLY_SECONDS = 1.0
"""A Redis that hangs must not hold up queries, which can do without it."""


@dataclass(frozen=True, kw_only=True)
class DataAccess:
    """One per process. Nothing connects until a source is used."""

    sealer: Sealer
    sources: SourceAccess
    store: ResultStore
    cache: ResultCache
    federation: FederationSettings
    cube: CubeAccess
    cube_route: CubeRoute

    def router(self, journal: QueryJournal) -> QueryRouter:
        """The gate, writing what it does into `journal`."""
        return QueryRouter(
            self.sources.engines,
            self.store,
            journal,
            self.cache,
            self.federation,
            cube=self.cube_route,
        )

    def engine(self, name: str) -> Engine:
        return self.sources.engine(name)

    def close(self) -> None:
        self.sources.close()


def build_data_access(settings: Settings, cache: ResultCache | None = None) -> DataAccess:
    """With the cache in Redis, unless another one is given."""
    sealer = Sealer(settings.secrets_dir / SEAL_FILE)
    rules = host_rules(settings)
    made: list[Engine] = [
        DuckDBEngine(settings.sources_dir),
        PostgresEngine(sealer.open, rules),
        MySQLEngine(sealer.open, rules),
        ClickHouseEngine(sealer.open, rules),
        SqliteEngine(settings.sources_dir, sealer.open),
        *warehouse_engines(sealer.open, rules).values(),
    ]
    cube = CubeAccess(seal=sealer.seal, unseal=sealer.open, rules=rules)
    return DataAccess(
        sealer=sealer,
        sources=SourceAccess(
            engines={engine.name: engine for engine in made},
            seal=sealer.seal,
            unseal=sealer.open,
        ),
        store=ResultStore(settings.results_dir),
        cache=cache
        or ResultCache(
            ResultCacheStore(connect(settings.redis_url, reply_timeout=CACHE_REPLY_SECONDS))
        ),
        federation=FederationSettings(folder=settings.run_dir / "federated"),
        cube=cube,
        cube_route=CubeRoute(cube),
    )
