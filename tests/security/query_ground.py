"""The ground that queries are attacked on: one organization whose databases hold what must not be seen.

Every database has the same tables, reached by an account that may do everything there: what protects
them is Aiser alone. `users` was made after the sync, so nobody was granted it.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.data_source import DataSource
from tests.fixtures.clickhouse import ClickHouse
from tests.fixtures.customer import Shop
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.organizations import now
from tests.fixtures.query_desk import QueryDesk, make_desk, write_file
from tests.fixtures.web import Person, sign_in

OWN, FOREIGN = "EU", "US"
FOREIGN_ROW = "CANARY-foreign-row"
MASKED = "CANARY-masked-value"
PASSWORD = "CANARY-ungranted-password"
CANARIES = (FOREIGN_ROW, MASKED, PASSWORD)

_COLUMNS = (
    "id INTEGER, carrier VARCHAR(40), region VARCHAR(40), distance INTEGER, secret VARCHAR(60)"
)
_ROWS = [
    (n, f"{FOREIGN_ROW}-{n}" if n % 2 else f"carrier-{n}", FOREIGN if n % 2 else OWN, n, f"{MASKED}-{n}")
    for n in range(1, 21)
]  # fmt: skip
OWN_IDS = [row[0] for row in _ROWS if row[2] == OWN]
TABLES = (
    f"CREATE TABLE flights ({_COLUMNS})",
    f"INSERT INTO flights VALUES {', '.join(map(repr, _ROWS))}",
    "CREATE TABLE airlines (code VARCHAR(40), name VARCHAR(40), email VARCHAR(40))",
    "INSERT INTO airlines VALUES ('a', 'Alpha', 'a@example.com'), ('b', 'Beta', 'b@example.com')",
    "CREATE VIEW seen AS SELECT * FROM flights",
)
UNGRANTED = (
    "CREATE TABLE users (id INTEGER, password VARCHAR(60), email VARCHAR(60))",
    f"INSERT INTO users VALUES (1, '{PASSWORD}', '{PASSWORD}@example.com')",
)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One database under attack."""

    source: DataSource
    dialect: str
    contents: Callable[[], object]
    """Everything in it, past Aiser."""


@dataclass
class Ground:
    desk: QueryDesk
    fields: dict[str, Field] = field(default_factory=dict)
    """By the name of the source."""

    @property
    def services(self) -> Services:
        return self.desk.services

    def contents(self) -> dict[str, object]:
        return {name: one.contents() for name, one in self.fields.items()}

    def dialect(self, source: str) -> str:
        return self.fields[source].dialect

    def finished(self, person: Person, source: str | list[str], **body: Any) -> dict[str, Any]:
        """A query over REST, worked on here: the run, or the refusal as `{"status", "error"}`."""
        sent = json.dumps({"source": source, **body})
        reply = person.post("/queries", content=sent, headers={"Content-Type": "application/json"})
        assert reply.status_code in (200, 202, 403, 404, 422), (body, reply.text)
        if reply.status_code == 202:
            self.desk.execution.execute(reply.json()["run_id"])
            reply = person.get(f"/runs/{reply.json()['run_id']}")
        if reply.status_code == 200:
            found: dict[str, Any] = reply.json()
            return found
        return {"status": "failed", "rows": [], "plan": None, **reply.json()}


def add_field(ground: Ground, name: str, url: str, contents: Callable[[], object]) -> Field:
    """A live source, synced; its tables are as the database has them now."""
    address = ground.services.data.sources.read(url)
    source = DataSource(
        source_id=new_id(),
        organization_id=ground.desk.tenant.organization_id,
        name=name,
        engine=address.engine,
        sealed_url=ground.services.data.sources.seal(url),
    )
    with UnitOfWork(ground.services.engine) as uow:
        uow.data_sources.add(source, now())
        uow.commit()
    source = ground.desk.sync(source)
    dialect = ground.services.data.engine(source.engine).dialect
    return Field(source=source, dialect=dialect, contents=contents)


@contextmanager
def attacked_ground(
    services: Services, shop: Shop, mariadb: MariaDB, clickhouse: ClickHouse
) -> Iterator[Ground]:
    ground = Ground(desk=make_desk(services, *TABLES))
    with ExitStack() as stack:
        ground.fields["Orders"] = _duckdb(ground)
        ground.fields["Lite"] = _sqlite(ground)
        ground.fields["Post"] = stack.enter_context(_postgres(ground, shop))
        ground.fields["Maria"] = stack.enter_context(_mariadb(ground, mariadb))
        ground.fields["House"] = stack.enter_context(_clickhouse(ground, clickhouse))
        yield ground
        services.data.close()  # idle connections keep a database from being dropped


def _duckdb(ground: Ground) -> Field:
    folder = ground.services.settings.sources_dir
    path = write_file(folder, *TABLES, *UNGRANTED)
    source = ground.services.sources.get(ground.desk.actor, "Orders")
    source = replace(source, options={"path": path})
    with UnitOfWork(ground.services.engine) as uow:
        uow.data_sources.replace(source)
        uow.commit()
    return Field(source=source, dialect="duckdb", contents=(folder / path).read_bytes)


def _sqlite(ground: Ground) -> Field:
    path = ground.services.settings.sources_dir / f"{uuid.uuid4().hex}.db"

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    run(*TABLES)
    made = add_field(ground, "Lite", f"sqlite:///{path.name}", path.read_bytes)
    run(*UNGRANTED)
    return made


@contextmanager
def _postgres(ground: Ground, shop: Shop) -> Iterator[Field]:
    name = f"attacked_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(shop.owner_url, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}".encode())
    url = shop.server.url(name)

    def run(*statements: str) -> list[Any]:
        with psycopg.connect(url, autocommit=True) as owner:
            for statement in statements:
                found = owner.execute(statement.encode())
            return found.fetchall() if found.description else []

    def contents() -> list[Any]:
        tables = ("flights", "airlines", "users")
        return [
            *(run(f"SELECT * FROM {table} ORDER BY 1") for table in tables),
            run("SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'v', 'S')"),
            run("SELECT count(*) FROM pg_largeobject_metadata"),
            run("SELECT rolname, rolsuper FROM pg_roles ORDER BY 1"),
        ]

    run(*TABLES, "CREATE SEQUENCE s", "ANALYZE")
    try:
        made = add_field(ground, "Post", url, contents)
        run(*UNGRANTED)
        yield made
    finally:
        with psycopg.connect(shop.owner_url, autocommit=True) as owner:
            owner.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def _mariadb(ground: Ground, server: MariaDB) -> Iterator[Field]:
    name = f"attacked_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def contents() -> list[Any]:
        tables = ("flights", "airlines", "users")
        return [
            *(server.run(f"SELECT * FROM {table} ORDER BY 1", database=name) for table in tables),
            server.run(
                f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{name}' "
                "ORDER BY table_name"
            ),
        ]

    try:
        server.run(*TABLES, database=name)
        made = add_field(ground, "Maria", server.url(name), contents)
        server.run(*UNGRANTED, database=name)
        yield made
    finally:
        server.run(f"DROP DATABASE {name}")


@contextmanager
def _clickhouse(ground: Ground, server: ClickHouse) -> Iterator[Field]:
    name = f"attacked_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")

    def run(*statements: str) -> None:
        for statement in statements:
            own = statement.replace("INTEGER", "Int32").replace("VARCHAR", "String")
            own = own.replace("String(40)", "String").replace("String(60)", "String")
            if own.startswith("CREATE TABLE"):
                own += " ENGINE = MergeTree ORDER BY tuple()"
            server.run(own, name)

    def contents() -> list[Any]:
        tables = ("flights", "airlines", "users")
        return [
            *(server.run(f"SELECT * FROM {t} ORDER BY 1", name) for t in tables),
            server.run(f"SHOW TABLES FROM {name}", name),
        ]

    try:
        run(*TABLES)
        made = add_field(ground, "House", server.url(name), contents)
        run(*UNGRANTED)
        yield made
    finally:
        server.run(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def ground(
    web_services: Services, shop: Shop, mariadb_server: MariaDB, clickhouse_server: ClickHouse
) -> Iterator[Ground]:
    with attacked_ground(web_services, shop, mariadb_server, clickhouse_server) as made:
        yield made


@pytest.fixture(scope="module")
def hunters(ground: Ground, web_services: Services, client: TestClient) -> dict[Role, Person]:
    """The people of the organization that is attacked from within."""
    return {role: sign_in(web_services, client, ground.desk.tenant, role) for role in Role}


@pytest.fixture(scope="module")
def hunter(hunters: dict[Role, Person]) -> Person:
    return hunters[Role.ANALYST]
