"""ClickHouse under contract: the real one of chdb, behind the HTTP interface of the fixture."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from aiser_app.query.connection import HostRules
from aiser_app.query.engines.clickhouse import ClickHouseEngine
from aiser_app.stack.ports import free_ports
from tests.contract.engines.cases import Case, Network, Value, a_source, impatient
from tests.fixtures.clickhouse import ClickHouse

SETUP = (
    "CREATE TABLE people (id Int32, name String, height Nullable(Float64) COMMENT 'In metres', "
    "born Nullable(Date32)) ENGINE = MergeTree ORDER BY id COMMENT 'Who came'",
    "INSERT INTO people VALUES (1, 'Ada', 1.65, '1815-12-10'), (2, 'Alan', NULL, NULL)",
    "CREATE TABLE visits (person_id Int32, started DateTime('UTC')) "
    "ENGINE = MergeTree ORDER BY person_id",
    "INSERT INTO visits VALUES (1, '2024-01-01 10:00:00')",
    "CREATE VIEW tall AS SELECT id, name FROM people WHERE height > 1.6",
)
VALUES = (
    Value(sql="toUInt64(18446744073709551615)", type="integer", expected=18446744073709551615),
    Value(sql="toInt256('-7')", type="integer", expected="-7"),
    Value(sql="toInt128('170141183460469231731687303715884105727')", type="integer",
          expected="170141183460469231731687303715884105727"),
    Value(
        sql="toDecimal128('1234567890123456789012345678.0123456789', 10)",
        type="decimal",
        expected=Decimal("1234567890123456789012345678.0123456789"),
    ),
    Value(sql="toDecimal256('1.5', 40)", type="decimal", expected="1.5"),
    Value(sql="nan", type="number", expected=math.nan),
    Value(sql="-inf", type="number", expected=-math.inf),
    Value(sql="true", type="boolean", expected=True),
    Value(sql="toDate('2024-02-29')", type="date", expected=date(2024, 2, 29)),
    Value(sql="toDate32('1900-01-01')", type="date", expected=date(1900, 1, 1)),
    Value(sql="toDateTime('2024-01-01 10:00:00', 'Europe/Berlin')", type="timestamp",
          expected=datetime(2024, 1, 1, 9, tzinfo=UTC)),
    Value(sql="toDateTime64('2024-01-01 10:00:00.123456', 6, 'UTC')", type="timestamp",
          expected=datetime(2024, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)),
    Value(sql="[[1, 2], [3]]", type="json", expected="[[1,2],[3]]"),
    Value(sql="CAST((1, 'a') AS Tuple(x UInt8, y String))", type="json",
          expected='{"x":1,"y":"a"}'),
    Value(sql="map('k', toDate('2024-01-01'))", type="json", expected='{"k":"2024-01-01"}'),
    Value(sql="""CAST('{"a":[1,2]}', 'JSON')""", type="json", expected='{"a":[1,2]}'),
    Value(sql="'naïve ☕'", type="string", expected="naïve ☕"),
    Value(sql="toUUID('00000000-0000-0000-0000-00000000000a')", type="string",
          expected="00000000-0000-0000-0000-00000000000a"),
    Value(sql="toIPv4('10.0.0.1')", type="string", expected="10.0.0.1"),
    Value(sql="CAST('calm', 'Enum8(''calm'' = 1)')", type="string", expected="calm"),
    Value(sql="toLowCardinality(toNullable('x'))", type="string", expected="x"),
    Value(sql="unhex('41ff')", type="string", expected="A\ufffd"),
    Value(sql="CAST(NULL, 'Nullable(Decimal(10, 2))')", type="decimal", expected=None),
)  # fmt: skip


@contextmanager
def clickhouse_case(folder: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    server: ClickHouse = request.getfixturevalue("clickhouse_server")
    name = f"case_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    for statement in SETUP:
        server.run(statement, name)
    engine = ClickHouseEngine(unseal=lambda sealed: sealed, rules=HostRules())
    try:
        yield _case(server, name, engine)
    finally:
        engine.close()
        server.run(f"DROP DATABASE {name}")


def _case(server: ClickHouse, name: str, engine: ClickHouseEngine) -> Case:
    url = server.url(name)
    place = f"127.0.0.1:{server.port}"
    source = a_source("clickhouse", url)
    missing = impatient(source, url.replace(name, "nothing_here"))
    return Case(
        engine=engine,
        source=source,
        missing=missing,
        endless="SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 42",
        endless_rows="SELECT number FROM numbers(1000000000000)",
        contents=lambda: server.run(
            "SELECT (SELECT groupArray((id, name)) FROM people), (SELECT count() FROM visits), "
            f"(SELECT count() FROM system.tables WHERE database = '{name}')",
            name,
        ),
        values=VALUES,
        describes=frozenset({"indexes", "comments", "views"}),
        repeats_names=False,
        network=Network(
            running=lambda: int(
                server.run(
                    "SELECT count() FROM system.processes "
                    "WHERE current_database != 'default' AND query NOT ILIKE '%system.processes%'"
                )
            ),
            drop=server.drop_connections,
            writer=a_source("clickhouse", server.url(name, "writer")),
            wrong_password=impatient(source, url.replace("p%40ss", "wrong")),
            wrong_port=impatient(source, url.replace(place, f"127.0.0.1:{free_ports(1)[0]}")),
            unknown_host=impatient(source, url.replace(place, "nowhere.invalid:8123")),
            no_database=missing,
        ),
    )
