"""What columns hold that say it in text, numbers, codes, parts, or another language."""

from __future__ import annotations

import pytest

from aiser_app.domain.catalog import ColumnProfile, KeyLink, TableProfile
from aiser_app.domain.semantic_model import Aggregation, DimensionType
from aiser_app.semantic.coded_values import value_titles
from aiser_app.semantic.measuring import is_level
from aiser_app.semantic.temporal import StoredTime, stored_time
from aiser_app.semantic.titles import ColumnTitles, column_title
from aiser_app.semantic.translations import english_synonym
from aiser_app.semantic.units import unit_of
from tests.unit.semantic.test_inference import a_column, a_table, cube_of, model_of


@pytest.mark.parametrize(
    ("name", "kind", "low", "high", "length", "expected"),
    [
        ("x", "string", "2024-01-05", "2025-12-31", 10.0, ("yyyy-mm-dd", "2024-01-05", "2025-12-31")),
        ("x", "string", "2024-01-05 10:00:00", "2025-12-31 09:00:00", 19.0,
         ("yyyy-mm-dd", "2024-01-05", "2025-12-31")),
        ("x", "string", "2024-01-05", "2025-12-31", 12.5, None),
        ("x", "string", "2024-01-05", "2025-12-31", None, None),
        ("sold_date", "string", "2024-01-05", "2025-12-31", None,
         ("yyyy-mm-dd", "2024-01-05", "2025-12-31")),
        ("x", "string", "20240105", "20251231", 8.0, ("yyyymmdd", "2024-01-05", "2025-12-31")),
        ("x", "string", "20241305", "20251231", 8.0, None),
        ("x", "string", "1000-01-05", "2025-12-31", 10.0, None),
        ("x", "string", "a", "b", 1.0, None),
        ("date_key", "integer", "20240105", "20251231", None,
         ("yyyymmdd", "2024-01-05", "2025-12-31")),
        ("units", "integer", "20240105", "20251231", None, None),
        ("created_ts", "integer", "1700000000", "1760000000", None,
         ("epoch_s", "2023-11-14", "2025-10-09")),
        ("created_ts", "integer", "1700000000000", "1760000000000", None,
         ("epoch_ms", "2023-11-14", "2025-10-09")),
        ("created_ts", "integer", "1", "1760000000", None, None),
        ("created_ts", "integer", "-5", "1760000000", None, None),
        ("created_ts", "decimal", "1700000000", "1760000000", None, None),
        ("created_ts", "integer", None, None, None, None),
    ],
)  # fmt: skip
def test_times_are_recognised_however_they_are_stored(
    name: str, kind: str, low: str | None, high: str | None, length: float | None,
    expected: tuple[str, str, str] | None,
) -> None:  # fmt: skip
    column = a_column(name, kind, minimum=low, maximum=high, average_length=length)
    assert stored_time(column) == (StoredTime(*expected) if expected else None)


def test_a_stored_time_is_a_time_of_the_cube() -> None:
    cube = cube_of(
        a_table(
            "orders",
            a_column("order_date_key", minimum="20240105", maximum="20251231"),
            a_column("amount", "decimal"),
        )
    )
    day = cube.find_dimension("order_date_key")
    assert day is not None
    assert (day.type, day.text_format) == (DimensionType.TIME, "yyyymmdd")
    assert (day.minimum, day.is_key) == ("2024-01-05", False)
    assert cube.default_time_dimension == "order_date_key"
    assert not [item for item in cube.measures if item.column == "order_date_key"]


def parts(*names: str) -> TableProfile:
    return a_table("sales", *(a_column(name, minimum="1", maximum="12") for name in names))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("year", "month", "day"), ("date", ("year", "month", "day"))),
        (("jahr", "monat"), ("date", ("jahr", "monat"))),
        (("order_year", "order_month", "day"), ("order_date", ("order_year", "order_month"))),
        (("year", "amount"), None),
        (("month", "day"), None),
        (("year", "month", "date"), None),
    ],
)
def test_a_date_in_parts_is_one(
    names: tuple[str, ...], expected: tuple[str, tuple[str, ...]] | None
) -> None:
    cube = cube_of(parts(*names))
    made = [(item.name, item.date_parts) for item in cube.dimensions if item.date_parts]
    assert made == ([expected] if expected else [])
    assert cube.default_time_dimension == (expected[0] if expected else "")


def test_parts_beside_a_date_are_only_parts() -> None:
    table = a_table("sales", a_column("year"), a_column("month"), a_column("sold", "date"))
    assert not [item for item in cube_of(table).dimensions if item.date_parts]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("planned_start", "started_on"), "started_on"),
        (("ended_at", "started_at"), "started_at"),
        (("birth_date",), ""),
        (("valid_until",), "valid_until"),
    ],
)
def test_plans_ends_and_birthdays_are_not_when_it_happened(
    columns: tuple[str, ...], expected: str
) -> None:
    cube = cube_of(a_table("t", *(a_column(name, "date") for name in columns)))
    assert cube.default_time_dimension == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (a_column("state", description="1 = open, 0 = closed"), {"1": "open", "0": "closed"}),
        (a_column("state", description="1 for open; 0 for closed (by hand)"),
         {"1": "open", "0": "closed"}),
        (a_column("state", description="1 = open"), {}),
        (a_column("state", description="1 = open, 2 = open"), {}),
        (a_column("state"), {}),
        (a_column("state", "date", description="1 = open, 0 = closed"), {}),
        (a_column("stat", "string", values=("A", "S", "W"),
                  description="A active, W under maintenance, S standby"),
         {"A": "active", "W": "under maintenance", "S": "standby"}),
        (a_column("sev", "string", values=("H", "L"), description="severity L low, H high"),
         {"L": "low", "H": "high"}),
        (a_column("status", "string", values=("completed", "cancelled"),
                  description="completed, cancelled or pending"), {}),
        (a_column("live", "string", values=("N", "Y")), {"N": "no", "Y": "yes"}),
        (a_column("side", "string", values=("L", "R")), {}),
        (a_column("is_live", minimum="0", maximum="1"), {"0": "no", "1": "yes"}),
        (a_column("goals", minimum="0", maximum="1"), {}),
        (a_column("is_live", "date"), {}),
    ],
)  # fmt: skip
def test_codes_mean_what_comments_say(column: ColumnProfile, expected: dict[str, str]) -> None:
    assert dict(value_titles(column)) == expected


def test_a_flag_is_counted_and_its_share_taken() -> None:
    cube = cube_of(a_table("t", a_column("is_paid", minimum="0", maximum="1")))
    assert {item.name for item in cube.measures} == {"count", "sum_is_paid", "avg_is_paid"}


def a_fact(*columns: ColumnProfile) -> str:
    link = KeyLink(
        table="orders",
        target="shops",
        columns=(("shop_id", "id"),),
        name_score=1.0,
        containment=1.0,
    )
    tables = (
        a_table("orders", a_column("shop_id"), *columns),
        a_table("shops", a_column("id", is_unique=True)),
    )
    cube = model_of(*tables, links=(link,)).cubes[0]
    return ",".join(item.column for item in cube.measures if item.is_default)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("discount_amt", "items_amt", "total_amt"), "total_amt"),
        (("quantity", "line_amt"), "line_amt"),
        (("unit_price", "quantity"), "quantity"),
        (("price", "quantity"), "price"),
        (("tax_amount", "quantity"), "tax_amount"),
        (("planned_quantity", "planned_units", "good_units"), "planned_quantity"),
        (("dauer_min",), "dauer_min"),
        (("rating",), ""),
        (("points",), ""),
    ],
)
def test_how_much_means_the_whole_amount(names: tuple[str, ...], expected: str) -> None:
    if names[0] == "planned_quantity":
        names, expected = ("plan_qty", "good_qty"), "good_qty"
    assert a_fact(*(a_column(name, "decimal") for name in names)) == expected


def test_only_facts_have_a_default_measure() -> None:
    cube = cube_of(a_table("products", a_column("total_amount", "decimal")))
    assert not [item for item in cube.measures if item.is_default]


def test_levels_are_not_offered_as_sums() -> None:
    cube = cube_of(a_table("t", a_column("rating", "decimal"), a_column("unit_price", "decimal")))
    sums = [item for item in cube.measures if item.aggregation is Aggregation.SUM]
    assert [item.is_hidden for item in sums] == [True, True]
    assert not is_level("amount")
    assert not cube.measures[0].is_hidden


def test_bridges_and_technical_columns_are_hidden() -> None:
    def link(column: str, target: str) -> KeyLink:
        return KeyLink(
            table="b", target=target, columns=((column, "id"),), name_score=1.0, containment=1.0
        )

    things = [a_table(name, a_column("id", is_unique=True)) for name in ("books", "authors")]
    links = (link("book_id", "books"), link("author_id", "authors"))
    keys = (a_column("book_id"), a_column("author_id"))
    bridge = model_of(a_table("b", *keys, a_column("created_at", "date")), *things, links=links)
    assert [cube.is_hidden for cube in bridge.cubes] == [True, False, False]
    fact = model_of(a_table("b", *keys, a_column("share", "decimal")), *things, links=links)
    assert not any(cube.is_hidden for cube in fact.cubes)
    technical = cube_of(a_table("t", a_column("etl_run", "string"), a_column("x", "string")))
    assert [item.is_hidden for item in technical.dimensions] == [True, False]


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ((a_column("id", is_unique=True), a_column("code", "string", is_unique=True)), "code"),
        ((a_column("id", is_unique=True), a_column("email", "string", is_unique=True)), ""),
        ((a_column("code", "string", is_unique=True),), ""),
        ((a_column("id", is_unique=True),
          a_column("product_name", "string", distinct_count=40)), "product_name"),
        ((a_column("id", is_unique=True),
          a_column("product_name", "string", distinct_count=10)), ""),
    ],
)  # fmt: skip
def test_versions_of_a_thing_share_its_label(
    columns: tuple[ColumnProfile, ...], label: str
) -> None:
    cube = cube_of(a_table("products", *columns))
    assert ",".join(item.name for item in cube.dimensions if item.is_label) == label


def test_titles_leave_out_what_begins_every_name() -> None:
    names = ("sbTxId", "sbTxCustId", "sbTxAmt")
    titles = ColumnTitles(a_table("transactions", *(a_column(name) for name in names)))
    assert [titles.of(name) for name in names] == ["ID", "Customer ID", "Amount"]
    own = ("customer_id", "customer_name", "customer_city")
    titles = ColumnTitles(a_table("customers", *(a_column(name) for name in own)))
    assert titles.of("customer_name") == "Customer name"
    assert ColumnTitles(a_table("empty")).of("x") == "X"


@pytest.mark.parametrize(
    ("name", "title"),
    [("DT_ORD", "Order date"), ("TS_START", "Start time"), ("qty", "Quantity"), ("STAT", "Status")],
)
def test_titles_end_with_what_kind_of_thing_it_is(name: str, title: str) -> None:
    assert column_title(name) == title


def test_words_of_other_languages_have_english_synonyms() -> None:
    assert english_synonym("MACH_BEZ", column_title("MACH_BEZ")) == "machine name"
    assert english_synonym("machine_name", "Machine name") == ""
    cube = cube_of(a_table("t", a_column("land_cd", "string"), a_column("city", "string")))
    assert [item.synonyms for item in cube.dimensions] == [("country code",), ()]


@pytest.mark.parametrize(
    ("name", "unit"), [("dauer_min", "min"), ("temp_min", ""), ("wait_s", "s"), ("area_m2", "m²")]
)
def test_a_unit_may_be_short(name: str, unit: str) -> None:
    assert unit_of(name, "") == unit
