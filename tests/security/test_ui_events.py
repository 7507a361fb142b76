"""Attacks on the pages' socket, over the raw protocol, against the whole application."""

from __future__ import annotations

import asyncio
import urllib.request
import uuid
from typing import Any

import pytest
import socketio.exceptions
from reflex_base.registry import RegistrationContext

import aiser_app.aiser_app  # noqa: F401 - registers the handlers that are attacked
from aiser_app.ui.guard import FRAMEWORK_EVENTS, MARKER, PUBLIC
from tests.fixtures.app import RunningApp
from tests.fixtures.reflex_client import ROOT, ReflexClient, post, sign_in

pytestmark = pytest.mark.security

QUESTION = "How many flights were there?"
CHAT = f"{ROOT}.aiser_app___ui___chat___state____chat_state"
SHELL = f"{ROOT}.aiser_app___ui___shell___state____shell_state"
ODD_VALUES: list[Any] = [5, 1.5, None, True, [], ["x"], {}, {"a": {"b": 1}}, "", "x\x00y"]


@pytest.fixture
def cookie(running_app: RunningApp) -> str:
    return sign_in(running_app.url, running_app.admin_email, running_app.admin_password)


def handlers() -> dict[str, Any]:
    return dict(RegistrationContext.ensure_context().event_handlers)


def needs_sign_in(name: str) -> bool:
    return getattr(handlers()[name].handler.fn, MARKER, PUBLIC) != PUBLIC


async def still_works(app: RunningApp, cookie: str) -> None:
    """A newcomer is served as ever."""
    async with ReflexClient(app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
    assert app.status("/livez") == 200


def shown(client: ReflexClient) -> str:
    """All that the server ever told a client."""
    return repr(client.updates)


async def test_without_a_session_no_handler_does_anything(running_app: RunningApp) -> None:
    async with ReflexClient(running_app.url) as client:
        await client.until(client.redirects)
        for name in handlers():
            if name in FRAMEWORK_EVENTS:
                continue
            await client.send(name, {"question": QUESTION, "text": "x", "run_id": "x"})
            await asyncio.sleep(0.06)  # within what one tab may send
        await client.settle()

        told = shown(client)
        assert running_app.admin_email not in told
        assert not client.var("shell_state", "conversations")
        assert not client.var("chat_state", "live")
        assert all(path.startswith("/sign-in") for path in client.redirects())


@pytest.mark.parametrize(
    "cookie",
    [
        "aiser_session=" + "x" * 43,
        "aiser_session=",
        "aiser_session=" + "%00" * 5,
        "aiser_session=../../etc",
        "aiser_session=" + "y" * 3000,
    ],
)
async def test_made_up_sessions_are_none(running_app: RunningApp, cookie: str) -> None:
    async with ReflexClient(running_app.url, cookie=cookie, path="/chat/x") as client:
        await client.until(client.redirects)
        assert client.redirects()[0] == "/sign-in?next=/chat/x"
        assert not client.var("shell_state", "name")


async def test_setters_are_denied_for_everyone(running_app: RunningApp, cookie: str) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
        await client.settle()
        before = len(client.updates)
        for state in (CHAT, SHELL, ROOT):
            await client.send(f"{state}.setvar", {"var_name": "title", "value": "owned"})
            await client.send(f"{state}.set_title", {"value": "owned"})
        await client.send(
            f"{ROOT}.reflex___state____update_vars_internal_state.update_vars_internal",
            {"vars": {f"{SHELL}.title": "owned", f"{SHELL}.title_rx_state_": "owned"}},
        )
        await client.settle()

        assert "owned" not in shown(client)
        assert len(client.updates) == before


async def test_arguments_of_wrong_shape_break_nothing(running_app: RunningApp, cookie: str) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
        for value in ODD_VALUES:
            for name, argument in (("ask", "question"), ("stop", "run_id")):
                await client.send(f"{CHAT}.{name}", {argument: value})
            await client.send(f"{SHELL}.choose", {"conversation_id": value, "action": value})
            await asyncio.sleep(0.15)
        await client.send(f"{CHAT}.ask", {})
        await client.send(f"{CHAT}.ask", {"question": QUESTION, "actor": {"user_id": "x"}})
        await client.send(f"{CHAT}.ask", {"question": QUESTION, "extra": 1})
        await client.settle()

        assert client.redirects() == []
        assert "Traceback" not in shown(client)
        assert client.var("chat_state", "problem")
    await still_works(running_app, cookie)


async def test_a_long_question_is_refused_with_a_reason(
    running_app: RunningApp, cookie: str
) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
        await client.send(f"{CHAT}.ask", {"question": "why " * 25_000})
        await client.until(lambda: client.var("chat_state", "problem"))

        assert "4,000" in client.var("chat_state", "problem") + client.var(
            "chat_state", "problem_hint"
        )
        assert client.redirects() == []


async def test_a_huge_frame_ends_its_own_connection_only(
    running_app: RunningApp, cookie: str
) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
        await client.send(f"{CHAT}.ask", {"question": "x" * 1_200_000})
        for _ in range(100):
            if not client.socket.connected:
                break
            await asyncio.sleep(0.1)
        assert not client.socket.connected
    await still_works(running_app, cookie)


async def test_garbage_breaks_nothing(running_app: RunningApp, cookie: str) -> None:
    for garbage in (
        "text",
        "{",
        5,
        None,
        [],
        {},
        {"name": 5},
        {"name": f"{CHAT}.ask"},
        {"name": "", "payload": {}},
        {"name": f"{CHAT}.ask", "payload": "text", "router_data": {}},
        {"name": f"{CHAT}.ask", "payload": {}, "router_data": "text"},
        {"name": f"{CHAT}.__init__", "payload": {}, "router_data": {}},
        {"name": "os.system", "payload": {"command": "true"}, "router_data": {}},
        b"\x00\x01\x02",
    ):
        async with ReflexClient(running_app.url, cookie=cookie) as client:
            await client.emit(garbage)
            await client.emit(garbage, event="client_error")
            await client.emit(garbage, event="no_such_event")
            await client.settle(0.1)
            assert "Traceback" not in shown(client)
    await still_works(running_app, cookie)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://evil.example", "null", "http://localhost:1"]
)
async def test_pages_of_other_sites_cannot_connect(
    running_app: RunningApp, cookie: str, origin: str
) -> None:
    client = ReflexClient(running_app.url, cookie=cookie, origin=origin)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect()


async def test_the_own_page_can_connect(running_app: RunningApp, cookie: str) -> None:
    async with ReflexClient(running_app.url, cookie=cookie, origin=running_app.url) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))


async def test_a_session_that_ends_ends_its_open_socket(
    running_app: RunningApp, cookie: str
) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"))
        status, _ = post(f"{running_app.url}/api/v1/auth/logout", {}, cookie)
        assert status == 204
        await client.send(f"{CHAT}.ask", {"question": QUESTION})
        await client.until(client.redirects)

        assert client.redirects() == ["/sign-in?next=/chat"]
        assert not client.var("chat_state", "live")


@pytest.fixture
def stranger(running_app: RunningApp, cookie: str) -> str:
    """The session of another member of the same organization."""
    email = f"{uuid.uuid4().hex}@example.com"
    password = "correct horse battery"
    status, _ = post(
        f"{running_app.url}/api/v1/users",
        {"name": "Bo", "email": email, "role": "analyst", "password": password},
        cookie,
    )
    assert status == 201
    return sign_in(running_app.url, email, password)


async def test_nobody_reaches_the_conversation_of_another(
    running_app: RunningApp, cookie: str, stranger: str
) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as owner:
        await owner.until(lambda: owner.var("chat_state", "is_loaded"))
        await owner.send(f"{CHAT}.ask", {"question": QUESTION})
        path = (await owner.until(owner.redirects))[0]
        await owner.navigate(path)
        turn = await owner.until(
            lambda: next(
                (t for t in owner.var("chat_state", "settled") or [] if t["status"] == "answered"),
                None,
            )
        )
        conversation = path.removeprefix("/chat/")

        async with ReflexClient(running_app.url, cookie=stranger, path=path) as other:
            await other.until(lambda: other.var("chat_state", "is_missing"))
            await other.send(f"{CHAT}.stop", {"run_id": turn["run_id"]})
            for action in ("rename", "delete"):
                await other.send(
                    f"{SHELL}.choose", {"conversation_id": conversation, "action": action}
                )
            await other.send(f"{SHELL}.rename", {"conversation_id": conversation, "title": "Mine"})
            await other.send(f"{CHAT}.ask", {"question": QUESTION})
            await other.settle()
            assert turn["text"] not in shown(other)
            assert not other.redirects()

        await owner.send(f"{SHELL}.refresh")
        await owner.settle()
        titles = [item["title"] for item in owner.var("shell_state", "conversations")]
        assert QUESTION in titles
        assert "Mine" not in titles


async def test_a_stolen_tab_token_shows_nothing(running_app: RunningApp, cookie: str) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as victim:
        await victim.until(lambda: victim.var("shell_state", "name"))
        token = victim.token
    async with ReflexClient(running_app.url, token=token) as thief:
        await thief.until(thief.redirects)
        await thief.settle()
        assert not thief.var("shell_state", "name")
        assert running_app.admin_email not in shown(thief)


async def test_a_flood_of_one_tab_leaves_the_others_alone(
    running_app: RunningApp, cookie: str
) -> None:
    async with ReflexClient(running_app.url, cookie=cookie) as flood:
        await flood.until(lambda: flood.var("chat_state", "is_loaded"))
        for _ in range(3_000):
            await flood.send(f"{SHELL}.refresh")
        await still_works(running_app, cookie)


def test_uploads_of_the_framework_are_closed(running_app: RunningApp) -> None:
    for path in ("/_upload", "/_upload/x", "/_all_routes"):
        assert running_app.status(path) == 404


def test_pages_come_with_a_policy_that_runs_no_foreign_script(running_app: RunningApp) -> None:
    for path in ("/", "/chat", "/chat/x", "/sign-in", "/setup"):
        with urllib.request.urlopen(f"{running_app.url}{path}", timeout=10) as answer:
            policy = answer.headers["content-security-policy"]
        scripts = next(p for p in policy.split("; ") if p.startswith("script-src"))
        assert "unsafe" not in scripts, path
        assert "http" not in policy, path
