"""PostgreSQL into the result store, against the raw ADBC fetch and pandas.read_sql, in one run.

Targets: 1,000,000 x 10 rows at most 1.3 times the raw fetch and at least 4 times faster than
pandas.read_sql over psycopg; the process's peak memory at most 500 MB; 10,000,000 rows stop at
their cap, saying so, in the same memory. `python -m benchmarks.postgres_fetch [--rows N]`
Each measurement runs in a process of its own, so that memory is that of the measurement.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from aiser_app.stack.ports import free_ports
from aiser_app.stack.postgres import Postgres
from tests.fixtures.servers import RunningServer

STORE_TARGET = 1.3
PANDAS_TARGET = 4.0
MEMORY_TARGET_MB = 500
CAP_ROWS = 1_000_000
ROUNDS = 3
TABLE = """
CREATE TABLE wide AS SELECT
  n::bigint AS id, (n % 1000)::int AS customer, (n * 7 % 10007)::double precision / 13 AS price,
  (n % 97)::int AS quantity, 'order number ' || n AS note, (n % 2 = 0) AS paid,
  timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second' AS at,
  date '2024-01-01' + (n % 365)::int AS day, md5(n::text) AS digest, (n % 5)::smallint AS kind
FROM generate_series(1, {rows}) AS n
"""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.postgres_fetch")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--many", type=int, default=10_000_000, help="rows of the capped query")
    options.add_argument("--measure", help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    options.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.measure:
        print(json.dumps(MEASUREMENTS[chosen.measure](chosen.url, Path(chosen.folder))))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="aiser-fetch-", dir="/tmp"))
    folder.chmod(0o711)
    secret = folder / "password"
    secret.write_text("bench")
    secret.chmod(0o600)
    server = Postgres(
        data=folder / "postgres", port=free_ports(1)[0], password="bench", password_file=secret
    )
    running = RunningServer(server.command(), folder / "postgres.log", server.is_ready)
    try:
        fill(server.url(), "wide", chosen.rows)
        fill(server.url(), "many", chosen.many)
        return report(server.url(), folder)
    finally:
        running.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def fill(url: str, name: str, rows: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE.format(rows=rows).replace("wide", name).encode())
        connection.execute(f"VACUUM ANALYZE {name}".encode())


def report(url: str, folder: Path) -> int:
    def median(name: str) -> dict[str, Any]:
        found = [run(name, url, folder) for _ in range(ROUNDS)]
        middle = sorted(found, key=lambda item: item["seconds"])[len(found) // 2]
        return {**middle, "peak_mb": max(item["peak_mb"] for item in found)}

    names = ("raw", "store", "pandas")
    found = {name: median(name) for name in names}
    found["capped"] = run("capped", url, folder)
    print(f"{'what':<34} {'seconds':>8} {'rows':>11} {'peak MB':>8}")
    for name, title in (
        ("raw", "ADBC fetch, all in memory"),
        ("store", "through the gate into the store"),
        ("pandas", "pandas.read_sql over psycopg"),
        ("capped", "SELECT * over more than the cap"),
    ):
        item = found[name]
        print(f"{title:<34} {item['seconds']:>8.2f} {item['rows']:>11,} {item['peak_mb']:>8.0f}")
    ratio = found["store"]["seconds"] / found["raw"]["seconds"]
    faster = found["pandas"]["seconds"] / found["store"]["seconds"]
    print(
        f"store over raw fetch {ratio:.2f} (target {STORE_TARGET}); pandas over store "
        f"{faster:.1f} (target {PANDAS_TARGET}); capped: {found['capped']['told']}"
    )
    good = (
        ratio <= STORE_TARGET
        and faster >= PANDAS_TARGET
        and max(found["store"]["peak_mb"], found["capped"]["peak_mb"]) <= MEMORY_TARGET_MB
        and found["capped"]["truncated"]
    )
    return 0 if good else 1


def run(name: str, url: str, folder: Path) -> dict[str, Any]:
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.postgres_fetch",
            "--measure",
            name,
            "--url",
            url,
            "--folder",
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(ran.stderr[-3000:])
    measured: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def raw_fetch(url: str, _folder: Path) -> dict[str, Any]:
    import adbc_driver_postgresql.dbapi as adbc

    with adbc.connect(url) as connection, connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute("SELECT * FROM wide")
        table = cursor.fetch_arrow_table()
        return {
            "seconds": time.perf_counter() - started,
            "rows": table.num_rows,
            "peak_mb": peak_mb(),
        }


def pandas_fetch(url: str, _folder: Path) -> dict[str, Any]:
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        started = time.perf_counter()
        frame = pandas.read_sql(sqlalchemy.text("SELECT * FROM wide"), connection)
        return {"seconds": time.perf_counter() - started, "rows": len(frame), "peak_mb": peak_mb()}


def store_fetch(url: str, folder: Path) -> dict[str, Any]:
    return through_the_gate(url, folder, "wide", 2_000_000)


def capped_fetch(url: str, folder: Path) -> dict[str, Any]:
    return through_the_gate(url, folder, "many", CAP_ROWS)


def through_the_gate(url: str, folder: Path, table: str, limit: int) -> dict[str, Any]:
    from aiser_app.domain.actor import Actor, Role
    from aiser_app.domain.cancellation import CancelToken
    from aiser_app.domain.data_source import DataSource
    from aiser_app.domain.policy import GrantedTable
    from aiser_app.query.connection import HostRules
    from aiser_app.query.engines.postgres import PostgresEngine
    from aiser_app.query.request import QueryRequest, QuerySource
    from aiser_app.query.results import ResultStore
    from aiser_app.query.router import QueryRouter
    from tests.fixtures.queries import FEDERATION, NO_CACHE, ListJournal

    engine = PostgresEngine(str, HostRules())
    organization = "0" * 32
    source = DataSource(
        source_id="1" * 32,
        organization_id=organization,
        name="Bench",
        engine="postgres",
        sealed_url=url,
    )
    router = QueryRouter(
        {"postgres": engine}, ResultStore(folder / "results"), ListJournal(), NO_CACHE, FEDERATION
    )
    actor = Actor(
        user_id="2" * 32, organization_id=organization, role=Role.ANALYST, permissions=frozenset()
    )

    def request(sql: str, rows: int) -> QueryRequest:
        return QueryRequest(
            actor=actor,
            sources=(QuerySource(source=source, tables={table: GrantedTable(name=table)}),),
            sql=sql,
            limit=rows,
            timeout_seconds=300,
            purpose="benchmark",
        )

    router.run(request(f"SELECT * FROM {table}", 10), CancelToken())  # connects
    started = time.perf_counter()
    result = router.run(request(f"SELECT * FROM {table}", limit), CancelToken())
    seconds = time.perf_counter() - started
    told = f"first {result.row_count:,} rows, more exist" if result.truncated else "whole"
    engine.close()
    return {
        "seconds": seconds,
        "rows": result.row_count,
        "peak_mb": peak_mb(),
        "truncated": result.truncated,
        "told": told,
    }


MEASUREMENTS = {
    "raw": raw_fetch,
    "pandas": pandas_fetch,
    "store": store_fetch,
    "capped": capped_fetch,
}

if __name__ == "__main__":
    sys.exit(main())
