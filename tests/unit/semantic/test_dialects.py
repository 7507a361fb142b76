"""Compiled queries give the same rows in every database; SQLite runs here, others elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlglot import parse_one

from aiser_app.domain.semantic_query import Granularity, SemanticQuery, TimeDimension
from aiser_app.semantic.compiler import compile_query
from tests.unit.semantic.builders import SHOP, Shop
from tests.unit.semantic.portable_queries import QUERIES, comparable

DIALECTS = (
    "duckdb", "postgres", "mysql", "sqlite", "clickhouse", "snowflake", "bigquery", "tsql",
    "trino", "databricks",
)  # fmt: skip


@pytest.fixture(scope="module")
def sqlite_shop() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for statement in SHOP:
        connection.execute(
            statement.replace("DATE '", "'").replace("TIMESTAMP '", "'").replace("VARCHAR", "TEXT")
        )
    yield connection
    connection.close()


def compiled(shop: Shop, dialect: str, parts: dict[str, Any]) -> str:
    query = SemanticQuery(**parts)
    return compile_query(query, shop.model, dialect=dialect, default_limit=1_000).sql


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_sqlite_gives_the_rows_of_duckdb(
    shop: Shop, sqlite_shop: sqlite3.Connection, name: str
) -> None:
    parts = QUERIES[name]
    rows = sqlite_shop.execute(compiled(shop, "sqlite", parts)).fetchall()
    assert comparable(rows) == comparable(shop.rows(**parts))
    assert rows


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_dialect_can_read_what_is_written_for_it(shop: Shop, dialect: str, name: str) -> None:
    text = compiled(shop, dialect, QUERIES[name])
    assert parse_one(text, dialect=dialect).sql(dialect=dialect, pretty=True, identify=False)
    assert "TIMESTAMP_TRUNC" not in text
    assert "PERCENTILE_CONT(" not in text or dialect == "postgres"


MEDIAN = {"measures": ("orders.median_amount",)}


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("duckdb", "MEDIAN(CAST(orders.amount AS DOUBLE))"),
        ("postgres", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY"),
        ("clickhouse", 'quantileExactInclusive(0.5)(CAST("orders"."amount" AS Nullable(Float64)))'),
        ("databricks", "PERCENTILE(`orders`.`amount`, 0.5)"),
        ("snowflake", "MEDIAN(orders.amount)"),
    ],
)
def test_medians(shop: Shop, dialect: str, expected: str) -> None:
    assert expected in compiled(shop, dialect, MEDIAN)


@pytest.mark.parametrize("dialect", ["mysql", "sqlite", "bigquery", "tsql", "trino"])
def test_a_database_without_exact_medians_numbers_the_rows(shop: Shop, dialect: str) -> None:
    text = compiled(shop, dialect, MEDIAN)
    assert "ROW_NUMBER() OVER (" in text
    assert "MEDIAN(" not in text


@pytest.mark.parametrize(
    ("dialect", "granularity", "expected"),
    [
        ("bigquery", "week", "DATE_TRUNC(`orders`.`placed`, ISOWEEK)"),
        ("bigquery", "month", "DATE_TRUNC(`orders`.`placed`, MONTH)"),
        ("tsql", "week", "DATETRUNC(ISO_WEEK, [orders].[placed])"),
        ("tsql", "month", "DATETRUNC(MONTH, [orders].[placed])"),
        ("mysql", "week", "DATE_SUB(DATE(`orders`.`placed`), INTERVAL"),
        ("sqlite", "month", "DATE(\"orders\".\"placed\", 'start of month')"),
        ("clickhouse", "month", "CAST(dateTrunc('MONTH', \"orders\".\"placed\") AS Nullable(Date32))"),
        ("clickhouse", "hour", "CAST(\"orders\".\"placed\" AS Nullable(DateTime64(6)))"),
        ("postgres", "month", "CAST(DATE_TRUNC('MONTH', orders.placed) AS DATE)"),
    ],
)  # fmt: skip
def test_starts_of_spans(shop: Shop, dialect: str, granularity: str, expected: str) -> None:
    times = (TimeDimension(dimension="orders.placed", granularity=Granularity(granularity)),)
    text = compiled(shop, dialect, {"measures": ("orders.count",), "time_dimensions": times})
    assert expected in text


def test_names_are_quoted_where_reserved_words_are_not_known(shop: Shop) -> None:
    parts = {"measures": ("orders.count",)}
    assert compiled(shop, "mysql", parts) == "SELECT\n  COUNT(*) AS `count`\nFROM `orders`"
    assert compiled(shop, "postgres", parts) == "SELECT\n  COUNT(*) AS count\nFROM orders"


def test_text_is_searched_without_regard_to_case_in_sql_server(shop: Shop) -> None:
    text = compiled(shop, "tsql", QUERIES["contains"])
    assert "LOWER(CAST([customers].[name] AS VARCHAR(MAX))) LIKE LOWER('%ada%') ESCAPE '!'" in text
