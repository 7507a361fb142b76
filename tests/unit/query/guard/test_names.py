"""Names mean the table that the database would read, in each dialect's own way."""

from __future__ import annotations

import pytest

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.guard.dialects import rules_of
from aiser_app.query.guard.names import TableNames
from tests.unit.query.guard.asking import allow, deny, flat


def tables(*names: str) -> dict[str, GrantedTable]:
    return {name: GrantedTable(name=name) for name in names}


@pytest.mark.parametrize(
    ("dialect", "granted", "sql"),
    [
        ("postgres", "orders", "SELECT * FROM ORDERS"),
        ("postgres", "orders", 'SELECT * FROM "orders"'),
        ("postgres", "orders", "SELECT * FROM Public.Orders"),
        ("postgres", "Orders", 'SELECT * FROM "Orders"'),
        ("postgres", "sales.Orders", 'SELECT * FROM sales."Orders"'),
        ("mysql", "orders", "SELECT * FROM orders"),
        ("mysql", "shop.orders", "SELECT * FROM shop.orders"),
        ("sqlite", "orders", "SELECT * FROM [ORDERS]"),
        ("clickhouse", "Orders", "SELECT * FROM default.Orders"),
        ("snowflake", "ORDERS", "SELECT * FROM orders"),
        ("snowflake", "orders", "SELECT * FROM orders"),
        ("snowflake", "orders", 'SELECT * FROM "ORDERS"'),
        ("snowflake", "sales.orders", "SELECT * FROM sales.orders"),
        ("snowflake", "Orders", 'SELECT * FROM "Orders"'),
        ("snowflake", "db.sales.orders", "SELECT * FROM db.sales.orders"),
        ("bigquery", "sales.orders", "SELECT * FROM `sales.orders`"),
        ("bigquery", "a.b.c", "SELECT * FROM a.`b.c`"),
        ("bigquery", "project.sales.orders", "SELECT * FROM `project.sales.orders`"),
        ("tsql", "Orders", "SELECT * FROM [dbo].[Orders]"),
        ("trino", "sales.orders", "SELECT * FROM SALES.Orders"),
        ("trino", "hive.sales.orders", "SELECT * FROM hive.sales.orders"),
        ("spark", "orders", "SELECT * FROM default.ORDERS"),
        ("duckdb", "main.odd.name", 'SELECT * FROM "odd.name"'),
    ],
)
def test_granted(dialect: str, granted: str, sql: str) -> None:
    assert allow(sql, dialect, tables=tables(granted)).tables == (granted,)
    assert allow(sql, dialect, tables=(granted,)).tables == (granted,)


@pytest.mark.parametrize(
    ("dialect", "granted", "sql"),
    [
        ("postgres", "orders", 'SELECT * FROM "Orders"'),
        ("postgres", "Orders", "SELECT * FROM Orders"),
        ("postgres", "orders", "SELECT * FROM main.orders"),
        ("postgres", "orders", "SELECT * FROM db.public.orders"),
        ("postgres", "a.b.c", 'SELECT * FROM "a.b".c'),
        ("mysql", "orders", "SELECT * FROM shop.orders"),
        ("clickhouse", "Orders", "SELECT * FROM orders"),
        ("snowflake", "orders", 'SELECT * FROM "Orders"'),
        ("snowflake", "ORDERS", 'SELECT * FROM "orders"'),
        ("bigquery", "sales.orders", "SELECT * FROM sales.Orders"),
        ("bigquery", "sales.orders", "SELECT * FROM p.sales.orders"),
        ("tsql", "orders", "SELECT * FROM other.orders"),
        ("tsql", "orders", "SELECT * FROM db..orders"),
        ("trino", "a.b.c", 'SELECT * FROM a."b.c"'),
        ("duckdb", "main.odd.name", "SELECT * FROM odd.name"),
        ("duckdb", "main.odd.name", "SELECT * FROM main.odd.name"),
    ],
)
def test_not_granted(dialect: str, granted: str, sql: str) -> None:
    assert deny(sql, dialect, tables=tables(granted)).reason


@pytest.mark.parametrize("dialect", ["mysql", "tsql"])
@pytest.mark.parametrize(
    ("granted", "sql", "shown"),
    [
        ("orders", "SELECT ORDERS.id FROM ORDERS", "ORDERS.id FROM 'orders' AS ORDERS"),
        ("Orders", "SELECT o.id FROM orders AS o", "o.id FROM 'Orders' AS o"),
        ("Shop.Orders", "SELECT shop.orders.id FROM shop.orders", "orders.id FROM 'Shop'.'Orders' AS orders"),
        ("orders", "SELECT id FROM orders", "id FROM orders"),
    ],
)  # fmt: skip
def test_where_the_server_decides_names_become_those_of_the_list(
    dialect: str, granted: str, sql: str, shown: str
) -> None:
    text = flat(allow(sql, dialect, tables=tables(granted)).sql)
    for quote in "[]`":
        text = text.replace(quote, "'")
    assert shown in text


def test_the_default_schema_of_a_source_counts() -> None:
    names = {"tables": tables("orders"), "default_schema": "Sales"}
    assert allow("SELECT * FROM sales.orders", **names).tables == ("orders",)
    assert deny("SELECT * FROM main.orders", **names).reason
    assert allow("SELECT * FROM orders", "mysql", tables=tables("shop.orders"),
                 default_schema="shop").tables == ("shop.orders",)  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "sql", "words"),
    [
        ("postgres", 'WITH "Users" AS (SELECT 1 AS a) SELECT * FROM users', "exactly"),
        ("mysql", "WITH Users AS (SELECT 1 AS a) SELECT * FROM users", "exactly"),
        ("duckdb", "WITH u\u017fers AS (SELECT 1 AS a) SELECT * FROM users", "exactly"),
        ("clickhouse", "WITH 1 AS users SELECT * FROM users", "no table"),
        ("sqlite", "WITH users AS (SELECT * FROM users) SELECT * FROM users", "no table"),
        ("postgres", "WITH r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT * FROM r", "no table"),
        ("mysql", "WITH ORDERS AS (SELECT 1 AS a) SELECT * FROM ORDERS", "name of a table"),
        ("duckdb", "WITH a AS (SELECT 1) SELECT * FROM main.a", "no table"),
    ],
)  # fmt: skip
def test_a_common_table_expression_that_might_not_be_one(
    dialect: str, sql: str, words: str
) -> None:
    assert words in deny(sql, dialect, tables=tables("orders")).reason


@pytest.mark.parametrize("dialect", ["tsql", "sqlite"])
def test_recursion_without_the_word(dialect: str) -> None:
    sql = "WITH r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r"
    assert allow(sql, dialect, tables=()).tables == ()


def test_plain_names() -> None:
    names = TableNames((), rules_of("postgres"))
    assert names.plain("public.orders") == "orders"
    assert names.plain("Public.orders") == "Public.orders"
    assert names.plain("public.odd.name") == "public.odd.name"
    assert TableNames((), rules_of("duckdb")).plain("MAIN.orders") == "orders"
    assert TableNames((), rules_of("mysql")).plain("shop.orders") == "shop.orders"


def test_an_empty_allow_list_names_nothing() -> None:
    assert deny("SELECT * FROM x", tables=()).reason == (
        "There is no table “x” in this data source."
    )
