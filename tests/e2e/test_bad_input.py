"""Bad input at every door of the whole product: a clear message each time, and all goes on after it.

What single doors refuse in detail is in tests/security; here a person sends it and then asks well.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.asyncio.client

from tests.fixtures.app import RunningApp
from tests.fixtures.reflex_client import NAMESPACE, ROOT, ReflexClient, post, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.security]

QUESTION = "number of flights by month"
PASSWORD = "canary Passw0rd 5b1f"
CHAT = f"{ROOT}.aiser_app___ui___chat___state____chat_state"
SHELL = f"{ROOT}.aiser_app___ui___shell___state____shell_state"
RUNNING = {"queued", "running"}
JSON = {"Content-Type": "application/json"}

BAD_QUESTIONS = {
    "empty": ("", "empty"),
    "blank": (" \n\t\u200b ", "empty"),
    "100 kB": ("why " * 25_000, "4,000"),
    "binary": ("\x01\x02\x7f\x80\x9f", "empty"),
    "escape sequences": ("flights \x1b[2J\x1b]0;x\x07", "not text"),
    "half a surrogate pair": ("flights \ud800 by month", "not text"),
    "no character": ("flights \uffff", "not text"),
}
"""Question, and what the refusal says."""
BAD_JSON = {
    "nothing": b"",
    "cut off": b'{"question": "',
    "no JSON": b"\x00\xff\xfe garbage",
    "a list": b"[]",
    "a number too long to read": b'{"question": ' + b"9" * 10_000 + b"}",
    "an infinite number": b'{"question": 1e999}',
    "not a number": b'{"question": NaN}',
    "nested deeply": b'{"question": ' + b"[" * 200_000,
    "nested deeply, well-formed": b"[" * 50_000 + b"]" * 50_000,
    "wrong types": b'{"question": {"a": [1]}, "wait": "long"}',
    "unknown fields": b'{"__class__": 1}',
}
GARBAGE_FRAMES = (
    *(
        "",
        "x",
        "0",
        "4",
        "42",
        "9" * 300,
        "42/_event,{",
        "42/_event,5",
        "42/_event,[]",
        "42/other,[1]",
    ),
    "42/_event," + "[" * 100_000,
    "42/_event," + "[" * 900 + "]" * 900,
    '42/_event,["event",' + "9" * 5_000 + "]",
    '42/_event,["event",{"name":"os.system","payload":{"command":"true"}}]',
    '42/_event,["connect",{"asgi.scope":{"client":["1.2.3.4",1]},"QUERY_STRING":"token=x"}]',
    '42/_event,["disconnect"]',
    '451-/_event,["event",{"_placeholder":true,"num":9}]',
    b"\x00\x01\x02",
)


@dataclass(frozen=True)
class Person:
    """An analyst with a session, a key, and one answered question."""

    app: RunningApp
    cookie: str
    key: str
    run: dict[str, Any]

    @property
    def session(self) -> str:
        return self.cookie.removeprefix("aiser_session=")

    def api(self, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.app.url}/api/v1",
            headers={"Cookie": self.cookie, **headers},
            timeout=90,
        )


def add_person(app: RunningApp) -> Person:
    email = f"{uuid.uuid4().hex}@example.com"
    body = {"name": "Bo", "email": email, "role": "analyst", "password": PASSWORD}
    with app.client() as owner:
        owner.post("/api/v1/users", json=body).raise_for_status()
    cookie = sign_in(app.url, email, PASSWORD)
    person = Person(app, cookie, "", {})
    with person.api() as api:
        key = api.post("/api-keys", json={"name": "notebook"}).raise_for_status().json()["secret"]
        run = api.post("/ask", json={"question": QUESTION, "wait": 60}).raise_for_status().json()
    return Person(app, cookie, key, run)


@pytest.fixture(scope="module")
def person(app_started: RunningApp) -> Person:
    return add_person(app_started)


@pytest.fixture(scope="module")
def victim(app_started: RunningApp) -> Person:
    return add_person(app_started)


@pytest.fixture
def api(person: Person) -> Iterator[httpx.Client]:
    """The person's client, which is answered well after whatever the test did with it."""
    with person.api() as client:
        yield client
        answer = client.post("/ask", json={"question": QUESTION, "wait": 60})
        assert answer.status_code == 200
        assert answer.json()["status"] == "answered"
        assert answer.json()["row_count"] == 12


def refused(answer: httpx.Response, *statuses: int) -> str:
    """The message of a refusal, after a look at its shape."""
    assert answer.status_code in statuses, answer.text[:300]
    content = answer.json()
    assert set(content) == {"error"}
    assert {"code", "message"} <= set(content["error"]) <= {"code", "message", "hint", "run_id"}
    assert "Traceback" not in answer.text
    assert len(answer.text) < 1_000
    message: str = content["error"]["message"]
    assert message.endswith(".")
    return message


# over REST


def test_questions_that_are_none_over_rest(api: httpx.Client) -> None:
    for question, said in BAD_QUESTIONS.values():
        body = json.dumps({"question": question})
        assert said in refused(api.post("/ask", content=body, headers=JSON), 422)


@pytest.mark.parametrize("body", BAD_JSON.values(), ids=BAD_JSON)
def test_bodies_that_are_none_at_every_address(api: httpx.Client, body: bytes) -> None:
    document = api.get("/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                address = re.sub(r"\{\w+\}", "0" * 32, path.removeprefix("/api/v1"))
                answer = api.request(method, address, content=body, headers=JSON)
                is_upload = "multipart/form-data" in operation["requestBody"]["content"]
                refused(answer, *((415,) if is_upload else (400, 401, 403, 404, 409, 422)))
                tried += 1
    assert tried >= 6


def test_numbers_that_make_no_sense(api: httpx.Client, person: Person) -> None:
    result = person.run["result_id"]
    for number in ("-1", "9" * 400, "9" * 5_000, "1e999", "NaN", "0x10", "", "\u0663", "%00"):
        for query in (f"offset={number}", f"limit={number}"):
            refused(api.get(f"/results/{result}?{query}"), 422)
        refused(api.get(f"/runs/{person.run['run_id']}/events?after={number}"), 422)
        refused(api.get(f"/conversations?limit={number}"), 422)


def test_filters_and_orders_that_make_no_sense(api: httpx.Client, person: Person) -> None:
    result = person.run["result_id"]
    for query in (
        {"sort": "no_such_column"},
        {"sort": "1; DROP TABLE runs"},
        {"filter": "nonsense"},
        {"filter": "no_such_column:equals:1"},
        {"filter": "count:no_such_operator:1"},
        {"filter": "count:equals:" + "[" * 5_000},
        {"filter": "count:gt:\x00"},
        {"filter": "count:gt:" + "9" * 6_000},
    ):
        refused(api.get(f"/results/{result}", params=query), 422)


def test_what_is_unknown_or_belongs_to_others(api: httpx.Client, victim: Person) -> None:
    run, result = victim.run["run_id"], victim.run["result_id"]
    conversation = victim.run["conversation_id"]
    for source in ("nowhere", "\x00", "'; DROP TABLE runs; --", "x" * 5_000):
        refused(api.post("/ask", json={"question": QUESTION, "source": source}), 404, 422)
    refused(api.post("/ask", json={"question": QUESTION, "conversation_id": conversation}), 404)
    for method, path in (
        ("GET", f"/runs/{run}"),
        ("GET", f"/runs/{run}/events"),
        ("POST", f"/runs/{run}/cancel"),
        ("GET", f"/results/{result}"),
        ("GET", f"/results/{result}.csv"),
        ("GET", f"/conversations/{conversation}"),
        ("PATCH", f"/conversations/{conversation}"),
        ("DELETE", f"/conversations/{conversation}"),
    ):
        body = {"title": "mine"} if method == "PATCH" else None
        message = refused(api.request(method, path, json=body), 404)
        unknown = re.sub(r"[0-9a-f]{32}", "0" * 32, path)
        assert refused(api.request(method, unknown, json=body), 404) == message
    with victim.api() as owner:
        assert owner.get(f"/runs/{run}").json()["status"] == "answered"
        assert owner.get(f"/conversations/{conversation}").json()["title"] == QUESTION


# over the websocket


def in_a_loop(work: Callable[[], Awaitable[None]]) -> None:
    """In a thread of its own: the loop of the browser tests may occupy this one."""

    async def run() -> None:
        await work()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result()


async def is_answered(tab: ReflexClient) -> None:
    """The same tab asks well, is sent to its conversation, and gets the answer there."""
    before = len(tab.redirects())
    await tab.send(f"{CHAT}.ask", {"question": QUESTION})
    if tab.path == "/chat":
        await tab.until(lambda: len(tab.redirects()) > before, 60)
        await tab.navigate(tab.redirects()[-1])

    def latest() -> Any:
        turns = [*(tab.var("chat_state", "settled") or []), *(tab.var("chat_state", "live") or [])]
        return turns and turns[-1]["status"] not in RUNNING and turns[-1]

    turn = await tab.until(latest, 60)
    assert (turn["question"], turn["status"]) == (QUESTION, "answered")
    assert tab.var("chat_state", "problem") == ""
    assert "Traceback" not in repr(tab.updates)


def has_refused(tab: ReflexClient, times: int) -> bool:
    return bool(tab.var("chat_state", "refusals") >= times)


async def opened(person: Person, path: str = "/chat") -> ReflexClient:
    tab = ReflexClient(person.app.url, cookie=person.cookie, origin=person.app.url, path=path)
    await tab.connect()
    await tab.until(lambda: tab.var("chat_state", "is_loaded"), 30)
    return tab


def test_questions_that_are_none_over_the_socket(running_app: RunningApp, person: Person) -> None:
    async def work() -> None:
        tab = await opened(person)
        for number, (question, said) in enumerate(BAD_QUESTIONS.values(), start=1):
            await tab.send(f"{CHAT}.ask", {"question": question})
            await tab.until(partial(has_refused, tab, number))
            assert said in tab.var("chat_state", "problem")
        assert tab.redirects() == []
        await is_answered(tab)
        await tab.close()

    in_a_loop(work)


def test_texts_that_are_none_elsewhere_on_the_page(running_app: RunningApp, person: Person) -> None:
    conversation = person.run["conversation_id"]

    async def work() -> None:
        tab = await opened(person)
        for text, _ in BAD_QUESTIONS.values():
            await tab.send(f"{SHELL}.find", {"text": text})
            await tab.send(f"{SHELL}.rename", {"conversation_id": text, "title": "x"})
            await tab.send(f"{CHAT}.stop", {"run_id": text})
            await tab.navigate(f"/chat/{text[:100]}")
            await tab.settle()
        await tab.send(f"{SHELL}.rename", {"conversation_id": conversation, "title": "\ud800"})
        await tab.until(lambda: tab.var("shell_state", "problem"))
        await tab.send(f"{SHELL}.find", {"text": ""})
        await tab.until(lambda: tab.var("shell_state", "problem") == "")
        assert QUESTION in [item["title"] for item in tab.var("shell_state", "conversations")]
        await tab.navigate("/chat")
        await tab.until(lambda: tab.var("chat_state", "suggestions"))
        await is_answered(tab)
        await tab.close()

    in_a_loop(work)


def test_what_belongs_to_others_over_the_socket(
    running_app: RunningApp, person: Person, victim: Person
) -> None:
    async def work() -> None:
        tab = await opened(person, f"/chat/{victim.run['conversation_id']}")
        assert tab.var("chat_state", "is_missing")
        await tab.send(f"{CHAT}.stop", {"run_id": victim.run["run_id"]})
        await tab.until(lambda: tab.var("chat_state", "problem"))
        assert victim.run["text"] not in repr(tab.updates)
        await tab.navigate("/chat")
        await tab.until(lambda: tab.var("chat_state", "suggestions"))
        await is_answered(tab)
        await tab.close()

    in_a_loop(work)


def test_garbage_frames_are_answered_and_the_socket_goes_on(
    running_app: RunningApp, person: Person
) -> None:
    address = running_app.url.replace("http", "ws") + f"{NAMESPACE}/?EIO=4&transport=websocket"

    async def answered(frame: str | bytes) -> None:
        async with websockets.asyncio.client.connect(
            f"{address}&token={uuid.uuid4()}", additional_headers={"Cookie": person.cookie}
        ) as socket:
            await socket.send(frame)
            while not (told := str(await asyncio.wait_for(socket.recv(), 20))).startswith("42"):
                assert told[0] in "0234"  # open and ping of the transport
            name, content = json.loads(told.partition(",")[2])
            assert name == "error"
            assert content["error"]["code"] == "invalid_input"
            assert content["error"]["message"].endswith(".")
            await socket.send(f"40{NAMESPACE},")
            while not (told := str(await asyncio.wait_for(socket.recv(), 20))).startswith("40"):
                assert told[0] in "0234"

    async def work() -> None:
        for frame in GARBAGE_FRAMES:
            await answered(frame)
        tab = await opened(person)
        for garbage in ("text", {"name": 5}, {"name": f"{CHAT}.ask", "router_data": 5}):
            await tab.emit(garbage)
            await tab.emit(garbage, event="client_error")
            await tab.emit(garbage, event="connect")
        await tab.send(f"{CHAT}.ask", {"question": QUESTION, "self": 1})
        await tab.send(f"{ROOT}.hydrate_and_load", {"vars": {"x": {"y": 1}}, "hashes": ["x"]})
        await tab.settle()
        await is_answered(tab)
        await tab.close()

    in_a_loop(work)


def test_the_socket_is_not_to_be_had_over_plain_http(running_app: RunningApp) -> None:
    for transport in ("polling", "websocket"):
        address = f"{running_app.url}{NAMESPACE}/?EIO=4&transport={transport}"
        assert httpx.get(address).status_code == 404
        assert httpx.post(address, content=b"4\x1egarbage").status_code == 404


# a session that has ended


def test_a_session_that_was_ended_is_told_so_at_every_door(running_app: RunningApp) -> None:
    leaver = add_person(running_app)

    async def work() -> None:
        tab = await opened(leaver)
        status, _ = post(f"{running_app.url}/api/v1/auth/logout", {}, leaver.cookie)
        assert status == 204
        with leaver.api() as client:
            for method, path in (
                ("POST", "/ask"),
                ("GET", "/conversations"),
                ("GET", f"/runs/{leaver.run['run_id']}"),
                ("GET", f"/results/{leaver.run['result_id']}"),
            ):
                body = {"question": QUESTION} if method == "POST" else None
                refused(client.request(method, path, json=body), 401)
        await tab.send(f"{CHAT}.ask", {"question": QUESTION})
        await tab.until(tab.redirects)
        assert tab.redirects() == ["/sign-in?next=/chat"]
        assert not tab.var("chat_state", "live")
        await tab.close()

    in_a_loop(work)
    with httpx.Client(base_url=f"{running_app.url}/api/v1", timeout=90) as client:
        client.headers["Authorization"] = f"Bearer {leaver.key}"  # a key is no session
        answer = client.post("/ask", json={"question": QUESTION, "wait": 60})
        assert answer.json()["status"] == "answered"


# on the command line


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([""], 1, "empty"),
        (["why " * 25_000], 1, "4,000"),
        (["flights \x1b[2J"], 1, "not text"),
        (["flights \udcff\udcfe"], 1, "not text"),  # bytes that are not of the terminal's encoding
        ([QUESTION, "--source", "nowhere"], 1, "no such"),
        ([QUESTION, "--source", "\udcff"], 1, "no such"),
        ([], 2, "usage"),
        ([QUESTION, "--wrong"], 2, "usage"),
    ],
    ids=["empty", "100 kB", "escape", "bytes", "source", "source of bytes", "nothing", "option"],
)
def test_bad_input_on_the_command_line(
    running_app: RunningApp, arguments: list[str], status: int, said: str
) -> None:
    done = running_app.command("ask", *arguments, "--json")
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
    if status == 2:
        assert said in done.stderr
        assert done.stdout == ""
    else:
        assert said in json.loads(done.stdout)["error"]["message"]
        assert done.stderr == ""


def test_the_command_line_answers_after_all_that(running_app: RunningApp) -> None:
    done = running_app.command("ask", QUESTION, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "answered"


# afterwards


def logs_of(app: RunningApp) -> list[Path]:
    return [*(app.home / "logs").iterdir(), app.log]


@pytest.fixture(scope="module", autouse=True)
def logged_before(app_started: RunningApp) -> dict[Path, int]:
    """Sizes of the logs before these tests: other tests kill servers, which is worth a trace."""
    return {log: log.stat().st_size for log in logs_of(app_started)}


def test_the_logs_hold_no_secret_and_no_trace(
    running_app: RunningApp, person: Person, victim: Person, logged_before: dict[Path, int]
) -> None:
    """Runs last, after everything above was refused."""
    secrets = [running_app.admin_password, PASSWORD]
    secrets += [text for one in (person, victim) for text in (one.key, one.session)]
    assert len(logged_before) > 5
    for log in logs_of(running_app):
        content = log.read_bytes()
        text = content.decode(errors="replace")
        for secret in secrets:
            assert secret not in text, log.name
        assert b"Traceback" not in content[logged_before.get(log, 0) :], log.name
