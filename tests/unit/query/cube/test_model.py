"""Cube's `/meta` as our model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    SemanticModel,
)
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Existence,
    Filter,
    FilterGroup,
    FilterOperator,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.errors import QueryInvalid
from aiser_app.query.cube.client import CubeSql
from aiser_app.query.cube.definitions import (
    check_computable,
    column_of,
    expression_of,
    join_pairs,
    member_only_in_cube,
    plain_table,
    text_of,
)
from aiser_app.query.cube.failures import CubeFailed
from aiser_app.query.cube.model import CubeModel, model_of_meta
from aiser_app.query.cube.probing import known_of
from tests.unit.query.cube.desk import MODEL

INFERRED = SemanticModel(
    source_id="s",
    cubes=(
        Cube(
            name="orders",
            table="orders",
            title="Orders",
            row_count=500,
            primary_key=("id",),
            default_time_dimension="paid_at",
            dimensions=(
                Dimension(
                    name="id", column="id", type=DimensionType.NUMBER, title="Id", is_key=True
                ),
                Dimension(
                    name="status",
                    column="status",
                    type=DimensionType.STRING,
                    title="Status",
                    description="of the order",
                    unit="",
                    distinct_count=2,
                    null_fraction=0.1,
                    values=("new", "paid"),
                    is_label=True,
                    minimum="new",
                    maximum="paid",
                ),
                Dimension(
                    name="paid_at", column="paid_at", type=DimensionType.TIME, title="Paid at"
                ),
            ),
        ),
        Cube(
            name="people",
            table="crm.people",
            title="People",
            dimensions=(
                Dimension(name="key", column="key", type=DimensionType.NUMBER, title="Key"),
            ),
        ),
    ),
)
TABLES = ("orders", "crm.people")


def read(*cubes: dict[str, Any], tables: tuple[str, ...] = TABLES, **sql: str) -> CubeModel:
    """`sql` is what Cube writes for a first member, by cube."""

    def ask(query: dict[str, Any]) -> CubeSql:
        [[member, *_]] = [query[part] for part in ("measures", "dimensions") if part in query]
        text = sql.get(member.partition(".")[0])
        if text is None:
            raise CubeFailed("unknown")
        return CubeSql(statements=((text, ()),), is_pre_aggregated=False)

    known = known_of(INFERRED, tables, "postgres", "", ask)
    return model_of_meta({"cubes": list(cubes)}, known)


def cube(name: str = "orders", sql: str = "`SELECT * FROM orders`", **parts: Any) -> dict[str, Any]:
    return {"name": name, "type": "cube", "title": name.title(), "sql": sql, **parts}


def member(name: str, sql: str | None = None, **parts: Any) -> dict[str, Any]:
    found = {"name": name, "shortTitle": name.title(), "type": "number", **parts}
    return found if sql is None else {**found, "sql": sql}


def measure(sql: str | None, kind: str = "sum", **parts: Any) -> Any:
    item = member("orders.m", sql, aggType=kind, **parts)
    return read(cube(measures=[item])).model.cubes[0].measures[0]


def test_a_cube_over_a_table() -> None:
    found = read(
        cube(
            description="All of them.",
            meta={"synonyms": ["sales", 5], "other": 1},
            dimensions=[
                member("orders.state", "'status'", type="string", meta={"unit": "x"}),
                member("orders.at", "`${CUBE}.paid_at`", type="time"),
                member("orders.made", "`made_at`", type="time"),
                member("orders.key", "`id`", primaryKey=True),
                member("orders.odd", "`status`", type="number"),
            ],
            measures=[member("orders.count", aggType="count")],
            segments=[member("orders.good", "`${CUBE}.status = 'paid'`")],
        )
    )
    [orders] = found.model.cubes
    assert (orders.table, orders.sql, orders.row_count) == ("orders", "", 500)
    assert (orders.primary_key, orders.default_time_dimension) == (("id",), "at")
    assert (orders.description, orders.synonyms) == ("All of them.", ("sales",))
    state, at, _, key, odd = orders.dimensions
    assert (state.column, state.values, state.distinct_count) == ("status", ("new", "paid"), 2)
    assert (state.is_label, state.description, state.unit) == (True, "of the order", "x")
    assert (at.column, at.type, key.is_key) == ("paid_at", DimensionType.TIME, True)
    assert odd.values == ()  # measured as text: what is known of it does not fit a number
    assert orders.measures[0].aggregation is Aggregation.COUNT
    assert orders.segments[0].sql == "{CUBE}.status = 'paid'"
    assert (found.only_in_cube, found.left_out) == ((), ())


def test_measures() -> None:
    assert (measure("`price`").aggregation, measure("`price`").column) == (Aggregation.SUM, "price")
    assert measure("`${price} * 2`", "avg").sql == "{price} * 2"
    assert measure("`1.0 * ${a} / ${b}`", "number").sql == "1.0 * {a} / {b}"
    assert measure("`x`", "countDistinct").aggregation is Aggregation.COUNT_DISTINCT
    filtered = measure("`x`", filters=[{"sql": "`${CUBE}.a = 1`"}])
    assert filtered.filters == ("{CUBE}.a = 1",)


@pytest.mark.parametrize(
    ("sql", "kind", "more"),
    [
        ("`x`", "countDistinctApprox", {}),
        ("`x`", "sum", {"cumulative": True}),
        ("`${people.pay}`", "sum", {}),
        ("`${SECURITY_CONTEXT.a.filter('b')}`", "sum", {}),
        ("() => compute()", "sum", {}),
        ("`x`", "sum", {"filters": [{"sql": "() => 1"}]}),
        ("`x`", None, {}),
    ],
)
def test_measures_that_only_cube_computes(sql: str, kind: str, more: dict[str, Any]) -> None:
    found = measure(sql, kind, **more)
    assert (found.aggregation, found.column, found.sql, found.filters) == (
        Aggregation.NUMBER,
        "",
        "",
        (),
    )


def test_dimensions_that_only_cube_computes() -> None:
    found = read(
        cube(
            dimensions=[
                member("orders.size", type="string", case={"when": []}),
                member("orders.name", "`${people.name}`", type="geo"),
            ]
        )
    )
    assert found.only_in_cube == ("orders.size", "orders.name")
    assert found.model.cubes[0].dimensions[1].type is DimensionType.STRING


def test_tables_that_cube_does_not_show() -> None:
    first = member("people.count", aggType="count")
    hidden = cube("people", measures=[first])
    del hidden["sql"]
    found = read(hidden, people='SELECT count(*) FROM crm.people AS "people"')
    assert found.model.cubes[0].table == "crm.people"
    for text in ("SELECT (", "SELECT 1", "SELECT 1 FROM (SELECT 1) AS x", "SELECT 1 FROM other"):
        assert read(hidden, people=text).model.cubes[0].table == ""
    lost = read(hidden)
    assert lost.model.cubes[0].table == ""
    assert lost.model.cubes[0].measures[0].aggregation is Aggregation.NUMBER
    times = cube("people", dimensions=[member("people.at", type="time")])
    del times["sql"]
    assert read(times, people="SELECT 1 FROM orders").model.cubes[0].table == ""


def test_schemas_and_capitals() -> None:
    for sql in ("`select * from public.Orders;`", '"SELECT * FROM ORDERS"', "`SELECT * FROM `"):
        found = read(cube(sql=sql, dimensions=[member("orders.a", "`a`")]))
        assert found.model.cubes[0].table == ("orders" if "rders" in sql.lower() else "")


def test_cubes_over_a_select() -> None:
    found = read(
        cube(
            sql="`SELECT * FROM orders WHERE x > 1`",
            measures=[member("orders.n", "`a`", aggType="sum")],
        )
    )
    assert (found.model.cubes[0].table, found.model.cubes[0].sql) == (
        "",
        "SELECT * FROM orders WHERE x > 1",
    )
    template = read(cube(sql="`SELECT * FROM ${people.sql()} AS p`"))
    assert template.model.cubes[0].sql == ""


def test_joins() -> None:
    people = cube(
        "people",
        sql="`SELECT * FROM crm.people`",
        joins=[
            {
                "name": "orders",
                "relationship": "hasMany",
                "sql": "`${people}.key = ${orders}.person`",
            }
        ],
    )
    orders = cube(
        dimensions=[member("orders.buyer", "`buyer_id`")],
        joins=[
            {
                "name": "people",
                "relationship": "belongsTo",
                "sql": "`${CUBE}.a = ${people.key} AND ${orders.buyer} = ${people}.b`",
            },
            {"name": "people", "relationship": "hasOne", "sql": "`${CUBE}.a > ${people}.b`"},
            {"name": "people", "relationship": "hasOne", "sql": "`${CUBE}.a = ${people.unknown}`"},
            {"name": "people", "relationship": "sideways", "sql": "`${CUBE}.a = ${people}.b`"},
            {
                "name": "elsewhere",
                "relationship": "belongsTo",
                "sql": "`${CUBE}.a = ${elsewhere}.b`",
            },
            "nonsense",
        ],
    )
    found = read(orders, people)
    joins = {(join.target, join.columns) for join in found.model.cubes[0].joins}
    assert joins == {
        ("people", (("a", "key"), ("buyer_id", "b"))),
        ("people", (("person", "key"),)),
    }
    assert {join.source for join in found.model.cubes[0].joins} == {"declared"}
    assert found.model.cubes[1].joins == ()


def view(*aliases: str) -> dict[str, Any]:
    members = [
        member(f"v.{at}", type="string", aliasMember=name) for at, name in enumerate(aliases)
    ]
    return {"name": "v", "type": "view", "dimensions": members}


def test_views() -> None:
    orders = cube(dimensions=[member("orders.a", "`a`")])
    assert read(orders, view("orders.a")).left_out == ("v",)
    found = read(orders, view("orders.a", "secret.b"))
    assert [item.name for item in found.model.cubes] == ["orders", "v"]
    assert found.only_in_cube == ("v.0", "v.1")


def test_what_is_hidden_from_the_agent_stays_hidden() -> None:
    tables = (*TABLES, "payroll")
    cubes = [
        cube(),
        cube("payroll", sql="`SELECT * FROM payroll`"),
        cube("indirect", sql="`SELECT pay FROM payroll JOIN orders ON true`"),
        cube("direct", sql="`SELECT status FROM orders WHERE true`"),
        cube("garbled", sql="`SELECT ((((`"),
        cube("computed", sql="() => 1"),
        view("payroll.pay"),
    ]
    found = read(*cubes, tables=tables)
    assert [item.name for item in found.model.cubes] == ["orders", "direct"]
    assert len(found.left_out) == 5
    assert len(read(*cubes, tables=TABLES).model.cubes) == 7


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"cubes": {}},
        {"cubes": [1]},
        {"cubes": [{"name": 1}]},
        {"cubes": [{"name": "a", "measures": [1]}]},
        {"cubes": [{"name": "a", "dimensions": {}}]},
        {"cubes": [{"name": "a", "segments": [{}]}]},
    ],
)
def test_what_is_no_model(meta: dict[str, Any]) -> None:
    known = known_of(INFERRED, TABLES, "postgres", "", lambda _: pytest.fail("nothing to ask"))
    with pytest.raises(CubeFailed):
        model_of_meta(meta, known)


def test_definitions() -> None:
    assert [
        text_of(t) for t in ("`a`", "'a'", '"a"', "a", "`", None, "`a` + `b`", "() => `a`")
    ] == [
        "a",
        "a",
        "a",
        "",
        "",
        "",
        "",
        "",
    ]
    assert [column_of(t) for t in ("`a`", "`${CUBE}.a`", "`null`", "`a b`", "`1`")] == [
        "a",
        "a",
        "",
        "",
        "",
    ]
    assert expression_of("`${CUBE}.a + ${b}`") == "{CUBE}.a + {b}"
    assert [expression_of(t) for t in ("`{a}`", "`${a.b}`", "`a\\\\n`", "`${a`")] == [
        "",
        "",
        "",
        "",
    ]
    assert plain_table('`SELECT * FROM "a"."b"`') == "a.b"
    assert plain_table("`SELECT a FROM b`") == ""
    assert join_pairs("`${a}.x = ${c}.y`", "a", "b") == []
    assert join_pairs("`${a}.x = ${a}.y`", "a", "b") == []


KIND = DimensionRef(member="items.kind")
SIZE = Filter(member="items.size", operator=FilterOperator.SET)


@pytest.mark.parametrize(
    ("query", "only"),
    [
        (SemanticQuery(measures=("items.count", "items.revenue"), dimensions=(KIND,)), ""),
        (SemanticQuery(measures=("unknown.x",)), ""),
        (SemanticQuery(measures=("items.running",)), "items.running"),
        (SemanticQuery(dimensions=(DimensionRef(member="items.size"),)), "items.size"),
        (
            SemanticQuery(filters=(FilterGroup(conditions=(SIZE,)), Existence(cube="shops"))),
            "items.size",
        ),
        (SemanticQuery(filters=(Existence(cube="shops"),)), ""),
        (SemanticQuery(order=(Order(member="items.size"),)), "items.size"),
        (SemanticQuery(time_dimensions=(TimeDimension(dimension="items.sold_at"),)), ""),
    ],
)
def test_members_that_only_cube_knows(query: SemanticQuery, only: str) -> None:
    assert member_only_in_cube(query, MODEL) == only
    if only:
        with pytest.raises(QueryInvalid, match=only):
            check_computable(query, MODEL)
    else:
        check_computable(query, replace(MODEL))
