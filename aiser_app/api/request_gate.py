"""What every API request passes first, and every API response last. Pages pass untouched.

Refuses bodies over the limit, unsafe requests from other sites, and bodies that are not JSON; adds
security headers; turns a failure that nobody foresaw into an error with an id that the log has too.
"""

from __future__ import annotations

import logging
import uuid
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiser_app.api.error_envelope import error_response
from aiser_app.api.paths import is_api
from aiser_app.errors import AiserError, PayloadTooLarge, PermissionDenied

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


class UnsupportedMediaType(AiserError):
    """The body is of a type that no endpoint reads."""

    code = "unsupported_media_type"
    http_status = 415


class RequestGate:
    def __init__(self, app: ASGIApp, *, public_host: str = "") -> None:
        """`public_host` is the name that people use when a proxy in front changes Host."""
        self._app = app
        self._public_host = public_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        reply = _Reply(send)
        try:
            check_request(scope["method"], Headers(scope=scope), self._public_host)
            await self._app(scope, _Body(receive), reply)
        except AiserError as error:
            await self._fail(scope, reply, error.http_status, error.code, error.message, error.hint)
        except Exception:
            failure_id = uuid.uuid4().hex[:12]
            log.exception("request_broke", extra={"failure_id": failure_id, "path": scope["path"]})
            message = "Something went wrong inside Aiser."
            hint = f"The log has more under {failure_id}."
            await self._fail(scope, reply, 500, "internal_error", message, hint)

    @staticmethod
    async def _fail(
        scope: Scope, reply: _Reply, status: int, code: str, message: str, hint: str | None
    ) -> None:
        if reply.has_begun:
            # Half a response is out: cutting the connection is the only honest ending.
            raise ConnectionAbortedError(code)
        await error_response(status, code, message, hint=hint)(scope, _nothing, reply)


def check_request(method: str, headers: Headers, public_host: str = "") -> None:
    """Raise for a request that must not reach an endpoint."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise _too_large()
    if method in SAFE_METHODS:
        return
    if "authorization" not in headers:
        check_origin(headers, public_host)
    has_body = length != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and kind != "application/json":
        raise UnsupportedMediaType(
            "This request's body is not JSON.", hint="Send Content-Type: application/json."
        )


def check_origin(headers: Headers, public_host: str = "") -> None:
    """Refuse what a browser sends on behalf of another site.

    Browsers always say where an unsafe request comes from, and pages cannot change what they say.
    Clients that are no browser say nothing and hold no cookies of a person.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        is_own = site in ("same-origin", "none")
    elif origin is not None:
        host = urlsplit(origin).netloc
        is_own = bool(host) and host in (headers.get("host"), public_host)
    else:
        is_own = True
    if not is_own:
        raise PermissionDenied("Requests from other sites are refused.")


class _Body:
    """Counts what comes in, for bodies that did not say their length."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > MAX_BODY_BYTES:
            # Not an AiserError: FastAPI lets only this one pass while it reads a body.
            raise HTTPException(413)
        return message


class _Reply:
    """Adds the headers, and knows whether the response has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await self._send(message)


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        "The request is too large.", hint=f"At most {MAX_BODY_BYTES // 1024} kB are accepted."
    )


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
