"""Spark Connect with its client's modules faked: the real one is installed by who uses Spark."""

from __future__ import annotations

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid
from aiser_app.query.engines.warehouses import WarehouseEngine
from aiser_app.query.engines.warehouses.spark import Spark
from tests.unit.query.engines_warehouses.fakes import AnyHost, a_source, a_statement, rows

SOURCE = a_source("spark", "sc://spark.example:15002/;token=secret")


class PySparkException(Exception):
    """As in pyspark.errors."""


class RpcError(Exception):
    """As in grpc."""


class SparkFake:
    """Builder and session in one."""

    version = "4.3.0"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.settings: dict[str, str] = {}
        self.tags: list[str] = []
        self.interrupted = threading.Event()
        self.running = threading.Event()
        self.stopped = False
        self.builder = self
        self.conf = SimpleNamespace(set=self.settings.__setitem__)
        self.url = ""
        self.catalog = SimpleNamespace(
            listTables=lambda: [
                SimpleNamespace(name="people", description="Who came", tableType="MANAGED", isTemporary=False),
                SimpleNamespace(name="tall", description=None, tableType="VIEW", isTemporary=False),
                SimpleNamespace(name="mine", description=None, tableType="TEMPORARY", isTemporary=True),
            ],
            listColumns=lambda name: [
                SimpleNamespace(name="id", dataType="bigint", description=None)
            ],
        )  # fmt: skip

    def remote(self, url: str) -> SparkFake:
        self.url = url
        return self

    def create(self) -> SparkFake:
        if "refused" in self.url:
            raise RpcError("StatusCode.UNAUTHENTICATED")
        return self

    def addTag(self, tag: str) -> None:
        self.tags.append(tag)

    def interruptTag(self, tag: str) -> None:
        assert tag in self.tags
        self.interrupted.set()

    def sql(self, text: str, args: Any = None) -> SparkFake:
        self.asked.append((text, args))
        return self

    def toArrow(self) -> pa.Table:
        text = self.asked[-1][0]
        if "nam" in text:
            raise PySparkException("[UNRESOLVED_COLUMN.WITH_SUGGESTION] `nam` cannot be resolved")
        if text == "SELECT forever":
            self.running.set()
            assert self.interrupted.wait(10)
            raise PySparkException("[OPERATION_CANCELED] Operation has been canceled.")
        return pa.table({"a": pa.array([1], pa.int32())})

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> SparkFake:
    made = SparkFake()
    modules = {
        "pyspark": {},
        "pyspark.errors": {"PySparkException": PySparkException},
        "pyspark.sql": {},
        "pyspark.sql.connect": {},
        "pyspark.sql.connect.session": {"SparkSession": made},
        "grpc": {"RpcError": RpcError},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("socket.create_connection", lambda *_: SimpleNamespace(close=lambda: None))
    return made


@pytest.fixture
def engine() -> WarehouseEngine:
    return WarehouseEngine(Spark(), lambda sealed: sealed, AnyHost())


def test_rows(spark: SparkFake, engine: WarehouseEngine) -> None:
    assert rows(engine, SOURCE, a_statement("SELECT {}", "x")) == [{"a": 1}]
    assert spark.asked[-1] == ("SELECT ?", ["x"])
    assert spark.settings["spark.sql.session.timeZone"] == "UTC"
    assert spark.url == "sc://spark.example:15002/;token=secret"
    engine.close()
    assert spark.stopped


def test_a_stop_interrupts_by_the_tag(spark: SparkFake, engine: WarehouseEngine) -> None:
    cancel = CancelToken()
    stopper = threading.Thread(target=lambda: spark.running.wait(10) and cancel.cancel())
    stopper.start()
    with pytest.raises(QueryCancelled):
        rows(engine, SOURCE, "SELECT forever", cancel=cancel)
    stopper.join()


def test_errors_and_plans(spark: SparkFake, engine: WarehouseEngine) -> None:
    with pytest.raises(QueryInvalid, match="nam"):
        rows(engine, SOURCE, "SELECT nam")
    plan = engine.explain(
        SOURCE, a_statement("SELECT 1"), actual=False, timeout_seconds=5, cancel=CancelToken()
    )
    assert plan is not None
    assert spark.asked[-1][0] == "EXPLAIN FORMATTED SELECT 1"
    refused = a_source("spark", "sc://refused.example:15002/")
    with pytest.raises(EngineUnavailable, match="token"):
        rows(engine, refused, "SELECT 1")


def test_a_port_where_nobody_listens_is_told_at_once(
    spark: SparkFake, engine: WarehouseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(EngineUnavailable):
        rows(engine, SOURCE, "SELECT 1")
    assert spark.url == ""


def test_the_catalog(spark: SparkFake, engine: WarehouseEngine) -> None:
    people, tall = engine.describe(SOURCE)
    assert (people.name, people.description, people.is_view) == ("people", "Who came", False)
    assert (tall.name, tall.is_view) == ("tall", True)
    assert people.columns[0].type == "integer"
    other: Any = object()
    assert Spark().describe(other, engine._address(SOURCE)) == ()


def test_without_the_client_a_source_says_so(
    engine: WarehouseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(EngineUnavailable) as caught:
        rows(engine, SOURCE, "SELECT 1")
    assert "pyspark-client" in (caught.value.hint or "")
