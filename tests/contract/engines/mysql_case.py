"""MySQL under contract: a real MariaDB, read by a user who may only SELECT."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from aiser_app.query.connection import HostRules
from aiser_app.query.engines.mysql import MySQLEngine
from aiser_app.stack.ports import free_ports
from tests.contract.engines.cases import SETUP, Case, Network, Value, a_source, impatient
from tests.fixtures.mariadb import MariaDB

PASSWORD = "p@ss:w/rd%"
QUOTED = "p%40ss%3Aw%2Frd%25"
CHANGES = (
    "ALTER TABLE visits ADD FOREIGN KEY (person_id) REFERENCES people (id)",
    "ALTER TABLE people COMMENT 'Who came'",
    "ALTER TABLE people MODIFY height DOUBLE COMMENT 'In metres'",
)
VALUES = (
    Value(sql="9007199254740993", type="integer", expected=9007199254740993),
    Value(sql="CAST(18446744073709551615 AS UNSIGNED)", type="integer",
          expected=18446744073709551615),
    Value(
        sql="CAST(1234567890123456789012345678.0123456789 AS DECIMAL(38, 10))",
        type="decimal",
        expected=Decimal("1234567890123456789012345678.0123456789"),
    ),
    Value(sql="CAST(1.5 AS DECIMAL(60, 30))", type="decimal", expected=f"1.5{'0' * 29}"),
    Value(sql="1e-20", type="number", expected=1e-20),
    Value(sql="DATE '2024-02-29'", type="date", expected=date(2024, 2, 29)),
    Value(sql="TIMESTAMP '2024-01-01 10:00:00.5'", type="timestamp",
          expected=datetime.fromisoformat("2024-01-01T10:00:00.5")),
    Value(sql="(SELECT at FROM moments)", type="timestamp",
          expected=datetime(2024, 1, 1, 8, tzinfo=UTC)),
    Value(sql="(SELECT flag FROM moments)", type="boolean", expected=True),
    Value(sql="CAST('-100:00:01' AS TIME)", type="string", expected="-100:00:01"),
    Value(sql="'naïve ☕'", type="string", expected="naïve ☕"),
    Value(sql="x'00ff'", type="string", expected=b"\x00\xff"),
    Value(sql="CAST(NULL AS DECIMAL(10, 2))", type="decimal", expected=None),
)  # fmt: skip


@contextmanager
def mysql_case(folder: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    server: MariaDB = request.getfixturevalue("mariadb_server")
    name = f"case_{uuid.uuid4().hex[:12]}"
    reader, writer = f"r_{name}", f"w_{name}"
    server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    server.run(
        *SETUP,
        *CHANGES,
        "SET time_zone = '+02:00'",
        "CREATE TABLE moments (at TIMESTAMP, flag BIT(1))",
        "INSERT INTO moments VALUES ('2024-01-01 10:00:00', b'1')",
        database=name,
    )
    for user in (reader, writer):
        server.run(
            f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT, SHOW VIEW ON {name}.* TO {user}",
        )
    server.run(f"GRANT INSERT ON {name}.people TO {writer}")
    engine = MySQLEngine(unseal=lambda sealed: sealed, rules=HostRules())
    try:
        yield _case(server, name, engine)
    finally:
        engine.close()
        server.run(f"DROP DATABASE {name}", f"DROP USER {reader}, {writer}")


def _case(server: MariaDB, name: str, engine: MySQLEngine) -> Case:
    place = f"127.0.0.1:{server.port}"
    url = f"mysql://r_{name}:{QUOTED}@{place}/{name}?ssl_mode=disabled"
    source = a_source("mysql", url)
    missing = impatient(source, url.replace(f"/{name}?", "/nothing_here?"))

    def connections(condition: str = "TRUE") -> list[int]:
        found = server.run(
            f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'r_{name}' AND {condition}"
        )
        return [int(row[0]) for row in found]

    return Case(
        engine=engine,
        source=source,
        missing=missing,
        endless="SELECT count(*) FROM seq_1_to_1000000000000 AS a WHERE a.seq % 7 = 9",
        endless_rows="SELECT seq FROM seq_1_to_1000000000000",
        contents=lambda: server.run(
            "SELECT (SELECT group_concat(id, name) FROM people), (SELECT count(*) FROM visits), "
            f"(SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}')",
            database=name,
        ),
        values=VALUES,
        impossible=(
            "SELECT * FROM nothing_here",
            "SELECT name, count(*) FROM people",
            "SELECT unheard_of(1)",
            "SELECT 'a' + DATE '2024-01-01' FROM",
            "SELECT id FROM people, people AS p",
        ),
        tables=frozenset({"people", "visits", "tall", "moments"}),
        network=Network(
            running=lambda: len(connections("COMMAND = 'Query'")),
            drop=lambda: _drop(server, connections()),
            writer=a_source("mysql", url.replace("//r_", "//w_")),
            wrong_password=impatient(source, url.replace(QUOTED, "wrong")),
            wrong_port=impatient(source, url.replace(place, f"127.0.0.1:{free_ports(1)[0]}")),
            unknown_host=impatient(source, url.replace(place, "nowhere.invalid:3306")),
            no_database=missing,
        ),
    )


def _drop(server: MariaDB, numbers: list[int]) -> None:
    server.run(*(f"KILL CONNECTION {number}" for number in numbers)) if numbers else None
