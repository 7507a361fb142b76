"""What every page and socket passes: who may open a socket, and what a page may load and run."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiser_app.ui.frames import Frames

SOCKET_PATH = "/_event"
BLOCKED_PATHS = ("/_upload", "/auth-codespace", "/_all_routes")
"""Reflex's own endpoints that nothing here uses; uploads go to an authenticated REST endpoint."""
HASHED_FILES = "/assets/"

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def script_hashes(html_files: list[Path]) -> list[str]:
    """CSP sources of all inline scripts that the build wrote, so that no other one runs."""
    found = {
        "'sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode() + "'"
        for file in html_files
        for script in _INLINE_SCRIPT.findall(file.read_bytes())
        if script.strip()
    }
    return sorted(found)


def content_security_policy(hashes: list[str]) -> str:
    """As strict as React allows.

    Styles may be inline: emotion, the grid and the charts set them at run time. Scripts may not,
    beyond the hashed ones of the build, and nothing is evaluated.
    """
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class PageGate:
    """ASGI wrapper around pages, socket and API; adds headers only where none are set yet."""

    def __init__(self, app: ASGIApp, build: Path) -> None:
        self._app = app
        self._build = build

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path.startswith(SOCKET_PATH) and not is_own_origin(Headers(scope=scope)):
            await _refuse(scope, receive, send, 403, "Pages of other sites may not connect.")
        elif path.startswith(BLOCKED_PATHS) or (
            scope["type"] == "http" and path.startswith(SOCKET_PATH)
        ):
            # Pages poll nothing: over plain HTTP frames would come in unchecked.
            await _refuse(scope, receive, send, 404, "There is nothing at this address.")
        elif scope["type"] == "http":
            await self._app(scope, receive, self._with_headers(path, send))
        else:
            await self._app(scope, Frames(receive, send).receive, send)

    @cached_property
    def _headers(self) -> dict[str, str]:
        hashes = script_hashes(sorted(self._build.rglob("*.html")))
        return {
            "content-security-policy": content_security_policy(hashes),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
        }

    def _with_headers(self, path: str, send: Send) -> Send:
        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if message["status"] == 200 and path.startswith(HASHED_FILES):
                    headers.setdefault("cache-control", "public, max-age=31536000, immutable")
                else:
                    headers.setdefault("cache-control", "no-cache")
            await send(message)

        return reply


def is_own_origin(headers: Headers) -> bool:
    """Whether a handshake comes from a page of this site, or from no page at all.

    Browsers send Origin with every socket and pages cannot change it; a client that sends none
    holds no cookies of a person.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == headers.get("host")


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": text})
        return
    await PlainTextResponse(text, status)(scope, receive, send)
