"""The sample: complete, right in its types and times, and never half there."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable
from aiser_app.query import sample
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.sample import FILE_NAME, ensure_sample
from aiser_app.query.sample_tables import TABLES


@pytest.fixture(scope="module")
def connection(sample_db: Path) -> duckdb.DuckDBPyConnection:
    """A copy, because a file that an engine has open cannot be opened in another way."""
    copy = sample_db.with_name("for_reading.duckdb")
    copy.write_bytes(sample_db.read_bytes())
    return duckdb.connect(str(copy), read_only=True)


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    return connection.cursor().execute(sql).fetchall()[0]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("flights", 336_776),
        ("weather", 26_115),
        ("airports", 1_458),
        ("planes", 3_322),
        ("airlines", 16),
    ],
)
def test_all_rows_are_there(connection: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    assert one(connection, f"SELECT count(*) FROM {table}") == (rows,)


def test_na_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    found = one(
        connection,
        "SELECT count(*) FILTER (WHERE dep_delay IS NULL), count(*) FILTER (WHERE arr_delay IS NULL), "
        "count(*) FILTER (WHERE tailnum IS NULL), count(*) FILTER (WHERE tailnum = 'NA') FROM flights",
    )
    assert found == (8_255, 9_430, 2_512, 0)
    assert one(connection, "SELECT count(*) FROM planes WHERE year IS NULL") == (70,)


def test_numbers_are_right(connection: duckdb.DuckDBPyConnection) -> None:
    mean, distance = one(connection, "SELECT avg(arr_delay), sum(distance) FROM flights")
    assert mean == pytest.approx(6.895377, abs=1e-6)
    assert distance == 350_217_607


@pytest.mark.parametrize("table", ["flights", "weather"])
def test_time_hour_agrees_with_the_parts_of_the_date(
    connection: duckdb.DuckDBPyConnection, table: str
) -> None:
    sql = (
        f"SELECT count(*), any_value(typeof(time_hour)) FILTER (true) FROM {table} "
        "WHERE time_hour IS DISTINCT FROM make_timestamp(year, month, day, hour, 0, 0)"
    )
    assert one(connection, sql)[0] == 0
    kind = one(connection, f"SELECT typeof(time_hour) FROM {table} LIMIT 1")
    assert kind == ("TIMESTAMP",)


def test_every_column_is_described(sample_engine: DuckDBEngine, sample_source: DataSource) -> None:
    described = {table.name: table for table in sample_engine.describe(sample_source)}
    assert set(described) == {table.name for table in TABLES}
    for table in TABLES:
        found = described[table.name]
        assert found.description == table.description
        assert {column.name: column.description for column in found.columns} == table.comments
        assert set(table.columns) == set(table.comments)


def test_the_file_is_private_and_alone(sample_db: Path) -> None:
    assert sample_db.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sample_db.parent.glob(".building*")] == []


def test_making_it_again_does_nothing(sample_db: Path) -> None:
    before = sample_db.stat()
    started = time.monotonic()
    assert ensure_sample(sample_db.parent) == sample_db
    assert time.monotonic() - started < 0.5
    assert sample_db.stat().st_mtime_ns == before.st_mtime_ns


def test_another_edition_replaces_the_file(
    tmp_path: Path, sample_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / FILE_NAME
    target.write_bytes(b"older edition")
    (tmp_path / sample._MARK).write_text("0")
    ensure_sample(tmp_path)
    with duckdb.connect(str(target), read_only=True) as connection:
        assert one(connection, "SELECT count(*) FROM flights") == (336_776,)


KILLED = """
import os, signal, sys
from pathlib import Path
from aiser_app.query import sample
loads = []
original = sample._load
def load(connection, table, file):
    original(connection, table, file)
    loads.append(table)
    if len(loads) == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
sample._load = load
replace = Path.replace
def killing(self, target):
    if {at_rename}:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = killing
sample.ensure_sample(Path(sys.argv[1]))
"""


@pytest.mark.parametrize(("after", "at_rename"), [(3, False), (99, True)])
def test_a_process_killed_on_the_way_leaves_no_half_file(
    tmp_path: Path, after: int, at_rename: bool
) -> None:
    script = KILLED.format(after=after, at_rename=at_rename)
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / FILE_NAME).exists()
    assert list(tmp_path.glob(".building*"))
    ensure_sample(tmp_path)
    assert not list(tmp_path.glob(".building*"))
    with duckdb.connect(str(tmp_path / FILE_NAME), read_only=True) as connection:
        assert one(connection, "SELECT count(*) FROM flights") == (336_776,)


def test_a_process_killed_before_the_mark_builds_again(tmp_path: Path, sample_db: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(sample_db.read_bytes())
    before = (tmp_path / FILE_NAME).stat().st_ino
    ensure_sample(tmp_path)
    assert (tmp_path / FILE_NAME).stat().st_ino != before


def test_callers_may_race(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=ensure_sample, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        sample._MARK, ".sample.lock", FILE_NAME,
    ]  # fmt: skip


def test_a_missing_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_PACKAGE", "no_such_package_at_all")
    with pytest.raises(EngineUnavailable) as caught:
        ensure_sample(tmp_path)
    assert "no_such_package_at_all" in (caught.value.hint or "")


def test_a_damaged_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "flights.csv.zip").write_bytes(b"no zip")
    monkeypatch.setattr(sample, "_data_dir", lambda: data)
    with pytest.raises(EngineUnavailable):
        ensure_sample(tmp_path / "sources")
    assert not (tmp_path / "sources" / FILE_NAME).exists()
