"""Readiness looks at the real things, and only all of them together are ready."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiser_app.bootstrap.web import Services
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.db.engine import open_engine
from aiser_app.services.health import Health, Readiness

pytestmark = pytest.mark.integration


@pytest.fixture
def workers(web_services: Services) -> Iterator[WorkerRegistry]:
    registry = WorkerRegistry(web_services.redis)
    for worker in registry.live():
        registry.forget(worker["name"])
    yield registry
    registry.forget("test-health")


def health_of(services: Services, workers: WorkerRegistry, chroma_url: str) -> Health:
    return Health(services.engine, redis=services.redis, workers=workers, chroma_url=chroma_url)


def failed(readiness: Readiness) -> set[str]:
    return {check.name for check in readiness.checks if not check.ok}


def test_all_is_well(web_services: Services, workers: WorkerRegistry, chroma_url: str) -> None:
    health = health_of(web_services, workers, chroma_url)
    assert failed(health.readiness()) == {"worker"}
    workers.beat("test-health", {"pid": 1})
    readiness = health.readiness()
    assert readiness.ok, readiness
    assert {check.name: check.detail for check in readiness.checks} == {
        "database": "answers",
        "migrations": "at head",
        "redis": "answers",
        "chroma": "answers",
        "worker": "1 alive",
    }


def test_a_server_that_is_no_chroma(web_services: Services, workers: WorkerRegistry) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()

        @override
        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        health = health_of(web_services, workers, f"http://127.0.0.1:{server.server_port}/")
        assert "chroma" in failed(health.readiness())
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("url", ["", "no url", "http://[", "http://127.0.0.1:99999"])
def test_an_address_of_chroma_that_is_none(
    web_services: Services, workers: WorkerRegistry, url: str
) -> None:
    readiness = health_of(web_services, workers, url).readiness()
    assert "chroma" in failed(readiness)


def test_tables_of_another_version(
    web_services: Services, workers: WorkerRegistry, fresh_database_url: str
) -> None:
    engine = open_engine(fresh_database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0000')"))
    health = Health(engine, redis=web_services.redis, workers=workers, chroma_url="")
    (check,) = [c for c in health.readiness().checks if c.name == "migrations"]
    assert not check.ok
    assert "migrate" in check.hint
    engine.dispose()


def test_a_store_that_hangs_is_not_waited_for(
    web_services: Services, workers: WorkerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    health = health_of(web_services, workers, "")

    def hang() -> str:
        released.wait(20)
        return "late"

    monkeypatch.setattr(health, "_database", hang)
    monkeypatch.setattr("aiser_app.services.health.ALL_SECONDS", 0.3)
    (check,) = [c for c in health.readiness().checks if c.name == "database"]
    released.set()
    assert not check.ok
    assert check.detail.startswith("No answer within")


def test_a_check_that_breaks_is_a_check_that_fails(
    web_services: Services, workers: WorkerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = health_of(web_services, workers, "")

    def breaks() -> str:
        raise KeyError("secret detail")

    monkeypatch.setattr(health, "_worker", breaks)
    readiness = health.readiness()
    assert "worker" in failed(readiness)
    assert "secret" not in str(readiness)
