"""What views read; whatever is not understood is unknown, never less."""

from __future__ import annotations

import pytest

from aiser_app.query.catalog.views import MAX_DEFINITION, find_dependencies
from aiser_app.query.engines.contract import TableSchema
from tests.unit.query.catalog.engines import a_table

TABLES = (
    a_table("orders", "id INTEGER"),
    a_table("customers", "id INTEGER"),
    a_table("sales.deals", "id INTEGER"),
    a_table("sales.orders", "id INTEGER"),
    a_table("Mixed", "id INTEGER"),
)


def a_view(name: str, definition: str) -> TableSchema:
    return TableSchema(name=name, columns=(), is_view=True, definition=definition)


def reads(
    definition: str, dialect: str = "postgres", name: str = "v", *more: TableSchema
) -> tuple[str, ...] | None:
    return find_dependencies((*TABLES, a_view(name, definition), *more), dialect)[name]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("SELECT * FROM orders", ("orders",)),
        ("SELECT o.id FROM public.orders o JOIN customers c ON o.id = c.id;", ("customers", "orders")),
        ("SELECT * FROM sales.deals", ("sales.deals",)),
        ("SELECT * FROM sales.orders", ("sales.orders",)),
        ("SELECT * FROM ORDERS WHERE id IN (SELECT id FROM customers)", ("customers", "orders")),
        ("SELECT * FROM mixed", ("Mixed",)),
        ('SELECT * FROM "Mixed"', ("Mixed",)),
        ("SELECT 1 AS one", ()),
        ("SELECT * FROM orders UNION ALL SELECT * FROM customers", ("customers", "orders")),
        ("SELECT * FROM shop.orders", ("orders",)),
        ("CREATE VIEW v AS SELECT * FROM orders", ("orders",)),
        ("CREATE VIEW v (a) AS WITH x AS (SELECT id FROM orders) SELECT id FROM x", ("orders",)),
        ("SELECT d, count(*) FROM generate_series(1, 3) d, orders GROUP BY d", ("orders",)),
        ("SELECT (SELECT max(id) FROM customers) FROM orders", ("customers", "orders")),
    ],
)  # fmt: skip
def test_what_a_view_reads(definition: str, expected: tuple[str, ...]) -> None:
    assert reads(definition) == expected


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("WITH orders AS (SELECT * FROM customers) SELECT * FROM orders", ("customers",)),
        ("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", ("orders",)),
        ("WITH a AS (SELECT * FROM customers), customers AS (SELECT 1) SELECT * FROM a, customers",
         ("customers",)),
        ("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t, orders",
         ("orders",)),
        ("WITH orders AS (SELECT 1) SELECT * FROM public.orders", ("orders",)),
        ("SELECT * FROM (WITH x AS (SELECT * FROM customers) SELECT * FROM x) y", ("customers",)),
    ],
)  # fmt: skip
def test_names_of_with_are_tables_only_where_they_are_not_visible(
    definition: str, expected: tuple[str, ...]
) -> None:
    assert reads(definition) == expected


@pytest.mark.parametrize(
    "definition",
    [
        "",
        "   ",
        "not sql at all (",
        "SELECT 1; SELECT 2",
        "DELETE FROM orders",
        "SELECT * FROM unknown_table",
        "SELECT * FROM sales.unknown",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT my_function(id) FROM orders",
        "SELECT * FROM my_function(1)",
        "SELECT * FROM orders, LATERAL query_to_xml('select 1', true, true, '')",
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
        "SELECT 1 -- " + "x" * MAX_DEFINITION,
    ],
)
def test_what_is_not_understood_is_unknown(definition: str) -> None:
    assert reads(definition) is None


def test_a_failing_parser_makes_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("aiser_app.query.catalog.views.statements_of", fail)
    assert reads("SELECT * FROM orders") is None


def test_views_are_followed_to_their_tables() -> None:
    found = find_dependencies(
        (
            *TABLES,
            a_view("a", "SELECT * FROM b"),
            a_view("b", "SELECT * FROM c JOIN customers ON true"),
            a_view("c", "SELECT * FROM orders"),
            a_view("d", "SELECT * FROM e"),
            a_view("e", "SELECT my_function(1)"),
            a_view("f", "SELECT * FROM g"),
            a_view("g", "SELECT * FROM f, orders"),
        ),
        "postgres",
    )
    assert found == {
        "a": ("b", "c", "customers", "orders"),
        "b": ("c", "customers", "orders"),
        "c": ("orders",),
        "d": None,
        "e": None,
        "f": ("g", "orders"),
        "g": ("f", "orders"),
    }


def test_an_unqualified_name_may_be_of_the_view_s_own_schema() -> None:
    assert reads("SELECT * FROM orders", "tsql", "sales.v") == ("orders", "sales.orders")
    assert reads("SELECT * FROM deals", "tsql", "sales.v") == ("sales.deals",)


@pytest.mark.parametrize(
    ("dialect", "definition"),
    [
        ("mysql", "select `shop`.`orders`.`id` AS `id` from `shop`.`orders`"),
        ("sqlite", "CREATE VIEW v AS SELECT id FROM [orders]"),
        ("clickhouse", "SELECT id FROM default.orders"),
        ("duckdb", "CREATE VIEW v AS SELECT id FROM main.orders;"),
        ("tsql", "CREATE VIEW [dbo].[v] AS SELECT [id] FROM [dbo].[orders]"),
        ("bigquery", "SELECT id FROM `project.shop.orders`"),
        ("snowflake", "create or replace view V as select ID from DB.PUBLIC.ORDERS"),
    ],
)
def test_definitions_of_other_databases(dialect: str, definition: str) -> None:
    assert reads(definition, dialect) == ("orders",)
