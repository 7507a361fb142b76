"""Whatever text comes in, the guard answers, and a dangerous part is found wherever it hides."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aiser_app.domain.actor import Claims
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.query.guard import judge
from tests.security.guard_vectors import FRAGMENTS, TABLES, WRITES

CLAIMS = Claims(organization_id="0" * 32)

TOKENS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "flights",
        "airlines",
        "users",
        "(",
        ")",
        ",",
        ";",
        "*",
        "'x'",
        '"x"',
        "1",
        "1e9",
        "--",
        "/*",
        "*/",
        "UNION",
        "ALL",
        "WITH",
        "AS",
        "a",
        "b",
        "JOIN",
        "ON",
        "true",
        "LIMIT",
        "10",
        "ORDER",
        "BY",
        "count(*)",
        "sum(distance)",
        "carrier",
        "=",
        "<>",
        "AND",
        "OR",
        "NOT",
        "NULL",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "read_csv('x')",
        "DELETE",
        "INSERT",
        "INTO",
        "VALUES",
        "SET",
        "COPY",
        "ATTACH",
        "||",
        "::",
        "INT",
        "[",
        "]",
        "{",
        "}",
        ":",
        "->",
        "$$",
        "?",
        "@",
        ".",
        "main.",
        "GROUP",
        "HAVING",
        "LATERAL",
        "unnest([1])",
        "range(10)",
        "INTERVAL",
        "DATE",
        "FILTER",
        "OVER",
        "PARTITION",
    ]
)

EXPRESSION_PLACES = [
    "SELECT {}",
    "SELECT a, {} AS x FROM flights",
    "SELECT * FROM flights WHERE carrier = {}",
    "SELECT * FROM flights WHERE carrier IN ({}, 'UA')",
    "SELECT * FROM flights WHERE EXISTS (SELECT {})",
    "SELECT count(*) FROM flights GROUP BY {}",
    "SELECT count(*) FROM flights HAVING count(*) > {}",
    "SELECT * FROM flights ORDER BY {}",
    "SELECT * FROM flights JOIN airlines ON {} IS NOT NULL",
    "SELECT CASE WHEN {} IS NULL THEN 1 ELSE 2 END",
    "SELECT sum(distance) FILTER (WHERE {} IS NULL) FROM flights",
    "SELECT rank() OVER (PARTITION BY {} ORDER BY 1) FROM flights",
    "WITH a AS (SELECT {} AS x) SELECT * FROM a",
    "SELECT 1 UNION ALL SELECT {}",
    "SELECT coalesce(NULL, {})",
    "SELECT [{}]",
    "SELECT {{'k': {}}}",
    "SELECT CAST({} AS VARCHAR)",
    "SELECT * FROM (SELECT {} AS x)",
    "SELECT * FROM (VALUES ({})) AS v(x)",
    "SELECT * FROM flights LIMIT 5 OFFSET {}",
    "SELECT * FROM unnest([{}])",
    "SELECT DISTINCT ON ({}) carrier FROM flights",
    "SELECT * FROM flights QUALIFY row_number() OVER () = {}",
]


def decide(sql: str) -> Allowed | Denied:
    return judge(sql, dialect="duckdb", tables=TABLES, claims=CLAIMS, limit=100)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert isinstance(decide(text), Allowed | Denied)


@settings(max_examples=400, deadline=None)
@given(st.lists(TOKENS, max_size=25))
def test_any_mixture_of_words_gets_a_verdict_on_allowed_tables_only(tokens: list[str]) -> None:
    verdict = decide(" ".join(tokens))
    if isinstance(verdict, Allowed):
        assert set(verdict.tables) <= set(TABLES)
        assert "read_csv" not in verdict.sql.lower()
        assert isinstance(decide(verdict.sql), Allowed)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(EXPRESSION_PLACES),
    st.sampled_from(FRAGMENTS),
    st.sampled_from(["{}", "({})", "coalesce({}, '')", "lower({}::TEXT)", "/* x */ {} -- y\n"]),
    st.booleans(),
)
def test_a_dangerous_part_is_refused_everywhere(
    place: str, fragment: str, wrapping: str, upper: bool
) -> None:
    inner = wrapping.format(fragment.upper() if upper else fragment)
    assert isinstance(decide(place.format(inner)), Denied)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WRITES), st.sampled_from(["SELECT 1; {}", "{}; SELECT 1", "({})", "{};"]))
def test_a_write_is_refused_in_any_company(write: str, place: str) -> None:
    assert isinstance(decide(place.format(write)), Denied)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_text_inside_a_literal_stays_a_literal(text: str) -> None:
    quoted = text.replace("'", "''")
    verdict = decide(f"SELECT count(*) FROM flights WHERE carrier = '{quoted}'")
    if isinstance(verdict, Allowed):
        assert verdict.tables == ("flights",)
        assert verdict.columns == ("carrier",)


def test_every_place_is_fine_without_a_danger() -> None:
    refused = [
        place for place in EXPRESSION_PLACES if isinstance(decide(place.format("1")), Denied)
    ]
    assert refused == []
