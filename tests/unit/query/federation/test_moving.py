"""Times that move with the clock are bounded, never computed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlglot

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.federation.filters import Weakening
from aiser_app.query.federation.moving import span

NOW = datetime.fromisoformat("2024-06-15T12:00:00")
TABLE = GrantedTable(
    name="t",
    columns=("d", "at", "i"),
    column_types={"d": "date", "at": "timestamp", "i": "integer"},
)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("CURRENT_DATE", -1, 1),
        ("now()", -1, 1),
        ("current_timestamp", -1, 1),
        ("(today())", -1, 1),
        ("CURRENT_DATE - INTERVAL 30 DAY", -31, -29),
        ("CURRENT_DATE - 30", -31, -29),
        ("CURRENT_DATE + INTERVAL '2 weeks'", 13, 15),
        ("now() - INTERVAL 1 MONTH", -32, -27),
        ("now() - INTERVAL 5 HOURS", -6, 1),
        ("CAST(now() AS DATE)", -2, 1),
        ("date_trunc('month', now())", -32, 1),
        ("date_trunc('year', CURRENT_DATE) - INTERVAL 1 YEAR", -1 - 366 - 366, 1 - 365),
    ],
)
def test_where_it_lies(text: str, low: int, high: int) -> None:
    found = span(sqlglot.parse_one(text, read="duckdb"), NOW)
    assert found == (NOW + timedelta(low), NOW + timedelta(high))


@pytest.mark.parametrize(
    "text",
    [
        "DATE '2024-01-01'",
        "x",
        "now(1)",
        "random()",
        "CAST(x AS DATE)",
        "CAST(now() AS TEXT)",
        "x - INTERVAL 1 DAY",
        "CURRENT_DATE - x",
        "CURRENT_DATE - '30'",
        "CURRENT_DATE - INTERVAL 1 CENTURY",
        "CURRENT_DATE - INTERVAL 100001 DAY",
        "CURRENT_DATE - INTERVAL 99999 YEAR",
        "date_trunc('decade', now())",
        "date_trunc('month', x)",
    ],
)
def test_what_is_no_such_time(text: str) -> None:
    assert span(sqlglot.parse_one(text, read="duckdb")) is None


@pytest.mark.parametrize(
    ("condition", "dialect", "operators"),
    [
        ("d >= CURRENT_DATE - INTERVAL 30 DAY", "postgres", ">="),
        ("CURRENT_DATE - 30 > d", "postgres", "<="),
        ("at = now()", "postgres", ">= <="),
        ("CAST(at AS DATE) < CURRENT_DATE", "mysql", "<="),
        ("d BETWEEN CURRENT_DATE - 7 AND CURRENT_DATE", "postgres", ">= <="),
        ("d <> CURRENT_DATE", "postgres", None),
        ("d >= CURRENT_DATE - INTERVAL 30 DAY", "sqlite", None),
        ("i >= CURRENT_DATE", "postgres", None),
        ("d >= d", "postgres", None),
    ],
)
def test_what_is_sent(condition: str, dialect: str, operators: str | None) -> None:
    tree = sqlglot.parse_one(f"SELECT 1 WHERE {condition}", read="duckdb").args["where"].this
    found = Weakening(TABLE, dialect, {}).weakened(tree)
    if operators is None:
        assert found is None
    else:
        assert found
        assert not found.is_exact
        sent = found.expression.sql("duckdb")
        assert " ".join(word for word in sent.split() if word in (">=", "<=")) == operators
