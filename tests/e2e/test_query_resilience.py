"""Queries against the whole running product: many at once, stopped, and through deaths of its parts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.fixtures.app import RunningApp
from tests.fixtures.customer import Shop
from tests.fixtures.worker import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.integration]
SLOW = (
    "SELECT count(*) AS c FROM orders AS a, orders AS b, orders AS c, orders AS d "
    "WHERE a.id * b.id + c.id * d.id < 0"
)
FINAL = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def source(app_started: RunningApp, shop: Shop) -> Iterator[str]:
    """The customer's shop as a source of the running product, synced; it logs what it is asked."""
    set_of_reader(shop, "SET log_statement = 'all'")
    app_started.wait_until(app_started.is_ready, 60, "ready")
    with app_started.client() as client:
        made = client.post("/api/v1/sources", json={"name": "Shop", "url": shop.url})
        made.raise_for_status()
        ended(client, made.json()["run_id"], 60)
        yield str(made.json()["source_id"])
        client.delete(f"/api/v1/sources/{made.json()['source_id']}").raise_for_status()
    set_of_reader(shop, "RESET log_statement")


def set_of_reader(shop: Shop, setting: str) -> None:
    with psycopg.connect(shop.owner_url, autocommit=True) as owner:
        owner.execute(f"ALTER ROLE shop_reader {setting}".encode())


def run_of(client: httpx.Client, run_id: str) -> dict[str, Any]:
    view: dict[str, Any] = client.get(f"/api/v1/runs/{run_id}").raise_for_status().json()
    return view


def ended(client: httpx.Client, run_id: str, seconds: float = 30) -> dict[str, Any]:
    """The run at its end; a web process that is being replaced is asked again."""
    found: list[dict[str, Any]] = []

    def is_final() -> bool:
        try:
            found.append(run_of(client, run_id))
        except httpx.TransportError:
            return False
        return found[-1]["status"] in FINAL

    wait_until(is_final, "the run to end", seconds)
    return found[-1]


def ask(client: httpx.Client, source: str, sql: str, **more: Any) -> dict[str, Any]:
    reply = client.post("/api/v1/queries", json={"source": source, "sql": sql, **more})
    assert reply.status_code in (200, 202), reply.text
    found: dict[str, Any] = reply.json()
    return found


def value(shop: Shop, sql: str) -> int:
    with psycopg.connect(shop.owner_url, autocommit=True) as owner:
        row = owner.execute(sql.encode()).fetchone()
    assert row is not None
    return int(row[0])


def running(shop: Shop) -> Callable[[], int]:
    return lambda: value(
        shop,
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_reader' AND state = 'active' "
        "AND query LIKE '%orders%'",
    )


def times_asked(shop: Shop, words: str) -> int:
    """How often a query with these words ran in the customer's database, as its own log has it."""
    log = shop.server.data.parent / "postgres.log"
    return log.read_text(errors="replace").count(words)


def test_fifty_equal_requests_are_one_query(
    running_app: RunningApp, source: str, shop: Shop
) -> None:
    """All are answered alike, and the customer's database has one query more to tell of."""
    words = f"total > 17.{time.time_ns()}"
    sql = f"SELECT sum(total) AS s, count(*) AS n FROM orders WHERE {words}"
    starting = threading.Barrier(50)

    with running_app.client() as client:

        def one(_: int) -> dict[str, Any]:
            starting.wait(60)
            return ask(client, source, sql, wait=60)

        with ThreadPoolExecutor(50) as pool:
            views = list(pool.map(one, range(50)))
    assert {view["status"] for view in views} == {"succeeded"}
    assert len({str(view["rows"]) for view in views}) == 1
    assert len({view["result_id"] for view in views}) == 50
    assert sum(not view["from_cache"] for view in views) == 1
    assert times_asked(shop, words) == 1


def test_stop_is_felt_in_the_database(running_app: RunningApp, source: str, shop: Shop) -> None:
    with running_app.client() as client:
        run_id = ask(client, source, SLOW)["run_id"]
        wait_until(running(shop), "the query to run")
        client.post(f"/api/v1/runs/{run_id}/cancel").raise_for_status()
        wait_until(lambda: running(shop)() == 0, "the query to be over in the database", 2)
        assert ended(client, run_id, 5)["status"] == "cancelled"


def test_a_long_query_delays_nobody(running_app: RunningApp, source: str, shop: Shop) -> None:
    """Two workers: one holds a query of a minute, the other answers all that is small."""
    with running_app.client() as client:
        slow = ask(client, source, SLOW)["run_id"]
        wait_until(running(shop), "the long query to run")
        took = []
        for number in range(10):
            started = time.monotonic()
            view = ask(client, source, f"SELECT {number} AS n", wait=20)
            took.append(time.monotonic() - started)
            assert view["rows"] == [[number]], view
        assert max(took) < 5
        assert run_of(client, slow)["status"] == "running"
        client.post(f"/api/v1/runs/{slow}/cancel").raise_for_status()
        assert ended(client, slow)["status"] == "cancelled"


def test_queries_survive_a_killed_worker(running_app: RunningApp, source: str, shop: Shop) -> None:
    """The query of the dead worker is gone from the database; the run is tried once more."""
    with running_app.client() as client:
        run_id = ask(client, source, SLOW, timeout=60)["run_id"]
        wait_until(running(shop), "the query to run")
        running_app.kill(*(name for name in running_app.pids() if name.startswith("worker")))
        wait_until(lambda: running(shop)() == 0, "the query to be over in the database", 2)
        wait_until(running(shop), "the second try", 60)
        assert run_of(client, run_id)["attempts"] == 2
        client.post(f"/api/v1/runs/{run_id}/cancel").raise_for_status()
        assert ended(client, run_id)["status"] == "cancelled"
        view = ask(client, source, "SELECT count(*) AS n FROM orders", wait=60, refresh=True)
        assert view["rows"] == [[1000]], view


def test_queries_survive_a_killed_web_process(
    running_app: RunningApp, source: str, shop: Shop
) -> None:
    """Whoever asked through it finds the result afterwards."""
    with running_app.client() as client:
        run_id = ask(
            client,
            source,
            "SELECT count(*) AS n FROM orders AS a, orders AS b, generate_series(1, 20) AS c",
        )["run_id"]
        before = running_app.pids()
        names = [name for name in before if name.startswith("web")]
        family = [
            child
            for name in names
            for child in psutil.Process(before[name]).children(recursive=True)
        ]
        running_app.kill(*names)
        # What is left of the killed one answers for a moment still, and then nobody does.
        psutil.wait_procs(family, timeout=60)
        running_app.wait_until(
            lambda: all(
                running_app.pids().get(name, before[name]) != before[name] for name in names
            ),
            60,
            "started again",
        )
        assert ended(client, run_id, 60)["rows"] == [[20_000_000]]
        running_app.wait_until(running_app.is_ready, 60, "ready again")
