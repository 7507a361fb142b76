"""Every endpoint that takes an id, tried by everybody who must not get through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from aiser_app.api.app import build_api
from aiser_app.bootstrap.web import Services
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.data_policy import DataPolicy, PolicyKind
from aiser_app.domain.evaluation import Evaluation
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.services.secret_text import hash_token
from tests.fixtures.organizations import PASSWORD, Tenant, add_result, add_run, finish_run, now
from tests.fixtures.query_records import RECORD
from tests.fixtures.web import Person, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.security]

QUESTION = "canary question of the victim"


@dataclass(frozen=True)
class Belongings:
    """What the victim (an analyst) owns."""

    ids: dict[str, str]
    source_name: str


@pytest.fixture(scope="module")
def victim(tenant: Tenant, engine: Engine, results_dir: Path, web_services: Services) -> Belongings:
    actor = tenant.actor(Role.ANALYST)
    run = add_run(engine, actor, tenant.source, QUESTION)
    result = add_result(engine, run, results_dir)
    finish_run(engine, run, result)
    key, _ = web_services.accounts.create_api_key(actor, name="victim's key")
    ids = {
        "run_id": run.run_id,
        "result_id": result.result_id,
        "conversation_id": run.conversation_id,
        "api_key_id": key.api_key_id,
        "user_id": actor.user_id,
        "source_id": tenant.source.source_id,
        "policy_id": new_id(),
        "query_id": new_id(),
        "verified_query_id": new_id(),
        "evaluation_id": new_id(),
        "table": "victims_table",
        "source": tenant.source.source_id,
        "version": "4711002",
    }
    with UnitOfWork(engine) as uow:
        uow.data_policies.add(
            DataPolicy(
                policy_id=ids["policy_id"],
                organization_id=tenant.organization_id,
                source_id=tenant.source.source_id,
                name="victim's policy",
                kind=PolicyKind.ROW,
                table="nothing",
                condition="1 = 1",
                created_at=now(),
            )
        )
        uow.query_records.add(
            replace(
                RECORD,
                query_id=ids["query_id"],
                organization_id=tenant.organization_id,
                user_id=actor.user_id,
                source_id=tenant.source.source_id,
                run_id=run.run_id,
                sql="SELECT 'victim'",
            )
        )
        uow.verified_queries.add(
            VerifiedQuery(
                verified_query_id=ids["verified_query_id"],
                organization_id=tenant.organization_id,
                source_id=tenant.source.source_id,
                name="victim's query",
                questions=("What does the victim know?",),
                sql="SELECT 1",
                status=VerifiedStatus.RETIRED,
                proposed_by=actor.user_id,
                proposed_at=now(),
            )
        )
        uow.evaluations.add(
            Evaluation(
                evaluation_id=ids["evaluation_id"],
                organization_id=tenant.organization_id,
                run_id=run.run_id,
                user_id=actor.user_id,
                started_by="victim",
                created_at=now(),
            )
        )
        uow.commit()
    return Belongings(ids=ids, source_name=tenant.source.name)


@pytest.fixture(scope="module")
def strangers(
    web_services: Services, client: TestClient, stranger_tenant: Tenant
) -> dict[Role, Person]:
    return {role: sign_in(web_services, client, stranger_tenant, role) for role in Role}


def routes_of_api() -> list[tuple[str, str]]:
    """Every (method, path) under /api/v1, from the application itself."""
    document = build_api().openapi()
    return [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, operations in document["paths"].items()
        if path.startswith("/api/v1")
        for method in operations
    ]


ID_ROUTES = [(m, p) for m, p in routes_of_api() if "{" in p]
SHARED_IDS = ("source_id", "{source}", "user_id", "policy_id", "query_id", "evaluation_id")
"""Things of the organization: who may see them goes by role, not by owner."""
OPEN_ROUTES = {
    ("POST", "/auth/login"),
    ("POST", "/auth/logout"),
    ("GET", "/auth/setup"),
    ("POST", "/auth/setup"),
}
URL = "postgresql://a:b@db.example.com/c"
POLICY = {"name": "n", "source": "Orders", "table": "t", "condition": "1 = 1"}
BODIES = {
    ("POST", "/sources"): {"name": "n", "url": URL},
    ("POST", "/sources/test"): {"url": URL},
    ("PATCH", "/sources/{source_id}"): {"name": "stolen"},
    ("POST", "/sources/{source_id}/pause"): {"reason": "stolen"},
    ("PUT", "/sources/{source_id}/cube"): {"url": "http://cube.example.com", "secret": "s"},
    ("POST", "/sources/{source_id}/cube/test"): {},
    ("PUT", "/models/{source}"): {"model": {"source_id": "0" * 32, "cubes": []}},
    ("PUT", "/models/{source}/yaml"): {"yaml": "cubes: []"},
    ("POST", "/models/{source}/check"): {"yaml": "cubes: []"},
    ("POST", "/queries"): {"source": "Orders", "sql": "SELECT 1"},
    ("POST", "/queries/check"): {"source": "Orders", "sql": "SELECT 1"},
    ("POST", "/policies"): POLICY,
    ("PUT", "/policies/{policy_id}"): POLICY,
    ("PUT", "/runs/{run_id}/feedback"): {"thumb": "down", "note": "stolen"},
    ("POST", "/verified-queries"): {"source": "Orders", "questions": ["q"], "sql": "SELECT 1"},
    ("PATCH", "/verified-queries/{verified_query_id}"): {"name": "stolen"},
    ("POST", "/verified-queries/{verified_query_id}/approve"): {"name": "stolen"},
    ("POST", "/evaluations"): {},
    ("PATCH", "/conversations/{conversation_id}"): {"title": "stolen"},
    ("PATCH", "/users/{user_id}"): {"is_active": False},
    ("POST", "/ask"): {"question": "q"},
    ("POST", "/api-keys"): {"name": "k"},
    ("POST", "/users"): {"name": "n", "email": "n@x", "role": "viewer", "password": PASSWORD},
}


def call(person: Person, method: str, path: str, ids: dict[str, str]) -> tuple[int, str]:
    reply = person.request(method, path.format(**ids), json=BODIES.get((method, path)))
    return reply.status_code, reply.text


def assert_nothing_leaked(text: str, victim: Belongings) -> None:
    assert QUESTION not in text
    assert "row 0" not in text
    assert "victim" not in text
    for secret_id in victim.ids.values():
        assert secret_id not in text


def test_there_are_id_routes_to_try() -> None:
    assert len(ID_ROUTES) >= 12


@pytest.mark.parametrize(("method", "path"), ID_ROUTES)
@pytest.mark.parametrize("role", list(Role))
def test_another_organization_finds_nothing(
    strangers: dict[Role, Person], victim: Belongings, role: Role, method: str, path: str
) -> None:
    """404 as for an id that never was; 403 where the role may not do it to anybody."""
    status, text = call(strangers[role], method, path, victim.ids)
    missing = dict.fromkeys(victim.ids, "0" * 32)
    status_of_missing, text_of_missing = call(strangers[role], method, path, missing)
    assert status in (403, 404)
    assert (status, text) == (status_of_missing, text_of_missing)
    assert_nothing_leaked(text, victim)


@pytest.mark.parametrize(
    ("method", "path"),
    [(m, p) for m, p in ID_ROUTES if not any(shared in p for shared in SHARED_IDS)],
)
@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.VIEWER])
def test_colleagues_find_nothing_private(
    people: dict[Role, Person], victim: Belongings, role: Role, method: str, path: str
) -> None:
    """Conversations, runs, results and keys are their user's alone, also for owner and admin."""
    status, text = call(people[role], method, path, victim.ids)
    assert status == 404
    assert_nothing_leaked(text, victim)


@pytest.mark.parametrize(("method", "path"), [r for r in routes_of_api() if r not in OPEN_ROUTES])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "aiser_session=made-up"},
        {"Authorization": "Bearer ais_made-up"},
        {"Authorization": "Basic YWRhOnBhc3N3b3Jk"},
        {"Authorization": ""},
    ],
    ids=["nothing", "forged cookie", "forged key", "basic", "empty"],
)
def test_nobody_gets_in_without_a_session_or_key(
    client: TestClient, victim: Belongings, method: str, path: str, headers: dict[str, str]
) -> None:
    client.cookies.clear()
    reply = client.request(
        method,
        "/api/v1" + path.format(**victim.ids),
        json=BODIES.get((method, path)),
        files={"file": ("a.csv", b"a\n1\n")} if path.startswith("/uploads") else None,
        headers=headers,
    )
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "not_signed_in"
    assert_nothing_leaked(reply.text, victim)


def test_the_victim_still_has_everything(analyst: Person, victim: Belongings) -> None:
    """After all of the above, nothing was changed, deleted, cancelled or revoked."""
    conversation = analyst.get(f"/conversations/{victim.ids['conversation_id']}").json()
    assert conversation["title"] == QUESTION
    assert analyst.get(f"/runs/{victim.ids['run_id']}").json()["status"] == "answered"
    assert analyst.get(f"/results/{victim.ids['result_id']}").status_code == 200
    keys = analyst.get("/api-keys").json()["api_keys"]
    assert victim.ids["api_key_id"] in {key["api_key_id"] for key in keys}
    assert analyst.get("/auth/me").json()["role"] == "analyst"


def test_asking_into_what_belongs_to_others(
    strangers: dict[Role, Person], people: dict[Role, Person], victim: Belongings
) -> None:
    into = {"question": "q", "conversation_id": victim.ids["conversation_id"]}
    of = {"question": "q", "source": victim.ids["source_id"]}
    assert strangers[Role.ANALYST].post("/ask", json=into).status_code == 404
    assert people[Role.OWNER].post("/ask", json=into).status_code == 404
    assert strangers[Role.OWNER].post("/ask", json=of).status_code == 404


ROLE_MATRIX = [
    ("GET", "/users", {Role.OWNER, Role.ADMIN}),
    ("POST", "/users", {Role.OWNER, Role.ADMIN}),
    ("PATCH", "/users/{user_id}", {Role.OWNER, Role.ADMIN}),
    ("POST", "/ask", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/sources", set(Role)),
    ("GET", "/sources/{source_id}", set(Role)),
    ("GET", "/sources/{source_id}/tables", set(Role)),
    ("POST", "/sources", {Role.OWNER, Role.ADMIN}),
    ("POST", "/sources/test", {Role.OWNER, Role.ADMIN}),
    ("POST", "/sources/{source_id}/test", {Role.OWNER, Role.ADMIN}),
    ("POST", "/sources/{source_id}/cube/test", {Role.OWNER, Role.ADMIN}),
    ("PUT", "/sources/{source_id}/cube", {Role.OWNER, Role.ADMIN}),
    ("PATCH", "/sources/{source_id}", {Role.OWNER, Role.ADMIN}),
    ("GET", "/sources/{source_id}/advice", {Role.OWNER, Role.ADMIN}),
    ("GET", "/models/{source}", set(Role)),
    ("GET", "/models/{source}/yaml", set(Role)),
    ("GET", "/models/{source}/versions", set(Role)),
    ("POST", "/models/{source}/check", set(Role)),
    ("PUT", "/models/{source}", {Role.OWNER, Role.ADMIN}),
    ("PUT", "/models/{source}/yaml", {Role.OWNER, Role.ADMIN}),
    ("POST", "/queries", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("POST", "/queries/check", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/queries", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/queries/{query_id}", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/policies", {Role.OWNER, Role.ADMIN}),
    ("POST", "/policies", {Role.OWNER, Role.ADMIN}),
    ("GET", "/verified-queries", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/verified-queries/{verified_query_id}", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("POST", "/verified-queries", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    (
        "POST",
        "/verified-queries/{verified_query_id}/approve",
        {Role.OWNER, Role.ADMIN, Role.ANALYST},
    ),
    ("POST", "/evaluations", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/evaluations/{evaluation_id}", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/feedback", {Role.OWNER, Role.ADMIN, Role.ANALYST}),
    ("GET", "/conversations", set(Role)),
    ("GET", "/api-keys", set(Role)),
]


@pytest.mark.parametrize(("method", "path", "allowed"), ROLE_MATRIX)
@pytest.mark.parametrize("role", list(Role))
def test_roles(
    people: dict[Role, Person],
    victim: Belongings,
    role: Role,
    method: str,
    path: str,
    allowed: set[Role],
) -> None:
    bodies = {
        ("POST", "/users"): {},
        ("PUT", "/sources/{source_id}/cube"): {"url": "ftp://cube", "secret": "s"},
        ("POST", "/sources/{source_id}/cube/test"): {"url": "http://cube"},
        ("PUT", "/models/{source}"): {"model": {"source_id": "0" * 32, "cubes": []}},
        ("PUT", "/models/{source}/yaml"): {"yaml": "cubes: ["},
        ("POST", "/models/{source}/check"): {"yaml": "cubes: ["},
        ("PATCH", "/users/{user_id}"): {"role": "analyst"},
        ("POST", "/ask"): {"question": " "},
        ("POST", "/sources"): {"name": "n", "url": "nonsense"},
        ("POST", "/sources/test"): {"url": "nonsense"},
        ("PATCH", "/sources/{source_id}"): {"options": {"nope": 1}},
        ("POST", "/queries"): {"source": "Orders"},
        ("POST", "/queries/check"): {"source": "Orders", "sql": "SELECT 1"},
        ("POST", "/policies"): {**POLICY, "condition": ""},
        ("POST", "/verified-queries"): {"source": "Orders"},
        ("POST", "/verified-queries/{verified_query_id}/approve"): {"questions": ["?"]},
    }
    person = people[role]
    reply = person.request(method, path.format(**victim.ids), json=bodies.get((method, path)))
    if role in allowed:
        assert reply.status_code in (200, 422)
    elif (method, path) == ("POST", "/users"):
        body = BODIES[(method, path)]
        assert person.request(method, path, json=body).status_code == 403
    else:
        hidden = (method, path) == ("GET", "/queries/{query_id}")
        assert reply.status_code == (404 if hidden else 403)
        assert reply.json()["error"]["code"] == ("not_found" if hidden else "permission_denied")


# Sessions


def test_a_session_chosen_by_somebody_else_is_never_used(
    client: TestClient, tenant: Tenant
) -> None:
    """Fixation: the cookie before sign-in is replaced, and the planted one opens nothing."""
    planted = "A" * 43
    client.cookies.clear()
    login = {"email": tenant.users[Role.VIEWER].email, "password": PASSWORD}
    headers = {"Cookie": f"aiser_session={planted}"}
    reply = client.post("/api/v1/auth/login", json=login, headers=headers)
    client.cookies.clear()
    assert reply.status_code == 200
    assert planted not in reply.headers["set-cookie"]
    assert client.get("/api/v1/auth/me", headers=headers).status_code == 401


def test_signing_in_again_ends_the_session_before(client: TestClient, tenant: Tenant) -> None:
    client.cookies.clear()
    login = {"email": tenant.users[Role.VIEWER].email, "password": PASSWORD}
    first = client.post("/api/v1/auth/login", json=login).cookies["aiser_session"]
    client.cookies.clear()
    before = {"Cookie": f"aiser_session={first}"}
    assert client.get("/api/v1/auth/me", headers=before).status_code == 200
    second = client.post("/api/v1/auth/login", json=login, headers=before)
    client.cookies.clear()
    assert second.cookies["aiser_session"] != first
    assert client.get("/api/v1/auth/me", headers=before).status_code == 401


def test_an_expired_session_is_no_session(
    web_services: Services, client: TestClient, tenant: Tenant, engine: Engine
) -> None:
    person = sign_in(web_services, client, tenant, Role.VIEWER)
    assert person.get("/auth/me").status_code == 200
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE token_hash = %s",
            (hash_token(person.token),),
        )
    web_services.accounts._context.cache.forget(hash_token(person.token))
    reply = person.get("/auth/me")
    assert reply.status_code == 401
    assert reply.json()["error"]["hint"] == "Sign in again."


def test_a_wrong_key_is_not_made_good_by_a_cookie(analyst: Person) -> None:
    reply = analyst.get("/auth/me", headers={"Authorization": "Bearer ais_wrong"})
    assert reply.status_code == 401


def test_the_hash_of_a_token_is_not_a_token(analyst: Person, client: TestClient) -> None:
    """Whoever reads the table cannot sign in with what is in it."""
    client.cookies.clear()
    headers = {"Cookie": f"aiser_session={hash_token(analyst.token)}"}
    assert client.get("/api/v1/auth/me", headers=headers).status_code == 401
