"""What may run: ordinary analytical SQL, limited and written anew."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot

from aiser_app.domain.actor import Claims
from aiser_app.domain.verdict import Allowed, Denied
from aiser_app.query.guard import judge
from aiser_app.query.guard import judge as guard_judge
from aiser_app.query.guard.names import TableNames

CLAIMS = Claims(organization_id="0" * 32, attributes={"region": "EU"})
TABLES = ("flights", "airlines", "sales.orders", "main.odd.name")

ALLOWED = [
    "SELECT 1",
    "SELECT * FROM flights",
    "FROM flights",
    "select Carrier from FLIGHTS",
    'SELECT "carrier" FROM "flights"',
    "SELECT * FROM main.flights",
    "SELECT * FROM sales.orders",
    'SELECT * FROM SALES."Orders"',
    'SELECT * FROM "odd.name"',
    'SELECT * FROM main."odd.name"',
    "SELECT f.carrier, a.name FROM flights AS f LEFT JOIN airlines AS a USING (carrier)",
    "SELECT count(*), count(DISTINCT carrier), sum(distance), avg(distance), median(distance) "
    "FROM flights",
    "SELECT carrier, count(*) FILTER (WHERE distance > 500) FROM flights GROUP BY ALL",
    "SELECT month, rank() OVER (PARTITION BY carrier ORDER BY sum(distance) DESC) FROM flights "
    "GROUP BY month, carrier",
    "SELECT * FROM flights QUALIFY row_number() OVER (PARTITION BY carrier ORDER BY distance) = 1",
    "WITH a AS (SELECT carrier FROM flights), b AS (SELECT * FROM a) SELECT * FROM b",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT * FROM r",
    "SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT * FROM a) AS t",
    "SELECT carrier FROM flights UNION SELECT carrier FROM airlines",
    "(SELECT carrier FROM flights)",
    "SELECT date_trunc('month', time_hour) AS m, count(*) FROM flights GROUP BY 1 ORDER BY 1",
    "SELECT extract(year FROM time_hour), strftime(time_hour, '%Y-%m'), dayname(time_hour) "
    "FROM flights",
    "SELECT DATE '2013-01-01' + INTERVAL 1 MONTH, current_date, now()",
    "SELECT CAST(distance AS VARCHAR), TRY_CAST(tailnum AS INTEGER), distance::DOUBLE FROM flights",
    "SELECT CASE WHEN distance > 1000 THEN 'far' ELSE 'near' END FROM flights",
    "SELECT lower(carrier) || '-' || upper(dest), substring(dest, 1, 2), split_part(dest, 'a', 1), "
    "trim(dest), replace(dest, 'a', 'b'), length(dest), regexp_extract(dest, '[A-Z]+') FROM flights",
    "SELECT lpad(month::VARCHAR, 2, '0') FROM flights",
    "SELECT round(distance / 3.0, 2), abs(-1), sqrt(2), greatest(1, 2), coalesce(NULL, 1) FROM flights",
    "SELECT quantile_cont(distance, 0.9), stddev(distance), corr(distance, month) FROM flights",
    "SELECT string_agg(DISTINCT carrier, ', ' ORDER BY carrier) FROM flights",
    "SELECT list(carrier)[1], len([1, 2]), {'a': 1}.a FROM flights",
    "SELECT * FROM flights WHERE carrier IN ('UA', 'AA') AND dest LIKE 'A%' AND origin ILIKE '%w%' "
    "AND distance BETWEEN 1 AND 2 AND tailnum IS NOT NULL AND NOT month = 3",
    "SELECT * FROM flights WHERE carrier = (SELECT min(carrier) FROM airlines)",
    "SELECT * FROM flights WHERE EXISTS (SELECT 1 FROM airlines AS a WHERE a.carrier = flights.carrier)",
    "SELECT * EXCLUDE (tailnum) FROM flights",
    "SELECT * FROM generate_series(1, 12) AS m(month)",
    "SELECT * FROM generate_series(DATE '2013-01-01', DATE '2013-12-31', INTERVAL 1 DAY)",
    "SELECT unnest([1, 2, 3])",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name)",
    "SELECT carrier, grouping(carrier) FROM flights GROUP BY ROLLUP (carrier)",
    "SELECT 'DROP TABLE flights; -- DELETE' AS text",
    "SELECT * FROM flights WHERE carrier = 'delete'",
    "SELECT json_extract('{\"a\": 1}', '$.a')",
    "SELECT $$text$$",
    "SELECT time_hour AT TIME ZONE 'UTC' FROM flights",
    "SELECT * FROM flights;",
    "-- a comment\nSELECT * FROM flights /* another */",
]


def decide(sql: str, limit: int = 1_000) -> Allowed | Denied:
    return judge(sql, dialect="duckdb", tables=TABLES, claims=CLAIMS, limit=limit)


def allowed(sql: str, limit: int = 1_000) -> Allowed:
    verdict = decide(sql, limit)
    assert isinstance(verdict, Allowed), verdict
    return verdict


def reason(sql: str) -> str:
    verdict = decide(sql)
    assert isinstance(verdict, Denied)
    return verdict.reason


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect()
    for name in ("flights", "odd.name"):
        found.execute(
            f'CREATE TABLE "{name}" (carrier VARCHAR, dest VARCHAR, origin VARCHAR, tailnum VARCHAR, '
            "distance INTEGER, month INTEGER, time_hour TIMESTAMP)"
        )
    found.execute("CREATE TABLE airlines (carrier VARCHAR, name VARCHAR)")
    found.execute("CREATE SCHEMA sales")
    found.execute("CREATE TABLE sales.orders (id INTEGER)")
    return found


@pytest.mark.parametrize("sql", ALLOWED, ids=lambda sql: sql[:50])
def test_analytical_sql_may_run_and_does(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    verdict = allowed(sql)
    assert verdict.claims == CLAIMS
    assert "--" not in verdict.sql.replace("'DROP TABLE flights; -- DELETE'", "")
    assert "/*" not in verdict.sql
    connection.cursor().execute(verdict.sql).fetchall()


def test_the_verdict_names_tables_as_the_allow_list_does_and_columns() -> None:
    verdict = allowed(
        'SELECT f.Carrier, max(distance) FROM FLIGHTS f JOIN Sales."ORDERS" o ON true GROUP BY 1'
    )
    assert verdict.tables == ("flights", "sales.orders")
    assert verdict.columns == ("Carrier", "distance")


@pytest.mark.parametrize(
    ("sql", "limit"),
    [
        ("SELECT * FROM flights", 101),
        ("SELECT * FROM flights LIMIT 7", 7),
        ("SELECT * FROM flights LIMIT 5000", 101),
        ("SELECT * FROM flights ORDER BY 1 LIMIT 0", 0),
        ("SELECT * FROM flights LIMIT 7 OFFSET 3", 7),
        ("SELECT 1 UNION ALL SELECT 2", 101),
        ("SELECT 1 UNION ALL SELECT 2 LIMIT 1", 1),
        ("WITH a AS (SELECT * FROM flights LIMIT 5) SELECT * FROM a", 101),
    ],
)
def test_one_row_more_than_wanted_is_asked_for(sql: str, limit: int) -> None:
    rendered = sqlglot.parse_one(allowed(sql, limit=100).sql, read="duckdb")
    assert int(rendered.args["limit"].expression.this) == limit


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "empty"),
        ("SELECT 1; SELECT 2", "exactly one"),
        ("DROP TABLE flights", "DROP"),
        ("INSERT INTO flights VALUES (1)", "INSERT"),
        ("WITH a AS (DELETE FROM flights RETURNING *) SELECT * FROM a", "DELETE"),
        ("SELECT * INTO x FROM flights", "SELECT INTO"),
        ("SELECT * FROM flights FOR UPDATE", "Locking"),
        ("SELECT * FROM users", "There is no table “users”"),
        ("SELECT * FROM users", "flights"),
        ("SELECT * FROM other.users", "other.users"),
        ("SELECT * FROM a.b.c", "another database"),
        ("WITH flights AS (SELECT 1) SELECT * FROM flights", "name of a table"),
        ("SELECT getenv('HOME')", "getenv"),
        ("SELECT * FROM read_text('x')", "read_text"),
        ("SELECT version()", "not allowed"),
        ("SELECT current_user", "not allowed"),
        ("SELECT current_schema", "current_schema"),
        ("SELECT ?", "write the values"),
        ("SELECT FROM", "line 1"),
        ("SELECT 1\x00", "control characters"),
        ("SELECT '\udc80'", "Unicode"),
        ("SELECT " + "(" * 200 + "1" + ")" * 200, "nested"),
        ("SELECT '" + "x" * 100_000 + "'", "longer"),
        ("SELECT range(1, 9999999)", "at most 1,000,000"),
        ("SELECT range(distance) FROM flights", "plain values"),
        ("SELECT generate_series(1, 5, 1 - 1)", "plain values"),
        ("SELECT generate_series(DATE 'x', DATE 'y', INTERVAL 1 DAY)", "plain values"),
        ("SELECT generate_series(DATE '2013-01-01', now(), INTERVAL 1 DAY)", "plain values"),
        ("SELECT generate_series(DATE '2013-01-01', DATE '2014-01-01', 1)", "plain values"),
        (
            "SELECT generate_series(DATE '2013-01-01', DATE '2014-01-01', INTERVAL (month) DAY) "
            "FROM flights",
            "plain values",
        ),
        ("SELECT lpad('x', 99999999, ' ')", "Padding"),
        ("SELECT 1::mood", "Types of one's own"),
        ("SELECT * FROM flights LIMIT month", "plain number"),
        ("SELECT * FROM flights FETCH FIRST 3 ROWS WITH TIES", "LIMIT"),
        ("PIVOT flights ON carrier USING count(*)", "PIVOT"),
        ("SELECT * FROM flights PIVOT (count(*) FOR carrier IN ('UA'))", "Pivot"),
        ("SELECT range(-5, 1e400)", "at most"),
        ("SELECT * FROM hash('x')", "Functions that read data"),
        ("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", "“b”"),
        (
            "SELECT generate_series(DATE '2013-01-01', DATE '2014-01-01', INTERVAL '1x' DAY)",
            "line 1",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(sql: str, words: str) -> None:
    assert words in reason(sql)


def test_a_long_list_of_tables_is_not_read_out() -> None:
    tables = tuple(f"t{number}" for number in range(30))
    verdict = judge("SELECT * FROM x", dialect="duckdb", tables=tables, claims=CLAIMS, limit=1)
    assert isinstance(verdict, Denied)
    assert "t7" not in verdict.reason


def test_a_long_list_of_conditions_is_fine() -> None:
    values = ", ".join(f"'{number}'" for number in range(5_000))
    assert allowed(f"SELECT * FROM flights WHERE carrier IN ({values})").tables == ("flights",)


def test_a_quoted_column_may_be_called_like_a_function() -> None:
    assert allowed('SELECT "current_schema" FROM flights').columns == ("current_schema",)
    assert allowed("SELECT f.user FROM flights AS f").columns == ("user",)


@pytest.mark.parametrize("error", [RecursionError, ValueError, KeyError, MemoryError])
def test_whatever_a_parser_raises_is_a_refusal(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("aiser_app.query.guard.reading.worded", fail)
    assert isinstance(decide("SELECT 1"), Denied)


def test_a_rewrite_that_reads_other_tables_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__(guard_judge.__module__, fromlist=["judge"])
    monkeypatch.setattr(module, "_render", lambda root, dialect: "SELECT * FROM airlines")
    assert reason("SELECT * FROM flights") == "The query could not be rewritten safely."


def test_names_are_compared_as_engines_do() -> None:
    names = TableNames(("Orders", "sales.Items", "main.a.b"))
    assert names.find("ORDERS") == "Orders"
    assert names.find("orders", "MAIN") == "Orders"
    assert names.find("orders", "sales") is None
    assert names.find("items", "Sales") == "sales.Items"
    assert names.find("items") is None
    assert names.find("a.b") == "main.a.b"
    assert names.find("b", "a") is None
