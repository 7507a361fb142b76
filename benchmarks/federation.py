"""`python -m benchmarks.federation`: a join over PostgreSQL and a DuckDB file, against the same by hand.

By hand means: both sides fetched as Arrow by their drivers alone, one after the other's start, then
joined by DuckDB; the fetch counts in both. What is measured is therefore what the guard, the caps, the
bounds on memory and the parts cost. The target is a ratio of at most 1.5.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import adbc_driver_postgresql.dbapi
import duckdb
import psycopg
import pyarrow as pa

from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.query.federation import FederatedSource, FederationSettings, prepare
from aiser_app.stack.ports import free_ports
from aiser_app.stack.postgres import Postgres
from tests.fixtures.servers import RunningServer

TARGET = 1.5
ORGANIZATION = "0" * 32
ORDERS = {"id": "integer", "customer_id": "integer", "amount": "number", "placed": "date"}
CUSTOMERS = {"id": "integer", "name": "string", "city": "string"}
JOIN = (
    "SELECT c.city, count(*) AS n, sum(o.amount) AS total FROM {orders} o "
    "JOIN {customers} c ON c.id = o.customer_id GROUP BY c.city ORDER BY c.city"
)
FETCH_ORDERS = "SELECT customer_id, amount FROM orders"
FETCH_CUSTOMERS = "SELECT id, city FROM customers"


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.federation", description=__doc__)
    options.add_argument("-n", type=int, default=7, help="runs of each, at least 3")
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--customers", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="aiser-federation-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        secret = folder / "password"
        secret.write_text("bench-password")
        secret.chmod(0o600)
        server = Postgres(
            data=folder / "postgres",
            port=free_ports(1)[0],
            password="bench-password",
            password_file=secret,
        )
        running = RunningServer(server.command(), folder / "postgres.log", server.is_ready)
        try:
            url = server.url().replace("postgresql+psycopg://", "postgresql://")
            fill(url, folder / "crm.duckdb", chosen.orders, chosen.customers)
            # A process opens a DuckDB file with one configuration only.
            shutil.copy(folder / "crm.duckdb", folder / "by_hand.duckdb")
            return report(folder, url, max(3, chosen.n), chosen.orders, chosen.customers)
        finally:
            running.stop(signal.SIGQUIT)


def fill(url: str, file: Path, orders: int, customers: int) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            f"CREATE TABLE orders AS SELECT i AS id, i % {customers} AS customer_id, "
            "(i % 1000) / 4.0::float8 AS amount, DATE '2024-01-01' + i % 365 AS placed "
            f"FROM generate_series(1, {orders}) AS i"
        )
        owner.execute("VACUUM ANALYZE orders")
    csv = file.with_suffix(".csv")
    with duckdb.connect(str(file)) as database:
        database.execute(
            f"COPY (SELECT i AS id, 'name ' || i AS name, 'city ' || (i % 50) AS city "
            f"FROM range({customers}) AS r(i)) TO '{csv}'"
        )
        database.execute(f"CREATE TABLE customers AS FROM read_csv('{csv}')")


def by_hand(url: str, file: Path) -> pa.Table:
    """Both fetches at the same time, then the join."""
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(_fetched_orders, url)
        right = pool.submit(_fetched_customers, file)
        orders, customers = left.result(), right.result()
    with duckdb.connect(config={"threads": "2"}) as database:
        database.register("orders_here", orders)
        database.register("customers_here", customers)
        sql = JOIN.format(orders="orders_here", customers="customers_here")
        return database.sql(sql).to_arrow_table()


def _fetched_orders(url: str) -> pa.Table:
    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(FETCH_ORDERS)
        return cursor.fetch_arrow_table()


def _fetched_customers(file: Path) -> pa.Table:
    with duckdb.connect(str(file), read_only=True) as database:
        return database.sql(FETCH_CUSTOMERS).to_arrow_table()


def through_the_gate(sources: list[FederatedSource], folder: Path) -> pa.Table:
    query = prepare(
        JOIN.format(orders="shop.orders", customers="crm.customers"),
        sources,
        claims=Claims(organization_id=ORGANIZATION),
        parameters={},
        limit=1_000,
        settings=FederationSettings(folder=folder / "work"),
    )
    with query.open_rows(600, CancelToken()) as rows:
        return pa.Table.from_batches(list(rows), schema=rows.schema)


def report(folder: Path, url: str, runs: int, orders: int, customers: int) -> int:
    postgres, files = PostgresEngine(lambda sealed: sealed, HostRules()), DuckDBEngine(folder)
    sources = [
        _source("shop", "1", postgres, "orders", ORDERS, orders, url=url),
        _source("crm", "2", files, "customers", CUSTOMERS, customers, path="crm.duckdb"),
    ]
    calls: dict[str, Callable[[], pa.Table]] = {
        "by hand": lambda: by_hand(url, folder / "by_hand.duckdb"),
        "through the gate": lambda: through_the_gate(sources, folder),
    }
    assert calls["by hand"]().to_pylist() == calls["through the gate"]().to_pylist()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):  # in turns, so that whatever else the machine does hits both
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    postgres.close()
    files.close()
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median in medians.items():
        print(f"{name:18} {median * 1000:8.0f} ms (median of {runs})")
    ratio = medians["through the gate"] / medians["by hand"]
    best = min(seconds["through the gate"]) / min(seconds["by hand"])
    print(f"ratio {ratio:.2f} (of the best runs {best:.2f}); target at most {TARGET}")
    return 0 if ratio <= TARGET else 1


def _source(
    name: str,
    digit: str,
    engine: PostgresEngine | DuckDBEngine,
    table: str,
    columns: dict[str, str],
    rows: int,
    *,
    url: str = "",
    **options: str,
) -> FederatedSource:
    granted = GrantedTable(
        name=table, columns=tuple(columns), column_types=columns, row_estimate=rows
    )
    return FederatedSource(
        name=name,
        source=DataSource(
            source_id=digit * 32,
            organization_id=ORGANIZATION,
            name=name,
            engine=engine.name,
            options=options,
            sealed_url=url,
        ),
        engine=engine,
        tables={table: granted},
    )


if __name__ == "__main__":
    sys.exit(main())
