"""SQLite: values of any type in any column, names in quotes, files that are no databases."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable, QueryInvalid
from aiser_app.query.engines.sqlite import SqliteEngine, engine
from aiser_app.query.engines.sqlite.errors import as_aiser_error, cannot_open
from aiser_app.query.engines.sqlite.opening import declared_types, with_strict_names
from aiser_app.query.results.columns import column_type
from tests.contract.engines.asking import a_statement
from tests.contract.engines.cases import a_source

SOURCE = a_source("sqlite", "sqlite:///shop.db")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteEngine]:
    made = SqliteEngine(tmp_path, unseal=lambda sealed: sealed)
    yield made
    made.close()


def fill(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def read(made: SqliteEngine, sql: str, *values: Any, source: DataSource = SOURCE) -> pa.Table:
    with made.stream(
        source, a_statement(sql, *values), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        return pa.Table.from_batches(list(stream), schema=stream.schema)


@pytest.mark.parametrize(
    ("declared", "values", "type_", "expected"),
    [
        ("INTEGER", "1, 'x'", "string", ["1", "x"]),
        ("INTEGER", "9007199254740993, NULL", "integer", [9007199254740993, None]),
        ("BOOLEAN", "1, 0, NULL", "boolean", [True, False, None]),
        ("BOOLEAN", "1, 2", "integer", [1, 2]),
        ("DATE", "'2024-02-29'", "date", [date(2024, 2, 29)]),
        ("DATE", "'2024-02-30'", "string", ["2024-02-30"]),
        ("DATE", "'29.02.2024', 5", "string", ["29.02.2024", "5"]),
        ("DATE", "19000", "integer", [19000]),
        (
            "DATETIME",
            "'2024-01-01 10:00'",
            "timestamp",
            [datetime.fromisoformat("2024-01-01T10:00")],
        ),
        (
            "TIMESTAMP",
            "'2024-01-01T10:00:00+02:00'",
            "timestamp",
            [datetime(2024, 1, 1, 8, tzinfo=UTC)],
        ),
        ("TIMESTAMP", "'2024-01-01 10:00', '2024-01-01T10:00Z'", "string", None),
        ("TIMESTAMP", "1704103200", "integer", [1704103200]),
        ("REAL", "1, 2.5", "number", [1.0, 2.5]),
        ("DECIMAL(10,2)", "1, 2.5", "number", [1.0, 2.5]),
        ("DECIMAL(10,2)", "1, 9007199254740993", "integer", [1, 9007199254740993]),
        ("NUMERIC", "1.5, 9007199254740993", "string", ["1.5", "9007199254740993"]),
        ("REAL", "9e999, 'x'", "string", ["inf", "x"]),
        ("JSON", "'{\"a\":1}'", "json", ['{"a":1}']),
        ("JSON", "x'01'", "string", [b"\x01"]),
        ("TEXT", "'a', x'00ff'", "string", ["a", "00ff"]),
        ("BLOB", "x'00ff'", "string", [b"\x00\xff"]),
        ("BLOB", "'text'", "string", ["text"]),
        ("", "1, NULL, 2", "integer", [1, None, 2]),
        ("", "1, 2.5", "number", [1.0, 2.5]),
        ("", "1, 'a', NULL", "string", ["1", "a", None]),
        ("GEOMETRY", "'a'", "string", ["a"]),
    ],
)
def test_a_column_has_one_type(
    sqlite: SqliteEngine, file: Path, declared: str, values: str, type_: str, expected: Any
) -> None:
    rows = ", ".join(f"({value})" for value in values.split(", "))
    fill(file, f"CREATE TABLE t (v {declared})", f"INSERT INTO t VALUES {rows}")
    found = read(sqlite, "SELECT v FROM t ORDER BY rowid")
    assert column_type(found.schema.field(0)) == type_
    if expected is not None:
        assert found.column(0).to_pylist() == expected


def test_a_type_is_decided_by_many_rows_and_a_later_misfit_is_said(
    sqlite: SqliteEngine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOOK_AHEAD_ROWS", 25)
    monkeypatch.setattr(engine, "BATCH_ROWS", 10)
    fill(file, "CREATE TABLE t (v)", *(f"INSERT INTO t VALUES ({number})" for number in range(60)))
    assert read(sqlite, "SELECT v FROM t").column(0).to_pylist() == list(range(60))
    fill(file, "INSERT INTO t VALUES ('x')")
    with pytest.raises(QueryInvalid, match="column v holds values of different types") as caught:
        read(sqlite, "SELECT v FROM t")
    assert caught.value.hint == "Write CAST(v AS TEXT) to read all of them."
    assert read(sqlite, "SELECT CAST(v AS TEXT) AS v FROM t").num_rows == 61


def test_a_result_without_rows_keeps_declared_types(sqlite: SqliteEngine, file: Path) -> None:
    fill(file, "CREATE TABLE t (a INTEGER, b DATE, c REAL, d)")
    found = read(sqlite, "SELECT * FROM t")
    assert [column_type(field) for field in found.schema] == ["integer", "date", "number", "string"]


@pytest.mark.parametrize(
    ("sql", "strict"),
    [
        ('SELECT "a b" FROM "t"', "SELECT `a b` FROM `t`"),
        ("""SELECT '"x"' AS "y" """, """SELECT '"x"' AS `y` """),
        ("""SELECT 'it''s "x"', "a""b" """, """SELECT 'it''s "x"', `a"b` """),
        ('SELECT "a`b"', "SELECT `a``b`"),
        ('SELECT `a"b`, `c``"d"`', 'SELECT `a"b`, `c``"d"`'),
        ('SELECT "open', 'SELECT "open'),
        ("SELECT 'open", "SELECT 'open"),
        ('SELECT ""', "SELECT ``"),
        ('SELECT "', 'SELECT "'),
    ],
)
def test_names_stay_names(sql: str, strict: str) -> None:
    assert with_strict_names(sql) == strict


def test_a_misspelled_name_in_quotes_is_an_error(sqlite: SqliteEngine, file: Path) -> None:
    fill(file, "CREATE TABLE people (name TEXT)", "INSERT INTO people VALUES ('Ada')")
    with pytest.raises(QueryInvalid) as caught:
        read(sqlite, 'SELECT "nam" FROM people')
    assert caught.value.hint == "Did you mean people.name?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("5"), 5),
        (Decimal("5.25"), 5.25),
        (True, 1),
        (date(2024, 1, 1), "2024-01-01"),
        (datetime.fromisoformat("2024-01-01T10:00"), "2024-01-01 10:00:00"),
        (2**63 - 1, 2**63 - 1),
        (math.inf, math.inf),
    ],
)
def test_values_are_bound_in_sqlites_types(
    sqlite: SqliteEngine, file: Path, value: Any, expected: Any
) -> None:
    fill(file, "CREATE TABLE t (v)")
    assert read(sqlite, "SELECT {} AS v", value).column(0).to_pylist() == [expected]


def test_an_integer_that_sqlite_has_no_room_for_is_invalid(
    sqlite: SqliteEngine, file: Path
) -> None:
    fill(file, "CREATE TABLE t (v)")
    with pytest.raises(QueryInvalid):
        read(sqlite, "SELECT {} AS v", 2**63)


def test_what_is_no_query_is_invalid(sqlite: SqliteEngine, file: Path) -> None:
    fill(file, "CREATE TABLE t (v)")
    for sql in ("", "-- nothing"):
        with pytest.raises(QueryInvalid):
            read(sqlite, sql)


def test_a_file_that_is_no_database(sqlite: SqliteEngine, file: Path) -> None:
    file.write_bytes(b"PK\x03\x04" * 500)
    for use in (lambda: read(sqlite, "SELECT 1"), lambda: sqlite.describe(SOURCE)):
        with pytest.raises(EngineUnavailable, match="cannot be opened"):
            use()
    report = sqlite.test(SOURCE)
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.SIGN_IN
    assert report.failed_step.message == "The file is not a SQLite database."


def test_a_file_without_tables_fails_the_rights(sqlite: SqliteEngine, file: Path) -> None:
    fill(file, "CREATE TABLE t (v)", "DROP TABLE t")
    report = sqlite.test(SOURCE)
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.RIGHTS


def test_a_file_out_of_the_folder_is_unavailable(sqlite: SqliteEngine) -> None:
    source = replace(SOURCE, sealed_url="sqlite:///../shop.db")
    with pytest.raises(EngineUnavailable):
        read(sqlite, "SELECT 1", source=source)
    assert not sqlite.test(source).is_ok


def test_a_file_that_somebody_writes_to_is_busy(
    sqlite: SqliteEngine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(file, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        report = sqlite.test(SOURCE)
        assert report.failed_step is not None
        assert "Another program is writing" in report.failed_step.message
        writer.execute("ROLLBACK")
    assert read(sqlite, "SELECT v FROM t").num_rows == 1


def test_the_catalog_of_everything_sqlite_has(sqlite: SqliteEngine, file: Path) -> None:
    fill(
        file,
        "CREATE TABLE a (x INTEGER, y TEXT, PRIMARY KEY (y, x))",
        'CREATE TABLE "odd name" (id INTEGER PRIMARY KEY, x INT, y TEXT, '
        "FOREIGN KEY (y, x) REFERENCES a, FOREIGN KEY (x) REFERENCES gone (id))",
        'CREATE INDEX i ON "odd name" (y, lower(y), x)',
        'CREATE INDEX j ON "odd name" (x) WHERE x > 1',
        'CREATE INDEX k ON "odd name" (lower(y))',
        "CREATE TABLE lost (z REFERENCES nowhere)",
        'CREATE VIEW "as view" (n) AS SELECT x FROM a;',
        "CREATE VIEW broken AS SELECT * FROM nothing_here",
        "INSERT INTO a VALUES (1, 'a'), (2, 'b')",
        "ANALYZE",
    )
    tables = {table.name: table for table in sqlite.describe(SOURCE)}
    assert set(tables) == {"a", "odd name", "as view", "lost"}
    assert tables["a"].primary_key == ("y", "x")
    assert tables["a"].row_estimate == 2
    odd = tables["odd name"]
    assert set(odd.foreign_keys) == {
        (("y", "x"), "a", ("y", "x")),
        (("x",), "gone", ("id",)),
    }
    assert odd.indexes == (("id",), ("y",))
    assert tables["lost"].foreign_keys == ()
    assert tables["as view"].is_view
    assert tables["as view"].definition == "SELECT x FROM a"


def test_a_plan_reads_as_a_tree(sqlite: SqliteEngine, file: Path) -> None:
    fill(file, "CREATE TABLE t (v)")
    statement = a_statement("SELECT * FROM t UNION SELECT v FROM t WHERE v = {}", 1)
    plan = sqlite.explain(SOURCE, statement, actual=False, timeout_seconds=5, cancel=CancelToken())
    assert plan is not None
    assert "\n  " in plan.text
    assert "SCAN t" in plan.text


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_BUSY_SNAPSHOT", EngineUnavailable, "Another program"),
        ("SQLITE_CORRUPT", EngineUnavailable, "cannot be read"),
        ("SQLITE_IOERR_READ", EngineUnavailable, "cannot be read"),
        ("SQLITE_READONLY", QueryInvalid, "Only reading"),
        ("SQLITE_TOOBIG", QueryInvalid, "more memory"),
        ("SQLITE_ERROR", QueryInvalid, "Some words"),
    ],
)
def test_errors_by_their_name(name: str, kind: type[Exception], words: str) -> None:
    error = sqlite3.OperationalError("some words")
    error.sqlite_errorname = name
    found = as_aiser_error(error, list)
    assert type(found) is kind
    assert words in found.message


def test_errors_without_a_name() -> None:
    assert "more memory" in as_aiser_error(MemoryError(), list).message
    assert "cannot be opened" in cannot_open(sqlite3.OperationalError("?"))


def test_what_cannot_be_opened_declares_nothing(tmp_path: Path) -> None:
    assert declared_types(tmp_path / "missing.db", "SELECT 1") == []


def test_a_hint_is_not_worth_an_error(
    sqlite: SqliteEngine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(file, "CREATE TABLE t (v)")

    def broken(_: Path) -> None:
        raise sqlite3.DatabaseError

    monkeypatch.setattr(engine, "_schema", broken)
    with pytest.raises(QueryInvalid) as caught:
        read(sqlite, "SELECT nam FROM t")
    assert caught.value.hint is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM pragma_database_list",
        "SELECT fts3_tokenizer('simple')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT sql FROM sqlite_schema",
        "PRAGMA writable_schema = 1",
        "ATTACH ':memory:' AS m",
        "SAVEPOINT s",
        "ANALYZE",
        "REINDEX",
    ],
)
def test_only_reading_is_possible(sqlite: SqliteEngine, file: Path, sql: str) -> None:
    fill(file, "CREATE TABLE t (v)")
    before = file.read_bytes()
    with pytest.raises(QueryInvalid):
        read(sqlite, sql)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["shop.db"]
