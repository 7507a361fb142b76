"""Drivers that give Arrow: Snowflake, Databricks, BigQuery, each with nobody behind it."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import google.cloud.bigquery as bq
import pyarrow as pa
import pytest
import snowflake.connector.errors as sf
from databricks.sql.exc import ServerOperationError
from google.api_core import exceptions as google

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid
from aiser_app.query.engines.contract import Plan
from aiser_app.query.engines.warehouses import WarehouseEngine, bigquery
from aiser_app.query.engines.warehouses.adapter import rows as all_rows
from aiser_app.query.engines.warehouses.bigquery import BigQuery
from aiser_app.query.engines.warehouses.databricks import Databricks
from aiser_app.query.engines.warehouses.snowflake import Snowflake
from tests.unit.query.engines_warehouses.fakes import AnyHost, a_source, a_statement, rows

ONE = pa.table({"a": pa.array([1, 2], pa.int8())})
NONE = ONE.slice(0, 0)


def an_engine(adapter: Any) -> WarehouseEngine:
    return WarehouseEngine(adapter, lambda sealed: sealed, AnyHost())


class SnowflakeFake:
    """Connection and cursor in one: queries run until `done` is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.aborted: list[str] = []
        self.sfqid: str | None = None
        self.running = threading.Event()
        self.answer = ONE
        self.failure: Exception | None = None

    def connect(self, **named: Any) -> SnowflakeFake:
        return self

    def cursor(self) -> SnowflakeFake:
        return self

    def execute_async(self, sql: str, values: Any) -> None:
        self.asked.append((sql, values))
        self.sfqid = f"query-{len(self.asked)}"

    def get_query_status_throw_if_error(self, query: str) -> str:
        if self.failure is not None and self.asked[-1][0].startswith("SELECT bad"):
            raise self.failure
        if self.asked[-1][0] == "SELECT forever":
            self.running.set()
            if query in self.aborted:
                error = sf.ProgrammingError("SQL execution canceled")
                error.errno = 604
                raise error
            return "RUNNING"
        return "SUCCESS"

    def is_still_running(self, status: str) -> bool:
        return status == "RUNNING"

    def get_results_from_sfqid(self, query: str) -> None:
        assert query == self.sfqid

    def fetch_arrow_batches(self, *, force_microsecond_precision: bool) -> list[pa.Table]:
        return [self.answer] if self.answer.num_rows else []

    def fetch_arrow_all(self, *, force_return_table: bool) -> pa.Table:
        return self.answer

    def abort_query(self, query: str) -> None:
        self.aborted.append(query)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def snow(monkeypatch: pytest.MonkeyPatch) -> SnowflakeFake:
    made = SnowflakeFake()
    monkeypatch.setattr("snowflake.connector.connect", made.connect)
    return made


SNOW = a_source("snowflake", "snowflake://ada:p@acc/shop/public?warehouse=w")


def test_snowflake_rows(snow: SnowflakeFake) -> None:
    engine = an_engine(Snowflake())
    assert engine.capabilities.native_arrow
    assert rows(engine, SNOW, a_statement("SELECT {}", "x")) == [{"a": 1}, {"a": 2}]
    assert snow.asked[-1] == ("SELECT ?", ("x",))
    assert any("STATEMENT_TIMEOUT_IN_SECONDS" in sql for sql, _ in snow.asked)
    snow.answer = NONE
    assert rows(engine, SNOW, "SELECT none") == []
    engine.close()


def test_snowflake_stops_by_the_querys_own_id(snow: SnowflakeFake) -> None:
    cancel = CancelToken()
    stopper = threading.Thread(target=lambda: snow.running.wait(10) and cancel.cancel())
    stopper.start()
    with pytest.raises(QueryCancelled):
        rows(an_engine(Snowflake()), SNOW, "SELECT forever", cancel=cancel)
    stopper.join()
    assert snow.aborted[0] == snow.sfqid


def test_snowflake_errors(snow: SnowflakeFake) -> None:
    error = sf.ProgrammingError("SQL compilation error: invalid identifier 'NAM'")
    error.errno = 904
    snow.failure = error
    with pytest.raises(QueryInvalid, match="NAM"):
        rows(an_engine(Snowflake()), SNOW, "SELECT bad")


def test_snowflake_before_a_query_nothing_is_stopped(snow: SnowflakeFake) -> None:
    engine = an_engine(Snowflake())
    session = Snowflake().open(engine._address(SNOW), 3)
    session.end()
    session.cancel()
    assert snow.aborted == []
    assert session.version == "Snowflake 1"


def test_snowflake_catalog_and_plan(snow: SnowflakeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*, force_microsecond_precision: bool) -> list[pa.Table]:
        sql = snow.asked[-1][0]
        if "information_schema.columns" in sql:
            return [
                pa.table(
                    {"a": ["PUBLIC"], "b": ["T"], "c": ["ID"], "d": ["NUMBER(38,0)"], "e": [None]}
                )
            ]
        if "information_schema.tables" in sql:
            return [
                pa.table({"a": ["PUBLIC"], "b": ["T"], "c": ["BASE TABLE"], "d": [5], "e": ["x"]})
            ]
        if "information_schema.views" in sql:
            return [pa.table({"a": ["PUBLIC"], "b": ["V"], "c": ["create view V as select 1"]})]
        return [ONE]

    monkeypatch.setattr(snow, "fetch_arrow_batches", answer)
    engine = an_engine(Snowflake())
    (table,) = engine.describe(SNOW)
    assert (table.name, table.row_estimate, table.columns[0].type) == ("T", 5, "integer")
    plan = engine.explain(
        SNOW, a_statement("SELECT 1"), actual=False, timeout_seconds=5, cancel=CancelToken()
    )
    assert plan == Plan(text="1\n2")
    assert snow.asked[-1][0] == "EXPLAIN USING TEXT SELECT 1"


class DatabricksFake:
    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.left = ONE
        self.cancelled = 0

    def connect(self, *args: Any, **named: Any) -> DatabricksFake:
        return self

    def cursor(self) -> DatabricksFake:
        return self

    def execute(self, sql: str, values: Any = None) -> None:
        self.asked.append((sql, values))
        if "nam" in sql:
            raise ServerOperationError("[UNRESOLVED_COLUMN] `nam` cannot be resolved")
        self.left = ONE

    def fetchmany_arrow(self, size: int) -> pa.Table:
        found, self.left = self.left.slice(0, 1), self.left.slice(1)
        return found

    def cancel(self) -> None:
        self.cancelled += 1

    def close(self) -> None:
        raise ServerOperationError("already closed")


def test_databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = DatabricksFake()
    monkeypatch.setattr("databricks.sql.connect", fake.connect)
    engine = an_engine(Databricks())
    source = a_source("databricks", "databricks://token:t@h:443?http_path=/sql/1.0/x&catalog=main")
    assert rows(engine, source, a_statement("SELECT {}", 5)) == [{"a": 1}, {"a": 2}]
    assert fake.asked[-1] == ("SELECT ?", [5])
    assert any(sql.startswith("SET STATEMENT_TIMEOUT") for sql, _ in fake.asked)
    with pytest.raises(QueryInvalid, match="nam"):
        rows(engine, source, "SELECT nam")
    with engine.stream(
        source, a_statement("SELECT 1"), timeout_seconds=5, cancel=CancelToken()
    ) as stream:
        assert stream.schema.names == ["a"]
    assert fake.cancelled == 1
    session = Databricks().open(engine._address(source), 3)
    assert session.version == "Databricks 1"
    session.end()
    session.cancel()
    assert fake.cancelled == 1


class BigQueryFake:
    """Client, job and result in one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.cancelled = threading.Event()
        self.running = threading.Event()
        self.tables = [ONE]
        self.total_bytes_processed = 1234567
        self._client = self

    def query(self, sql: str, *, job_config: Any) -> BigQueryFake:
        self.asked.append((sql, job_config))
        return self

    def result(self, *, timeout: float | None) -> BigQueryFake:
        sql = self.asked[-1][0]
        if sql == "SELECT nam":
            raise google.BadRequest(
                "Unrecognized name: nam at [1:8]", errors=[{"reason": "invalidQuery"}]
            )
        if sql == "SELECT forever":
            self.running.set()
            assert self.cancelled.wait(10)
            raise google.BadRequest("stopped", errors=[{"reason": "stopped"}])
        return self

    def to_arrow_iterable(self) -> list[pa.RecordBatch]:
        return [batch for table in self.tables for batch in table.to_batches()]

    def to_arrow(self) -> pa.Table:
        return NONE

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> BigQueryFake:
    made = BigQueryFake()
    monkeypatch.setattr(bigquery, "connected", lambda *args, **named: made)
    monkeypatch.setattr(bigquery, "credentials", lambda encoded: {})
    return made


BIG = a_source("bigquery", "bigquery://proj/sales?location=EU&credentials_base64=e30=")


def test_bigquery_rows(big: BigQueryFake) -> None:
    engine = an_engine(BigQuery())
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    values = (True, 7, 1.5, Decimal("1.5"), Decimal("0.0123456789"), moment,
              moment.replace(tzinfo=None), date(2024, 1, 1), "x", None)  # fmt: skip
    text = "SELECT " + ", ".join(["{}"] * len(values))
    assert rows(engine, BIG, a_statement(text, *values)) == [{"a": 1}, {"a": 2}]
    sql, config = big.asked[-1]
    assert sql.startswith("SELECT @p1, @p2")
    assert [p.type_ for p in config.query_parameters] == [
        "BOOL", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "TIMESTAMP", "DATETIME", "DATE",
        "STRING", "STRING",
    ]  # fmt: skip
    assert config.use_legacy_sql is False
    assert int(config.job_timeout_ms) >= 10_000
    assert config.default_dataset == bq.DatasetReference("proj", "sales")
    big.tables = []
    assert rows(engine, BIG, "SELECT none") == []
    engine.close()


def test_bigquery_stops_and_errors(big: BigQueryFake) -> None:
    engine = an_engine(BigQuery())
    cancel = CancelToken()
    stopper = threading.Thread(target=lambda: big.running.wait(10) and cancel.cancel())
    stopper.start()
    with pytest.raises(QueryCancelled):
        rows(engine, BIG, "SELECT forever", cancel=cancel)
    stopper.join()
    with pytest.raises(QueryInvalid, match="nam"):
        rows(engine, BIG, "SELECT nam")


def test_bigquery_tells_what_it_would_read(big: BigQueryFake) -> None:
    plan = an_engine(BigQuery()).explain(
        BIG, a_statement("SELECT 1"), actual=False, timeout_seconds=5, cancel=CancelToken()
    )
    assert plan == Plan(text="BigQuery would read 1,234,567 bytes.")
    assert big.asked[-1][1].dry_run is True


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("bigquery://proj/sales?credentials_base64=e30=", "`proj`.`sales`.INFORMATION_SCHEMA"),
        ("bigquery://proj?location=EU&credentials_base64=e30=", "`proj`.`region-eu`"),
    ],
)
def test_bigquery_catalog(big: BigQueryFake, url: str, place: str) -> None:
    big.tables = []
    engine = an_engine(BigQuery())
    source = a_source("bigquery", url)
    assert engine.describe(source) == ()
    assert all(place in sql for sql, _ in big.asked)
    session = BigQuery().open(engine._address(source), 3)
    session.run("SELECT 1", ())
    session.end()
    session.cancel()
    assert not big.cancelled.is_set()
    assert all_rows(session, "SELECT 1") == []


def test_bigquery_explains_its_own_sessions_only() -> None:
    session: Any = object()
    assert BigQuery().explain(session, "SELECT 1", ()) is None


def test_bigquery_without_an_account_is_refused() -> None:
    source = a_source("bigquery", "bigquery://proj/sales")
    with pytest.raises(EngineUnavailable, match="service account"):
        an_engine(BigQuery()).describe(source)
    assert BigQuery().server(an_engine(BigQuery())._address(source))[0].endswith("googleapis.com")


def test_the_dialect_makes_a_client_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def client(**named: Any) -> Any:
        given.update(named)
        return bq.Client.__new__(bq.Client)

    monkeypatch.setattr("sqlalchemy_bigquery._helpers.create_bigquery_client", client)
    monkeypatch.setattr("google.cloud.bigquery.dbapi.connect", lambda **named: named)
    monkeypatch.setattr(bigquery, "credentials", lambda encoded: {"type": "service_account"})
    monkeypatch.setattr(bigquery, "_Session", lambda connection, address: connection)
    address = an_engine(BigQuery())._address(BIG)
    assert "client" in BigQuery().open(address, 3)  # type: ignore[operator]
    assert given["credentials_info"] == {"type": "service_account"}
    assert given["location"] == "EU"
    assert given["project_id"] == "proj"
    assert given["credentials_path"] is None
