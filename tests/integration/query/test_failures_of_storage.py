"""No room for results, and values that are too large for anybody: said in words, nothing kept."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psutil
import pytest

from aiser_app.domain.actor import Role
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.query_desk import QueryDesk
from tests.integration.query.failing import (
    MANY_ROWS,
    PrivateServer,
    add_live,
    assert_failed,
    nothing_kept,
    view_of,
    working,
)

pytestmark = pytest.mark.integration
HUGE = 120 * 1024 * 1024
ROOM = 1_500_000
SMALL = "SELECT count(*) AS n FROM orders"


@pytest.fixture
def live(desk: QueryDesk, private: PrivateServer) -> Iterator[QueryDesk]:
    add_live(desk.services, desk.tenant.organization_id, "Live", private.url)
    yield desk
    desk.services.data.close()


@contextmanager
def little_room() -> Iterator[None]:
    """No file can grow beyond a small size, as on a disk that is full: EFBIG instead of ENOSPC.

    A full file system needs the right to mount one; this needs none, and holds for root as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk(live: QueryDesk) -> None:
    """The query fails with words; small results of others, which still fit, are kept."""
    big = live.submit(MANY_ROWS, sources=["Live"], limit=1_000_000)
    other = live.submit(SMALL, live.tenant.actor(Role.OWNER), sources=["Orders"])
    with little_room(), nothing_kept(live), working(live, big):
        pass
    assert_failed(view_of(live, big), "storage_full", "room", "AISER_RESULTS_MAX_GB")
    with little_room(), working(live, other):
        pass
    assert view_of(live, other)["rows"] == [[3]]
    again = live.run(MANY_ROWS, sources=["Live"], limit=1_000)
    assert (again["row_count"], again["truncated"]) == (1_000, True)


def test_a_full_disk_while_parts_are_pulled_for_a_join(live: QueryDesk) -> None:
    """Parts of joins go to files when they are large: these are gone as well."""
    live.add_file(
        "Wide",
        "CREATE TABLE t AS SELECT range AS id, md5(range::VARCHAR) || md5((range + 1)::VARCHAR) AS m "
        "FROM range(1500000)",
    )
    live.sync(live.services.sources.get(live.actor, "Wide"))
    sql = (
        "SELECT max(t.m || o.region) AS m FROM Wide.t AS t JOIN Orders.orders AS o ON o.id <> t.id"
    )
    run = live.submit(sql, sources=["Wide", "Orders"])
    with nothing_kept(live), little_room(), working(live, run):
        pass
    assert_failed(view_of(live, run), "storage_full", "room")


def memory_taken_by(desk: QueryDesk, sql: str, source: str) -> tuple[dict[str, object], int]:
    """The failed run of a query, and how much memory it took at its peak, in bytes."""
    before = psutil.Process().memory_info().rss
    view = desk.run(sql, sources=[source])
    (record, *_) = desk.services.query_history.list(desk.actor)
    assert record.sql
    after = psutil.Process().memory_info().rss
    return view, max(record.peak_memory_bytes, after - before)


def test_a_huge_value_of_postgres(live: QueryDesk, private: PrivateServer) -> None:
    private.run(
        "CREATE TABLE documents (id int, body text)",
        f"INSERT INTO documents VALUES (1, 'small'), (2, repeat('x', {HUGE}))",
        "GRANT SELECT ON documents TO shop_reader",
    )
    try:
        live.sync(live.services.sources.get(live.actor, "Live"))
        with nothing_kept(live):
            view, taken = memory_taken_by(live, "SELECT id, body FROM documents", "Live")
            assert_failed(view, "cell_too_large", "body")
        assert taken < 8 * HUGE
        part = live.run(
            "SELECT id, left(body, 5) AS b FROM documents ORDER BY id", sources=["Live"]
        )
        assert part["rows"] == [[1, "small"], [2, "xxxxx"]]
        size = live.run("SELECT max(length(body)) AS n FROM documents", sources=["Live"])
        assert size["rows"] == [[HUGE]]
    finally:
        private.run("DROP TABLE documents")


def test_a_huge_value_of_a_duckdb_file(desk: QueryDesk) -> None:
    source = desk.add_file(
        "Documents",
        f"CREATE TABLE documents AS SELECT 1 AS id, repeat('x', {HUGE}) AS body",
    )
    desk.sync(source)
    with nothing_kept(desk):
        view, taken = memory_taken_by(desk, "SELECT id, body FROM documents", "Documents")
        assert_failed(view, "cell_too_large", "body")
    assert taken < 8 * HUGE
    part = desk.run("SELECT left(body, 3) AS b FROM documents", sources=["Documents"])
    assert part["rows"] == [["xxx"]]


def test_a_huge_value_of_sqlite(desk: QueryDesk) -> None:
    path = desk.services.settings.sources_dir / f"{desk.tenant.organization_id}.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE documents (id INTEGER, body TEXT)")
        connection.execute("INSERT INTO documents VALUES (1, ?)", ["x" * HUGE])
    add_live(desk.services, desk.tenant.organization_id, "Lite", f"sqlite:///{path.name}")
    with nothing_kept(desk):
        view, taken = memory_taken_by(desk, "SELECT id, body FROM documents", "Lite")
        assert_failed(view, "cell_too_large", "body")
    assert taken < 8 * HUGE
    desk.services.data.close()
    path.unlink()


def test_a_huge_value_of_mariadb(desk: QueryDesk, mariadb_server: MariaDB) -> None:
    """Refused before it is in memory: the protocol says how long a row is."""
    name = f"huge_{desk.tenant.organization_id[:8]}"
    mariadb_server.run(f"CREATE DATABASE {name}", f"SET GLOBAL max_allowed_packet = {4 * HUGE}")
    try:
        mariadb_server.run(
            "CREATE TABLE documents (id INT, body LONGTEXT)",
            f"INSERT INTO documents VALUES (1, repeat('x', {HUGE}))",
            database=name,
        )
        url = mariadb_server.url(name)
        add_live(desk.services, desk.tenant.organization_id, "Maria", url)
        with nothing_kept(desk):
            view, taken = memory_taken_by(desk, "SELECT id, body FROM documents", "Maria")
            assert_failed(view, view["error"]["code"], "MB")  # type: ignore[index]
        assert view["error"]["code"] in ("cell_too_large", "query_invalid")  # type: ignore[index]
        assert taken < HUGE
        part = desk.run("SELECT left(body, 3) AS b FROM documents", sources=["Maria"])
        assert part["rows"] == [["xxx"]]
    finally:
        desk.services.data.close()
        mariadb_server.run(f"DROP DATABASE {name}", "SET GLOBAL max_allowed_packet = 16777216")
