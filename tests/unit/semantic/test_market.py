"""Every form of a semantic query gives the answer that was worked out by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import duckdb
import pytest
from sqlglot import parse_one

from aiser_app.domain.actor import Claims
from aiser_app.domain.verdict import Allowed
from aiser_app.query.guard import judge
from tests.unit.semantic.market import MARKET, MODEL
from tests.unit.semantic.market_queries import CASES
from tests.unit.semantic.market_rows import alike, compiled
from tests.unit.semantic.test_dialects import DIALECTS

TABLES = tuple(cube.table for cube in MODEL.cubes if cube.table)


@pytest.fixture(scope="module")
def market() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in MARKET:
            connection.execute(statement)
        yield connection


@pytest.fixture(scope="module")
def sqlite_market() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.create_function("CONCAT", -1, lambda *parts: "".join(parts))  # from 3.44 on its own
    for statement in MARKET:
        connection.execute(statement.replace("DATE '", "'").replace("TIMESTAMP '", "'"))
    yield connection
    connection.close()


@pytest.mark.parametrize("name", CASES)
def test_duckdb(market: duckdb.DuckDBPyConnection, name: str) -> None:
    parts, expected = CASES[name]
    query = compiled(parts, "duckdb")
    cursor = market.cursor().execute(query.sql)
    assert [item[0] for item in cursor.description] == [item.name for item in query.columns]
    assert alike(cursor.fetchall()) == alike(expected)


@pytest.mark.parametrize("name", CASES)
def test_sqlite(sqlite_market: sqlite3.Connection, name: str) -> None:
    parts, expected = CASES[name]
    rows = sqlite_market.execute(compiled(parts, "sqlite").sql).fetchall()
    assert alike(rows) == alike(expected)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", CASES)
def test_the_guard_lets_everything_through(dialect: str, name: str) -> None:
    query = compiled(CASES[name][0], dialect)
    assert parse_one(query.sql, dialect=dialect)
    verdict = judge(
        query.sql,
        dialect=dialect,
        tables=TABLES,
        claims=Claims(organization_id="0" * 32),
        limit=1_000,
    )
    assert isinstance(verdict, Allowed), f"{verdict}\n{query.sql}"
    assert set(verdict.tables) == set(query.tables)
