"""Masks as each dialect writes them, and what they do where a database is at hand."""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3

import duckdb
import pytest

from aiser_app.domain.policy import MaskKind
from aiser_app.query.guard import DIALECTS
from tests.unit.query.guard.asking import GRANTED, HIDE, allow, flat, with_masks

VALUES = ["someone@example.org", "12345", "1234", "", None, "äöü€😀"]


def expected(kind: MaskKind, value: str | None) -> str | None:
    if kind is MaskKind.NULL:
        return None
    if kind is MaskKind.CONSTANT:
        return "***"
    if kind is MaskKind.HASH:
        return None if value is None else hashlib.md5(value.encode()).hexdigest()
    return f"***{value[-4:]}" if value and len(value) > 4 else "***"


def masked(kind: MaskKind, dialect: str) -> str:
    policies = with_masks(dataclasses.replace(HIDE, kind=kind))
    sql = "SELECT email FROM orders ORDER BY id"
    return allow(sql, dialect, policies=policies, limit=None).statement.sql


@pytest.mark.parametrize("kind", MaskKind)
def test_in_duckdb(kind: MaskKind) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE orders (id INT, region TEXT, email TEXT, amount INT)")
        for number, value in enumerate(VALUES):
            connection.execute("INSERT INTO orders VALUES (?, 'EU', ?, 1)", [number, value])
        found = [row[0] for row in connection.execute(masked(kind, "duckdb")).fetchall()]
    assert found == [expected(kind, value) for value in VALUES]


@pytest.mark.parametrize("kind", MaskKind)
def test_in_sqlite_with_a_digest_of_the_engine(kind: MaskKind) -> None:
    connection = sqlite3.connect(":memory:")
    connection.create_function(
        "md5", 1, lambda text: text and hashlib.md5(text.encode()).hexdigest(), deterministic=True
    )
    connection.execute("CREATE TABLE orders (id INT, region TEXT, email TEXT, amount INT)")
    values = [value for value in VALUES if value != ""]
    for number, value in enumerate(values):
        connection.execute("INSERT INTO orders VALUES (?, 'EU', ?, 1)", [number, value])
    found = [row[0] for row in connection.execute(masked(kind, "sqlite")).fetchall()]
    connection.close()
    assert found == [expected(kind, value) for value in values]


@pytest.mark.parametrize(
    ("dialect", "kind", "text"),
    [
        ("postgres", MaskKind.HASH, 'MD5(CAST(aiser_rows."email" AS TEXT)) AS "email"'),
        ("mysql", MaskKind.HASH, "MD5(CAST(aiser_rows.`email` AS CHAR)) AS `email`"),
        ("clickhouse", MaskKind.HASH, 'LOWER(HEX(MD5(toString(aiser_rows."email")))) AS "email"'),
        ("snowflake", MaskKind.HASH, "MD5(CAST(aiser_rows.email AS VARCHAR)) AS email"),
        ("bigquery", MaskKind.HASH, "TO_HEX(MD5(CAST(aiser_rows.`email` AS STRING))) AS `email`"),
        ("tsql", MaskKind.HASH, "HASHBYTES('MD5', CAST(aiser_rows.[email] AS NVARCHAR(4000)))"),
        ("trino", MaskKind.HASH, 'TO_HEX(MD5(TO_UTF8(CAST(aiser_rows."email" AS VARCHAR))))'),
        ("spark", MaskKind.HASH, "MD5(CAST(aiser_rows.`email` AS STRING)) AS `email`"),
        ("mysql", MaskKind.PARTIAL, "CONCAT('***', RIGHT(CAST(aiser_rows.`email` AS CHAR), 4))"),
        ("postgres", MaskKind.PARTIAL, "'***' || RIGHT(CAST(aiser_rows.\"email\" AS TEXT), 4)"),
        ("clickhouse", MaskKind.PARTIAL, 'substringUTF8(toString(aiser_rows."email"), -4)'),
    ],
)
def test_as_the_dialect_writes_it(dialect: str, kind: MaskKind, text: str) -> None:
    assert text in flat(masked(kind, dialect)).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", MaskKind)
def test_every_dialect_has_every_mask(dialect: str, kind: MaskKind) -> None:
    text = flat(masked(kind, dialect))
    assert "aiser_value" not in text
    assert "1 = 0" in text if kind is MaskKind.NULL else "***" in text or "MD5" in text


def test_snowflake_quotes_names_that_are_not_plain() -> None:
    odd = dataclasses.replace(GRANTED["orders"], columns=("id", "email", "Mixed", "two words"))
    verdict = allow(
        "SELECT * FROM orders", "snowflake", tables={"orders": odd}, policies=with_masks(HIDE)
    )
    assert 'aiser_rows.id, \'***\' AS email, aiser_rows."Mixed", aiser_rows."two words"' in flat(
        verdict.sql
    )
