"""SQLite under contract."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest

from aiser_app.query.engines.sqlite import SqliteEngine
from tests.contract.engines.cases import Case, Value, a_source

SETUP = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40), height DOUBLE PRECISION, "
    "born DATE)",
    "INSERT INTO people VALUES (1, 'Ada', 1.65, '1815-12-10'), (2, 'Alan', NULL, NULL)",
    "CREATE TABLE visits (person_id INTEGER REFERENCES people (id), started TIMESTAMP)",
    "INSERT INTO visits VALUES (1, '2024-01-01 10:00:00')",
    "CREATE VIEW tall AS SELECT id, name FROM people WHERE height > 1.6",
    "CREATE INDEX visits_person ON visits (person_id)",
    "CREATE TABLE typed (big BIGINT, flag BOOLEAN, day DATE, at DATETIME, doc JSON, mixed, "
    "ratio REAL)",
    """INSERT INTO typed VALUES
       (9007199254740993, 1, '2024-02-29', '2024-01-01T10:00:00.5', '{"a":1}', 'x', 1.5),
       (NULL, NULL, NULL, NULL, NULL, 2, 9e999)""",
)
VALUES = (
    Value(sql="9007199254740993", type="integer", expected=9007199254740993),
    Value(sql="(SELECT max(big) FROM typed)", type="integer", expected=9007199254740993),
    Value(sql="1.5", type="number", expected=1.5),
    Value(sql="9e999", type="number", expected=math.inf),
    Value(sql="(SELECT flag FROM typed WHERE flag)", type="boolean", expected=True),
    Value(sql="(SELECT day FROM typed WHERE flag)", type="date", expected=date(2024, 2, 29)),
    Value(
        sql="(SELECT at FROM typed WHERE flag)",
        type="timestamp",
        expected=datetime.fromisoformat("2024-01-01T10:00:00.500"),
    ),
    Value(sql="(SELECT doc FROM typed WHERE flag)", type="json", expected='{"a":1}'),
    Value(sql="'naïve ☕'", type="string", expected="naïve ☕"),
    Value(sql="x'00ff'", type="string", expected=b"\x00\xff"),
    Value(sql="NULL", type="string", expected=None),
)
WRITES = (
    "INSERT INTO people VALUES (3, 'Eve', 1.7, NULL)",
    "UPDATE people SET name = 'Eve'",
    "DELETE FROM people",
    "DROP TABLE visits",
    "CREATE TABLE loot (id INTEGER)",
    "CREATE TEMP TABLE loot AS SELECT * FROM people",
    "SELECT * FROM people; DELETE FROM people",
    "ATTACH 'loot.db' AS loot",
    "PRAGMA query_only = OFF",
    "PRAGMA user_version = 5",
    "VACUUM INTO 'loot.db'",
    "SELECT load_extension('loot')",
    "SELECT * FROM sqlite_master",
    "BEGIN",
)
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"


@contextmanager
def sqlite_case(folder: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    file = folder / "case.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in SETUP:
            connection.execute(statement)
    engine = SqliteEngine(folder, unseal=lambda sealed: sealed)
    yield Case(
        engine=engine,
        source=a_source("sqlite", "sqlite:///case.db"),
        missing=a_source("sqlite", "sqlite:///missing.db"),
        endless=ENDLESS.format("count(*)"),
        endless_rows=ENDLESS.format("i"),
        contents=file.read_bytes,
        values=VALUES,
        writes=WRITES,
        impossible=("SELECT * FROM nothing_here", "SELECT unheard_of(1)", "SELECT 'a' + FROM"),
        describes=frozenset({"primary", "foreign", "indexes", "views"}),
        tables=frozenset({"people", "visits", "tall", "typed"}),
    )
    engine.close()
