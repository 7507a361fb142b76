"""DuckDB under contract."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from aiser_app.query.engines.duckdb import DuckDBEngine
from tests.contract.engines.cases import SETUP, Case, Value, a_source

EXTRA = (
    "CREATE INDEX visits_person ON visits (person_id)",
    "COMMENT ON TABLE people IS 'Who came'",
    "COMMENT ON COLUMN people.height IS 'In metres'",
)
VALUES = (
    Value(sql="CAST(9007199254740993 AS BIGINT)", type="integer", expected=9007199254740993),
    Value(
        sql="CAST('1234567890123456789012345678.0123456789' AS DECIMAL(38,10))",
        type="decimal",
        expected=Decimal("1234567890123456789012345678.0123456789"),
    ),
    Value(sql="CAST('NaN' AS DOUBLE)", type="number", expected=math.nan),
    Value(sql="CAST('-Infinity' AS DOUBLE)", type="number", expected=-math.inf),
    Value(sql="true", type="boolean", expected=True),
    Value(sql="DATE '2024-02-29'", type="date", expected=date(2024, 2, 29)),
    Value(
        sql="TIMESTAMPTZ '2024-01-01 10:00:00+02:00'",
        type="timestamp",
        expected=datetime(2024, 1, 1, 8, tzinfo=UTC),
    ),
    Value(sql="'naïve ☕'", type="string", expected="naïve ☕"),
    Value(sql="NULL", type="string", expected=None),
)


@contextmanager
def duckdb_case(folder: Path, request: pytest.FixtureRequest) -> Iterator[Case]:
    file = folder / "case.duckdb"
    with duckdb.connect(str(file)) as connection:
        for statement in (*SETUP, *EXTRA):
            connection.execute(statement)
    engine = DuckDBEngine(folder)
    yield Case(
        engine=engine,
        source=a_source("duckdb", path="case.duckdb"),
        missing=a_source("duckdb", path="missing.duckdb"),
        endless=(
            "SELECT count(*) FROM range(100000000) AS a(x), range(100000000) AS b(y) "
            "WHERE hash(x, y) = 42"
        ),
        endless_rows="SELECT a.x FROM range(100000000) AS a(x), range(100000000) AS b(y)",
        contents=file.read_bytes,
        values=VALUES,
        describes=frozenset({"primary", "indexes", "comments", "views"}),
    )
    engine.close()
