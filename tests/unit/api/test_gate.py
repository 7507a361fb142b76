"""What stands around the endpoints: the gate, addresses, messages, event streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from aiser_app.api.app import build_api
from aiser_app.api.client_address import client_address
from aiser_app.api.error_envelope import response_to
from aiser_app.api.error_handlers import validation_message
from aiser_app.api.paths import is_api
from aiser_app.api.request_gate import (
    RequestGate,
    UnsupportedMediaType,
    check_origin,
    check_request,
)
from aiser_app.api.runs import server_sent
from aiser_app.domain.run import EventKind, RunEvent
from aiser_app.errors import NotSignedIn, PayloadTooLarge, PermissionDenied, ServiceUnavailable


def test_which_paths_are_the_api() -> None:
    for path in ("/api", "/api/v1/ask", "/livez", "/readyz"):
        assert is_api(path)
    for path in ("/", "/apix", "/_event", "/livez/x", "/chat/api/v1"):
        assert not is_api(path)


def test_origins() -> None:
    own = {"host": "aiser.example:3000"}
    check_origin(Headers({**own, "origin": "https://aiser.example:3000"}))
    check_origin(Headers({**own, "origin": "https://public.example"}), "public.example")
    check_origin(Headers(own))
    for origin in ("https://aiser.example", "null", "", "aiser.example:3000", "https://"):
        with pytest.raises(PermissionDenied):
            check_origin(Headers({**own, "origin": origin}))


def test_bodies() -> None:
    check_request("GET", Headers({"content-type": "text/plain"}))
    check_request("POST", Headers({"content-length": "0"}))
    json_type = {"content-type": "Application/JSON; charset=utf-8"}
    check_request("POST", Headers({"content-length": "1048576", **json_type}))
    with pytest.raises(PayloadTooLarge):
        check_request("POST", Headers({"content-length": "1048577", **json_type}))
    with pytest.raises(UnsupportedMediaType):
        check_request("POST", Headers({"transfer-encoding": "chunked"}))


def pages_behind_the_api() -> FastAPI:
    """As pages are mounted: at the root, behind everything else."""
    pages = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("a page"))])
    app = build_api()
    app.mount("", pages)
    return app


def test_pages_do_not_swallow_the_api() -> None:
    client = TestClient(pages_behind_the_api())
    unknown = client.get("/api/v1/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    wrong = client.delete("/api/v1/ask")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert client.get("/livez").json() == {"status": "ok"}


def test_pages_pass_untouched() -> None:
    reply = TestClient(pages_behind_the_api()).get("/chat")
    assert reply.text == "a page"
    assert "content-security-policy" not in reply.headers
    assert "cache-control" not in reply.headers


def test_what_succeeds_says_how_long_it_took() -> None:
    """A refusal does not: nobody should learn from its time what was looked at."""
    client = TestClient(pages_behind_the_api())
    name, _, milliseconds = client.get("/livez").headers["server-timing"].partition(";dur=")
    assert name == "app"
    assert 0 <= float(milliseconds) < 60_000
    assert "server-timing" not in client.get("/api/v1/nothing").headers
    assert "server-timing" not in client.get("/chat").headers


def test_a_failure_after_the_first_byte_cuts_the_connection() -> None:
    async def half(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("secret detail")

    with pytest.raises(ConnectionAbortedError) as caught:
        TestClient(RequestGate(half)).get("/api/v1/x")
    assert "secret" not in str(caught.value)


def request(peer: tuple[str, int] | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "headers": headers, "client": peer})


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        ((), 0, "10.0.0.1"),
        (("6.6.6.6",), 0, "10.0.0.1"),
        (("6.6.6.6, 1.2.3.4",), 1, "1.2.3.4"),
        (("6.6.6.6", "1.2.3.4"), 1, "1.2.3.4"),
        (("6.6.6.6, 1.2.3.4, 10.0.0.2",), 2, "1.2.3.4"),
        (("1.2.3.4",), 2, "10.0.0.1"),
        ((" , ",), 1, "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(
    forwarded: tuple[str, ...], hops: int, expected: str
) -> None:
    assert client_address(request(("10.0.0.1", 1), *forwarded), hops) == expected


def test_a_peer_may_be_unknown() -> None:
    assert client_address(request(None), 0) == "unknown"


def test_validation_messages_name_fields_and_no_values() -> None:
    message = validation_message(
        [
            {"type": "missing", "loc": ("body", "email"), "msg": "Field required"},
            {"type": "string_type", "loc": ("body", "a", 0), "msg": "x", "input": "canary"},
            *({"type": "other", "loc": ("query", f"q{n}"), "msg": "Bad"} for n in range(5)),
        ]
    )
    assert message == (
        "The request does not fit: email: is missing; a.0: must be text; "
        "q0: bad; q1: bad; q2: bad; and 2 more."
    )
    whole = validation_message([{"type": "missing", "loc": ("body",), "msg": "x"}])
    assert whole == "The request does not fit: the body: is missing."


def test_errors_carry_what_clients_need() -> None:
    assert "Bearer" in response_to(NotSignedIn()).headers["www-authenticate"]
    down = response_to(ServiceUnavailable("Down.", hint="Wait."))
    assert down.headers["retry-after"] == "5"
    content = json.loads(bytes(down.body))
    assert content == {
        "error": {"code": "service_unavailable", "message": "Down.", "hint": "Wait."}
    }


def event(seq: int, kind: EventKind = EventKind.STEP) -> RunEvent:
    return RunEvent(
        run_id="r", seq=seq, kind=kind, payload={"text": "a\nb\n\nid: 9"}, at=datetime.now(UTC)
    )


async def lines(events: AsyncIterator[RunEvent], heartbeat: float = 5) -> list[str]:
    return [line async for line in server_sent(events, heartbeat)]


async def test_event_streams_keep_data_on_one_line() -> None:
    async def events() -> AsyncIterator[RunEvent]:
        yield event(1)
        yield event(2, EventKind.ANSWER)

    first, second, third = await lines(events())
    assert first == "retry: 1000\n\n"
    for text, seq, kind in ((second, 1, "step"), (third, 2, "answer")):
        head, name, data = text.removesuffix("\n\n").split("\n")
        assert (head, name) == (f"id: {seq}", f"event: {kind}")
        assert json.loads(data.removeprefix("data: "))["payload"]["text"] == "a\nb\n\nid: 9"


async def test_event_streams_stay_open_while_nothing_happens() -> None:
    async def events() -> AsyncIterator[RunEvent]:
        await asyncio.sleep(0.1)
        yield event(1, EventKind.ANSWER)

    told = await lines(events(), 0.02)
    assert told.count(": still here\n\n") >= 2
    assert told[-1].startswith("id: 1\n")


async def test_event_streams_say_why_they_end() -> None:
    async def events() -> AsyncIterator[RunEvent]:
        yield event(1)
        raise ServiceUnavailable("Redis does not answer.", hint="Wait.")

    *_, last = await lines(events())
    assert last.startswith("event: error\n")
    assert "Redis does not answer." in last


async def test_event_streams_let_go_when_the_client_leaves() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncIterator[RunEvent]:
        try:
            yield event(1)
            await asyncio.sleep(60)
        finally:
            ended.set()

    stream = server_sent(events(), 0.01)
    assert await anext(stream) == "retry: 1000\n\n"
    assert (await anext(stream)).startswith("id: 1")
    assert await anext(stream) == ": still here\n\n"
    await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(ended.wait(), 2)
