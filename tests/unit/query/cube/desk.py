"""A source in DuckDB with a scripted Cube, and the gate in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import NO_POLICIES, GrantedTable, Policies
from aiser_app.domain.result import Column, Result
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.errors import AiserError
from aiser_app.query.cache import ResultCache
from aiser_app.query.connection import HostRules
from aiser_app.query.cube import CubeAccess, CubeRoute
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.request import QueryRequest, QuerySource, SemanticAsk
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from tests.fixtures.queries import FEDERATION, NO_CACHE, ListJournal
from tests.unit.query.builders import a_source, an_actor
from tests.unit.query.cube.scripted import ScriptedCube

SECRET = "the-api-secret"
SQL = "SELECT kind, count(*) AS count FROM items GROUP BY kind ORDER BY count DESC"


def _dimension(name: str, kind: DimensionType) -> Dimension:
    return Dimension(name=name, column=name, type=kind, title=name.title())


MODEL = SemanticModel(
    source_id="1" * 32,
    cubes=(
        Cube(
            name="items",
            table="items",
            title="Items",
            dimensions=(
                _dimension("kind", DimensionType.STRING),
                _dimension("price", DimensionType.NUMBER),
                _dimension("paid", DimensionType.BOOLEAN),
                _dimension("sold_at", DimensionType.TIME),
                Dimension(name="size", column="", type=DimensionType.STRING, title="Size"),
            ),
            measures=(
                Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Count"),
                Measure(
                    name="revenue",
                    aggregation=Aggregation.SUM,
                    column="price",
                    title="Revenue",
                    unit="EUR",
                ),
                Measure(name="running", aggregation=Aggregation.NUMBER, column="", title="Running"),
            ),
            segments=(Segment(name="good", sql="{CUBE}.price > 1", title="Good"),),
        ),
        Cube(
            name="shops",
            table="shops",
            title="Shops",
            dimensions=(_dimension("kind", DimensionType.STRING),),
        ),
    ),
)
BY_KIND = SemanticQuery(measures=("items.count",), dimensions=(DimensionRef(member="items.kind"),))
BY_KIND_COLUMNS = (
    Column(name="kind", type="string", title="Kind of item"),
    Column(name="count", type="integer", title="How many"),
)


class KeepingCache:
    """Keeps everything by key, as Redis would."""

    def __init__(self) -> None:
        self.kept: dict[str, Result] = {}

    def find(self, key: str) -> Result | None:
        return self.kept.get(key)

    def fetch(self, key: str, *, load: Any, reuse: Any, **_: Any) -> Result:
        if key in self.kept:
            return cast(Result, reuse(self.kept[key]))
        return self.kept.setdefault(key, load())


@dataclass
class CubeDesk:
    cube: ScriptedCube
    source: DataSource
    engine: DuckDBEngine
    access: CubeAccess
    route: CubeRoute
    results: ResultStore
    journal: ListJournal
    cache: ResultCache = NO_CACHE

    @property
    def router(self) -> QueryRouter:
        return QueryRouter(
            {"duckdb": self.engine},
            self.results,
            self.journal,
            self.cache,
            FEDERATION,
            cube=self.route,
        )

    def request(
        self,
        query: SemanticQuery = BY_KIND,
        *,
        sql: str = SQL,
        columns: tuple[Column, ...] = BY_KIND_COLUMNS,
        members: tuple[str, ...] = ("items.kind", "items.count"),
        policies: Policies = NO_POLICIES,
        refusal: AiserError | None = None,
        tables: tuple[str, ...] = ("items",),
        **changes: Any,
    ) -> QueryRequest:
        request = QueryRequest(
            actor=an_actor(),
            sources=(
                QuerySource(
                    source=self.source,
                    tables={
                        n: GrantedTable(name=n, columns=("kind", "price"), row_estimate=3)
                        for n in tables
                    },
                    policies=policies,
                ),
            ),
            sql=sql,
            limit=100,
            timeout_seconds=20,
            purpose="test",
            columns=columns,
            semantic=SemanticAsk(query=query, model=MODEL, members=members, refusal=refusal),
        )
        return replace(request, **changes)

    def run(self, request: QueryRequest | None = None, cancel: CancelToken | None = None) -> Result:
        return self.router.run(request or self.request(), cancel or CancelToken())

    def rows(self, result: Result) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.results.read_arrow(result).to_pylist()]


@contextmanager
def open_desk(cube: ScriptedCube, folder: Path) -> Iterator[CubeDesk]:
    with duckdb.connect(str(folder / "data.duckdb")) as connection:
        connection.execute("CREATE TABLE items (kind VARCHAR, price DECIMAL(9,2))")
        connection.execute("INSERT INTO items VALUES ('tea', 1), ('tea', 2), ('milk', 3)")
    access = CubeAccess(
        seal=lambda text: text[::-1], unseal=lambda text: text[::-1], rules=HostRules()
    )
    engine = DuckDBEngine(folder)
    source = a_source()
    yield CubeDesk(
        cube=cube,
        source=replace(source, options=access.attached(source, cube.url, SECRET)),
        engine=engine,
        access=access,
        route=CubeRoute(access, answer_seconds=2.0),
        results=ResultStore(folder / "results"),
        journal=ListJournal(),
    )
    engine.close()
