"""Frames of the socket: what a page sends passes, everything else is answered with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.types import Message

import aiser_app.aiser_app  # noqa: F401 - registers the handlers
from aiser_app.errors import InvalidInput
from aiser_app.ui.frames import DEPTH, FRAME_BYTES, REFUSALS, Frames, check_frame

ROOT = "reflex___state____state"
ASK = f"{ROOT}.aiser_app___ui___chat___state____chat_state.ask"
HYDRATE = f"{ROOT}.hydrate_and_load"
ROUTE = {"pathname": "/chat", "asPath": "/chat?x=1", "query": {"x": "1", "y": ["2"]}}


def frame(name: Any, payload: Any = None, route: Any = None) -> str:
    event = {"name": name, "payload": payload or {}, "router_data": route or ROUTE}
    return f"42/_event,{json.dumps(['event', event])}"


def boot(payload: Any) -> str:
    event = {"name": HYDRATE, "payload": payload, "router_data": ROUTE}
    return f"40/_event,{json.dumps({'event': event, 'state_schema': 'abc'})}"


@pytest.mark.parametrize(
    "text",
    [
        *("1", "2", "2probe", "3", "5"),
        *("40/_event", "40/_event,", "40/_event?token=x,", "41/_event,"),
        boot({"vars": {}, "hashes": ["abc"]}),
        boot({"vars": None, "hashes": None}),
        frame(ASK, {"question": "How many?"}),
        frame(ASK, {"question": 5}),  # the handler's own check tells the person
        frame(f"{ROOT}.set_is_hydrated", {"value": True}),
        '42/_event,7["ping"]',
        '42/_event,["client_error",{"message":"x"}]',
        "4" * (FRAME_BYTES + 1),  # the library ends the connection
    ],
)
def test_what_pages_send_passes(text: str) -> None:
    check_frame(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "must be text"),
        ("", "protocol"),
        ("x", "protocol"),
        ("0", "protocol"),
        ("4", "protocol"),
        ("42", "protocol"),
        ('42["event",{}]', "protocol"),
        ('42/other,["event",{}]', "protocol"),
        ("2" * 100, "protocol"),
        ("42/_event,{", "JSON"),
        ("42/_event," + "[" * 100_000, "JSON"),
        ('42/_event,["event",' + "9" * 5_000 + "]", "JSON"),
        ("42/_event," + "[" * (DEPTH + 2) + "]" * (DEPTH + 2), "deeply"),
        ("42/_event,", "name"),
        ("42/_event,5", "name"),
        ("42/_event,[]", "name"),
        ("42/_event,{}", "name"),
        ("42/_event,[[]]", "name"),
        ('42/_event,["connect",{"asgi.scope":{"client":["1.2.3.4",1]}}]', "name"),
        ('42/_event,["disconnect"]', "name"),
        ('42/_event,["event"]', "name"),
        ('42/_event,["event",{},{}]', "name"),
        ('43/_event,1["x"]', "kind"),
        ('451-/_event,["event",{"_placeholder":true,"num":9}]', "protocol"),
        ("40/_event,[]", "object"),
        ('40/_event,{"event":5}', "object"),
        ('42/_event,["event","text"]', "object"),
        ('42/_event,["event",{}]', "no such event"),
        (frame(5), "no such event"),
        (frame([ASK]), "no such event"),
        (frame("os.system"), "no such event"),
        (frame(f"{ASK}.__init__"), "no such event"),
        (frame(ASK, "text"), "arguments"),
        (frame(ASK, {"question": "How many?", "self": 1}), "arguments"),
        (boot({"vars": 5}), "arguments"),
        (boot({"vars": {f"{ROOT}.is_hydrated": True}}), "arguments"),
        (boot({"hashes": [5]}), "arguments"),
        (boot({"other": 1}), "arguments"),
        (frame(f"{ROOT}.set_is_hydrated", {"value": "yes"}), "arguments"),
        (frame(ASK, {}, "text"), "page"),
        (frame(ASK, {}, {"pathname": 5}), "page"),
        (frame(ASK, {}, {"pathname": "/" + "x" * 5_000}), "page"),
        (frame(ASK, {}, {"pathname": "/chat/\ud800"}), "page"),
        (frame(ASK, {}, {"query": "text"}), "page"),
        (frame(ASK, {}, {"query": {"x": ["\ud800"]}}), "page"),
        (frame(ASK, {}, {"query": {"x": 5}}), "page"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_anything_else_is_refused(text: str | None, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        check_frame(text)


class Line:
    """A socket whose client sends these frames and then leaves."""

    def __init__(self, *texts: str) -> None:
        self._messages: list[Message] = [
            {"type": "websocket.connect"},
            *({"type": "websocket.receive", "text": text} for text in texts),
            {"type": "websocket.disconnect", "code": 1000},
        ]
        self.sent: list[Any] = []

    async def receive(self) -> Message:
        return self._messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def passed(self) -> list[Message]:
        """Everything that is handed on, up to the end."""
        frames = Frames(self.receive, self.send)
        seen: list[Message] = []
        while not seen or seen[-1]["type"] != "websocket.disconnect":
            seen.append(await frames.receive())
        return seen


async def test_good_frames_are_handed_on_and_bad_ones_answered() -> None:
    line = Line("2", "garbage", "3")
    passed = await line.passed()

    assert [message.get("text") for message in passed] == [None, "2", "3", None]
    assert [message["text"] for message in line.sent] == [
        '42/_event,["error", {"error": {"code": "invalid_input", '
        '"message": "A frame is not of the protocol of this socket."}}]'
    ]


async def test_a_client_that_goes_on_is_shut_out() -> None:
    line = Line(*["garbage"] * (REFUSALS + 50))
    passed = await line.passed()

    assert [message["type"] for message in passed] == ["websocket.connect", "websocket.disconnect"]
    assert len(line.sent) == REFUSALS + 1
    assert line.sent[-1] == {"type": "websocket.close", "code": 1008}
