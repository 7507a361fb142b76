"""What is particular to DuckDB files: locked, shared within a process, noticed when replaced."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pyarrow as pa
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.verdict import Statement
from aiser_app.errors import EngineUnavailable, QueryInvalid
from aiser_app.query.engines.duckdb import DuckDBEngine, _started
from aiser_app.query.engines.duckdb_errors import as_aiser_error
from aiser_app.query.engines.duckdb_schema import column_type
from aiser_app.query.engines.interruption import Watchdog
from tests.unit.query.builders import a_source, database


def values(engine: DuckDBEngine, sql: str, path: str = "data.duckdb", seconds: float = 20) -> list:
    with engine.stream(
        a_source(path), Statement(sql=sql), timeout_seconds=seconds, cancel=CancelToken()
    ) as stream:
        return [value for batch in stream for value in batch.column(0).to_pylist()]


def replace_file(folder: Path, value: int) -> None:
    with duckdb.connect(str(folder / "next.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {value} AS a")
    (folder / "next.duckdb").replace(folder / "data.duckdb")


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    with database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, _):
        assert values(engine, "SELECT a FROM t") == [1]
        assert values(engine, "SELECT a FROM t") == [1]
        replace_file(tmp_path, 2)
        assert values(engine, "SELECT a FROM t") == [2]


def test_a_replaced_file_waits_for_queries_of_the_old_one(tmp_path: Path) -> None:
    found: list[list[int]] = []
    with database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, source):
        reading = engine.stream(
            source, Statement(sql="SELECT a FROM t"), timeout_seconds=20, cancel=CancelToken()
        )
        with reading as stream:
            replace_file(tmp_path, 2)
            with pytest.raises(EngineUnavailable) as caught:
                values(engine, "SELECT a FROM t", seconds=0.1)
            assert caught.value.retryable
            waiting = threading.Thread(
                target=lambda: found.append(values(engine, "SELECT a FROM t"))
            )
            waiting.start()
            assert [batch.num_rows for batch in stream] == [1]
        waiting.join(timeout=20)
    assert found == [[2]]


def test_a_forked_process_opens_its_own_connection(tmp_path: Path) -> None:
    with database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, _):
        assert values(engine, "SELECT a FROM t") == [1]
        inherited = dict(engine._files)
        engine._pid = os.getpid() + 1  # as if the engine had come here through a fork
        (tmp_path / "copy.duckdb").write_bytes((tmp_path / "data.duckdb").read_bytes())
        assert values(engine, "SELECT a FROM t", "copy.duckdb") == [1]
        assert engine._pid == os.getpid()
        assert len(engine._files) == 1
        for opened in inherited.values():
            opened.connection.close()


@pytest.mark.parametrize(
    "path", ["", ".", "missing.duckdb", "../data.duckdb", "/etc/passwd", "sub/../../data.duckdb"]
)
def test_only_files_of_the_data_folder_are_opened(tmp_path: Path, path: str) -> None:
    inner = tmp_path / "sources"
    inner.mkdir()
    (tmp_path / "data.duckdb").write_bytes(b"")
    with pytest.raises(EngineUnavailable) as caught:
        values(DuckDBEngine(inner), "SELECT 1", path)
    assert str(tmp_path) not in caught.value.message


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inner = tmp_path / "sources"
    inner.mkdir()
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    (inner / "link.duckdb").symlink_to(tmp_path / "other.duckdb")
    with pytest.raises(EngineUnavailable):
        values(DuckDBEngine(inner), "SELECT 1", "link.duckdb")


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "data.duckdb").write_bytes(b"x" * 5_000)
    with pytest.raises(EngineUnavailable) as caught:
        values(DuckDBEngine(tmp_path), "SELECT 1")
    assert "/" not in caught.value.message


def test_a_file_that_vanishes_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, source):
        monkeypatch.setattr(engine, "_path", lambda _: tmp_path / "gone.duckdb")
        with pytest.raises(EngineUnavailable):
            engine.describe(source)


def test_variables_of_the_process_are_no_tables(tmp_path: Path) -> None:
    worker_secrets = pa.table({"password": ["hunter2"]})
    with (
        database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, _),
        pytest.raises(QueryInvalid),
    ):
        values(engine, "SELECT password FROM worker_secrets")
    assert worker_secrets.num_rows == 1


def test_a_statement_without_rows_is_invalid(tmp_path: Path) -> None:
    with (
        database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, _),
        pytest.raises(QueryInvalid),
    ):
        values(engine, "")


def test_several_statements_are_invalid(tmp_path: Path) -> None:
    with (
        database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, _),
        pytest.raises(QueryInvalid),
    ):
        values(engine, "SELECT a FROM t; SELECT a + 1 FROM t")


def test_the_long_way_gives_the_same_rows() -> None:
    """If a later DuckDB has no `_submit`, or has it under another name."""
    sql = "SELECT range AS a, $1 || range AS b FROM range(25000) WHERE range >= $2"
    with duckdb.connect() as connection:
        short = _started(connection.cursor(), sql, ["x", 5]).read_all()
        public = cast(duckdb.DuckDBPyConnection, SimpleNamespace(sql=connection.sql))
        assert _started(public, sql, ["x", 5]).read_all() == short
        assert short.num_rows == 24_995
        with pytest.raises(duckdb.InvalidInputException, match="not a query"):
            _started(public, "", [])


def test_too_much_memory_is_the_query_s_fault(tmp_path: Path) -> None:
    with database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a"):
        engine = DuckDBEngine(tmp_path, memory_limit="64MB", threads=1)
        with pytest.raises(QueryInvalid) as caught:
            values(engine, "SELECT len(list(md5(range::VARCHAR))) FROM range(20000000)")
        engine.close()
    assert "memory" in caught.value.message


def test_rows_stream_before_the_query_ends(tmp_path: Path) -> None:
    with (
        database(tmp_path, "CREATE TABLE t AS SELECT 1 AS a") as (engine, source),
        engine.stream(
            source,
            Statement(sql="SELECT range AS a FROM range(1000000000000)"),
            timeout_seconds=20,
            cancel=CancelToken(),
        ) as stream,
    ):
        assert next(iter(stream)).num_rows > 0


def test_comments_keys_and_schemas_are_described(tmp_path: Path) -> None:
    statements = (
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE children (a INTEGER REFERENCES parents (id), b DECIMAL(9, 2), c INTEGER[], d "
        "TIMESTAMPTZ, e JSON, f TIME)",
        "COMMENT ON TABLE children IS 'Small ones'",
        "COMMENT ON COLUMN children.b IS 'Pocket money in EUR'",
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id INTEGER)",
        'CREATE TABLE "odd.name" (id INTEGER)',
        "CREATE VIEW small AS SELECT a FROM children",
    )
    with database(tmp_path, *statements) as (engine, source):
        tables = {table.name: table for table in engine.describe(source)}
    assert set(tables) == {"parents", "children", "sales.orders", "main.odd.name", "small"}
    children = tables["children"]
    assert children.description == "Small ones"
    assert children.foreign_keys == ((("a",), "parents", ("id",)),)
    assert [column.type for column in children.columns] == [
        "integer", "decimal", "json", "timestamp", "json", "string",
    ]  # fmt: skip
    assert children.columns[1].description == "Pocket money in EUR"
    assert tables["parents"].primary_key == ("id",)
    assert tables["small"].row_estimate is None


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("UHUGEINT", "integer"),
        ("FLOAT", "number"),
        ("DECIMAL(18,3)", "decimal"),
        ("STRUCT(a INTEGER)", "json"),
        ("MAP(VARCHAR, INTEGER)", "json"),
        ("INTEGER[3]", "json"),
        ("TIMESTAMP_NS", "timestamp"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("ENUM('a', 'b')", "string"),
        ("UUID", "string"),
        ("BOOLEAN", "boolean"),
        ("SOMETHING NEW", "string"),
    ],
)
def test_types(native: str, expected: str) -> None:
    assert column_type(native) == expected


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (duckdb.IOException("IO Error: Cannot open /srv/x"), EngineUnavailable, "failed"),
        (duckdb.InternalException("INTERNAL Error: x"), EngineUnavailable, "failed"),
        (duckdb.Error("Binder Error: no /srv/secret/file.csv here"), QueryInvalid, "no … here"),
        (duckdb.Error("Binder Error: " + "x" * 900), QueryInvalid, "xxx"),
        (duckdb.Error(""), QueryInvalid, "cannot run"),
        (pa.ArrowInvalid("something else"), QueryInvalid, "something else"),
    ],
)
def test_errors_become_ours(error: Exception, kind: type, words: str) -> None:
    found = as_aiser_error(error, ())
    assert type(found) is kind
    assert words in found.message
    assert len(found.message) <= 300
    assert "/srv" not in found.message


def test_a_column_like_no_other_gets_no_hint() -> None:
    error = duckdb.Error('Binder Error: Referenced column "zzz" not found in FROM clause!')
    assert as_aiser_error(error, ()).hint is None
    other = duckdb.Error("Binder Error: something not found")
    assert as_aiser_error(other, ()).hint is None


def test_an_interrupt_that_came_too_early_is_repeated() -> None:
    enough = threading.Event()
    calls: list[int] = []

    def interrupt() -> None:
        calls.append(1)
        if len(calls) == 3:
            enough.set()

    cancel = CancelToken()
    with Watchdog(interrupt, 20, cancel):
        cancel.cancel()
        assert enough.wait(10)
    assert len(calls) >= 3


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(a AS INTEGER) FROM t",
        "SELECT CAST(a AS DECIMAL(3, 1)) FROM t",
        "SELECT CAST(a AS DATE) FROM t",
        "SELECT strptime(a, '%Y') FROM t",
        "SELECT CAST(n AS TINYINT) FROM t",
        "SELECT n * 9223372036854775807 FROM t",
    ],
)
def test_a_value_that_cannot_be_used_is_not_told(tmp_path: Path, sql: str) -> None:
    table = "CREATE TABLE t AS SELECT 'canary''s secret' AS a, 424242 AS n"
    with database(tmp_path, table) as (engine, _), pytest.raises(QueryInvalid) as caught:
        values(engine, sql)
    told = f"{caught.value.message} {caught.value.hint}"
    assert "canary" not in told
    assert "secret" not in told
    assert "424242" not in told
