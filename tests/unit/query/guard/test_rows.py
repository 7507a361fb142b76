"""Limits are pushed into the text, as each dialect writes them."""

from __future__ import annotations

import pytest

from tests.unit.query.guard.asking import allow, deny, flat


@pytest.mark.parametrize(
    ("dialect", "sql", "ending"),
    [
        ("postgres", "SELECT id FROM orders", "LIMIT 101"),
        ("mysql", "SELECT id FROM orders LIMIT 5, 10", "LIMIT 10 OFFSET 5"),
        ("sqlite", "SELECT id FROM orders LIMIT 5000 OFFSET 2", "LIMIT 101 OFFSET 2"),
        ("trino", "SELECT id FROM orders OFFSET 5", "OFFSET 5 LIMIT 101"),
        ("trino", "SELECT id FROM orders FETCH FIRST 7 ROWS ONLY", "LIMIT 7"),
        ("postgres", "SELECT id FROM orders FETCH FIRST ROW ONLY", "LIMIT 1"),
        ("duckdb", "SELECT id FROM orders FETCH FIRST 3 ROWS ONLY", "LIMIT 3"),
        ("postgres", "SELECT id FROM orders LIMIT (7)", "LIMIT 7"),
        ("tsql", "SELECT id FROM orders", "SELECT TOP 101 id FROM orders"),
        ("tsql", "SELECT TOP 7 id FROM orders", "SELECT TOP 7 id FROM orders"),
        ("tsql", "SELECT TOP (7) id FROM orders", "SELECT TOP 7 id FROM orders"),
        ("tsql", "SELECT TOP 700 id FROM orders", "SELECT TOP 101 id FROM orders"),
        (
            "tsql",
            "SELECT id FROM orders ORDER BY id OFFSET 5 ROWS FETCH NEXT 10 ROWS ONLY",
            "OFFSET 5 ROWS FETCH FIRST 10 ROWS ONLY",
        ),
        (
            "tsql",
            "SELECT id FROM orders UNION ALL SELECT id FROM people ORDER BY 1",
            "FROM people) AS _l_0 ORDER BY 1",
        ),
        (
            "clickhouse",
            "SELECT id FROM orders LIMIT 2 BY region",
            "SELECT * FROM (SELECT id FROM orders LIMIT 2 BY region) AS limited_by LIMIT 101",
        ),
        (
            "duckdb",
            "SELECT id FROM (SELECT id FROM orders FETCH FIRST 5 ROWS ONLY) AS a",
            "LIMIT 5 ) AS a LIMIT 101",
        ),
    ],
)
def test_one_row_more_than_wanted(dialect: str, sql: str, ending: str) -> None:
    shown = flat(allow(sql, dialect).sql).replace("( ", "(").replace(" )", ")")
    assert shown.endswith(ending.replace(" )", ")"))


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT id FROM orders", "SELECT id FROM orders"),
        ("SELECT id FROM orders LIMIT 5000", "SELECT id FROM orders LIMIT 5000"),
        ("SELECT id FROM orders FETCH NEXT 5 ROWS ONLY", "SELECT id FROM orders LIMIT 5"),
    ],
)
def test_without_a_limit_the_query_keeps_its_own(sql: str, shown: str) -> None:
    assert flat(allow(sql, limit=None).sql) == shown


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT id FROM orders LIMIT 10 PERCENT"),
        ("postgres", "SELECT id FROM orders FETCH FIRST 5 ROWS WITH TIES"),
        ("tsql", "SELECT TOP 5 PERCENT id FROM orders"),
        ("tsql", "SELECT TOP 5 WITH TIES id FROM orders ORDER BY id"),
        ("duckdb", "SELECT id FROM (SELECT id FROM orders LIMIT 10 PERCENT) AS a"),
        ("postgres", "SELECT id FROM orders LIMIT id"),
        ("postgres", "SELECT id FROM orders LIMIT '5'"),
        ("postgres", "SELECT id FROM orders FETCH FIRST (SELECT 1) ROWS ONLY"),
    ],
)
@pytest.mark.parametrize("limit", [100, None])
def test_a_limit_is_a_plain_number(dialect: str, sql: str, limit: int | None) -> None:
    assert "LIMIT" in deny(sql, dialect, limit=limit).reason
