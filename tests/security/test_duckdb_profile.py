"""The locked profile holds on its own, should a query ever get past the guard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from aiser_app.query.engines.duckdb import open_locked

DENIED = [
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "COPY (SELECT 1) TO '{database}'",
    "COPY rows FROM '{secret}'",
    "EXPORT DATABASE '{folder}/export'",
    "IMPORT DATABASE '{folder}/export'",
    "ATTACH '{other}' AS other",
    "ATTACH '{folder}/new.duckdb' AS fresh",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{folder}/evil.duckdb_extension'",
    "SELECT * FROM 'https://example.com/x.csv'",
    "SET enable_external_access = true",
    "SET GLOBAL enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET autoinstall_known_extensions = true",
    "SET allow_community_extensions = true",
    "SET python_enable_replacements = true",
    "SET TimeZone = 'Asia/Tokyo'",
    "PRAGMA enable_profiling",
    "PRAGMA memory_limit = '100GB'",
    "SELECT * FROM worker_secrets",
    "INSERT INTO rows VALUES (2)",
    "UPDATE rows SET a = 2",
    "DELETE FROM rows",
    "DROP TABLE rows",
    "ALTER TABLE rows ADD COLUMN b INTEGER",
    "CREATE TABLE more AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by all: each test checks that nothing in it has changed."""
    tmp_path = tmp_path_factory.mktemp("profile")
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    for name in ("data.duckdb", "other.duckdb"):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute("CREATE TABLE rows AS SELECT 1 AS a")
    return tmp_path


@pytest.fixture
def locked(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_locked(
        str(folder / "data.duckdb"), read_only=True, memory_limit="256MB", threads=1
    ) as connection:
        yield connection


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    connection.execute(sql).fetchall()


def run_relation(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """As the engine does."""
    found = connection.sql(sql)
    assert found is not None
    found.to_arrow_reader(10).read_all()


@pytest.mark.parametrize("template", DENIED)
@pytest.mark.parametrize("way", ["connection", "cursor", "relation"])
def test_denied_by_duckdb_itself(
    template: str, way: str, locked: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    worker_secrets = [{"password": "hunter2"}]
    before = files(folder)
    connection = locked if way == "connection" else locked.cursor()
    sql = template.format(
        secret=folder / "secret.csv",
        folder=folder,
        database=folder / "data.duckdb",
        other=folder / "other.duckdb",
    )
    run = run_relation if way == "relation" else run_statement
    with pytest.raises(duckdb.Error):
        run(connection, sql)
    assert files(folder) == before
    assert worker_secrets


def test_reading_its_own_tables_works(locked: duckdb.DuckDBPyConnection) -> None:
    assert locked.cursor().execute("SELECT a FROM rows").fetchall() == [(1,)]


def test_memory_is_bounded(locked: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        locked.cursor().execute(
            "SELECT len(list(md5(range::VARCHAR))) FROM range(20000000)"
        ).fetchall()


def test_times_do_not_depend_on_the_machine(locked: duckdb.DuckDBPyConnection) -> None:
    found = locked.cursor().execute("SELECT current_setting('TimeZone')").fetchall()
    assert found == [("UTC",)]
