"""Accepted queries: alternatives, columns of choice, the day they are asked on."""

from __future__ import annotations

from datetime import date

import pytest

from aiser_app.evaluation.gold import alternatives_of, is_ordered, problem_with, variants_of


def test_semicolons_separate_but_not_within_quotes() -> None:
    sql = "SELECT ';' AS a; SELECT \"x;y\" FROM t ;"
    assert alternatives_of(sql) == ["SELECT ';' AS a", 'SELECT "x;y" FROM t']


def test_every_subset_of_the_braces_is_a_query() -> None:
    sql = "SELECT {a.id AS key, f(a, b)}, count(*) FROM t GROUP BY {} ORDER BY 2"
    assert list(variants_of(sql)) == [
        "SELECT a.id AS key, f(a, b), count(*) FROM t GROUP BY a.id, f(a, b) ORDER BY 2",
        "SELECT a.id AS key, count(*) FROM t GROUP BY a.id ORDER BY 2",
        "SELECT f(a, b), count(*) FROM t GROUP BY f(a, b) ORDER BY 2",
    ]


def test_two_pairs_of_braces_are_combined() -> None:
    found = list(variants_of("SELECT {a} FROM t; SELECT {b, c}, {d} FROM t"))
    assert found == [
        "SELECT a FROM t",
        "SELECT b, c, d FROM t",
        "SELECT b, d FROM t",
        "SELECT c, d FROM t",
    ]


def test_today_can_be_another_day() -> None:
    sql = "SELECT CURRENT_DATE - 1, current_date(), 'CURRENT_DATE' FROM t"
    assert list(variants_of(sql, date(2025, 12, 31))) == [
        "SELECT DATE '2025-12-31' - 1, DATE '2025-12-31', 'CURRENT_DATE' FROM t"
    ]
    assert list(variants_of(sql)) == [sql]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT 1", ""),
        ("WITH a AS (SELECT 1) SELECT * FROM a", ""),
        ("(SELECT 1) UNION (SELECT 2)", ""),
        (" ; ", "empty"),
        ("SELECT {a FROM t", "braces"),
        ("SELECT f(a FROM t", "braces"),
        ("SELECT 'a FROM t", "quotes"),
        ("SELECT a FROM t GROUP BY {}", "without columns"),
        ("SELECT {" + ", ".join(f"c{n}" for n in range(9)) + "} FROM t", "more than 8"),
        ("DELETE FROM t", "not a SELECT"),
        ("SELECT 1; DROP TABLE t", "not a SELECT"),
    ],
)
def test_what_is_malformed_is_named(sql: str, problem: str) -> None:
    found = problem_with(sql)
    assert (problem in found) if problem else (found == "")


@pytest.mark.parametrize(
    ("sql", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT rank() OVER (ORDER BY a) FROM t", False),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a) s", False),
        ("SELECT ' ORDER BY ' FROM t", False),
    ],
)
def test_whether_the_whole_result_is_ordered(sql: str, ordered: bool) -> None:
    assert is_ordered(sql) is ordered
