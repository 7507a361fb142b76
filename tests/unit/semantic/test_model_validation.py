"""Whether a model fits its tables, and whether the SQL in it may run: judged by the guard itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiser_app.domain.model_problem import ModelProblem
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.query.model_check import ModelSql
from aiser_app.semantic import model_validation
from aiser_app.semantic.expression_check import MAX_EXPANDED
from aiser_app.semantic.model_validation import Checked, check_model

TABLES = {
    "orders": ("id", "customer_id", "total", "Placed On", "year", "month"),
    "crm.customers": ("id", "name"),
    "unknown_columns": (),
}


def judge(dialect: str = "duckdb") -> ModelSql:
    tables = {name: GrantedTable(name=name, columns=columns) for name, columns in TABLES.items()}
    return ModelSql(dialect, tables)


def check(*cubes: Cube, dialect: str = "duckdb", lines: dict[str, int] | None = None) -> Checked:
    model = SemanticModel(source_id="1" * 32, cubes=cubes)
    return check_model(model, TABLES, judge(dialect), lines)


def errors(*cubes: Cube, dialect: str = "duckdb") -> list[str]:
    problems = check(*cubes, dialect=dialect).problems
    return [f"{item.where}: {item.message}" for item in problems if item.is_error]


def dim(name: str, **facts: object) -> Dimension:
    values = {"column": "id", "type": DimensionType.STRING, "title": name, **facts}
    return Dimension(name=name, **values)  # type: ignore[arg-type]


def measure(name: str, aggregation: Aggregation = Aggregation.SUM, **facts: object) -> Measure:
    values = {"column": "", "title": name, **facts}
    return Measure(name=name, aggregation=aggregation, **values)  # type: ignore[arg-type]


def orders(*dimensions: Dimension, **facts: object) -> Cube:
    values = {"table": "orders", "title": "Orders", "dimensions": dimensions, **facts}
    return Cube(name="orders", **values)  # type: ignore[arg-type]


CUSTOMERS = Cube(
    name="customers", table="crm.customers", title="Customers", primary_key=("id",),
    dimensions=(dim("id"), dim("name", column="name")),
)  # fmt: skip


def test_a_whole_model_is_fine_and_spelled_as_the_catalog_spells_it() -> None:
    cube = orders(
        dim("ID", column="ID"),
        dim("placed", column="placed on", type=DimensionType.TIME),
        dim("big", column="", sql="CASE WHEN {CUBE}.total > 100 THEN 'big' ELSE {small} END"),
        dim("small", column="", sql="lower({ID}) || {CUBE}.\"Placed On\""),
        dim("month", column="", date_parts=("Year", "MONTH"), type=DimensionType.TIME),
        dim("day", column="year", text_format="yyyymmdd", type=DimensionType.TIME),
        table="PUBLIC.Orders",
        primary_key=("ID", "small"),
        default_time_dimension="placed",
        measures=(
            measure("count", Aggregation.COUNT),
            measure("revenue", column="TOTAL", filters=("{big} = 'big'",), is_default=True),
            measure("net", sql="{CUBE}.total - 1"),
            measure("share", Aggregation.NUMBER, sql="{revenue} / nullif({count}, 0)"),
            measure("twice", Aggregation.NUMBER, sql="2 * {share}"),
        ),
        joins=(Join(target="customers", columns=(("CUSTOMER_ID", "Id"),)),),
        segments=(Segment(name="large", sql="{CUBE}.total > 5", title="Large"),),
    )  # fmt: skip
    made = Cube(
        name="made", table="", title="Made", sql="SELECT o.id, count(*) AS n FROM orders o GROUP BY 1",
        dimensions=(dim("id"),), measures=(measure("n", column="N"),),
    )  # fmt: skip
    checked = check(cube, replace(CUSTOMERS, table="CRM.customers"), made)
    assert checked.problems == ()
    found, customers, made = checked.model.cubes
    assert (found.table, customers.table) == ("orders", "crm.customers")
    assert [item.column for item in found.dimensions] == ["id", "Placed On", "", "", "", "year"]
    assert found.dimensions[4].date_parts == ("year", "month")
    assert found.primary_key == ("id", "small")
    assert found.joins[0].columns == (("customer_id", "id"),)
    assert found.measures[1].column == "total"
    assert (made.reads, made.measures[0].column) == (("orders",), "n")


def sql(text: str, **facts: object) -> Cube:
    return Cube(name="c", table="", title="C", sql=text, **facts)  # type: ignore[arg-type]


def with_measure(item: Measure) -> Cube:
    return orders(dim("id"), measures=(measure("count", Aggregation.COUNT), item))


@pytest.mark.parametrize(
    ("cube", "words"),
    [
        (orders(table="order"), "There is no table “order”. Is “orders” meant?"),
        (orders(table="zzz"), "There is no table “zzz”."),
        (orders(table="x.orders"), "There is no table “x.orders”."),
        (orders(dim("a", column="totl")), "orders has no column “totl”. Is “total” meant?"),
        (orders(dim("a", column="zzz")), "orders has no column “zzz”."),
        (orders(dim("a", column="", date_parts=("year", "zzz"), type=DimensionType.TIME)), "zzz"),
        (orders(primary_key=("zzz",)), "no column “zzz”"),
        (orders(dim("a"), dim("a")), "2 members are named “a”"),
        (orders(dim("a"), measures=(measure("a", column="total"),)), "2 members"),
        (orders(dim("a{")), "no braces"),
        (orders(dim("")), "1 to 200 characters"),
        (replace(CUSTOMERS, name="a.b"), "no dots"),
        (orders(dim("a", sql="1")), "A dimension is one of"),
        (orders(dim("a", column="")), "A dimension is one of"),
        (orders(dim("a", text_format="mm/dd", type=DimensionType.TIME)), "text_format is one of"),
        (orders(dim("a", text_format="yyyymmdd")), "are of the type time"),
        (orders(dim("a", column="", date_parts=("year",), type=DimensionType.TIME)), "year, month and"),
        (orders(dim("a"), default_time_dimension="a"), "no time dimension"),
        (orders(dim("a"), default_time_dimension="b"), "no time dimension"),
        (with_measure(measure("m")), "sum needs a column"),
        (with_measure(measure("m", column="total", sql="1")), "a column or SQL, not both"),
        (with_measure(measure("m", Aggregation.PERCENTILE, column="total")), "no measure"),
        (with_measure(measure("m", Aggregation.NUMBER)), "it needs sql"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="1 + 1")), "refers to no measure"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="{x} + 1")), "{x} is no measure"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="{m} + 1")), "refers to itself"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="{count} + total")), "no column total"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="{count} + {CUBE}.total")), "not from col"),
        (with_measure(measure("m", Aggregation.NUMBER, sql="pg_sleep({count})")), "pg_sleep"),
        (with_measure(measure("m", sql="{count} + 1")), "{count} is a measure"),
        (with_measure(measure("m", sql="{x} + 1")), "{x} is no dimension"),
        (with_measure(measure("m", sql="sum({CUBE}.total)")), "values of one row"),
        (with_measure(measure("m", column="total", filters=("{CUBE}.zzz = 1",))), "no column zzz"),
        (orders(dim("a", column="", sql="{b}"), dim("b", column="", sql="{a}")), "refers to itself"),
        (orders(dim("a", column="", sql="{b}"),
                dim("b", column="", date_parts=("year", "month"), type=DimensionType.TIME)), "parts of a date"),
        (orders(dim("a", column="", sql="(SELECT 1)")), "cannot contain a query"),
        (orders(dim("a", column="", sql="1; DROP TABLE orders")), "could not be read"),
        (orders(dim("a", column="", sql="other.total")), "is not a column of"),
        (orders(segments=(Segment(name="s", sql="read_text('/etc/passwd') = 'x'", title="S"),)), "read_text"),
        (orders(joins=(Join(target="x", columns=(("id", "id"),)),)), "no cube"),
        (orders(joins=(Join(target="orders", columns=()),)), "compares no columns"),
        (orders(joins=(Join(target="orders", columns=(("id", "zzz"),)),)), "no column “zzz”"),
        (orders(joins=(Join(target="orders", columns=(("id", "id"),)),) * 2), "need a role each"),
        (orders(measures=(measure("a", column="total", is_default=True),
                          measure("b", column="total", is_default=True))), "Only one measure"),
        (sql("DELETE FROM orders"), "Only SELECT"),
        (sql("SELECT * FROM secrets"), "secrets"),
        (sql("SELECT * FROM read_csv('/etc/passwd')"), "cannot be used"),
        (sql("WITH x AS (INSERT INTO orders SELECT * FROM orders RETURNING 1) SELECT * FROM x"), "cannot"),
        (sql("SELECT 1; SELECT 2"), "exactly one"),
        (sql("SELECT id AS a FROM orders", dimensions=(dim("a", column="b"),)), "SQL has no column “b”"),
        (replace(sql("SELECT 1 AS a"), table="orders"), "not both"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(cube: Cube, words: str) -> None:
    found = errors(cube)
    assert any(words in item for item in found), found


def test_names_of_cubes_are_their_own() -> None:
    assert errors(CUSTOMERS, replace(CUSTOMERS, name="Customers"))[0].startswith("customers: There")


def test_a_model_has_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_validation, "MAX_CUBES", 0)
    assert errors(CUSTOMERS) == [": A model has at most 0 cubes."]


def test_references_that_grow_without_end_are_refused() -> None:
    growing = [dim("d0", column="", sql=f"'{'x' * (MAX_EXPANDED // 8)}'")]
    growing += [
        dim(f"d{number}", column="", sql=f"{{d{number - 1}}} || {{d{number - 1}}}")
        for number in range(1, 12)
    ]
    assert any("too long" in item for item in errors(orders(*growing)))


def test_where_columns_are_unknown_nothing_is_said_of_them() -> None:
    cube = Cube(name="u", table="unknown_columns", title="U", dimensions=(dim("a", column="b"),))
    star = sql("SELECT * FROM orders", dimensions=(dim("a", column="b"),))
    union = sql("SELECT id FROM orders UNION SELECT id FROM orders", dimensions=(dim("id"),))
    assert errors(cube, star, replace(union, name="d")) == []


def test_names_are_quoted_as_the_source_does_it() -> None:
    cube = orders(dim("p", column="Placed On"), dim("a", column="", sql="upper({p})"))
    assert errors(cube, dialect="mysql") == []
    assert judge("mysql").quoted("a b") == "`a b`"


def test_odd_joins_and_sums_are_noted() -> None:
    cube = orders(
        dim("status", column="year"),
        measures=(measure("m", column="year"),),
        joins=(Join(target="customers", columns=(("id", "name"),)),),
    )
    problems = check(cube, CUSTOMERS, lines={"orders": 3, "orders.m": 9}).problems
    assert [(item.line, item.is_error) for item in problems] == [(3, False), (9, False)]
    assert "other columns than its primary key (id)" in problems[0].message
    assert "may fail" in problems[1].message


def test_a_problem_without_a_line_has_none() -> None:
    assert check(orders(table="x")).problems[0] == ModelProblem(
        message="There is no table “x”.", where="orders"
    )
    assert "no cubes" not in errors(orders())
