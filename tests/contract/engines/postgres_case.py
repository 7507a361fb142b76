"""PostgreSQL under contract: a real server, read by a role that may only SELECT."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiser_app.query.connection import HostRules
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.stack.ports import free_ports
from aiser_app.stack.postgres import Postgres
from tests.contract.engines.cases import SETUP, Case, Network, Value, a_source, impatient

READER, WRITER, PASSWORD = "case_reader", "case_writer", "p@ss:w/rd%"
QUOTED = "p%40ss%3Aw%2Frd%25"
EXTRA = (
    "ALTER TABLE visits ADD FOREIGN KEY (person_id) REFERENCES people (id)",
    "CREATE INDEX visits_person ON visits (person_id)",
    "COMMENT ON TABLE people IS 'Who came'",
    "COMMENT ON COLUMN people.height IS 'In metres'",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}, {WRITER}",
    f"GRANT INSERT ON people TO {WRITER}",
)
CROSS = ", ".join(f"generate_series(1, 100000) AS {name}(i)" for name in "abc")
VALUES = (
    Value(sql="9007199254740993::bigint", type="integer", expected=9007199254740993),
    Value(
        sql="1234567890123456789012345678.0123456789::decimal(38,10)",
        type="decimal",
        expected=Decimal("1234567890123456789012345678.0123456789"),
    ),
    Value(sql="1.50::numeric", type="decimal", expected=Decimal("1.50")),
    Value(sql="'NaN'::numeric", type="decimal", expected="NaN"),
    Value(sql="'NaN'::float8", type="number", expected=math.nan),
    Value(sql="'-Infinity'::float8", type="number", expected=-math.inf),
    Value(sql="true", type="boolean", expected=True),
    Value(sql="DATE '2024-02-29'", type="date", expected=date(2024, 2, 29)),
    Value(sql="'infinity'::date", type="date", expected=date(9999, 12, 31)),
    Value(sql="'-infinity'::timestamp", type="timestamp", expected=datetime.fromisoformat("0001-01-01")),
    Value(
        sql="TIMESTAMPTZ '2024-01-01 10:00:00+02:00'",
        type="timestamp",
        expected=datetime(2024, 1, 1, 8, tzinfo=UTC),
    ),
    Value(sql="""'{"a": [1, null]}'::jsonb""", type="json", expected='{"a": [1, null]}'),
    Value(sql="ARRAY[[1, 2], [3, 4]]", type="json", expected="[[1,2],[3,4]]"),
    Value(sql="ROW(1, 'a')", type="json", expected='{"f1":1,"f2":"a"}'),
    Value(sql="'naïve ☕'", type="string", expected="naïve ☕"),
    Value(sql="'00000000-0000-0000-0000-00000000000a'::uuid", type="string",
          expected="00000000-0000-0000-0000-00000000000a"),
    Value(sql="'10.0.0.0/8'::inet", type="string", expected="10.0.0.0/8"),
    Value(sql="int4range(1, 5)", type="string", expected="[1,5)"),
    Value(sql="12.34::money", type="decimal", expected=Decimal("12.34")),
    Value(sql="4294967295::oid", type="integer", expected=4294967295),
    Value(sql="'calm'::mood", type="string", expected="calm"),
    Value(sql="NULL::numeric(10,2)", type="decimal", expected=None),
)  # fmt: skip


@contextmanager
def postgres_case(folder: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"case_{uuid.uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        for role in (READER, WRITER):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())
            admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(server.url(name), autocommit=True) as owner:
        owner.execute("CREATE TYPE mood AS ENUM ('calm')")
        for statement in (*SETUP, *EXTRA):
            owner.execute(statement.encode())
    engine = PostgresEngine(unseal=lambda sealed: sealed, rules=HostRules())
    try:
        yield _case(server, name, engine)
    finally:
        engine.close()
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            admin.execute(f"DROP ROLE {READER}, {WRITER}".encode())


def _case(server: Postgres, name: str, engine: PostgresEngine) -> Case:
    def asked(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(server.url(name), autocommit=True) as owner:
            return owner.execute(sql.encode()).fetchall()

    place = f"127.0.0.1:{server.port}"
    url = f"postgresql://{READER}:{QUOTED}@{place}/{name}?sslmode=disable"
    source = a_source("postgres", url)
    ours = f"FROM pg_stat_activity WHERE usename = '{READER}' AND datname = '{name}'"
    missing = impatient(source, url.replace(name, "nothing_here"))
    return Case(
        engine=engine,
        source=source,
        missing=missing,
        endless=f"SELECT count(*) FROM {CROSS}",
        endless_rows=f"SELECT a.i FROM {CROSS}",
        contents=lambda: asked(
            "SELECT (SELECT array_agg(p) FROM people AS p)::text, "
            "(SELECT array_agg(v) FROM visits AS v)::text, (SELECT count(*) FROM pg_class)"
        ),
        values=VALUES,
        network=Network(
            running=lambda: int(asked(f"SELECT count(*) {ours} AND state = 'active'")[0][0]),
            drop=lambda: asked(f"SELECT pg_terminate_backend(pid) {ours}") and None,
            writer=a_source("postgres", url.replace(READER, WRITER)),
            wrong_password=impatient(source, url.replace(QUOTED, "wrong")),
            wrong_port=impatient(source, url.replace(place, f"127.0.0.1:{free_ports(1)[0]}")),
            unknown_host=impatient(source, url.replace(place, "nowhere.invalid:5432")),
            no_database=missing,
        ),
    )
