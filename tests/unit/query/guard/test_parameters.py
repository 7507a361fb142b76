"""Values reach the driver, never the text; every place is one random token."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from aiser_app.domain.verdict import Statement
from aiser_app.query.guard import DIALECTS
from aiser_app.query.guard import parameters as module
from aiser_app.query.guard.parameters import Binder
from aiser_app.query.guard.refusal import Refused
from tests.unit.query.guard.asking import EU, allow, deny, flat, with_rows


def run(statement: Statement) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT range AS id, 'EU' AS region FROM range(5)"
        )
        text = statement.written(lambda position, _: f"${position}")
        values = [parameter.value for parameter in statement.parameters]
        return connection.execute(text, values).fetchall()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_value_becomes_a_token_that_stands_once(dialect: str) -> None:
    verdict = allow(
        "SELECT id FROM orders WHERE id = :id AND region = :region AND amount > :id",
        dialect,
        parameters={"id": 1, "region": "x' OR '1' = '1"},
    )
    statement = verdict.statement
    assert [p.name for p in statement.parameters] == ["id", "region", "id"]
    assert [p.value for p in statement.parameters] == [1, "x' OR '1' = '1", 1]
    assert all(statement.sql.count(p.token) == 1 for p in statement.parameters)
    assert "OR '1'" not in statement.sql
    assert "id = :id AND region = :region AND amount > :id" in flat(verdict.sql)


def test_equal_queries_are_shown_equally_and_have_tokens_of_their_own() -> None:
    sql = "SELECT :a AS x FROM orders WHERE id IN (:many)"
    first, second = (allow(sql, parameters={"a": 1, "many": list(range(12))}) for _ in range(2))
    assert first.sql == second.sql
    assert first.statement.sql != second.statement.sql
    assert flat(first.sql).count(":many") == 12


@pytest.mark.parametrize(
    ("dialect", "place"),
    [("duckdb", "$id"), ("bigquery", "@id"), ("tsql", "@id"), ("postgres", "%(id)s")],
)
def test_other_ways_to_write_a_parameter(dialect: str, place: str) -> None:
    verdict = allow(f"SELECT id FROM orders WHERE id = {place}", dialect, parameters={"id": 1})
    assert "id = :id" in flat(verdict.sql)


def test_clickhouse_says_the_type_at_the_place() -> None:
    verdict = allow(
        "SELECT id FROM orders WHERE id = {id:UInt32} AND id IN ({ids:UInt8})",
        "clickhouse",
        parameters={"id": 1, "ids": [1, 2]},
    )
    assert "CAST(:id AS" in flat(verdict.sql)
    assert flat(verdict.sql).count("CAST(:ids AS") == 2


@pytest.mark.parametrize(
    ("sql", "values", "rows"),
    [
        ("SELECT id FROM orders WHERE id IN (:ids) ORDER BY id", {"ids": [1, 3]}, [(1,), (3,)]),
        ("SELECT id FROM orders WHERE id IN (:ids)", {"ids": (4,)}, [(4,)]),
        ("SELECT id FROM orders WHERE id IN (:ids)", {"ids": []}, []),
        ("SELECT count(*) FROM orders WHERE NOT id IN (:ids)", {"ids": []}, [(5,)]),
        ("SELECT count(*) FROM orders WHERE id NOT IN (:ids)", {"ids": []}, [(5,)]),
        ("SELECT id FROM orders WHERE id IN (:ids, 0)", {"ids": []}, [(0,)]),
        (
            "SELECT id FROM orders WHERE id IN (0, :a, :ids) ORDER BY 1",
            {"ids": [2, 3], "a": 1},
            [(0,), (1,), (2,), (3,)],
        ),
        ("SELECT CAST(:x AS VARCHAR)", {"x": None}, [(None,)]),
        ("SELECT {'a': :x}.a", {"x": "'"}, [("'",)]),
    ],
)
def test_values_arrive(sql: str, values: dict, rows: list) -> None:
    assert run(allow(sql, parameters=values).statement) == rows


@pytest.mark.parametrize(
    "value",
    ["x", 1, 1.5, True, None, Decimal("1.10"), date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)],
)
def test_kinds_of_values(value: object) -> None:
    statement = allow("SELECT :x", parameters={"x": value}).statement
    assert [p.value for p in statement.parameters] == [value]


@pytest.mark.parametrize(
    ("sql", "values", "words"),
    [
        ("SELECT :x", {}, "needs a value for the parameter :x"),
        ("SELECT 1", {"x": 1}, "no parameter :x"),
        ("SELECT :x", {"x": 1, "b": 1, "a": 1}, "no parameter :a"),
        ("SELECT :x", {"x": [1]}, "write IN (:x)"),
        ("SELECT 1 WHERE 1 = :x", {"x": ["a"]}, "write IN (:x)"),
        ("SELECT 1 WHERE :x IN (1)", {"x": ["a"]}, "write IN (:x)"),
        ("SELECT :x", {"x": b"bytes"}, "must be text"),
        ("SELECT :x", {"x": {"a": 1}}, "must be text"),
        ("SELECT 1 WHERE 1 IN (:x)", {"x": [[1]]}, "must be text"),
        ("SELECT ?", {}, "write the values"),
        ("SELECT $1", {"1": 1}, "write the values"),
        ("SELECT id FROM orders LIMIT :x", {"x": 1}, "cannot stand here"),
        ("SELECT id FROM orders OFFSET :x", {"x": 1}, "cannot stand here"),
        ("SELECT DATE '2020-01-01' + INTERVAL :x DAY", {"x": 1}, "cannot stand here"),
        ("SELECT * FROM :x", {"x": "orders"}, "cannot stand here"),
        ("SELECT * FROM range(:x)", {"x": 10}, "plain values"),
        ("SELECT 1 WHERE 1 IN (:x)", {"x": list(range(10_000))}, "at most 9,999"),
    ],
)
def test_refused_in_words(sql: str, values: dict, words: str) -> None:
    assert words in deny(sql, parameters=values).reason


@pytest.mark.parametrize(
    ("dialect", "place"),
    [
        *((dialect, "@x") for dialect in ("mysql", "snowflake", "postgres", "sqlite", "spark")),
        *((dialect, "@@x") for dialect in ("mysql", "snowflake", "postgres", "sqlite", "spark")),
        *((dialect, "$x") for dialect in ("snowflake", "postgres", "spark", "databricks")),
    ],
)
def test_variables_of_a_database_are_no_parameters(dialect: str, place: str) -> None:
    assert deny(f"SELECT {place}", dialect, parameters={"x": 1}).reason


@pytest.mark.parametrize("dialect", ["tsql", "bigquery"])
def test_system_variables_are_no_parameters(dialect: str) -> None:
    assert "with a name" in deny("SELECT @@x", dialect, parameters={"x": 1}).reason


def test_a_place_that_is_lost_or_doubled_is_refused() -> None:
    binder = Binder()
    token = binder.place("x", 1).name
    for text in ("SELECT 1", f"SELECT {token}, {token}", f"SELECT {token[:-1]}9"):
        with pytest.raises(Refused, match="rewritten safely"):
            binder.statement(text)
    assert binder.statement(f"SELECT {token}").shown == "SELECT :x"


def test_nobody_can_write_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.secrets, "token_hex", lambda _: "0" * 16)
    guessed = f"aiser_p_{'0' * 16}_0001"
    assert "safely" in deny(f"SELECT :x, {guessed}", parameters={"x": 1}).reason


def test_attributes_of_policies_are_bound_beside_values_of_the_query() -> None:
    verdict = allow(
        "SELECT id FROM orders WHERE region = :region",
        policies=with_rows(EU),
        parameters={"region": "US"},
    )
    assert [p.value for p in verdict.statement.parameters] == ["EU", "US"]
