"""What is PostgreSQL's own: sessions, decimals, parameters, rights, encryption."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.data_source import DataSource
from aiser_app.errors import AiserError, EngineUnavailable, QueryCancelled, QueryInvalid
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.engines.postgres.session import Interrupter
from aiser_app.query.results.columns import column_type
from aiser_app.stack.postgres import Postgres
from tests.contract.engines.asking import a_statement, rows, table
from tests.contract.engines.cases import Case, a_source
from tests.contract.engines.postgres_case import READER
from tests.contract.engines.test_network_contract import wait_until
from tests.contract.engines.tls import tls_proxy, write_certificate

pytestmark = pytest.mark.parametrize("case", ["postgres"], indirect=True)


@pytest.fixture
def owner(case: Case, postgres_server: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The database of the case, by the superuser."""
    name = case.source.sealed_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        yield connection


def by_owner(postgres_server: Postgres, case: Case) -> DataSource:
    name = case.source.sealed_url.rpartition("/")[2].partition("?")[0]
    return a_source("postgres", postgres_server.url(name))


def one(case: Case, sql: str, *values: Any) -> Any:
    (found,) = table(case, a_statement(sql, *values)).column(0).to_pylist()
    return found


# Sessions


def test_the_session_is_read_only_and_the_same_everywhere(case: Case) -> None:
    names = (
        *("transaction_read_only", "default_transaction_read_only", "TimeZone"),
        *("application_name", "standard_conforming_strings", "statement_timeout"),
        "client_connection_check_interval",
    )
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    read = table(case, a_statement(f"SELECT {settings}"), seconds=7)
    found = [column[0].as_py() for column in read.columns]
    assert found == ["on", "on", "UTC", "Aiser", "on", "8s", "1s"]


def test_what_a_query_sets_ends_with_it(case: Case) -> None:
    hostile = (
        "set_config('default_transaction_read_only', 'off', false), "
        "set_config('statement_timeout', '0', false), set_config('timezone', 'Asia/Tokyo', false)"
    )
    assert len(rows(case, f"SELECT {hostile}")) == 1
    with pytest.raises(QueryInvalid):
        rows(case, "SELECT set_config('transaction_read_only', 'off', false)")
    after = "SELECT current_setting('{}')"
    assert one(case, after.format("default_transaction_read_only")) == "on"
    assert one(case, after.format("timezone")) == "UTC"
    assert one(case, after.format("statement_timeout")) != "0"


@pytest.mark.parametrize(
    "sql",
    [
        "SET statement_timeout = 0",
        "SET default_transaction_read_only = off",
        "COMMIT",
        "ROLLBACK; DELETE FROM people",
        "SET TRANSACTION READ WRITE; DELETE FROM people",
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
        "INSERT INTO people VALUES (9, 'Eve', 1, NULL) RETURNING id",
        "SELECT * INTO loot FROM people",
        "SELECT id FROM people FOR UPDATE",
        "SELECT nextval('made')",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY people TO '/tmp/loot'",
        "COPY people TO PROGRAM 'id'",
        "COPY people TO STDOUT",
        "SELECT lo_import('/etc/passwd')",
        "DO $$ BEGIN DELETE FROM people; END $$",
        "CALL no_such_procedure()",
        "CREATE TEMP TABLE loot (id int)",
        "LISTEN channel",
        "VACUUM",
        "SELECT 1) TO STDOUT; DELETE FROM people; --",
    ],
)
def test_the_superuser_cannot_write_either(
    case: Case, postgres_server: Postgres, owner: psycopg.Connection[Any], sql: str
) -> None:
    owner.execute("CREATE SEQUENCE IF NOT EXISTS made")
    before = case.contents()
    reading = sql.startswith("SELECT pg_read_file")
    try:
        rows(case, sql, source=by_owner(postgres_server, case))
    except QueryInvalid:
        pass
    else:
        assert reading, "a superuser may read files: rights() warns of such a role"
    assert case.contents() == before


def test_types_that_came_after_the_connection_are_read(
    case: Case, owner: psycopg.Connection[Any]
) -> None:
    assert len(rows(case, "SELECT * FROM people")) == 2
    owner.execute("CREATE TYPE late AS ENUM ('a')")
    assert one(case, "SELECT 'a'::late") == "a"
    assert one(case, "SELECT ARRAY['a'::late]") == "{a}"


def test_one_session_serves_many_queries(case: Case) -> None:
    case.engine.close()
    assert len({one(case, "SELECT pg_backend_pid()") for _ in range(5)}) == 1
    with pytest.raises(QueryInvalid):
        rows(case, "SELECT nam FROM people")
    with pytest.raises(QueryInvalid):
        rows(case, "SELECT 1 / (id - 1) FROM people")


def test_a_query_stopped_by_somebody_else_says_so(
    case: Case, owner: psycopg.Connection[Any]
) -> None:
    failures: list[AiserError] = []

    def run() -> None:
        try:
            rows(case, case.endless)
        except AiserError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    ours = "FROM pg_stat_activity WHERE usename = %s AND state = 'active'"
    wait_until(lambda: owner.execute(f"SELECT {ours}", (READER,)).fetchone() is not None, 5)
    owner.execute(f"SELECT pg_cancel_backend(pid) {ours}", (READER,))
    thread.join(timeout=10)
    assert [type(error) for error in failures] == [QueryCancelled]
    assert "in the database" in failures[0].message


def test_the_second_way_to_cancel_works_alone(
    case: Case, owner: psycopg.Connection[Any], postgres_server: Postgres
) -> None:
    engine = case.engine
    assert isinstance(engine, PostgresEngine)
    name = case.source.sealed_url.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres_server.url(name), autocommit=True) as victim:
        session = SimpleNamespace(
            connection=SimpleNamespace(cancel=lambda: None),
            parameters={"conninfo_of": "test"},
            pid=victim.info.backend_pid,
        )
        session.parameters = {
            "host": "127.0.0.1",
            "port": str(postgres_server.port),
            "user": "aiser",
            "password": postgres_server.password,
            "dbname": name,
        }
        interrupt = Interrupter(session)  # type: ignore[arg-type]
        stopped = threading.Event()

        def again() -> None:
            while not stopped.wait(0.05):
                interrupt()

        thread = threading.Thread(target=again)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            victim.execute("SELECT pg_sleep(30)")
        stopped.set()
        thread.join(timeout=5)


# Decimals


def test_decimals_of_unknown_digits_are_exact_in_small_results(case: Case) -> None:
    found = table(case, a_statement("SELECT sum(x), avg(x) FROM (VALUES (1.10), (2.205)) AS v(x)"))
    assert [field.type for field in found.schema] == [pa.decimal128(38, 3), pa.decimal128(38, 16)]
    assert found.column(0).to_pylist() == [Decimal("3.305")]


def test_a_sum_of_integers_is_an_integer(case: Case) -> None:
    found = table(case, a_statement("SELECT sum(9007199254740993::bigint) AS s"))
    assert column_type(found.schema.field(0)) == "integer"
    assert found.column(0).to_pylist() == [Decimal(9007199254740993)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'Infinity'::numeric AS n",
        "SELECT repeat('9', 40)::numeric AS n",
        "SELECT 1::numeric(50, 2) AS n",
        "SELECT 1::numeric AS n WHERE false",
    ],
)
def test_decimals_that_do_not_fit_are_text(case: Case, sql: str) -> None:
    found = table(case, a_statement(sql))
    assert found.schema.field(0).type == pa.string()
    assert column_type(found.schema.field(0)) == "decimal"


def test_decimals_of_unknown_digits_are_text_in_large_results(case: Case) -> None:
    sql = (
        "SELECT i / 8::numeric AS n, repeat('x', 100) AS filler "
        "FROM generate_series(1, 100000) AS g(i)"
    )
    found = table(case, a_statement(sql))
    assert found.num_rows == 100_000
    assert column_type(found.schema.field(0)) == "decimal"
    assert Decimal(found.column(0)[0].as_py()) == Decimal("0.125")
    assert Decimal(found.column(0)[99_999].as_py()) == 12500


def test_a_decimal_that_is_not_a_number_is_said(case: Case) -> None:
    with pytest.raises(QueryInvalid, match="holds NaN") as caught:
        rows(case, "SELECT 'NaN'::numeric(10, 2) AS ratio")
    assert "double precision" in (caught.value.hint or "")


# Parameters


@pytest.mark.parametrize(
    ("sql", "value", "expected"),
    [
        ("SELECT {} IS NULL", None, True),
        ("SELECT {} IS NULL", "x", False),
        ("SELECT pg_typeof({})::text", 5, "integer"),
        ("SELECT pg_typeof({})::text", 2**40, "bigint"),
        ("SELECT pg_typeof({})::text", 2**70, "numeric"),
        ("SELECT pg_typeof({})::text", 1.5, "double precision"),
        ("SELECT pg_typeof({})::text", Decimal("1.5"), "numeric"),
        ("SELECT pg_typeof({})::text", True, "boolean"),
        ("SELECT pg_typeof({})::text", date(2024, 1, 1), "date"),
        ("SELECT pg_typeof({})::text", datetime(2024, 1, 1, tzinfo=UTC), "timestamp with time zone"),
        ("SELECT DATE '2024-01-31' + {}", 1, date(2024, 2, 1)),
        ("SELECT substring('naïve' FOR {})", 2, "na"),
        ("SELECT count(*) FROM people WHERE id < {}", 2**40, 2),
        ("SELECT count(*) FROM people WHERE id < {}", Decimal("1.5"), 1),
        ("SELECT count(*) FROM people WHERE (id = 1) = {}", True, 1),
        ("SELECT count(*) FROM visits WHERE started >= {}", date(2024, 1, 1), 1),
        (
            "SELECT count(*) FROM people WHERE born < {}",
            datetime.fromisoformat("1815-12-10T00:00:01"),
            1,
        ),
        ("SELECT 'calm'::mood = {}", "calm", True),
        ("SELECT date_trunc('month', {})::text", datetime.fromisoformat("2024-01-15"), "2024-01-01 00:00:00"),
        ("SELECT 12.34 = {}", 12.34, True),
    ],
)  # fmt: skip
def test_a_parameter_takes_the_type_of_its_place(
    case: Case, sql: str, value: Any, expected: Any
) -> None:
    assert one(case, sql, value) == expected


def test_a_character_of_code_0_is_refused(case: Case) -> None:
    with pytest.raises(QueryInvalid, match="value_0 holds a character of code 0"):
        one(case, "SELECT {}", "a\x00b")


def test_a_value_that_does_not_fit_its_place_is_invalid(case: Case) -> None:
    with pytest.raises(QueryInvalid) as caught:
        one(case, "SELECT id FROM people WHERE born = {}", "no day")
    assert "no day" not in caught.value.message
    with pytest.raises(QueryInvalid):
        one(case, "SELECT nam FROM people WHERE born = {}", "2024-01-01")


def test_more_rows_than_one_fetch_with_parameters(case: Case) -> None:
    sql = "SELECT i, i / 8::numeric AS n FROM generate_series(1, {}) AS g(i)"
    found = table(case, a_statement(sql, 25_000))
    assert found.column("i").to_pylist() == list(range(1, 25_001))
    exact = table(case, a_statement(sql, 10_000))
    assert exact.num_rows == 10_000


# Errors


def test_what_the_role_may_not_read_is_named(case: Case, owner: psycopg.Connection[Any]) -> None:
    owner.execute("CREATE SCHEMA hidden")
    owner.execute("CREATE TABLE hidden.salaries (id int)")
    owner.execute("CREATE TABLE closed (id int)")
    try:
        for sql, what in {
            "SELECT * FROM hidden.salaries": "hidden",
            "SELECT * FROM closed": "closed",
            "SELECT * FROM pg_authid": "pg_authid",
        }.items():
            with pytest.raises(QueryInvalid, match=f"may not read “{what}”"):
                rows(case, sql)
        names = {found.name for found in case.engine.describe(case.source)}
        assert names == {"people", "visits", "tall"}
    finally:
        owner.execute("DROP SCHEMA hidden CASCADE")
        owner.execute("DROP TABLE closed")


def test_an_error_shows_no_value_of_a_row(case: Case) -> None:
    for sql in ("SELECT name::int FROM people", "SELECT ('{' || name)::json FROM people"):
        with pytest.raises(QueryInvalid) as caught:
            rows(case, sql)
        assert "Ada" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://169.254.169.254/x", "cannot be reached"),
        ("mysql://127.0.0.1/x", "cannot be reached"),
        ("nonsense", "cannot be reached"),
    ],
)
def test_an_address_that_cannot_be_used_is_unavailable(case: Case, url: str, message: str) -> None:
    source = a_source("postgres", url)
    for use in (
        lambda: rows(case, "SELECT 1", source=source),
        lambda: case.engine.describe(source),
    ):
        with pytest.raises(EngineUnavailable, match=message):
            use()
    report = case.engine.test(source)
    assert report.failed_step is not None
    assert report.failed_step.step in (ConnectionStep.ADDRESS, ConnectionStep.NAME)


def test_aisers_own_server_is_no_source(case: Case, postgres_server: Postgres) -> None:
    rules = HostRules(forbidden=frozenset({("localhost", postgres_server.port)}))
    engine = PostgresEngine(unseal=lambda sealed: sealed, rules=rules)
    report = engine.test(case.source)
    assert report.failed_step is not None
    assert "its own data" in report.failed_step.message
    with pytest.raises(EngineUnavailable):
        engine.describe(case.source)


# Rights


def test_a_superuser_is_warned_of(case: Case, postgres_server: Postgres) -> None:
    report = case.engine.test(by_owner(postgres_server, case))
    assert report.is_ok
    assert any("superuser" in warning for warning in report.warnings)


def test_a_role_that_may_create_is_warned_of(case: Case, owner: psycopg.Connection[Any]) -> None:
    owner.execute(f"GRANT CREATE ON SCHEMA public TO {READER}".encode())
    try:
        report = case.engine.test(case.source)
    finally:
        owner.execute(f"REVOKE CREATE ON SCHEMA public FROM {READER}".encode())
    assert any("may create objects" in warning for warning in report.warnings)


def test_a_role_that_may_read_nothing_fails(case: Case, owner: psycopg.Connection[Any]) -> None:
    owner.execute(f"REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM {READER}".encode())
    try:
        report = case.engine.test(case.source)
    finally:
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}".encode())
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.RIGHTS
    assert "GRANT SELECT" in report.failed_step.message


# Encryption


def test_a_server_without_encryption_fails_where_it_is_required(case: Case) -> None:
    url = case.source.sealed_url.replace("sslmode=disable", "sslmode=require")
    report = case.engine.test(replace(case.source, sealed_url=url))
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.TLS
    assert "does not offer encryption" in report.failed_step.message


def test_encrypted_connections(
    case: Case, postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = write_certificate(tmp_path, "localhost")
    with tls_proxy(postgres_server.port, certificate, key) as port:
        url = case.source.sealed_url.replace(
            f"127.0.0.1:{postgres_server.port}", f"localhost:{port}"
        )
        required = replace(case.source, sealed_url=url.replace("disable", "require"))
        verified = replace(case.source, sealed_url=url.replace("disable", "verify-full"))
        report = case.engine.test(required)
        assert report.is_ok, report
        assert report.steps[3].message == "Encrypted."
        assert not any("not encrypted" in warning for warning in report.warnings)
        assert len(rows(case, "SELECT * FROM people", source=required)) == 2
        refused = case.engine.test(verified)
        assert refused.failed_step is not None
        assert refused.failed_step.step is ConnectionStep.TLS
        assert "certificate" in refused.failed_step.message
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert case.engine.test(verified).is_ok
        assert len(rows(case, "SELECT * FROM people", source=verified)) == 2
        case.engine.close()


def test_a_machine_without_trusted_certificates_cannot_verify(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    url = case.source.sealed_url.replace("disable", "verify-full")
    source = replace(case.source, sealed_url=url)
    report = case.engine.test(source)
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.ADDRESS
    assert "cannot be verified" in report.failed_step.message
    with pytest.raises(EngineUnavailable):
        rows(case, "SELECT 1", source=source)


# The catalog


def test_the_catalog_of_everything_postgres_has(case: Case, owner: psycopg.Connection[Any]) -> None:
    statements = f"""
        CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO {READER};
        CREATE DOMAIN other.cents AS numeric(10, 0);
        CREATE TABLE other.parts (a int, b text, c other.cents, d int[], secret text,
          at timestamptz, doc jsonb, PRIMARY KEY (b, a)) PARTITION BY RANGE (a);
        CREATE TABLE other.parts_1 PARTITION OF other.parts FOR VALUES FROM (0) TO (1000);
        CREATE TABLE other."dotted.name" (x int REFERENCES public.people (id), y int);
        CREATE INDEX ON other."dotted.name" (y, lower(y::text), x);
        CREATE INDEX ON other."dotted.name" (x) WHERE y > 1;
        CREATE INDEX ON other."dotted.name" (x) INCLUDE (y);
        CREATE MATERIALIZED VIEW other.counted AS SELECT count(*) AS n FROM people;
        INSERT INTO other.parts SELECT i, 'x' FROM generate_series(1, 500) AS i;
        ANALYZE other.parts; ANALYZE other.parts_1;
        GRANT SELECT (a, b, c, d, at, doc) ON other.parts TO {READER};
        GRANT SELECT ON other."dotted.name", other.counted TO {READER};
    """
    owner.execute(statements.encode())
    try:
        tables = {found.name: found for found in case.engine.describe(case.source)}
    finally:
        owner.execute("DROP SCHEMA other CASCADE")
    assert set(tables) == {
        *("people", "visits", "tall"),
        *("other.parts", "other.dotted.name", "other.counted"),
    }
    parts = tables["other.parts"]
    assert [(column.name, column.type) for column in parts.columns] == [
        *(("a", "integer"), ("b", "string"), ("c", "integer"), ("d", "json")),
        *(("at", "timestamp"), ("doc", "json")),
    ]
    assert parts.primary_key == ("b", "a")
    assert parts.row_estimate == 500
    assert tables["other.counted"].is_view
    dotted = tables["other.dotted.name"]
    assert dotted.indexes == (("y",), ("x",))
    assert dotted.foreign_keys == ((("x",), "people", ("id",)),)


def test_five_thousand_tables_take_seconds_and_few_statements(
    case: Case, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute(f"CREATE SCHEMA many; GRANT USAGE ON SCHEMA many TO {READER}".encode())
    columns = ", ".join(f"c{number} int" for number in range(10))
    for start in range(0, 5000, 1000):
        owner.execute(
            f"DO $$ BEGIN FOR i IN {start}..{start + 999} LOOP "
            f"EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, {columns})', i); "
            f"END LOOP; END $$".encode()
        )
    owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA many TO {READER}".encode())
    statements: list[Any] = []
    execute = psycopg.Connection.execute
    monkeypatch.setattr(
        psycopg.Connection,
        "execute",
        lambda self, query, *rest, **more: (
            statements.append(query) or execute(self, query, *rest, **more)
        ),
    )
    try:
        started = time.monotonic()
        tables = case.engine.describe(case.source)
        elapsed = time.monotonic() - started
    finally:
        monkeypatch.undo()
        for start in range(0, 5000, 500):
            names = ", ".join(f"many.t{number}" for number in range(start, start + 500))
            owner.execute(f"DROP TABLE {names}".encode())
        owner.execute("DROP SCHEMA many")
    assert len(tables) == 5003
    assert sum(len(found.columns) for found in tables) > 55_000
    assert len(statements) <= 6
    assert elapsed < 30


# Plans


def test_a_plan_has_a_tree_and_reads_like_postgres(case: Case) -> None:
    engine = case.engine
    sql = (
        "SELECT p.name, count(*) FROM people AS p LEFT JOIN visits AS v ON v.person_id = p.id "
        "WHERE p.height > {} GROUP BY p.name ORDER BY 1"
    )
    plan = engine.explain(
        case.source,
        a_statement(sql, 1.5),
        actual=True,
        timeout_seconds=10,
        cancel=CancelToken(),
    )
    assert plan is not None
    assert isinstance(plan.tree, dict)
    assert plan.tree["Plan"]["Node Type"]
    for words in (
        "(cost=",
        "actual time=",
        "on people p",
        "Filter: ",
        "Sort Key: ",
        "Execution time",
    ):
        assert words in plan.text, plan.text
    assert "-> " in plan.text
