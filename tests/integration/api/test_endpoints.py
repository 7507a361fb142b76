"""The API as a client uses it: what it answers, and in which form."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from aiser_app.api.schemas import RunView
from aiser_app.bootstrap.web import Services
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.run import EventKind
from tests.fixtures.organizations import PASSWORD, Tenant, add_result, add_run, finish_run
from tests.fixtures.web import Person

pytestmark = pytest.mark.integration


def answer_when_asked(services: Services, question: str, results_dir: Path) -> threading.Thread:
    """Plays the worker: waits for a run with that question, then ends it with a result."""

    def work() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with UnitOfWork(services.engine) as uow:
                found = [run for run in uow.runs.list_open() if run.question == question]
            if found:
                result = add_result(services.engine, found[0], results_dir)
                log = RunEventLog(services.redis)
                log.append(found[0].run_id, EventKind.STARTED, {})
                finish_run(services.engine, found[0], result)
                log.append(found[0].run_id, EventKind.ANSWER, {"text": "There are 3."})
                return
            time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


# Sign-in


def test_sign_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use(
    client: TestClient, tenant: Tenant
) -> None:
    user = tenant.users[Role.ANALYST]
    reply = client.post("/api/v1/auth/login", json={"email": user.email, "password": PASSWORD})
    assert reply.status_code == 200
    assert reply.json()["email"] == user.email
    assert reply.json()["organization_name"] == tenant.name
    assert "questions.ask" in reply.json()["permissions"]
    cookie = reply.headers["set-cookie"].lower()
    assert cookie.startswith("aiser_session=")
    for part in ("httponly", "samesite=lax", "path=/"):
        assert part in cookie
    assert "secure" not in cookie
    assert reply.headers["cache-control"] == "no-store"
    me = client.get("/api/v1/auth/me")
    assert me.json() == reply.json()
    assert client.post("/api/v1/auth/logout").status_code == 204
    assert client.get("/api/v1/auth/me").status_code == 401
    client.cookies.clear()


def test_behind_https_the_cookie_is_secure(
    client: TestClient, tenant: Tenant, web_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_services.settings, "secure_cookies", True)
    login = {"email": tenant.users[Role.VIEWER].email, "password": PASSWORD}
    reply = client.post("/api/v1/auth/login", json=login)
    assert "; secure" in reply.headers["set-cookie"].lower()
    client.cookies.clear()


def test_setup_says_whether_it_is_over_and_nothing_else(client: TestClient, tenant: Tenant) -> None:
    assert client.get("/api/v1/auth/setup").json() == {"is_set_up": True}
    body = {
        "token": "AAAA-BBBB-CCCC-DDDD",
        "organization_name": "Evil",
        "name": "Eve",
        "email": "eve@example.com",
        "password": PASSWORD,
    }
    reply = client.post("/api/v1/auth/setup", json=body)
    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "permission_denied"


# Sources


def test_sources(analyst: Person) -> None:
    source = analyst.tenant.source
    (listed,) = analyst.get("/sources").json()["sources"]
    assert listed["source_id"] == source.source_id
    assert "options" not in listed
    for name_or_id in (source.source_id, source.name):
        detail = analyst.get(f"/sources/{name_or_id}").json()
        assert detail["name"] == "Orders"
        assert detail["tables"][0]["measures"] == ["count"]
        assert isinstance(detail["suggested_questions"], list)


# Asking


def test_ask_returns_at_once_with_the_run(analyst: Person, engine: Engine) -> None:
    reply = analyst.post("/ask", json={"question": "How many orders are there?"})
    assert reply.status_code == 202
    run_id = reply.json()["run_id"]
    view = analyst.get(f"/runs/{run_id}").json()
    assert view["status"] == "queued"
    assert view["source"] == "Orders"
    RunView.model_validate(view)
    cancelled = analyst.post(f"/runs/{run_id}/cancel").json()
    assert cancelled["status"] == "cancelled"
    assert analyst.post(f"/runs/{run_id}/cancel").json()["status"] == "cancelled"


def test_ask_with_wait_returns_the_finished_run(
    analyst: Person, web_services: Services, results_dir: Path
) -> None:
    worker = answer_when_asked(web_services, "waited for", results_dir)
    reply = analyst.post("/ask", json={"question": "waited for", "source": "Orders", "wait": 15})
    worker.join()
    assert reply.status_code == 200
    view = reply.json()
    RunView.model_validate(view)
    assert {
        "run_id", "status", "text", "sql", "semantic_query", "source", "route", "columns", "rows",
        "row_count", "truncated", "as_of", "from_cache", "chart", "confidence", "steps",
        "follow_ups", "duration_ms", "usage",
    } <= set(view)  # fmt: skip
    assert view["status"] == "answered"
    assert view["text"] == "There are 3."
    assert view["row_count"] == 3
    assert view["rows"][0] == ["row 0", str(2**60), 0.0]
    assert view["columns"][2] == {
        "name": "amount",
        "type": "number",
        "title": "Amount",
        "unit": "EUR",
    }
    assert view["confidence"]["parts"][0]["name"] == "words"
    assert view["duration_ms"] > 0
    follow_up = analyst.post(
        "/ask", json={"question": "And then?", "conversation_id": view["conversation_id"]}
    ).json()
    conversation = analyst.get(f"/conversations/{view['conversation_id']}").json()
    assert [turn["position"] for turn in conversation["turns"]] == [1, 2]
    assert conversation["title"] == "waited for"
    analyst.post(f"/runs/{follow_up['run_id']}/cancel")


def test_a_wait_that_is_too_short_returns_the_open_run(analyst: Person) -> None:
    begun = time.monotonic()
    reply = analyst.post("/ask", json={"question": "Nobody answers", "wait": 0.3})
    assert reply.status_code == 202
    assert 0.25 < time.monotonic() - begun < 5
    analyst.post(f"/runs/{reply.json()['run_id']}/cancel")


# Events


def parse_events(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block.startswith("id:")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


def test_events_are_replayed_from_any_point(
    analyst: Person, web_services: Services, results_dir: Path
) -> None:
    worker = answer_when_asked(web_services, "followed", results_dir)
    run_id = analyst.post("/ask", json={"question": "followed"}).json()["run_id"]
    live = analyst.get(f"/runs/{run_id}/events")
    worker.join()
    assert live.headers["content-type"].startswith("text/event-stream")
    assert live.headers["cache-control"] == "no-store"
    events = parse_events(live.text)
    assert [(e["id"], e["event"]) for e in events] == [
        ("1", "queued"),
        ("2", "started"),
        ("3", "answer"),
    ]
    later = analyst.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "2"})
    assert [e["id"] for e in parse_events(later.text)] == ["3"]
    assert parse_events(analyst.get(f"/runs/{run_id}/events?after=3").text) == []
    nonsense = analyst.get(f"/runs/{run_id}/events", headers={"Last-Event-ID": "x' OR 1"})
    assert len(parse_events(nonsense.text)) == 3


def test_when_the_events_are_gone_the_ending_is_still_told(
    analyst: Person, web_services: Services, engine: Engine
) -> None:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    finish_run(engine, run)
    (event,) = parse_events(analyst.get(f"/runs/{run.run_id}/events").text)
    assert event["event"] == "answer"
    assert "There are 3." in event["data"]


# Results


@pytest.fixture(scope="module")
def result_id(analyst: Person, engine: Engine, results_dir: Path) -> str:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    result = add_result(engine, run, results_dir, rows=25)
    finish_run(engine, run, result)
    return result.result_id


def page(analyst: Person, result_id: str, **params: Any) -> dict[str, Any]:
    reply = analyst.get(f"/results/{result_id}", params=params)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_results_come_in_pages(analyst: Person, result_id: str) -> None:
    first = page(analyst, result_id, limit=10)
    assert (first["row_count"], first["offset"], len(first["rows"])) == (25, 0, 10)
    assert first["truncated"] is False
    assert first["rows"][0][1] == str(2**60)
    last = page(analyst, result_id, offset=20, limit=10)
    assert [row[0] for row in last["rows"]] == [f"row {n}" for n in range(20, 25)]
    assert page(analyst, result_id, offset=1000)["rows"] == []


def test_results_are_sorted_and_filtered(analyst: Person, result_id: str) -> None:
    found = page(analyst, result_id, sort="-amount", limit=2)
    assert [row[0] for row in found["rows"]] == ["row 24", "row 23"]
    found = page(analyst, result_id, filter=["amount:gte:30", "name:contains:ROW 2"], sort="name")
    assert [row[0] for row in found["rows"]] == [f"row {n}" for n in range(20, 25)]
    assert found["row_count"] == 5


@pytest.mark.parametrize(
    "params",
    [
        {"sort": "no_such_column"},
        {"filter": "name"},
        {"filter": "name:like:x"},
        {"filter": "amount:gt:much"},
        {"filter": ["name:set"] * 21},
        {"filter": "name:equals:" + "x" * 5000},
        {"filter": 'name:equals:[{"a": 1}]'},
        {"limit": 10_001},
        {"limit": -1},
        {"offset": -1},
        {"offset": "1; DROP TABLE users"},
        {"limit": 10**30},
    ],
)
def test_pages_that_make_no_sense_are_refused(
    analyst: Person, result_id: str, params: dict[str, Any]
) -> None:
    reply = analyst.get(f"/results/{result_id}", params=params)
    assert reply.status_code == 422
    assert reply.json()["error"]["code"] == "invalid_input"
    assert reply.json()["error"]["message"]


def test_results_as_arrow(analyst: Person, result_id: str) -> None:
    arrow = {"Accept": "application/vnd.apache.arrow.stream"}
    reply = analyst.get(f"/results/{result_id}?offset=5&limit=3", headers=arrow)
    assert reply.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(io.BytesIO(reply.content)).read_all()
    assert table.column("name").to_pylist() == ["row 5", "row 6", "row 7"]
    assert table.column("big").to_pylist()[0] == 2**60 + 5
    refused = analyst.get(f"/results/{result_id}?sort=nope", headers=arrow)
    assert refused.status_code == 422


def test_results_as_csv(analyst: Person, result_id: str) -> None:
    reply = analyst.get(f"/results/{result_id}.csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in reply.headers["content-disposition"]
    assert reply.headers["x-aiser-row-count"] == "25"
    assert reply.headers["x-aiser-truncated"] == "false"
    lines = reply.text.lstrip("\ufeff").splitlines()
    assert lines[0].split(",")[:2] == ["name", "big"]
    assert len(lines) == 26


def test_rows_that_are_gone(analyst: Person, engine: Engine, results_dir: Path) -> None:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source)
    result = add_result(engine, run, results_dir)
    finish_run(engine, run, result)
    for file in results_dir.rglob(f"{result.result_id}*"):
        file.unlink()
    assert analyst.get(f"/results/{result.result_id}").status_code == 404
    assert analyst.get(f"/results/{result.result_id}.csv").status_code == 404
    view = analyst.get(f"/runs/{run.run_id}").json()
    assert (view["status"], view["rows"], view["row_count"]) == ("answered", [], 3)


# Conversations, keys, people


def test_conversations(analyst: Person, engine: Engine) -> None:
    run = add_run(engine, analyst.tenant.actor(), analyst.tenant.source, "Sales of 100% wool_socks")
    path = f"/conversations/{run.conversation_id}"
    renamed = analyst.request("PATCH", path, json={"title": "  Wool\nsocks 100%_ "})
    assert renamed.json()["title"] == "Wool socks 100%_"
    for search, expected in (("wool", 1), ("100%_", 1), ("0%x", 0), ("%", 1)):
        found = analyst.get("/conversations", params={"search": search}).json()["conversations"]
        assert (run.conversation_id in {c["conversation_id"] for c in found}) == bool(expected)
    assert analyst.request("DELETE", path).status_code == 204
    assert analyst.get(path).status_code == 404
    assert analyst.request("DELETE", path).status_code == 404
    assert (
        analyst.post(
            "/ask", json={"question": "q", "conversation_id": run.conversation_id}
        ).status_code
        == 404
    )
    restored = analyst.post(f"{path}/restore")
    assert restored.json()["title"] == "Wool socks 100%_"
    assert analyst.post(f"{path}/restore").status_code == 200
    assert analyst.get(path).json()["turns"][0]["run_id"] == run.run_id
    assert analyst.request("PATCH", path, json={"title": " "}).status_code == 422


def test_a_key_replaces_the_cookie(analyst: Person, client: TestClient) -> None:
    created = analyst.post("/api-keys", json={"name": "script", "days": 30})
    assert created.status_code == 201
    secret = created.json()["secret"]
    listed = analyst.get("/api-keys")
    assert secret not in listed.text
    assert created.json()["api_key_id"] in {k["api_key_id"] for k in listed.json()["api_keys"]}
    bearer = {"Authorization": f"Bearer {secret}"}
    me = client.get("/api/v1/auth/me", headers=bearer)
    assert me.json()["user_id"] == analyst.tenant.users[Role.ANALYST].user_id
    assert client.get("/api/v1/api-keys", headers=bearer).status_code == 403
    assert analyst.request("DELETE", f"/api-keys/{created.json()['api_key_id']}").status_code == 204
    assert client.get("/api/v1/auth/me", headers=bearer).status_code == 401


def test_people(people: dict[Role, Person]) -> None:
    admin = people[Role.ADMIN]
    email = f"new-{admin.tenant.organization_id}@example.com"
    body = {"name": "New", "email": email, "role": "viewer", "password": PASSWORD}
    created = admin.post("/users", json=body)
    assert created.status_code == 201
    assert "password" not in created.text
    assert admin.post("/users", json=body).status_code == 409
    user_id = created.json()["user_id"]
    changed = admin.request("PATCH", f"/users/{user_id}", json={"role": "analyst"})
    assert (changed.json()["role"], changed.json()["is_active"]) == ("analyst", True)
    assert user_id in {u["user_id"] for u in admin.get("/users").json()["users"]}


# Health and the description of it all


def test_probes(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    checks = {check["name"]: check for check in ready.json()["checks"]}
    assert set(checks) == {"database", "migrations", "redis", "chroma", "worker"}
    assert checks["database"]["ok"]
    assert checks["migrations"]["ok"]
    assert checks["redis"]["ok"]
    assert not checks["chroma"]["ok"]
    assert checks["chroma"]["hint"]


def test_the_description_covers_every_endpoint(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert set(document["paths"]) == {
        "/livez",
        "/readyz",
        "/api/v1/api-keys",
        "/api/v1/api-keys/{api_key_id}",
        "/api/v1/ask",
        "/api/v1/auth/login",
        "/api/v1/auth/logout",
        "/api/v1/auth/me",
        "/api/v1/auth/setup",
        "/api/v1/conversations",
        "/api/v1/conversations/{conversation_id}",
        "/api/v1/conversations/{conversation_id}/restore",
        "/api/v1/results/{result_id}",
        "/api/v1/results/{result_id}.csv",
        "/api/v1/results/{result_id}.json",
        "/api/v1/results/{result_id}.ndjson",
        "/api/v1/results/{result_id}.parquet",
        "/api/v1/results/{result_id}.xlsx",
        "/api/v1/runs/{run_id}",
        "/api/v1/runs/{run_id}/cancel",
        "/api/v1/runs/{run_id}/events",
        "/api/v1/models/{source}",
        "/api/v1/models/{source}/check",
        "/api/v1/models/{source}/versions",
        "/api/v1/models/{source}/versions/{version}/restore",
        "/api/v1/models/{source}/yaml",
        "/api/v1/policies",
        "/api/v1/policies/{policy_id}",
        "/api/v1/queries",
        "/api/v1/queries/check",
        "/api/v1/queries/{query_id}",
        "/api/v1/sources",
        "/api/v1/sources/test",
        "/api/v1/sources/{source_id}",
        "/api/v1/sources/{source_id}/advice",
        "/api/v1/sources/{source_id}/pause",
        "/api/v1/sources/{source_id}/resume",
        "/api/v1/sources/{source_id}/sync",
        "/api/v1/sources/{source_id}/tables",
        "/api/v1/sources/{source_id}/tables/{table}",
        "/api/v1/sources/{source_id}/test",
        "/api/v1/uploads",
        "/api/v1/uploads/preview",
        "/api/v1/users",
        "/api/v1/users/{user_id}",
    }
    schemas = document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/api/"):
                error = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
                assert error == {"$ref": "#/components/schemas/ErrorEnvelope"}
                assert "422" not in operation["responses"]
