"""Cube's SQL, read: for people, and to know which tables it touches before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from aiser_app.domain.verdict import Denied
from aiser_app.query.cube.client import CubeSql
from aiser_app.query.cube.failures import CubeNotUsed
from aiser_app.query.guard import judge
from aiser_app.query.request import QueryRequest

MAX_SQL_CHARS = 200_000
_TEXT = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/"""
"""What may hold a mark that is no place: texts, names, comments."""


def _places(mark: str) -> re.Pattern[str]:
    return re.compile(rf"{_TEXT}|(?P<place>{mark})", re.DOTALL)


_QUESTION_MARKS = _places(r"\?(?P<number>)")
_NUMBERED = _places(r"\$(?P<number>[0-9]{1,4})")
_PLACES = {
    "postgres": _NUMBERED,
    "redshift": _NUMBERED,
    "tsql": _places(r"@_(?P<number>[0-9]{1,4})"),
}
"""How Cube's drivers mark the places of values."""
_UNKNOWN = "Which tables Cube would read cannot be told"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadSql:
    """`tables` is empty where Cube reads a rollup of its own."""

    sql: str
    tables: tuple[str, ...]


def check_sql(found: CubeSql, request: QueryRequest, dialect: str) -> ReadSql:
    """The SQL of Cube with its values, after the guard has seen it.

    Rows of Cube never pass the policies of Aiser, so a query of whoever they apply to is refused
    here as soon as it touches one of their tables, and also when that cannot be told.

    Raises:
        CubeNotUsed: it touches what this person sees in part only, or not at all.
    """
    if found.is_pre_aggregated:
        if not request.main.policies.is_empty:
            raise CubeNotUsed(f"{_UNKNOWN} (it uses a rollup), and data policies apply to you.")
        return ReadSql(sql=_joined(text for text, _ in found.statements), tables=())
    texts, tables = [], dict[str, None]()
    for text, values in found.statements:
        filled = fill(text, values, dialect)
        texts.append(filled)
        tables.update(dict.fromkeys(_tables(filled, request, dialect)))
    return ReadSql(sql=_joined(texts), tables=tuple(tables))


def _tables(sql: str, request: QueryRequest, dialect: str) -> tuple[str, ...]:
    given = request.main
    verdict = judge(
        sql,
        dialect=dialect,
        tables=given.tables,
        claims=request.actor.claims,
        limit=None,
        policies=given.policies,
        default_schema=given.source.options.get("schema") or None,
    )
    if isinstance(verdict, Denied):
        raise CubeNotUsed(f"{_UNKNOWN} or may be read: {verdict.reason}")
    if verdict.policies:
        names = ", ".join(f"“{name}”" for name in verdict.policies)
        raise CubeNotUsed(f"Cube does not know the data policies that apply to you ({names}).")
    return verdict.tables


def fill(sql: str, values: Sequence[Any], dialect: str) -> str:
    """The statement with its values in their places: to be read, and never to be run.

    Raises:
        CubeNotUsed: it cannot be read.
    """
    if len(sql) > MAX_SQL_CHARS:
        raise CubeNotUsed(f"{_UNKNOWN}: its SQL is too long.")
    taken = 0

    def put(found: re.Match[str]) -> str:
        nonlocal taken
        if found.group("place") is None:
            return found.group()
        number = found.group("number")
        taken += 1
        value = values[int(number) - 1 if number else taken - 1]
        return str(_literal(value).sql(dialect=dialect))

    try:
        filled = _PLACES.get(dialect, _QUESTION_MARKS).sub(put, sql)
        tree = parse_one(filled, dialect=dialect)
        return str(tree.sql(dialect=dialect, pretty=True, comments=False))
    except (SqlglotError, RecursionError, IndexError, ValueError):
        raise CubeNotUsed(f"{_UNKNOWN}: its SQL cannot be read.") from None


def _literal(value: Any) -> exp.Expr:
    if value is None:
        return exp.null()
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    return exp.Literal.string(str(value))


def _joined(texts: Iterable[str]) -> str:
    return ";\n\n".join(texts)


def first_table(sql: str, dialect: str) -> tuple[str, str] | None:
    """(schema, name) of the table that a statement of Cube starts from."""
    try:
        tree = parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return None
    start = tree.args.get("from_") or tree.args.get("from")
    table = start.this if start is not None else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return None
    return table.db, table.name
