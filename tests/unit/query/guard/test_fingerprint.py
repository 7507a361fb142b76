"""Queries that are the same but for their values, and the tables that they name."""

from __future__ import annotations

import pytest

from aiser_app.query.guard import DIALECTS, fingerprint, references

QUERY = "SELECT a, count(*) FROM t WHERE b = 'x' AND c IN (1, 2, 3) AND d > -5 GROUP BY a"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "other",
    [
        "select a, COUNT(*) from t where b = 'other' and c in (7) and d > 12.5 group by a",
        "SELECT a,\n  count(*)\nFROM t -- comment\nWHERE b = '' AND c IN (1,2) AND d > 1 GROUP BY a;",
    ],
)
def test_equal(dialect: str, other: str) -> None:
    found = fingerprint(QUERY, dialect)
    assert found == fingerprint(other, dialect)
    assert 32 <= len(found) <= 64
    assert int(found, 16)


@pytest.mark.parametrize(
    "other",
    [
        QUERY.replace("count", "sum"),
        QUERY.replace("FROM t", "FROM u"),
        QUERY.replace("FROM t", 'FROM "T"'),
        QUERY.replace("b =", "B ="),
        QUERY.replace("d > -5", "d - 5"),
        QUERY.replace("SELECT a", "SELECT 1, 2, a"),
        QUERY.replace("c IN (1, 2, 3)", "c NOT IN (1, 2, 3)"),
        QUERY + " LIMIT 5",
    ],
)
def test_different(other: str) -> None:
    assert fingerprint(QUERY, "duckdb") != fingerprint(other, "duckdb")


def test_a_minus_between_values_is_no_sign() -> None:
    assert fingerprint("SELECT a - 5", "duckdb") != fingerprint("SELECT a 5", "duckdb")
    assert fingerprint("-5", "duckdb") == fingerprint("7", "duckdb")
    assert fingerprint("SELECT (-5)", "duckdb") == fingerprint("SELECT (5)", "duckdb")


@pytest.mark.parametrize("text", ["", "not sql 'open", "SELECT 'open", "\udc80", ";"])
def test_any_text_has_one(text: str) -> None:
    assert fingerprint(text, "duckdb") == fingerprint(text, "duckdb")
    assert len(fingerprint(text, "no-such-dialect")) <= 64


@pytest.mark.parametrize(
    ("sql", "dialect", "found"),
    [
        ("SELECT * FROM t, s.u JOIN c.s.V ON true", "duckdb",
         (("", "", "t"), ("", "s", "u"), ("c", "s", "V"))),
        ("WITH a AS (SELECT * FROM t) SELECT * FROM a, main.a", "duckdb",
         (("", "main", "a"), ("", "", "t"))),
        ("SELECT * FROM t WHERE EXISTS (SELECT 1 FROM t) AND x IN (SELECT 1 FROM u)", "postgres",
         (("", "", "t"), ("", "", "u"))),
        ("SELECT * FROM `p.d.t`", "bigquery", (("p", "d", "t"),)),
        ("SELECT * FROM read_csv('x'), generate_series(1, 2)", "duckdb", ()),
        ("SELECT 1; SELECT * FROM t", "duckdb", (("", "", "t"),)),
        ("DELETE FROM t", "postgres", (("", "", "t"),)),
        ("SELECT 'open", "duckdb", ()),
        ("", "duckdb", ()),
        ("SELECT * FROM t", "no-such-dialect", ()),
        ("WITH users AS (SELECT 1) SELECT * FROM u\u017fers", "duckdb", ()),
    ],
)  # fmt: skip
def test_tables_that_a_query_names(sql: str, dialect: str, found: tuple) -> None:
    assert sorted(references(sql, dialect)) == sorted(found)
    assert len(set(references(sql, dialect))) == len(references(sql, dialect))
