"""Trino's own client against a stub of its protocol: what goes over the wire, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.contract import TYPE_KEY
from aiser_app.query.engines.warehouses import WarehouseEngine
from aiser_app.query.engines.warehouses.trino import Trino
from tests.unit.query.engines_warehouses.fakes import a_source, a_statement, rows
from tests.unit.query.engines_warehouses.trino_server import StubTrino


@pytest.fixture
def stub() -> Iterator[StubTrino]:
    with StubTrino().running() as running:
        yield running


@pytest.fixture
def source(stub: StubTrino) -> DataSource:
    return a_source("trino", f"trino://ada@127.0.0.1:{stub.port}/hive/sales")


@pytest.fixture
def engine() -> Iterator[WarehouseEngine]:
    made = WarehouseEngine(Trino(), lambda sealed: sealed, HostRules())
    yield made
    made.close()


def test_rows_arrive_page_by_page(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    stub.answers["SELECT all_of_it"] = (
        [
            ("n", "integer"),
            ("d", "decimal(10,2)"),
            ("at", "timestamp(3) with time zone"),
            ("local", "timestamp(3)"),
            ("day", "date"),
            ("list", "array(integer)"),
            ("s", "varchar"),
        ],
        [
            [
                [
                    1,
                    "1.50",
                    "2024-01-01 10:00:00.123 UTC",
                    "2024-01-01 10:00:00.000",
                    "2024-02-29",
                    [1, 2],
                    "ü",
                ]
            ],
            [[None] * 7],
        ],
    )
    with engine.stream(
        source, a_statement("SELECT all_of_it"), timeout_seconds=10, cancel=CancelToken()
    ) as stream:
        assert stream.schema.field("list").metadata[TYPE_KEY] == b"json"
        found = [row for batch in stream for row in batch.to_pylist()]
    assert found[0] == {
        "n": 1,
        "d": Decimal("1.50"),
        "at": datetime(2024, 1, 1, 10, 0, 0, 123000, tzinfo=UTC),
        "local": datetime.fromisoformat("2024-01-01T10:00"),
        "day": date(2024, 2, 29),
        "list": "[1,2]",
        "s": "ü",
    }
    assert set(found[1].values()) == {None}
    _, headers = stub.asked[-1]
    assert headers["X-Trino-Catalog"] == "hive"
    assert headers["X-Trino-Schema"] == "sales"
    assert headers["X-Trino-Source"] == "aiser"
    assert headers["X-Trino-Time-Zone"] == "UTC"
    assert any("query_max_run_time" in sql for sql, _ in stub.asked)


def test_values_are_bound_by_the_server(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    rows(engine, source, a_statement("SELECT {}", "it's"))
    texts = [sql for sql, _ in stub.asked]
    assert any("USING 'it''s'" in text for text in texts), texts
    assert not any("SELECT it's" in text for text in texts)


def test_errors_are_told_in_words(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    stub.answers["SELECT nam"] = {
        "errorName": "COLUMN_NOT_FOUND",
        "errorType": "USER_ERROR",
        "errorCode": 47,
        "message": "line 1:8: Column 'nam' cannot be resolved",
    }
    with pytest.raises(QueryInvalid, match="nam"):
        rows(engine, source, "SELECT nam")
    assert rows(engine, source, "SELECT 1") == [{"one": 1}]


def test_a_stop_reaches_the_server(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    stub.answers["SELECT forever"] = "endless"
    stub.answers["SELECT too"] = "endless"
    with pytest.raises(QueryTimedOut):
        rows(engine, source, "SELECT forever", seconds=0.3)
    assert stub.deleted.wait(5)
    stub.deleted.clear()
    cancel = CancelToken()
    timer = threading.Timer(0.2, cancel.cancel)
    timer.start()
    with pytest.raises(QueryCancelled):
        rows(engine, source, "SELECT too", cancel=cancel)
    timer.join()


def test_a_server_cannot_send_the_client_elsewhere(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    assert rows(engine, source, "SELECT 1") == [{"one": 1}]
    with StubTrino().running() as other:
        stub.foreign_next = f"http://127.0.0.1:{other.port}/next/0/1"
        with pytest.raises(EngineUnavailable):
            rows(engine, source, "SELECT 1")
        assert other.asked == []


def test_the_catalog_and_a_plan(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    names = [(name, "varchar") for name in ("a", "b", "c", "d", "e")]

    class Catalog(dict[str, object]):
        def get(self, sql: str, default: object = None) -> object:  # type: ignore[override]
            if "information_schema.columns" in sql:
                return names, [[["sales", "people", "id", "bigint", None]]]
            if "information_schema.tables" in sql:
                return names, [[["sales", "people", "BASE TABLE", None, None]]]
            if "information_schema.views" in sql:
                return names[:3], []
            if sql.startswith("EXPLAIN"):
                return names[:1], [[["Fragment 0"]]]
            return super().get(sql, default)

    stub.answers = Catalog(stub.answers)
    (people,) = engine.describe(source)
    assert (people.name, people.columns[0].type) == ("people", "integer")
    plan = engine.explain(
        source, a_statement("SELECT 1"), actual=False, timeout_seconds=5, cancel=CancelToken()
    )
    assert plan is not None
    assert plan.text == "Fragment 0"


def test_a_connection_is_tested(
    stub: StubTrino, engine: WarehouseEngine, source: DataSource
) -> None:
    report = engine.test(source)
    assert report.is_ok, report
    assert report.server_version == "Trino 480"
    assert any("not encrypted" in warning for warning in report.warnings)
