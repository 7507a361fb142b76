"""What nobody could stop while it is read, written or planned is refused before it begins."""

from __future__ import annotations

import time

import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.verdict import Allowed, Denied, Verdict
from aiser_app.query.guard import DIALECTS, condition_problem, judge, references

CLAIMS = Claims(organization_id="0" * 32)
DEEP = 40
NESTED = {
    "arrays": ("ARRAY[", "]"),
    "lists": ("[", "]"),
    "array calls": ("ARRAY(", ")"),
    "structs": ("STRUCT(", ")"),
    "maps": ("MAP {'a': ", "}"),
    "objects": ("{'a': ", "}"),
    "any": ("1 = ANY(ARRAY[", "])"),
    "contains": ("ARRAY_CONTAINS(1, ", ")"),
    "decode": ("DECODE(1, ", ", 1)"),
    "divide": ("SAFE_DIVIDE('a', ", ")"),
    "position": ("CHARINDEX(1, ", ", 1)"),
    "search": ("INSTR(", ", 1, 1)"),
}
ARROWS = " -> ".join(["carrier"] * DEEP)


def decide(sql: str, dialect: str = "duckdb") -> Verdict:
    return judge(sql, dialect=dialect, tables=["flights"], claims=CLAIMS, limit=10)


def doubling(lines: int) -> str:
    """Each WITH query reads the one before twice."""
    steps = (
        f"t{n} AS (SELECT a FROM t{n - 1} UNION ALL SELECT a FROM t{n - 1})"
        for n in range(1, lines)
    )
    return f"WITH t0 AS (SELECT 1 AS a), {', '.join(steps)} SELECT count(*) AS c FROM t{lines - 1}"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", NESTED)
def test_deep_nesting_is_refused_at_once(dialect: str, kind: str) -> None:
    before, after = NESTED[kind]
    value = before * DEEP + "1" + after * DEEP
    started = time.monotonic()
    for sql in (f"SELECT {value}", f"SELECT 1 FROM flights WHERE {value} = 1"):
        assert isinstance(decide(sql, dialect), Denied)
        assert references(sql, dialect) == ()
    table = GrantedTable(name="flights")
    assert condition_problem(f"{value} = 1", dialect=dialect, table=table)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_chains_of_arrows_end(dialect: str) -> None:
    started = time.monotonic()
    assert isinstance(decide(f"SELECT {ARROWS} FROM flights", dialect), Allowed | Denied)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT [[[1, 2], [3]], [[4]]] AS a",
        "SELECT ROUND(100.0 * SUM(CASE WHEN carrier = 'a' THEN 1 ELSE 0 END) / NULLIF(COUNT(*), 0), 2) FROM flights",
        f"SELECT {'REPLACE(' * 30}carrier{', 1, 2)' * 30} FROM flights",
        f"SELECT {'COALESCE(' * 30}carrier{', 1)' * 30} FROM flights",
        f"SELECT {'(' * 20}1{')' * 20}",
        "SELECT {'a': {'b': {'c': [1, 2, {'d': 1}]}}} AS s",
        f"SELECT 1 IN ({', '.join(map(str, range(10_000)))}) AS a",
        f"SELECT [{', '.join(map(str, range(10_000)))}] AS a",
        "SELECT ')))', '(((', 1)' AS a".replace("1)'", "1"),
        "SELECT 1 -- [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "SELECT '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[' AS a",
    ],
    ids=lambda sql: sql[:40],
)
def test_what_people_write_is_read(sql: str) -> None:
    assert isinstance(decide(sql), Allowed), decide(sql)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_with_queries_that_multiply_are_refused(dialect: str) -> None:
    started = time.monotonic()
    verdict = decide(doubling(40), dialect)
    assert isinstance(verdict, Denied)
    assert "WITH" in verdict.reason or "read" in verdict.reason
    assert time.monotonic() - started < 5


def test_with_queries_that_build_on_each_other_are_fine() -> None:
    assert isinstance(decide(doubling(8)), Allowed)
    chain = ", ".join(f"t{n} AS (SELECT a FROM t{n - 1})" for n in range(1, 60))
    assert isinstance(decide(f"WITH t0 AS (SELECT 1 AS a), {chain} SELECT a FROM t59"), Allowed)
    recursive = (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) "
        "SELECT a.n FROM r AS a, r AS b"
    )
    assert isinstance(decide(recursive), Allowed)


def test_too_many_parts_are_refused() -> None:
    for count, expected in ((900, Allowed), (2_500, Denied)):
        assert isinstance(decide(" UNION ALL ".join(["SELECT 1 AS a"] * count)), expected)
