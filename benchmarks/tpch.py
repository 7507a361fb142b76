"""TPC-H through the gate against raw DuckDB: 22 queries in one run, total ratio and guard verdict.

Targets: through the gate at most 1.10 times raw in total; verdict p50 at most 5 ms on these queries.
`python -m benchmarks.tpch [--scale 1] [--rounds 3]`; the data is made by tpchgen-cli (dbgen's rules).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from aiser_app.domain.actor import Actor, Claims, Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable
from aiser_app.query.engines.duckdb import DuckDBEngine, open_locked
from aiser_app.query.guard import judge
from aiser_app.query.request import QueryRequest, QuerySource
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from tests.fixtures.queries import FEDERATION, NO_CACHE, ListJournal
from tests.unit.query.guard.tpch import QUERIES, TABLES

GATE_TARGET = 1.10
VERDICT_TARGET_MS = 5.0
ORGANIZATION = "0" * 32


def make_data(folder: Path, scale: float) -> Path:
    """The eight tables as one DuckDB file."""
    subprocess.run(
        [
            str(Path(sys.executable).parent / "tpchgen-cli"),
            "parquet",
            "-s",
            f"{scale:g}",
            f"--output-dir={folder / 'parquet'}",
        ],
        check=True,
        capture_output=True,
    )
    path = folder / "tpch.duckdb"
    with duckdb.connect(str(path)) as connection:
        for table in TABLES:
            connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_parquet(?)",
                [str(folder / "parquet" / f"{table}.parquet")],
            )
    return path


def request_for(sql: str) -> QueryRequest:
    source = DataSource(
        source_id="1" * 32,
        organization_id=ORGANIZATION,
        name="TPC-H",
        engine="duckdb",
        options={"path": "tpch.duckdb"},
    )
    actor = Actor(
        user_id="2" * 32,
        organization_id=ORGANIZATION,
        role=Role.ANALYST,
        permissions=frozenset(),
    )
    tables = {name: GrantedTable(name=name) for name in TABLES}
    return QueryRequest(
        actor=actor,
        sources=(QuerySource(source=source, tables=tables),),
        sql=sql,
        limit=100_000,
        timeout_seconds=600,
        purpose="benchmark",
    )


def timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def fetch_raw(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    return connection.cursor().sql(sql).to_arrow_table()


def verdict_ms(sql: str) -> float:
    claims = Claims(organization_id=ORGANIZATION)
    times = [
        timed(
            lambda: judge(sql, dialect="duckdb", tables=tuple(TABLES), claims=claims, limit=1_000)
        )
        for _ in range(7)
    ]
    return statistics.median(times) * 1000


def measure(folder: Path, rounds: int) -> int:
    """Each query raw and through the gate in turn; medians of the rounds."""
    shutil.copy(folder / "tpch.duckdb", folder / "raw.duckdb")
    engine = DuckDBEngine(folder, memory_limit="4GB")
    router = QueryRouter(
        {"duckdb": engine}, ResultStore(folder / "results"), ListJournal(), NO_CACHE, FEDERATION
    )
    raw = open_locked(str(folder / "raw.duckdb"), read_only=True, memory_limit="4GB", threads=2)
    total_raw = total_gate = 0.0
    verdicts = []
    print(f"{'query':>5} {'raw ms':>9} {'gate ms':>9} {'ratio':>6} {'verdict ms':>11}")
    for number, sql in QUERIES.items():
        request = request_for(sql)
        pairs = []
        for _ in range(rounds + 1):
            plain = timed(partial(fetch_raw, raw, sql))
            gate = timed(partial(router.run, request, CancelToken()))
            pairs.append((plain, gate))
        plain = statistics.median(pair[0] for pair in pairs[1:])
        gate = statistics.median(pair[1] for pair in pairs[1:])
        verdicts.append(verdict_ms(sql))
        total_raw, total_gate = total_raw + plain, total_gate + gate
        print(
            f"{number:>5} {plain * 1000:>9.1f} {gate * 1000:>9.1f} {gate / plain:>6.2f} "
            f"{verdicts[-1]:>11.2f}",
            flush=True,
        )
    ratio, verdict = total_gate / total_raw, statistics.median(verdicts)
    print(f"{'all':>5} {total_raw * 1000:>9.1f} {total_gate * 1000:>9.1f} {ratio:>6.3f}")
    print(
        f"gate over raw {ratio:.3f} (target {GATE_TARGET}); verdict p50 {verdict:.2f} ms "
        f"(target {VERDICT_TARGET_MS})"
    )
    engine.close()
    return 0 if ratio <= GATE_TARGET and verdict <= VERDICT_TARGET_MS else 1


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.tpch", description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aiser-tpch-", dir="/tmp"))
    try:
        make_data(folder, chosen.scale)
        return measure(folder, chosen.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
