"""Databases that can be broken, sources on them, and what must hold when they break."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.domain.run import Run, RunStatus
from aiser_app.query.catalog import read_catalog
from aiser_app.services.catalogs import store_catalog
from aiser_app.stack.ports import free_ports
from aiser_app.stack.postgres import Postgres
from tests.fixtures.customer import SHOP
from tests.fixtures.organizations import now
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.fixtures.servers import RunningServer
from tests.fixtures.worker import wait_until

MANY_ROWS = "SELECT a.id AS a, a.total, b.at, md5(concat(a.id, ' ', b.id)) AS m FROM orders AS a, orders AS b"
"""A million rows, which take seconds, and do not become small when they are compressed."""
ENDLESS = (
    "SELECT count(*) AS c FROM orders AS a, orders AS b, orders AS c, orders AS d "
    "WHERE a.id * b.id + c.id * d.id < 0"
)
"""A billion billion of rows are looked at, and none is returned."""


@dataclass
class PrivateServer:
    """A customer's PostgreSQL that a test may stop and start."""

    server: Postgres
    log: Path
    running: list[RunningServer] = field(default_factory=list)

    def start(self) -> None:
        self.running.append(RunningServer(self.server.command(), self.log, self.server.is_ready))

    def stop(self) -> None:
        while self.running:
            self.running.pop().stop(signal.SIGQUIT)

    def run(self, *statements: str, database: str = "shop") -> list[Any]:
        with psycopg.connect(self.server.url(database), autocommit=True) as owner:
            for statement in statements:
                done = owner.execute(statement.encode())
            return done.fetchall() if done.description else []

    @property
    def url(self) -> str:
        address = self.server.url("shop").partition("@")[2]
        return f"postgresql://shop_reader:reads-only@{address}"


@pytest.fixture(scope="module")
def private(server_folder: Path) -> Iterator[PrivateServer]:
    folder = server_folder / f"private-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    folder.chmod(0o711)
    secret = folder / "password"
    secret.write_text("private-password")
    secret.chmod(0o600)
    server = Postgres(
        data=folder / "postgres",
        port=free_ports(1)[0],
        password="private-password",
        password_file=secret,
    )
    made = PrivateServer(server=server, log=folder / "postgres.log")
    made.start()
    made.run("CREATE DATABASE shop", database="postgres")
    made.run(SHOP)
    yield made
    made.stop()


@pytest.fixture
def desk(web_services: Services) -> QueryDesk:
    return make_desk(web_services)


def add_live(services: Services, organization_id: str, name: str, url: str) -> DataSource:
    """A source with its catalog, without a worker."""
    access = services.data.sources
    source = DataSource(
        source_id=new_id(),
        organization_id=organization_id,
        name=name,
        engine=access.read(url).engine,
        sealed_url=access.seal(url),
        settings=SourceSettings(connect_timeout_seconds=2),
    )
    with UnitOfWork(services.engine) as uow:
        uow.data_sources.add(source, now())
        uow.commit()
    catalog = read_catalog(access.engine(source.engine), source)
    with UnitOfWork(services.engine) as uow:
        stored = store_catalog(uow, source, catalog, now())
        uow.commit()
    return stored.source


def stored_files(desk: QueryDesk) -> Mapping[str, int]:
    """Everything in the results of the organization and beside: whole, half-written, spilled."""
    root = desk.services.settings.results_dir
    own = desk.tenant.organization_id
    found = [p for p in root.rglob("*") if p.is_file()]
    return {
        str(p.relative_to(root)): p.stat().st_size
        for p in found
        if own in p.parts or p.name.endswith(".tmp") or p.parts[-2].startswith(".")
    }


@contextmanager
def nothing_kept(desk: QueryDesk) -> Iterator[None]:
    """No file is left, neither of results nor of joins across sources."""
    joins = desk.services.settings.run_dir / "federated"
    before = stored_files(desk)
    yield
    assert stored_files(desk) == before
    assert not list(joins.glob("federated-*")) if joins.exists() else True


@contextmanager
def working(desk: QueryDesk, *runs: Run) -> Iterator[None]:
    """The runs are worked on meanwhile, each by a worker of its own; at the end they have ended."""
    threads = [threading.Thread(target=desk.execution.execute, args=[r.run_id]) for r in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def until_running(desk: QueryDesk, run: Run, in_database: Callable[[], object]) -> None:
    wait_until(
        lambda: desk.services.runs.get(_actor(desk, run), run.run_id).status is RunStatus.RUNNING,
        "the run to begin",
    )
    wait_until(in_database, "the database to work")


def view_of(desk: QueryDesk, run: Run) -> dict[str, Any]:
    return desk.services.runs.view(_actor(desk, run), run.run_id)


def _actor(desk: QueryDesk, run: Run) -> Actor:
    return next(a for a in map(desk.tenant.actor, Role) if a.user_id == run.user_id)


def assert_failed(view: Mapping[str, Any], code: str, *words: str) -> None:
    """Failed with a code, a message that says what happened, and a hint that says what to do."""
    assert (view["status"], view["error"]["code"]) == ("failed", code), view
    error = view["error"]
    assert len(error["message"]) > 15, error
    assert len(error.get("hint") or "") > 5, error
    text = str(error)
    for word in words:
        assert word in text, error
    for secret in ("reads-only", "private-password", "127.0.0.1", "/tmp/", "Traceback", "psycopg"):
        assert secret not in text
    assert view["result_id"] is None
    assert view["rows"] == []


def active(server: PrivateServer, what: str = "orders") -> int:
    """Queries of Aiser that run on the server."""
    found = server.run(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_reader' AND state = 'active' "
        f"AND query LIKE '%{what}%'"
    )
    return int(found[0][0])
