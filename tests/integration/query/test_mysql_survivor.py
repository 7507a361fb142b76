"""The process that outlives a killed one: it ends what was open, and nothing else."""

from __future__ import annotations

import io
import json
import os
import ssl
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from aiser_app.query.connection import read_address
from aiser_app.query.engines.mysql import survivor as module
from aiser_app.query.engines.mysql.survivor import Known, Survivor, main
from tests.fixtures.mariadb import ROOT_PASSWORD, MariaDB
from tests.fixtures.worker import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def connections(mariadb_server: MariaDB) -> Iterator[list[pymysql.connections.Connection]]:
    made = [
        pymysql.connect(
            host="127.0.0.1", port=mariadb_server.port, user="root", password=ROOT_PASSWORD
        )
        for _ in range(2)
    ]
    yield made
    for connection in made:
        connection._force_close()


@pytest.fixture
def survivor() -> Iterator[Survivor]:
    made = Survivor()
    yield made
    made.close()


def known(server: MariaDB, thread: int, **changes: Any) -> Known:
    return (
        Known(
            thread=thread,
            place="127.0.0.1",
            host="127.0.0.1",
            port=server.port,
            user="root",
            password=ROOT_PASSWORD,
            mode="preferred",
        )
        | changes
    )  # type: ignore[return-value]


def is_open(server: MariaDB, connection: pymysql.connections.Connection) -> bool:
    wanted = connection.thread_id()
    found = server.run(f"SELECT ID FROM information_schema.PROCESSLIST WHERE ID = {wanted}")
    return bool(found)


def heard(monkeypatch: pytest.MonkeyPatch, *changes: dict[str, Known | None]) -> None:
    lines = "".join(json.dumps(change) + "\n" for change in changes)
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    main()


def test_what_was_open_is_ended(
    mariadb_server: MariaDB,
    connections: list[pymysql.connections.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = connections
    opened = {"1": known(mariadb_server, first.thread_id())}
    other = {"2": known(mariadb_server, second.thread_id(), mode="disabled")}
    heard(monkeypatch, opened, other, {"1": None})
    wait_until(lambda: not is_open(mariadb_server, second), "the connection to end")
    assert is_open(mariadb_server, first)
    heard(monkeypatch, opened, {})
    assert is_open(mariadb_server, first)


def test_what_cannot_be_ended_is_left(
    mariadb_server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard(
        monkeypatch,
        {"1": known(mariadb_server, 1, password="wrong")},
        {"2": known(mariadb_server, 1, port=1)},
        {"3": known(mariadb_server, 2**31)},
    )


def test_encryption_is_as_strict_as_the_source_s() -> None:
    assert module._encryption("disabled") == {"ssl_disabled": True}
    assert module._encryption("preferred") == {}
    assert module._encryption("required")["ssl"].verify_mode is ssl.CERT_NONE
    assert module._encryption("verify_identity")["ssl"].check_hostname is True


def test_it_is_told_and_let_go(
    survivor: Survivor,
    mariadb_server: MariaDB,
    connections: list[pymysql.connections.Connection],
) -> None:
    address = read_address(mariadb_server.url("mysql"))
    survivor.remove(7)
    survivor.close()
    assert survivor._process is None
    survivor.add(1, connections[0].thread_id(), "127.0.0.1", address)
    survivor.add(2, connections[1].thread_id(), "127.0.0.1", address)
    survivor.remove(2)
    first = survivor._process
    assert first is not None
    first.kill()
    first.wait()
    assert first.stdin is not None
    first.stdin.close()
    survivor.add(3, 2**31, "127.0.0.1", address)  # a new one, which is told everything
    second = survivor._process
    assert second is not None
    assert second is not first
    survivor.close()
    assert second.poll() == 0
    assert all(is_open(mariadb_server, connection) for connection in connections)


def test_it_ends_what_is_left_when_its_input_ends(
    survivor: Survivor,
    mariadb_server: MariaDB,
    connections: list[pymysql.connections.Connection],
) -> None:
    """As it does when the process that told it was killed."""
    address = read_address(mariadb_server.url("mysql"))
    survivor.add(1, connections[0].thread_id(), "127.0.0.1", address)
    process = survivor._process
    assert process is not None
    process.communicate(timeout=10)
    assert not is_open(mariadb_server, connections[0])


def test_without_it_queries_run_all_the_same(
    survivor: Survivor, mariadb_server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(module, "_started", fail)
    survivor.add(1, 1, "127.0.0.1", read_address(mariadb_server.url("mysql")))
    assert survivor._process is None


def test_after_a_fork_it_is_the_parent_s(
    survivor: Survivor, mariadb_server: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = read_address(mariadb_server.url("mysql"))
    survivor.add(1, 2**31, "127.0.0.1", address)
    parents = survivor._process
    assert parents is not None
    real = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: real + 1)
    survivor.add(2, 2**31, "127.0.0.1", address)
    assert survivor._process is not parents
    assert list(survivor._open) == [2]
    survivor.close()
    monkeypatch.setattr(os, "getpid", lambda: real + 2)
    survivor.close()
    parents.communicate("{}\n", timeout=10)
