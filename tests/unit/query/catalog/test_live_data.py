"""Somebody else's database: the catalog, and bounded samples if they are allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog, ColumnProfile, SyncPhase, SyncProgress
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.catalog import MAX_STATEMENTS, read, read_catalog, sampling
from aiser_app.query.catalog.sampling import SAMPLE_ROWS
from tests.unit.query.catalog.engines import (
    a_table,
    answering,
    live_source,
    no_rows,
    sqlite_engine,
)

SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, segment TEXT, email TEXT, "
    "since DATE, notes TEXT, photo BLOB)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "INSERT INTO customers SELECT i, 'Name ' || i, CASE i % 3 WHEN 0 THEN 'Home' WHEN 1 THEN "
    "'Office' ELSE NULL END, 'a@b' || (i % 5), DATE('2020-01-01', '+' || i || ' days'), "
    "printf('%.100c', 'x'), x'00' FROM n",
    "CREATE TABLE orders (number INTEGER PRIMARY KEY, customer_id INTEGER, paid_by_customer "
    "INTEGER, region_code TEXT, placed TIMESTAMP, amount REAL)",
    "CREATE INDEX by_time ON orders (placed)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
    "INSERT INTO orders SELECT i, 1 + i % 2500, 90000 + i, 'R' || (i % 4), "
    "DATETIME('2024-01-01', '+' || i || ' hours'), i FROM n",
    "CREATE TABLE regions (region_code TEXT, name TEXT)",
    "INSERT INTO regions VALUES ('R0', 'North'), ('R1', 'South'), ('R2', 'East'), ('R3', 'West')",
    "CREATE TABLE empty_things (id INTEGER PRIMARY KEY, customer_id INTEGER)",
    "CREATE VIEW recent AS SELECT * FROM orders WHERE placed > '2024-02-01'",
)


def links(catalog: Catalog) -> dict[tuple[str, str, str, str], float]:
    return {
        (link.table, link.columns[0][0], link.target, link.columns[0][1]): link.containment
        for link in catalog.links
    }


def column(catalog: Catalog, name: str) -> ColumnProfile:
    table, _, short = name.rpartition(".")
    found = catalog.find_table(table)
    assert found is not None
    result = found.find_column(short)
    assert result is not None
    return result


@pytest.fixture(scope="module")
def shop() -> tuple[Catalog, list[str]]:
    engine = sqlite_engine(*SHOP)
    return read_catalog(engine, live_source("sqlite")), engine.statements


def test_opting_out_means_that_not_one_row_is_read() -> None:
    engine = no_rows(
        "postgres",
        a_table("customers", "id INTEGER", "name", primary_key=("id",)),
        a_table("orders", "id INTEGER", "customer_id INTEGER", "shop INTEGER", primary_key=("id",)),
        a_table("shops", "id INTEGER", primary_key=("id",), rows=None),
    )
    catalog = read_catalog(engine, live_source(sample_values=False))
    assert links(catalog) == {
        ("orders", "customer_id", "customers", "id"): 0.5,
        ("orders", "shop", "shops", "id"): 0.5,
    }
    assert [table.row_count for table in catalog.tables] == [5_000, 5_000, 0]
    assert catalog.statements == 0
    assert engine.described == 1


def test_rows_are_sampled_and_never_counted(shop: tuple[Catalog, list[str]]) -> None:
    catalog, statements = shop
    assert catalog.statements == len(statements) <= 4 + 4
    assert not [text for text in statements if "COUNT(" in text.upper()]
    samples = [text for text in statements if " AS c0" in text]
    assert len(samples) == 4
    assert all(text.endswith(f"LIMIT {SAMPLE_ROWS + 1}") for text in samples)
    assert not [text for text in statements if "recent" in text]


def test_only_what_looks_categorical_keeps_its_values(shop: tuple[Catalog, list[str]]) -> None:
    catalog, statements = shop
    assert column(catalog, "customers.segment").values == ("Home", "Office")
    assert column(catalog, "customers.segment").is_sampled
    assert column(catalog, "customers.segment").distinct_count == 2
    assert column(catalog, "customers.segment").null_fraction == pytest.approx(1 / 3, abs=0.01)
    assert column(catalog, "customers.name").values == ()
    assert column(catalog, "customers.name").distinct_count is None
    assert column(catalog, "customers.email").values == ()
    assert column(catalog, "customers.notes").values == ()
    assert column(catalog, "customers.notes").average_length == 61
    assert not [text for text in statements if "photo" in text]
    assert column(catalog, "regions.name").values == ("East", "North", "South", "West")


def test_a_table_smaller_than_its_sample_is_known_completely(
    shop: tuple[Catalog, list[str]],
) -> None:
    catalog, _ = shop
    code = column(catalog, "regions.region_code")
    assert (code.is_unique, code.is_sampled, code.distinct_count) == (True, False, 4)
    assert not column(catalog, "customers.name").is_unique


def test_names_that_do_not_repeat_are_not_kept_unless_there_are_few() -> None:
    for rows, kept in ((40, 40), (70, 0)):
        engine = answering(
            "mysql", lambda text, values, n=rows: [[f"n{i}"] for i in range(n)], a_table("t", "x")
        )
        catalog = read_catalog(engine, live_source("mysql"))
        assert len(column(catalog, "t.x").values) == kept


def test_dates_that_lead_an_index_have_their_true_bounds(
    shop: tuple[Catalog, list[str]],
) -> None:
    catalog, _ = shop
    placed = column(catalog, "orders.placed")
    assert (placed.minimum, placed.maximum) == ("2024-01-01 01:00:00", "2024-06-15 16:00:00")
    since = column(catalog, "customers.since")
    assert (since.minimum, since.maximum) == ("2020-01-02", "2022-09-28")


def test_links_are_checked_against_samples(shop: tuple[Catalog, list[str]]) -> None:
    catalog, _ = shop
    assert links(catalog) == {
        ("orders", "customer_id", "customers", "id"): 1.0,
        ("orders", "region_code", "regions", "region_code"): 1.0,
        ("empty_things", "customer_id", "customers", "id"): 0.5,
        ("recent", "customer_id", "customers", "id"): 0.5,
        ("recent", "region_code", "regions", "region_code"): 0.5,
    }


def test_declared_keys_need_no_look() -> None:
    engine = sqlite_engine(
        "CREATE TABLE parents (code INTEGER PRIMARY KEY)",
        "CREATE TABLE children (p INTEGER REFERENCES parents (code))",
    )
    catalog = read_catalog(engine, live_source("sqlite"))
    assert links(catalog) == {("children", "p", "parents", "code"): 1.0}
    assert catalog.links[0].declared


MANY_ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "INSERT INTO {} SELECT {} FROM n"
)


@pytest.mark.parametrize(
    ("key", "found"),
    [("i", True), ("1 + i % 2999", False), ("CASE i WHEN 3000 THEN NULL ELSE i END", False)],
)
def test_an_undeclared_key_of_a_small_table_is_confirmed_by_one_count(
    key: str, found: bool
) -> None:
    engine = sqlite_engine(
        "CREATE TABLE customers (id INTEGER, name TEXT)",
        MANY_ROWS.format("customers", f"{key}, 'n'"),
        "CREATE TABLE orders (customer_id INTEGER)",
        MANY_ROWS.format("orders", "1 + i % 40"),
    )
    catalog = read_catalog(engine, live_source("sqlite"))
    assert (("orders", "customer_id", "customers", "id") in links(catalog)) is found
    assert len([text for text in engine.statements if "COUNT(DISTINCT" in text]) == 1


def test_a_key_that_repeats_in_the_sample_is_not_counted() -> None:
    engine = sqlite_engine(
        "CREATE TABLE customers (id INTEGER, name TEXT)",
        MANY_ROWS.format("customers", "i % 10, 'n'"),
    )
    catalog = read_catalog(engine, live_source("sqlite"))
    assert not column(catalog, "customers.id").is_unique
    assert not [text for text in engine.statements if "COUNT" in text]


def test_the_key_of_a_large_table_is_never_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.catalog.sampled_links.COUNTABLE_ROWS", 2_000)
    engine = sqlite_engine(
        "CREATE TABLE customers (id INTEGER, name TEXT)", MANY_ROWS.format("customers", "i, 'n'")
    )
    read_catalog(engine, live_source("sqlite"))
    assert not [text for text in engine.statements if "COUNT" in text]


def width_of(text: str) -> int:
    return max(1, len(re.findall(r" AS (?:c\d+|low|high)\b", text)))


def wide_rows(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
    """Whatever is selected, a thousand and one rows of it."""
    return [[row] * width_of(text) for row in range(SAMPLE_ROWS + 1)]


def test_statements_are_bounded_whatever_there_is() -> None:
    schemas = [
        a_table(f"table_{number}", "id INTEGER", f"table_{number + 1}_id INTEGER", "at DATE",
                primary_key=("id",), indexes=(("at",),))
        for number in range(700)
    ]  # fmt: skip
    engine = answering("postgres", wide_rows, *schemas)
    catalog = read_catalog(engine, live_source())
    assert len(engine.statements) == catalog.statements <= MAX_STATEMENTS
    assert len(catalog.links) == 699
    assert catalog.notes == (
        "560 tables were not sampled: their columns are known by name and type only.",
    )
    assert sum(1 for table in catalog.tables if table.columns[0].is_sampled) == 140


def test_the_important_tables_are_sampled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "SAMPLE_STATEMENTS", 1)
    engine = answering(
        "mysql",
        wide_rows,
        a_table("aaa_log", "id INTEGER", rows=10_000),
        a_table("sales", "id INTEGER", rows=9_000),
        a_table("zoo_tmp", "id INTEGER", rows=20_000),
    )
    catalog = read_catalog(engine, live_source("mysql"))
    assert [text for text in engine.statements if "LIMIT 1001" in text] == [
        "SELECT `id` AS c0 FROM `sales` LIMIT 1001"
    ]
    assert catalog.notes[0].startswith("2 tables were not sampled")


def test_without_time_everything_is_known_by_name_and_type() -> None:
    engine = no_rows(
        "postgres",
        a_table("customers", "id INTEGER", primary_key=("id",)),
        a_table("orders", "customer_id INTEGER", "at DATE", indexes=(("at",),)),
    )
    catalog = read_catalog(engine, live_source(), budget_seconds=0)
    assert links(catalog) == {("orders", "customer_id", "customers", "id"): 0.5}


def test_a_doubtful_name_needs_values_that_speak_for_it() -> None:
    engine = no_rows(
        "postgres",
        a_table("teams", "id INTEGER", primary_key=("id",)),
        a_table("games", "home_team INTEGER", "team INTEGER"),
    )
    catalog = read_catalog(engine, live_source(sample_values=False))
    assert links(catalog) == {("games", "team", "teams", "id"): 0.5}


def test_blocks_are_sampled_where_the_database_can() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        return wide_rows(text, values)

    engine = answering("postgres", run, a_table("events", "id INTEGER", rows=4_000_000))
    read_catalog(engine, live_source())
    assert engine.statements == [
        'SELECT "id" AS c0 FROM "events" TABLESAMPLE SYSTEM (0.250000) REPEATABLE (42) LIMIT 1001'
    ]


@pytest.mark.parametrize("fails", [True, False])
def test_a_block_sample_that_gives_too_little_becomes_the_first_rows(fails: bool) -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        if "TABLESAMPLE" not in text:
            return wide_rows(text, values)
        if fails:
            raise QueryInvalid("TABLESAMPLE can only be applied to tables")
        return []

    engine = answering("postgres", run, a_table("events", "id INTEGER", rows=4_000_000))
    catalog = read_catalog(engine, live_source())
    assert len(engine.statements) == 2
    assert column(catalog, "events.id").is_sampled


def test_a_table_that_cannot_be_read_does_not_stop_the_rest() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        if "secret" in text:
            raise QueryInvalid("permission denied")
        if "slow" in text:
            raise QueryTimedOut("too slow")
        return [["a"], ["b"]]

    engine = answering(
        "postgres",
        run,
        a_table("secret", "x"),
        a_table("slow", "x"),
        a_table("open", "x"),
        a_table("odd", "x JSON", "y XML", "z NUMERIC"),
    )
    catalog = read_catalog(engine, live_source())
    assert column(catalog, "open.x").values == ("a", "b")
    assert column(catalog, "secret.x").distinct_count is None
    assert catalog.notes == (
        "3 tables were not sampled: their columns are known by name and type only.",
    )


def test_a_database_that_goes_away_ends_the_reading() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        raise EngineUnavailable("gone")

    with pytest.raises(EngineUnavailable):
        read_catalog(answering("postgres", run, a_table("t", "x")), live_source())


def test_dates_are_written_as_iso_and_a_missing_bound_is_left_to_the_sample() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        if "MIN(" in text:
            return [[None, None]]
        day = [date(2024, 1, 1), datetime(2024, 1, 1, 10)]  # noqa: DTZ001
        return [day] * (SAMPLE_ROWS + 1)

    engine = answering(
        "mysql", run, a_table("t", "d DATE", "m TIMESTAMP", indexes=(("d",), (), ("x", "m")))
    )
    catalog = read_catalog(engine, live_source("mysql"))
    assert column(catalog, "t.d").minimum == "2024-01-01"
    assert column(catalog, "t.m").maximum == "2024-01-01 10:00:00"
    assert len(engine.statements) == 2


def test_very_wide_tables_are_sampled_in_part() -> None:
    names = [f"c{number} INTEGER" for number in range(sampling.MAX_COLUMNS + 20)]
    engine = answering("mysql", wide_rows, a_table("wide", *names))
    catalog = read_catalog(engine, live_source("mysql"))
    assert width_of(engine.statements[0]) == sampling.MAX_COLUMNS
    assert len(catalog.tables[0].columns) == sampling.MAX_COLUMNS + 20


def test_progress_is_told_table_by_table() -> None:
    told: list[SyncProgress] = []
    engine = sqlite_engine(*SHOP)
    read_catalog(engine, live_source("sqlite"), report=told.append)
    assert told[0] == SyncProgress(phase=SyncPhase.SCHEMA)
    assert told[1] == SyncProgress(phase=SyncPhase.SCHEMA, done=5, total=5)
    values = [item for item in told if item.phase is SyncPhase.VALUES]
    assert [(item.done, item.total) for item in values] == [(n, 4) for n in range(1, 5)]
    assert [item.done for item in told if item.phase is SyncPhase.LINKS] == [1, 2]


@pytest.mark.parametrize("when", ["before", "describing", "sampling"])
def test_a_stop_is_heard(when: str) -> None:
    cancel = CancelToken()

    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        cancel.cancel()
        return [[1]]

    engine = answering("postgres", run, *(a_table(f"t{n}", "x INTEGER") for n in range(3)))
    if when == "before":
        cancel.cancel()

    def report(progress: SyncProgress) -> None:
        if when == "describing":
            cancel.cancel()

    with pytest.raises(QueryCancelled):
        read_catalog(engine, live_source(), report=report, cancel=cancel)
    assert len(engine.statements) == (1 if when == "sampling" else 0)


def test_keys_of_odd_types_are_looked_up_as_what_they_are() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        if "found" in text:
            return [[value.upper()] for value in values]
        return [[f"v{row % 7}"] * width_of(text) for row in range(SAMPLE_ROWS + 1)]

    engine = answering(
        "postgres",
        run,
        a_table("devices", "id UUID", primary_key=("id",)),
        a_table("moods", "code MOOD", primary_key=("code",)),
        a_table("logs", "device_id UUID", "mood_code MOOD"),
    )
    catalog = read_catalog(engine, live_source())
    looked_up = [text for text in engine.statements if "found" in text]
    assert "CAST(? AS UUID)" in looked_up[0]
    assert 'CAST("code" AS TEXT) IN (?' in looked_up[1]
    assert set(links(catalog).values()) == {1.0}


def test_values_that_the_key_does_not_have_speak_against_a_name() -> None:
    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        return [] if "found" in text else wide_rows(text, values)

    engine = answering(
        "mysql",
        run,
        a_table("customers", "id INTEGER", primary_key=("id",)),
        a_table("orders", "customer_id INTEGER"),
    )
    assert read_catalog(engine, live_source("mysql")).links == ()


def test_many_values_are_looked_up_in_several_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.catalog.sampled_links.MAX_LOOKED_UP", 50)
    asked: list[int] = []

    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        if "found" in text:
            asked.append(len(values))
            if len(asked) == 2:
                raise QueryInvalid("no more")
            return [[value] for value in values]
        first = 10_000 * int(re.findall(r"\d+`", text)[0][:-1]) if "facts" in text else 0
        return [[first + row] * width_of(text) for row in range(SAMPLE_ROWS + 1)]

    facts = [a_table(f"facts_{number}", "customer_id INTEGER") for number in range(1, 11)]
    key = a_table("customers", "id INTEGER", primary_key=("id",))
    catalog = read_catalog(answering("mysql", run, key, *facts), live_source("mysql"))
    assert asked == [50, 50]
    # Half of them were looked up in time, and what is not known is judged by its name.
    assert sorted(links(catalog).values()) == [0.5] * 5 + [1.0] * 5
