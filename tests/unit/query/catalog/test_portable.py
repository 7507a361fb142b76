"""Measuring queries in the words of each database; on DuckDB and SQLite they run for real."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp

from aiser_app.domain.verdict import BoundParameter
from aiser_app.errors import QueryInvalid
from aiser_app.query.catalog.portable import (
    average_length,
    count_distinct,
    sampled_table,
    start_of_text,
)
from aiser_app.query.catalog.probe import (
    BudgetSpent,
    Probe,
    bound,
    column_expression,
    in_order,
    place,
    table_expression,
)
from aiser_app.query.catalog.profile import facts_of, profile_table
from tests.unit.query.catalog.engines import (
    a_table,
    answering,
    kept_database,
    live_source,
    sqlite_engine,
)

DIALECTS = ("duckdb", "postgres", "mysql", "sqlite", "clickhouse")
THINGS = (
    "CREATE TABLE things (id INTEGER PRIMARY KEY, word VARCHAR(20), flag BOOLEAN, day DATE, "
    "start_time INTEGER, price REAL, extra JSON)",
    "INSERT INTO things VALUES (1, 'één', true, '2024-01-31', 517, 1.5, '{}'), "
    "(2, 'two', false, '2024-02-29', 2359, 2.5, NULL), (3, NULL, NULL, NULL, NULL, NULL, NULL)",
)


def test_the_same_facts_are_measured_in_two_databases(tmp_path: Path) -> None:
    sqlite = sqlite_engine(*THINGS)
    whole = profile_table(
        Probe(sqlite, live_source("sqlite"), budget_seconds=30), sqlite.schemas[0]
    )  # type: ignore[arg-type]
    with kept_database(tmp_path, *THINGS) as (duckdb, source):
        schema = duckdb.describe(source)[0]
        kept = profile_table(Probe(duckdb, source, budget_seconds=30), schema)
    assert whole.row_count == kept.row_count == 3
    for ours, theirs in zip(whole.columns, kept.columns, strict=True):
        assert ours.distinct_count == theirs.distinct_count, ours.name
        assert ours.null_fraction == theirs.null_fraction, ours.name
        assert ours.average_length == theirs.average_length, ours.name
        assert ours.values == theirs.values, ours.name
        if ours.type != "boolean":
            assert (ours.minimum, ours.maximum) == (theirs.minimum, theirs.maximum), ours.name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_dialect_gets_a_word_that_it_does_not_have(dialect: str) -> None:
    table = a_table(
        "t", "word", "flag BOOLEAN", "at_time INTEGER", "extra JSON", "day DATE", "n NUMERIC"
    )
    items = [
        item.sql(dialect=dialect)
        for column in table.columns
        for exact in (True, False)
        for item in facts_of(column, exact=exact, dialect=dialect)
    ]
    text = " ".join(items)
    assert "COUNT_IF" not in text
    assert "CASE WHEN" in text
    estimates = {"duckdb": "APPROX_COUNT_DISTINCT", "clickhouse": "uniq("}
    assert ("APPROX" in text or "uniq(" in text) is (dialect in estimates)
    assert estimates.get(dialect, "COUNT(DISTINCT") in text
    casts = {"mysql": "AS CHAR)", "clickhouse": "AS Nullable(String))"}
    assert casts.get(dialect, "AS TEXT)") in text


def test_yes_and_no_are_compared_where_the_database_can() -> None:
    flag = a_table("t", "flag BOOLEAN").columns[0]
    assert facts_of(flag, exact=True, dialect="postgres")[2] == exp.Null()
    assert facts_of(flag, exact=True, dialect="duckdb")[2] != exp.Null()


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("duckdb", 'SUBSTRING(CAST("x" AS TEXT), 1, 9)'),
        ("postgres", 'SUBSTRING(CAST("x" AS TEXT) FROM 1 FOR 9)'),
        ("mysql", "SUBSTRING(CAST(`x` AS CHAR), 1, 9)"),
        ("clickhouse", 'substringUTF8(CAST("x" AS Nullable(String)), 1, 9)'),
    ],
)
def test_the_start_of_a_text(dialect: str, expected: str) -> None:
    found = start_of_text(column_expression("x"), 9, dialect=dialect)
    assert found.sql(dialect=dialect) == expected


def test_lengths_are_in_characters() -> None:
    assert average_length(exp.column("x")).sql(dialect="mysql") == "AVG(CHAR_LENGTH(x))"
    assert average_length(exp.column("x")).sql(dialect="clickhouse") == "AVG(CHAR_LENGTH(x))"


def test_an_exact_count_is_exact_everywhere() -> None:
    found = count_distinct(exp.column("x"), exact=True, dialect="clickhouse")
    assert found.sql(dialect="clickhouse") == "COUNT(DISTINCT x)"


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("postgres", 'FROM "s"."t" TABLESAMPLE SYSTEM (1.000000) REPEATABLE (42)'),
        ("snowflake", 'FROM "s"."t" TABLESAMPLE SYSTEM (1.000000)'),
        ("bigquery", "FROM `s`.`t` TABLESAMPLE SYSTEM (1.000000 PERCENT)"),
        ("tsql", "FROM [s].[t] TABLESAMPLE (1.000000 PERCENT) REPEATABLE (42)"),
        ("trino", 'FROM "s"."t" TABLESAMPLE SYSTEM (1.000000)'),
        ("databricks", "FROM `s`.`t` TABLESAMPLE (1.000000 PERCENT) REPEATABLE (42)"),
        ("mysql", "FROM `s`.`t`"),
        ("sqlite", 'FROM "s"."t"'),
        ("clickhouse", 'FROM "s"."t"'),
    ],
)
def test_samples_of_large_tables(dialect: str, expected: str) -> None:
    table = sampled_table(table_expression("s.t"), 1_000, 1_000_000, dialect)
    assert exp.select("a").from_(table).sql(dialect=dialect).endswith(expected)


@pytest.mark.parametrize("estimate", [None, 5_000])
def test_small_and_unknown_tables_are_not_sampled_by_blocks(estimate: int | None) -> None:
    table = table_expression("t")
    assert sampled_table(table, 1_000, estimate, "postgres") is table


def test_values_go_to_the_driver_and_never_into_the_text() -> None:
    seen: list[object] = []

    def run(text: str, values: list[object]) -> list[list[object]]:
        seen.append((text, values))
        return [[1]]

    probe = Probe(answering("mysql", run), live_source("mysql"), budget_seconds=9)  # type: ignore[arg-type]
    evil = "x' OR '1'='1"
    parameters = bound([evil, 5])
    query = exp.select("a").where(
        exp.In(this=exp.column("a"), expressions=[place(item) for item in parameters])
    )
    assert probe.rows(query, parameters) == [(1,)]
    assert seen == [("SELECT a WHERE a IN (?, ?)", [evil, 5])]


def test_parameters_are_in_the_order_of_the_text() -> None:
    first, second = (BoundParameter(token=token, name=token, value=1) for token in ("aa", "bb"))
    assert in_order("bb aa", [first, second]) == (second, first)


def test_budgets_of_a_probe() -> None:
    engine = answering("mysql", lambda text, values: [])
    probe = Probe(engine, live_source(), budget_seconds=30, max_statements=1)  # type: ignore[arg-type]
    assert not probe.is_spent
    assert probe.find_row(exp.select("1")) is None
    assert probe.is_spent
    with pytest.raises(BudgetSpent):
        probe.rows(exp.select("1"))
    probe.allow(2)
    assert probe.rows(exp.select("1")) == []
    late = Probe(engine, live_source(), budget_seconds=-1)  # type: ignore[arg-type]
    assert late.is_spent


def test_what_cannot_be_computed_is_unknown() -> None:
    def run(text: str, values: list[object]) -> list[list[object]]:
        raise QueryInvalid("no")

    probe = Probe(answering("mysql", run), live_source(), budget_seconds=9)  # type: ignore[arg-type]
    assert probe.find_rows(exp.select("1")) is None
    assert probe.statements == 1


def test_values_that_cannot_be_read_in_time_are_left_out() -> None:
    def run(text: str, values: list[object]) -> list[list[object]]:
        if "DISTINCT CAST" in text:
            raise QueryInvalid("no")
        return [[3]] if "f0_0" not in text else [[3, 2, "a", "b", 1.0, None]]

    engine = answering("duckdb", run, a_table("t", "word VARCHAR"))
    probe = Probe(engine, live_source(), budget_seconds=9)  # type: ignore[arg-type]
    column = profile_table(probe, engine.schemas[0]).columns[0]
    assert (column.distinct_count, column.values) == (2, ())
