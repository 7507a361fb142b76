"""Advice follows from facts: history, plans, catalog; without the fact there is no advice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from aiser_app.domain.query_record import QueryRecord, QueryStatus
from aiser_app.domain.recommendation import Recommendation
from aiser_app.query.advice import TableFacts, advise, advise_on_plan
from tests.fixtures.query_records import RECORD

ORDERS = TableFacts(
    name="sales.orders",
    columns=("id", "customer_id", "status", *(f"c{n}" for n in range(20))),
    row_estimate=2_000_000,
    indexes=(("id",), ("status", "id")),
)
CUSTOMERS = TableFacts(
    name="customers", columns=("id", "name"), row_estimate=500, indexes=(("id",),)
)
TABLES = {table.name: table for table in (ORDERS, CUSTOMERS)}


def a_record(**changes: object) -> QueryRecord:
    return replace(RECORD, **changes)


def advice(
    *records: QueryRecord, engine: str = "postgres", tables: dict[str, TableFacts] = TABLES
) -> dict[str, Recommendation]:
    dialect = {"postgres": "postgres", "mysql": "mysql", "sqlite": "sqlite"}.get(engine, engine)
    found = advise(records, tables, engine=engine, dialect=dialect)
    return {item.kind.value: item for item in found}


def test_nothing_is_said_of_nothing() -> None:
    assert advice() == {}


def test_a_slow_filter_without_an_index_gets_one() -> None:
    item = advice(a_record())["missing_index"]
    assert item.statement == (
        'CREATE INDEX "ix_orders_customer_id" ON "sales"."orders"("customer_id")'
    )
    assert item.table == "sales.orders"
    assert "2,000,000 rows" in item.reason
    assert "filter by customer_id" in item.reason
    assert item.evidence == ("1 run, median 3.00 s, 3.0 s in all",)
    assert item.benefit_ms == 3_000


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM sales.orders WHERE id = 7",  # has its key
        "SELECT id FROM sales.orders WHERE status = 'x'",  # first of an index
        "SELECT id FROM sales.orders WHERE customer_id = 7 OR status = 'x'",  # no index helps
        "SELECT id FROM sales.orders WHERE NOT customer_id = 7",
        "SELECT id FROM sales.orders WHERE lower(c1) = 'x'",
        "SELECT id FROM customers WHERE name = 'x'",  # small
        "SELECT id FROM elsewhere WHERE name = 'x'",
        "SELECT o.id FROM sales.orders AS o WHERE nobody.customer_id = 1",
        "this is not sql (",
    ],
)
def test_no_index_is_proposed_where_none_helps(sql: str) -> None:
    assert "missing_index" not in advice(a_record(sql=sql))


def test_fast_queries_and_column_stores_need_no_index() -> None:
    assert "missing_index" not in advice(a_record(duration_ms=20))
    assert "missing_index" not in advice(a_record(engine="clickhouse"), engine="clickhouse")


def test_a_view_cannot_have_an_index() -> None:
    view = {"sales.orders": replace(ORDERS, is_view=True)}
    assert "missing_index" not in advice(a_record(), tables=view)


def test_join_columns_are_found_behind_aliases() -> None:
    sql = "SELECT c.name FROM customers AS c JOIN sales.orders AS o ON o.customer_id = c.id"
    item = advice(a_record(sql=sql))["missing_index"]
    assert "join by customer_id" in item.reason


def test_an_ambiguous_column_belongs_to_nobody() -> None:
    sql = "SELECT 1 FROM customers, sales.orders WHERE id = 3 AND customer_id = 2"
    item = advice(a_record(sql=sql))["missing_index"]
    assert "customer_id" in item.statement


def test_the_index_is_written_in_the_dialect() -> None:
    item = advice(a_record(engine="mysql"), engine="mysql")["missing_index"]
    assert item.statement.startswith("CREATE INDEX `ix_orders_customer_id` ON `sales`.`orders`")


def test_a_full_scan_in_the_plan_is_evidence() -> None:
    plan = (
        "Gather  (cost=0.00..9.0 rows=7 width=4)\n"
        "  ->  Parallel Seq Scan on orders  (cost=0.00..8.0 rows=1900000 width=4)\n"
        "        Filter: (customer_id = 7)\n"
    )
    found = advice(a_record(plan=plan))
    assert found["full_scan"].table == "sales.orders"
    assert "Parallel Seq Scan on orders" in found["full_scan"].evidence[0]
    assert any("Seq Scan" in line for line in found["missing_index"].evidence)


def test_scans_of_small_tables_are_fine() -> None:
    plan = "Seq Scan on customers  (cost=0.00..8.0 rows=500 width=4)"
    assert "full_scan" not in advice(a_record(plan=plan))


def test_a_scan_of_an_unknown_table_counts_by_its_plan() -> None:
    plan = 'Seq Scan on "events"  (cost=0.00..8.0 rows=5000000 width=4)'
    assert advice(a_record(plan=plan))["full_scan"].table == "events"


def test_mysql_and_sqlite_plans_are_read() -> None:
    mysql = json.dumps(
        {
            "query_block": {
                "nested_loop": [
                    {"table": {"table_name": "orders", "access_type": "ALL", "rows": 2000000}},
                    {"table": {"table_name": "customers", "access_type": "eq_ref"}},
                ]
            }
        }
    )
    assert "full_scan" in advice(a_record(engine="mysql", plan=mysql), engine="mysql")
    unknown = json.dumps({"table_name": "elsewhere", "access_type": "ALL"})
    assert "full_scan" not in advice(a_record(engine="mysql", plan=unknown), engine="mysql")
    assert "full_scan" not in advice(a_record(engine="mysql", plan="no json"), engine="mysql")
    lite = {"orders": replace(ORDERS, name="orders")}
    scan = a_record(engine="sqlite", plan="QUERY PLAN\n|--SCAN orders\n`--SEARCH customers")
    assert "full_scan" in advice(scan, engine="sqlite", tables=lite)
    covered = a_record(engine="sqlite", plan="SCAN orders USING COVERING INDEX ix")
    assert "full_scan" not in advice(covered, engine="sqlite", tables=lite)
    assert "full_scan" not in advice(a_record(plan="whatever", engine="duckdb"), engine="duckdb")


def test_an_exploding_join_is_named() -> None:
    plan = (
        "Nested Loop  (cost=0.00..9.0 rows=50000000 width=4)\n"
        "  ->  Index Scan on a  (cost=0.00..8.0 rows=10000 width=4)\n"
        "  ->  Materialize  (cost=0.00..8.0 rows=5000 width=4)\n"
    )
    item = advice(a_record(plan=plan))["exploding_join"]
    assert item.evidence[0] == "50,000,000 rows out of at most 10,000"
    fine = plan.replace("rows=50000000", "rows=20000")
    assert "exploding_join" not in advice(a_record(plan=fine))
    followed = plan + "Sort  (cost=0.00..8.0 rows=99999999 width=4)\n"
    assert "exploding_join" in advice(a_record(plan=followed))


def test_a_star_over_a_wide_table_is_named() -> None:
    item = advice(a_record(sql="SELECT * FROM sales.orders"))["wide_select"]
    assert "23 columns" in item.reason
    narrow = a_record(sql="SELECT * FROM customers", tables=("customers", "gone"))
    assert "wide_select" not in advice(narrow)


def test_a_query_that_runs_again_and_again_could_be_kept() -> None:
    records = [a_record(query_id=str(n)) for n in range(5)]
    item = advice(*records)["repeated_query"]
    assert item.evidence[0] == "5 runs, median 3.00 s, 15.0 s in all"
    assert item.benefit_ms == 12_000
    hits = [a_record(query_id=str(n), from_cache=True) for n in range(50)]
    assert "repeated_query" not in advice(*records[:4], *hits)


def test_refused_and_failed_queries_are_no_history() -> None:
    assert advice(a_record(status=QueryStatus.DENIED), a_record(status=QueryStatus.FAILED)) == {}
    assert "missing_index" in advice(a_record(status=QueryStatus.TIMED_OUT))


def test_only_cache_hits_cost_nothing() -> None:
    assert advice(a_record(from_cache=True, duration_ms=9_000)) == {}


def test_a_table_that_was_never_counted_is_named() -> None:
    tables = {
        "s.t": TableFacts(name="s.t", columns=("a",)),
        "v": TableFacts(name="v", columns=("a",), is_view=True),
    }
    item = advice(tables=tables)["stale_statistics"]
    assert item.statement == 'ANALYZE "s"."t"'
    assert advice(tables=tables, engine="mysql") == {}


def test_the_same_advice_is_given_once_for_the_costliest_query() -> None:
    cheap = a_record(fingerprint="f2", sql="SELECT c1 FROM sales.orders WHERE customer_id = 1")
    dear = a_record(fingerprint="f3", duration_ms=9_000)
    found = advise([cheap, dear], TABLES, engine="postgres", dialect="postgres")
    indexes = [item for item in found if item.kind == "missing_index"]
    assert [item.fingerprint for item in indexes] == ["f3"]


def test_measured_plans_show_wrong_estimates() -> None:
    tree = [
        {
            "Plan": {
                "Node Type": "Aggregate",
                "Plans": [
                    {
                        "Node Type": "Seq Scan",
                        "Relation Name": "orders",
                        "Plan Rows": 100,
                        "Actual Rows": 50_000,
                        "Actual Loops": 1,
                    },
                    {"Node Type": "Seq Scan", "Relation Name": "orders", "Plan Rows": 1},
                    {
                        "Node Type": "Seq Scan",
                        "Relation Name": "fine",
                        "Plan Rows": 900,
                        "Actual Rows": 1_000,
                    },
                ],
            }
        }
    ]
    (item,) = advise_on_plan(tree, "postgres")
    assert item.statement == 'ANALYZE "orders"'
    assert item.evidence == ("expected 100 rows, found 50,000",)
    assert advise_on_plan(tree, "mysql") == ()
    assert advise_on_plan("text", "postgres") == ()
