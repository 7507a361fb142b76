"""An upload until questions can be asked of it: time, and memory of the worker and of its child.

Target: the worker stays within 500 MB. `python -m benchmarks.upload [--rows 1000000]`; needs no
servers. The worker is a process of its own that has loaded what a worker loads.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.ingest import IngestOrder, Upload, ingest_apart, scratch_folder

PEAK_TARGET_MB = 500
PROFILE_SECONDS = 60.0
ROWS = """
SELECT range AS id, (hash(range) % 1000000)::INTEGER AS amount, hash(range) / 1e15 AS price,
  (range % 7)::SMALLINT AS weekday, 'customer ' || (hash(range) % 50000) AS customer,
  'city ' || (range % 300) AS city,
  TIMESTAMP '2020-01-01' + to_seconds((range * 37) % 100000000) AS moment,
  DATE '2020-01-01' + (range % 2000)::INTEGER AS day, 'order-' || md5(range::TEXT) AS code,
  ((hash(range) % 10000000) / 100)::DECIMAL(12, 2) AS money
FROM range({rows})
"""


def peak_mb() -> float:
    """Highest resident memory of this process since it began."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None, "Linux only"
    return int(found.group(1)) / 1024


def work(folder: Path) -> dict[str, float]:
    """What a worker does with an upload, without its records in Postgres."""
    import aiser_app.worker.jobs.ingest_file  # noqa: F401 - what a worker has in memory

    idle = peak_mb()
    source = DataSource(
        source_id="1" * 32,
        organization_id="0" * 32,
        name="Orders",
        engine="duckdb",
        options={"path": "orders.duckdb"},
    )
    target = folder / "orders.duckdb"
    started = time.perf_counter()
    with scratch_folder(target) as scratch:
        ingest_apart(
            Upload(path=folder / "orders.csv", file_name="orders.csv"),
            IngestOrder(target=target, folder=scratch, table="orders"),
            CancelToken(),
            lambda _: None,
            timeout_seconds=600,
        )
    ingested = time.perf_counter()
    catalog = read_catalog(DuckDBEngine(folder), source, budget_seconds=PROFILE_SECONDS)
    finished = time.perf_counter()
    unknown = [c.name for table in catalog.tables for c in table.columns if not c.distinct_count]
    assert not unknown, unknown
    return {
        "ingest_s": ingested - started,
        "profile_s": finished - ingested,
        "cpu_s": time.process_time(),
        "idle_mb": idle,
        "peak_mb": peak_mb(),
        "child_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def measure(folder: Path, rows: int) -> int:
    with duckdb.connect() as database:
        database.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{folder / 'orders.csv'}'")
    print(f"{rows:,} rows x 10 columns, {(folder / 'orders.csv').stat().st_size / 1e6:.0f} MB CSV")
    command = [sys.executable, "-m", "benchmarks.upload", "--work", str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(answer.splitlines()[-1])
    print(
        f"askable after {found['ingest_s'] + found['profile_s']:.1f} s: ingest in a process of its "
        f"own {found['ingest_s']:.1f} s, profile {found['profile_s']:.1f} s; CPU of the worker "
        f"{found['cpu_s']:.1f} s"
    )
    print(
        f"peak memory: worker {found['peak_mb']:.0f} MB (target {PEAK_TARGET_MB}; before "
        f"{found['idle_mb']:.0f}), the ingesting process {found['child_mb']:.0f} MB"
    )
    return 0 if found["peak_mb"] <= PEAK_TARGET_MB else 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.upload", description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    if chosen.work is not None:
        print(json.dumps(work(chosen.work)))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="aiser-upload-", dir="/tmp"))
    try:
        return measure(folder, chosen.rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
