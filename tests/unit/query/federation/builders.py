"""Two sources in DuckDB files, and one database with the same tables to compare with.

In the one database the sources are schemas, so that a query over both runs there as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable, Policies
from aiser_app.query.engines.contract import Engine
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.federation import (
    FederatedQuery,
    FederatedSource,
    FederationSettings,
    prepare,
)

ORGANIZATION = "0" * 32

SALES = (
    "CREATE TABLE orders (id INTEGER, customer_id INTEGER, amount DECIMAL(10,2), placed DATE, "
    "seen TIMESTAMP, status VARCHAR, weight DOUBLE, is_open BOOLEAN, big BIGINT)",
    "INSERT INTO orders SELECT i, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 17 END, "
    "CASE WHEN i % 13 = 0 THEN NULL ELSE i * 1.5 END, DATE '2024-01-01' + CAST(i % 400 AS INTEGER), "
    "TIMESTAMP '2024-01-01 00:00:00' + INTERVAL 1 HOUR * (i * 7), "
    "CASE i % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'Open' ELSE NULL END, "
    "CASE WHEN i % 19 = 0 THEN 'nan'::DOUBLE WHEN i % 7 = 0 THEN NULL ELSE i * 0.25 END, "
    "CASE WHEN i % 5 = 0 THEN NULL ELSE i % 2 = 0 END, 9007199254740993 + i "
    "FROM range(1, 201) AS r(i)",
    "CREATE TABLE items (order_id INTEGER, product VARCHAR, quantity INTEGER)",
    "INSERT INTO items SELECT i % 220, 'p' || (i % 9), CASE WHEN i % 6 = 0 THEN NULL ELSE i % 10 END "
    "FROM range(0, 500) AS r(i)",
)
CRM = (
    "CREATE TABLE customers (id INTEGER, name VARCHAR, country VARCHAR, since DATE, orders INTEGER)",
    "INSERT INTO customers SELECT i, 'name ' || i, "
    "CASE WHEN i % 5 = 0 THEN NULL WHEN i % 2 = 0 THEN 'DE' ELSE 'FR' END, "
    "DATE '2023-01-01' + CAST(i * 30 AS INTEGER), i % 3 FROM range(0, 25) AS r(i)",
    "CREATE TABLE items (order_id INTEGER, note VARCHAR)",
    "INSERT INTO items SELECT i, 'note ' || i FROM range(0, 50) AS r(i)",
)
_TYPES = {
    "INTEGER": "integer",
    "BIGINT": "integer",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
}


@dataclass(frozen=True)
class Both:
    """The sources, and the one database that has all of it."""

    sources: tuple[FederatedSource, ...]
    whole: duckdb.DuckDBPyConnection
    folder: Path

    def query(
        self,
        sql: str,
        *,
        limit: int = 100_000,
        parameters: Mapping[str, Any] | None = None,
        claims: Claims | None = None,
        **settings: Any,
    ) -> FederatedQuery:
        return prepare(
            sql,
            self.sources,
            claims=claims or Claims(organization_id=ORGANIZATION),
            parameters=parameters or {},
            limit=limit,
            settings=FederationSettings(folder=self.folder / "work", **settings),
        )

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        return rows_of(self.query(sql, **options))

    def expected(self, sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.whole.sql(sql).fetchall()
        return found

    def with_policies(self, name: str, policies: Policies) -> Both:
        sources = tuple(
            replace(source, policies=policies) if source.name == name else source
            for source in self.sources
        )
        return replace(self, sources=sources)


def rows_of(
    query: FederatedQuery, seconds: float = 60, cancel: CancelToken | None = None
) -> list[tuple[Any, ...]]:
    with query.open_rows(seconds, cancel or CancelToken()) as stream:
        table = pa.Table.from_batches(list(stream), schema=stream.schema)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def a_source(name: str, path: str, number: int, engine: str = "duckdb") -> DataSource:
    return DataSource(
        source_id=str(number) * 32,
        organization_id=ORGANIZATION,
        name=name,
        engine=engine,
        options={"path": path},
    )


def granted(connection: duckdb.DuckDBPyConnection) -> dict[str, GrantedTable]:
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.sql(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "ORDER BY table_name, ordinal_position"
    ).fetchall():
        tables.setdefault(table, {})[column] = _TYPES.get(kind, "decimal")
    return {
        name: GrantedTable(name=name, columns=tuple(columns), column_types=columns)
        for name, columns in tables.items()
    }


def made(folder: Path, file: str, statements: Sequence[str]) -> dict[str, GrantedTable]:
    with duckdb.connect(str(folder / file)) as connection:
        for statement in statements:
            connection.execute(statement)
        return granted(connection)


@contextmanager
def both(folder: Path) -> Iterator[Both]:
    """Source `sales` with orders and items, source `crm` with customers and other items."""
    engine: Engine = DuckDBEngine(folder)
    sources = []
    whole = duckdb.connect(":memory:")
    whole.execute("SET TimeZone = 'UTC'")
    for number, (name, statements) in enumerate({"sales": SALES, "crm": CRM}.items(), start=1):
        tables = made(folder, f"{name}.duckdb", statements)
        whole.execute(f"CREATE SCHEMA {name}")
        whole.execute(f"SET schema = '{name}'")
        for statement in statements:
            whole.execute(statement)
        sources.append(
            FederatedSource(
                name=name,
                source=a_source(name, f"{name}.duckdb", number),
                engine=engine,
                tables=tables,
            )
        )
    whole.execute("SET schema = 'main'")
    try:
        yield Both(sources=tuple(sources), whole=whole, folder=folder)
    finally:
        engine.close()
        whole.close()
