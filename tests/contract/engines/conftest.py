"""Engines under contract: a new one is one line in ENGINES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from aiser_app.domain.data_source import DataSource
from aiser_app.query.engines.contract import Engine
from aiser_app.query.engines.duckdb import DuckDBEngine

SETUP = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR, height DOUBLE, born DATE)",
    "INSERT INTO people VALUES (1, 'Ada', 1.65, DATE '1815-12-10'), (2, 'Alan', NULL, NULL)",
    "CREATE TABLE visits (person_id INTEGER, started TIMESTAMP)",
    "INSERT INTO visits VALUES (1, TIMESTAMP '2024-01-01 10:00:00')",
)
"""Portable SQL: every engine's source gets these tables."""


@dataclass(frozen=True)
class Case:
    """An engine with a source that holds the tables of SETUP."""

    engine: Engine
    source: DataSource
    missing: DataSource
    """A source whose database does not exist."""
    endless: str
    """A query that runs far longer than any test."""


def a_source(name: str, **options: str) -> DataSource:
    return DataSource(
        source_id="5" * 32, organization_id="0" * 32, name="Case", engine=name, options=options
    )


@contextmanager
def duckdb_case(folder: Path) -> Iterator[Case]:
    with duckdb.connect(str(folder / "case.duckdb")) as connection:
        for statement in SETUP:
            connection.execute(statement)
    engine = DuckDBEngine(folder)
    yield Case(
        engine=engine,
        source=a_source("duckdb", path="case.duckdb"),
        missing=a_source("duckdb", path="missing.duckdb"),
        endless=(
            "SELECT count(*) FROM range(100000000) AS a(x), range(100000000) AS b(y) "
            "WHERE hash(x, y) = 42"
        ),
    )
    engine.close()


ENGINES: dict[str, Callable[[Path], object]] = {"duckdb": duckdb_case}


@pytest.fixture(params=sorted(ENGINES))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    with ENGINES[request.param](tmp_path) as made:  # type: ignore[attr-defined]
        yield made
