"""Requests that nobody means well with: wrong types, garbage, other sites, too much of everything."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Role
from aiser_app.observability.logging import JsonFormatter
from tests.fixtures.organizations import PASSWORD, Tenant
from tests.fixtures.web import Person, sign_in

pytestmark = [pytest.mark.integration, pytest.mark.security]

CANARY = "canary-Passw0rd-7f3a9"
JSON = {"Content-Type": "application/json"}


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


def assert_is_error(reply: Any, *statuses: int) -> None:
    assert reply.status_code in statuses, reply.text[:500]
    assert set(reply.json()) == {"error"}
    assert (
        {"code", "message"} <= set(reply.json()["error"]) <= {"code", "message", "hint", "run_id"}
    )
    assert "Traceback" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"


# Types and garbage


WRONG = [None, 1, 1.5, True, [], {}, ["x"], {"$gt": ""}, [[["x"]]], 10**400]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("field", ["email", "password"])
def test_login_with_wrong_types(client: TestClient, field: str, value: Any) -> None:
    body = {"email": "a@example.com", "password": CANARY, field: value}
    text = json.dumps(body)
    assert_is_error(client.post("/api/v1/auth/login", content=text, headers=JSON), 422)


@pytest.mark.parametrize("value", [v for v in WRONG if v is not None], ids=repr)
@pytest.mark.parametrize("field", ["question", "source", "conversation_id"])
def test_ask_with_wrong_types(analyst: Person, field: str, value: Any) -> None:
    body = {"question": "How many?", field: value}
    reply = analyst.post("/ask", content=json.dumps(body), headers=JSON)
    assert_is_error(reply, 422)
    assert field in reply.json()["error"]["message"]


@pytest.mark.parametrize("wait", [-1, 121, "soon", None, 1e400, float("nan")])
def test_ask_with_a_wait_that_makes_no_sense(analyst: Person, wait: Any) -> None:
    body = json.dumps({"question": "How many?", "wait": wait})
    assert_is_error(analyst.post("/ask", content=body, headers=JSON), 422)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00garbage",
        b"\x00" * 100,
        b'{"question": "\xc3\x28"}',
        b'{"question": "\\ud800"}',
        b'{"question": "a", "question": {"b": 1}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_bodies_that_are_no_question(analyst: Person, content: bytes) -> None:
    assert_is_error(analyst.post("/ask", content=content, headers=JSON), 400, 422)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200b", "empty"),
        ("x" * 4_001, "4,000"),
        ("x" * 100_000, "4,000"),
        ("how many \x00 flights", "not text"),
        ("\x1b[2J", "not text"),
        ("a\x07b", "not text"),
        ("\ufffe", "empty"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_questions_that_are_none(analyst: Person, question: str, message: str) -> None:
    reply = analyst.post("/ask", json={"question": question})
    assert_is_error(reply, 422)
    assert message in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "source", ["nowhere", "", "'; DROP TABLE users; --", "\x00", "x" * 300, "%"]
)
def test_unknown_sources(analyst: Person, source: str) -> None:
    reply = analyst.post("/ask", json={"question": "How many?", "source": source})
    assert_is_error(reply, 404)
    if source:
        assert source not in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "'",
        "0" * 31,
        "A" * 32,
        "%ff%fe",
        "🙂",
        "0" * 5000,
        "-1",
    ],
)
@pytest.mark.parametrize("noun", ["runs", "results", "conversations", "sources"])
def test_ids_that_are_none(analyst: Person, noun: str, garbage: str) -> None:
    assert_is_error(analyst.get(f"/{noun}/{garbage}"), 404)


def test_unknown_fields_are_named(analyst: Person) -> None:
    reply = analyst.post("/ask", json={"question": "q", "organization_id": "0" * 32})
    assert_is_error(reply, 422)
    assert "organization_id" in reply.json()["error"]["message"]


def test_a_user_cannot_give_themselves_an_organization(people: dict[Role, Person]) -> None:
    body = {
        "name": "n",
        "email": "assign@example.com",
        "role": "viewer",
        "password": PASSWORD,
        "organization_id": "0" * 32,
    }
    assert_is_error(people[Role.OWNER].post("/users", json=body), 422)


# Sizes


def test_a_body_over_the_limit_is_refused_before_it_is_read(analyst: Person) -> None:
    reply = analyst.post("/ask", json={"question": "x" * (1024 * 1024)})
    assert_is_error(reply, 413)
    assert "1024 kB" in reply.json()["error"]["hint"]


def test_a_body_that_hides_its_length_is_cut_off(analyst: Person) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(40):
            yield b"x" * 64 * 1024
        yield b'"}'

    assert_is_error(analyst.post("/ask", content=chunks(), headers=JSON), 413)


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "99999999999999999999"])
def test_lengths_that_are_none(client: TestClient, length: str) -> None:
    reply = client.get("/api/v1/auth/setup", headers={"Content-Length": length})
    assert_is_error(reply, 400, 413)


# Addresses and methods


def test_unknown_addresses_and_methods(client: TestClient) -> None:
    for path in (
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/ask",
        "/api/v1/runs/",
    ):
        assert_is_error(client.get(path), 404)
    for method, path in (
        ("GET", "/api/v1/ask"),
        ("PUT", "/api/v1/users"),
        ("DELETE", "/api/v1/auth/me"),
    ):
        reply = client.request(method, path)
        assert_is_error(reply, 405)
        assert reply.json()["error"]["code"] == "method_not_allowed"
    assert client.put("/api/v1/users").headers["allow"] == "GET, POST"
    assert_is_error(client.request("PROPFIND", "/api/v1/users"), 404, 405)


# Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
    ids=str,
)
def test_requests_from_other_sites_change_nothing(analyst: Person, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/ask"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/login"),
        ("POST", "/api-keys"),
        ("DELETE", f"/conversations/{'0' * 32}"),
    ):
        reply = analyst.request(method, path, headers=headers)
        assert_is_error(reply, 403)
        assert reply.json()["error"]["code"] == "permission_denied"
    assert analyst.get("/auth/me").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_requests_of_our_own_pages_and_of_programs_pass(
    analyst: Person, headers: dict[str, str]
) -> None:
    assert analyst.post("/ask", json={"question": " "}, headers=headers).status_code == 422


def test_a_key_needs_no_origin(web_services: Services, analyst: Person, client: TestClient) -> None:
    _, secret = web_services.accounts.create_api_key(analyst.tenant.actor(), name="k")
    client.cookies.clear()
    headers = {"Authorization": f"Bearer {secret}", "Origin": "https://notebook.example"}
    reply = client.post("/api/v1/ask", json={"question": " "}, headers=headers)
    assert reply.status_code == 422
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonx",
    ],
)
def test_forms_of_other_sites_are_no_json(analyst: Person, kind: str) -> None:
    reply = analyst.post("/ask", content=b'{"question": "q"}', headers={"Content-Type": kind})
    assert_is_error(reply, 415)


# Secrets and failures


def test_a_password_is_never_repeated(
    client: TestClient, tenant: Tenant, logged: io.StringIO, people: dict[Role, Person]
) -> None:
    email = tenant.users[Role.ADMIN].email
    replies = [
        client.post("/api/v1/auth/login", json={"email": email, "password": CANARY}),
        client.post("/api/v1/auth/login", json={"email": {"a": CANARY}, "password": [CANARY]}),
        client.post("/api/v1/auth/login", content=f'{{"password": "{CANARY}', headers=JSON),
        client.post("/api/v1/auth/login", json={CANARY * 50: 1, "password": CANARY * 100}),
        people[Role.OWNER].post("/users", json={"password": CANARY, "role": CANARY}),
        people[Role.OWNER].post(
            "/users",
            json={"name": "n", "email": "canary@example.com", "role": "viewer", "password": CANARY},
        ),
        people[Role.OWNER].get("/users"),
        client.post("/api/v1/auth/login", json={"email": "canary@example.com", "password": CANARY}),
    ]
    assert [r.status_code for r in replies] == [401, 422, 422, 422, 422, 201, 200, 200]
    for number, reply in enumerate(replies):
        if number != 3:  # there the canary is the name of a field, which is no secret
            assert CANARY not in reply.text
            assert CANARY not in str(reply.headers)
    assert CANARY not in logged.getvalue()


def test_tokens_are_in_no_log(
    web_services: Services, client: TestClient, tenant: Tenant, logged: io.StringIO
) -> None:
    person = sign_in(web_services, client, tenant, Role.VIEWER)
    secret = person.post("/api-keys", json={"name": "k"}).json()["secret"]
    person.get("/auth/me", headers={"Authorization": f"Bearer {secret}"})
    person.get(f"/runs/{'0' * 32}?token={person.token}")
    person.post("/auth/logout")
    assert person.token not in logged.getvalue()
    assert secret not in logged.getvalue()


def test_what_nobody_foresaw_is_an_error_with_an_id_that_the_log_has(
    analyst: Person, web_services: Services, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_args: object) -> None:
        raise RuntimeError(f"secret detail password={CANARY}")

    monkeypatch.setattr(web_services.sources, "list", breaks)
    reply = analyst.get("/sources")
    assert_is_error(reply, 500)
    assert "secret detail" not in reply.text
    failure_id = reply.json()["error"]["hint"].split()[-1].rstrip(".")
    assert failure_id in logged.getvalue()
    assert "secret detail" in logged.getvalue()
    assert CANARY not in logged.getvalue()


def test_security_headers_are_on_every_answer(client: TestClient, analyst: Person) -> None:
    for reply in (
        client.get("/livez"),
        client.get("/readyz"),
        client.get("/api/v1/nothing"),
        analyst.get("/auth/me"),
        analyst.post("/ask", json={}),
    ):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in reply.headers["content-security-policy"]


def test_many_wrong_passwords_are_stopped(client: TestClient, tenant: Tenant) -> None:
    body = {"email": tenant.users[Role.OWNER].email, "password": "wrong password"}
    client.cookies.clear()
    statuses = [client.post("/api/v1/auth/login", json=body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    right = {**body, "password": PASSWORD}
    locked = client.post("/api/v1/auth/login", json=right)
    assert_is_error(locked, 429)
    forged = client.post("/api/v1/auth/login", json=right, headers={"X-Forwarded-For": "1.2.3.4"})
    assert forged.status_code == 429
