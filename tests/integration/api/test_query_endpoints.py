"""Queries, sources and policies over REST: the shapes that clients rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from tests.fixtures.customer import Shop
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.fixtures.web import Person, sign_in

pytestmark = pytest.mark.integration
GONE = "f" * 32


@pytest.fixture(scope="module")
def desk(web_services: Services) -> QueryDesk:
    return make_desk(web_services)


@pytest.fixture(scope="module")
def analyst(web_services: Services, client: TestClient, desk: QueryDesk) -> Person:
    return sign_in(web_services, client, desk.tenant, Role.ANALYST)


@pytest.fixture(scope="module")
def admin(web_services: Services, client: TestClient, desk: QueryDesk) -> Person:
    return sign_in(web_services, client, desk.tenant, Role.ADMIN)


@pytest.fixture
def live(admin: Person, shop: Shop, desk: QueryDesk) -> Iterator[dict[str, Any]]:
    """The customer's database as a source, synced."""
    made = admin.post("/sources", json={"name": "Shop", "url": shop.url}).json()
    desk.execution.execute(made["run_id"])
    yield made
    assert admin.request("DELETE", f"/sources/{made['source_id']}").status_code == 204


def finished(person: Person, desk: QueryDesk, **body: Any) -> dict[str, Any]:
    """A query's run, worked on here."""
    reply = person.post("/queries", json={"source": "Orders", **body})
    if reply.status_code == 200:
        return reply.json()
    assert reply.status_code == 202, reply.text
    desk.execution.execute(reply.json()["run_id"])
    return person.get(f"/runs/{reply.json()['run_id']}").json()


def test_a_query_is_queued_then_finished(analyst: Person, desk: QueryDesk) -> None:
    reply = analyst.post("/queries", json={"source": "Orders", "sql": "SELECT id FROM orders"})
    assert reply.status_code == 202
    assert reply.json()["status"] == "queued"
    run_id = reply.json()["run_id"]
    before = analyst.get(f"/runs/{run_id}").json()
    assert (before["status"], before["kind"], before["rows"]) == ("queued", "query", [])
    desk.execution.execute(run_id)
    view = analyst.get(f"/runs/{run_id}").json()
    assert (view["status"], view["row_count"], view["source"]) == ("succeeded", 3, "Orders")
    again = analyst.post("/queries", json={"source": "Orders", "sql": "SELECT id FROM orders"})
    assert again.status_code == 200
    assert again.json()["from_cache"]
    page = analyst.get(f"/results/{view['result_id']}", params={"limit": 1}).json()
    assert page["row_count"] == 3


def test_a_query_that_is_waited_for(
    analyst: Person, desk: QueryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is at it at once."""

    def work(_queue: object, run: Any, _seconds: float) -> None:
        desk.execution.execute(run.run_id)

    body = {"source": "Orders", "sql": "SELECT min(id) AS m FROM orders", "refresh": True}
    early = analyst.post("/queries", json={**body, "wait": 0.05})
    assert (early.status_code, early.json()["status"]) == (202, "queued")
    desk.execution.execute(early.json()["run_id"])
    monkeypatch.setattr("aiser_app.services.queries.enqueue_run", work)
    reply = analyst.post("/queries", json={**body, "wait": 30})
    assert reply.status_code == 200
    assert (reply.json()["status"], reply.json()["rows"]) == ("succeeded", [[1]])
    again = analyst.get(f"/runs/{reply.json()['run_id']}").json()
    assert {**again, "age_seconds": 0} == {**reply.json(), "age_seconds": 0}


def test_events_of_a_query_end_with_its_end(analyst: Person, desk: QueryDesk) -> None:
    view = finished(analyst, desk, sql="SELECT max(id) AS m FROM orders")
    events = analyst.get(f"/runs/{view['run_id']}/events").text
    kinds = [line[7:] for line in events.splitlines() if line.startswith("event: ")]
    assert kinds == ["queued", "started", "succeeded"]
    assert view["result_id"] in events


def test_a_refused_query_says_where_and_why(analyst: Person, desk: QueryDesk) -> None:
    view = finished(analyst, desk, sql="DELETE FROM orders")
    assert (view["status"], view["error"]["code"]) == ("failed", "query_denied")
    checked = analyst.post("/queries/check", json={"source": "Orders", "sql": "SELECT 1 FROM"})
    assert checked.json()["is_allowed"] is False
    assert checked.json()["error"]["line"] == 1
    good = analyst.post("/queries/check", json={"source": ["Orders"], "sql": "SELECT 1 AS a"})
    assert good.json()["is_allowed"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"sql": "SELECT 1"},
        {"source": "Orders"},
        {"source": "Orders", "sql": "SELECT 1", "limit": "5"},
        {"source": "Orders", "sql": "SELECT 1", "nope": 1},
        {"source": [], "sql": "SELECT 1"},
        {"source": "Orders", "sql": 5},
        {"source": "Orders", "sql": "SELECT 1", "parameters": [1]},
        {"source": "Orders", "semantic_query": {"measures": "x"}},
        {"source": "Orders", "sql": "SELECT 1", "wait": 1_000},
    ],
)
def test_a_malformed_query_is_refused(analyst: Person, body: dict[str, Any]) -> None:
    reply = analyst.post("/queries", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["code"]


def test_a_semantic_query_and_a_plan(analyst: Person, desk: QueryDesk) -> None:
    view = finished(analyst, desk, semantic_query={"measures": ["orders.count"]})
    assert view["rows"] == [[3]], view.get("error")
    plan = finished(analyst, desk, sql="SELECT id FROM orders", explain="plan")
    assert "orders" in plan["plan"]["text"]


def test_the_history_is_ones_own_but_for_those_who_watch(
    analyst: Person, admin: Person, desk: QueryDesk
) -> None:
    finished(analyst, desk, sql="SELECT min(id) AS history FROM orders")
    mine = analyst.get("/queries", params={"source": "Orders", "limit": 1}).json()["queries"]
    assert "history" in mine[0]["sql"]
    assert analyst.get(f"/queries/{mine[0]['query_id']}").json()["query_id"] == mine[0]["query_id"]
    assert analyst.get("/queries", params={"everybody": True}).status_code == 403
    everybody = admin.get("/queries", params={"everybody": True}).json()["queries"]
    assert mine[0]["query_id"] in [query["query_id"] for query in everybody]
    assert admin.get(f"/queries/{GONE}").status_code == 404


def test_a_source_is_added_synced_asked_and_removed(
    live: dict[str, Any], admin: Person, analyst: Person, desk: QueryDesk
) -> None:
    source_id = live["source_id"]
    run = admin.get(f"/runs/{live['run_id']}").json()
    assert (run["kind"], run["status"]) == ("sync", "succeeded"), run
    assert run["outcome"]["tables"] == 3
    detail = admin.get(f"/sources/{source_id}").json()
    assert (detail["engine"], detail["status"], detail["table_count"]) == ("postgres", "ready", 3)
    assert "reads-only" not in str(detail)
    assert "shop_reader" in detail["url"]
    assert analyst.get(f"/sources/{source_id}").json()["url"] == ""
    tables = analyst.get(f"/sources/{source_id}/tables", params={"search": "order"}).json()
    assert [table["name"] for table in tables["tables"]] == ["big_orders", "orders"]
    assert tables["count"] == 2
    orders = analyst.get(f"/sources/{source_id}/tables/orders").json()
    assert orders["primary_key"] == ["id"]
    assert orders["foreign_keys"][0]["table"] == "customers"
    view = finished(
        analyst,
        desk,
        source="Shop",
        sql="SELECT c.region, sum(o.total) AS total FROM orders AS o "
        "JOIN customers AS c ON c.id = o.customer_id GROUP BY 1 ORDER BY 1",
    )
    assert view["rows"] == [["EU", "312500.00"], ["US", "313125.00"]]
    assert (view["route"], view["engine"]) == ("direct", "postgres")
    advice = admin.get(f"/sources/{source_id}/advice").json()
    assert advice["queries_seen"] == 1
    assert analyst.get(f"/sources/{source_id}/advice").status_code == 403
    assert analyst.get(f"/sources/{source_id}/tables/nope").status_code == 404


def test_sources_are_joined_across_engines(
    live: dict[str, Any], analyst: Person, desk: QueryDesk
) -> None:
    view = finished(
        analyst,
        desk,
        source=["Shop", "Orders"],
        sql='SELECT o.status, c.name FROM "Orders".orders AS o '
        "JOIN shop.customers AS c ON c.id = o.id ORDER BY o.id",
    )
    assert view["rows"] == [["paid", "Customer 1"], ["open", "Customer 2"], ["paid", "Customer 3"]]
    assert view["route"] == "duckdb"
    assert "Shop" in view["why"]


def test_connections_are_tested_before_and_after(
    live: dict[str, Any], admin: Person, analyst: Person, shop: Shop
) -> None:
    good = admin.post(f"/sources/{live['source_id']}/test").json()
    assert good["is_ok"] is True
    assert [step["step"] for step in good["steps"]][-1] == "rights"
    wrong = admin.post("/sources/test", json={"url": shop.url.replace("reads-only", "canary")})
    assert wrong.status_code == 200
    assert wrong.json()["is_ok"] is False
    assert "canary" not in wrong.text
    assert analyst.post("/sources/test", json={"url": shop.url}).status_code == 403
    owner = admin.post("/sources/test", json={"url": shop.owner_url}).json()
    assert any("superuser" in warning for warning in owner["warnings"])


def test_a_source_is_changed_paused_and_resumed(
    live: dict[str, Any], admin: Person, analyst: Person, desk: QueryDesk
) -> None:
    path = f"/sources/{live['source_id']}"
    changed = admin.request("PATCH", path, json={"description": "All orders"})
    assert changed.json()["description"] == "All orders"
    assert admin.request("PATCH", path, json={"options": {"nope": 1}}).status_code == 422
    assert admin.request("PATCH", path, json={"name": "Orders"}).status_code == 409
    paused = admin.post(f"{path}/pause", json={"reason": "night run"}).json()
    assert (paused["status"], paused["status_reason"]) == ("paused", "night run")
    view = finished(analyst, desk, source="Shop", sql="SELECT 1 AS a")
    assert view["error"]["code"] == "source_paused"
    assert admin.post(f"{path}/resume").json()["status"] == "ready"
    sync = admin.post(f"{path}/sync")
    assert sync.status_code == 202
    assert admin.post(f"{path}/sync").status_code == 409
    desk.execution.execute(sync.json()["run_id"])
    assert analyst.post(f"{path}/sync").status_code == 403


def test_policies_over_rest(admin: Person, analyst: Person, desk: QueryDesk) -> None:
    body = {"name": "eu", "source": "Orders", "table": "orders", "condition": "region = 'EU'"}
    made = admin.post("/policies", json=body)
    assert made.status_code == 201
    policy_id = made.json()["policy_id"]
    assert finished(analyst, desk, sql="SELECT count(*) AS n FROM orders")["rows"] == [[2]]
    assert len(admin.get("/policies", params={"source": "Orders"}).json()["policies"]) == 1
    changed = admin.request("PUT", f"/policies/{policy_id}", json={**body, "condition": "id = 3"})
    assert changed.json()["condition"] == "id = 3"
    assert finished(analyst, desk, sql="SELECT count(*) AS n FROM orders")["rows"] == [[1]]
    assert analyst.get("/policies").status_code == 403
    assert admin.request("DELETE", f"/policies/{policy_id}").status_code == 204
    assert admin.request("DELETE", f"/policies/{policy_id}").status_code == 404
    assert admin.post("/policies", json={**body, "condition": "nope = 1"}).status_code == 422
