"""What a client may say on the socket, checked before the libraries below us see it.

They take most frames on trust: one that does not fit ends in a stack trace in the log, in a socket
that is never closed, or, named `connect`, in the server believing addresses and headers that the
client made up. Whether a well-formed event may run is decided afterwards, in `guard`.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from reflex_base.registry import RegistrationContext
from starlette.types import Message, Receive, Send

from aiser_app.errors import InvalidInput
from aiser_app.ui.guard import FRAMEWORK_EVENTS, is_text

log = logging.getLogger(__name__)

NAMESPACE = "/_event"
REFUSALS = 20
"""Frames refused before the socket is closed; a page sends none."""
FRAME_BYTES = 1_000_000
"""Longer frames end the connection in the library, unread."""
ROUTE_CHARS = 4_000
"""Of an address or a parameter in it."""
DEPTH = 20
"""Nesting of a frame's JSON; pages need 5, and far more than this exhausts the stack further down."""

_POLICY_VIOLATION = 1008
_PACKET = re.compile(r"4(?P<kind>\d)(?:(?P<namespace>/[^,]*),?)?(?P<id>\d{0,15})(?P<data>.*)", re.S)
_CONNECT, _DISCONNECT, _EVENT = "0", "1", "2"
_CONTROL = re.compile(r"[1235].{0,20}", re.S)
"""Close, ping, pong and upgrade of the transport."""
_TAKES: dict[str, dict[str, type]] = {
    "hydrate_and_load": {"vars": dict, "hashes": list},
    "set_is_hydrated": {"value": bool},
    "handle_frontend_exception": {"info": str, "component_stack": str},
}
"""Arguments of Reflex's own handlers, which do not check them."""


class Frames:
    """One socket's frames: those that fit are handed on, the others answered with the reason."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._refused = 0

    async def receive(self) -> Message:
        """The next message that fits."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            try:
                check_frame(message.get("text"))
            except InvalidInput as error:
                self._refused += 1
                if self._refused == 1:
                    log.warning("frame_refused", extra={"reason": error.message})
                if self._refused > REFUSALS:
                    await self._send({"type": "websocket.close", "code": _POLICY_VIOLATION})
                    return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
                await self._answer(error)
            else:
                return message

    async def _answer(self, error: InvalidInput) -> None:
        content = {"error": {"code": error.code, "message": error.message}}
        text = f"42{NAMESPACE},{json.dumps(['error', content])}"
        await self._send({"type": "websocket.send", "text": text})


def check_frame(text: str | None) -> None:
    """Let pass what a page could have sent.

    Raises:
        InvalidInput: says what is wrong, without repeating what was sent.
    """
    if text is None:
        raise InvalidInput("A frame must be text.")
    if len(text) > FRAME_BYTES or _CONTROL.fullmatch(text):
        return
    packet = _PACKET.fullmatch(text)
    if packet is None or (packet["namespace"] or "").partition("?")[0] != NAMESPACE:
        raise InvalidInput("A frame is not of the protocol of this socket.")
    data = _read(packet["data"])
    if packet["kind"] == _CONNECT:
        _check_connect(data)
    elif packet["kind"] == _EVENT:
        _check_message(data)
    elif packet["kind"] != _DISCONNECT:
        raise InvalidInput("A frame is of a kind that is not taken here.")


def _read(text: str) -> Any:
    if not text:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("A frame is not valid JSON.") from None
    if _is_deeper(data, DEPTH):
        raise InvalidInput("A frame is nested too deeply.")
    return data


def _is_deeper(data: Any, levels: int) -> bool:
    if isinstance(data, dict):
        data = list(data.values())
    if not isinstance(data, list):
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in data)


def _check_connect(data: Any) -> None:
    if data is None:
        return
    if not isinstance(data, dict):
        raise InvalidInput("A connection must be opened with an object.")
    if data.get("event") is not None:
        _check_event(data["event"])


def _check_message(data: Any) -> None:
    name, *rest = data if isinstance(data, list) and data else (None,)
    if name == "event" and len(rest) == 1:
        _check_event(rest[0])
    elif not (name in ("client_error", "ping") and len(rest) <= 1):
        raise InvalidInput("A message has a name that is not taken here.")


def _check_event(event: Any) -> None:
    if not isinstance(event, dict):
        raise InvalidInput("An event must be an object.")
    name = event.get("name")
    if not isinstance(name, str) or name not in RegistrationContext.ensure_context().event_handlers:
        raise InvalidInput("There is no such event.")
    payload = event.get("payload", {})
    if not isinstance(payload, dict) or not _fits(name, payload):
        raise InvalidInput("An event was sent with arguments that it does not take.")
    if not _is_route(event.get("router_data", {})):
        raise InvalidInput("An event says in no valid way which page it comes from.")


def _fits(name: str, payload: dict[str, Any]) -> bool:
    if name not in FRAMEWORK_EVENTS:
        return "self" not in payload  # all else `guard` checks against the handler
    if payload.get("vars"):
        return False  # no state of ours is kept in the browser: nobody sets one from there
    takes = _TAKES.get(name.rpartition(".")[2], {})
    return all(
        key in takes and (value is None or isinstance(value, takes[key]))
        for key, value in payload.items()
    ) and all(isinstance(item, str) for item in payload.get("hashes") or [])


def _is_route(route: Any) -> bool:
    if not isinstance(route, dict):
        return False
    query = route.get("query") or {}
    if not isinstance(query, dict):
        return False
    texts = [route.get("pathname", ""), route.get("asPath", ""), *query]
    for value in query.values():
        texts += value if isinstance(value, list) else [value]
    return all(
        isinstance(text, str) and len(text) <= ROUTE_CHARS and is_text(text) for text in texts
    )
