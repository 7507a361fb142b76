"""The one engine of all warehouses, on SQL Server's driver with nobody behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymssql
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.warehouses import WarehouseEngine
from aiser_app.query.engines.warehouses.sqlserver import SQLServer
from tests.unit.query.engines_warehouses.fakes import (
    AnyHost,
    FakeDriver,
    a_source,
    a_statement,
    rows,
)

URL = "mssql://ada:secret@db.example:1433/shop"
SOURCE = a_source("mssql", URL)
NUMBER, TEXT = 3, 1


class Server:
    """Answers of a SQL Server; `kill` frees a query that is stuck."""

    def __init__(self) -> None:
        self.driver = FakeDriver(self.answer)
        self.killed = threading.Event()
        self.stuck = threading.Event()

    def answer(self, sql: str, values: Any) -> tuple[Any, list[tuple[Any, ...]]]:
        if sql.startswith("SELECT @@SPID"):
            return (("", NUMBER), ("", TEXT)), [(51, "Microsoft SQL Server 2022\n on Linux")]
        if sql.startswith("KILL"):
            self.killed.set()
            return None, []
        if sql.startswith("SET"):
            return None, []
        if sql == "stuck":
            self.stuck.set()
            assert self.killed.wait(10)
            raise pymssql.OperationalError((596, b"Session is in the kill state"))
        if sql == "wrong":
            raise pymssql.ProgrammingError((207, b"Invalid column name 'nam'."))
        if sql == "broken rows":
            return (("a", NUMBER),), [(1,), ("two", "many")]
        return (("a", NUMBER), ("b", TEXT)), [(1, "x"), (2, None)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr("pymssql.connect", made.driver.connect)
    return made


@pytest.fixture
def engine(server: Server) -> Iterator[WarehouseEngine]:
    made = WarehouseEngine(SQLServer(), lambda sealed: sealed, AnyHost())
    yield made
    made.close()


def test_rows_arrive(engine: WarehouseEngine, server: Server) -> None:
    found = rows(engine, SOURCE, a_statement("SELECT a, '100%' FROM t WHERE b = {}", "x"))
    assert found == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert server.driver.asked[-1] == ("SELECT a, '100%%' FROM t WHERE b = %s", ("x",))
    assert server.driver.rolled_back >= 1


def test_a_session_is_used_again_after_a_query_and_after_a_wrong_one(
    engine: WarehouseEngine, server: Server
) -> None:
    rows(engine, SOURCE, "SELECT 1")
    with pytest.raises(QueryInvalid, match="nam"):
        rows(engine, SOURCE, "wrong")
    rows(engine, SOURCE, "SELECT 1")
    assert server.driver.connections == 1
    engine.close()
    assert server.driver.closed == 1


def test_rows_that_are_left_end_the_session(engine: WarehouseEngine, server: Server) -> None:
    with engine.stream(
        SOURCE, a_statement("SELECT 1"), timeout_seconds=5, cancel=CancelToken()
    ) as stream:
        assert stream.schema.names == ["a", "b"]
    assert "KILL 51" in server.driver.texts
    assert server.driver.closed == 2  # the session, and the second connection


def test_a_failure_while_rows_are_read(engine: WarehouseEngine) -> None:
    with pytest.raises(EngineUnavailable):
        rows(engine, SOURCE, "broken rows")


def test_a_cancel_kills_the_query(engine: WarehouseEngine, server: Server) -> None:
    cancel = CancelToken()
    stopper = threading.Thread(target=lambda: server.stuck.wait(10) and cancel.cancel())
    stopper.start()
    with pytest.raises(QueryCancelled):
        rows(engine, SOURCE, "stuck", cancel=cancel)
    stopper.join()
    assert "KILL 51" in server.driver.texts


def test_a_time_limit_kills_the_query(engine: WarehouseEngine, server: Server) -> None:
    with pytest.raises(QueryTimedOut):
        rows(engine, SOURCE, "stuck", seconds=0.2)
    assert server.killed.is_set()


def test_who_may_not_kill_waits_for_the_drivers_own_limit(
    engine: WarehouseEngine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = SQLServer().open(engine._address(SOURCE), 5)
    session.begin(9)
    assert session.connection._conn.query_timeout == 9  # type: ignore[attr-defined]
    session.run("SELECT 1", ())
    server.driver.failure = pymssql.OperationalError((6102, b"no permission to use KILL"))
    with pytest.raises(pymssql.OperationalError):
        session.cancel()


def test_a_plan_is_made_without_running(engine: WarehouseEngine, server: Server) -> None:
    plan = engine.explain(
        SOURCE, a_statement("SELECT 1"), actual=False, timeout_seconds=5, cancel=CancelToken()
    )
    assert plan is not None
    assert plan.text == "1\n2"
    assert server.driver.texts[-3:] == ["SET SHOWPLAN_TEXT ON", "SELECT 1", "SET SHOWPLAN_TEXT OFF"]
    assert (
        engine.explain(
            SOURCE, a_statement("SELECT 1"), actual=True, timeout_seconds=5, cancel=CancelToken()
        )
        is None
    )


def test_the_catalog_is_read(engine: WarehouseEngine, server: Server) -> None:
    def catalog(sql: str, values: Any) -> tuple[Any, list[tuple[Any, ...]]]:
        wide = tuple((str(n), TEXT) for n in range(5))
        if "FROM sys.columns" in sql:
            return wide, [("dbo", "people", "id", "int", "Number")]
        if "FROM sys.objects AS o JOIN" in sql:
            return wide, [("dbo", "people", "TABLE", "3", None)]
        if "FROM sys.views" in sql:
            return wide[:3], []
        if "FROM sys.indexes" in sql:
            return wide[:5], [("dbo", "people", "pk", "id", True)]
        return server.answer(sql, values)

    server.driver.answer = catalog
    (people,) = engine.describe(SOURCE)
    assert (people.name, people.primary_key, people.row_estimate) == ("people", ("id",), 3)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (pymssql.OperationalError((18456, b"Login failed for user 'ada'")), "password"),
        (pymssql.OperationalError((4060, b"Cannot open database")), "no database"),
        (pymssql.OperationalError((20009, b"10.0.0.1 unreachable")), "connection"),
        (pymssql.OperationalError((50000, b"odd")), "refused to sign"),
        (OSError("gone"), "connection"),
    ],
)
def test_what_keeps_from_signing_in(
    engine: WarehouseEngine, server: Server, failure: Exception, words: str
) -> None:
    server.driver.failure = failure
    with pytest.raises(EngineUnavailable) as caught:
        rows(engine, SOURCE, "SELECT 1")
    assert words in caught.value.message
    assert "10.0.0.1" not in caught.value.message


def test_urls_and_hosts_that_cannot_be_used(server: Server) -> None:
    engine = WarehouseEngine(SQLServer(), lambda sealed: sealed)
    for url in ("mssql://h", "trino://ada@h:1/c", "nonsense"):
        source = replace(SOURCE, sealed_url=url)
        with pytest.raises(EngineUnavailable):
            engine.describe(source)
        report = engine.test(source)
        assert report.failed_step is not None
        assert report.failed_step.step is ConnectionStep.ADDRESS
    strict = WarehouseEngine(SQLServer(), lambda sealed: sealed, HostRules(allow_private=False))
    with pytest.raises(EngineUnavailable, match="private"):
        strict.describe(replace(SOURCE, sealed_url="mssql://a:b@127.0.0.1:1/d"))


def test_the_steps_of_a_test(server: Server) -> None:
    engine = WarehouseEngine(SQLServer(), lambda sealed: sealed)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        source = a_source("mssql", f"mssql://a:b@127.0.0.1:{listener.getsockname()[1]}/d")
        report = engine.test(source)
        assert report.is_ok
        assert report.server_version == "Microsoft SQL Server 2022"
        assert any("may only read" in warning for warning in report.warnings)
        server.driver.failure = pymssql.OperationalError((18456, b"Login failed"))
        failed = engine.test(source).failed_step
    assert failed is not None
    assert failed.step is ConnectionStep.SIGN_IN


def test_closing_never_raises(engine: WarehouseEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn:
        version = ""

        def close(self) -> None:
            raise OSError

        def end(self) -> None:
            raise OSError

    engine._close(Stubborn())  # type: ignore[arg-type]


def test_a_session_that_cannot_end_is_dropped(
    engine: WarehouseEngine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: object) -> None:
        raise pymssql.OperationalError((20047, b"dead"))

    with monkeypatch.context() as patched:
        patched.setattr("aiser_app.query.engines.warehouses.sqlserver._Session.end", refuse)
        patched.setattr(
            "tests.unit.query.engines_warehouses.fakes.FakeConnection.close", lambda _self: None
        )
        with pytest.raises(EngineUnavailable):  # opening ends its own first query as well
            rows(engine, SOURCE, "SELECT 1")
    assert len(rows(engine, SOURCE, "SELECT 1")) == 2
