"""What the drivers get: by their own dialects, from parts that were judged before."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from aiser_app.errors import EngineUnavailable
from aiser_app.query.connection import read_address
from aiser_app.query.engines.warehouses import (
    ADAPTERS,
    bigquery,
    databricks,
    drivers,
    snowflake,
    spark,
    sqlserver,
    trino,
    warehouse_engines,
)
from tests.unit.query.engines_warehouses.fakes import AnyHost, FakeDriver


@pytest.fixture
def fake() -> FakeDriver:
    return FakeDriver(lambda sql, values: ((), []))


def test_every_scheme_of_a_warehouse_has_its_engine() -> None:
    engines = warehouse_engines(lambda sealed: sealed, AnyHost())
    assert set(engines) == {"snowflake", "bigquery", "mssql", "trino", "databricks", "spark"}
    dialects = {engine.dialect for engine in engines.values()}
    assert dialects == {"snowflake", "bigquery", "tsql", "trino", "databricks", "spark"}
    assert not any(engine.capabilities.runs_in_tests for engine in engines.values())
    assert len(ADAPTERS) == len(engines)


def test_snowflake(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snowflake.connector.connect", fake.connect)
    address = read_address("snowflake://ada:p%40ss@acc-1.eu/shop/public?warehouse=w&role=reader")
    drivers.connected(snowflake.url(address), snowflake.arguments(7.9))
    given = fake.arguments
    assert given["account"] == "acc-1"
    assert given["host"] == "acc-1.eu.snowflakecomputing.com"
    assert (given["user"], given["password"]) == ("ada", "p@ss")
    assert (given["database"], given["schema"]) == ("shop", "public")
    assert (given["warehouse"], given["role"]) == ("w", "reader")
    assert given["paramstyle"] == "qmark"
    assert given["login_timeout"] == 7
    assert given["session_parameters"]["MULTI_STATEMENT_COUNT"] == 1
    assert given["session_parameters"]["QUERY_TAG"] == "aiser"
    assert snowflake.Snowflake().server(address) == ("acc-1.eu.snowflakecomputing.com", 443)


def test_snowflake_without_a_schema() -> None:
    address = read_address("snowflake://ada:x@acc/shop")
    assert snowflake.url(address).database == "shop"


def test_sql_server(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymssql.connect", fake.connect)
    address = read_address("mssql://ada:p%40ss@db.example:1444/shop?encryption=require")
    drivers.connected(sqlserver.url(address), sqlserver.arguments(address, 5))
    given = fake.arguments
    assert given["host"] == "db.example:1444"
    assert (given["user"], given["password"], given["database"]) == ("ada", "p@ss", "shop")
    assert given["read_only"] is True
    assert given["autocommit"] is False
    assert given["encryption"] == "require"
    assert sqlserver.SQLServer().is_encrypted(address)


def test_trino(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trino.dbapi.connect", fake.connect)
    address = read_address("trino://ada:p%40ss@trino.example:443/hive/sales")
    drivers.connected(trino.url(address), trino.arguments(address, 5))
    given = fake.arguments
    assert (given["host"], given["port"], given["http_scheme"]) == ("trino.example", 443, "https")
    assert (given["catalog"], given["schema"], given["user"]) == ("hive", "sales", "ada")
    assert given["auth"]._password == "p@ss"
    assert trino.Trino().is_encrypted(address)


def test_trino_reaches_its_own_server_only() -> None:
    import requests

    address = read_address("trino://ada@trino.example:8080/hive")
    session = trino.arguments(address, 5)["http_session"]
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get("http://169.254.169.254/latest")
    with pytest.raises(requests.exceptions.InvalidSchema):
        session.get("http://trino.example:8081/v1/statement")
    assert "auth" not in trino.arguments(address, 5)


def test_databricks(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("databricks.sql.connect", fake.connect)
    address = read_address(
        "databricks://token:dapi%2B1@x.cloud.example:443?http_path=/sql/1.0/warehouses/ab&catalog=main"
    )
    drivers.connected(databricks.url(address), databricks.arguments(5))
    given = fake.arguments
    assert given["server_hostname"] == "x.cloud.example"
    assert given["http_path"] == "/sql/1.0/warehouses/ab"
    assert given["access_token"] == "dapi+1"
    assert given["catalog"] == "main"
    assert given["session_configuration"]["TIMEZONE"] == "UTC"
    assert given["enable_telemetry"] is False


def test_spark() -> None:
    address = read_address("sc://spark.example:15002/;use_ssl=true;token=abc;user_id=ada")
    assert spark.url(address) == "sc://spark.example:15002/;use_ssl=true;user_id=ada;token=abc"
    assert spark.url(read_address("sc://[::1]:15002/")) == "sc://[::1]:15002/"
    assert spark.Spark().is_encrypted(address)


def encoded(**key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def test_a_service_account_keeps_its_own_parts_only() -> None:
    found = bigquery.credentials(
        encoded(
            type="service_account",
            project_id="p",
            private_key="k?>",
            client_email="a@b",
            token_uri="http://169.254.169.254/token",
            universe_domain="evil.example",
        )
    )
    assert found == {
        "type": "service_account",
        "project_id": "p",
        "private_key": "k?>",
        "client_email": "a@b",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


@pytest.mark.parametrize(
    "password",
    [
        "",
        "not base64!",
        encoded(type="external_account", credential_source={"executable": {"command": "id"}}),
        base64.b64encode(b"[1]").decode(),
    ],
)
def test_other_google_credentials_are_refused(password: str) -> None:
    with pytest.raises(EngineUnavailable, match="service account"):
        bigquery.credentials(password)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        drivers.driver("no_such_driver.module")
    assert "no_such_driver" in caught.value.message
    assert "requirements-warehouses.txt" in (caught.value.hint or "")
    address = read_address("mssql://a:b@h/d")
    monkeypatch.setitem(__import__("sys").modules, "pymssql", None)
    with pytest.raises(EngineUnavailable):
        drivers.connected(sqlserver.url(address), {})
