"""Connection URLs, read strictly: what is not on the list of `schemes` is refused.

Drivers are never given the URL itself. They get its parts, which have been decoded and judged here
once, so that no second reading can find something else in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from urllib.parse import quote, unquote_to_bytes

from aiser_app.errors import InvalidInput
from aiser_app.query.connection.schemes import SCHEMES, Scheme

MAX_CHARS = 20_000
"""Of a whole URL: the credentials of a BigQuery account take some thousand."""
_MAX_NAME = 255
_HOST = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}")
_IPV6 = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]")
_NAME = re.compile(r"[\w.$+~! -]+")
"""Names of databases; without `=`, `:` and `/`, which libpq would read as more than a name."""
_FILE = re.compile(r"[\w.+() -]+(?:/[\w.+() -]+)*")
_ENCODE = "Write / : @ ? # and % in a password percent-encoded, for example @ as %40."
_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a database is and who signs in. Made by `read_address` alone."""

    engine: str
    scheme: str
    user: str
    password: str = field(repr=False)
    host: str
    port: int
    database: str
    """With a schema after a slash where the scheme has one; for `sqlite` a file among the sources."""
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_address(url: str) -> Address:
    """The parts of a connection URL.

    Raises:
        InvalidInput: it is not a URL that may be used; says why, without repeating secrets.
    """
    text = url.strip()
    if not text or len(text) > MAX_CHARS:
        raise _refused(f"A connection URL has 1 to {MAX_CHARS:,} characters.")
    if not text.isprintable() or any(mark in text for mark in " \\#<>\"'`{}|^"):
        raise _refused(
            "The connection URL holds a character that URLs do not have.",
            "Write special characters of a password percent-encoded, for example # as %23.",
        )
    name, scheme = _scheme(text)
    front, _, query = text.partition("://")[2].partition("?")
    authority, _, path = front.partition("/")
    if "@" in path or "@" in query:
        # Whatever precedes it may be a part of a password, so nothing of it is repeated.
        raise _refused("There is an @ behind the host.", _ENCODE)
    user, password, host, port = _authority(authority, scheme)
    path, query = _split_path(path, query, scheme)
    database = _file(path) if scheme.is_file else _database(path, scheme)
    parameters = _parameters(query, scheme)
    if scheme.secret in parameters:
        password = parameters.pop(scheme.secret)
    return Address(
        engine=scheme.engine,
        scheme=name,
        user=user,
        password=password,
        host=host,
        port=port,
        database=database,
        parameters=MappingProxyType(parameters),
    )


def shown(address: Address) -> str:
    """The URL for people: without the password."""
    scheme = SCHEMES[address.scheme]
    host = f"[{address.host}]" if ":" in address.host else address.host
    place = f"{host}:{address.port}" if scheme.host_has_port and host else host
    if address.user:
        place = f"{quote(address.user, safe='')}@{place}"
    path = "/".join(quote(part, safe="") for part in address.database.split("/"))
    pairs = [f"{key}={quote(value, safe='/')}" for key, value in address.parameters.items()]
    mark = "&" if scheme.separator == "?" else scheme.separator
    query = f"{scheme.separator}{mark.join(pairs)}" if pairs else ""
    return f"{address.scheme}://{place}/{path}{query}"


def _refused(message: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(message, hint=hint)


def _scheme(text: str) -> tuple[str, Scheme]:
    name, separator, _ = text.partition("://")
    name = name.lower()
    known = SCHEMES.get(name) if separator else None
    if known is not None:
        return name, known
    plain = name.partition("+")[0]
    if separator and plain in SCHEMES:
        raise _refused(
            f"Aiser chooses the driver itself: write {plain}:// without anything after a +."
        )
    names = ", ".join(SCHEMES)
    raise _refused("This kind of database is not supported.", f"URLs may start with: {names}.")


def _decoded(text: str, what: str) -> str:
    """Percent-decoded once; control characters are refused in every disguise."""
    if _ENCODED.search(text):
        raise _refused(f"The {what} holds a lone % sign.", "Write % itself as %25.")
    try:
        value = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(f"The {what} is not UTF-8 text.") from None
    if not value.isprintable():
        raise _refused(f"The {what} holds a control character.")
    return value


def _authority(text: str, scheme: Scheme) -> tuple[str, str, str, int]:
    """User, password, host and port."""
    if scheme.is_file:
        if text:
            raise _refused(
                "A file has no host: the URL has three slashes.",
                f"It looks like {scheme.example}, with a file in Aiser's folder of sources.",
            )
        return "", "", "", 0
    before, at, place = text.rpartition("@")
    if "@" in before:
        raise _refused("There is more than one @ before the host.", "Write @ in a password as %40.")
    user, _, password = before.partition(":") if at else ("", "", "")
    host, port = _place(place, scheme)
    return _decoded(user, "user"), _decoded(password, "password"), host, port


def _place(text: str, scheme: Scheme) -> tuple[str, int]:
    if "," in text:
        raise _refused("Only one host can be named.")
    if "%" in text:
        raise _refused("The host may not be percent-encoded; sockets cannot be used.")
    bracketed = _IPV6.match(text)
    if bracketed:
        host, rest = bracketed.group(1), text[bracketed.end() :]
    else:
        name, colon, digits = text.partition(":")
        host, rest = name, colon + digits
        if not _HOST.fullmatch(host):
            raise _refused(
                "The URL needs the name or address of a host.",
                f"It looks like {scheme.example}. {_ENCODE}",
            )
    return host.lower() if scheme.host_has_port else host, _port(rest, scheme)


def _port(text: str, scheme: Scheme) -> int:
    """The port of `:digits`, or the default of an empty text."""
    if not text:
        return scheme.port
    digits = text[1:]
    good = text[0] == ":" and digits.isascii() and digits.isdigit() and len(digits) <= 5
    if not good or not 1 <= int(digits) <= 65535 or not scheme.host_has_port:
        raise _refused(
            "What follows the host is not a port number from 1 to 65535."
            if scheme.host_has_port
            else "This kind of URL has no port.",
            _ENCODE,
        )
    return int(digits)


def _split_path(path: str, query: str, scheme: Scheme) -> tuple[str, str]:
    """The path, and the text of the parameters."""
    if scheme.separator == "?":
        return path, query
    if query:
        raise _refused(
            "Parameters of this kind of URL follow a semicolon.", f"Like {scheme.example}."
        )
    name, _, rest = path.partition(scheme.separator)
    return name, rest


def _database(path: str, scheme: Scheme) -> str:
    parts = [_decoded(part, "name of the database") for part in path.split("/")] if path else []
    if scheme.needs_database and not parts:
        raise _refused("The URL names no database.", f"It looks like {scheme.example}.")
    if len(parts) > scheme.path_parts or not all(map(_is_name, parts)):
        raise _refused(
            "The name of the database cannot be used.", f"The URL looks like {scheme.example}."
        )
    return "/".join(parts)


def _is_name(part: str) -> bool:
    return bool(_NAME.fullmatch(part)) and len(part) <= _MAX_NAME and bool(part.strip(". "))


def _file(path: str) -> str:
    """A file relative to the folder of sources. `connection.files` looks at the file itself."""
    name = _decoded(path, "name of the file")
    parts = PurePosixPath(name).parts
    good = bool(_FILE.fullmatch(name)) and not any(part.startswith(".") for part in parts)
    if not good or len(name) > _MAX_NAME:
        raise _refused(
            "This is not a file that can be a source.",
            "Put the file into the folder `sources` of Aiser's data folder, "
            "and write sqlite:///name.db.",
        )
    return name


def _parameters(query: str, scheme: Scheme) -> dict[str, str]:
    found: dict[str, str] = {}
    mark = "&" if scheme.separator == "?" else scheme.separator
    for pair in filter(None, query.split(mark)):
        name, equals, raw = pair.partition("=")
        check = scheme.parameters.get(name)
        if check is None:
            known = ", ".join(scheme.parameters) or "none"
            written = name if re.fullmatch(r"\w{1,40}", name) else "of that name"
            raise _refused(
                f"The parameter {written} is not allowed.", f"Allowed parameters: {known}."
            )
        if name in found:
            raise _refused(f"The parameter {name} is given twice.")
        value = _decoded(raw, f"parameter {name}")
        problem = check(value) if equals else "needs a value"
        if problem:
            raise _refused(f"The parameter {name} {problem}.")
        found[name] = value
    return found
