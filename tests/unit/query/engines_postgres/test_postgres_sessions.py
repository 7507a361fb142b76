"""Sessions that do not come about, and servers of other versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_manager as adbc
import psycopg
import pytest

from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.verdict import BoundParameter, Statement
from aiser_app.query.connection import HostRules, StepFailed
from aiser_app.query.engines.postgres import PostgresEngine, databases, engine, rights
from aiser_app.query.engines.postgres.databases import Databases
from aiser_app.query.engines.postgres.parameters import placed
from aiser_app.query.engines.postgres.session import Session, open_session
from tests.contract.engines.cases import a_source

LOST = adbc.OperationalError("lost", status_code=adbc.AdbcStatusCode.IO)


class Handle:
    """Stands for a database or a connection of the driver."""

    def __init__(self, error: Exception | None = None) -> None:
        self.is_closed = False
        self._error = error

    def close(self) -> None:
        self.is_closed = True
        if self._error:
            raise self._error


class Spy(Session):
    """Remembers what was run."""

    def __init__(self, version: int) -> None:
        super().__init__(Handle(), {}, version=version)
        self.ran: list[str] = []
        self.types: list[str] = []

    def run(self, sql: str) -> None:
        self.ran.append(sql)

    def parameter_types(self, sql: str) -> list[str]:
        return self.types


class Driver:
    """Makes database objects and connections of nothing, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.databases: list[Handle] = []
        self.connections: list[Handle] = []
        monkeypatch.setattr(databases.adbc_driver_postgresql, "connect", self.database)
        monkeypatch.setattr(adbc, "AdbcConnection", self.connection)

    def database(self, _: str) -> Handle:
        self.databases.append(Handle())
        return self.databases[-1]

    def connection(self, _: Handle) -> Handle:
        self.connections.append(Handle(error=LOST))
        return self.connections[-1]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(monkeypatch)


def test_sessions_share_what_the_driver_knows_of_a_server(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Databases()
    for host in ("a", "a", "b"):
        shared.connect({"host": host})
    assert (len(driver.databases), len(driver.connections)) == (2, 3)
    monkeypatch.setattr(databases, "KEEP_SECONDS", -1.0)
    shared.connect({"host": "a"})
    assert [made.is_closed for made in driver.databases] == [True, False, False]
    shared.close()
    assert all(made.is_closed for made in driver.databases)


def test_after_a_fork_a_new_one_is_made(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Databases()
    shared.connect({"host": "a"})
    monkeypatch.setattr(databases.os, "getpid", lambda: -1)
    shared.connect({"host": "a"})
    assert [made.is_closed for made in driver.databases] == [False, False]


def test_a_server_that_was_not_reached_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: str) -> None:
        raise LOST

    monkeypatch.setattr(databases.adbc_driver_postgresql, "connect", refused)
    shared = Databases()
    with pytest.raises(adbc.OperationalError):
        shared.connect({"host": "a"})
    shared.close()


def test_a_session_is_closed_when_its_first_query_fails(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Handle) -> None:
        raise LOST

    monkeypatch.setattr(adbc, "AdbcStatement", refused)
    with pytest.raises(adbc.OperationalError):
        open_session(Databases(), {"host": "db"})
    assert [made.is_closed for made in driver.connections] == [True]


@pytest.mark.parametrize(("version", "is_checked"), [(130_000, False), (140_000, True)])
def test_a_setting_of_newer_servers_is_left_out_for_older_ones(
    version: int, is_checked: bool
) -> None:
    spy = Spy(version)
    spy.begin(2.5)
    assert spy.ran[0].startswith("BEGIN READ ONLY; SET LOCAL statement_timeout = 3500; ")
    assert ("client_connection_check_interval" in spy.ran[0]) is is_checked


def test_a_type_without_a_name_is_not_cast_to() -> None:
    spy = Spy(180_000)
    spy.types = ["unnamed<oid:1>", "", 'odd"name']
    parameters = tuple(
        BoundParameter(token=f"p_{name}", name=name, value="x") for name in ("a", "b", "c")
    )
    text, values = placed(spy, Statement(sql="SELECT p_a, p_b, p_c", parameters=parameters))
    casts = ["text", "text", 'odd""name']
    assert text == "SELECT " + ", ".join(
        f'CAST(CAST(${place} AS text) AS "{name}")' for place, name in enumerate(casts, start=1)
    )
    assert values is not None
    assert values.num_rows == 1


def test_a_catalog_that_cannot_be_read_fails_the_rights() -> None:
    class Refusing:
        def execute(self, _: str) -> None:
            raise psycopg.OperationalError

    with pytest.raises(StepFailed) as caught:
        rights.warnings(Refusing())  # type: ignore[arg-type]
    assert caught.value.step is ConnectionStep.RIGHTS


def test_a_hint_is_not_worth_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def refused(*_: Any) -> Iterator[None]:
        raise psycopg.OperationalError
        yield

    monkeypatch.setattr(engine, "catalog_connection", refused)
    made = PostgresEngine(unseal=lambda sealed: sealed, rules=HostRules())
    source = a_source("postgres", "postgresql://127.0.0.1/x")
    assert made._columns(source, Statement(sql="SELECT nam")) == []
