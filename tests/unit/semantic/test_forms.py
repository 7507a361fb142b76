"""Corners of semantic queries: what is written for one database only, and what columns say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pytest
from pydantic import TypeAdapter

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import Aggregation, Dimension, DimensionType, SemanticModel
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Existence,
    Filter,
    FilterOperator,
    MeasureTerm,
    Metric,
    PerGroup,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.semantic.compiler import compile_query
from tests.unit.semantic.builders import Shop, by, where
from tests.unit.semantic.market import MARKET, MODEL
from tests.unit.semantic.market_rows import alike, compiled
from tests.unit.semantic.test_dialects import DIALECTS

COUNT = {"measure": "sales.count"}


def _figure(expression: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"measures": ["m"], "metrics": [{"name": "m", "expression": expression}], **more}


def rows(parts: dict[str, Any]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for statement in MARKET:
            connection.execute(statement)
        return alike(connection.execute(compiled(parts, "duckdb").sql).fetchall())


# --- columns --------------------------------------------------------------------------------------


def _columns(**parts: Any) -> list[tuple[str, str, str, str]]:
    found = compiled(parts, "duckdb").columns
    return [(item.name, item.type, item.title, item.unit) for item in found]


def test_metrics_say_their_type_and_unit() -> None:
    def metric(name: str, expression: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, "expression": expression, **more}

    revenue = {"measure": "sales.revenue"}
    per_person = {"per": [{"member": "people.id"}], "each": revenue}
    metrics = [
        metric("whole", {"operator": "-", "left": COUNT, "right": {"constant": "2"}}),
        metric("ratio", {"operator": "/", "left": revenue, "right": COUNT}, unit="€ each"),
        metric("sum", {"operator": "+", "left": revenue, "right": revenue}, title="Twice"),
        metric("share", {"window": "share", "of": revenue}, is_percentage=True),
        metric("rank", {"window": "rank", "of": revenue, "ascending": True}),
        metric("above", {"overall": revenue}),
        metric("all", {"overall": COUNT}),
        metric("average", {"aggregation": "avg", **per_person}),
        metric("people", {"aggregation": "count", **per_person}),
        metric("most", {"aggregation": "max", **per_person, "each": COUNT}),
        metric("mean", {"window": "mean", "of": revenue}),
        metric("total", {"window": "total", "of": COUNT}),
        metric("last", {"aggregation": "max", "cube": "sales", "row": {"member": "sales.paid"}}),
        metric("flagged", {"aggregation": "max", "cube": "sales", "row": {
            "condition": {"member": "sales.paid", "operator": "set"}}}),
        metric("latest", {"aggregation": "max", "per": [{"member": "people.id"}],
                          "each": {"measure": "sales.last_sold"}}),
    ]  # fmt: skip
    found = _columns(measures=[m["name"] for m in metrics], metrics=metrics)
    assert found == [
        ("whole", "integer", "Whole", ""),
        ("ratio", "number", "Ratio", "€ each"),
        ("sum", "number", "Twice", "€"),
        ("share", "number", "Share", "%"),
        ("rank", "integer", "Rank", ""),
        ("above", "number", "Above", "€"),
        ("all", "integer", "All", ""),
        ("average", "number", "Average", "€"),
        ("people", "integer", "People", ""),
        ("most", "integer", "Most", ""),
        ("mean", "number", "Mean", "€"),
        ("total", "integer", "Total", ""),
        ("last", "timestamp", "Last", ""),
        ("flagged", "number", "Flagged", ""),
        ("latest", "timestamp", "Latest", ""),
    ]


def test_fields_say_their_type_and_unit() -> None:
    fields = [
        {"name": "hours", "row": {"start": {"member": "sales.sold"},
                                  "end": {"member": "sales.paid"}, "unit": "hour"}},
        {"name": "days", "row": {"start": {"member": "sales.sold"}, "end": None, "unit": "day"}},
        {"name": "same", "row": {"member": "sales.amount"}, "title": "Price"},
        {"name": "paid", "row": {"condition": {"member": "sales.paid", "operator": "set"}}},
        {"name": "double", "unit": "€", "row": {"operator": "+", "row_left": {"member": "same"},
                                                "row_right": {"member": "paid"}}},
    ]  # fmt: skip
    names = [{"member": field["name"]} for field in fields]
    assert _columns(dimensions=names, fields=fields) == [
        ("hours", "number", "Hours", "h"),
        ("days", "number", "Days", "days"),
        ("same", "number", "Price", "€"),
        ("paid", "boolean", "Paid", ""),
        ("double", "number", "Double", "€"),
    ]
    assert len(rows({"dimensions": names[2:], "fields": fields})) == 7


def test_periods_and_parts_are_columns() -> None:
    found = compiled(
        {"measures": ["sales.count"], "time_dimensions": [
            {"dimension": "sales.sold", "part": "weekday",
             "compare_date_ranges": [["2024-01-01", "2024-01-31"]]}]},
        "duckdb",
    )  # fmt: skip
    assert found.columns[:2] == (
        Column(name="period", type="string", title="Period"),
        Column(name="sold_weekday", type="integer", title="Weekday"),
    )
    assert found.members == ("sales.sold", "sales.sold", "sales.count")


def test_equal_names_of_fields_and_columns_stay_apart() -> None:
    fields = [{"name": "state", "row": {"member": "sales.amount"}}]
    dimensions = [{"member": "sales.state"}, {"member": "state"}]
    names = [name for name, *_ in _columns(dimensions=dimensions, fields=fields)]
    assert names == ["sales_state", "state"]
    metrics = [{"name": "count", "expression": COUNT}]
    found = _columns(measures=["sales.count", "tags.count", "count"], metrics=metrics)
    assert [name for name, *_ in found] == ["sales_count", "tags_count", "count"]


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_time_zones_are_in_the_text(dialect: str) -> None:
    parts = {
        "measures": ["sales.count"],
        "time_zone": "Europe/Paris",
        "time_dimensions": [{"dimension": "sales.sold", "granularity": "hour"}],
    }
    text = compiled(parts, dialect).sql
    if dialect in ("duckdb", "postgres"):
        assert "AT TIME ZONE 'Europe/Paris'" in text
    else:
        assert "2024-03-31 01:00:00" in text
        assert "7200" in text


def test_a_zone_without_changes_is_one_shift() -> None:
    parts = {
        "measures": ["sales.count"],
        "time_zone": "Asia/Tokyo",
        "time_dimensions": [{"dimension": "sales.sold", "granularity": "day"}],
    }
    assert "32400 || ' seconds'" in compiled(parts, "sqlite").sql


def test_moments_of_a_filter_are_those_of_the_zone() -> None:
    def count(value: str) -> list[tuple[Any, ...]]:
        item = {"member": "sales.sold", "operator": "gte", "values": [value]}
        return rows({"measures": ["sales.count"], "time_zone": "Europe/Paris", "filters": [item]})

    assert count("2024-01-08 11:00:00") == [(3.0,)]
    assert count("2024-01-08 10:00:00+00:00") == [(3.0,)]
    assert count("2024-01-08 11:00:01") == [(2.0,)]


def test_a_time_of_unknown_years_has_changes_of_all_years() -> None:
    parts = {
        "measures": ["sales.count"],
        "time_zone": "Europe/Paris",
        "time_dimensions": [{"dimension": "sales.paid", "granularity": "day"}],
    }
    text = compiled(parts, "sqlite").sql
    assert "1985-" in text
    assert "2037-" in text


def test_today_is_the_databases_date_unless_given() -> None:
    row = {"start": {"member": "sales.sold"}, "end": None, "unit": "day"}
    parts = _figure({"aggregation": "min", "cube": "sales", "row": row})
    assert "CURRENT_DATE" in compiled(parts, "duckdb").sql
    assert rows({**parts, "today": "2024-05-01"}) == [(1.0,)]


def test_a_span_of_a_field() -> None:
    fields = [{"name": "when", "row": {"member": "sales.sold"}}]
    times = [{"dimension": "when", "granularity": "year"}]
    found = rows({"measures": ["sales.count"], "fields": fields, "time_dimensions": times})
    assert found == [("2023-01-01", 1.0), ("2024-01-01", 5.0), (None, 1.0)]


def test_days_of_a_table_without_a_time_are_reached_by_its_rows() -> None:
    found = rows(
        {"measures": ["sales.count", "people.count"], "time_dimensions": [
            {"dimension": "sales.sold", "granularity": "year"}]}
    )  # fmt: skip
    assert found == [("2023-01-01", 1.0, 0.0), ("2024-01-01", 5.0, 3.0), (None, 1.0, 2.0)]
    parts = {"measures": ["sales.count", "tickets.count"], "fields": [
        {"name": "when", "row": {"member": "people.born"}}], "time_dimensions": [
        {"dimension": "when", "granularity": "year", "date_range": ["1970-01-01", "1985-01-01"]}]}  # fmt: skip
    assert rows(parts) == [("1980-01-01", 2.0, 2.0)]


# --- groups and rows ------------------------------------------------------------------------------


def test_a_metric_that_is_not_shown_gives_the_order() -> None:
    hidden = {"metrics": [{"name": "m", "expression": {"measure": "sales.revenue"}}],
              "order": [{"member": "m", "descending": True}], "dimensions": [{"member": "people.city"}]}  # fmt: skip
    assert rows({"measures": ["sales.count"], **hidden}) == [
        ("Rome", 3.0),
        ("Oslo", 2.0),
        (None, 2.0),
    ]
    assert rows({"measures": ["sales.count", "tickets.count"], **hidden, "limit": 1}) == [
        ("Rome", 3.0, 0.0)
    ]
    best = {"limit": 1, "limit_by": [{"member": "people.city"}]}
    assert len(rows({"measures": ["sales.count"], **hidden, **best})) == 3


def test_rows_of_a_table_without_key_are_in_the_order_of_what_is_shown() -> None:
    model = SemanticModel(
        source_id="1" * 32, cubes=tuple(replace(cube, primary_key=()) for cube in MODEL.cubes)
    )
    query = SemanticQuery(dimensions=by("sales.state"), is_ungrouped=True)
    text = compile_query(query, model, dialect="duckdb", default_limit=10).sql
    assert text.endswith("ORDER BY\n  state ASC")


def test_rows_that_are_listed_keep_their_duplicates() -> None:
    parts = {"dimensions": [{"member": "sales.state"}], "is_ungrouped": True}
    assert [row[0] for row in rows(parts)] == ["done", "open", "done", "lost", None, "done", "open"]


def test_a_list_is_of_the_table_that_is_shown() -> None:
    parts = {"dimensions": [{"member": "people.name"}], "is_ungrouped": True, "filters": [
        {"member": "sales.amount", "operator": "set"}]}  # fmt: skip
    assert rows(parts) == [("Ann",), ("Ben",), ("Dan",)]


def test_groups_and_overall_alone() -> None:
    overall = {"overall": COUNT}
    assert rows(_figure(overall)) == [(7.0,)]
    assert rows(_figure(overall, dimensions=[{"member": "tags.label"}])) == [
        ("gift", 7.0), ("new", 7.0), ("unused", 7.0),
    ]  # fmt: skip


def test_the_row_itself_is_related_where_nothing_else_is() -> None:
    done = {"member": "sales.state", "operator": "equals", "values": ["done"]}
    existence = {"cube": "sales", "conditions": [done]}
    assert rows({"measures": ["sales.count"], "filters": [existence]}) == [(3.0,)]
    assert rows({"measures": ["sales.count"], "filters": [{**existence, "is_negated": True}]}) == [
        (4.0,)
    ]
    assert rows({"measures": ["sales.count"], "filters": [{"cube": "sales"}]}) == [(7.0,)]
    for is_negated, count in ((False, 0.0), (True, 7.0)):
        twice = {**existence, "at_least": 2, "is_negated": is_negated}
        assert rows({"measures": ["sales.count"], "filters": [twice]}) == [(count,)]


def test_existence_down_the_joins() -> None:
    rome = {"member": "people.city", "operator": "equals", "values": ["Rome"]}
    found = rows(
        {"measures": ["sales.count"], "filters": [{"cube": "people", "conditions": [rome]}]}
    )
    assert found == [(3.0,)]
    assert rows({"measures": ["sales.count"], "filters": [{"cube": "people", "at_least": 2}]}) == [
        (0.0,)
    ]


def test_roles_decide_among_parallel_joins(shop: Shop) -> None:
    def names(role: str, *, of: str = "", **more: Any) -> list[str]:
        item = Existence(cube="orders", role=role, **more)
        return [row[0] for row in shop.rows(dimensions=by("customers.name"), filters=(item,))]

    assert names("payer", at_least=2) == ["Ada", "Bob"]
    assert names("buyer", at_least=2) == ["Ada"]
    in_store = (where("stores.name", "equals", "Side"),)
    assert names("buyer", conditions=in_store) == ["Bob"]
    again = (where("orders.order", "equals", "a", role="buyer"),)
    assert names("buyer", conditions=again) == ["Ada", "Bob"]
    of = Existence(cube="regions", of="customers", role="buyer")
    assert shop.rows(measures=("orders.count",), filters=(of,)) == [(4,)]


def test_empty_groups_of_a_role(shop: Shop) -> None:
    found = shop.rows(
        measures=("orders.count",),
        dimensions=by("buyer>customers.name", "buyer>regions.name"),
        filters=(
            where("customers.vip", "equals", "true", role="buyer"),
            where("orders.order", "equals", "a"),
        ),
        keep_empty=True,
    )
    assert found == [("Ada", "North", 1), ("ada lovelace", "North", 0)]


def test_averages_per_group_keep_empty_groups(shop: Shop) -> None:
    each = PerGroup(
        aggregation=Aggregation.AVG,
        per=(DimensionRef(member="customers.customer_id", role="buyer"),),
        each=MeasureTerm(measure="orders.count"),
        keep_empty=True,
    )
    metric = Metric(name="m", expression=each)
    found = shop.rows(
        measures=("m",),
        metrics=(metric,),
        dimensions=by("buyer>regions.name"),
        filters=(where("orders.order", "equals", "a"),),
    )
    assert found == [("South", 1.0), ("North", 0.5), (None, 0.0)]


def test_filters_of_compared_roles(shop: Shop) -> None:
    same = Filter(
        member="customers.customer_id",
        role="buyer",
        operator=FilterOperator.NOT_EQUALS,
        other="customers.customer_id",
        other_role="payer",
    )
    assert shop.rows(measures=("orders.count",), filters=(same,)) == [(2,)]


def test_parts_of_two_times_are_compared() -> None:
    item = {"member": "sales.sold", "other": "sales.paid", "operator": "equals", "part": "year"}
    assert rows({"measures": ["sales.count"], "filters": [item]}) == [(3.0,)]


def test_a_model_may_refer_to_other_cubes() -> None:
    cubes = list(MODEL.cubes)
    place = next(n for n, cube in enumerate(cubes) if cube.name == "sales")
    label = Dimension(
        name="label",
        column="",
        type=DimensionType.STRING,
        title="Label",
        sql="{people.name} || ' ' || sales.state || ' ' || (SELECT MIN(label) FROM tags)",
    )
    cubes[place] = replace(cubes[place], dimensions=(*cubes[place].dimensions, label))
    model = SemanticModel(source_id="1" * 32, cubes=tuple(cubes))
    query = SemanticQuery(dimensions=by("sales.label"), filters=(where("sales.id", "equals", "3"),))
    text = compile_query(query, model, dialect="duckdb", default_limit=10).sql
    with duckdb.connect() as connection:
        for statement in MARKET:
            connection.execute(statement)
        assert connection.execute(text).fetchall() == [("Ben done gift",)]


def test_the_same_condition_on_related_rows_is_read_once() -> None:
    existence = {"cube": "sales"}
    parts = _figure(
        {"operator": "/", "left": {"measure": "people.count", "conditions": [existence]},
         "right": {"measure": "people.count"}},
        filters=[{"conditions": [existence, {"member": "people.city", "operator": "set"}], "is_any": True}],
    )  # fmt: skip
    assert compiled(parts, "duckdb").sql.count("SELECT DISTINCT") == 1
    assert rows(parts) == [(0.75,)]


def test_medians_where_rows_count_in_several_groups() -> None:
    parts = {"measures": ["sales.median_amount"], "dimensions": [{"member": "tags.label"}]}
    assert rows(parts) == [("new", 15.25), ("gift", 7.875), (None, 2.5)]
    text = compiled(parts, "sqlite").sql
    assert "SELECT DISTINCT" in text
    assert "ROW_NUMBER()" in text


def test_missing_values_of_parts_have_types_in_postgres() -> None:
    parts = {"measures": ["sales.count", "sales.last_sold", "tickets.minutes"],
             "dimensions": [{"member": "people.city"}]}  # fmt: skip
    text = compiled(parts, "postgres").sql
    assert "CAST(NULL AS DATE) AS figure_2" in text
    assert "CAST(NULL AS SMALLINT) AS figure_3" in text


def test_mariadb_is_written_as_mysql() -> None:
    parts = {"measures": ["sales.count"]}
    assert compiled(parts, "mariadb").sql == compiled(parts, "mysql").sql


def test_conditions_of_sql_server_are_no_values() -> None:
    parts = {"measures": ["sales.count"], "filters": [{"conditions": [
        {"member": "sales.state", "operator": "equals", "values": ["done"]}], "is_negated": True}]}  # fmt: skip
    text = compiled(parts, "tsql").sql
    assert "THEN 0 ELSE 1 END = 1" in text
    averages = _figure({"aggregation": "avg", "cube": "sales", "row": {"member": "sales.quantity"}})
    assert "AVG(CAST([sales].[quantity] AS FLOAT))" in compiled(averages, "tsql").sql


def test_time_substitution_is_said() -> None:
    times = (TimeDimension(dimension="sales.sold", date_range=("2024-01-01", "2024-12-31")),)
    query = SemanticQuery(measures=("sales.count", "tickets.count"), time_dimensions=times)
    found = compile_query(query, MODEL, dialect="duckdb", default_limit=10)
    assert "“Tickets” are placed in time by their own “Opened”." in found.notes
    many = SemanticQuery(measures=("people.count",), dimensions=by("sales.state"))
    found = compile_query(many, MODEL, dialect="duckdb", default_limit=10)
    assert "counts in every group in which it has some of “Sales”" in found.notes[0]


def test_a_role_of_one_table_is_not_asked_of_another(shop: Shop) -> None:
    """Orders have buyers and payers; customers and stores lie in regions without any role."""
    found = shop.rows(
        measures=("orders.count", "customers.count"), dimensions=by("buyer>regions.name")
    )
    assert found == [("North", 3, 2), (None, 2, 1), ("South", 1, 1)]
    found = shop.rows(
        measures=("orders.count", "customers.count"), dimensions=by("buyer>customers.name")
    )
    assert found[0] == ("Ada", 2, 1)


def test_groups_of_groups_have_their_own_time_too() -> None:
    expression = {"aggregation": "max", "per": [{"member": "people.id"}],
                  "each": {"measure": "tickets.count"}}  # fmt: skip
    times = [{"dimension": "sales.sold", "granularity": "quarter"}]
    parts = {"measures": ["sales.count", "m"], "time_dimensions": times,
             "metrics": [{"name": "m", "expression": expression}]}  # fmt: skip
    assert rows(parts)[1] == ("2024-01-01", 4.0, 2.0)


def test_yes_and_no_in_sql_server(shop: Shop) -> None:
    fields = [{"name": "f", "row": {"condition": {"member": "sales.paid", "operator": "set"}}}]
    text = compiled({"dimensions": [{"member": "f"}], "fields": fields}, "tsql").sql
    assert "THEN CAST(1 AS BIT) ELSE CAST(0 AS BIT) END" in text
    query = TypeAdapter(SemanticQuery).validate_python(
        _figure({"aggregation": "sum", "cube": "customers", "row": {"member": "customers.vip"}})
    )
    text = compile_query(query, shop.model, dialect="tsql", default_limit=10).sql
    assert "WHEN [customers].[vip] = 1 THEN 1" in text
    assert shop.rows(measures=("m",), metrics=query.metrics) == [(2,)]
