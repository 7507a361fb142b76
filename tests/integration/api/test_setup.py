"""From an empty database to the first answerable source, over the API alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from aiser_app.api.app import build_api
from aiser_app.bootstrap.web import Services, build_services
from aiser_app.db.migrations import upgrade_to_head
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.errors import ServiceUnavailable
from tests.fixtures.organizations import PASSWORD, now
from tests.fixtures.web import Person

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh(
    fresh_database_url: str, web_services: Services, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    upgrade_to_head(fresh_database_url)
    settings = web_services.settings.model_copy(update={"database_url": fresh_database_url})
    services = build_services(settings)
    monkeypatch.setattr("aiser_app.api.dependencies.services", lambda: services)
    yield services
    services.close()


def test_setup_over_the_api(fresh: Services) -> None:
    client = TestClient(build_api(), raise_server_exceptions=False)
    assert client.get("/api/v1/auth/setup").json() == {"is_set_up": False}
    body = {
        "token": "AAAA-AAAA-AAAA-AAAA",
        "organization_name": "Analytical Engines",
        "name": "Ada",
        "email": "ada@example.com",
        "password": PASSWORD,
    }
    assert client.post("/api/v1/auth/setup", json=body).status_code == 403
    token = fresh.accounts.issue_setup_token()
    assert client.post("/api/v1/auth/setup", json={**body, "token": None}).status_code == 422
    created = client.post("/api/v1/auth/setup", json={**body, "token": token})
    assert created.status_code == 201
    assert created.json()["role"] == "owner"
    assert "httponly" in created.headers["set-cookie"].lower()
    assert client.get("/api/v1/auth/me").json() == created.json()
    (source,) = client.get("/api/v1/sources").json()["sources"]
    assert source["status"] == "ready"
    detail = client.get(f"/api/v1/sources/{source['name']}").json()
    assert len(detail["tables"]) == 5
    assert detail["suggested_questions"]
    assert client.post("/api/v1/auth/setup", json={**body, "token": token}).status_code == 403


def test_a_source_before_its_first_sync(analyst: Person, web_services: Services) -> None:
    source = replace(analyst.tenant.source, source_id="d" * 31 + "0", name="Not synced")
    with UnitOfWork(web_services.engine) as uow:
        uow.data_sources.add(source, now())
        uow.commit()
    detail = analyst.get("/sources/Not synced").json()
    assert (detail["tables"], detail["suggested_questions"]) == ([], [])


def test_where_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Services:
        raise ServiceUnavailable("Aiser is not running here.", hint="Start it with `make run`.")

    monkeypatch.setattr("aiser_app.api.dependencies.services", nothing)
    client = TestClient(build_api(), raise_server_exceptions=False)
    reply = client.get("/api/v1/auth/me")
    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "service_unavailable"
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"][0]["detail"] == "Aiser is not running here."
    assert client.get("/livez").status_code == 200
