"""The verdict on one node of a query's tree: its kind, its arguments, the functions it calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlglot import exp

from aiser_app.query.guard.allowed import (
    AGGREGATES,
    ARGUMENTS,
    FUNCTIONS,
    NODES,
    PSEUDO_COLUMNS,
    TYPES,
)
from aiser_app.query.guard.dialects import DialectRules
from aiser_app.query.guard.functions import is_aggregate
from aiser_app.query.guard.limits import check_padding, check_series
from aiser_app.query.guard.parameters import is_token
from aiser_app.query.guard.refusal import Refused


def nodes_of(root: exp.Expr) -> list[exp.Expr]:
    """Every node of a tree, those nearest to the root first; takes half as long as `Expr.walk`."""
    found = [root]
    for node in found:  # it grows while it is read
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                found.append(value)
            elif isinstance(value, list):
                found += [part for part in value if isinstance(part, exp.Expr)]
    return found


def check_nodes(nodes: list[exp.Expr], rules: DialectRules) -> None:
    """As `check_node`, for each of them."""
    plain = _plain(rules.missing)
    for node in nodes:
        if type(node) not in plain:
            check_node(node, rules)


def check_node(node: exp.Expr, rules: DialectRules) -> None:
    """Compare one node, without those below it, with the allow-lists.

    Raises:
        Refused: it is not on the lists, or does more than it may.
    """
    kind = type(node)
    if kind is exp.Anonymous:
        _check_named(node, rules)
    elif kind in AGGREGATES:
        _check_aggregate(node, rules)
    elif (kind not in NODES and kind not in FUNCTIONS) or kind in rules.missing:
        raise Refused(_not_allowed(node), node)
    allowed = ARGUMENTS.get(kind) or (ARGUMENTS[exp.SetOperation] if _is_set(node) else None)
    if allowed is not None:
        _check_arguments(node, allowed)
    check = _CHECKS.get(kind)
    if check is not None:
        check(node, rules)


def statement_name(node: exp.Expr) -> str:
    """What a statement is called, for a refusal."""
    word = str(node.this) if isinstance(node, exp.Command) else type(node).__name__
    return word.upper()[:40]


def _is_set(node: exp.Expr) -> bool:
    return isinstance(node, exp.SetOperation)


def _check_arguments(node: exp.Expr, allowed: frozenset[str]) -> None:
    for name, value in node.args.items():
        if value and name not in allowed:
            raise Refused(_argument_not_allowed(node, name, value), node)


def _argument_not_allowed(node: exp.Expr, name: str, value: object) -> str:
    first = value[0] if isinstance(value, list) else value
    if isinstance(first, exp.Lock | exp.Into):
        return _not_allowed(first)
    words = name.strip("_").replace("_", " ").upper()
    where = "on a table" if isinstance(node, exp.Table) else "in a query"
    return f"{words} is not allowed {where}: write plain SELECT queries over tables."


def _check_named(node: exp.Expr, rules: DialectRules) -> None:
    name = node.this
    if not isinstance(name, str) or name.casefold() not in rules.functions:
        raise Refused(f"The function {str(name)[:60]} is not allowed.", node)


def _check_aggregate(node: exp.Expr, rules: DialectRules) -> None:
    if rules.name != "clickhouse" or not is_aggregate(str(node.this)):
        raise Refused(f"The function {str(node.this)[:60]} is not allowed.", node)


def _check_series(node: exp.Expr, rules: DialectRules) -> None:
    check_series(node)


def _check_padding(node: exp.Expr, rules: DialectRules) -> None:
    check_padding(node)


def _check_type(node: exp.Expr, rules: DialectRules) -> None:
    if node.this == exp.DataType.Type.USERDEFINED:
        raise Refused("Types of one's own are not allowed in a query.", node.parent)
    if node.this not in TYPES:
        raise Refused(
            f"The type {str(node.this.value)[:40]} is not allowed in a query.", node.parent
        )


def _check_column(node: exp.Expr, rules: DialectRules) -> None:
    identifier = node.this
    is_plain = isinstance(identifier, exp.Identifier) and not identifier.args.get("quoted")
    if is_plain and not node.args.get("table") and node.name.casefold() in PSEUDO_COLUMNS:
        raise Refused(f"{node.name} is not allowed.", node)
    if rules.has_sequences and node.name.casefold() in ("nextval", "currval"):
        raise Refused("Sequences are not allowed: queries only read.", node)


def _check_identifier(node: exp.Expr, rules: DialectRules) -> None:
    """Some databases read a backslash in a name as an escape, so that it could end elsewhere."""
    if "\\" in node.name:
        raise Refused("Names cannot contain a backslash.", node)


def _check_table(node: exp.Expr, rules: DialectRules) -> None:
    if node.args.get("when") or node.args.get("version"):
        raise Refused("Tables can only be read as they are now.", node)


def _check_in(node: exp.Expr, rules: DialectRules) -> None:
    """`x IN name` reads a table in SQLite and ClickHouse, and there `x IN (name)` as well."""
    inside = node.args.get("expressions") or []
    lone = inside[0] if len(inside) == 1 and rules.name == "clickhouse" else None
    while isinstance(lone, exp.Paren):
        lone = lone.this
    is_value = isinstance(lone, exp.Column) and is_token(lone.name)
    names_something = isinstance(lone, exp.Column | exp.Dot | exp.Identifier) and not is_value
    if names_something or (node.args.get("field") and not rules.in_takes_lists):
        raise Refused("Write the values of IN in parentheses, or a SELECT.", node)


def _check_dot(node: exp.Expr, rules: DialectRules) -> None:
    if isinstance(node.expression, exp.Func) or isinstance(node.this, exp.Literal):
        raise Refused("Write functions without the name of a schema or a value before them.", node)


def _check_columns(node: exp.Expr, rules: DialectRules) -> None:
    chosen = node.this
    if not isinstance(chosen, exp.Star | exp.Lambda) and not chosen.is_string:
        raise Refused("Write COLUMNS(*) or COLUMNS with a pattern in quotes.", node)


def _check_limit_options(node: exp.Expr, rules: DialectRules) -> None:
    if node.args.get("percent") or node.args.get("with_ties"):
        raise Refused("Write LIMIT with a plain number of rows.", node.parent)


_CHECKS: dict[type[exp.Expr], Callable[[exp.Expr, DialectRules], None]] = {
    exp.GenerateSeries: _check_series,
    exp.ExplodingGenerateSeries: _check_series,
    exp.Pad: _check_padding,
    exp.DataType: _check_type,
    exp.Column: _check_column,
    exp.Identifier: _check_identifier,
    exp.Table: _check_table,
    exp.In: _check_in,
    exp.Dot: _check_dot,
    exp.Columns: _check_columns,
    exp.LimitOptions: _check_limit_options,
}


@cache
def _plain(missing: frozenset[type[exp.Expr]]) -> frozenset[type[exp.Expr]]:
    """Kinds of which nothing has to be known but that they are on the lists."""
    special = {exp.Anonymous, *AGGREGATES, *ARGUMENTS, *_CHECKS, *missing}
    return frozenset(
        kind
        for kind in NODES | FUNCTIONS
        if kind not in special and not issubclass(kind, exp.SetOperation)
    )


def _not_allowed(node: exp.Expr) -> str:
    if isinstance(node, exp.Func):
        return f"The function {node.sql_name().lower()[:60]} is not allowed."
    if isinstance(node, exp.DML | exp.DDL | exp.Command):
        return f"Only SELECT queries can run: this one contains {statement_name(node)}."
    for kinds, reason in _REASONS:
        if isinstance(node, kinds):
            return reason
    return f"{type(node).__name__} is not allowed in a query."


_REASONS: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], str], ...] = (
    (exp.Lock, "Locking rows is not allowed: queries only read."),
    (exp.Into, "SELECT INTO is not allowed: queries only read."),
    (
        (exp.Placeholder, exp.Parameter),
        "Name a parameter as :name, without a place of its own here, or write the values.",
    ),
    (exp.SessionParameter, "Variables of the database are not allowed in a query."),
    (exp.ObjectIdentifier, "Types that look into the database's catalog are not allowed."),
    (exp.Hint, "Hints to the database are not allowed in a query."),
)
