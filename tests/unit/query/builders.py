"""Small things that several query tests need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.result import Column, Result
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.results import ResultStore, StoredRows

ORGANIZATION = "0" * 32
RESULT_ID = "a" * 32


def an_actor(organization_id: str = ORGANIZATION) -> Actor:
    return Actor(
        user_id="2" * 32,
        organization_id=organization_id,
        role=Role.ANALYST,
        permissions=frozenset(),
        attributes={"region": "EU"},
    )


def a_source(path: str = "data.duckdb", engine: str = "duckdb") -> DataSource:
    return DataSource(
        source_id="1" * 32,
        organization_id=ORGANIZATION,
        name="Test data",
        engine=engine,
        options={"path": path},
    )


def a_result(stored: StoredRows | None = None, result_id: str = RESULT_ID) -> Result:
    return Result(
        result_id=result_id,
        organization_id=ORGANIZATION,
        source_id="1" * 32,
        columns=stored.columns if stored else (Column(name="a", type="integer"),),
        row_count=stored.row_count if stored else 0,
        truncated=stored.truncated if stored else False,
        limit=1_000,
        as_of=datetime.now(UTC),
        duration_ms=1.0,
        engine="duckdb",
        route="duckdb",
        why="",
        sql="SELECT 1",
        tables=(),
        claims_hash="",
    )


def store(root: Path, table: pa.Table, *, limit: int = 1_000) -> tuple[ResultStore, Result]:
    """A result store that holds `table`."""
    results = ResultStore(root)
    stored = results.write(
        table.to_batches(),
        table.schema,
        result_id=RESULT_ID,
        organization_id=ORGANIZATION,
        limit=limit,
    )
    return results, a_result(stored)


@contextmanager
def database(folder: Path, *statements: str) -> Iterator[tuple[DuckDBEngine, DataSource]]:
    """An engine and a source over a fresh file made by `statements`."""
    with duckdb.connect(str(folder / "data.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    engine = DuckDBEngine(folder)
    try:
        yield engine, a_source()
    finally:
        engine.close()
