"""Joins over PostgreSQL, SQLite and a DuckDB file: what one database would say, and nothing more."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import ColumnMask, GrantedTable, MaskKind, Policies, RowPolicy
from aiser_app.errors import (
    EngineUnavailable,
    QueryCancelled,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.contract import Engine
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.engines.sqlite import SqliteEngine
from aiser_app.query.federation import (
    FederatedQuery,
    FederatedSource,
    FederationSettings,
    prepare,
)
from aiser_app.stack.postgres import Postgres
from tests.integration.query.cached import eventually
from tests.unit.query.federation.builders import rows_of

pytestmark = pytest.mark.integration

SHOP = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount NUMERIC(10,2), "
    "placed DATE, seen TIMESTAMP, status VARCHAR(20), region VARCHAR(2))",
    *(
        f"INSERT INTO orders VALUES ({i}, {i % 40 if i % 7 else 'NULL'}, {i * 1.25}, "
        f"DATE '2024-{1 + i % 12:02}-{1 + i % 28:02}', TIMESTAMP '2024-01-{1 + i % 28:02} 10:00:00', "
        f"{['NULL', repr('open'), repr('Paid')][i % 3]}, '{['EU', 'US'][i % 2]}')"
        for i in range(1, 200)
    ),
)
CRM = (
    "CREATE TABLE customers (id INTEGER, name TEXT, city TEXT, since DATE)",
    *(
        f"INSERT INTO customers VALUES ({i}, 'name {i}', "
        f"{['NULL', repr('Köln'), repr('Paris')][i % 3]}, '2023-{1 + i % 12:02}-01')"
        for i in range(50)
    ),
)
LOG = (
    "CREATE TABLE visits (customer_id BIGINT, page VARCHAR, seconds DOUBLE, started TIMESTAMPTZ)",
    "INSERT INTO visits SELECT i % 60, 'p' || (i % 5), i / 8, "
    "TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL 1 HOUR * i FROM range(500) r(i)",
)
TYPES: dict[str, GrantedTable] = {
    name: GrantedTable(name=name, columns=tuple(columns), column_types=columns)
    for name, columns in {
        "orders": {
            "id": "integer",
            "customer_id": "integer",
            "amount": "decimal",
            "placed": "date",
            "seen": "timestamp",
            "status": "string",
            "region": "string",
        },
        "customers": {"id": "integer", "name": "string", "city": "string", "since": "date"},
        "visits": {
            "customer_id": "integer",
            "page": "string",
            "seconds": "number",
            "started": "timestamp",
        },
        "slow": {"id": "integer", "nap": "string"},
        "odd": {"id": "string", "mood": "string", "price": "decimal"},
    }.items()
}
SAME = (
    "SELECT o.id, o.amount, c.name FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id",
    "SELECT * FROM pg.public.orders o LEFT JOIN lite.customers c ON c.id = o.customer_id",
    "SELECT * FROM lite.customers c LEFT JOIN pg.orders o ON c.id = o.customer_id AND o.status = 'open'",
    "SELECT o.*, v.page, v.seconds FROM pg.orders o FULL JOIN files.visits v ON o.customer_id = v.customer_id AND v.page = 'p1'",
    "SELECT c.city, count(*) AS n, sum(o.amount) AS total, max(v.seconds) AS longest FROM pg.orders o "
    "JOIN lite.customers c ON c.id = o.customer_id JOIN files.visits v ON v.customer_id = c.id "
    "WHERE c.city = 'Köln' AND o.amount > 30 GROUP BY c.city",
    "SELECT o.id FROM pg.orders o JOIN files.visits v ON v.customer_id = o.customer_id "
    "WHERE o.placed >= DATE '2024-06-01' AND v.started > o.seen AND v.started < '2024-01-20'",
    "SELECT id FROM pg.orders WHERE status <> 'open' AND customer_id IN "
    "(SELECT customer_id FROM files.visits WHERE seconds > 50.5)",
    "WITH v AS (SELECT customer_id, count(*) AS n FROM files.visits GROUP BY 1) "
    "SELECT c.name, v.n FROM lite.customers c LEFT JOIN v ON v.customer_id = c.id WHERE c.name LIKE '%1'",
    "SELECT name AS x FROM lite.customers UNION SELECT status FROM pg.orders UNION ALL SELECT page FROM files.visits",
    "SELECT c.id FROM lite.customers c WHERE c.since >= '2023-06-01' AND NOT EXISTS "
    "(SELECT 1 FROM pg.orders o WHERE o.customer_id = c.id AND o.amount > 100)",
)


@dataclass(frozen=True)
class Three:
    sources: dict[str, FederatedSource]
    whole: duckdb.DuckDBPyConnection
    database: str
    folder: Path

    def query(
        self,
        sql: str,
        *,
        claims: Claims | None = None,
        policies: Policies | None = None,
        **caps: Any,
    ) -> FederatedQuery:
        sources = dict(self.sources)
        if policies is not None:
            sources["pg"] = replace(sources["pg"], policies=policies)
        return prepare(
            sql,
            tuple(sources.values()),
            claims=claims or Claims(organization_id="0" * 32),
            parameters=caps.pop("parameters", {}),
            limit=100_000,
            settings=FederationSettings(folder=self.folder / "work", **caps),
        )

    def running(self) -> int:
        """Queries that run in PostgreSQL just now, besides this one."""
        with psycopg.connect(self.database, autocommit=True) as admin:
            found = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slow%' "
                "AND pid <> pg_backend_pid()"
            ).fetchone()
        assert found
        return int(found[0])


@pytest.fixture(scope="module")
def three(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("three")
    name = f"federation_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    database = postgres_server.url(name)
    with psycopg.connect(database, autocommit=True) as owner:
        for statement in SHOP:
            owner.execute(statement.encode())
        owner.execute(
            "CREATE VIEW slow AS SELECT i AS id, pg_sleep(60)::text AS nap FROM generate_series(1, 3) i"
        )
        owner.execute("CREATE TYPE mood AS ENUM ('calm', 'angry')")
        owner.execute("CREATE TABLE odd (id uuid, mood mood, price numeric)")
        owner.execute(
            "INSERT INTO odd SELECT gen_random_uuid(), 'calm', i + 0.5 FROM generate_series(1, 20000) i"
        )
    with closing(sqlite3.connect(folder / "lite.db")) as lite, lite:
        for statement in CRM:
            lite.execute(statement)
    with duckdb.connect(str(folder / "files.duckdb")) as files:
        for statement in LOG:
            files.execute(statement)
    engines: dict[str, Engine] = {
        "pg": PostgresEngine(lambda sealed: sealed, HostRules()),
        "lite": SqliteEngine(folder, lambda sealed: sealed),
        "files": DuckDBEngine(folder),
    }
    whole = duckdb.connect(":memory:")
    whole.execute("SET TimeZone = 'UTC'")
    for schema, statements in (("pg", SHOP), ("lite", CRM), ("files", LOG)):
        whole.execute(f"CREATE SCHEMA {schema}")
        whole.execute(f"SET schema = '{schema}'")
        for statement in statements:
            whole.execute(statement)
    whole.execute("SET schema = 'main'")
    sources = {
        "pg": a_source("pg", engines["pg"], "1", ("orders", "slow", "odd"), url=database),
        "lite": a_source("lite", engines["lite"], "2", ("customers",), url="sqlite:///lite.db"),
        "files": a_source("files", engines["files"], "3", ("visits",), path="files.duckdb"),
    }
    yield Three(sources=sources, whole=whole, database=database, folder=folder)
    for engine in engines.values():
        engine.close()
    whole.close()
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def a_source(
    name: str, engine: Engine, digit: str, tables: tuple[str, ...], *, url: str = "", **options: str
) -> FederatedSource:
    return FederatedSource(
        name=name,
        source=DataSource(
            source_id=digit * 32,
            organization_id="0" * 32,
            name=name,
            engine=engine.name,
            options=options,
            sealed_url=url.replace("postgresql+psycopg://", "postgresql://"),
        ),
        engine=engine,
        tables={table: TYPES[table] for table in tables},
    )


@pytest.mark.parametrize("sql", SAME)
def test_it_is_what_one_database_says(three: Three, sql: str) -> None:
    expected = three.whole.sql(sql.replace("pg.public.", "pg.")).fetchall()
    assert expected
    assert Counter(map(repr, rows_of(three.query(sql)))) == Counter(map(repr, expected))


def test_it_says_what_came_from_where(three: Three) -> None:
    query = three.query(
        "SELECT c.name, sum(o.amount) FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id "
        "WHERE o.status = 'open' AND o.amount > 200 GROUP BY c.name"
    )
    assert rows_of(query)
    orders = next(part for part in query.parts if part.part.name == "pg_orders")
    assert orders.rows == 13
    why = query.why()
    assert "pg.orders: 13 rows, 3 columns of 7, filtered there by amount and status." in why
    assert "lite.customers: " in why
    assert "found in pg.orders" in why
    assert query.tables == ("pg.orders", "lite.customers")
    assert [source.name for source in query.sources] == ["pg", "lite"]


def test_nobody_gets_a_row_of_somebody_else(three: Three) -> None:
    policies = Policies(
        rows=(RowPolicy(name="own region", table="orders", condition="region = :region"),)
    )
    for sql in (
        "SELECT o.region, c.name FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id",
        "SELECT region FROM pg.orders WHERE region = 'EU' OR id IN (SELECT id FROM lite.customers)",
        "WITH a AS (SELECT * FROM pg.orders), b AS (SELECT * FROM pg.orders) "
        "SELECT a.region, b.region, c.id FROM a JOIN b USING (customer_id) FULL JOIN lite.customers c "
        "ON c.id = a.customer_id WHERE a.id IS NOT NULL",
        "SELECT max(region) FROM pg.orders, lite.customers UNION ALL SELECT min(region) FROM pg.orders",
    ):
        claims = Claims(organization_id="0" * 32, attributes={"region": "US"})
        query = three.query(sql, claims=claims, policies=policies)
        rows = rows_of(query)
        assert rows
        assert "EU" not in {value for row in rows for value in row}
        assert query.policies == ("own region",)


def test_who_lacks_the_attribute_gets_no_answer(three: Three) -> None:
    policies = Policies(
        rows=(RowPolicy(name="own region", table="orders", condition="region = :region"),)
    )
    with pytest.raises(QueryDenied, match=r"pg\.orders"):
        three.query("SELECT count(*) FROM pg.orders, lite.customers", policies=policies)


def test_masked_values_stay_masked_and_are_not_asked_for(three: Three) -> None:
    mask = ColumnMask(name="no status", table="orders", column="status", kind=MaskKind.CONSTANT)
    query = three.query(
        "SELECT o.status FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id "
        "WHERE o.status = 'open' OR o.status = '***'",
        policies=Policies(masks=(mask,)),
    )
    rows = rows_of(query)
    assert {row[0] for row in rows} == {"***"}
    assert (
        not query.parts[0].is_filtered or "status" not in query.parts[0].part.sql.split("WHERE")[1]
    )


def test_values_of_a_type_that_the_database_cannot_compare_are_compared_here(three: Three) -> None:
    """An enum or a uuid refuses text that is none of its values: the part is read unfiltered."""
    query = three.query(
        "SELECT count(*), min(o.price) FROM pg.odd o, lite.customers c "
        "WHERE o.mood = 'furious' OR (o.id = 'no uuid' AND c.id = 1) OR (o.mood = 'x' AND o.price > 1)"
    )
    assert rows_of(query) == [(0, None)]
    part = three.query("SELECT o.id FROM pg.odd o, lite.customers c WHERE o.mood = 'furious'")
    assert rows_of(part) == []
    assert [p.is_filtered for p in part.parts if p.part.name == "pg_odd"] == [False]


def test_decimals_without_digits_of_their_own_are_numbers_here(three: Three) -> None:
    rows = rows_of(
        three.query(
            "SELECT sum(o.price), typeof(min(o.price)) FROM pg.odd o JOIN lite.customers c "
            "ON c.id = 3 WHERE o.price < 101"
        )
    )
    assert float(rows[0][0]) == sum(i + 0.5 for i in range(1, 101))
    assert rows[0][1].startswith("DECIMAL")


def test_parameters_are_bound_in_the_sources_too(three: Three) -> None:
    query = three.query(
        "SELECT o.id FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id "
        "WHERE o.status = :status AND o.id IN (:ids) AND c.name LIKE :name",
        parameters={"status": "open", "ids": [1, 4, 10, 13], "name": "name %"},
    )
    assert sorted(rows_of(query)) == [(1,), (4,), (10,), (13,)]
    part = query.judged.parts[0].allowed.statement
    assert "open" not in part.sql
    assert {parameter.value for parameter in part.parameters} >= {"open", 1, 4, 10, 13}


def test_a_stop_ends_the_query_in_the_database(three: Three) -> None:
    query, cancel = three.query("SELECT s.id FROM pg.slow s, lite.customers c"), CancelToken()
    errors: list[BaseException] = []

    def run() -> None:
        with pytest.raises(QueryCancelled) as caught:
            rows_of(query, cancel=cancel)
        errors.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: three.running() > 0)
    cancel.cancel()
    thread.join(30)
    assert errors
    eventually(lambda: three.running() == 0)


def test_the_time_limit_ends_it_in_the_database(three: Three) -> None:
    query = three.query("SELECT s.id FROM pg.slow s, lite.customers c")
    with pytest.raises(QueryTimedOut, match="pg"):
        rows_of(query, seconds=0.5)
    eventually(lambda: three.running() == 0)


def test_a_source_that_is_down_is_named_and_the_others_stop(three: Three) -> None:
    gone = replace(
        three.sources["files"],
        source=replace(three.sources["files"].source, options={"path": "gone.duckdb"}),
    )
    broken = replace(three, sources={**three.sources, "files": gone})
    query = broken.query(
        "SELECT count(*) FROM pg.slow s, files.visits v, lite.customers c WHERE s.id = v.customer_id"
    )
    with pytest.raises(EngineUnavailable, match="files"):
        rows_of(query)
    eventually(lambda: three.running() == 0)


def test_too_much_is_an_error_in_words(three: Three) -> None:
    sql = "SELECT o.id FROM pg.orders o JOIN lite.customers c ON c.id = o.customer_id"
    with pytest.raises(QueryInvalid, match=r"pg\.orders would bring more than 100 rows") as caught:
        rows_of(three.query(sql, part_rows=100))
    assert caught.value.hint
    assert "by placed" in caught.value.hint
    assert len(rows_of(three.query(f"{sql} WHERE o.amount <= 30", part_rows=100))) < 100
    with pytest.raises(QueryInvalid, match="GB"):
        rows_of(three.query(sql, part_bytes=1000))
