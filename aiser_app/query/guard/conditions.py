"""The condition of a row policy: one expression over the columns of one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from aiser_app.domain.policy import GrantedTable, RowPolicy
from aiser_app.domain.verdict import ParameterValue
from aiser_app.query.guard.dialects import DialectRules, rules_of, small
from aiser_app.query.guard.limits import check_text
from aiser_app.query.guard.nodes import check_node
from aiser_app.query.guard.parameters import Binder, parameter_name
from aiser_app.query.guard.reading import worded
from aiser_app.query.guard.refusal import Refused

_COMPARISONS = (exp.Binary, exp.In, exp.Between)


def condition_problem(condition: str, *, dialect: str, table: GrantedTable) -> str | None:
    """What is wrong with a condition, in words, or None: for whoever writes policies."""
    try:
        rules = rules_of(dialect)
        _checked_columns(_parsed(condition, rules.name), table, rules)
    except Refused as refused:
        return refused.reason
    return None


def bound_condition(
    policy: RowPolicy,
    table: GrantedTable,
    *,
    qualifier: str,
    attributes: Mapping[str, str],
    binder: Binder,
    rules: DialectRules,
) -> exp.Expr:
    """The condition with every column named `qualifier.column` and every attribute bound.

    A column without a qualifier could mean one of an outer query if the table had none of its name.

    Raises:
        Refused: the condition may not be used, or the actor lacks an attribute.
    """
    try:
        found = _parsed(policy.condition, rules.name)
        _checked_columns(found, table, rules)
    except Refused as refused:
        raise Refused(
            f"The row policy “{policy.name}” cannot be applied, so its table cannot be read: "
            f"{refused.reason}"
        ) from None
    root = exp.Paren(this=found.copy())
    for column in root.find_all(exp.Column):
        column.set("table", exp.Identifier(this=qualifier, quoted=False))
    for node in list(root.find_all(exp.Placeholder, exp.Parameter)):
        name = parameter_name(node, rules)
        if name not in attributes:
            raise Refused(
                f"The row policy “{policy.name}” needs the attribute “{name}” of yours, which is "
                "not set: ask an administrator to set it."
            )
        node.replace(binder.place(name, _typed(name, attributes[name], node, table)))
    return root


@lru_cache(maxsize=512)
def _parsed(condition: str, dialect: str) -> exp.Expr:
    """The condition as a tree of allowed nodes; it is shared, so copy it before changing it."""
    rules = rules_of(dialect)
    check_text(condition)
    try:
        reader, words = worded(condition, dialect)
        found = reader.parser(error_level=ErrorLevel.IMMEDIATE).parse_into(
            exp.Condition, words, condition
        )
    except (SqlglotError, RecursionError):
        raise Refused(f"The condition could not be read as {dialect} SQL.") from None
    if len(found) != 1 or found[0] is None:
        raise Refused("The condition must be one expression.")
    for node in found[0].walk():
        _check(node, rules)
    return found[0]


def _check(node: exp.Expr, rules: DialectRules) -> None:
    if isinstance(node, exp.Placeholder | exp.Parameter):
        parameter_name(node, rules)
        return
    if isinstance(node, exp.Query | exp.Table | exp.Exists):
        raise Refused("A condition cannot contain a query of its own.")
    if isinstance(node, exp.AggFunc | exp.Window | exp.Star | exp.Lambda | exp.Alias):
        raise Refused("A condition can only compare values of one row.")
    check_node(node, rules)


def _checked_columns(condition: exp.Expr, table: GrantedTable, rules: DialectRules) -> None:
    own = {small(name) for name in (table.name, table.name.rpartition(".")[2])}
    known = {small(name) for name in table.columns}
    for column in condition.find_all(exp.Column):
        if column.args.get("db") or (column.table and small(column.table) not in own):
            raise Refused(f"{column.sql()} is not a column of {table.name}.")
        if known and not _is_known(column.this, table.columns, known, rules):
            raise Refused(f"{table.name} has no column {column.name[:60]}.")


def _is_known(
    name: exp.Expr, columns: Collection[str], small_columns: set[str], rules: DialectRules
) -> bool:
    if name.args.get("quoted") and not rules.ignores_case:
        return str(name.this) in columns
    return small(str(name.this)) in small_columns


def _typed(name: str, value: str, place: exp.Expr, table: GrantedTable) -> ParameterValue:
    """An attribute as a value of the type of the column that it is compared with."""
    around = place.parent
    if not isinstance(around, _COMPARISONS):
        return value
    types = {small(column): kind for column, kind in table.column_types.items()}
    columns = (part for part in around.iter_expressions() if isinstance(part, exp.Column))
    kind = next((types[small(c.name)] for c in columns if small(c.name) in types), "string")
    try:
        return _converted(value, kind)
    except (ValueError, InvalidOperation):
        raise Refused(
            f"Your attribute “{name}” is compared with a column of the type {kind}, "
            "which it does not fit: ask an administrator to correct it."
        ) from None


def _converted(value: str, kind: str) -> ParameterValue:
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value.casefold(), value)
    readers = {
        "integer": int,
        "number": float,
        "decimal": Decimal,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
    }
    reader = readers.get(kind)
    return value if reader is None else reader(value)  # type: ignore[operator]
