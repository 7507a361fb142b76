"""The one way: judged, run, stored, recorded, and nothing left behind when a step fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceSettings, SourceStatus
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.result import Column, Result
from aiser_app.errors import (
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
    ServiceUnavailable,
    SourcePaused,
)
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.request import CacheUse, QueryRequest, QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from tests.fixtures.queries import FEDERATION, ListJournal, NoCache, granted
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
        self.journal = ListJournal()
        self.engine = engine
        self.router = QueryRouter(
            {"duckdb": engine}, self.results, self.journal, NoCache(), FEDERATION
        )

    @property
    def recorded(self) -> list[Result]:
        return self.journal.results

    def request(
        self, sql: str, source: DataSource | None = None, **changes: object
    ) -> QueryRequest:
        tables = {"numbers": GrantedTable(name="numbers", row_estimate=1000)}
        request = QueryRequest(
            actor=an_actor(),
            sources=(QuerySource(source=source or a_source(), tables=tables),),
            sql=sql,
            limit=100,
            timeout_seconds=20,
            purpose="test",
        )
        return replace(request, **changes)

    def run(self, sql: str, cancel: CancelToken | None = None, **changes: object) -> Result:
        return self.router.run(self.request(sql, **changes), cancel or CancelToken())

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
    gate.journal.failing = ConnectionError("no database")
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
        view = granted(a_source(), "v")
        assert gate.run("SELECT n FROM v LIMIT 1", sources=(view,)).rows_read is None


def test_every_query_is_recorded(gate: Gate) -> None:
    result = gate.run("SELECT n FROM numbers", run_id="r" * 32, queue_ms=12.5)
    with pytest.raises(QueryDenied):
        gate.run("DROP TABLE numbers")
    with pytest.raises(QueryInvalid):
        gate.run("SELECT nn FROM numbers")
    done, denied, invalid = gate.journal.records
    assert (done.query_id, done.status, done.run_id) == (result.result_id, "succeeded", "r" * 32)
    assert (done.row_count, done.truncated, done.tables) == (100, True, ("numbers",))
    assert (done.queue_ms, done.from_cache, done.is_slow) == (12.5, False, False)
    assert 0 < done.engine_ms <= done.duration_ms
    assert done.byte_count > 0
    assert done.sql == result.sql
    assert (denied.status, denied.sql, denied.error_code) == (
        "denied",
        "DROP TABLE numbers",
        "query_denied",
    )
    assert (invalid.status, invalid.error_code, invalid.row_count) == ("failed", "query_invalid", 0)


def test_a_failure_is_told_even_if_it_cannot_be_recorded(gate: Gate) -> None:
    gate.journal.failing = ServiceUnavailable("The database does not answer.")
    with pytest.raises(QueryDenied):
        gate.run("DROP TABLE numbers")


def test_a_slow_query_is_recorded_with_its_plan(gate: Gate) -> None:
    slow = replace(a_source(), settings=SourceSettings(slow_query_seconds=0))
    gate.run("SELECT n FROM numbers WHERE n > 5", source=slow)
    (record,) = gate.journal.records
    assert record.is_slow
    assert "numbers" in record.plan


def test_a_plan_that_cannot_be_had_is_left_out(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise QueryTimedOut("The plan took too long.")

    monkeypatch.setattr(gate.engine, "explain", fail, raising=False)
    gate.run(
        "SELECT 1 AS a", source=replace(a_source(), settings=SourceSettings(slow_query_seconds=0))
    )
    assert gate.journal.records[0].plan == ""


def test_a_paused_source_is_not_queried(gate: Gate) -> None:
    for reason, words in (("maintenance", "is paused: maintenance"), ("", "is paused.")):
        paused = replace(a_source(), status=SourceStatus.PAUSED, status_reason=reason)
        with pytest.raises(SourcePaused) as caught:
            gate.run("SELECT 1 AS a", source=paused)
        assert words in caught.value.message


def test_a_source_may_shorten_the_time_limit(gate: Gate) -> None:
    short = replace(a_source(), settings=SourceSettings(query_timeout_seconds=0.2))
    with pytest.raises(QueryTimedOut):
        gate.run(
            "SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d "
            "WHERE hash(a.n, b.n, c.n, d.n) = 42",
            source=short,
        )


def test_a_query_can_be_checked_and_explained_without_running(gate: Gate) -> None:
    checked = gate.router.check(gate.request("SELECT n FROM numbers"))
    assert (checked.tables, checked.route) == (("numbers",), "duckdb")
    plan = gate.router.explain(gate.request("SELECT n FROM numbers"), CancelToken(), actual=False)
    assert plan is not None
    assert "numbers" in plan.text
    assert gate.journal.records == []


def test_an_engine_without_plans_explains_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = gate.request("SELECT n FROM numbers")
    dumb = replace(gate.engine.capabilities, explains_actual=False)
    monkeypatch.setattr(gate.engine, "capabilities", dumb, raising=False)
    assert gate.router.explain(request, CancelToken(), actual=True) is None
    monkeypatch.setattr(gate.engine, "capabilities", replace(dumb, explains=False), raising=False)
    assert gate.router.explain(request, CancelToken(), actual=False) is None


class Kept:
    """A cache that holds one result under every key."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def find(self, _key: str) -> Result:
        return self.result

    def fetch(self, _key: str, *, reuse: Callable[[Result], Result | None], **_: object) -> Result:
        found = reuse(self.result)
        assert found is not None
        return found


def test_a_result_from_the_cache_is_ones_own(gate: Gate) -> None:
    first = gate.run("SELECT n FROM numbers")
    gate.router = QueryRouter(
        {"duckdb": gate.engine}, gate.results, gate.journal, Kept(first), FEDERATION
    )
    second = gate.run("SELECT n FROM numbers")
    third = gate.router.find_cached(gate.request("SELECT n FROM numbers"))
    assert third is not None
    assert len({first.result_id, second.result_id, third.result_id}) == 3
    assert second.from_cache
    assert third.from_cache
    gate.results.delete(first.result_id, ORGANIZATION)
    assert gate.results.page(second).rows == gate.results.page(third).rows
    assert [record.from_cache for record in gate.journal.records] == [False, True, True]


def test_rows_that_are_gone_are_no_hit(gate: Gate) -> None:
    first = gate.run("SELECT n FROM numbers")
    gate.results.delete(first.result_id, ORGANIZATION)
    gate.router = QueryRouter(
        {"duckdb": gate.engine}, gate.results, gate.journal, Kept(first), FEDERATION
    )
    assert gate.router.find_cached(gate.request("SELECT n FROM numbers")) is None


def test_the_cache_is_not_looked_at_when_it_is_to_run_again(gate: Gate) -> None:
    first = gate.run("SELECT n FROM numbers")
    gate.router = QueryRouter(
        {"duckdb": gate.engine}, gate.results, gate.journal, Kept(first), FEDERATION
    )
    again = gate.request("SELECT n FROM numbers", cache=CacheUse(bypass=True))
    assert gate.router.find_cached(again) is None
