"""The MySQL engine on a real MariaDB: types, stops, limits, rights, what the catalog says."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.mysql import MySQLEngine, session
from tests.fixtures.mariadb import MariaDB

ENDLESS = "SELECT count(*) FROM seq_1_to_100000000 a, seq_1_to_100000000 b WHERE a.seq = -b.seq"


@dataclass(frozen=True)
class Shop:
    """A database of its own, and an engine that reads it as a user who may only read."""

    server: MariaDB
    engine: MySQLEngine
    source: DataSource
    database: str
    user: str

    def rows(
        self,
        sql: str,
        *values: ParameterValue,
        seconds: float = 30,
        cancel: CancelToken | None = None,
    ) -> list[dict]:
        statement = Statement(
            sql=sql,
            parameters=tuple(
                BoundParameter(token=f"token{n}x", name=f"p{n}", value=value)
                for n, value in enumerate(values, 1)
            ),
        )
        with self.engine.stream(
            self.source, statement, timeout_seconds=seconds, cancel=cancel or CancelToken()
        ) as stream:
            return [row for batch in stream for row in batch.to_pylist()]

    def make(self, *statements: str) -> None:
        self.server.run(*statements, database=self.database)

    def running(self) -> list[tuple]:
        """Queries of our user that the server works on."""
        return [
            row
            for row in self.server.run(
                "SELECT USER, COMMAND, INFO FROM information_schema.PROCESSLIST"
            )
            if row[0] == self.user and row[1] == "Query"
        ]

    def as_user(self, user: str, password: str) -> DataSource:
        return replace(self.source, sealed_url=self.server.url(self.database, user, password))


@pytest.fixture
def shop(mariadb_server: MariaDB) -> Iterator[Shop]:
    name = f"shop_{uuid.uuid4().hex[:12]}"
    mariadb_server.run(
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"CREATE USER {name} IDENTIFIED BY 'read only'",
        f"GRANT SELECT, SHOW VIEW ON {name}.* TO {name}",
    )
    engine = MySQLEngine(lambda sealed: sealed)
    source = DataSource(
        source_id=uuid.uuid4().hex,
        organization_id="0" * 32,
        name="Shop",
        engine="mysql",
        sealed_url=mariadb_server.url(name, name, "read%20only"),
        settings=SourceSettings(max_concurrent=2),
    )
    yield Shop(mariadb_server, engine, source, name, name)
    engine.close()
    mariadb_server.run(f"DROP DATABASE {name}", f"DROP USER {name}")


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_values_arrive_exactly(shop: Shop) -> None:
    shop.make(
        """CREATE TABLE kinds (
            id BIGINT UNSIGNED, wide DECIMAL(38, 10), day DATE, moment DATETIME(6),
            stamp TIMESTAMP(3) NULL, span TIME, flag BIT(1), bits BIT(12), body BLOB,
            note TEXT, doc JSON, kind ENUM('a', 'b'), made YEAR, part FLOAT)""",
        """INSERT INTO kinds VALUES (18446744073709551615, 1234567890123456789012345678.0123456789,
            '2024-02-29', '2024-02-29 23:59:59.000001', '2024-03-31 02:30:00.125', '-100:00:01',
            b'1', b'101', x'00ff', 'ünïcødé 🎉', '{"a": [1]}', 'b', 2024, 1.1)""",
        "SET sql_mode = ''",
        "INSERT INTO kinds (day, moment) VALUES ('0000-00-00', '0000-00-00 00:00:00')",
    )
    first, zero = shop.rows("SELECT * FROM kinds ORDER BY id DESC")
    assert first == {
        "id": 18446744073709551615,
        "wide": Decimal("1234567890123456789012345678.0123456789"),
        "day": date(2024, 2, 29),
        "moment": datetime(2024, 2, 29, 23, 59, 59, 1),  # noqa: DTZ001
        "stamp": first["stamp"],
        "span": "-100:00:01",
        "flag": True,
        "bits": 5,
        "body": b"\x00\xff",
        "note": "ünïcødé 🎉",
        "doc": '{"a": [1]}',
        "kind": "b",
        "made": 2024,
        "part": 1.1,
    }
    assert first["stamp"].tzinfo is not None
    assert set(zero.values()) == {None}


def test_moments_are_utc_whatever_the_server_says(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE moments (at TIMESTAMP)",
        "SET time_zone = '+05:30'",
        "INSERT INTO moments VALUES ('2024-01-01 05:30:00')",
    )
    assert shop.rows("SELECT at FROM moments") == [{"at": datetime(2024, 1, 1, tzinfo=UTC)}]


def test_parameters_are_bound_not_spliced(shop: Shop) -> None:
    nasty = "x' OR 1=1 -- \\' % %s \x00 token1x"
    row = shop.rows("SELECT token1x AS v, '100%' AS p, 'a' LIKE 'a%' AS l", nasty)
    assert row == [{"v": nasty, "p": "100%", "l": 1}]
    moment = datetime.fromisoformat("2024-01-01T01:00:00+01:00")
    (found,) = shop.rows(
        "SELECT token1x AS a, token2x AS b, token3x AS c, token4x AS d, token5x AS e",
        Decimal("0.10"),
        None,
        True,
        moment,
        date(2024, 1, 2),
    )
    assert found == {
        "a": Decimal("0.10"),
        "b": None,
        "c": 1,
        "d": "2024-01-01 00:00:00",
        "e": "2024-01-02",
    }


@pytest.mark.parametrize("value", [float("inf"), float("nan"), Decimal("NaN")])
def test_a_value_without_a_form_is_refused(shop: Shop, value: ParameterValue) -> None:
    with pytest.raises(QueryInvalid, match="infinite"):
        shop.rows("SELECT token1x AS v", value)


def test_the_session_cannot_write_even_as_root(shop: Shop) -> None:
    shop.make("CREATE TABLE t (a INT)")
    root = Shop(
        shop.server, shop.engine, shop.as_user("root", "test-root"), shop.database, shop.user
    )
    for sql in ("INSERT INTO t VALUES (1)", "CREATE TABLE u (a INT)", "DROP TABLE t"):
        with pytest.raises(QueryInvalid, match="read-only"):
            root.rows(sql)
    with pytest.raises(QueryInvalid):
        root.rows("SELECT 1; DELETE FROM t")
    assert shop.rows("SELECT count(*) AS n FROM t") == [{"n": 0}]


def test_strings_mean_what_the_guard_has_read(shop: Shop) -> None:
    """Whatever the server's default: ANSI_QUOTES or NO_BACKSLASH_ESCAPES would change the text."""
    (before,) = shop.server.run("SELECT @@GLOBAL.sql_mode")
    shop.server.run("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'")
    try:
        found = shop.rows("SELECT 'a\\'b' AS v, token1x AS w", "c\\")
    finally:
        shop.server.run(f"SET GLOBAL sql_mode = '{before[0]}'")
    assert found == [{"v": "a'b", "w": "c\\"}]


def test_long_lists_are_not_cut(shop: Shop) -> None:
    (row,) = shop.rows("SELECT LENGTH(GROUP_CONCAT(seq)) AS n FROM seq_1_to_500000")
    assert row["n"] > 3_000_000


def test_a_stopped_query_is_gone_from_the_server(shop: Shop) -> None:
    cancel = CancelToken()
    failures: list[Exception] = []

    def run() -> None:
        try:
            shop.rows(ENDLESS, cancel=cancel)
        except QueryCancelled as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: len(shop.running()) == 1)
    cancel.cancel()
    eventually(lambda: shop.running() == [], seconds=2)
    thread.join(10)
    assert len(failures) == 1


def test_a_query_that_is_left_early_is_gone_from_the_server(shop: Shop) -> None:
    with shop.engine.stream(
        shop.source,
        Statement(sql="SELECT seq FROM seq_1_to_100000000"),
        timeout_seconds=60,
        cancel=CancelToken(),
    ) as stream:
        assert next(iter(stream)).num_rows == 10_000
        assert len(shop.running()) == 1
    eventually(lambda: shop.running() == [], seconds=2)
    assert shop.rows("SELECT 1 AS a") == [{"a": 1}]


def test_the_server_itself_ends_a_query_whose_worker_is_gone(shop: Shop) -> None:
    with shop.engine._running(shop.source, 5, CancelToken()) as running:
        ((limit,),) = running.session.rows("SELECT @@max_statement_time")
    assert 5 <= float(limit) <= 7


def test_a_limit_of_the_server_is_a_time_limit(shop: Shop) -> None:
    with (
        shop.engine._running(shop.source, 30, CancelToken()) as running,
        pytest.raises(QueryTimedOut),
        running.errors(""),
    ):
        running.session.rows(f"SET STATEMENT max_statement_time = 0.1 FOR {ENDLESS}")


def kill_while_reading(shop: Shop) -> None:
    sql = "SELECT seq, REPEAT('x', 100) AS x FROM seq_1_to_1000000"
    with shop.engine.stream(
        shop.source, Statement(sql=sql), timeout_seconds=60, cancel=CancelToken()
    ) as stream:
        batches = iter(stream)
        next(batches)
        ids = shop.server.run(
            "SELECT ID FROM information_schema.PROCESSLIST "
            f"WHERE USER = '{shop.user}' AND COMMAND = 'Query'"
        )
        shop.server.run(*(f"KILL CONNECTION {row[0]}" for row in ids))
        list(batches)


def test_a_dropped_connection_is_unavailable_and_the_next_query_runs(shop: Shop) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        kill_while_reading(shop)
    assert "127.0.0.1" not in caught.value.message
    assert shop.rows("SELECT 1 AS a") == [{"a": 1}]


def test_a_connection_that_died_while_idle_is_replaced(shop: Shop) -> None:
    assert shop.rows("SELECT 1 AS a")
    with shop.engine._running(shop.source, 5, CancelToken()) as running:
        first = running.session.thread_id
    shop.server.run(f"KILL CONNECTION {first}")
    with shop.engine._running(shop.source, 5, CancelToken()) as running:
        assert running.session.thread_id != first


def test_connections_are_used_again(shop: Shop) -> None:
    ids = {shop.rows("SELECT CONNECTION_ID() AS id")[0]["id"] for _ in range(3)}
    assert len(ids) == 1


def test_a_row_that_is_too_long_is_refused(shop: Shop) -> None:
    (before,) = shop.server.run("SELECT @@GLOBAL.max_allowed_packet")
    shop.server.run("SET GLOBAL max_allowed_packet = 134217728")
    try:
        with pytest.raises(QueryInvalid, match="64 MB"):
            shop.rows("SELECT REPEAT('x', 68000000) AS x")
    finally:
        shop.server.run(f"SET GLOBAL max_allowed_packet = {before[0]}")
    assert shop.rows("SELECT 1 AS a") == [{"a": 1}]


def test_the_catalog_tells_keys_indexes_views_and_comments(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE regions (a INT, b INT, PRIMARY KEY (a, b)) COMMENT 'Where we sell'",
        """CREATE TABLE sales (id INT PRIMARY KEY COMMENT 'Number', ra INT, rb INT, day DATE,
            KEY by_day (day, id), FOREIGN KEY (ra, rb) REFERENCES regions (a, b))""",
        "INSERT INTO regions VALUES (1, 1), (1, 2)",
        "CREATE VIEW daily AS SELECT day, count(*) AS n FROM sales GROUP BY day",
        "CREATE TABLE `odd.name` (a INT)",
    )
    tables = {table.name: table for table in shop.engine.describe(shop.source)}
    assert set(tables) == {"regions", "sales", "daily", f"{shop.database}.odd.name"}
    sales = tables["sales"]
    assert sales.primary_key == ("id",)
    assert sales.foreign_keys == ((("ra", "rb"), "regions", ("a", "b")),)
    assert set(sales.indexes) == {("id",), ("day", "id"), ("ra", "rb")}
    assert sales.columns[0].description == "Number"
    assert tables["regions"].description == "Where we sell"
    assert tables["regions"].row_estimate == 2
    daily = tables["daily"]
    assert daily.is_view
    assert daily.row_estimate is None
    assert shop.database not in daily.definition
    assert "FROM `sales`" in daily.definition


def test_many_tables_take_as_many_statements_as_few(shop: Shop) -> None:
    shop.make(*(f"CREATE TABLE t{n} (id INT PRIMARY KEY, v INT)" for n in range(50)))
    (before,) = shop.server.run("SHOW GLOBAL STATUS LIKE 'Com_select'")
    assert len(shop.engine.describe(shop.source)) == 50
    (after,) = shop.server.run("SHOW GLOBAL STATUS LIKE 'Com_select'")
    assert int(after[1]) - int(before[1]) <= 8


def test_without_a_right_on_views_their_text_is_unknown(shop: Shop) -> None:
    shop.make("CREATE TABLE t (a INT)", "CREATE VIEW v AS SELECT a FROM t")
    shop.server.run(f"REVOKE SHOW VIEW ON {shop.database}.* FROM {shop.user}")
    tables = {table.name: table for table in shop.engine.describe(shop.source)}
    assert tables["v"].is_view
    assert tables["v"].definition == ""


def test_plans(shop: Shop) -> None:
    shop.make("CREATE TABLE t (a INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")

    def plan(sql: str, actual: bool) -> object:
        found = shop.engine.explain(
            shop.source,
            Statement(sql=sql),
            actual=actual,
            timeout_seconds=10,
            cancel=CancelToken(),
        )
        assert found is not None
        assert found.is_actual is actual
        assert '"table_name": "t"' in found.text
        return found.tree

    assert "query_block" in plan("SELECT * FROM t WHERE a = 1", False)  # type: ignore[operator]
    assert "r_loops" in str(plan("SELECT * FROM t WHERE a > 0", True))
    with pytest.raises(QueryInvalid):
        plan("SELECT b FROM t", False)


def test_a_reader_passes_the_test_without_a_warning(shop: Shop) -> None:
    report = shop.engine.test(shop.source)
    assert report.is_ok
    assert "MariaDB" in report.server_version
    assert report.warnings == ()


def test_encryption_is_as_the_url_asks_for(shop: Shop) -> None:
    def encrypted(mode: str) -> str:
        url = f"{shop.source.sealed_url}?ssl_mode={mode}"
        (row,) = Shop(
            shop.server, shop.engine, replace(shop.source, sealed_url=url), shop.database, shop.user
        ).rows("SELECT VARIABLE_VALUE AS v FROM information_schema.SESSION_STATUS "
               "WHERE VARIABLE_NAME = 'SSL_CIPHER'")  # fmt: skip
        return str(row["v"])

    assert encrypted("required")
    assert encrypted("preferred")
    assert encrypted("disabled") == ""
    plain = replace(shop.source, sealed_url=f"{shop.source.sealed_url}?ssl_mode=disabled")
    assert any("not encrypted" in warning for warning in shop.engine.test(plain).warnings)


def test_root_passes_with_warnings(shop: Shop) -> None:
    report = shop.engine.test(shop.as_user("root", "test-root"))
    assert report.is_ok
    assert any("administrator" in warning for warning in report.warnings)


def test_who_can_read_nothing_fails_at_the_rights(shop: Shop) -> None:
    shop.server.run(f"REVOKE ALL PRIVILEGES ON {shop.database}.* FROM {shop.user}")
    shop.server.run(f"GRANT CREATE ON {shop.database}.* TO {shop.user}")
    failed = shop.engine.test(shop.source).failed_step
    assert failed is not None
    assert failed.step is ConnectionStep.RIGHTS


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda url: url.replace("read%20only", "wrong"), ConnectionStep.SIGN_IN),
        (lambda url: url.rpartition("/")[0] + "/no_such_database", ConnectionStep.SIGN_IN),
        (lambda url: url + "?ssl_mode=verify_identity", ConnectionStep.TLS),
        (lambda url: url + "?init_command=DROP", ConnectionStep.ADDRESS),
        (lambda url: url.replace("127.0.0.1", "no-such-host.invalid"), ConnectionStep.NAME),
    ],
)
def test_a_test_names_the_step(
    shop: Shop, change: Callable[[str], str], step: ConnectionStep
) -> None:
    source = replace(shop.source, sealed_url=change(shop.source.sealed_url))
    report = shop.engine.test(source)
    assert report.failed_step is not None
    assert report.failed_step.step is step
    assert "read only" not in report.failed_step.message
    with pytest.raises(EngineUnavailable):
        shop.engine.describe(source)


def test_a_host_that_may_not_be_reached_is_not(shop: Shop) -> None:
    engine = MySQLEngine(lambda sealed: sealed, HostRules(allow_private=False))
    with pytest.raises(EngineUnavailable, match="private"):
        engine.describe(shop.source)


def test_a_server_that_says_nothing_is_unavailable(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"mysql://a:b@127.0.0.1:{port}/x?connect_timeout=1"
        source = replace(shop.source, sealed_url=url)
        with pytest.raises(EngineUnavailable):
            shop.engine.describe(source)
        failed = shop.engine.test(source).failed_step
    assert failed is not None
    assert failed.step is ConnectionStep.SIGN_IN
    with pytest.raises(EngineUnavailable):
        shop.engine.describe(source)


def test_hints_are_left_out_when_the_catalog_does_not_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> list[tuple[str, str]]:
        raise OSError

    monkeypatch.setattr("aiser_app.query.engines.mysql.engine.columns_of", refuse)
    shop.make("CREATE TABLE t (a INT)")
    with pytest.raises(QueryInvalid) as caught:
        shop.rows("SELECT b FROM t")
    assert caught.value.hint is None


def test_who_cannot_see_rights_fails_at_the_rights(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = session.Session.rows

    def refuse(self: session.Session, sql: str, values: tuple[object, ...] = ()) -> list:
        if sql == "SHOW GRANTS":
            raise OSError
        return asked(self, sql, values)

    monkeypatch.setattr(session.Session, "rows", refuse)
    failed = shop.engine.test(shop.source).failed_step
    assert failed is not None
    assert "did not tell" in failed.message


def test_a_session_that_cannot_begin_is_unavailable(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr(session.Session, "begin", refuse)
        with pytest.raises(EngineUnavailable):
            shop.rows("SELECT 1 AS a")
    with monkeypatch.context() as patched:
        patched.setattr(session.Session, "end", refuse)
        assert shop.rows("SELECT 1 AS a") == [{"a": 1}]
    assert shop.rows("SELECT 1 AS a") == [{"a": 1}]


def test_a_session_that_cannot_be_set_up_is_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_WISHES", ("SET SESSION no_such_variable = 1",))
    assert shop.rows("SELECT 1 AS a") == [{"a": 1}]
    monkeypatch.setattr(session, "_WISHES", ("SET SESSION nonsense nonsense",))
    shop.engine.close()
    with pytest.raises(EngineUnavailable):
        shop.rows("SELECT 1 AS a")


def test_a_query_whose_server_cannot_be_told_is_cut_off(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    assert shop.rows("SELECT 1 AS a")
    monkeypatch.setattr(session, "open_wire", refuse)
    with pytest.raises(QueryTimedOut):
        shop.rows(ENDLESS, seconds=0.3)


def test_a_server_that_ignores_kill_is_cut_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_CUT_SECONDS", 0.2)
    monkeypatch.setattr(session.Killer, "_kill", lambda _self: None)
    with pytest.raises(QueryTimedOut):
        shop.rows(ENDLESS, seconds=0.3)


def test_killing_a_connection_that_is_gone_is_no_error(shop: Shop) -> None:
    with shop.engine._running(shop.source, 5, CancelToken()) as running:
        running.session.thread_id += 1_000_000
        running.killer()
        assert running.killer.has_killed
