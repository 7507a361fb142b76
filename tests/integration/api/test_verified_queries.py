"""Verified queries, feedback and evaluations over REST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from tests.fixtures.organizations import add_result, add_run, add_tenant, finish_run
from tests.fixtures.query_desk import QueryDesk, make_desk
from tests.fixtures.web import Person, sign_in

pytestmark = pytest.mark.integration
COUNT = {"measures": ["orders.count"]}


@pytest.fixture(scope="module")
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


@pytest.fixture(scope="module")
def ada(desk: QueryDesk, client: TestClient) -> Person:
    return sign_in(desk.services, client, desk.tenant, Role.ANALYST)


def create(person: Person, question: str, **body: object) -> dict[str, object]:
    given = {"source": "Orders", "questions": [question], "semantic_query": COUNT, **body}
    reply = person.post("/verified-queries", json=given)
    assert reply.status_code == 201, reply.text
    made: dict[str, object] = reply.json()
    return made


def test_the_life_of_a_verified_query(ada: Person) -> None:
    made = create(ada, "How many orders?")
    address = f"/verified-queries/{made['verified_query_id']}"
    assert (made["status"], made["verified_by_name"], made["verified_at"]) == ("proposed", "", None)
    assert made["semantic_query"]["measures"] == ["orders.count"]
    assert ada.get(address).json() == made
    changed = ada.request("PATCH", address, json={"name": "Orders", "is_onboarding": True}).json()
    assert (changed["name"], changed["is_onboarding"]) == ("Orders", True)
    approved = ada.post(f"{address}/approve").json()
    assert approved["status"] == "verified"
    assert approved["verified_by_name"] == "A analyst"
    again = ada.post(f"{address}/approve", json={"questions": ["How many orders", "Order count?"]})
    assert again.json()["questions"] == ["How many orders", "Order count?"]
    listed = ada.get("/verified-queries?source=Orders&status=verified").json()
    assert [q["name"] for q in listed["verified_queries"]] == ["Orders"]
    assert ada.get("/verified-queries?status=proposed").json() == {"verified_queries": []}
    assert ada.post(f"{address}/retire").json()["status"] == "retired"
    assert ada.request("DELETE", address).status_code == 204
    assert ada.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"questions": ["Q one"]}, 422, "invalid_input"),
        ({"questions": ["Q one"], "sql": "DROP TABLE orders"}, 403, "query_denied"),
        ({"questions": ["Q one"], "semantic_query": {"measures": ["a.b"]}}, 422, "query_invalid"),
        ({"questions": ["Q one"], "sql": "SELECT 1", "status": "verified"}, 422, "invalid_input"),
        ({"questions": ["x" * 1_001], "sql": "SELECT 1"}, 422, "invalid_input"),
        ({"questions": ["Q one"], "sql": "SELECT 1", "source": "Nowhere"}, 404, "not_found"),
    ],
)
def test_what_cannot_be_used(ada: Person, body: dict[str, object], status: int, code: str) -> None:
    reply = ada.post("/verified-queries", json={"source": "Orders", **body})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_two_for_one_question_conflict(ada: Person) -> None:
    first = create(ada, "Orders in total?", approve=True)
    reply = ada.post(
        "/verified-queries",
        json={
            "source": "Orders",
            "questions": ["orders in total"],
            "sql": "SELECT 1 AS n",
            "approve": True,
        },
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "conflict")
    assert "Orders in total" not in reply.headers
    ada.request("DELETE", f"/verified-queries/{first['verified_query_id']}")


def test_thumbs(ada: Person, desk: QueryDesk) -> None:
    run = add_run(desk.services.engine, desk.actor, desk.tenant.source, "How many orders so far?")
    address = f"/runs/{run.run_id}/feedback"
    assert ada.request("PUT", address, json={"thumb": "up"}).status_code == 422
    result = add_result(desk.services.engine, run, desk.services.settings.results_dir)
    finish_run(desk.services.engine, run, result)
    taken = ada.request("PUT", address, json={"thumb": "up"})
    assert taken.status_code == 200
    assert taken.json()["proposed"]["questions"] == ["How many orders so far?"]
    down = {"thumb": "down", "reason": "wrong_numbers", "note": "Returns count too."}
    assert ada.request("PUT", address, json=down).json() == {"thumb": "down", "proposed": None}
    (told,) = ada.get("/feedback").json()["feedback"]
    assert (told["reason"], told["note"]) == ("wrong_numbers", "Returns count too.")
    assert ada.request("PUT", address, json={"thumb": "sideways"}).status_code == 422
    assert ada.request("PUT", "/runs/x/feedback", json={"thumb": "up"}).status_code == 404
    assert ada.get(f"/runs/{run.run_id}").json()["verified"] is None


def test_evaluations(ada: Person, desk: QueryDesk) -> None:
    assert ada.post("/evaluations").status_code == 422
    made = create(ada, "How many orders?", approve=True)
    assert ada.get("/evaluations/trend").json() == {"kind": "line", "option": None}
    for number in range(2):
        started = ada.post("/evaluations", json={"source": "Orders"} if number else None)
        assert started.status_code == 202
        assert started.json()["status"] == "queued"
        desk.execution.execute(started.json()["run_id"])
    ended = ada.get(f"/evaluations/{started.json()['evaluation_id']}").json()
    assert (ended["status"], ended["case_count"], ended["summary"]["accuracy"]) == (
        "succeeded",
        1,
        1.0,
    )
    assert [(case["question"], case["outcome"]) for case in ended["cases"]] == [
        ("How many orders?", "right")
    ]
    listed = ada.get("/evaluations?limit=1").json()["evaluations"]
    assert [item["evaluation_id"] for item in listed] == [ended["evaluation_id"]]
    assert "cases" not in listed[0]
    trend = ada.get("/evaluations/trend").json()["option"]
    assert [line["data"] for line in trend["series"]] == [[100.0, 100.0], [100.0, 100.0]]
    ada.request("DELETE", f"/verified-queries/{made['verified_query_id']}")


def test_strangers_and_viewers_get_nothing(
    ada: Person, desk: QueryDesk, client: TestClient
) -> None:
    made = create(ada, "How many orders in the end?", approve=True)
    address = f"/verified-queries/{made['verified_query_id']}"
    stranger = sign_in(desk.services, client, add_tenant(desk.services.engine), Role.OWNER)
    assert stranger.get("/verified-queries").json() == {"verified_queries": []}
    assert stranger.get("/evaluations").json() == {"evaluations": []}
    for method, path in (
        ("GET", address), ("PATCH", address), ("DELETE", address),
        ("POST", f"{address}/approve"), ("POST", f"{address}/retire"),
    ):  # fmt: skip
        body = {"json": {}} if method in ("PATCH", "POST") else {}
        assert stranger.request(method, path, **body).status_code == 404
    viewer = sign_in(desk.services, client, desk.tenant, Role.VIEWER)
    for path in ("/verified-queries", "/evaluations", "/feedback", "/evaluations/trend"):
        assert viewer.get(path).status_code == 403
    assert viewer.post("/evaluations", json={}).status_code == 403
    ada.request("DELETE", address)
