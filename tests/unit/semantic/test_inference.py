"""What a model says about tables that nobody has described."""

from __future__ import annotations

import pytest

from aiser_app.domain.catalog import Catalog, ColumnProfile, KeyLink, TableProfile
from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType, SemanticModel
from aiser_app.semantic.inference import infer_model
from aiser_app.semantic.titles import column_title, measure_title, plural, table_title
from aiser_app.semantic.units import unit_of


def a_column(name: str, kind: str = "integer", **facts: object) -> ColumnProfile:
    return ColumnProfile(name=name, type=kind, **facts)  # type: ignore[arg-type]


def a_table(name: str, *columns: ColumnProfile, rows: int = 100, **facts: object) -> TableProfile:
    return TableProfile(name=name, row_count=rows, columns=columns, **facts)  # type: ignore[arg-type]


def model_of(*tables: TableProfile, links: tuple[KeyLink, ...] = ()) -> SemanticModel:
    return infer_model("1" * 32, Catalog(source_id="1" * 32, tables=tables, links=links))


def cube_of(table: TableProfile) -> Cube:
    return model_of(table).cubes[0]


def keys(cube: Cube) -> set[str]:
    return {dimension.name for dimension in cube.dimensions if dimension.is_key}


def test_the_sample_s_model(sample_model: SemanticModel) -> None:
    flights, airlines, airports, planes, weather = (
        sample_model.find_cube(name)
        for name in ("flights", "airlines", "airports", "planes", "weather")
    )
    assert flights is not None
    assert airlines is not None
    assert airports is not None
    assert planes is not None
    assert weather is not None
    assert {(join.target, join.role, join.columns) for join in flights.joins} == {
        ("airlines", "", (("carrier", "carrier"),)),
        ("planes", "", (("tailnum", "tailnum"),)),
        ("airports", "origin", (("origin", "faa"),)),
        ("airports", "dest", (("dest", "faa"),)),
        ("weather", "", (("origin", "origin"), ("time_hour", "time_hour"))),
    }
    assert all(0.6 <= join.score < 1 and join.source == "inferred" for join in flights.joins)
    assert flights.default_time_dimension == "time_hour"
    assert flights.row_count == 336_776
    assert keys(flights) == {
        "year", "month", "day", "hour", "minute", "dep_time", "sched_dep_time", "arr_time",
        "sched_arr_time", "carrier", "flight", "tailnum", "origin", "dest",
    }  # fmt: skip
    assert [cube.primary_key for cube in (airlines, airports, planes, flights, weather)] == [
        ("carrier",), ("faa",), ("tailnum",), (), (),
    ]  # fmt: skip
    labels = {
        f"{cube.name}.{dimension.name}"
        for cube in sample_model.cubes
        for dimension in cube.dimensions
        if dimension.is_label
    }
    assert labels == {"airlines.name", "airports.name"}
    delay = flights.find_measure("avg_dep_delay")
    assert delay is not None
    assert (delay.title, delay.unit) == ("Average departure delay", "min")
    assert "minutes" in delay.description
    count = flights.find_measure("count")
    assert count is not None
    assert (count.title, count.column) == ("Number of flights", "")
    units = {dimension.name: dimension.unit for dimension in weather.dimensions if dimension.unit}
    assert units == {
        "temp": "°F", "dewp": "°F", "humid": "%", "wind_dir": "°", "wind_speed": "mph",
        "wind_gust": "mph", "precip": "in", "pressure": "mbar", "visib": "miles",
    }  # fmt: skip
    titles = {dimension.name: dimension.title for dimension in flights.dimensions}
    assert titles["dest"] == "Destination"
    assert titles["tailnum"] == "Tail number"
    assert titles["sched_arr_time"] == "Scheduled arrival time"
    carrier = flights.find_dimension("carrier")
    assert carrier is not None
    assert len(carrier.values) == 16


def test_only_numbers_that_measure_are_added_up() -> None:
    cube = cube_of(
        a_table(
            "orders",
            a_column("order_id", is_unique=True),
            a_column("store_code"),
            a_column("zip"),
            a_column("year"),
            a_column("order"),
            a_column("quantity"),
            a_column("price", "decimal"),
            a_column("note", "string"),
            a_column("paid", "boolean"),
            a_column("placed", "timestamp"),
            a_column("start_time", is_clock=True),
        )
    )
    assert keys(cube) == {"order_id", "store_code", "zip", "year", "order", "start_time"}
    summed = {m.column for m in cube.measures if m.aggregation is Aggregation.SUM}
    assert summed == {"quantity", "price"}
    counted = {m.column for m in cube.measures if m.aggregation is Aggregation.COUNT_DISTINCT}
    assert counted == keys(cube)
    assert cube.find_measure("min_year") is not None
    assert cube.find_measure("avg_year") is None
    types = {dimension.name: dimension.type for dimension in cube.dimensions}
    assert types["price"] is DimensionType.NUMBER
    assert types["paid"] is DimensionType.BOOLEAN
    assert types["placed"] is DimensionType.TIME
    assert types["note"] is DimensionType.STRING


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ([a_column("name", "string", distinct_count=98)], "name"),
        ([a_column("name", "string", distinct_count=50)], ""),
        ([a_column("name", "string")], "name"),
        ([a_column("name")], ""),
        ([a_column("type", "string", distinct_count=100)], ""),
        (
            [
                a_column("contact_name", "string", distinct_count=100),
                a_column("customer_name", "string", distinct_count=100),
            ],
            "customer_name",
        ),
        (
            [
                a_column("customer_name", "string", distinct_count=100),
                a_column("title", "string", distinct_count=100),
            ],
            "title",
        ),
        ([a_column("name", "string", distinct_count=46, null_fraction=0.5)], "name"),
    ],
)
def test_the_label_names_a_row(columns: list[ColumnProfile], label: str) -> None:
    cube = cube_of(a_table("customers", *columns))
    assert [item.name for item in cube.dimensions if item.is_label] == ([label] if label else [])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([a_column("created_at", "timestamp"), a_column("ordered_on", "date")], "ordered_on"),
        ([a_column("created_at", "timestamp")], "created_at"),
        ([a_column("returned", "date", null_fraction=0.9), a_column("sold", "date")], "sold"),
        ([a_column("sold", "date"), a_column("shipped", "date")], "sold"),
        ([a_column("size")], ""),
    ],
)
def test_the_default_time_is_when_it_happened(columns: list[ColumnProfile], expected: str) -> None:
    assert cube_of(a_table("sales", *columns)).default_time_dimension == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (a_table("t", a_column("a"), primary_key=("x", "y")), ("x", "y")),
        (a_table("t", a_column("lon", "number", is_unique=True)), ()),
        (a_table("t", a_column("tag", "string", is_unique=True)), ("tag",)),
        (a_table("t", a_column("name", "string", is_unique=True)), ()),
        (
            a_table("t", a_column("tag", "string", is_unique=True), a_column("id", is_unique=True)),
            ("id",),
        ),
    ],
)
def test_the_primary_key(table: TableProfile, expected: tuple[str, ...]) -> None:
    assert cube_of(table).primary_key == expected


def a_link(column: str, target: str, key: str = "id", **facts: object) -> KeyLink:
    values: dict[str, object] = {"name_score": 1.0, "containment": 1.0, **facts}
    return KeyLink(table="orders", target=target, columns=((column, key),), **values)  # type: ignore[arg-type]


def test_joins_have_roles_scores_and_an_origin() -> None:
    model = model_of(
        a_table("orders", *(a_column(f"{name}_id") for name in ("customer", "billing", "agent"))),
        a_table("customers", a_column("id", is_unique=True)),
        a_table("sales.agents", a_column("id", is_unique=True)),
        links=(
            a_link("customer_id", "customers"),
            a_link("billing_customer_id", "customers", declared=True),
            a_link("agent_id", "sales.agents", name_score=0.9, containment=0.5),
            a_link("weak", "customers", name_score=0.2, containment=0.5),
        ),
    )
    joins = {join.columns[0][0]: join for join in model.cubes[0].joins}
    assert set(joins) == {"customer_id", "billing_customer_id", "agent_id"}
    assert (joins["customer_id"].role, joins["customer_id"].score) == ("customer_id", 1.0)
    assert joins["customer_id"].source == "inferred"
    assert joins["billing_customer_id"].role == "billing"
    assert joins["billing_customer_id"].source == "declared"
    assert (joins["agent_id"].role, joins["agent_id"].target) == ("", "agents")
    assert joins["agent_id"].score == pytest.approx(0.74)
    assert {item.name for item in model.cubes[0].dimensions if item.is_key} == {
        "customer_id", "billing_id", "agent_id",
    }  # fmt: skip


def test_compound_joins_get_a_role_only_beside_others() -> None:
    compound = KeyLink(
        table="orders",
        target="rates",
        columns=(("shop", "shop"), ("day", "day")),
        name_score=0.9,
        containment=1.0,
    )
    tables = (a_table("orders", a_column("shop", "string")), a_table("rates", a_column("id")))
    assert model_of(*tables, links=(compound,)).cubes[0].joins[0].role == ""
    both = model_of(*tables, links=(compound, a_link("rate_id", "rates"))).cubes[0]
    assert {join.role for join in both.joins} == {"shop_day", "rate_id"}


def test_cubes_of_two_schemas_keep_their_names_apart() -> None:
    model = model_of(a_table("sales.orders"), a_table("orders"), a_table("hr.people"))
    assert [cube.name for cube in model.cubes] == ["sales_orders", "orders", "people"]
    assert [cube.table for cube in model.cubes] == ["sales.orders", "orders", "hr.people"]
    assert cube_of(a_table("main.odd.name")).name == "odd_name"


def test_odd_names_do_no_harm() -> None:
    cube = cube_of(a_table("__", a_column("__"), a_column("___", "string", is_unique=True)))
    assert cube.title == "__"
    assert [item.title for item in cube.dimensions] == ["__", "___"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("dep_delay", "Departure delay"),
        ("arrDelay", "Arrival delay"),
        ("order_qty", "Order quantity"),
        ("total_amt", "Total amount"),
        ("order_no", "Order number"),
        ("no_show", "No show"),
        ("min_price", "Minimum price"),
        ("duration_min", "Duration min"),
        ("wind_dir", "Wind direction"),
        ("precip", "Precipitation"),
        ("customer_id", "Customer ID"),
        ("faa", "FAA code"),
        ("min", "Min"),
    ],
)
def test_titles_of_columns(name: str, title: str) -> None:
    assert column_title(name) == title


def test_titles_of_tables_and_measures() -> None:
    assert table_title("dim_order_items") == "Order items"
    assert table_title("sales.fctOrders") == "Orders"
    assert measure_title(Aggregation.SUM, "Seats") == "Total seats"
    assert measure_title(Aggregation.MIN, "FAA code") == "Minimum FAA code"
    words = ("Category", "Box", "Class", "Days", "Tail number", "Branch", "Day")
    assert [plural(word) for word in words] == [
        "Categories", "Boxes", "Classes", "Days", "Tail numbers", "Branches", "Days",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "description", "unit"),
    [
        ("delay", "", ""),
        ("delay", "Departure delay in minutes; negative when early", "min"),
        ("delay", "Minutes of fame", ""),
        ("speed", "Speed in miles per hour", "mph"),
        ("range", "Range in Miles", "miles"),
        ("rank", "Rank in milestones", ""),
        ("weight_kg", "", "kg"),
        ("weight_kg", "Weight in grams", "g"),
        ("discount_pct", "", "%"),
        ("km", "", ""),
        ("price_usd", "", "USD"),
    ],
)
def test_units_are_read_never_guessed(name: str, description: str, unit: str) -> None:
    assert unit_of(name, description) == unit
