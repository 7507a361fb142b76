"""TPC-H passes, means the same, and takes no time worth mentioning."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from tests.unit.query.guard.asking import allow
from tests.unit.query.guard.tpch import QUERIES, TABLES

ROWS = 300
WORDS = ["EUROPE", "ASIA", "AMERICA", "FRANCE", "GERMANY", "BRAZIL", "CANADA", "BUILDING", "MAIL",
         "SHIP", "AIR", "Brand#12", "Brand#23", "MED BOX", "SM CASE", "R", "F", "N", "1-URGENT",
         "forest green", "PROMO BRASS", "13-555", "31-555", "DELIVER IN PERSON"]  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    chance = random.Random(22)
    found = duckdb.connect(config={"threads": 1})

    def value(kind: str) -> object:
        if kind == "INTEGER":
            return chance.randrange(1, 30)
        if kind == "DATE":
            return date(1993, 1, 1) + timedelta(days=chance.randrange(2_000))
        return chance.choice(WORDS) if kind == "VARCHAR" else chance.randrange(1, 9_999) / 100

    for table, columns in TABLES.items():
        found.execute(f"CREATE TABLE {table} ({columns})")
        kinds = [
            column.split()[1].partition("(")[0] for column in columns.split(", ") if " " in column
        ]
        marks = ", ".join("?" * len(kinds))
        rows = [[value(kind) for kind in kinds] for _ in range(ROWS)]
        found.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    with found:
        yield found


@pytest.mark.parametrize("number", QUERIES)
def test_the_rows_are_the_same(number: int, connection: duckdb.DuckDBPyConnection) -> None:
    sql = QUERIES[number]
    verdict = allow(sql, "duckdb", tables=tuple(TABLES), limit=1_000_000)
    original = connection.execute(sql).fetchall()
    assert Counter(connection.execute(verdict.statement.sql).fetchall()) == Counter(original)


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "trino", "databricks"])
@pytest.mark.parametrize("number", QUERIES)
def test_every_query_may_run(number: int, dialect: str) -> None:
    verdict = allow(QUERIES[number], dialect, tables=tuple(TABLES))
    assert set(verdict.tables) <= set(TABLES)
    again = allow(verdict.statement.sql, dialect, tables=tuple(TABLES))
    assert again.sql == verdict.sql


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_verdict_is_quick(dialect: str) -> None:
    """Typically 4 ms of this process's own time; the bound leaves room for slow machines."""
    taken = []
    for sql in QUERIES.values():
        allow(sql, dialect, tables=tuple(TABLES))
        started = time.thread_time()
        allow(sql, dialect, tables=tuple(TABLES))
        taken.append(time.thread_time() - started)
    assert statistics.median(taken) < 0.05
