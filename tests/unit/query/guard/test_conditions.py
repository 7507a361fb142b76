"""Conditions of row policies: one expression over the columns of one table."""

from __future__ import annotations

import dataclasses

import pytest

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.guard import DIALECTS, condition_problem
from tests.unit.query.guard.asking import EU, deny, with_rows

TABLE = GrantedTable(name="sales.orders", columns=("id", "region", "User"))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "condition",
    [
        "region = :region",
        "region IN (:a, :b) OR region IS NULL",
        "NOT (id > 5 AND lower(region) LIKE 'e%')",
        "orders.id BETWEEN 1 AND 5",
        "CASE WHEN region = 'EU' THEN 1 ELSE 0 END = 1",
        "coalesce(region, '') = :region -- a comment",
        "1 = 1",
    ],
)
def test_fine(dialect: str, condition: str) -> None:
    assert condition_problem(condition, dialect=dialect, table=TABLE) is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("", "empty"),
        ("region = ", "could not be read"),
        ("region = 'EU') OR (1 = 1", "could not be read"),
        ("1 = 1; DROP TABLE orders", "could not be read"),
        ("1 = 1; 2 = 2", "one expression"),
        ("region = 'EU' UNION SELECT 1", "could not be read"),
        ("id IN (SELECT id FROM users)", "query of its own"),
        ("EXISTS (SELECT 1)", "query of its own"),
        ("(SELECT true)", "query of its own"),
        ("id = max(id)", "values of one row"),
        ("row_number() OVER () = 1", "values of one row"),
        ("pg_sleep(1) IS NULL", "pg_sleep is not allowed"),
        ("getenv('HOME') = 'x'", "getenv is not allowed"),
        ("users.id = 1", "users.id is not a column"),
        ("a.b.id = 1", "is not a column"),
        ("team = 1", "no column team"),
        ('"user" = 1', "no column user"),
        ("region = ?", "with a name"),
        ("current_user = region", "current_user is not allowed"),
        ("x" * 100_001, "longer"),
        ("(" * 99 + "1 = 1" + ")" * 99 + " OR " + "NOT " * 20_000 + "true", "could not be read"),
    ],
)
def test_refused_in_words(condition: str, words: str) -> None:
    assert words in str(condition_problem(condition, dialect="postgres", table=TABLE))


def test_names_without_quotes_and_unknown_columns() -> None:
    assert condition_problem('"User" = 1', dialect="postgres", table=TABLE) is None
    assert condition_problem("user = 1", dialect="postgres", table=TABLE)
    assert condition_problem('"USER" = 1', dialect="duckdb", table=TABLE) is None
    unknown = dataclasses.replace(TABLE, columns=())
    assert condition_problem("anything = 1", dialect="duckdb", table=unknown) is None


def test_a_dialect_that_cannot_be_checked() -> None:
    assert "oracle" in str(condition_problem("1 = 1", dialect="oracle", table=TABLE))


def test_a_condition_that_cannot_be_used_closes_its_table() -> None:
    policy = dataclasses.replace(EU, condition="id IN (SELECT 1)")
    reason = deny("SELECT * FROM orders", policies=with_rows(policy)).reason
    assert "“own region” cannot be applied" in reason
