"""What the guard keeps from reading a text, instead of reading it once more."""

from __future__ import annotations

import sqlglot

from aiser_app.domain.actor import Claims
from aiser_app.domain.verdict import Allowed
from aiser_app.query.guard import fingerprint, judge
from aiser_app.query.guard.nodes import nodes_of
from tests.unit.query.guard.tpch import QUERIES, TABLES


def verdict(sql: str, **parameters: int) -> Allowed:
    found = judge(
        sql,
        dialect="duckdb",
        tables=tuple(TABLES),
        claims=Claims(organization_id="0" * 32),
        limit=10,
        parameters=parameters,
    )
    assert isinstance(found, Allowed)
    return found


def test_the_fingerprint_of_the_verdict_is_that_of_its_text() -> None:
    for sql in QUERIES.values():
        found = verdict(sql)
        assert found.fingerprint == fingerprint(found.sql, "duckdb")


def test_with_bound_values_the_text_for_people_has_the_fingerprint() -> None:
    found = verdict("SELECT r_name FROM region WHERE r_regionkey = :key", key=1)
    assert found.fingerprint == ""


def test_the_nodes_are_those_of_sqlglot_in_its_order() -> None:
    for sql in QUERIES.values():
        root = sqlglot.parse_one(sql, read="duckdb")
        assert list(map(id, nodes_of(root))) == list(map(id, root.walk()))
