"""References whose names say a part in something, or say it in short, or in another style."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.query.catalog import read_catalog
from aiser_app.query.catalog.naming import Naming, entity_words, shortens
from aiser_app.query.catalog.people import People, people_of
from aiser_app.query.catalog.roles import MAX_HOMES, MAX_ROLES, role_candidates
from tests.unit.query.catalog.engines import kept_database

Link = tuple[str, str, str, str]


def links_of(folder: Path, *statements: str) -> set[Link]:
    with kept_database(folder, *statements) as (engine, source):
        catalog = read_catalog(engine, source)
    return {
        (link.table, ",".join(a for a, _ in link.columns), link.target,
         ",".join(b for _, b in link.columns))
        for link in catalog.links
    }  # fmt: skip


def a_table(name: str, columns: str, rows: int, *expressions: str) -> tuple[str, str]:
    values = ", ".join(expressions)
    return (
        f"CREATE TABLE {name} ({columns})",
        f"INSERT INTO {name} SELECT {values} FROM range({rows}) AS t (i)",
    )


EMPLOYEES = a_table(
    "employees",
    "employee_id INTEGER, full_name VARCHAR, hire_date DATE, manager_id INTEGER",
    40,
    "i + 1", "'N' || i", "DATE '2020-01-01' + i::INTEGER", "i // 8 + 1",
)  # fmt: skip
CUSTOMERS = a_table(
    "customers", "customer_id INTEGER, customer_name VARCHAR", 500, "i + 1", "'C' || i"
)


def test_a_part_in_something_is_a_person_s_and_staff_come_first(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *EMPLOYEES,
        *CUSTOMERS,
        *a_table(
            "tickets",
            "ticket_id INTEGER, opened_by INTEGER, approver_id INTEGER, customer_id INTEGER,"
            " points_id INTEGER",
            200,
            "i + 1", "i % 7 + 1", "i % 3 + 2", "i % 90 + 1", "i % 5 + 1",
        ),
    )  # fmt: skip
    assert found == {
        ("employees", "manager_id", "employees", "employee_id"),
        ("tickets", "opened_by", "employees", "employee_id"),
        ("tickets", "approver_id", "employees", "employee_id"),
        ("tickets", "customer_id", "customers", "customer_id"),
    }


def test_a_manager_of_things_is_not_one_of_them(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *EMPLOYEES,
        *a_table("stores", "store_id INTEGER, manager_id INTEGER", 20, "i + 1", "i % 9 + 1"),
    )
    assert ("stores", "manager_id", "employees", "employee_id") in found
    assert ("stores", "manager_id", "stores", "store_id") not in found


def test_numbers_that_one_key_alone_has_refer_to_it(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *a_table("OPER", "OPER_NR INTEGER, OPER_NM VARCHAR", 50, "i + 30001", "'N' || i"),
        *a_table("MACH", "MACH_NR INTEGER, MACH_TYP VARCHAR", 50, "i + 500", "'T' || i % 3"),
        *a_table(
            "INSP", "INSP_NR INTEGER, GEPRUEFT_NR INTEGER, KISTE_NR INTEGER", 300,
            "i + 1", "i % 12 + 30001", "i % 4 + 1",
        ),
    )  # fmt: skip
    assert found == {("INSP", "GEPRUEFT_NR", "OPER", "OPER_NR")}


def test_numbers_from_one_refer_where_they_fill_a_key(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *a_table("depot", "depot_id INTEGER, town VARCHAR", 60, "i + 1", "'T' || i % 9"),
        *a_table("ride", "ride_id INTEGER, origin_code INTEGER, few_code INTEGER", 900,
                 "i + 1", "i % 60 + 1", "i % 10 + 1"),
    )  # fmt: skip
    assert found == {("ride", "origin_code", "depot", "depot_id")}


def test_short_words_mean_the_table_that_they_shorten(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *a_table("dim_customer", "customer_key INTEGER, city VARCHAR", 30, "i + 1", "'X'"),
        *a_table("departments", "id INTEGER, floor INTEGER", 9, "i + 1", "i"),
        *a_table("sales", "slCustKey INTEGER, slDeptId INTEGER, slAmt DOUBLE", 400,
                 "i % 30 + 1", "i % 9 + 1", "i * 1.5"),
        *a_table("visits", "visitid INTEGER, customerkey INTEGER", 80, "i + 1", "i % 30 + 1"),
    )  # fmt: skip
    assert found == {
        ("sales", "slCustKey", "dim_customer", "customer_key"),
        ("sales", "slDeptId", "departments", "id"),
        ("visits", "customerkey", "dim_customer", "customer_key"),
    }


def test_a_key_may_be_a_status(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *a_table("order_status", "status VARCHAR, is_open BOOLEAN", 4, "'S' || i", "i < 2"),
        *a_table("fare", "seat_type VARCHAR, price INTEGER", 3, "'T' || i", "i"),
        *a_table("orders", "order_no INTEGER, status VARCHAR, seat_type VARCHAR, type VARCHAR", 90,
                 "i", "'S' || i % 4", "'T' || i % 3", "'T' || i % 3"),
    )  # fmt: skip
    assert found == {
        ("orders", "status", "order_status", "status"),
        ("orders", "seat_type", "fare", "seat_type"),
    }


def test_what_is_unique_by_chance_is_nobody_s_key(tmp_path: Path) -> None:
    found = links_of(
        tmp_path,
        *a_table("plant", "plant_cd VARCHAR, land_cd VARCHAR", 5, "'P0' || i", "'L' || i"),
        *a_table("supplier", "suppl_nr INTEGER, land_cd VARCHAR", 80, "i", "'L' || i % 9"),
        *a_table("country", "iso VARCHAR, area DOUBLE", 9, "'L' || i", "1.5"),
    )
    assert found == {("supplier", "land_cd", "country", "iso")}


def test_two_bridges_of_the_same_things_are_siblings(tmp_path: Path) -> None:
    pairs = ("i % 30 + 1", "i // 30 + 1", "i")
    found = links_of(
        tmp_path,
        *a_table("store", "store_id INTEGER, town VARCHAR", 30, "i + 1", "'T' || i % 4"),
        *a_table("item", "item_id INTEGER, color VARCHAR", 20, "i + 1", "'C' || i % 4"),
        *a_table("stock", "store_id INTEGER, item_id INTEGER, units INTEGER", 600, *pairs),
        *a_table("price", "store_id INTEGER, item_id INTEGER, amount INTEGER", 600, *pairs),
    )
    assert {(table, target) for table, _, target, _ in found} == {
        ("stock", "store"), ("stock", "item"), ("price", "store"), ("price", "item"),
    }  # fmt: skip


def column(name: str, kind: str = "integer", **facts: object) -> ColumnProfile:
    return ColumnProfile(name=name, type=kind, **facts)  # type: ignore[arg-type]


def table(name: str, *columns: ColumnProfile, rows: int = 100) -> TableProfile:
    return TableProfile(name=name, row_count=rows, columns=columns)


def test_of_very_many_keys_only_those_of_people_are_compared() -> None:
    key = column("id", is_unique=True, distinct_count=50, minimum="1000", maximum="1049")
    things = [table(f"thing{number}", key) for number in range(MAX_HOMES)]
    staff = table("staff", key)
    asking = table(
        "orders",
        column("approved_by", distinct_count=9, minimum="1000", maximum="1040"),
        column("zweck_nr", distinct_count=9, minimum="1000", maximum="1040"),
        column("odd_nr", distinct_count=9, minimum="1.5", maximum="9"),
    )
    found = list(role_candidates([*things, staff, asking], set()))
    assert [(item.column.name, item.target.name) for item in found] == [("approved_by", "staff")]
    assert not list(role_candidates([*things, staff, asking], {("orders", "approved_by")}))


def test_few_columns_are_looked_at() -> None:
    key = column("id", is_unique=True, distinct_count=50, minimum="1", maximum="50")
    named = [
        column(f"approver_{number}_id", distinct_count=2, minimum="1", maximum="2")
        for number in range(MAX_ROLES + 5)
    ]
    assert len(list(role_candidates([table("staff", key), table("t", *named)], set()))) == MAX_ROLES


def test_bounds_of_a_sample_are_no_bounds() -> None:
    key = column(
        "id", is_unique=True, distinct_count=9, minimum="1000", maximum="1049", is_sampled=True
    )
    asking = table("orders", column("approved_by", distinct_count=9, minimum="5", maximum="9999"),
                   column("zweck_nr", distinct_count=9, minimum="1001", maximum="1040"))  # fmt: skip
    found = list(role_candidates([table("staff", key), asking], set()))
    assert [item.column.name for item in found] == ["approved_by"]


@pytest.mark.parametrize(
    ("columns", "name", "expected"),
    [
        (("emp_no",), "employees", People.STAFF),
        (("first_name", "last_name", "hire_date"), "folk", People.STAFF),
        (("name", "birth_date"), "folk", People.NAMED),
        (("firstname",), "folk", People.NAMED),
        (("nr",), "clients", People.SOME),
        (("amount", "salary"), "payslips", People.NONE),
    ],
)
def test_tables_of_people(columns: tuple[str, ...], name: str, expected: People) -> None:
    found = table(name, *(column(item, "string") for item in columns))
    assert people_of(found, entity_words(found)) is expected


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        ("cust", "customer", True), ("mgr", "manager", True), ("acct", "account", True), ("dept", "department", True),
        ("cu", "customer", False), ("order", "order", False), ("dust", "customer", False),
        ("coal", "customer", False), ("cxr", "customer", False),
    ],
)  # fmt: skip
def test_what_shortens_a_word(short: str, long: str, expected: bool) -> None:
    assert shortens(short, long) is expected


def test_a_short_word_of_two_meanings_means_neither() -> None:
    tables = [table("products"), table("producers"), table("t", column("prod_id"))]
    naming = Naming(tables)
    assert naming.column(tables[2], tables[2].columns[0]) == ("prod", "id")
    assert naming.entity(table("somewhere_else")) == ("somewhere", "else")


def test_with_very_many_table_names_short_words_stay_as_they_are() -> None:
    letters = "bcdfghjklmnpqrstvwxz"
    tables = [table(f"{a}{b}aa") for a in letters for b in letters] + [table("customers")]
    asking = table("t", column("cust_id"))
    assert Naming([*tables, asking]).column(asking, asking.columns[0]) == ("cust", "id")
