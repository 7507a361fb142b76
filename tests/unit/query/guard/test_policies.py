"""Where policies are put, and when a query is refused because they could not be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import GrantedTable, MaskKind, Policies, RowPolicy
from aiser_app.query.guard import DIALECTS
from tests.unit.query.guard.asking import (
    EU,
    GRANTED,
    HIDE,
    allow,
    deny,
    flat,
    with_masks,
    with_rows,
)

WRAPPED = "(SELECT * FROM orders AS aiser_rows WHERE (aiser_rows.region = :region))"


def shown(sql: str, dialect: str = "duckdb", **others: object) -> str:
    text = flat(allow(sql, dialect, **{"policies": with_rows(EU), **others}).sql)
    return text.replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("sql", "times"),
    [
        ("SELECT * FROM orders", 1),
        ("SELECT o.id FROM orders AS o", 1),
        ("SELECT a.id FROM orders AS a JOIN orders AS b ON a.id = b.id", 2),
        ("SELECT a.id FROM orders AS a, orders AS b", 2),
        ("SELECT p.id FROM people AS p LEFT JOIN orders ON orders.id = p.id", 1),
        ("WITH a AS (SELECT * FROM orders) SELECT * FROM a", 1),
        ("WITH a AS (SELECT 1 AS id), b AS (SELECT * FROM orders) SELECT * FROM b, a", 1),
        ("SELECT * FROM (SELECT * FROM (SELECT * FROM orders) AS a) AS b", 1),
        ("SELECT id FROM people UNION ALL SELECT id FROM orders", 1),
        ("SELECT id FROM orders UNION ALL SELECT id FROM orders", 2),
        ("SELECT id FROM people WHERE EXISTS (SELECT 1 FROM orders WHERE orders.id = people.id)", 1),
        ("SELECT id FROM people WHERE id NOT IN (SELECT id FROM orders)", 1),
        ("SELECT (SELECT max(id) FROM orders) AS a FROM people", 1),
        ("SELECT id FROM people ORDER BY (SELECT max(id) FROM orders)", 1),
        ("SELECT id FROM people GROUP BY id HAVING count(*) > (SELECT count(*) FROM orders)", 1),
        ("SELECT CASE WHEN EXISTS (SELECT 1 FROM orders) THEN 1 ELSE 0 END AS a", 1),
        ("SELECT count(*) FROM people AS p JOIN (orders AS o JOIN people AS q ON o.id = q.id) "
         "ON p.id = q.id", 1),
    ],
)  # fmt: skip
def test_every_place_is_wrapped(dialect: str, sql: str, times: int) -> None:
    text = shown(sql, dialect)
    assert text.count(WRAPPED) == times
    assert text.count("orders AS aiser_rows") == times
    verdict = allow(sql, dialect, policies=with_rows(EU))
    assert verdict.policies == ("own region",)
    assert [p.value for p in verdict.statement.parameters] == ["EU"] * times
    assert len({p.token for p in verdict.statement.parameters}) == times


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", 'SELECT * FROM "ORDERS"'),
        ("duckdb", "FROM Main.Orders"),
        ("duckdb", "SELECT main.orders.id, main.orders.* FROM main.orders"),
        ("duckdb", "SELECT COLUMNS(*) FROM orders"),
        ("duckdb", "SELECT orders FROM orders"),
        ("postgres", 'SELECT * FROM "orders"'),
        ("postgres", "SELECT public.orders.id FROM PUBLIC.ORDERS"),
        ("postgres", "SELECT p.id FROM people AS p, LATERAL (SELECT * FROM orders) AS o"),
        ("postgres", "SELECT p.id FROM people p JOIN LATERAL (SELECT 1 FROM orders) o ON true"),
        ("sqlite", "SELECT * FROM [orders]"),
        ("sqlite", "SELECT * FROM main.`Orders`"),
        ("mysql", "SELECT ORDERS.id FROM ORDERS"),
        ("tsql", "SELECT dbo.Orders.id FROM [dbo].[Orders]"),
        ("tsql", "SELECT p.id FROM people AS p CROSS APPLY (SELECT * FROM orders) AS o"),
        ("snowflake", "SELECT * FROM PUBLIC.ORDERS"),
        ("clickhouse", "SELECT * FROM default.orders"),
        ("clickhouse", "SELECT * FROM orders FINAL"),
        ("clickhouse", "SELECT id FROM people WHERE id GLOBAL IN (SELECT id FROM orders)"),
        ("databricks", "SELECT * FROM default.ORDERS"),
        ("trino", "SELECT * FROM Orders"),
    ],
)  # fmt: skip
def test_in_any_spelling(dialect: str, sql: str) -> None:
    text = shown(sql, dialect)
    assert text.count("aiser_rows.region = :region") == 1
    assert not set(text.split()) & {"main.orders.id", "public.orders.id", "dbo.Orders.id"}


def test_recursion_reads_wrapped_tables_too() -> None:
    text = shown(
        "WITH RECURSIVE r AS (SELECT id FROM orders UNION ALL SELECT o.id + 1 FROM orders AS o "
        "JOIN r ON o.id = r.id) SELECT * FROM r"
    )
    assert text.count(WRAPPED) == 2


def test_an_alias_with_columns_and_joins_stay() -> None:
    text = shown("SELECT o.a FROM (orders AS o(a, b) JOIN people AS p ON o.a = p.id)")
    assert f"{WRAPPED} AS o(a, b) JOIN people AS p ON o.a = p.id" in text


def test_several_policies_apply_together() -> None:
    rows = with_rows(EU, RowPolicy(name="big", table="orders", condition="amount > 5 OR id = 1"))
    verdict = allow("SELECT * FROM orders", policies=rows)
    assert "(aiser_rows.region = :region) AND (aiser_rows.amount > 5 OR aiser_rows.id = 1)" in flat(
        verdict.sql
    ).replace("( ", "(").replace(" )", ")")
    assert verdict.policies == ("own region", "big")


def test_other_tables_stay_as_they_are() -> None:
    verdict = allow("SELECT id FROM people", policies=with_rows(EU))
    assert flat(verdict.sql) == "SELECT id FROM people LIMIT 101"
    assert verdict.policies == ()


@pytest.mark.parametrize("table", ["orders", "main.orders", "ORDERS", "Main.Orders"])
def test_a_policy_may_spell_its_table_otherwise(table: str) -> None:
    policy = dataclasses.replace(EU, table=table)
    assert allow("SELECT * FROM orders", policies=with_rows(policy)).policies == ("own region",)
    assert allow("SELECT * FROM sales.orders", policies=with_rows(policy)).policies == ()


def test_tables_that_differ_in_capitals_keep_their_own_policies() -> None:
    tables = {name: GrantedTable(name=name) for name in ("orders", "Orders")}
    both = {"dialect": "postgres", "tables": tables, "policies": with_rows(EU)}
    assert allow("SELECT * FROM orders", **both).policies == ("own region",)
    assert allow('SELECT * FROM "Orders"', **both).policies == ()


def test_masks_name_every_column() -> None:
    text = shown("SELECT * FROM orders", policies=Policies(rows=(EU,), masks=(HIDE,)))
    assert text.startswith(
        'SELECT * FROM (SELECT aiser_rows."id", aiser_rows."region", \'***\' AS "email", '
        f'aiser_rows."amount" FROM {WRAPPED} AS aiser_rows) AS orders'
    )


def test_the_strongest_mask_of_a_column_counts() -> None:
    masks = [dataclasses.replace(HIDE, kind=kind) for kind in MaskKind]
    for found in (masks, masks[::-1]):
        text = shown("SELECT * FROM orders", policies=with_masks(*found))
        assert 'CASE WHEN 1 = 0 THEN aiser_rows."email" END AS "email"' in text


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("id", "integer", 7),
        ("n", "number", 7.0),
        ("d", "decimal", Decimal("7")),
        ("s", "string", "7"),
        ("unknown", "", "7"),
    ],
)
@pytest.mark.parametrize("condition", ["{} = :tenant", "{} IN (:tenant, 8)", ":tenant <= {}",
                                       "{} BETWEEN 0 AND :tenant"])  # fmt: skip
def test_attributes_get_the_type_of_their_column(
    column: str, kind: str, value: object, condition: str
) -> None:
    types = {column: kind} if kind else {}
    tables = {"orders": GrantedTable(name="orders", columns=(column,), column_types=types)}
    policy = dataclasses.replace(EU, condition=condition.format(column))
    verdict = allow("SELECT * FROM orders", tables=tables, policies=with_rows(policy))
    assert [(type(p.value), p.value) for p in verdict.statement.parameters] == [
        (type(value), value)
    ]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("boolean", "maybe", "maybe"),
        ("date", "2020-01-31", date(2020, 1, 31)),
        ("timestamp", "2020-01-31 10:00", datetime(2020, 1, 31, 10)),  # noqa: DTZ001
    ],
)
def test_attributes_of_other_types(kind: str, text: str, value: object) -> None:
    tables = {"orders": GrantedTable(name="orders", columns=("a",), column_types={"A": kind})}
    policy = dataclasses.replace(EU, condition="a = :x AND lower(:x) IS NOT NULL")
    claims = Claims(organization_id="0" * 32, attributes={"x": text})
    verdict = allow(
        "SELECT * FROM orders", tables=tables, policies=with_rows(policy), claims=claims
    )
    assert [p.value for p in verdict.statement.parameters] == [value, text]


@pytest.mark.parametrize("kind", ["integer", "decimal", "date"])
def test_an_attribute_that_does_not_fit_is_refused(kind: str) -> None:
    tables = {"orders": GrantedTable(name="orders", columns=("a",), column_types={"a": kind})}
    policy = dataclasses.replace(EU, condition="a = :region")
    reason = deny("SELECT * FROM orders", tables=tables, policies=with_rows(policy)).reason
    assert kind in reason
    assert "EU" not in reason


@pytest.mark.parametrize(
    ("sql", "policies", "words"),
    [
        ("SELECT * FROM orders TABLESAMPLE 10%", with_rows(EU), "without TABLESAMPLE"),
        ("SELECT aiser_rows.* FROM orders AS aiser_rows", with_rows(EU), "reserved"),
        ("SELECT 1 AS AISER_ROWS FROM people", with_rows(EU), "reserved"),
        (
            "SELECT main.orders.id FROM main.orders JOIN sales.orders ON true",
            with_rows(EU),
            "give them aliases",
        ),
        ("SELECT * FROM bare", with_masks(dataclasses.replace(HIDE, table="bare")), "sync"),
        (
            "SELECT * FROM orders",
            with_masks(dataclasses.replace(HIDE, column="phone")),
            "does not have",
        ),
        (
            "SELECT * FROM orders",
            with_rows(dataclasses.replace(EU, condition="team = :team")),
            "no column team",
        ),
        (
            "SELECT * FROM orders",
            with_rows(dataclasses.replace(EU, condition="region = :team")),
            "the attribute “team”",
        ),
    ],
)
def test_refused_in_words(sql: str, policies: Policies, words: str) -> None:
    assert words in deny(sql, policies=policies).reason


def test_only_and_named_values_are_refused() -> None:
    for dialect, sql, words in [
        ("postgres", "SELECT * FROM ONLY orders", "ONLY"),
        ("clickhouse", "WITH 'EU' AS region SELECT * FROM orders", "WITH"),
    ]:
        assert words in deny(sql, dialect, policies=with_rows(EU)).reason
        assert allow(sql, dialect).policies == ()


def test_schemas_before_columns_are_dropped_where_the_table_has_become_a_query() -> None:
    rows = with_rows(dataclasses.replace(EU, table="sales.orders"))
    text = shown(
        "SELECT sales.orders.id, sales.orders.region.code, main.orders.id FROM sales.orders "
        "JOIN people ON people.id = sales.orders.id",
        policies=rows,
    )
    assert text.startswith("SELECT orders.id, orders.region.code, main.orders.id FROM (SELECT *")
    assert "ON people.id = orders.id" in text


def view(depends_on: tuple[str, ...] | None) -> dict[str, GrantedTable]:
    columns = ("id", "region", "email")
    made = GrantedTable(name="v", columns=columns, is_view=True, depends_on=depends_on)
    return {**GRANTED, "v": made}


OWN_ROWS = dataclasses.replace(EU, table="v", name="own")
OWN_MASK = dataclasses.replace(HIDE, table="v", name="own mask")


@pytest.mark.parametrize(
    ("depends_on", "policies"),
    [
        (None, with_rows(EU)),
        (None, with_masks(HIDE)),
        (("orders",), with_rows(EU)),
        (("people", "main.ORDERS"), with_rows(EU)),
        (("orders",), Policies(rows=(OWN_ROWS,), masks=(HIDE,))),
        (("orders",), Policies(rows=(EU,), masks=(OWN_MASK,))),
        (None, Policies(rows=(EU, OWN_ROWS), masks=(HIDE,))),
    ],
)
def test_a_view_that_could_show_more_is_refused(
    depends_on: tuple[str, ...] | None, policies: Policies
) -> None:
    sql = "SELECT id FROM v"
    assert "is a view" in deny(sql, tables=view(depends_on), policies=policies).reason
    assert allow(sql, tables=view(depends_on)).policies == ()


@pytest.mark.parametrize(
    ("depends_on", "policies", "applied"),
    [
        (("people",), with_rows(EU), ()),
        ((), with_rows(EU), ()),
        (None, with_rows(EU, OWN_ROWS), ("own",)),
        (("orders",), with_rows(EU, OWN_ROWS), ("own",)),
        (("orders",), Policies(rows=(EU, OWN_ROWS), masks=(HIDE, OWN_MASK)), ("own", "own mask")),
    ],
)
def test_a_view_with_policies_of_its_own_can_be_read(
    depends_on: tuple[str, ...] | None, policies: Policies, applied: tuple[str, ...]
) -> None:
    verdict = allow("SELECT id FROM v", tables=view(depends_on), policies=policies)
    assert verdict.policies == applied


class Lazy(Mapping[str, GrantedTable]):
    """Five thousand tables that nobody wants to load."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.walked = 0

    def __getitem__(self, name: str) -> GrantedTable:
        self.loaded.append(name)
        return GrantedTable(name=name, columns=("id", "region"))

    def __contains__(self, name: object) -> bool:
        return str(name).startswith("t") and str(name)[1:].isdigit()

    def __iter__(self) -> Iterator[str]:
        self.walked += 1
        return (f"t{number}" for number in range(5_000))

    def __len__(self) -> int:
        return 5_000


def test_a_large_allow_list_is_asked_by_name() -> None:
    tables = Lazy()
    rows = with_rows(dataclasses.replace(EU, table="t7"))
    allow("SELECT * FROM t7 JOIN T8 ON t7.id = T8.id", tables=tables, policies=rows)
    assert set(tables.loaded) == {"t7", "t8"}
    assert tables.walked == 0
    tables.loaded.clear()
    allow("SELECT * FROM main.t9", tables=tables)
    assert tables.loaded == []
    assert "t1" not in deny("SELECT * FROM x", tables=tables).reason


def test_names_alone_are_enough_for_row_policies() -> None:
    text = shown("SELECT * FROM orders", tables=("orders",))
    assert WRAPPED in text
    reason = deny("SELECT * FROM orders", tables=("orders",), policies=with_masks(HIDE)).reason
    assert "are not known" in reason
