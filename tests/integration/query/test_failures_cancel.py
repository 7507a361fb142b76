"""Stop means that the database stops, seen there, within two seconds; and a run never hangs."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Actor
from aiser_app.domain.run import Run, RunStatus
from aiser_app.services.queries import QueryInput
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.query_desk import QueryDesk
from tests.fixtures.worker import WorkerBench, wait_until
from tests.integration.query.failing import (
    ENDLESS,
    MANY_ROWS,
    PrivateServer,
    active,
    add_live,
    until_running,
    view_of,
    working,
)

pytestmark = pytest.mark.integration
SECONDS = 2.0
SLOW = {
    "Live": ENDLESS,
    "Maria": "SELECT count(*) AS c FROM orders AS a, orders AS b, orders AS c, orders AS d "
    "WHERE a.id * b.id + c.id * d.id < 0",
}


@dataclass(frozen=True)
class Databases:
    """Two databases of customers, and how many queries of Aiser run there."""

    running: dict[str, Callable[[], int]]
    urls: dict[str, str]

    def add_to(self, services: Services, organization_id: str) -> None:
        for name, url in self.urls.items():
            add_live(services, organization_id, name, url)


@pytest.fixture(scope="module")
def databases(private: PrivateServer, mariadb_server: MariaDB) -> Iterator[Databases]:
    name = f"cancel_{uuid.uuid4().hex[:8]}"
    mariadb_server.run(f"CREATE DATABASE {name}")
    mariadb_server.run(
        "CREATE TABLE orders AS SELECT seq AS id, seq * 1.25 AS total FROM seq_1_to_1000",
        f"CREATE USER r_{name} IDENTIFIED BY 'reads-only'",
        f"GRANT SELECT ON {name}.* TO r_{name}",
        database=name,
    )

    def in_mariadb() -> int:
        found = mariadb_server.run(
            "SELECT count(*) FROM information_schema.PROCESSLIST "
            f"WHERE USER = 'r_{name}' AND COMMAND = 'Query' AND INFO LIKE '%orders%'"
        )
        return int(found[0][0])

    yield Databases(
        running={"Live": lambda: active(private), "Maria": in_mariadb},
        urls={"Live": private.url, "Maria": mariadb_server.url(name, f"r_{name}", "reads-only")},
    )
    mariadb_server.run(f"DROP USER r_{name}", f"DROP DATABASE {name}")


@pytest.fixture
def both(desk: QueryDesk, databases: Databases) -> Iterator[QueryDesk]:
    databases.add_to(desk.services, desk.tenant.organization_id)
    yield desk
    desk.services.data.close()


def gone_in_time(running: Callable[[], int], what: str) -> None:
    wait_until(lambda: running() == 0, f"{what} to be over in the database", SECONDS)


@pytest.mark.parametrize("source", ["Live", "Maria"])
def test_stop_from_outside(both: QueryDesk, databases: Databases, source: str) -> None:
    run = both.submit(SLOW[source], sources=[source])
    running = databases.running[source]
    with working(both, run):
        until_running(both, run, running)
        both.services.runs.cancel(both.actor, run.run_id)
        gone_in_time(running, "the query")
    assert view_of(both, run)["status"] == "cancelled"
    assert both.services.query_history.list(both.actor)[0].status == "cancelled"
    assert both.run("SELECT count(*) AS n FROM orders", sources=[source])["rows"] == [[1000]]


@pytest.mark.parametrize("source", ["Live", "Maria"])
def test_stop_while_rows_arrive(both: QueryDesk, databases: Databases, source: str) -> None:
    sql = MANY_ROWS if source == "Live" else MANY_ROWS.replace("b.at", "b.total AS t2")
    run = both.submit(sql, sources=[source], limit=1_000_000)
    with working(both, run):
        until_running(both, run, databases.running[source])
        both.services.runs.cancel(both.actor, run.run_id)
        gone_in_time(databases.running[source], "the query")
    assert view_of(both, run)["status"] == "cancelled"


@pytest.mark.parametrize("source", ["Live", "Maria"])
def test_the_time_limit_of_a_query(both: QueryDesk, databases: Databases, source: str) -> None:
    run = both.submit(SLOW[source], sources=[source], timeout_seconds=1.0)
    with working(both, run):
        until_running(both, run, databases.running[source])
    gone_in_time(databases.running[source], "the query")
    view = view_of(both, run)
    assert (view["status"], view["error"]["code"]) == ("failed", "query_timed_out")


@pytest.mark.parametrize("source", ["Live", "Maria"])
def test_the_deadline_of_a_run(both: QueryDesk, databases: Databases, source: str) -> None:
    """Waiting for a worker used its time up: it ends with the run's own deadline."""
    run = both.submit(SLOW[source], sources=[source])
    _let_end_in(both.services, run, 2)
    with working(both, run):
        until_running(both, run, databases.running[source])
    gone_in_time(databases.running[source], "the query")
    view = view_of(both, run)
    assert (view["status"], view["error"]["code"]) == ("failed", "deadline_exceeded")


def _let_end_in(services: Services, run: Run, seconds: float) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    with services.engine.begin() as connection:
        connection.execute(
            text("UPDATE runs SET deadline_at = :at WHERE run_id = :run_id"),
            {"at": deadline, "run_id": run.run_id},
        )


def test_stop_of_a_join_across_sources(
    both: QueryDesk, databases: Databases, private: PrivateServer
) -> None:
    private.run("CREATE VIEW slow_orders AS SELECT o.* FROM orders AS o, pg_sleep(30)")
    private.run("GRANT SELECT ON slow_orders TO shop_reader")
    try:
        both.sync(both.services.sources.get(both.actor, "Live"))
        sql = (
            "SELECT count(*) AS n FROM Live.slow_orders AS a JOIN Maria.orders AS b ON a.id = b.id"
        )
        run = both.submit(sql, sources=["Live", "Maria"])
        with working(both, run):
            until_running(both, run, databases.running["Live"])
            both.services.runs.cancel(both.actor, run.run_id)
            gone_in_time(databases.running["Live"], "the part of the join")
        assert view_of(both, run)["status"] == "cancelled"
    finally:
        private.run("DROP VIEW slow_orders")


@pytest.fixture
def workers(bench: WorkerBench, databases: Databases) -> WorkerBench:
    databases.add_to(bench.services, bench.actor.organization_id)
    return bench


def ask(bench: WorkerBench, source: str, sql: str, actor: Actor | None = None, **given: Any) -> Run:
    asked = QueryInput(sources=[source], sql=sql, **given)
    return bench.services.queries.submit(actor or bench.actor, asked).run


def test_a_worker_that_is_killed_takes_its_query_along(
    workers: WorkerBench, databases: Databases
) -> None:
    """PostgreSQL notices that nobody is there any more; another worker tries once again."""
    first = workers.start()
    workers.start("scheduler")
    run = ask(workers, "Live", SLOW["Live"], timeout_seconds=60)
    running = databases.running["Live"]
    wait_until(running, "the query to run")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    gone_in_time(running, "the query of a dead worker")
    second = workers.start()
    wait_until(running, "the second try", 30)
    assert workers.run(run.run_id).attempts == 2
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    gone_in_time(running, "the second query")
    ended = workers.finished(run.run_id)
    assert ended.status is RunStatus.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "worker_lost"


def test_mariadb_is_told_that_a_worker_was_killed(
    workers: WorkerBench, databases: Databases
) -> None:
    """It would not notice by itself: a process that outlives the worker ends what is left."""
    worker = workers.start()
    run = ask(workers, "Maria", SLOW["Maria"], timeout_seconds=60)
    running = databases.running["Maria"]
    wait_until(running, "the query to run")
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    gone_in_time(running, "the query of a dead worker")
    assert workers.run(run.run_id).status is RunStatus.RUNNING  # until the reaper hands it on


def test_a_worker_that_is_told_to_stop_hands_its_query_on(
    workers: WorkerBench, databases: Databases
) -> None:
    for source in ("Live", "Maria"):
        worker = workers.start()
        run = ask(workers, source, SLOW[source], timeout_seconds=60)
        wait_until(databases.running[source], "the query to run")
        started = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - started < 15
        gone_in_time(databases.running[source], "the query")
        assert workers.run(run.run_id).status is RunStatus.QUEUED
        assert workers.services.runs.cancel(workers.actor, run.run_id).status is RunStatus.CANCELLED


def test_a_long_query_keeps_nobody_waiting(workers: WorkerBench, databases: Databases) -> None:
    """Two workers: one is busy for a minute, the other answers at once."""
    workers.start()
    workers.start()
    slow = ask(workers, "Live", SLOW["Live"], timeout_seconds=60)
    wait_until(databases.running["Live"], "the long query to run")
    for number in range(5):
        quick = ask(workers, "Live", f"SELECT {number} AS n")
        done = workers.finished(quick.run_id, 5)
        assert done.status is RunStatus.SUCCEEDED
    assert workers.run(slow.run_id).status is RunStatus.RUNNING
    workers.services.runs.cancel(workers.actor, slow.run_id)
    gone_in_time(databases.running["Live"], "the long query")
    assert workers.finished(slow.run_id).status is RunStatus.CANCELLED
