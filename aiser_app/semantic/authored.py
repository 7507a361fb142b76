"""SQL that people write into a model, as trees: `{CUBE}.amount * {rate}`.

References stand in braces. They are replaced in the tree, so what they stand for is never pasted as
text; what else the expression says is judged by the guard like everything that runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.errors import QueryInvalid
from aiser_app.semantic.identifiers import identifier

_REFERENCE = re.compile(r"\$?\{\s*([\w.]+)\s*\}")
_OWN = frozenset(("CUBE", "TABLE"))
_PLACE = "aiser_reference_{}"
MAX_CHARS = 10_000

Resolve = Callable[[str], exp.Expr]


def references(sql: str) -> list[str]:
    """Names in braces, without that of the cube itself."""
    return [name for name in _REFERENCE.findall(sql) if name not in _OWN]


def expression(
    sql: str,
    *,
    dialect: str,
    what: str,
    alias: str,
    resolve: Resolve,
    own_names: tuple[str, ...] = (),
) -> exp.Expr:
    """The expression with its columns under the cube's `alias` and its references resolved.

    `what` says whose expression it is, for errors; `own_names` are other names that mean the cube's
    table before a column.

    Raises:
        QueryInvalid: it is not one expression.
    """
    names: list[str] = []

    def placed(match: re.Match[str]) -> str:
        names.append(match.group(1))
        return _PLACE.format(len(names) - 1)

    tree = _parsed(_REFERENCE.sub(placed, sql), dialect, what)
    meant = {_PLACE.format(number): name for number, name in enumerate(names)}
    root = exp.paren(tree)  # so that the outermost node can be replaced as well
    for column in list(root.find_all(exp.Column)):
        _place(column, meant, alias, resolve, own_names)
    inner = root.this
    inner.pop()
    return inner if isinstance(inner, exp.Column | exp.Func | exp.Literal) else exp.paren(inner)


def query(sql: str, *, dialect: str, what: str) -> exp.Query:
    """The SELECT that stands for a cube's table.

    Raises:
        QueryInvalid: it is not one SELECT.
    """
    tree = _parsed(sql.strip().rstrip(";"), dialect, what)
    if isinstance(tree, exp.Subquery):
        tree = tree.unnest()
    if not isinstance(tree, exp.Query):
        raise QueryInvalid(f"The SQL of {what} is not a SELECT.")
    return tree


def tables(tree: exp.Query) -> list[str]:
    """Tables that a SELECT reads, without those that it defines itself."""
    own = {item.alias for item in tree.find_all(exp.CTE)}
    names = [
        f"{table.db}.{table.name}" if table.db else table.name
        for table in tree.find_all(exp.Table)
        if table.db or table.name not in own
    ]
    return list(dict.fromkeys(names))


def _parsed(sql: str, dialect: str, what: str) -> exp.Expr:
    if len(sql) > MAX_CHARS:
        raise QueryInvalid(f"The SQL of {what} is too long.")
    try:
        trees = sqlglot.parse(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        trees = []
    wanted = exp.Condition | exp.Query
    if len(trees) != 1 or not isinstance(trees[0], wanted):
        raise QueryInvalid(
            f"The SQL of {what} cannot be read.", hint="Correct it in the semantic model."
        )
    return trees[0]


def _place(
    column: exp.Column,
    meant: dict[str, str],
    alias: str,
    resolve: Resolve,
    own_names: tuple[str, ...],
) -> None:
    if not column.table:
        name = meant.get(column.name)
        if name is not None:
            column.replace(resolve(name))
        elif column.find_ancestor(exp.Select) is None:
            column.set("table", identifier(alias))
    elif meant.get(column.table) in _OWN or column.table in own_names:
        column.set("table", identifier(alias))
