"""Everything in the attack table is refused before it runs, in words, through the gate itself too."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from aiser_app.domain.actor import Actor, Claims, Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.verdict import Denied
from aiser_app.errors import QueryDenied
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.guard import judge
from aiser_app.query.request import QueryRequest, QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from tests.fixtures.queries import FEDERATION, ListJournal, NoCache
from tests.security import guard_vectors

CLAIMS = Claims(organization_id="0" * 32)
VECTORS = list(dict.fromkeys(guard_vectors.ALL))


def test_the_table_is_large() -> None:
    assert len(VECTORS) >= 150


@pytest.mark.parametrize("sql", VECTORS, ids=lambda sql: ascii(sql[:60]))
def test_refused_with_a_reason(sql: str) -> None:
    started = time.monotonic()
    verdict = judge(sql, dialect="duckdb", tables=guard_vectors.TABLES, claims=CLAIMS, limit=1_000)
    assert isinstance(verdict, Denied)
    assert 10 < len(verdict.reason) < 400
    assert "Traceback" not in verdict.reason
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "snowflake", "bigquery", "clickhouse"])
@pytest.mark.parametrize(
    "sql",
    [
        *guard_vectors.WRITES,
        "SELECT 1; DROP TABLE flights",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_sleep(10)",
        "SELECT sleep(10)",
        "SELECT load_file('/etc/passwd')",
        "SELECT dblink('x', 'y')",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT set_config('x', 'y', false)",
        "SELECT * FROM pg_shadow",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "NOTIFY x",
        "LOCK TABLE flights",
        "SET ROLE postgres",
        "COPY flights TO PROGRAM 'id'",
    ],
    ids=lambda sql: ascii(sql[:40]),
)
def test_refused_in_other_dialects_too(sql: str, dialect: str) -> None:
    verdict = judge(sql, dialect=dialect, tables=guard_vectors.TABLES, claims=CLAIMS, limit=10)
    assert isinstance(verdict, Denied)


def test_an_executable_comment_of_mysql_is_dropped() -> None:
    verdict = judge(
        "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */",
        dialect="mysql",
        tables=guard_vectors.TABLES,
        claims=CLAIMS,
        limit=10,
    )
    assert isinstance(verdict, Denied) or "OUTFILE" not in verdict.sql


def test_an_unknown_dialect_fails_closed() -> None:
    verdict = judge("SELECT 1", dialect="no-such", tables=(), claims=CLAIMS, limit=10)
    assert isinstance(verdict, Denied)


def test_nothing_reaches_the_data_through_the_router(
    sample_db: Path, sample_engine: DuckDBEngine, sample_source: DataSource, tmp_path: Path
) -> None:
    before = hashlib.sha256(sample_db.read_bytes()).hexdigest()
    journal = ListJournal()
    router = QueryRouter(
        {"duckdb": sample_engine}, ResultStore(tmp_path), journal, NoCache(), FEDERATION
    )
    tables = {name: GrantedTable(name=name) for name in guard_vectors.TABLES}
    actor = Actor(
        user_id="2" * 32,
        organization_id=sample_source.organization_id,
        role=Role.OWNER,
        permissions=frozenset(),
    )
    for sql in VECTORS:
        request = QueryRequest(
            actor=actor,
            sources=(QuerySource(source=sample_source, tables=tables),),
            sql=sql,
            limit=100,
            timeout_seconds=5,
            purpose="attack",
        )
        with pytest.raises(QueryDenied):
            router.run(request, CancelToken())
    assert journal.results == []
    assert list(tmp_path.rglob("*.arrow")) == []
    assert hashlib.sha256(sample_db.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    "sql",
    [
        "FROM " * 19_000,
        "SELECT " * 14_000,
        "SELECT " + "EXISTS " * 14_000 + "(SELECT 1)",
        "SELECT " + "CASE WHEN " * 6_000 + "1" + " THEN 1 END" * 3_000,
        "SELECT " + "NOT " * 24_000 + "1",
        "SELECT " + "INTERVAL " * 11_000 + "1 day",
    ],
    ids=["from", "select", "exists", "case", "not", "interval"],
)
def test_nesting_without_brackets_is_refused_and_the_process_lives(sql: str) -> None:
    verdict = judge(
        sql[:100_000], dialect="duckdb", tables=guard_vectors.TABLES, claims=CLAIMS, limit=10
    )
    assert isinstance(verdict, Denied)
