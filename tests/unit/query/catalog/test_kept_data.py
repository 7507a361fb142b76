"""What is measured of tables, and which links between them are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiser_app.domain.catalog import Catalog, KeyLink, name_words, singular
from aiser_app.query.catalog import profile, read_catalog
from aiser_app.query.catalog.read import read_catalog as read
from tests.unit.query.catalog.engines import kept_database as database

Reader = Callable[..., Catalog]


@pytest.fixture
def catalog_of(tmp_path: Path) -> Reader:
    def make(*statements: str, budget_seconds: float = 30) -> Catalog:
        with database(tmp_path, *statements) as (engine, source):
            return read_catalog(engine, source, budget_seconds=budget_seconds)

    return make


def links(catalog: Catalog) -> set[tuple[str, str, str, str]]:
    return {
        (link.table, ",".join(own for own, _ in link.columns), link.target,
         ",".join(other for _, other in link.columns))
        for link in catalog.links
    }  # fmt: skip


def test_the_sample_s_links_are_found(sample_catalog: Catalog) -> None:
    assert links(sample_catalog) == {
        ("flights", "carrier", "airlines", "carrier"),
        ("flights", "tailnum", "planes", "tailnum"),
        ("flights", "origin", "airports", "faa"),
        ("flights", "dest", "airports", "faa"),
        ("flights", "origin,time_hour", "weather", "origin,time_hour"),
        ("weather", "origin", "airports", "faa"),
    }
    by_column = {
        link.columns[0][0]: link for link in sample_catalog.links if link.table == "flights"
    }
    assert by_column["tailnum"].containment == pytest.approx(3_322 / 4_043, abs=1e-4)
    assert all(0.6 <= link.score <= 1 for link in sample_catalog.links)


def test_the_sample_s_columns_are_measured(sample_catalog: Catalog) -> None:
    flights = sample_catalog.find_table("flights")
    assert flights is not None
    assert flights.row_count == 336_776
    delay, carrier = flights.find_column("dep_delay"), flights.find_column("carrier")
    assert delay is not None
    assert carrier is not None
    assert (delay.minimum, delay.maximum, delay.distinct_count) == ("-43", "1301", 527)
    assert delay.null_fraction == pytest.approx(8_255 / 336_776, abs=1e-6)
    assert len(carrier.values) == 16
    assert carrier.values[0] == "9E"
    clocks = {column.name for column in flights.columns if column.is_clock}
    assert clocks == {"dep_time", "sched_dep_time", "arr_time", "sched_arr_time"}
    unique = {
        column.name
        for table in sample_catalog.tables
        for column in table.columns
        if column.is_unique
    }
    assert unique == {"carrier", "name", "faa", "lon", "tailnum"}
    assert sample_catalog.find_table("nothing") is None
    assert flights.find_column("nothing") is None


def test_declared_keys_count_fully(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE parents (code INTEGER PRIMARY KEY)",
        "CREATE TABLE children (p INTEGER REFERENCES parents (code))",
    )
    assert links(catalog) == {("children", "p", "parents", "code")}
    assert catalog.links[0].declared
    assert catalog.links[0].score == 1.0
    assert catalog.tables[1].primary_key == ("code",)


CUSTOMERS = "CREATE TABLE customers AS SELECT range + 1 AS id, 'n' || range AS name FROM range(100)"


@pytest.mark.parametrize(
    ("column", "linked"),
    [
        ("customer_id", True),
        ("billing_customer_id", True),
        ("customer", True),
        ("CustomerId", True),
        ("amount", False),
        ("year", False),
        ("id", False),
        ("supplier_id", False),
    ],
)
def test_names_of_keys(catalog_of: Reader, column: str, linked: bool) -> None:
    catalog = catalog_of(
        CUSTOMERS,
        f"CREATE TABLE orders AS SELECT 1 + range % 90 AS {column}, range * 1.5 AS x FROM range(300)",
    )
    expected = {("orders", column, "customers", "id")} if linked else set()
    assert links(catalog) == expected


def test_values_that_are_not_there_speak_against_a_name(catalog_of: Reader) -> None:
    catalog = catalog_of(
        CUSTOMERS,
        "CREATE TABLE orders AS SELECT 5000 + range % 90 AS customer_id FROM range(300)",
    )
    assert links(catalog) == set()


def test_an_empty_table_can_be_linked_by_name(catalog_of: Reader) -> None:
    catalog = catalog_of(CUSTOMERS, "CREATE TABLE orders (customer_id BIGINT)")
    assert links(catalog) == {("orders", "customer_id", "customers", "id")}


def test_compound_names_and_roles(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE order_items AS SELECT range + 1 AS id FROM range(100)",
        "CREATE TABLE teams AS SELECT 'team ' || range AS team_code FROM range(40)",
        "CREATE TABLE returns AS SELECT 1 + range % 70 AS item_id, 'team ' || range % 9 AS home_team, "
        "'team ' || range % 8 AS away_team_code, 1 + range % 60 AS order_item FROM range(200)",
    )
    assert links(catalog) == {
        ("returns", "item_id", "order_items", "id"),
        ("returns", "order_item", "order_items", "id"),
        ("returns", "home_team", "teams", "team_code"),
        ("returns", "away_team_code", "teams", "team_code"),
    }


def test_large_tables_are_not_searched_for_compound_keys(
    catalog_of: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiser_app.query.catalog.links.MAX_COMPOSITE_ROWS", 10)
    catalog = catalog_of(
        READINGS,
        "CREATE TABLE trips AS SELECT 'S' || range % 4 AS station, "
        "DATE '2024-01-01' + (range % 90)::INTEGER AS day FROM range(3000)",
    )
    assert links(catalog) == set()


def test_siblings_link_to_their_parent_and_not_to_each_other(catalog_of: Reader) -> None:
    catalog = catalog_of(
        CUSTOMERS,
        "CREATE TABLE cards AS SELECT range + 1 AS customer_id, 'c' || range AS card FROM range(50)",
        "CREATE TABLE orders AS SELECT 1 + range % 40 AS customer_id FROM range(300)",
    )
    assert links(catalog) == {
        ("orders", "customer_id", "customers", "id"),
        ("cards", "customer_id", "customers", "id"),
    }


def test_of_two_tables_that_share_a_key_the_smaller_refers(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE machines AS SELECT 'M' || range AS tag FROM range(100)",
        "CREATE TABLE warranties AS SELECT 'M' || range AS tag FROM range(60)",
    )
    assert links(catalog) == {("warranties", "tag", "machines", "tag")}


def test_a_row_may_refer_to_its_own_table(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE employees AS SELECT range + 1 AS employee_id, 1 + range % 5 AS manager_id "
        "FROM range(50)"
    )
    assert links(catalog) == {("employees", "manager_id", "employees", "employee_id")}


def test_a_code_is_found_by_its_values_alone(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE airports AS SELECT 'A' || (100 + range) AS faa FROM range(400)",
        "CREATE TABLE trips AS SELECT 'A' || (100 + range % 30) AS start, 'x' AS word FROM range(900)",
    )
    assert links(catalog) == {("trips", "start", "airports", "faa")}


def test_labels_that_coincide_are_no_keys(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE shops AS SELECT 's' || range AS name, range AS seats FROM range(30)",
        "CREATE TABLE towns AS SELECT 's' || range % 30 AS name, range % 30 AS seats FROM range(90)",
    )
    assert links(catalog) == set()


READINGS = (
    "CREATE TABLE readings AS SELECT 'S' || range % 5 AS station, "
    "DATE '2024-01-01' + (range // 5)::INTEGER AS day, range * 1.5 AS value FROM range(500)"
)


def test_a_key_of_several_columns_is_found(catalog_of: Reader) -> None:
    catalog = catalog_of(
        READINGS,
        "CREATE TABLE trips AS SELECT 'S' || range % 4 AS station, "
        "DATE '2024-01-01' + (range % 90)::INTEGER AS day FROM range(3000)",
    )
    assert links(catalog) == {("trips", "station,day", "readings", "station,day")}


def test_repeated_keys_make_no_link(catalog_of: Reader) -> None:
    catalog = catalog_of(
        READINGS,
        "INSERT INTO readings SELECT * FROM readings",
        "CREATE TABLE trips AS SELECT 'S' || range % 4 AS station, "
        "DATE '2024-01-01' + (range % 90)::INTEGER AS day FROM range(3000)",
    )
    assert links(catalog) == set()


def test_keys_without_common_values_make_no_link(catalog_of: Reader) -> None:
    catalog = catalog_of(
        READINGS,
        "CREATE TABLE trips AS SELECT 'S' || range % 4 AS station, "
        "DATE '2024-04-05' + (range % 900)::INTEGER AS day FROM range(3600)",
    )
    assert links(catalog) == set()


def test_other_schemas_keep_their_name(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.customers AS SELECT range + 1 AS id FROM range(100)",
        "CREATE TABLE orders AS SELECT 1 + range % 90 AS customer_id FROM range(300)",
    )
    assert links(catalog) == {("orders", "customer_id", "sales.customers", "id")}


def test_lists_of_values_are_whole_or_absent(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE t AS SELECT 'v' || range % 200 AS few, 'v' || range % 201 AS many, "
        "repeat('long ', 20) || range % 3 AS prose, CASE WHEN range % 2 = 0 THEN 'x' END AS half, "
        "NULL::VARCHAR AS nothing, range % 3 AS number, 'a'::ENUM ('a', 'b') AS choice, "
        "[1] AS list FROM range(1000)"
    )
    columns = {column.name: column for column in catalog.tables[0].columns}
    assert len(columns["few"].values) == 200
    assert columns["many"].values == ()
    assert columns["prose"].values == ()
    assert columns["half"].values == ("x",)
    assert columns["half"].null_fraction == 0.5
    assert columns["nothing"].values == ()
    assert columns["number"].values == ()
    assert columns["choice"].values == ("a",)
    assert columns["list"].distinct_count is None
    assert columns["nothing"].minimum is None


def test_an_empty_table_has_facts_too(catalog_of: Reader) -> None:
    column = catalog_of("CREATE TABLE t (a VARCHAR)").tables[0].columns[0]
    assert (column.distinct_count, column.null_fraction, column.is_unique) == (0, 0.0, False)


def test_wide_tables_are_measured_in_parts(catalog_of: Reader) -> None:
    names = ", ".join(f"range % {number + 1} AS c{number}" for number in range(90))
    table = catalog_of(f"CREATE TABLE wide AS SELECT {names} FROM range(500)").tables[0]
    assert [column.distinct_count for column in table.columns] == list(range(1, 91))


def test_beyond_the_exact_counts_nothing_is_called_unique(
    catalog_of: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "EXACT_ROWS", 10)
    column = catalog_of("CREATE TABLE t AS SELECT range AS id FROM range(100)").tables[0].columns[0]
    assert column.distinct_count == pytest.approx(100, rel=0.2)
    assert not column.is_unique


def test_without_time_only_types_are_known(catalog_of: Reader) -> None:
    catalog = catalog_of(
        CUSTOMERS,
        "CREATE TABLE orders AS SELECT 1 + range % 90 AS customer_id FROM range(300)",
        budget_seconds=0,
    )
    customers = catalog.find_table("customers")
    assert customers is not None
    assert [(column.name, column.type) for column in customers.columns] == [
        ("id", "integer"),
        ("name", "string"),
    ]
    assert customers.row_count == 100
    assert customers.columns[0].distinct_count is None
    assert catalog.links == ()


def test_without_time_even_a_declared_key_gets_no_links(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders (customer_id INTEGER)",
        budget_seconds=0,
    )
    assert catalog.links == ()


def test_the_better_of_two_targets_is_kept_whichever_comes_first(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE a_items AS SELECT range + 1 AS id FROM range(100)",
        "CREATE TABLE items AS SELECT range + 1 AS id FROM range(100)",
        "CREATE TABLE z_items AS SELECT range + 1 AS id FROM range(100)",
        "CREATE TABLE orders AS SELECT 1 + range % 90 AS item_id, 'T' || range % 9 AS old_tag "
        "FROM range(300)",
        "CREATE TABLE machines AS SELECT 'T' || range AS tag FROM range(30)",
    )
    assert ("orders", "item_id", "items", "id") in links(catalog)
    old_tag = [link for link in catalog.links if link.columns[0][0] == "old_tag"]
    assert [link.name_score for link in old_tag] == [0.55]


def test_running_out_of_time_on_the_way_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []

    def clock() -> float:
        calls.append(0)
        return 0.0 if len(calls) < 6 else 1_000.0

    with database(tmp_path, CUSTOMERS, "CREATE TABLE tags AS SELECT 'a' AS tag") as (
        engine,
        source,
    ):
        monkeypatch.setattr("aiser_app.query.catalog.probe.time", SimpleNamespace(monotonic=clock))
        catalog = read(engine, source)
    assert catalog.tables[0].columns[0].distinct_count == 100
    assert catalog.tables[1].columns[0].distinct_count is None


def test_a_query_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiser_app.query.catalog.probe.MAX_QUERY_SECONDS", 0.2)
    view = (
        "CREATE VIEW slow AS SELECT count(*) AS n FROM range(100000000) a(x), range(100000) b(y) "
        "WHERE hash(x, y) = 42"
    )
    with database(tmp_path, view) as (engine, source):
        catalog = read_catalog(engine, source)
    assert catalog.tables[0].columns[0].distinct_count is None
    assert catalog.tables[0].row_count == 0


def test_a_view_that_is_broken_does_not_stop_the_rest(catalog_of: Reader) -> None:
    catalog = catalog_of(
        "CREATE TABLE base AS SELECT 'x' AS text",
        "CREATE VIEW broken AS SELECT CAST(text AS INTEGER) AS n FROM base",
    )
    assert catalog.tables[0].columns[0].values == ("x",)
    assert catalog.tables[1].columns[0].distinct_count is None


def test_words_of_names() -> None:
    assert name_words("dep_delay") == ("dep", "delay")
    assert name_words("fctOrderItems2") == ("fct", "order", "items", "2")
    assert name_words("HTTPStatus") == ("http", "status")
    assert name_words("größe-in-m") == ("größe", "in", "m")
    assert name_words("__") == ()


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("flights", "flight"), ("countries", "country"), ("boxes", "box"), ("classes", "class"),
        ("status", "status"), ("bus", "bus"), ("address", "address"), ("analysis", "analysis"),
        ("data", "data"), ("branches", "branch"), ("gas", "gas"),
    ],
)  # fmt: skip
def test_singular(plural: str, expected: str) -> None:
    assert singular(plural) == expected


def test_a_link_s_score() -> None:
    link = KeyLink(table="a", target="b", columns=(("x", "y"),), name_score=0.5, containment=0.75)
    assert link.score == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(0, 40), (25_000, 40), (300_000, 3), (1_000_000, 1), (5_000_000, 1), (5_000_001, 40)],
)
def test_what_is_counted_exactly_at_once_is_bounded(rows: int, columns: int) -> None:
    assert profile._columns_at_once(rows) == columns


def test_columns_counted_one_by_one_have_the_same_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "CREATE TABLE t AS SELECT range AS id, range % 7 AS day, 'c' || range AS code FROM range(90)"
    with database(tmp_path, table) as (engine, source):
        at_once = read_catalog(engine, source)
        monkeypatch.setattr(profile, "_COUNTED_VALUES", 100)
        one_by_one = read_catalog(engine, source)
    assert one_by_one.tables == at_once.tables
    assert one_by_one.statements == at_once.statements + 2
    assert [column.distinct_count for column in at_once.tables[0].columns] == [90, 7, 90]
