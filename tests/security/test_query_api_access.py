"""Queries, sources and policies of others, and addresses with secrets: nobody gets at them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from aiser_app.api.app import build_api
from aiser_app.bootstrap.web import Services
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.observability.logging import JsonFormatter
from tests.fixtures.customer import Shop
from tests.fixtures.organizations import Tenant
from tests.fixtures.web import Person, sign_in
from tests.security.query_ground import CANARIES, Ground
from tests.security.query_vectors import URLS
from tests.security.query_ways import call_tool, tool_context

pytestmark = [pytest.mark.integration, pytest.mark.security]

SECRET = "CANARY-password-of-a-source"
FILES = ["", ".csv", ".xlsx", ".parquet", ".json", ".ndjson"]
GONE = "f" * 32


@pytest.fixture(scope="module")
def strangers(
    web_services: Services, client: TestClient, stranger_tenant: Tenant
) -> dict[Role, Person]:
    return {role: sign_in(web_services, client, stranger_tenant, role) for role in Role}


@pytest.fixture(scope="module")
def loot(ground: Ground, hunter: Person, hunters: dict[Role, Person]) -> Iterator[dict[str, str]]:
    """Ids of what the victim, an analyst, has, and of what the organization has."""
    view = ground.finished(hunter, "Post", sql="SELECT * FROM flights ORDER BY id")
    source_id = ground.fields["Post"].source.source_id
    policy = {"name": "of the victim", "source": "Post", "table": "airlines", "condition": "1 = 1"}
    made = hunters[Role.ADMIN].post("/policies", json=policy).json()
    waiting = hunter.post("/queries", json={"source": "Post", "sql": "SELECT 1 AS a"}).json()
    queries = hunter.get("/queries", params={"limit": 1}).json()["queries"]
    yield {
        "run_id": view["run_id"],
        "waiting": waiting["run_id"],
        "result_id": view["result_id"],
        "source_id": source_id,
        "policy_id": made["policy_id"],
        "query_id": queries[0]["query_id"],
    }
    gone = hunters[Role.ADMIN].request("DELETE", f"/policies/{made['policy_id']}")
    assert gone.status_code == 204


POLICY = {"name": "x", "source": "{source_id}", "table": "flights", "condition": "1 = 1"}
ATTEMPTS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/queries", {"source": "{source_id}", "sql": "SELECT 1"}),
    ("POST", "/queries", {"source": "Post", "sql": "SELECT * FROM flights"}),
    ("POST", "/queries", {"source": ["{source_id}"], "sql": "SELECT 1"}),
    ("POST", "/queries", {"source": ["Orders", "{source_id}"], "sql": "SELECT 1"}),
    ("POST", "/queries", {"source": "{source_id}", "semantic_query": {"measures": ["a.b"]}}),
    ("POST", "/queries", {"source": "{source_id}", "sql": "SELECT 1", "explain": "actual"}),
    ("POST", "/queries/check", {"source": "{source_id}", "sql": "SELECT * FROM flights"}),
    ("POST", "/ask", {"source": "{source_id}", "question": "How many flights?"}),
    ("GET", "/queries?source={source_id}", None),
    ("GET", "/queries/{query_id}", None),
    ("GET", "/runs/{run_id}", None),
    ("GET", "/runs/{run_id}/events", None),
    ("POST", "/runs/{run_id}/cancel", None),
    ("POST", "/runs/{waiting}/cancel", None),
    *(("GET", f"/results/{{result_id}}{ending}", None) for ending in FILES),
    ("GET", "/results/{result_id}?sort=id&filter=id:gt:0", None),
    ("GET", "/sources/{source_id}", None),
    ("GET", "/sources/{source_id}/tables", None),
    ("GET", "/sources/{source_id}/tables/flights", None),
    ("GET", "/sources/{source_id}/advice", None),
    ("POST", "/sources/{source_id}/test", None),
    ("POST", "/sources/{source_id}/sync", None),
    ("POST", "/sources/{source_id}/pause", {"reason": "mine now"}),
    ("POST", "/sources/{source_id}/resume", None),
    ("PATCH", "/sources/{source_id}", {"name": "mine now"}),
    ("PATCH", "/sources/{source_id}", {"url": "postgresql://me:x@example.com/mine"}),
    ("DELETE", "/sources/{source_id}", None),
    ("GET", "/models/{source_id}", None),
    ("GET", "/models/{source_id}/yaml", None),
    ("GET", "/models/{source_id}/versions", None),
    ("POST", "/models/{source_id}/check", {"yaml": "cubes: []"}),
    ("POST", "/models/{source_id}/versions/1/restore", None),
    ("PUT", "/models/{source_id}/yaml", {"yaml": "cubes: []"}),
    ("DELETE", "/models/{source_id}", None),
    ("GET", "/policies?source={source_id}", None),
    ("POST", "/policies", POLICY),
    ("PUT", "/policies/{policy_id}", POLICY),
    ("PUT", "/policies/{policy_id}", POLICY | {"source": "Orders"}),
    ("DELETE", "/policies/{policy_id}", None),
]
"""(method, path, body) with ids of the victim's; also by the name of a source that exists elsewhere."""


def tried(person: Person, loot: dict[str, str], attempt: tuple[str, str, Any]) -> Any:
    method, path, body = attempt
    sent = json.loads(_filled(json.dumps(body), loot)) if body is not None else None
    return person.request(method, _filled(path, loot), json=sent)


def _filled(text: str, loot: dict[str, str]) -> str:
    for name, value in loot.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda a: f"{a[0]} {a[1]}"[:60])
def test_another_organization_gets_nowhere(
    strangers: dict[Role, Person], loot: dict[str, str], attempt: Any
) -> None:
    """The same answer as for what never was."""
    for person in strangers.values():
        reply = tried(person, loot, attempt)
        assert reply.status_code in (403, 404), reply.text
        missing = tried(person, dict.fromkeys(loot, GONE), attempt)
        assert (reply.status_code, reply.text) == (missing.status_code, missing.text)
        assert not any(canary in reply.text for canary in CANARIES)


PRIVATE = [a for a in ATTEMPTS if "/runs/" in a[1] or "/results/" in a[1]]


@pytest.mark.parametrize("attempt", PRIVATE, ids=lambda a: f"{a[0]} {a[1]}"[:60])
def test_colleagues_do_not_get_at_runs_and_results(
    hunters: dict[Role, Person], loot: dict[str, str], attempt: Any
) -> None:
    for role in (Role.OWNER, Role.ADMIN, Role.VIEWER):
        reply = tried(hunters[role], loot, attempt)
        assert reply.status_code == 404, reply.text
        assert not any(canary in reply.text for canary in CANARIES)


MANAGING = [
    a
    for a in ATTEMPTS
    if a[1].startswith(("/policies", "/sources")) and (a[0] != "GET" or "policies" in a[1])
] + [("POST", "/sources", {"name": "x", "url": "postgresql://a:b@h/d"}),
     ("POST", "/sources/test", {"url": "postgresql://a:b@h/d"}),
     ("GET", "/queries?everybody=true", None)]  # fmt: skip


@pytest.mark.parametrize("attempt", MANAGING, ids=lambda a: f"{a[0]} {a[1]}"[:60])
def test_only_administrators_manage(
    hunters: dict[Role, Person], loot: dict[str, str], attempt: Any
) -> None:
    for role in (Role.ANALYST, Role.VIEWER):
        assert tried(hunters[role], loot, attempt).status_code == 403
    if attempt[1].startswith("/queries"):
        return
    viewer = hunters[Role.VIEWER]
    assert tried(viewer, loot, ATTEMPTS[0]).status_code == 403
    assert tried(viewer, loot, ATTEMPTS[6]).status_code == 403


def test_a_query_of_a_source_that_moved_away_finds_nothing(
    ground: Ground, hunters: dict[Role, Person], loot: dict[str, str]
) -> None:
    """What waits in the queue runs with the rights that hold when it runs."""
    source = ground.desk.add_file("Short lived", "CREATE TABLE t AS SELECT 1 AS a")
    ground.desk.sync(source)
    hunter, admin = hunters[Role.ANALYST], hunters[Role.ADMIN]
    run = hunter.post("/queries", json={"source": "Short lived", "sql": "SELECT a FROM t"}).json()
    assert admin.request("DELETE", f"/sources/{source.source_id}").status_code == 204
    ground.desk.execution.execute(run["run_id"])
    view = hunter.get(f"/runs/{run['run_id']}").json()
    assert (view["status"], view["error"]["code"]) == ("failed", "not_found")


# Addresses


@pytest.mark.parametrize("url", URLS, ids=lambda url: ascii(url)[:60])
def test_addresses_that_reach_too_far_are_refused(
    ground: Ground, hunters: dict[Role, Person], url: str
) -> None:
    """When it is registered, when it is changed, and when it is only tried."""
    admin = hunters[Role.ADMIN]
    source_id = ground.fields["Lite"].source.source_id
    for method, path, body in (
        ("POST", "/sources", {"name": "Too far", "url": url}),
        ("PATCH", f"/sources/{source_id}", {"url": url}),
        ("POST", "/sources/test", {"url": url}),
    ):
        reply = admin.request(method, path, json=body)
        if reply.status_code in (200, 201):
            # Judged after resolution, so nobody connected: the report says at which step.
            _was_stopped_at_the_address(ground, admin, reply, path)
        else:
            assert reply.status_code in (422, 503), reply.text
        assert "root:" not in reply.text
    again = ground.finished(admin, "Lite", sql="SELECT count(*) AS n FROM airlines", refresh=True)
    assert again["rows"] == [[2]], again


def _was_stopped_at_the_address(ground: Ground, admin: Person, reply: Any, path: str) -> None:
    found = reply.json()
    if path == "/sources/test":
        report = found
    else:
        report = admin.post(f"/sources/{found['source_id']}/test").json()
        if path == "/sources":
            admin.request("DELETE", f"/sources/{found['source_id']}")
        else:
            path_of_file = ground.fields["Lite"].source
            with UnitOfWork(ground.services.engine) as uow:
                uow.data_sources.replace(path_of_file)
                uow.commit()
    assert not report["is_ok"], report
    assert [step["step"] for step in report["steps"] if step["is_ok"]] in ([], ["address"]), report


def test_aiser_s_own_stores_are_no_sources(
    ground: Ground, hunters: dict[Role, Person], web_services: Services
) -> None:
    admin = hunters[Role.ADMIN]
    for url in (
        web_services.settings.database_url.replace("postgresql+psycopg", "postgresql"),
        "postgresql"
        + web_services.settings.redis_url.removeprefix("redis").rpartition("/")[0]
        + "/0",
    ):
        report = admin.post("/sources/test", json={"url": url})
        assert report.status_code == 422 or not report.json()["is_ok"], report.text
        own = url.rpartition("@")[0].rpartition(":")[2]
        assert own not in report.text


# Secrets


@pytest.fixture(scope="module")
def logged() -> Iterator[io.StringIO]:
    """Everything that any logger says, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("test"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def secret_url(shop: Shop) -> Iterator[str]:
    with psycopg.connect(shop.owner_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE secret_reader LOGIN PASSWORD '%s'" % SECRET)  # noqa: UP031
        owner.execute("GRANT USAGE ON SCHEMA public TO secret_reader")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO secret_reader")
    yield shop.url.replace("shop_reader:reads-only", f"secret_reader:{SECRET}")
    with psycopg.connect(shop.owner_url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY secret_reader")
        owner.execute("DROP ROLE secret_reader")


def test_the_password_of_a_source_is_nowhere(
    ground: Ground,
    hunters: dict[Role, Person],
    secret_url: str,
    logged: io.StringIO,
    web_services: Services,
) -> None:
    """In answers, errors, events, logs, records, files, Aiser's own database, and what a model sees."""
    admin, hunter = hunters[Role.ADMIN], hunters[Role.ANALYST]
    made = admin.post("/sources", json={"name": "Secret", "url": secret_url})
    assert made.status_code == 201, made.text
    source_id, run_id = made.json()["source_id"], made.json()["run_id"]
    ground.desk.execution.execute(run_id)
    said = [made.text, admin.get(f"/runs/{run_id}").text, admin.get(f"/runs/{run_id}/events").text]
    for wrong in (
        secret_url.replace(SECRET, f"{SECRET}x"),
        secret_url.replace("/shop", f"/{SECRET}"),
        secret_url.replace("127.0.0.1", "nowhere.invalid"),
        secret_url.replace("secret_reader", SECRET),
        f"{secret_url}?{SECRET}={SECRET}",
        f"nosuch://{SECRET}@{SECRET}/{SECRET}",
        f"postgresql://u:{SECRET}@h:{SECRET}/d",
    ):
        said.append(admin.post("/sources/test", json={"url": wrong}).text)
        said.append(admin.post("/sources", json={"name": "Secret", "url": wrong}).text)
    for method, path in (
        ("GET", "/sources"),
        ("GET", f"/sources/{source_id}"),
        ("GET", f"/sources/{source_id}/tables"),
        ("POST", f"/sources/{source_id}/test"),
        ("GET", f"/sources/{source_id}/advice"),
        ("GET", "/queries?everybody=true&limit=1000"),
        ("GET", "/openapi.json"),
    ):
        said.append(admin.request(method, path).text)
    context = tool_context(ground, "Secret")
    outcomes = []
    for sql in (
        "SELECT count(*) AS n FROM orders",
        "SELECT nothing FROM orders",
        "SELECT current_setting('x')",
        "SELECT 1 / 0",
    ):
        said.append(json.dumps(ground.finished(hunter, "Secret", sql=sql)))
        said.append(json.dumps(ground.finished(hunter, "Secret", sql=sql, explain="plan")))
        outcomes.append(call_tool(context, sql=sql))
        said.append(outcomes[-1].text)
    assert outcomes[0].rows == [[1000]]
    admin.request(
        "PATCH", f"/sources/{source_id}", json={"url": secret_url.replace(SECRET, f"{SECRET}y")}
    )
    said.append(json.dumps(ground.finished(hunter, "Secret", sql="SELECT 2 AS a")))
    said.append(repr(context))
    said.append(repr(ground.services.sources.get(ground.desk.actor, "Secret")))
    said.append(logged.getvalue())
    said.append(json.dumps([repr(e) for e in RunEventLog(web_services.redis).read(run_id)]))
    said.append(_everything_kept(web_services))
    assert admin.request("DELETE", f"/sources/{source_id}").status_code == 204
    said.append(logged.getvalue())
    assert [text[:3000] for text in said if SECRET in _without_what_was_sent(text)] == []
    kept = [p for p in _files(web_services) if SECRET.encode() in p.read_bytes()]
    assert kept == []


def _without_what_was_sent(text: str) -> str:
    """A name of a database or a user is no secret, even one that looks like the password."""
    return text.replace(f"“{SECRET}”", "").replace(f"/{SECRET}", "").replace(f"//{SECRET}", "")


def _everything_kept(services: Services) -> str:
    """All rows of all tables of Aiser's own database."""
    url = services.settings.database_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as own:
        names = own.execute(
            "SELECT format('%I', table_name) FROM information_schema.tables "
            "WHERE table_schema = 'public'"
        ).fetchall()
        found = [
            own.execute(f"SELECT t::text FROM {name} AS t".encode()).fetchall() for (name,) in names
        ]
    return str(found)


def _files(services: Services) -> list[Path]:
    return [path for path in services.settings.home.rglob("*") if path.is_file()]


def test_openapi_shows_no_real_address(client: TestClient) -> None:
    text = json.dumps(build_api().openapi())
    for word in ("reads-only", "customer-password", "127.0.0.1", "sealed_url"):
        assert word not in text
