"""The ClickHouse engine beyond the contract: users who may set nothing, stops, hosts, TLS."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.errors import EngineUnavailable, QueryInvalid
from aiser_app.query.connection import HostRules, read_address
from aiser_app.query.engines.clickhouse import ClickHouseEngine, session
from tests.fixtures.clickhouse import ClickHouse


@pytest.fixture
def engine() -> Iterator[ClickHouseEngine]:
    made = ClickHouseEngine(lambda sealed: sealed)
    yield made
    made.close()


def a_source(server: ClickHouse, user: str = "reader", database: str = "default") -> DataSource:
    return DataSource(
        source_id=uuid.uuid4().hex,
        organization_id="0" * 32,
        name="Clicks",
        engine="clickhouse",
        sealed_url=server.url(database, user),
    )


def rows(engine: ClickHouseEngine, source: DataSource, sql: str) -> list[dict]:
    with engine.stream(
        source, Statement(sql=sql), timeout_seconds=30, cancel=CancelToken()
    ) as stream:
        return [row for batch in stream for row in batch.to_pylist()]


def test_a_user_who_may_set_nothing_can_still_ask(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine
) -> None:
    source = a_source(clickhouse_server, "locked")
    assert rows(engine, source, "SELECT toDateTime(0, 'UTC') AS a")[0]["a"].year == 1970
    with pytest.raises(QueryInvalid):
        rows(engine, source, "SELECT 1 SETTINGS readonly = 0")


def test_a_failure_in_the_middle_of_rows_is_a_failure(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine
) -> None:
    sql = "SELECT throwIf(number = 900000, 'secret') FROM numbers(1000000)"
    with pytest.raises(QueryInvalid) as caught:
        rows(engine, a_source(clickhouse_server), sql)
    assert "secret" not in caught.value.message


def test_an_outer_join_without_a_partner_is_null(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine
) -> None:
    sql = (
        "SELECT b.y AS y FROM (SELECT 1 AS x) AS a "
        "LEFT JOIN (SELECT 2 AS x, 3 AS y) AS b ON a.x = b.x"
    )
    assert rows(engine, a_source(clickhouse_server), sql) == [{"y": None}]


def test_the_plan_names_the_index(clickhouse_server: ClickHouse, engine: ClickHouseEngine) -> None:
    plan = engine.explain(
        a_source(clickhouse_server),
        Statement(sql="SELECT 1 AS a"),
        actual=False,
        timeout_seconds=10,
        cancel=CancelToken(),
    )
    assert plan is not None
    assert isinstance(plan.tree, list)


def test_urls_and_hosts_that_cannot_be_used(clickhouse_server: ClickHouse) -> None:
    good = a_source(clickhouse_server)
    strict = ClickHouseEngine(lambda sealed: sealed, HostRules(allow_private=False))
    with pytest.raises(EngineUnavailable, match="private"):
        strict.describe(good)
    engine = ClickHouseEngine(lambda sealed: sealed)
    for url in ("mysql://a:b@h/d", "nonsense"):
        source = replace(good, sealed_url=url)
        with pytest.raises(EngineUnavailable):
            engine.describe(source)
        failed = engine.test(source).failed_step
        assert failed is not None
        assert failed.step is ConnectionStep.ADDRESS


def test_who_asks_for_tls_gets_it_or_nothing(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine
) -> None:
    url = clickhouse_server.url()
    for encrypted in (
        url.replace("clickhouse+http:", "clickhouse+https:"),
        url.replace("clickhouse+http:", "clickhouse+https:") + "?verify=false",
        url.replace("clickhouse+http:", "clickhouse:") + "?secure=true",
    ):
        failed = engine.test(replace(a_source(clickhouse_server), sealed_url=encrypted)).failed_step
        assert failed is not None
        assert failed.step is ConnectionStep.TLS
        assert "encrypted" in failed.message


def test_certificates_are_verified_for_the_name_that_was_asked_for() -> None:
    strict = session._pool_options(read_address("clickhouse+https://u:p@ch.example/d"), True)
    assert strict["cert_reqs"] == "CERT_REQUIRED"
    assert strict["assert_hostname"] == strict["server_hostname"] == "ch.example"
    lax = session._pool_options(
        read_address("clickhouse+https://u:p@ch.example/d?verify=false"), True
    )
    assert lax["cert_reqs"] == "CERT_NONE"
    assert "assert_hostname" not in lax


class Redirect(BaseHTTPRequestHandler):
    """Sends whoever asks to another port, and counts who comes there."""

    seen: list[str] = []
    target = 0

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.send_response(307)
        self.send_header("Location", f"http://127.0.0.1:{self.target}/secret")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_redirect_is_not_followed(engine: ClickHouseEngine) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    Redirect.target = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        source = DataSource(
            source_id=uuid.uuid4().hex,
            organization_id="0" * 32,
            name="Clicks",
            engine="clickhouse",
            sealed_url=f"clickhouse://a:b@127.0.0.1:{Redirect.target}/d",
        )
        with pytest.raises(EngineUnavailable):
            engine.describe(source)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert Redirect.seen
    assert not any("secret" in path for path in Redirect.seen)


def test_a_server_that_cannot_be_told_to_stop_is_no_error(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine
) -> None:
    with engine._running(a_source(clickhouse_server), 5, CancelToken()) as running:
        running.session.client.url = "http://127.0.0.1:1"
        running.session.kill()


def test_hints_are_left_out_when_the_catalog_does_not_answer(
    clickhouse_server: ClickHouse, engine: ClickHouseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine._running(a_source(clickhouse_server), 5, CancelToken()) as running:
        monkeypatch.setattr(
            "aiser_app.query.engines.clickhouse.engine.columns_in", _no_answer, raising=True
        )
        assert running._near("nam", "SELECT nam FROM people") is None


def _no_answer(*_: object) -> list[tuple[str, str]]:
    raise OSError


@pytest.mark.parametrize("grants", ["", "GRANT INSERT ON *.* TO reader"])
def test_who_can_read_nothing_fails_at_the_rights(
    clickhouse_server: ClickHouse,
    engine: ClickHouseEngine,
    monkeypatch: pytest.MonkeyPatch,
    grants: str,
) -> None:
    monkeypatch.setattr(session.Session, "text", lambda *_: grants)
    failed = engine.test(a_source(clickhouse_server)).failed_step
    assert failed is not None
    assert failed.step is ConnectionStep.RIGHTS

    def refuse(*_: object) -> str:
        raise OSError

    monkeypatch.setattr(session.Session, "text", refuse)
    failed = engine.test(a_source(clickhouse_server)).failed_step
    assert failed is not None
    assert "did not tell" in failed.message
