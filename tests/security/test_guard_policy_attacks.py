"""Rows and values of others are out of reach, whatever a query tries; on real databases, in process."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import duckdb
import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import ColumnMask, GrantedTable, MaskKind, Policies, RowPolicy
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.query.guard import judge

FOREIGN = "FOREIGN-CANARY"
SECRET = "SECRET-CANARY"
COLUMNS = ("id", "owner", "secret")
TABLES = {
    "t": GrantedTable(name="t", columns=COLUMNS),
    "u": GrantedTable(name="u", columns=("id", "label")),
    "v": GrantedTable(name="v", columns=COLUMNS, is_view=True, depends_on=("t",)),
    "w": GrantedTable(name="w", columns=COLUMNS, is_view=True, depends_on=None),
}
POLICIES = Policies(
    rows=(RowPolicy(name="own", table="t", condition="owner = :owner"),),
    masks=(ColumnMask(name="hide", table="t", column="secret", kind=MaskKind.CONSTANT),),
)
CLAIMS = Claims(organization_id="0" * 32, attributes={"owner": "me"})

ROWS = [(1, "me", f"{SECRET}-1"), (2, FOREIGN, f"{SECRET}-2"), (3, None, f"{SECRET}-3")]
SETUP = [
    "CREATE TABLE t (id INTEGER, owner TEXT, secret TEXT)",
    *(f"INSERT INTO t VALUES ({i}, {'NULL' if o is None else repr(o)}, '{s}')" for i, o, s in ROWS),
    "CREATE TABLE u (id INTEGER, label TEXT)",
    "INSERT INTO u VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    "CREATE VIEW v AS SELECT * FROM t",
    "CREATE VIEW w AS SELECT * FROM t",
]

ATTACKS = [
    "SELECT * FROM t",
    'SELECT * FROM "T"',
    "SELECT * FROM main.t",
    "SELECT main.t.id, main.t.owner, main.t.secret FROM main.t",
    "SELECT t.* FROM t WHERE 1 = 1 OR owner IS NOT NULL",
    "SELECT * FROM t WHERE owner <> 'me'",
    "SELECT * FROM t WHERE owner IS NULL",
    "SELECT * FROM t -- WHERE\n",
    "SELECT * FROM t AS x(owner, id, secret)",
    "SELECT 'me' AS owner, secret FROM t",
    "SELECT * FROM (SELECT 'me' AS owner) AS o, t",
    "SELECT o.owner, (SELECT max(secret) FROM t) FROM (SELECT 'me' AS owner) AS o",
    "SELECT u.id, (SELECT max(owner) FROM t WHERE t.id = u.id) FROM u",
    "SELECT u.id FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id = u.id)",
    "SELECT u.id FROM u WHERE u.id IN (SELECT id FROM t)",
    "SELECT u.id, t.secret FROM u LEFT JOIN t ON t.id = u.id WHERE t.id IS NOT NULL",
    "SELECT a.secret, b.secret FROM t AS a JOIN t AS b ON a.id <= b.id",
    "SELECT a.secret FROM t AS a, t AS b",
    "WITH x AS (SELECT * FROM t) SELECT * FROM x",
    "WITH x AS (SELECT * FROM t), y AS (SELECT * FROM x UNION ALL SELECT * FROM t) SELECT * FROM y",
    "WITH RECURSIVE r AS (SELECT id, secret FROM t UNION SELECT t.id, t.secret FROM t, r) "
    "SELECT * FROM r",
    "SELECT secret FROM t UNION SELECT label FROM u WHERE 1 = 0",
    "SELECT label FROM u WHERE 1 = 0 UNION ALL SELECT secret FROM t",
    "SELECT count(*) FROM t",
    "SELECT sum(id), min(id), max(id) FROM t",
    "SELECT owner, count(*) FROM t GROUP BY owner",
    "SELECT count(*) FROM u HAVING count(*) > (SELECT count(*) FROM t)",
    "SELECT id FROM u ORDER BY (SELECT max(secret) FROM t)",
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM t WHERE owner <> 'me') THEN 'leak' ELSE 'no' END",
    f"SELECT id FROM t WHERE secret LIKE '{SECRET}%'",
    f"SELECT count(*) FROM t WHERE substr(secret, 1, 6) = '{SECRET[:6]}'",
    "SELECT max(secret) OVER (), row_number() OVER (ORDER BY secret) FROM t",
    "SELECT id FROM t ORDER BY secret DESC LIMIT 1",
    "SELECT (SELECT group_concat(secret, ',') FROM t)",
    "SELECT x.secret FROM (SELECT * FROM (SELECT secret FROM t) AS y) AS x",
    "SELECT * FROM t AS a WHERE a.id = (SELECT max(b.id) FROM t AS b)",
    "SELECT t.owner FROM t JOIN u USING (id)",
    "SELECT t.owner FROM t NATURAL JOIN u",
    "SELECT * FROM (t JOIN u ON t.id = u.id)",
    "SELECT * FROM u JOIN (t CROSS JOIN u AS z) ON 1 = 1",
]

REFUSED = [
    "SELECT * FROM v",
    "SELECT * FROM w",
    "SELECT * FROM main.V",
    "WITH x AS (SELECT secret FROM v) SELECT * FROM x",
    "WITH t AS (SELECT 1 AS id) SELECT * FROM t",
    "WITH t AS (SELECT 1 AS id) SELECT * FROM main.t",
    "SELECT * FROM u AS aiser_rows, t",
    "SELECT owner AS aiser_rows FROM t",
    "WITH aiser_rows AS (SELECT 'me' AS owner) SELECT * FROM aiser_rows, t",
    "SELECT * FROM temp.t",
    "SELECT * FROM t; SELECT * FROM t",
]

Run = Callable[[Allowed], list[tuple[object, ...]]]


@pytest.fixture(scope="module", params=["duckdb", "sqlite"])
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, Run, Run]]:
    """A dialect, and how to run on everything and on what may be seen."""
    filtered = ["DELETE FROM t WHERE owner IS NULL OR owner <> 'me'", "UPDATE t SET secret = '***'"]
    made = duck if request.param == "duckdb" else lite
    with ExitStack() as closing:
        yield request.param, made(closing, SETUP), made(closing, [*SETUP, *filtered])


def duck(closing: ExitStack, statements: list[str]) -> Run:
    connection = closing.enter_context(duckdb.connect(config={"threads": 1}))
    for sql in statements:
        connection.execute(sql)

    def run(verdict: Allowed) -> list[tuple[object, ...]]:
        statement = verdict.statement
        text = statement.written(lambda position, _: f"${position}")
        return connection.execute(text, [p.value for p in statement.parameters]).fetchall()

    return run


def lite(closing: ExitStack, statements: list[str]) -> Run:
    connection = sqlite3.connect(":memory:")
    closing.callback(connection.close)
    for sql in statements:
        connection.execute(sql)

    def run(verdict: Allowed) -> list[tuple[object, ...]]:
        statement = verdict.statement
        text = statement.written(lambda position, _: f"?{position}")
        return connection.execute(text, [p.value for p in statement.parameters]).fetchall()

    return run


def decide(sql: str, dialect: str, policies: Policies = POLICIES) -> Allowed | Denied:
    return judge(sql, dialect=dialect, tables=TABLES, claims=CLAIMS, limit=1_000, policies=policies)


@pytest.mark.parametrize("sql", ATTACKS, ids=lambda sql: sql[:60])
def test_only_what_may_be_seen_is_seen(sql: str, database: tuple[str, Run, Run]) -> None:
    dialect, everything, seen = database
    if dialect == "sqlite" and "AS x(" in sql:
        sql = "SELECT x.* FROM t AS x"  # SQLite has no names of columns there
    verdict = decide(sql, dialect)
    assert isinstance(verdict, Allowed), verdict
    unguarded = decide(sql, dialect, Policies())
    assert isinstance(unguarded, Allowed)
    rows = everything(verdict)
    assert sorted(rows, key=repr) == sorted(seen(unguarded), key=repr)
    assert FOREIGN not in repr(rows)
    assert SECRET not in repr(rows)
    assert set(verdict.policies) == {"own", "hide"}


@pytest.mark.parametrize("sql", REFUSED, ids=lambda sql: sql[:60])
def test_what_could_reach_more_is_refused(sql: str, database: tuple[str, Run, Run]) -> None:
    assert isinstance(decide(sql, database[0]), Denied)


def test_an_actor_without_the_attribute_sees_nothing(database: tuple[str, Run, Run]) -> None:
    stranger = Claims(organization_id="0" * 32)
    verdict = judge(
        "SELECT * FROM t",
        dialect=database[0],
        tables=TABLES,
        claims=stranger,
        limit=10,
        policies=POLICIES,
    )
    assert isinstance(verdict, Denied)
    assert "owner" in verdict.reason


@pytest.mark.parametrize("owner", ["' OR '1' = '1", "me' --", "%", "_e", ":owner", "NULL"])
def test_an_attribute_is_a_value(owner: str, database: tuple[str, Run, Run]) -> None:
    dialect, everything, _ = database
    claims = Claims(organization_id="0" * 32, attributes={"owner": owner})
    verdict = judge(
        "SELECT * FROM t",
        dialect=dialect,
        tables=TABLES,
        claims=claims,
        limit=10,
        policies=POLICIES,
    )
    assert isinstance(verdict, Allowed)
    assert everything(verdict) == []
    assert [parameter.value for parameter in verdict.statement.parameters] == [owner]
