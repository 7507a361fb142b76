"""The result store: writing, pages, exports. `python -m benchmarks.results`; needs no servers.

Target: a page of 10,000 rows out of a stored 1,000,000-row result takes at most 50 ms, in the store
and over REST (there without the network: through the application itself).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from fastapi import FastAPI
from starlette.testclient import TestClient
from typing_extensions import override

from aiser_app.api import dependencies
from aiser_app.api.results import router
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.result import Result
from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.query.results import ResultPage, ResultStore, StoredRows
from aiser_app.query.results.exports import EXPORT_FORMATS, export
from aiser_app.query.results.files import SPILL_FOLDER
from aiser_app.services.results import Results

ROWS = 1_000_000
PAGE_ROWS = 10_000
PAGE_TARGET_MS = 50.0
ORGANIZATION, RESULT = "0" * 32, "a" * 32
TABLE = f"""
SELECT range AS id, (hash(range) % 1000000)::INTEGER AS amount, random() * 1000 AS price,
  (range % 7)::SMALLINT AS weekday, 'customer ' || (hash(range) % 50000) AS customer,
  'city ' || (range % 300) AS city,
  TIMESTAMP '2020-01-01' + to_seconds((range * 37) % 100000000) AS moment,
  DATE '2020-01-01' + (range % 2000)::INTEGER AS day, range % 3 = 0 AS paid,
  ((hash(range) % 10000000) / 100)::DECIMAL(12, 2) AS money
FROM range({ROWS})
"""


def batches(rows: int = 10_000) -> tuple[list[pa.RecordBatch], pa.Schema]:
    with duckdb.connect() as database:
        reader = database.sql(TABLE).to_arrow_reader(rows)
        return list(reader), reader.schema


def timed(call: Callable[[], object], n: int) -> float:
    """Median milliseconds."""
    return timed_with_cpu(call, n)[0]


def timed_with_cpu(call: Callable[[], object], n: int) -> tuple[float, float]:
    """(median milliseconds, median milliseconds of CPU), which a busy machine hardly changes."""
    walls, cpus = [], []
    for _ in range(n):
        started, began = time.perf_counter(), time.process_time()
        call()
        walls.append((time.perf_counter() - started) * 1000)
        cpus.append((time.process_time() - began) * 1000)
    return statistics.median(walls), statistics.median(cpus)


def write_raw(
    path: Path, given: list[pa.RecordBatch], schema: pa.Schema, compression: str | None
) -> None:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with path.open("wb") as file, pa.ipc.new_file(file, schema, options=options) as writer:
        for batch in given:
            writer.write_batch(batch)


def write(store: ResultStore, given: list[pa.RecordBatch], schema: pa.Schema) -> StoredRows:
    return store.write(
        given, schema, result_id=RESULT, organization_id=ORGANIZATION, limit=2 * ROWS
    )


def envelope(stored: StoredRows) -> Result:
    return Result(
        result_id=RESULT,
        organization_id=ORGANIZATION,
        source_id="1" * 32,
        columns=stored.columns,
        row_count=stored.row_count,
        truncated=stored.truncated,
        limit=2 * ROWS,
        as_of=datetime.now(UTC),
        duration_ms=1.0,
        engine="duckdb",
        route="duckdb",
        why="",
        sql="SELECT 1",
        tables=(),
        claims_hash="",
        byte_count=stored.byte_count,
    )


class KnownResult(Results):
    """The service without the database behind it: reading the envelope is measured elsewhere."""

    def __init__(self, store: ResultStore, result: Result) -> None:
        self._store = store
        self._result = result

    @override
    def get(self, actor: Actor, result_id: str) -> Result:
        return self._result


def rest_client(results: Results) -> TestClient:
    app = FastAPI()
    app.include_router(router)
    actor = Actor(
        user_id="2" * 32,
        organization_id=ORGANIZATION,
        role=Role.ANALYST,
        permissions=frozenset(),
    )
    app.dependency_overrides[dependencies.current_actor] = lambda: actor
    app.dependency_overrides[dependencies.given_services] = lambda: SimpleNamespace(results=results)
    return TestClient(app)


def pages(
    store: ResultStore, result: Result, n: int
) -> Iterator[tuple[str, tuple[float, float], float | None]]:
    """(what, median milliseconds and those of CPU, target)."""
    numbers = iter(range(10_000_000))
    sort = [Order(member="amount", descending=True)]

    def page(**options: Any) -> ResultPage:
        return store.page(result, offset=500_000, limit=PAGE_ROWS, **options)

    def filtered(bound: int) -> list[Filter]:
        """A filter that was not asked before."""
        return [Filter(member="amount", operator=FilterOperator.GTE, values=(str(bound),))]

    yield "page in the store", timed_with_cpu(page, n), PAGE_TARGET_MS
    yield (
        "page in the store, with JSON",
        timed_with_cpu(lambda: orjson.dumps(page().rows), n),
        PAGE_TARGET_MS,
    )
    client = rest_client(KnownResult(store, result))
    url = f"/results/{RESULT}?offset=500000&limit={PAGE_ROWS}"
    client.get(url).raise_for_status()
    yield "page through the API", timed_with_cpu(lambda: client.get(url), n), PAGE_TARGET_MS
    arrow = {"Accept": "application/vnd.apache.arrow.stream"}
    yield (
        "page through the API as Arrow",
        timed_with_cpu(lambda: client.get(url, headers=arrow), n),
        None,
    )
    fresh = timed_with_cpu(
        lambda: page(sort=sort, filters=filtered(-1 - next(numbers))), max(3, n // 5)
    )
    yield "page sorted, first time", fresh, None
    yield "page sorted, next pages", timed_with_cpu(lambda: page(sort=sort), n), None
    first = timed_with_cpu(lambda: page(filters=filtered(next(numbers))), max(3, n // 5))
    yield "page filtered, first time", first, None
    yield "page filtered, next pages", timed_with_cpu(lambda: page(filters=filtered(1)), n), None


@dataclass(frozen=True, kw_only=True)
class ExportCost:
    """Of all rows, in a process of its own."""

    seconds: float
    cpu_seconds: float
    first_byte_seconds: float
    """Until the first piece could go out."""
    megabytes: float
    """Memory above that of an idle process."""
    file_megabytes: float
    disk_megabytes: float
    """Most that lay beside the results at one moment, while the file was written."""


def export_alone(home: Path, extension: str) -> ExportCost:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.results", "--export", extension, "--home", str(home)],
        capture_output=True,
        text=True,
        check=True,
    )
    return ExportCost(**json.loads(ran.stdout))


def peak_memory_mb() -> float:
    """Highest resident memory of this process since it began."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def run_export(home: Path, extension: str) -> None:
    store = ResultStore(home)
    result = envelope(
        StoredRows(columns=(), row_count=ROWS, truncated=False, byte_count=81_000_000)
    )
    spilled = SpilledBytes(home / SPILL_FOLDER)
    before = peak_memory_mb()
    started, began = time.perf_counter(), time.process_time()
    sort = [Order(member="amount")] if extension.endswith("-sorted") else []
    with spilled:
        made = export(store.select(result, sort), result, extension.removesuffix("-sorted"))
        size = len(next(made.chunks))
        first = time.perf_counter() - started
        size += sum(len(chunk) for chunk in made.chunks)
    cost = ExportCost(
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - began,
        first_byte_seconds=first,
        megabytes=peak_memory_mb() - before,
        file_megabytes=size / 1e6,
        disk_megabytes=spilled.most / 1e6,
    )
    if made.row_count != ROWS:
        raise RuntimeError("not everything was exported")
    print(json.dumps(asdict(cost)))


class SpilledBytes:
    """The most bytes that a folder had, looked at twice per second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.most = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            with contextlib.suppress(FileNotFoundError):  # between the two looks at it
                sizes = [os.stat(path).st_size for path in self._folder.glob("*/*/*")]
                self.most = max(self.most, sum(sizes))


def measure_writing(store: ResultStore, home: Path, n: int) -> StoredRows:
    given, schema = batches()
    tiny = [batch.slice(at, 500) for batch in given for at in range(0, batch.num_rows, 500)]
    stored = write(store, given, schema)
    path = home / "raw.arrow"
    plain = timed(lambda: write_raw(path, given, schema, None), n)
    raw = timed(lambda: write_raw(path, given, schema, "lz4"), n)
    took = timed(lambda: write(store, given, schema), n)
    small = timed(lambda: write(store, tiny, schema), max(3, n // 4))
    disk = (home / ORGANIZATION / f"{RESULT}.arrow").stat().st_size / 1e6
    print(f"\n{ROWS:,} rows of 10 columns, {stored.byte_count / 1e6:.0f} MB, on disk {disk:.0f} MB")
    print(f"\n{'writing':44}{'p50 ms':>9}{'over raw':>10}")
    for title, found in (
        ("raw Arrow IPC, compressed by lz4", raw),
        ("raw Arrow IPC, uncompressed", plain),
        ("result store", took),
        ("result store, batches of 500 rows", small),
    ):
        print(f"{title:44}{found:9.0f}{found / raw:10.2f}")
    return write(store, given, schema)


def measure(home: Path, n: int) -> int:
    """Print the tables; 1 when a target is missed."""
    store = ResultStore(home)
    stored = measure_writing(store, home, max(5, n // 4))
    print(
        f"\n{'reading ' + format(PAGE_ROWS, ',') + ' rows':44}{'p50 ms':>9}{'CPU ms':>9}{'target':>10}"
    )
    missed = []
    for title, found, target in pages(store, envelope(stored), n):
        wanted = "" if target is None else f"{target:10.0f}"
        print(f"{title:44}{found[0]:9.1f}{found[1]:9.1f}{wanted}")
        if target is not None and found[0] > target:
            missed.append(title)
    print_exports(home)
    print(f"\nMissed: {', '.join(missed)}." if missed else "\nAll targets are met.")
    return 1 if missed else 0


def print_exports(home: Path) -> None:
    heads = ("rows/s", "CPU s", "first s", "peak MB", "file MB", "disk MB")
    print(f"\n{'exports':20}" + "".join(f"{head:>10}" for head in heads))
    for extension in (*EXPORT_FORMATS, "csv-sorted"):
        cost = export_alone(home, extension)
        print(
            f"{extension:20}{ROWS / cost.seconds:10,.0f}{cost.cpu_seconds:10.1f}"
            f"{cost.first_byte_seconds:10.2f}{cost.megabytes:10.0f}{cost.file_megabytes:10.0f}"
            f"{cost.disk_megabytes:10.0f}"
        )


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    options.add_argument("-n", type=int, default=40, help="times per measurement")
    options.add_argument("--export", help=argparse.SUPPRESS)
    options.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.export:
        run_export(chosen.home, chosen.export)
        return 0
    home = Path(tempfile.mkdtemp(prefix="aiser-bench-results-"))
    try:
        return measure(home, max(5, chosen.n))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
