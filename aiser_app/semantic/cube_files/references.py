"""References within the SQL of models: `{CUBE}`, `{member}`, `{cube}.column`, `{cube.member}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

REFERENCE = re.compile(r"\$?\{\s*([A-Za-z_][\w.]*)\s*\}")
CUBE = "CUBE"
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_UNSUPPORTED = frozenset(
    ("FILTER_PARAMS", "FILTER_GROUP", "SECURITY_CONTEXT", "SQL_UTILS", "COMPILE_CONTEXT", "TIME")
)
_NAME = r"(\"(?:[^\"]|\"\")+\"|`(?:[^`]|``)+`|\[(?:[^\]]|\]\])+\]|[A-Za-z_]\w*)"
_COLUMN = re.compile(rf"\s*(?:(?P<cube>\{{CUBE\}})\s*\.\s*)?{_NAME}\s*")
_SIDE = rf"\{{(\w+)(?:\.(\w+))?\}}(?:\s*\.\s*{_NAME})?"
_EQUATION = re.compile(
    rf"\s*\(*\s*{_SIDE}\s*=\s*{_SIDE}\s*\)*\s*(?:\band\b(?=.)|$)", re.IGNORECASE | re.DOTALL
)
_CONSTANTS = frozenset(
    [
        "true",
        "false",
        "null",
        "current_date",
        "current_timestamp",
        "current_time",
        "localtimestamp",
        "now",
    ]
)


class BadReference(Exception):
    """A reference that cannot be followed; the message says which and why."""


def normal(sql: str, cube: str) -> str:
    """The same with `{CUBE}` for the cube's own name and `{member}` for its own members.

    Raises:
        BadReference: it uses a template, the security context, or another cube.
    """
    if _TEMPLATE.search(sql):
        raise BadReference("Jinja templates ({{ … }} and {% … %}) are not supported.")

    def replaced(match: re.Match[str]) -> str:
        head, _, member = match[1].partition(".")
        if head in _UNSUPPORTED:
            raise BadReference(f"{{{head}}} is not supported.")
        if member and head not in (cube, CUBE):
            raise BadReference(
                f"{{{match[1]}}} is a member of another cube: join it in the question instead."
            )
        return f"{{{member}}}" if member else f"{{{CUBE if head == cube else head}}}"

    return REFERENCE.sub(replaced, sql)


def members(sql: str) -> Iterator[str]:
    """Members that an expression in normal form refers to, in their order."""
    yield from (name for name in REFERENCE.findall(sql) if name != CUBE)


def plain_column(sql: str) -> str:
    """The column that an expression in normal form is, and nothing else; empty when it is more."""
    match = _COLUMN.fullmatch(sql)
    if match is None:
        return ""
    name = match[2]
    if not match["cube"] and name.casefold() in _CONSTANTS:
        return ""
    return unquoted(name)


def unquoted(name: str) -> str:
    if name[:1] == "[":
        return name[1:-1].replace("]]", "]")
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in ('"', "`") else name


def equations(sql: str, cube: str, target: str) -> list[tuple[str, str, bool, bool]]:
    """A join's condition as pairs (own, of the target, own is a member, other is a member).

    Raises:
        BadReference: it is no list of `{CUBE}.a = {target}.b` with AND between them.
    """
    text = REFERENCE.sub(r"{\1}", sql)
    pairs: list[tuple[str, str, bool, bool]] = []
    at = 0
    while not pairs or at < len(text):
        match = _EQUATION.match(text, at)
        at = match.end() if match else len(text)
        sides = [_side(match, at) for at in (1, 4)] if match else []
        owners = [_owner(name, cube, target) for name, _, _ in sides]
        if sorted(owners) != sorted(["own", target]) or any(not name for _, name, _ in sides):
            raise BadReference(
                f"A join must compare columns: {{CUBE}}.a = {{{target}}}.b, with AND between several."
            )
        own, other = sides if owners[0] == "own" else reversed(sides)
        pairs.append((own[1], other[1], own[2], other[2]))
    return pairs


def _owner(name: str, cube: str, target: str) -> str:
    """A cube that joins itself writes {CUBE} for its own side."""
    return "own" if name == CUBE or (name == cube and target != cube) else name


def _side(match: re.Match[str], at: int) -> tuple[str, str, bool]:
    cube, member, column = match[at], match[at + 1], match[at + 2]
    if bool(member) == bool(column):
        return cube, "", False
    return (cube, member, True) if member else (cube, unquoted(column), False)
