"""What every API request passes first, and every API response last. Pages pass untouched.

Refuses bodies over the limit, unsafe requests from other sites, and bodies that are not JSON (or, at
the addresses of uploads, no forms); adds security headers and how long it took (`Server-Timing`); turns
a failure that nobody foresaw into an error with an id that the log has too.
"""

from __future__ import annotations

import logging
import time
import uuid
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiser_app.api.error_envelope import error_response
from aiser_app.api.paths import PREFIX, is_api
from aiser_app.errors import AiserError, PayloadTooLarge, PermissionDenied

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
MAX_UPLOAD_BYTES = 200 * 1024 * 1024
UPLOAD_PATHS = frozenset({f"{PREFIX}/uploads", f"{PREFIX}/uploads/preview"})
"""The only addresses that take files: those are written to disk as they come."""
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
    def __init__(
        self, app: ASGIApp, *, public_host: str = "", upload_bytes: int = MAX_UPLOAD_BYTES
    ) -> None:
        """`public_host` is the name that people use when a proxy in front changes Host.

        `upload_bytes` is the largest file; a form may be larger by what other bodies may be.
        """
        self._app = app
        self._public_host = public_host
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        reply = _Reply(send)
        try:
            body = _Body(receive, scope, self._upload_bytes)
            headers = Headers(scope=scope)
            check_request(scope["method"], headers, self._public_host, body.max_bytes)
            await self._app(scope, body, reply)
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


def check_request(
    method: str, headers: Headers, public_host: str = "", max_bytes: int = MAX_BODY_BYTES
) -> None:
    """Raise for a request that must not reach an endpoint; only uploads may be beyond the usual."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > max_bytes:
        raise _too_large(max_bytes)
    if method in SAFE_METHODS:
        return
    if "authorization" not in headers:
        check_origin(headers, public_host)
    has_body = length != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if max_bytes > MAX_BODY_BYTES:
        if kind != "multipart/form-data":
            raise UnsupportedMediaType(
                "This request's body is not a form.", hint="Send multipart/form-data."
            )
    elif has_body and kind != "application/json":
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

    def __init__(self, receive: Receive, scope: Scope, upload_bytes: int) -> None:
        self._receive = receive
        self._size = 0
        is_upload = scope["method"] == "POST" and scope["path"] in UPLOAD_PATHS
        self.max_bytes = MAX_BODY_BYTES + (upload_bytes if is_upload else 0)

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > self.max_bytes:
            # Not an AiserError: FastAPI lets only this one pass while it reads a body.
            raise HTTPException(413)
        return message


class _Reply:
    """Adds the headers, and knows whether the response has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = time.perf_counter()
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
            if message["status"] < HTTPStatus.BAD_REQUEST:
                # Only of what was done: how long a refusal takes is nobody's business.
                took = (time.perf_counter() - self._started) * 1000
                headers.append("server-timing", f"app;dur={took:.1f}")
        await self._send(message)


def _too_large(max_bytes: int) -> PayloadTooLarge:
    if max_bytes > MAX_BODY_BYTES:
        return PayloadTooLarge(
            f"The file is larger than {(max_bytes - MAX_BODY_BYTES) // 1024**2:,} MB.",
            hint="Pack it as .gz or .zip, save it as Parquet, or split it.",
        )
    return PayloadTooLarge(
        "The request is too large.", hint=f"At most {MAX_BODY_BYTES // 1024} kB are accepted."
    )


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
