"""TPC-H through the gate against raw DuckDB: 22 queries in one run, total ratio and guard verdict.

Targets: through the gate at most 1.10 times raw in total; verdict p50 at most 5 ms on these queries.
`python -m benchmarks.tpch [--scale 1] [--rounds 3]`; the data is made by tpchgen-cli (dbgen's rules).

Raw and gate run in turn, warm, with the same settings of DuckDB. Nothing is cached: each run is
judged, executed, stored and recorded as if the query came for the first time. The CPU of all threads is
told too: on a busy machine it depends far less on what else runs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float
    """Of all threads of this process."""


def cost_of(function: Callable[[], object]) -> Cost:
    started, began = time.perf_counter(), time.process_time()
    function()
    return Cost(time.perf_counter() - started, time.process_time() - began)


def median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
    )


def fetch_raw(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    return connection.cursor().sql(sql).to_arrow_table()


def verdict_ms(sql: str) -> float:
    claims = Claims(organization_id=ORGANIZATION)
    costs = [
        cost_of(
            lambda: judge(sql, dialect="duckdb", tables=tuple(TABLES), claims=claims, limit=1_000)
        )
        for _ in range(7)
    ]
    return median(costs).wall * 1000


HEAD = (
    f"{'query':>5} {'raw ms':>9} {'gate ms':>9} {'ratio':>6} {'raw CPU':>9} {'gate CPU':>9} "
    f"{'ratio':>6} {'verdict ms':>11}"
)


def line(title: str, raw: Sequence[Cost], gate: Sequence[Cost]) -> str:
    """Sums, in milliseconds."""
    parts = [f"{title:>5}"]
    for one, other in (
        (sum(cost.wall for cost in raw), sum(cost.wall for cost in gate)),
        (sum(cost.cpu for cost in raw), sum(cost.cpu for cost in gate)),
    ):
        parts.append(f"{one * 1000:>9.1f} {other * 1000:>9.1f} {other / one:>6.3f}")
    return " ".join(parts)


def measure(folder: Path, rounds: int) -> int:
    """Each query raw and through the gate in turn; medians of the rounds."""
    shutil.copy(folder / "tpch.duckdb", folder / "raw.duckdb")
    engine = DuckDBEngine(folder, memory_limit="4GB")
    router = QueryRouter(
        {"duckdb": engine}, ResultStore(folder / "results"), ListJournal(), NO_CACHE, FEDERATION
    )
    raw = open_locked(str(folder / "raw.duckdb"), read_only=True, memory_limit="4GB", threads=2)
    plain_costs, gate_costs, verdicts = [], [], []
    print(HEAD)
    for number, sql in QUERIES.items():
        request = request_for(sql)
        pairs = [
            (
                cost_of(partial(fetch_raw, raw, sql)),
                cost_of(partial(router.run, request, CancelToken())),
            )
            for _ in range(rounds + 1)
        ]
        plain_costs.append(median([plain for plain, _ in pairs[1:]]))
        gate_costs.append(median([gate for _, gate in pairs[1:]]))
        verdicts.append(verdict_ms(sql))
        print(
            f"{line(str(number), plain_costs[-1:], gate_costs[-1:])} {verdicts[-1]:>11.2f}",
            flush=True,
        )
    print(line("all", plain_costs, gate_costs))
    ratio = sum(cost.wall for cost in gate_costs) / sum(cost.wall for cost in plain_costs)
    verdict = statistics.median(verdicts)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
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
