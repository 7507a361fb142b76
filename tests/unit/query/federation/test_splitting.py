"""What each source is asked, and how a query that names something wrong is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from aiser_app.domain.policy import ColumnMask, GrantedTable, MaskKind, Policies
from aiser_app.errors import QueryDenied
from aiser_app.query.federation import FederatedSource, split
from tests.unit.query.federation.builders import Both, both


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("splitting")) as found:
        yield found


def asked(two: Both, sql: str, **options: Any) -> list[str]:
    parts = split(sql, two.sources, **options).parts
    return [f"{part.source.name}: {part.sql}".replace('"', "") for part in parts]


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        (
            "SELECT o.id, c.name FROM sales.orders o JOIN crm.customers c ON o.customer_id = c.id",
            ["sales: SELECT id, customer_id FROM orders", "crm: SELECT id, name FROM customers"],
        ),
        (
            "SELECT o.id FROM SALES.Orders o, Crm.CUSTOMERS c WHERE o.AMOUNT > 5 AND c.Name = 'x'",
            [
                "sales: SELECT id, amount FROM orders WHERE amount > 5",
                "crm: SELECT name FROM customers WHERE name = 'x'",
            ],
        ),
        (
            "SELECT name FROM crm.customers WHERE id IN (SELECT customer_id FROM sales.orders)",
            ["crm: SELECT id, name FROM customers", "sales: SELECT customer_id FROM orders"],
        ),
        (
            "SELECT count(*) FROM sales.main.orders, crm.customers",
            ["sales: SELECT is_open FROM orders", "crm: SELECT id FROM customers"],
        ),
        (
            "WITH x AS (SELECT * FROM crm.customers) SELECT x.name FROM x WHERE x.id > 3",
            ["crm: SELECT id, name FROM customers WHERE id > 3"],
        ),
        (
            "WITH x AS (SELECT * FROM crm.customers), y AS (SELECT * FROM x) SELECT * FROM y",
            ["crm: SELECT id, name, country, since, orders FROM customers"],
        ),
        (
            "SELECT a.n FROM (SELECT *, since AS n FROM crm.customers WHERE country = 'DE') a",
            ["crm: SELECT country, since FROM customers WHERE country = 'DE'"],
        ),
        (
            "SELECT a.name FROM (SELECT * FROM crm.customers GROUP BY ALL) a",
            ["crm: SELECT id, name, country, since, orders FROM customers"],
        ),
        (
            "SELECT a.name FROM (SELECT * FROM crm.customers ORDER BY 2 LIMIT 3) a",
            ["crm: SELECT id, name, country, since, orders FROM customers"],
        ),
        (
            "SELECT a.name FROM (SELECT c.* FROM crm.customers c, sales.items i) a",
            ["crm: SELECT name FROM customers", "sales: SELECT order_id FROM items"],
        ),
        (
            "SELECT count(c.*) FROM crm.customers c",
            ["crm: SELECT id, name, country, since, orders FROM customers"],
        ),
        (
            "SELECT name FROM crm.customers WHERE (id, 1) IN (SELECT * FROM (SELECT order_id, 1 FROM sales.items))",
            ["crm: SELECT id, name FROM customers", "sales: SELECT order_id FROM items"],
        ),
        (
            "SELECT * FROM (sales.items i JOIN crm.items n ON i.order_id = n.order_id)",
            ["sales: SELECT order_id, product, quantity FROM items", "crm: SELECT order_id, note FROM items"],
        ),
        (
            "SELECT i.order_id FROM sales.items i LEFT JOIN crm.items n ON i.order_id = n.order_id AND n.note IS NOT NULL",
            [
                "sales: SELECT order_id FROM items",
                "crm: SELECT order_id, note FROM items WHERE NOT note IS NULL",
            ],
        ),
        (
            "SELECT * FROM crm.items WHERE note LIKE 'a%' LIMIT 5 OFFSET 2",
            ["crm: SELECT order_id, note FROM items WHERE note LIKE 'a%' LIMIT 7"],
        ),
        (
            "SELECT note FROM crm.items TABLESAMPLE 10% WHERE order_id = 3",
            ["crm: SELECT order_id, note FROM items"],
        ),
        (
            "SELECT x.k FROM (SELECT order_id AS k, count(*) AS n FROM crm.items GROUP BY 1) x WHERE x.k = 3 AND x.n > 1",
            ["crm: SELECT order_id FROM items WHERE order_id = 3"],
        ),
        (
            "SELECT x.k FROM (SELECT order_id AS k, note FROM crm.items GROUP BY ALL) x WHERE x.k = 3",
            ["crm: SELECT order_id, note FROM items WHERE order_id = 3"],
        ),
        (
            "SELECT x.k FROM (SELECT order_id AS k, count(*) FROM crm.items GROUP BY order_id, note) x WHERE x.k = 3",
            ["crm: SELECT order_id, note FROM items WHERE order_id = 3"],
        ),
        (
            "SELECT x.k FROM (SELECT max(order_id) AS k FROM crm.items) x WHERE x.k = 3",
            ["crm: SELECT order_id FROM items"],
        ),
        (
            "SELECT x.note FROM (SELECT note, unnest([1, 2]) AS u FROM crm.items) x WHERE x.note = 'a'",
            ["crm: SELECT note FROM items"],
        ),
        (
            "SELECT x.a FROM (SELECT order_id AS a, order_id AS b FROM crm.items) x WHERE x.a = x.b AND x.b = 3",
            ["crm: SELECT order_id FROM items WHERE order_id = 3"],
        ),
        (
            "SELECT 1 FROM (SELECT order_id AS k FROM crm.items UNION BY NAME SELECT order_id AS k FROM sales.items) u WHERE k = 1",
            ["crm: SELECT order_id FROM items", "sales: SELECT order_id FROM items"],
        ),
        (
            "SELECT 1 FROM ((SELECT order_id FROM crm.items LIMIT 4) UNION ALL SELECT order_id FROM sales.items LIMIT 9) u WHERE order_id = 1",
            ["crm: SELECT order_id FROM items LIMIT 4", "sales: SELECT order_id FROM items LIMIT 9"],
        ),
        (
            "SELECT * FROM crm.items POSITIONAL JOIN sales.items WHERE note = 'a'",
            ["crm: SELECT order_id, note FROM items", "sales: SELECT order_id, product, quantity FROM items"],
        ),
    ],
)  # fmt: skip
def test_what_each_source_is_asked(two: Both, sql: str, parts: list[str]) -> None:
    assert sorted(asked(two, sql)) == sorted(parts)


@pytest.mark.parametrize(
    ("sql", "limits"),
    [
        ("SELECT id FROM sales.orders", [101]),
        ("SELECT id FROM sales.orders LIMIT 5", [5]),
        ("SELECT id FROM sales.orders LIMIT 5000", [101]),
        ("SELECT id FROM sales.orders LIMIT 5000 OFFSET 10", [111]),
        ("SELECT id FROM sales.orders LIMIT (SELECT 5)", [None]),
        ("SELECT id FROM sales.orders LIMIT 10%", [None]),
        ("SELECT id FROM sales.orders ORDER BY id LIMIT 5", [None]),
        ("SELECT DISTINCT id FROM sales.orders LIMIT 5", [None]),
        ("SELECT max(id) FROM sales.orders LIMIT 5", [None]),
        ("SELECT id FROM sales.orders WHERE id = 3", [101]),
        ("SELECT id FROM sales.orders WHERE id = 3 AND seen > '2024-01-01'", [None]),
        ("SELECT id FROM sales.orders WHERE id = 3 AND lower(status) = 'x'", [None]),
        ("SELECT id FROM sales.orders WHERE id IN (SELECT id FROM crm.customers)", [None, None]),
        ("SELECT id FROM sales.orders UNION ALL SELECT id FROM crm.customers", [101, 101]),
        ("SELECT id FROM sales.orders UNION SELECT id FROM crm.customers", [None, None]),
        ("SELECT id FROM sales.orders UNION ALL SELECT id FROM crm.customers ORDER BY 1", [None, None]),
        ("SELECT id FROM sales.orders UNION ALL SELECT id FROM sales.orders", [None]),
        ("SELECT x.id FROM (SELECT id FROM crm.customers LIMIT 7) x, sales.orders", [7, None]),
        ("SELECT x.id FROM (SELECT id FROM crm.customers) x, sales.orders", [None, None]),
        ("SELECT id FROM crm.customers TABLESAMPLE 5 ROWS", [None]),
    ],
)  # fmt: skip
def test_how_many_rows_can_matter(two: Both, sql: str, limits: list[int | None]) -> None:
    found = [part.rows for part in split(sql, two.sources, limit=100).parts]
    assert sorted(found, key=str) == sorted(limits, key=str)


def test_without_a_limit_of_the_caller_all_rows_matter(two: Both) -> None:
    assert split("SELECT id FROM sales.orders", two.sources).parts[0].rows is None


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT 1 FROM shop.orders", "no data source “shop”", "crm, sales"),
        ("SELECT 1 FROM a.b.c.orders", "“a”", "source.table"),
        ("SELECT 1 FROM sales.order", "no table “order” in “sales”", "It has: items, orders."),
        ("SELECT 1 FROM sales.x.orders", "no table “x.orders”", None),
        ("SELECT 1 FROM orders", "which data source the table “orders” is in", "sales.orders"),
        ("SELECT 1 FROM items", "“items”", "sales.items or crm.items"),
        ("SELECT 1 FROM nothing", "“nothing”", "source.table"),
        ("SELECT o.amuont FROM sales.orders o", "no column “amuont” in sales.orders", "o.amount"),
        ("SELECT items.note FROM sales.items, crm.items", "“items” can mean", "aliases"),
        ("SELECT 1; SELECT 2", "exactly one query", None),
        ("DELETE FROM sales.orders", "Only SELECT", None),
        ("SELECT FROM WHERE", "could not be read", None),
        ("SELECT 'open", "could not be read", None),
        ("", "empty", None),
        ("SELECT " + "(" * 90 + "1" + ")" * 90 + " FROM " + "x" * 100_000, "longer", None),
    ],
)
def test_what_is_wrong_is_said_in_words(
    two: Both, sql: str, message: str, hint: str | None
) -> None:
    with pytest.raises(QueryDenied, match=message) as caught:
        split(sql, two.sources)
    assert caught.value.hint
    assert hint is None or hint in caught.value.hint


def test_too_deep_is_refused(two: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("aiser_app.query.federation.splitting._split", too_deep)
    with pytest.raises(QueryDenied, match="too deeply"):
        split("SELECT 1 FROM sales.orders", two.sources)


def test_the_place_of_a_mistake_is_told(two: Both) -> None:
    with pytest.raises(QueryDenied) as caught:
        split("SELECT id\nFROM sales.orders WHERE ,", two.sources)
    assert caught.value.line == 2


def of(two: Both, tables: Mapping[str, GrantedTable], **changes: Any) -> FederatedSource:
    return replace(two.sources[0], tables=tables, **changes)


def test_a_table_in_a_schema_is_found_and_suggested(two: Both) -> None:
    table = GrantedTable(name="eu.orders", columns=("id", "a b"), column_types={"id": "integer"})
    source = of(two, {"eu.orders": table}, name="Big Shop")
    plan = split(
        'SELECT "big shop".eu.orders."a b" FROM "big shop".EU.orders WHERE orders.id = 3', [source]
    )
    assert plan.parts[0].sql == 'SELECT "id", "a b" FROM "eu"."orders" WHERE "id" = 3'
    assert plan.parts[0].name == "Big_Shop_eu_orders"
    assert plan.parts[0].address == "Big Shop.eu.orders"
    with pytest.raises(QueryDenied) as caught:
        split('SELECT 1 FROM "big shop".orders', [source])
    assert caught.value.hint == "Did you mean Big Shop.eu.orders?"


def test_a_source_with_many_tables_lists_none(two: Both) -> None:
    tables = {f"t{i}": GrantedTable(name=f"t{i}") for i in range(50)}
    with pytest.raises(QueryDenied) as caught:
        split("SELECT 1 FROM sales.t99", [of(two, tables)])
    assert caught.value.hint == "Look for its name in the list of tables."


def test_many_sources_are_not_all_listed(two: Both) -> None:
    sources = [replace(two.sources[0], name=f"s{i:02}") for i in range(25)]
    with pytest.raises(QueryDenied) as caught:
        split("SELECT 1 FROM other.t", sources)
    assert "and 5 more" in (caught.value.hint or "")


def test_of_a_table_with_unknown_columns_all_are_read(two: Both) -> None:
    source = of(two, {"orders": GrantedTable(name="orders")})
    plan = split("SELECT o.x, y FROM sales.orders o WHERE o.x = 1", [source])
    assert plan.parts[0].sql == 'SELECT * FROM "orders"'


def test_a_masked_column_is_not_asked_for(two: Both) -> None:
    mask = ColumnMask(name="m", table="customers", column="Id", kind=MaskKind.HASH)
    source = replace(two.sources[1], policies=Policies(masks=(mask,)))
    sql = "SELECT count(*) FROM crm.customers c WHERE c.id = 3 AND c.country = 'DE'"
    assert "WHERE" in split(sql, [source]).parts[0].sql
    assert '"id" =' not in split(sql, [source]).parts[0].sql
    only = split("SELECT count(*) FROM crm.customers c", [source]).parts[0]
    assert only.columns == ("orders",)


def test_when_every_column_is_masked_one_is_read_nevertheless(two: Both) -> None:
    masks = tuple(
        ColumnMask(name=c, table="items", column=c, kind=MaskKind.NULL)
        for c in ("order_id", "note")
    )
    source = replace(two.sources[1], policies=Policies(masks=masks))
    assert split("SELECT count(*) FROM crm.items", [source]).parts[0].columns == ("order_id",)


def test_local_names_are_nobody_elses(two: Both) -> None:
    plan = split(
        "WITH sales_orders AS (SELECT 1 AS id) SELECT o.id FROM sales.orders o "
        "JOIN sales_orders ON sales_orders.id = o.id",
        two.sources,
    )
    assert plan.parts[0].name == "sales_orders_2"
    assert '"sales_orders_2" AS "o"' in plan.final_sql


def test_the_query_is_shown_with_its_addresses(two: Both) -> None:
    plan = split("select O.id from sales.orders O where O.id = :id", two.sources)
    assert plan.shown_sql == "SELECT\n  O.id\nFROM sales.orders AS O\nWHERE\n  O.id = :id"


def test_tables_of_one_name_in_one_source_are_told_apart(two: Both) -> None:
    tables = {
        name: GrantedTable(name=name, columns=("id",), column_types={"id": "integer"})
        for name in ("a.t", "b.t")
    }
    plan = split(
        "SELECT sales.a.t.id FROM sales.a.t JOIN sales.b.t ON sales.a.t.id = sales.b.t.id "
        "WHERE sales.b.t.id > (SELECT max(x.id) FROM sales.a.t AS x WHERE x.id < sales.a.t.id)",
        [of(two, tables)],
    )
    assert plan.final_sql.startswith(
        'SELECT "sales_a_t".id FROM "sales_a_t_2" AS "sales_a_t" JOIN "sales_b_t_2" AS "sales_b_t"'
    )


def test_a_reduction_leads_from_the_smaller_part_to_the_larger(two: Both) -> None:
    def plan(orders: int | None, customers: int | None, sql: str = "") -> dict[str, list[str]]:
        sources = [
            replace(
                source, tables={n: replace(t, row_estimate=e) for n, t in source.tables.items()}
            )
            for source, e in zip(two.sources, (orders, customers), strict=True)
        ]
        sql = sql or (
            "SELECT o.id FROM sales.orders o JOIN crm.customers c ON o.customer_id = c.id"
        )
        return {
            part.name: [f"{r.column} by {r.origin}.{r.origin_column}" for r in part.reductions]
            for part in split(sql, sources).parts
        }

    assert plan(1_000_000, 100)["sales_orders"] == ["customer_id by crm_customers.id"]
    assert plan(1_000_000, 100)["crm_customers"] == []
    assert plan(100, 1_000_000)["crm_customers"] == ["id by sales_orders.customer_id"]
    assert plan(100, 100) == {"sales_orders": [], "crm_customers": []}
    assert plan(None, None) == {"sales_orders": [], "crm_customers": []}
    left = "SELECT o.id FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id"
    assert plan(1_000_000, 100, left)["sales_orders"] == []
    assert plan(100, 1_000_000, left)["crm_customers"] == ["id by sales_orders.customer_id"]
    # Types that are not written alike everywhere, and columns that are not the table's own.
    other = "SELECT o.id FROM sales.orders o JOIN crm.customers c ON o.amount = c.id"
    assert plan(1_000_000, 100, other)["sales_orders"] == []
    through = (
        "SELECT o.id FROM (SELECT *, id AS k FROM sales.orders) o JOIN (SELECT id AS i, id + 1 AS j "
        "FROM crm.customers ORDER BY 1 LIMIT 5) c ON o.k = c.i AND o.customer_id = c.j"
    )
    assert plan(1_000_000, 100, through)["sales_orders"] == ["id by crm_customers.id"]
    union = (
        "SELECT o.id FROM sales.orders o JOIN (SELECT id FROM crm.customers UNION ALL SELECT 1) c "
        "ON o.id = c.id"
    )
    assert plan(1_000_000, 100, union)["sales_orders"] == []
    many = (
        "SELECT o.id FROM sales.orders o JOIN crm.customers c ON o.customer_id = c.id "
        "AND o.id = c.orders JOIN crm.items i ON i.order_id = o.id"
    )
    assert len(plan(1_000_000, 100, many)["sales_orders"]) == 2
