"""What is compiled gives what its meaning is, whatever the schema, the data and the question."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.semantic.compiler import compile_query
from tests.unit.semantic.brute.oracle import Oracle
from tests.unit.semantic.brute.queries import queries
from tests.unit.semantic.brute.schemas import Schema, schemas

SLOW = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def comparable(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows in an order of their own, with numbers rounded and times as text."""
    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    number = round(float(value), 6)
    return number + 0.0  # no negative zero


@SLOW
@given(st.data())
def test_duckdb(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    query = data.draw(queries(schema))
    with duckdb.connect() as connection:
        for statement in schema.statements():
            connection.execute(statement)
        sql = compiled(schema, query, "duckdb")
        rows = connection.execute(sql).fetchall()
    assert comparable(rows) == comparable(Oracle(schema, query).rows()), sql


@SLOW
@given(st.data())
def test_sqlite(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    query = data.draw(queries(schema))
    connection = sqlite3.connect(":memory:")
    for statement in schema.statements():
        connection.execute(statement)
    sql = compiled(schema, query, "sqlite")
    rows = connection.execute(sql).fetchall()
    connection.close()
    assert comparable(rows) == comparable(Oracle(schema, query).rows()), sql


def compiled(schema: Schema, query: SemanticQuery, dialect: str) -> str:
    return compile_query(query, schema.model, dialect=dialect, default_limit=1_000).sql
