"""The last look fails closed when a wrapper is not what it must be."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from sqlglot import exp

from aiser_app.domain.policy import Policies
from aiser_app.query.guard.dialects import rules_of
from aiser_app.query.guard.names import TableNames, TableUse
from aiser_app.query.guard.parameters import Binder
from aiser_app.query.guard.policies import Injection
from aiser_app.query.guard.refusal import Refused
from tests.unit.query.guard.asking import CLAIMS, EU, GRANTED, HIDE, allow, deny, with_rows

judging = importlib.import_module("aiser_app.query.guard.judge")
BOTH = Policies(rows=(EU,), masks=(HIDE,))


@pytest.mark.parametrize(
    ("policies", "change"),
    [
        (with_rows(EU), lambda sql: sql.replace("WHERE", "WHERE 1 = 1 OR")),
        (with_rows(EU), lambda sql: sql.replace(".region =", ".region <>")),
        (with_rows(EU), lambda sql: sql.replace("AS aiser_rows", "AS other").replace(
            "aiser_rows.", "other.")),
        (with_rows(EU), lambda sql: sql.replace("  *\n  FROM", "  id\n  FROM")),
        (with_rows(EU), lambda sql: sql.replace(") AS orders", ") AS orders, orders AS free")),
        (with_rows(EU), lambda sql: sql.replace(") AS orders", ") AS orders JOIN orders AS f ON true")),
        (with_rows(EU), lambda sql: f"SELECT * FROM orders, ({sql}) AS x"),
        (with_rows(EU), lambda sql: f"SELECT * FROM (orders), ({sql}) AS x"),
        (BOTH, lambda sql: sql.replace("'***'", 'aiser_rows."email"')),
        (BOTH, lambda sql: sql.replace(") AS aiser_rows", ") AS aiser_others")),
        (BOTH, lambda sql: sql.replace("WHERE", "WHERE 1 = 1 OR")),
    ],
)  # fmt: skip
def test_a_changed_wrapper_is_refused(
    policies: Policies, change: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = judging._render
    sql = "SELECT id FROM orders"
    allow(sql, policies=policies)
    monkeypatch.setattr(judging, "_render", lambda root, dialect: change(honest(root, dialect)))
    assert "safely" in deny(sql, policies=policies).reason


def test_a_wrapper_that_is_lost_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_render", lambda root, dialect: "SELECT id FROM orders")
    assert "safely" in deny("SELECT id FROM orders", policies=with_rows(EU)).reason


def test_a_place_that_no_wrapper_fits_is_refused() -> None:
    table = exp.to_table("orders")
    root = exp.Lateral(this=table)
    names = TableNames(GRANTED, rules_of("duckdb"))
    injection = Injection(names, with_rows(EU), CLAIMS, Binder())
    with pytest.raises(Refused, match="in this place"):
        injection.apply(root, [TableUse(table, "orders")])


def test_text_that_cannot_be_read_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("SELECT FROM", "SELECT getenv('HOME')", "DROP TABLE orders"):
        monkeypatch.setattr(judging, "_render", lambda root, dialect, text=text: text)
        assert deny("SELECT id FROM orders").reason == "The query could not be rewritten safely."


def test_one_wrapper_less_than_places_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = Policies(masks=(HIDE,))
    once = allow("SELECT id FROM orders", policies=masks).statement.sql
    monkeypatch.setattr(judging, "_render", lambda root, dialect: once)
    sql = "SELECT a.id FROM orders AS a JOIN orders AS b ON a.id = b.id"
    assert "safely" in deny(sql, policies=masks).reason
