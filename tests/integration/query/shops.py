"""The shop of the compiler's tests, in a database of every kind, read by its real engine."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.clickhouse import ClickHouseEngine
from aiser_app.query.engines.contract import Engine
from aiser_app.query.engines.mysql import MySQLEngine
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.engines.sqlite import SqliteEngine
from aiser_app.stack.postgres import Postgres
from tests.fixtures.clickhouse import ClickHouse
from tests.fixtures.mariadb import MariaDB
from tests.unit.semantic.builders import SHOP


@dataclass(frozen=True)
class LiveShop:
    engine: Engine
    source: DataSource

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        stream = self.engine.stream(
            self.source, Statement(sql=sql), timeout_seconds=30, cancel=CancelToken()
        )
        with stream as batches:
            return [
                row
                for batch in batches
                for row in zip(*(item.to_pylist() for item in batch.columns), strict=True)
            ]


def _source(engine: str, url: str = "", **options: str) -> DataSource:
    return DataSource(
        source_id="1" * 32,
        organization_id="0" * 32,
        name="Shop",
        engine=engine,
        options=options,
        sealed_url=url,
    )


def _as_it_stands(sealed: str) -> str:
    return sealed


@contextmanager
def postgres_shop(
    folder: Path, request: pytest.FixtureRequest, statements: Sequence[str] = SHOP
) -> Iterator[LiveShop]:
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"shop_{uuid.uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(server.url(name), autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement.replace("DOUBLE", "DOUBLE PRECISION").encode())
        owner.execute("ANALYZE")
    engine = PostgresEngine(unseal=_as_it_stands, rules=HostRules())
    try:
        yield LiveShop(engine, _source("postgres", server.url(name)))
    finally:
        engine.close()
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def mysql_shop(
    folder: Path, request: pytest.FixtureRequest, statements: Sequence[str] = SHOP
) -> Iterator[LiveShop]:
    server: MariaDB = request.getfixturevalue("mariadb_server")
    name = f"shop_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    for statement in statements:
        server.run(
            statement.replace("VARCHAR", "VARCHAR(40)").replace('"order"', "`order`"), database=name
        )
    engine = MySQLEngine(unseal=_as_it_stands, rules=HostRules())
    try:
        yield LiveShop(engine, _source("mysql", server.url(name)))
    finally:
        engine.close()
        server.run(f"DROP DATABASE {name}")


@contextmanager
def clickhouse_shop(
    folder: Path, request: pytest.FixtureRequest, statements: Sequence[str] = SHOP
) -> Iterator[LiveShop]:
    server: ClickHouse = request.getfixturevalue("clickhouse_server")
    name = f"shop_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    for statement in statements:
        server.run(_for_clickhouse(statement), name)
    engine = ClickHouseEngine(unseal=_as_it_stands, rules=HostRules())
    try:
        yield LiveShop(engine, _source("clickhouse", server.url(name)))
    finally:
        engine.close()
        server.run(f"DROP DATABASE {name}")


def _for_clickhouse(statement: str) -> str:
    """Its own types, nullable, and no foreign keys."""
    if not statement.startswith("CREATE"):
        return re.sub(r"(DATE|TIMESTAMP) '", "'", statement)
    text = re.sub(r" (PRIMARY KEY|REFERENCES \w+ \(\w+\))", "", statement)
    for plain, own in (
        ("INTEGER", "Nullable(Int32)"),
        ("VARCHAR", "Nullable(String)"),
        ("BOOLEAN", "Nullable(Bool)"),
        ("TIMESTAMP", "Nullable(DateTime('UTC'))"),
        (" DATE", " Nullable(Date32)"),
        ("DECIMAL(10, 2)", "Nullable(Decimal(10, 2))"),
        ("DOUBLE", "Nullable(Float64)"),
    ):
        text = text.replace(plain, own)
    return f"{text} ENGINE = MergeTree ORDER BY tuple()"


@contextmanager
def sqlite_shop(
    folder: Path, request: pytest.FixtureRequest, statements: Sequence[str] = SHOP
) -> Iterator[LiveShop]:
    path = folder / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(re.sub(r"(DATE|TIMESTAMP) '", "'", statement))
        connection.commit()
    engine = SqliteEngine(folder, _as_it_stands)
    try:
        yield LiveShop(engine, _source("sqlite", f"sqlite:///{path.name}"))
    finally:
        engine.close()


class ShopMaker(Protocol):
    """Makes a database with the statements' tables, and drops it afterwards."""

    def __call__(
        self, folder: Path, request: pytest.FixtureRequest, statements: Sequence[str] = SHOP
    ) -> AbstractContextManager[LiveShop]: ...


SHOPS: dict[str, ShopMaker] = {
    "clickhouse": clickhouse_shop,
    "mysql": mysql_shop,
    "postgres": postgres_shop,
    "sqlite": sqlite_shop,
}
