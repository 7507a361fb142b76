"""The one way: judged, run, stored, recorded, and nothing left behind when a step fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.result import Column, Result
from aiser_app.errors import (
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRequest, QueryRouter
from tests.unit.query.builders import ORGANIZATION, a_source, an_actor, database

SETUP = (
    "CREATE TABLE numbers AS SELECT range AS n, 'x' AS text FROM range(1000)",
    "CREATE TABLE secret AS SELECT 'hunter2' AS password",
)


class Gate:
    """A router with everything around it."""

    def __init__(self, engine: DuckDBEngine, folder: Path) -> None:
        self.folder = folder
        self.results = ResultStore(folder / "results")
        self.recorded: list[Result] = []
        self.router = QueryRouter({"duckdb": engine}, self.results, self.recorded.append)

    def run(self, sql: str, cancel: CancelToken | None = None, **changes: object) -> Result:
        request = QueryRequest(
            actor=an_actor(),
            source=a_source(),
            tables=("numbers",),
            sql=sql,
            limit=100,
            timeout_seconds=20,
            purpose="test",
        )
        return self.router.run(replace(request, **changes), cancel or CancelToken())

    def files(self) -> list[Path]:
        return [path for path in (self.folder / "results").rglob("*") if path.is_file()]


@contextmanager
def a_gate(folder: Path) -> Iterator[Gate]:
    with database(folder, *SETUP) as (engine, _):
        yield Gate(engine, folder)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with a_gate(tmp_path) as made:
        yield made


def test_the_envelope_tells_everything(gate: Gate) -> None:
    synced = datetime(2024, 5, 1, tzinfo=UTC)
    before = datetime.now(UTC)
    result = gate.run(
        "select max(n) as top -- a comment\n from numbers",
        source=replace(a_source(), synced_at=synced),
        columns=(Column(name="top", type="number", title="Top", unit="km"),),
    )
    assert before
    assert result.columns == (Column(name="top", type="integer", title="Top", unit="km"),)
    assert result.sql == "SELECT\n  MAX(n) AS top\nFROM numbers\nLIMIT 101"
    assert (result.row_count, result.truncated, result.limit) == (1, False, 100)
    assert (result.engine, result.route, result.from_cache) == ("duckdb", "duckdb", False)
    assert result.why
    assert result.tables == ("numbers",)
    assert result.rows_read == 1000
    assert result.as_of == synced
    assert result.organization_id == ORGANIZATION
    assert result.claims_hash == an_actor().claims.hash
    assert result.duration_ms > 0
    assert gate.recorded == [result]
    assert gate.results.page(result).rows == [[999]]


def test_a_live_source_is_as_of_now(gate: Gate) -> None:
    before = datetime.now(UTC)
    assert before <= gate.run("SELECT 1 AS a").as_of <= datetime.now(UTC)


def test_without_tables_no_rows_are_read(gate: Gate) -> None:
    assert gate.run("SELECT 1 AS a").rows_read == 0


def test_truncation_is_said(gate: Gate) -> None:
    result = gate.run("SELECT n FROM numbers ORDER BY n")
    assert (result.row_count, result.truncated) == (100, True)
    own = gate.run("SELECT n FROM numbers ORDER BY n LIMIT 100")
    assert (own.row_count, own.truncated) == (100, False)


def test_a_denied_query_leaves_nothing(gate: Gate) -> None:
    for sql in ("SELECT * FROM secret", "DROP TABLE numbers", "SELECT 1; SELECT 2"):
        with pytest.raises(QueryDenied) as caught:
            gate.run(sql)
        assert caught.value.hint
    assert (gate.recorded, gate.files()) == ([], [])


def test_an_invalid_query_leaves_nothing(gate: Gate) -> None:
    with pytest.raises(QueryInvalid):
        gate.run("SELECT nn FROM numbers")
    with pytest.raises(QueryInvalid):
        gate.run("SELECT CAST(text AS INTEGER) FROM numbers")
    assert (gate.recorded, gate.files()) == ([], [])


def test_a_stopped_query_leaves_nothing(gate: Gate) -> None:
    endless = (
        "SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d "
        "WHERE hash(a.n, b.n, c.n, d.n) = 42"  # nothing that statistics could rule out
    )
    with pytest.raises(QueryTimedOut):
        gate.run(endless, timeout_seconds=0.2)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(QueryCancelled):
        gate.run(endless, cancel)
    assert (gate.recorded, gate.files()) == ([], [])


def test_rows_that_cannot_be_recorded_are_removed(gate: Gate) -> None:
    def fail(_: Result) -> None:
        raise ConnectionError("no database")

    gate.router = QueryRouter({"duckdb": gate.router._engines["duckdb"]}, gate.results, fail)
    with pytest.raises(ConnectionError):
        gate.run("SELECT n FROM numbers")
    assert gate.files() == []


def test_sources_of_others_do_not_exist(gate: Gate) -> None:
    with pytest.raises(NotFound):
        gate.run("SELECT 1", actor=an_actor("9" * 32))
    assert gate.recorded == []


def test_an_engine_that_is_not_set_up_is_unavailable(gate: Gate) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        gate.run("SELECT 1", source=a_source(engine="oracle"))
    assert "Test data" in caught.value.message


def test_rows_of_a_view_are_not_known(tmp_path: Path) -> None:
    with database(tmp_path, *SETUP, "CREATE VIEW v AS SELECT n FROM numbers") as (engine, _):
        gate = Gate(engine, tmp_path)
        assert gate.run("SELECT n FROM v LIMIT 1", tables=("v",)).rows_read is None
