"""What the guard lets through means what it meant, and shows nobody more than the policies say.

Each random query runs on real databases, in process: as it is on tables that hold only what the actor
may see, and guarded on tables that hold everything. Both must return exactly the same rows.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import (
    NO_POLICIES,
    ColumnMask,
    GrantedTable,
    MaskKind,
    Policies,
    RowPolicy,
)
from aiser_app.domain.verdict import Allowed, Statement
from aiser_app.query.guard import judge
from tests.security.guard_queries import CANARY, TABLES, queries, rows_of

CLAIMS = Claims(organization_id="0" * 32, attributes={"region": "EU"})
GRANTED = {name: GrantedTable(name=name, columns=tuple(cs)) for name, cs in TABLES.items()}
ROWS = Policies(
    rows=(
        RowPolicy(name="region", table="t", condition="region = :region OR amount > 4"),
        RowPolicy(name="small", table="t", condition="id < 10"),
        RowPolicy(name="own", table="u", condition="(region IN (:region, 'APAC'))"),
    )
)
SEEN = {
    "t": "(region = 'EU' OR amount > 4) AND id < 10",
    "u": "region IN ('EU', 'APAC')",
}


def examples(number: int) -> settings:
    """Queries are made from a number, so there is nothing to shrink."""
    return settings(max_examples=number, deadline=None, phases=[Phase.explicit, Phase.generate])


Run = Callable[[Statement], Counter[tuple[object, ...]]]
MOST_SECONDS = 10.0
"""A random join that takes longer says nothing more than a small one: another query is made."""


def masks(kind: MaskKind) -> Policies:
    return Policies(masks=(ColumnMask(name="secret", table="t", column="SECRET", kind=kind),))


def md5(value: object) -> str | None:
    return None if value is None else hashlib.md5(str(value).encode()).hexdigest()


HIDDEN = {
    MaskKind.NULL: "NULL",
    MaskKind.CONSTANT: "'***'",
    MaskKind.HASH: "md5(secret)",
    MaskKind.PARTIAL: "'***' || substr(secret, -4)",
}


def statements(where: dict[str, str], hidden: str = "secret") -> Iterator[tuple[str, list]]:
    """Makes tables with everything, and copies of what may be seen under other names."""
    for name, columns in TABLES.items():
        types = ", ".join(f"{c} {'INTEGER' if k == 'int' else 'TEXT'}" for c, k in columns.items())
        yield f"CREATE TABLE everything_{name} ({types})", []
        marks = ", ".join("?" * len(columns))
        for row in rows_of(name):
            yield f"INSERT INTO everything_{name} VALUES ({marks})", list(row)
        shown = ", ".join(
            f"CAST({hidden} AS TEXT) AS secret" if c == "secret" else c for c in columns
        )
        yield (
            f"CREATE TABLE {name} AS SELECT {shown} FROM everything_{name} WHERE {where[name]}",
            [],
        )


def on_duckdb(closing: ExitStack, where: dict[str, str], hidden: str = "secret") -> Run:
    connection = closing.enter_context(duckdb.connect(config={"threads": 1}))
    for sql, values in statements(where, hidden):
        connection.execute(sql, values)

    def run(statement: Statement) -> Counter[tuple[object, ...]]:
        text = statement.written(lambda position, _: f"${position}")
        values = [parameter.value for parameter in statement.parameters]
        stop = threading.Timer(MOST_SECONDS, connection.interrupt)
        stop.start()
        try:
            return Counter(connection.execute(text, values).fetchall())
        except duckdb.InterruptException:
            reject()
        finally:
            stop.cancel()

    return run


def on_sqlite(closing: ExitStack, where: dict[str, str], hidden: str = "secret") -> Run:
    connection = sqlite3.connect(":memory:")
    closing.callback(connection.close)
    connection.create_function("md5", 1, md5, deterministic=True)
    for sql, values in statements(where, hidden):
        connection.execute(sql, values)

    def run(statement: Statement) -> Counter[tuple[object, ...]]:
        text = statement.written(lambda position, _: f"?{position}")
        values = [parameter.value for parameter in statement.parameters]
        ends_at = time.monotonic() + MOST_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > ends_at, 100_000)
        try:
            return Counter(connection.execute(text, values).fetchall())
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                reject()
            raise

    return run


MADE = {"duckdb": on_duckdb, "sqlite": on_sqlite}
ALL = {"t": "1 = 1", "u": "1 = 1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    dialect: str
    full: Run
    filtered: Run
    masked: dict[MaskKind, Run]


@pytest.fixture(scope="module", params=MADE)
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    make = MADE[request.param]
    with ExitStack() as closing:
        yield Database(
            dialect=request.param,
            full=make(closing, ALL),
            filtered=make(closing, SEEN),
            masked={kind: make(closing, ALL, hidden) for kind, hidden in HIDDEN.items()},
        )


def guarded(sql: str, dialect: str, policies: Policies = NO_POLICIES) -> Statement:
    verdict = judge(
        sql, dialect=dialect, tables=GRANTED, claims=CLAIMS, limit=10_000_000, policies=policies
    )
    assert isinstance(verdict, Allowed), (verdict.reason, sql)
    return verdict.statement


@examples(100)
@given(sql=queries())
def test_without_policies_the_rows_are_the_same(database: Database, sql: str) -> None:
    run = database.full
    assert run(guarded(sql, database.dialect)) == run(Statement(sql=sql))


@examples(80)
@given(sql=queries())
def test_with_row_policies_foreign_rows_do_not_exist(database: Database, sql: str) -> None:
    statement = guarded(sql, database.dialect, ROWS)
    assert database.full(statement) == database.filtered(Statement(sql=sql))


@examples(80)
@given(sql=queries(), kind=st.sampled_from(MaskKind))
def test_with_masks_the_values_do_not_exist(database: Database, sql: str, kind: MaskKind) -> None:
    statement = guarded(sql, database.dialect, masks(kind))
    rows = database.full(statement)
    assert rows == database.masked[kind](Statement(sql=sql))
    shown = [value for row in rows for value in row if isinstance(value, str)]
    written = f"'{CANARY}" in sql
    assert written or not any(CANARY in value for value in shown)


@examples(20)
@given(sql=queries())
def test_the_same_query_gets_the_same_text_and_its_own_tokens(database: Database, sql: str) -> None:
    first, second = (guarded(sql, database.dialect, ROWS) for _ in range(2))
    assert first.shown == second.shown
    tokens = {parameter.token for parameter in first.parameters}
    assert all(first.sql.count(token) == 1 for token in tokens)
    assert not tokens & {parameter.token for parameter in second.parameters}
