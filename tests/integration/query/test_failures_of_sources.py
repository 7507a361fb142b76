"""Databases that are down, lock Aiser out, or hang up in the middle: said in words, nothing kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from aiser_app.domain.actor import Role
from aiser_app.domain.query_ask import Explaining
from aiser_app.domain.query_record import QueryStatus
from aiser_app.services.source_setup import SourceChange
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.query_desk import QueryDesk
from tests.integration.query.failing import (
    MANY_ROWS,
    PrivateServer,
    active,
    add_live,
    assert_failed,
    nothing_kept,
    stored_files,
    until_running,
    view_of,
    working,
)

pytestmark = pytest.mark.integration
COUNT = "SELECT count(*) AS n FROM orders"


@pytest.fixture
def live(desk: QueryDesk, private: PrivateServer) -> Iterator[QueryDesk]:
    """The desk with one more source, “Live”, on the private server."""
    add_live(desk.services, desk.tenant.organization_id, "Live", private.url)
    yield desk
    desk.services.data.close()


def colleague_counts(desk: QueryDesk) -> None:
    """Somebody else's query of another source goes on as ever."""
    view = desk.run(COUNT, desk.tenant.actor(Role.OWNER), sources=["Orders"], bypass_cache=True)
    assert view["rows"] == [[3]], view


def test_a_database_that_is_down(live: QueryDesk, private: PrivateServer) -> None:
    """Told at once, also for the idle connections of before; when it is back all is well."""
    assert live.run(COUNT, sources=["Live"])["rows"] == [[1000]]
    private.stop()
    try:
        with nothing_kept(live):
            for sql in (COUNT + " WHERE id > 1", COUNT + " WHERE id > 2"):
                assert_failed(live.run(sql, sources=["Live"]), "engine_unavailable", "Live")
            across = "SELECT count(*) AS n FROM Live.orders AS a JOIN Orders.orders AS b USING (id)"
            assert_failed(live.run(across, sources=["Live", "Orders"]), "engine_unavailable")
            plan = live.run(COUNT, sources=["Live"], explaining=Explaining.PLAN)
            assert_failed(plan, "engine_unavailable")
        colleague_counts(live)
        report = live.services.source_setup.test(live.admin, "Live")
        assert [step.step for step in report.steps if not step.is_ok] == ["tcp"]
        assert live.run(COUNT, sources=["Live"])[
            "from_cache"
        ]  # what was read before is still there
    finally:
        private.start()
    again = live.run(COUNT, sources=["Live"], bypass_cache=True)
    assert again["rows"] == [[1000]], again


def test_a_sync_of_a_database_that_is_down(live: QueryDesk, private: PrivateServer) -> None:
    """What an earlier sync found stays, and the source says what is wrong."""
    run = live.services.source_setup.sync(live.admin, "Live")
    private.stop()
    try:
        live.execution.execute(run.run_id)
        view = live.services.runs.view(live.admin, run.run_id)
        assert (view["status"], view["error"]["code"]) == ("failed", "engine_unavailable")
        source = live.services.sources.get(live.actor, "Live")
        assert (source.status, source.table_count) == ("failed", 3)
        assert source.status_reason
    finally:
        private.start()
    assert live.run(COUNT, sources=["Live"])["rows"] == [[1000]]


def test_a_password_that_was_changed(live: QueryDesk, private: PrivateServer) -> None:
    assert live.run(COUNT, sources=["Live"])["rows"] == [[1000]]
    private.run("ALTER ROLE shop_reader PASSWORD 'another-one'", drop_all("shop_reader"))
    try:
        with nothing_kept(live):
            assert_failed(
                live.run(COUNT, sources=["Live"], bypass_cache=True), "engine_unavailable", "Live"
            )
        report = live.services.source_setup.test(live.admin, "Live")
        assert [step.step for step in report.steps if not step.is_ok] == ["sign_in"]
        assert "another-one" not in str(report)
        colleague_counts(live)
        url = private.url.replace("reads-only", "another-one")
        live.services.source_setup.change(live.admin, "Live", SourceChange(url=url))
        mended = live.run(COUNT, sources=["Live"], bypass_cache=True)
        assert mended["rows"] == [[1000]], mended
    finally:
        private.run("ALTER ROLE shop_reader PASSWORD 'reads-only'")


def test_rights_that_were_taken_away(live: QueryDesk, private: PrivateServer) -> None:
    private.run("REVOKE SELECT ON orders FROM shop_reader")
    try:
        with nothing_kept(live):
            view = live.run(COUNT, sources=["Live"])
            assert_failed(view, "query_invalid", "orders")
    finally:
        private.run("GRANT SELECT ON orders TO shop_reader")


def test_a_table_that_was_dropped(live: QueryDesk, private: PrivateServer) -> None:
    private.run("ALTER TABLE customers RENAME TO gone")
    try:
        with nothing_kept(live):
            view = live.run("SELECT count(*) AS n FROM customers", sources=["Live"])
        assert (view["status"], view["error"]["code"]) == ("failed", "query_invalid")
        assert "customers" in view["error"]["message"]
    finally:
        private.run("ALTER TABLE gone RENAME TO customers")


def test_a_connection_that_drops_amid_the_rows(live: QueryDesk, private: PrivateServer) -> None:
    run = live.submit(MANY_ROWS, sources=["Live"], limit=1_000_000)
    with nothing_kept(live):
        with working(live, run):
            until_running(live, run, lambda: any(size for size in growing(live).values()))
            private.run(drop_all("shop_reader"))
        assert_failed(view_of(live, run), "engine_unavailable")
    colleague_counts(live)
    assert live.run(COUNT, sources=["Live"], bypass_cache=True)["rows"] == [[1000]]
    (record,) = live.services.query_history.list(live.actor, status=QueryStatus.FAILED)
    assert (record.error_code, record.row_count) == ("engine_unavailable", 0)


def test_a_join_whose_one_side_drops(live: QueryDesk, private: PrivateServer) -> None:
    sql = (
        "SELECT count(*) AS n FROM (SELECT a.id FROM Live.orders AS a, Live.orders AS b, "
        "Live.orders AS c) AS x JOIN Orders.orders AS o ON o.id = x.id"
    )
    run = live.submit(sql, sources=["Live", "Orders"])
    private.run("ALTER TABLE orders RENAME TO hidden_orders")
    private.run("CREATE VIEW orders AS SELECT o.* FROM hidden_orders AS o, pg_sleep(30)")
    private.run("GRANT SELECT ON orders TO shop_reader")
    try:
        with nothing_kept(live):
            with working(live, run):
                until_running(live, run, lambda: active(private) > 0)
                private.run(drop_all("shop_reader"))
            assert_failed(view_of(live, run), "engine_unavailable", "Live")
    finally:
        private.run("DROP VIEW orders")
        private.run("ALTER TABLE hidden_orders RENAME TO orders")


def test_a_source_that_is_paused_meanwhile(live: QueryDesk) -> None:
    """What waits is told the reason; the cache answers nobody either."""
    setup = live.services.source_setup
    assert live.run(COUNT, sources=["Live"])["rows"] == [[1000]]
    waiting = live.submit("SELECT max(id) AS m FROM orders", sources=["Live"])
    setup.pause(live.admin, "Live", "Month end: come back on Monday")
    try:
        with nothing_kept(live):
            live.execution.execute(waiting.run_id)
            assert_failed(view_of(live, waiting), "source_paused", "Month end")
            assert_failed(live.run(COUNT, sources=["Live"]), "source_paused", "Month end")
            across = "SELECT count(*) AS n FROM Live.orders AS a JOIN Orders.orders AS b USING (id)"
            assert_failed(live.run(across, sources=["Live", "Orders"]), "source_paused")
        colleague_counts(live)
    finally:
        setup.resume(live.admin, "Live")
    assert live.run(COUNT, sources=["Live"])["rows"] == [[1000]]


@pytest.fixture
def maria(desk: QueryDesk, mariadb_server: MariaDB) -> Iterator[str]:
    name = f"failing_{uuid.uuid4().hex[:8]}"
    mariadb_server.run(f"CREATE DATABASE {name}")
    mariadb_server.run(
        "CREATE TABLE orders AS SELECT seq AS id, seq * 1.25 AS total FROM seq_1_to_1000",
        f"CREATE USER r_{name} IDENTIFIED BY 'reads-only'",
        f"GRANT SELECT ON {name}.* TO r_{name}",
        database=name,
    )
    url = mariadb_server.url(name, f"r_{name}", "reads-only")
    add_live(desk.services, desk.tenant.organization_id, "Maria", url)
    yield name
    desk.services.data.close()
    mariadb_server.run(f"DROP USER r_{name}", f"DROP DATABASE {name}")


def test_the_same_of_mariadb(desk: QueryDesk, maria: str, mariadb_server: MariaDB) -> None:
    """Hanging up amid the rows, and a password that was changed."""
    sql = "SELECT a.id AS a, b.id AS b, a.total FROM orders AS a, orders AS b"
    run = desk.submit(sql, sources=["Maria"], limit=1_000_000)
    with nothing_kept(desk):
        with working(desk, run):
            until_running(desk, run, lambda: any(size for size in growing(desk).values()))
            mariadb_server.run(f"KILL USER r_{maria}")
        assert_failed(view_of(desk, run), "engine_unavailable")
    assert desk.run(COUNT, sources=["Maria"])["rows"] == [[1000]]
    mariadb_server.run(f"SET PASSWORD FOR r_{maria} = PASSWORD('other')", f"KILL USER r_{maria}")
    with nothing_kept(desk):
        assert_failed(desk.run(COUNT, sources=["Maria"], bypass_cache=True), "engine_unavailable")
    colleague_counts(desk)


def growing(desk: QueryDesk) -> dict[str, int]:
    """Files of results that are being written."""
    return {name: size for name, size in stored_files(desk).items() if name.endswith(".tmp")}


def drop_all(role: str) -> str:
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
