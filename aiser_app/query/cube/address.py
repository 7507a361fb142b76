"""Addresses of Cube servers, read as strictly as those of databases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiser_app.errors import InvalidInput

MAX_CHARS = 2_000
MAX_SECRET_CHARS = 4_000
_API = "/cubejs-api/v1"
_HOST = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_PORTS = {"https": 443, "http": 80}
_EXAMPLE = "It looks like https://cube.example.com or http://cube:4000."


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeAddress:
    """Where a Cube's REST API is. Made by `read_cube_url` alone."""

    scheme: str
    host: str
    port: int
    path: str
    """Of the API, without a slash at the end: `/cubejs-api/v1`."""

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def read_cube_url(url: str) -> CubeAddress:
    """The parts of the address of a Cube, with or without the path of its API.

    Raises:
        InvalidInput: it cannot be used; says why, without repeating it.
    """
    text = url.strip()
    if not text or len(text) > MAX_CHARS:
        raise InvalidInput(f"The address of a Cube has 1 to {MAX_CHARS:,} characters.")
    if (
        not text.isascii()
        or not text.isprintable()
        or any(mark in text for mark in " \\<>\"'`{}|^")
    ):
        raise InvalidInput("The address holds a character that addresses do not have.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput("The address of the Cube cannot be read.", hint=_EXAMPLE) from None
    if parts.scheme not in _PORTS:
        raise InvalidInput("The address of a Cube begins with https:// or http://.", hint=_EXAMPLE)
    if "@" in parts.netloc:
        raise InvalidInput(
            "The address may not hold a user or a password.", hint="Give the API secret by itself."
        )
    host = (parts.hostname or "").lower()
    if not _HOST.fullmatch(host) or port == 0:
        raise InvalidInput("The address names no host that can be used.", hint=_EXAMPLE)
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path or parts.query or parts.fragment:
        raise InvalidInput("What follows the host cannot be used.", hint=_EXAMPLE)
    return CubeAddress(
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS[parts.scheme],
        path=path if path.endswith("/v1") else path + _API,
    )


def checked_secret(secret: str) -> str:
    """Raises `InvalidInput`."""
    if not secret or len(secret) > MAX_SECRET_CHARS or not secret.isprintable():
        raise InvalidInput(
            f"The API secret has 1 to {MAX_SECRET_CHARS:,} printable characters.",
            hint="It is the CUBEJS_API_SECRET of the Cube.",
        )
    return secret
