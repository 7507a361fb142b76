"""Compiled queries give the rows that SQL written by hand gives."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from sqlglot import exp

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)
from aiser_app.domain.semantic_query import Granularity, Order, SemanticQuery, TimeDimension
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.identifiers import column, identifier, table
from tests.unit.semantic.builders import Shop, by, where

MONTH = (TimeDimension(dimension="orders.placed", granularity=Granularity.MONTH),)


def test_count_of_everything(shop: Shop) -> None:
    assert shop.rows(measures=("orders.count",)) == [(6,)]
    assert (
        shop.compile(measures=("orders.count",)).sql == "SELECT\n  COUNT(*) AS count\nFROM orders"
    )


@pytest.mark.parametrize(
    ("measure", "sql"),
    [
        ("sum_amount", "sum(amount)"),
        ("avg_amount", "avg(amount)"),
        ("min_weight_kg", "min(weight_kg)"),
        ("max_weight_kg", "max(weight_kg)"),
        ("median_amount", "median(amount)"),
        ("count_distinct_buyer_id", "count(DISTINCT buyer_id)"),
        ("count_distinct_order_id", "count(DISTINCT order_id)"),
    ],
)
def test_each_aggregation(shop: Shop, measure: str, sql: str) -> None:
    assert shop.rows(measures=(f"orders.{measure}",)) == shop.sql(f"SELECT {sql} FROM orders")


def test_a_group_without_partner_or_value_is_kept(shop: Shop) -> None:
    rows = shop.rows(measures=("orders.count",), dimensions=by("stores.name"))
    assert rows == [("Main", 3), ("Side", 2), (None, 1)]


def test_roles_lead_to_different_rows(shop: Shop) -> None:
    bought = shop.rows(measures=("orders.count",), dimensions=by("buyer>customers.name"))
    assert bought == [("Ada", 2), ("Bob", 1), ("O'Neil 50%_!", 1), ("ada lovelace", 1), (None, 1)]
    paid = shop.rows(measures=("orders.count",), dimensions=by("payer>customers.name"))
    assert paid == [("Ada", 2), ("Bob", 2), ("O'Neil 50%_!", 1), ("ada lovelace", 1)]


def test_two_roles_in_one_query(shop: Shop) -> None:
    compiled = shop.compile(
        measures=("orders.sum_amount",),
        dimensions=by("buyer>customers.name", "payer>customers.name"),
    )
    assert [item.name for item in compiled.columns] == ["buyer_name", "payer_name", "sum_amount"]
    assert [item.title for item in compiled.columns] == [
        "Buyer customer name", "Payer customer name", "Total amount",
    ]  # fmt: skip
    assert compiled.tables == ("orders", "customers")
    rows = shop.connection.cursor().execute(compiled.sql).fetchall()
    expected = shop.sql(
        "SELECT b.name, p.name, sum(amount) FROM orders o LEFT JOIN customers b ON o.buyer_id = "
        "b.customer_id LEFT JOIN customers p ON o.payer_id = p.customer_id GROUP BY ALL"
    )
    assert sorted(map(str, rows)) == sorted(map(str, expected))


def test_a_chain_of_joins_needs_its_role_too(shop: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), dimensions=by("buyer>stores.name"))
    assert "as “buyer”" in caught.value.message
    rows = shop.rows(measures=("orders.count",), dimensions=by("buyer>regions.name"))
    assert rows == shop.sql(
        "SELECT r.name, count(*) AS n FROM orders o LEFT JOIN customers c ON o.buyer_id = "
        "c.customer_id LEFT JOIN regions r USING (region_id) GROUP BY 1 ORDER BY n DESC, 1"
    )


def test_two_ways_of_one_length_are_not_guessed(shop: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), dimensions=by("customers.name"))
    assert "2 ways: buyer, payer" in caught.value.message
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), dimensions=by("regions.name"))
    assert "3 ways" in caught.value.message


def test_what_is_not_connected_is_refused(shop: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), dimensions=by("lonely.size"))
    assert "Orders and Lonely are not connected" in caught.value.message
    with pytest.raises(QueryInvalid):
        shop.compile(dimensions=by("regions.name", "lonely.id"))


def test_a_measure_never_changes_by_grouping_over_joins(shop: Shop) -> None:
    """The sum over all groups is the sum: no row is counted twice, none is lost."""
    total = shop.rows(measures=("orders.sum_amount",))[0][0]
    for dimensions in (
        by("stores.name"),
        by("buyer>customers.name"),
        by("buyer>customers.name", "payer>regions.name", "stores.name"),
        by("buyer>regions.name", "payer>regions.name"),
    ):
        rows = shop.rows(measures=("orders.sum_amount",), dimensions=dimensions)
        assert sum(row[-1] or 0 for row in rows) == total


def test_dimensions_alone_are_distinct(shop: Shop) -> None:
    assert shop.rows(dimensions=by("orders.order")) == [("a",), ("b",), ("c",), (None,)]
    assert shop.rows(dimensions=by("customers.name", "regions.name")) == shop.sql(
        "SELECT c.name, r.name FROM customers c LEFT JOIN regions r USING (region_id) ORDER BY 1, 2"
    )


def two_hubs(*roles: str) -> SemanticModel:
    """Two tables that two others connect, one to one alike."""
    ends = [
        Cube(
            name=name,
            table=name,
            title=name.title(),
            dimensions=(Dimension(name="id", column="id", type=DimensionType.NUMBER, title="ID"),),
        )
        for name in ("left", "right")
    ]
    hubs = [
        Cube(
            name=name,
            table=name,
            title=name.title(),
            row_count=5,
            joins=(
                Join(target="left", columns=(("l", "id"),)),
                Join(target="right", columns=(("r", "id"),)),
            ),
        )
        for name in roles
    ]
    return SemanticModel(source_id="1" * 32, cubes=(*ends, *hubs))


def test_dimensions_that_meet_in_two_places_are_not_guessed() -> None:
    query = SemanticQuery(dimensions=by("left.id", "right.id"))
    one = compile_query(query, two_hubs("sales"), dialect="duckdb", default_limit=10)
    assert one.tables == ("sales", "left", "right")
    with pytest.raises(QueryInvalid) as caught:
        compile_query(query, two_hubs("sales", "gifts"), dialect="duckdb", default_limit=10)
    assert "through Gifts or Sales" in caught.value.message


def test_a_join_to_nowhere_is_said() -> None:
    model = SemanticModel(
        source_id="1" * 32,
        cubes=(
            Cube(
                name="a",
                table="a",
                title="A",
                joins=(Join(target="gone", columns=(("x", "y"),)),),
                measures=(
                    Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Count"),
                ),
            ),
            Cube(
                name="b",
                table="b",
                title="B",
                dimensions=(
                    Dimension(name="id", column="id", type=DimensionType.NUMBER, title="ID"),
                ),
            ),
        ),
    )
    query = SemanticQuery(measures=("a.count",), dimensions=by("b.id"))
    with pytest.raises(QueryInvalid) as caught:
        compile_query(query, model, dialect="duckdb", default_limit=10)
    assert "not connected" in caught.value.message


def test_dimensions_meet_in_the_nearest_table(shop: Shop) -> None:
    compiled = shop.compile(dimensions=by("stores.name", "buyer>customers.name"))
    assert compiled.tables == ("orders", "stores", "customers")
    with pytest.raises(QueryInvalid):
        shop.compile(dimensions=by("stores.name", "customers.name"))


# --- time -----------------------------------------------------------------------------------------


def test_months_are_dates_and_in_order(shop: Shop) -> None:
    compiled = shop.compile(measures=("orders.count",), time_dimensions=MONTH)
    assert compiled.columns[0] == Column(name="placed_month", type="date", title="Month")
    assert compiled.members == ("orders.placed", "orders.count")
    rows = [
        (str(month), count) for month, count in shop.connection.execute(compiled.sql).fetchall()
    ]
    assert rows == [
        ("2023-12-01", 1), ("2024-01-01", 1), ("2024-02-01", 2), ("2024-03-01", 1), ("None", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("granularity", list(Granularity))
def test_every_granularity(shop: Shop, granularity: Granularity) -> None:
    rows = shop.rows(
        measures=("orders.count",),
        time_dimensions=(TimeDimension(dimension="orders.placed", granularity=granularity),),
    )
    kind = "TIMESTAMP" if granularity is Granularity.HOUR else "DATE"
    assert rows == shop.sql(
        f"SELECT date_trunc('{granularity.value}', placed)::{kind} AS t, count(*) FROM orders "
        "GROUP BY 1 ORDER BY 1"
    )


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        ("2024-01-31", "2024-01-31", 1),
        ("2024-02-01", "2024-02-29", 2),
        ("2024-01-01", "2024-12-31", 4),
        ("2023-12-31", "2024-03-01", 5),
        ("1990-01-01", "1990-12-31", 0),
    ],
)
def test_both_ends_of_a_date_range_are_in(shop: Shop, first: str, last: str, count: int) -> None:
    time = (TimeDimension(dimension="orders.placed", date_range=(first, last)),)
    assert shop.rows(measures=("orders.count",), time_dimensions=time) == [(count,)]


def test_a_date_column_has_ranges_and_months_too(shop: Shop) -> None:
    time = (
        TimeDimension(
            dimension="customers.since",
            granularity=Granularity.YEAR,
            date_range=("2020-01-31", "2021-06-30"),
        ),
    )
    rows = shop.rows(measures=("customers.count",), time_dimensions=time)
    assert [(str(year), count) for year, count in rows] == [("2020-01-01", 1), ("2021-01-01", 1)]


@pytest.mark.parametrize(
    "date_range", [("2024-02-01", "2024-01-01"), ("soon", "later"), ("2024-01-01", "9999-12-31")]
)
def test_impossible_date_ranges(shop: Shop, date_range: tuple[str, str]) -> None:
    time = (TimeDimension(dimension="orders.placed", date_range=date_range),)
    with pytest.raises(QueryInvalid):
        shop.compile(measures=("orders.count",), time_dimensions=time)


# --- filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        (where("orders.order", "equals", "a"), "\"order\" = 'a'"),
        (where("orders.order", "equals", "a", "b"), "\"order\" IN ('a', 'b')"),
        (where("orders.order", "notEquals", "a"), "\"order\" IS DISTINCT FROM 'a'"),
        (where("orders.order", "notEquals", "a", "b"), "coalesce(\"order\", '') NOT IN ('a', 'b')"),
        (where("orders.order", "set"), '"order" IS NOT NULL'),
        (where("orders.order", "notSet"), '"order" IS NULL'),
        (where("orders.order", "equals", "a' OR '1'='1"), "false"),
        (where("orders.order", "gt", "a"), "\"order\" > 'a'"),
        (where("orders.amount", "equals", "20"), "amount = 20"),
        (where("orders.amount", "gt", "-5.25"), "amount > -5.25"),
        (where("orders.amount", "lte", "1e1"), "amount <= 10"),
        (where("orders.weight_kg", "lt", "2"), "weight_kg < 2"),
        (where("orders.weight_kg", "gte", "2"), "weight_kg >= 2"),
        (where("orders.buyer_id", "equals", "1", "2"), "buyer_id IN (1, 2)"),
        (where("orders.placed", "equals", "2024-02-29"), "placed::DATE = DATE '2024-02-29'"),
        (
            where("orders.placed", "equals", "2024-02-29", "2024-02-01T00:00"),
            "placed::DATE IN (DATE '2024-02-29', DATE '2024-02-01')",
        ),
        (
            where("orders.placed", "equals", "2024-02-29T12:00:00"),
            "placed = TIMESTAMP '2024-02-29 12:00:00'",
        ),
        (
            where("orders.placed", "notEquals", "2024-02-29"),
            "placed::DATE IS DISTINCT FROM DATE '2024-02-29'",
        ),
        (where("orders.placed", "gt", "2024-02-29"), "placed::DATE > DATE '2024-02-29'"),
        (where("orders.placed", "gte", "2024-02-29"), "placed::DATE >= DATE '2024-02-29'"),
        (where("orders.placed", "lt", "2024-02-29"), "placed::DATE < DATE '2024-02-29'"),
        (where("orders.placed", "lte", "2024-02-29"), "placed::DATE <= DATE '2024-02-29'"),
        (
            where("orders.placed", "gt", "2024-02-29T11:59:59"),
            "placed > TIMESTAMP '2024-02-29 11:59:59'",
        ),
    ],
)
def test_filters_on_the_fact(shop: Shop, condition: Any, sql: str) -> None:
    rows = shop.rows(dimensions=by("orders.order_id"), filters=(condition,))
    assert rows == shop.sql(f"SELECT order_id FROM orders WHERE {sql} ORDER BY 1")


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (("ada",), [1, 4]),
        (("ADA L",), [4]),
        (("%",), [3]),
        (("_",), [3]),
        (("!",), [3]),
        (("'",), [3]),
        (("bob", "neil"), [2, 3]),
        (("nobody",), []),
    ],
)
def test_contains_ignores_case_and_takes_wildcards_literally(
    shop: Shop, values: tuple[str, ...], ids: list[int]
) -> None:
    rows = shop.rows(
        dimensions=by("customers.customer_id"),
        filters=(where("customers.name", "contains", *values),),
    )
    assert [row[0] for row in rows] == ids


@pytest.mark.parametrize(("text", "count"), [("true", 2), ("Yes", 2), ("false", 1), ("0", 1)])
def test_filters_on_yes_and_no(shop: Shop, text: str, count: int) -> None:
    found = shop.rows(
        measures=("customers.count",), filters=(where("customers.vip", "equals", text),)
    )
    assert found == [(count,)]


def test_filters_reach_over_joins_and_roles(shop: Shop) -> None:
    assert shop.rows(
        measures=("orders.count",),
        filters=(
            where("regions.name", "equals", "North", role="buyer"),
            where("stores.name", "equals", "Main"),
        ),
    ) == [(2,)]


def test_filters_on_measures_come_after_grouping(shop: Shop) -> None:
    rows = shop.rows(
        measures=("orders.count",),
        dimensions=by("stores.name"),
        filters=(where("orders.sum_amount", "gt", "5"), where("orders.count", "lt", "3")),
    )
    assert rows == [(None, 1)]
    assert shop.rows(
        measures=("orders.count",),
        dimensions=by("orders.order"),
        filters=(where("orders.avg_amount", "notSet"),),
    ) == shop.sql('SELECT "order", count(*) FROM orders GROUP BY 1 HAVING avg(amount) IS NULL')


@pytest.mark.parametrize(
    "condition",
    [
        where("orders.amount", "equals", "much"),
        where("orders.amount", "equals", "nan"),
        where("orders.amount", "equals", "Infinity"),
        where("orders.amount", "equals", "1; DROP TABLE orders"),
        where("orders.amount", "gt", "1", "2"),
        where("orders.amount", "equals"),
        where("orders.amount", "contains"),
        where("orders.placed", "equals", "soon"),
        where("orders.placed", "gt", "soon"),
        where("customers.vip", "equals", "maybe", role="buyer"),
        where("orders.nothing", "set"),
        where("nothing.at_all", "set"),
        where("nonsense", "set"),
        where("orders.count", "equals", "many"),
    ],
)
def test_filters_that_make_no_sense(shop: Shop, condition: Any) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), filters=(condition,))
    assert len(caught.value.message) > 10


# --- order and limit ------------------------------------------------------------------------------


def test_missing_values_come_last_both_ways(shop: Shop) -> None:
    for descending in (False, True):
        rows = shop.rows(
            measures=("orders.sum_weight_kg",),
            dimensions=by("orders.order_id"),
            order=(Order(member="orders.sum_weight_kg", descending=descending),),
        )
        assert rows[-1] == (102, None)
        weights = [row[1] for row in rows[:-1]]
        assert weights == sorted(weights, reverse=descending)


def test_ties_are_broken_by_the_groups(shop: Shop) -> None:
    rows = shop.rows(
        measures=("orders.count",),
        dimensions=by("orders.order_id"),
        order=(Order(member="orders.count", descending=True),),
    )
    assert [row[0] for row in rows] == [100, 101, 102, 103, 104, 105]


def test_an_order_by_a_shown_name_works_too(shop: Shop) -> None:
    rows = shop.rows(
        dimensions=by("orders.order_id"), order=(Order(member="order_id", descending=True),)
    )
    assert rows[0] == (105,)


def test_an_order_by_something_else_is_refused(shop: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.count",), order=(Order(member="orders.sum_amount"),))
    assert "orders.count" in (caught.value.hint or "")


def test_limits(shop: Shop) -> None:
    assert len(shop.rows(dimensions=by("orders.order_id"), limit=4)) == 4

    def sql(limit: int | None) -> str:
        query = SemanticQuery(dimensions=by("orders.order_id"), limit=limit)
        return compile_query(query, shop.model, dialect="duckdb", default_limit=5).sql

    assert "LIMIT" not in sql(None)
    assert sql(3).endswith("LIMIT 3")
    assert sql(5).endswith("LIMIT 5")
    assert "LIMIT" not in sql(6)
    for limit in (0, -1):
        with pytest.raises(QueryInvalid):
            sql(limit)


# --- names ----------------------------------------------------------------------------------------


def test_nothing_to_show_is_refused(shop: Shop) -> None:
    with pytest.raises(QueryInvalid):
        shop.compile()
    with pytest.raises(QueryInvalid):
        shop.compile(
            time_dimensions=(
                TimeDimension(dimension="orders.placed", date_range=("2024-01-01", "2024-01-02")),
            )
        )


def test_a_member_asked_for_twice_is_shown_once(shop: Shop) -> None:
    compiled = shop.compile(
        measures=("orders.count", "orders.count"), dimensions=by("orders.order", "orders.order")
    )
    assert [item.name for item in compiled.columns] == ["order", "count"]


def test_equal_names_get_their_cube_in_front(shop: Shop) -> None:
    compiled = shop.compile(
        measures=("orders.count",),
        dimensions=by("stores.name", "payer>customers.name", "stores.store_id", "orders.store_id"),
    )
    assert [item.name for item in compiled.columns] == [
        "stores_name", "payer_name", "stores_store_id", "orders_store_id", "count",
    ]  # fmt: skip


def test_unknown_members_are_named(shop: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(measures=("orders.sum_price",))
    assert "sum_price" in caught.value.message
    assert "sum_amount" in (caught.value.hint or "")
    with pytest.raises(QueryInvalid) as caught:
        shop.compile(dimensions=by("shops.name"))
    assert "stores" in (caught.value.hint or "")
    with pytest.raises(QueryInvalid):
        shop.compile(time_dimensions=(TimeDimension(dimension="orders.amount"),))


def test_units_and_titles_travel(shop: Shop) -> None:
    compiled = shop.compile(
        measures=("orders.avg_weight_kg",), dimensions=by("stores.name", "orders.placed")
    )
    assert compiled.columns == (
        Column(name="name", type="string", title="Store name"),
        Column(name="placed", type="timestamp", title="Placed"),
        Column(name="avg_weight_kg", type="number", title="Average weight kg", unit="kg"),
    )


def test_every_word_of_sql_can_be_a_name() -> None:
    """Quoting is left out for readability only where it is not needed."""
    with duckdb.connect() as connection:
        words = connection.sql("SELECT DISTINCT keyword_name FROM duckdb_keywords()").fetchall()
        for (word,) in words:
            connection.execute(f'CREATE OR REPLACE TABLE "{word}" AS SELECT 1 AS "{word}"')
            query = (
                exp.select(exp.alias_(column(word, "x"), identifier(word)))
                .from_(table(word, "x"))
                .group_by(column(word, "x"))
                .order_by(column(word))
            )
            assert connection.sql(query.sql(dialect="duckdb")).fetchall() == [(1,)]
            connection.execute(f'DROP TABLE "{word}"')


def test_other_schemas_are_named() -> None:
    assert table("sales.orders", "orders").sql() == "sales.orders AS orders"
    assert table("main.odd.name", "x").sql() == 'main."odd.name" AS x'
    assert table("orders", "orders").sql() == "orders"
    assert table("Orders", "Orders").sql() == '"Orders"'
