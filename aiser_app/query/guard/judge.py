"""The verdict on a query: parse, compare with the allow-lists, limit, write anew.

What runs is the text written from the judged tree, never the text that came in, so a difference
between how the guard and an engine read comments, quotes or dialect tricks has no effect.
Every way in which reading can fail ends in `Denied`.
"""

from __future__ import annotations

import logging

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from aiser_app.domain.actor import Claims
from aiser_app.domain.verdict import Allowed, Denied, Verdict
from aiser_app.query.guard.allowed import FUNCTIONS, NAMED_FUNCTIONS, NODES, PSEUDO_COLUMNS
from aiser_app.query.guard.limits import check_padding, check_series, check_text
from aiser_app.query.guard.names import TableNames, tables_used
from aiser_app.query.guard.refusal import Refused

# The parser logs the text of statements that it cannot read; what people type stays out of logs.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_UNREADABLE = "The query could not be read as {dialect} SQL{where}."
_TOO_DEEP = "The query is nested too deeply."


def judge(
    sql: str, *, dialect: str, tables: tuple[str, ...], claims: Claims, limit: int
) -> Verdict:
    """Decide whether `sql` may run, and as which text.

    Args:
        sql: what somebody or something wants to run; trusted in no way.
        dialect: sqlglot's name of the engine's dialect.
        tables: the tables that may be read.
        claims: whose query it is; handed on in the verdict.
        limit: rows wanted; one more is asked of the engine, to see whether there are more.
    """
    try:
        check_text(sql)
        root = _parse(sql, dialect)
        used, columns = _check(root, tables)
        rendered = _render(_limited(root, limit + 1), dialect)
        again, _ = _check(_parse(rendered, dialect), tables)
    except Refused as refused:
        return Denied(reason=refused.reason)
    except RecursionError:
        return Denied(reason=_TOO_DEEP)
    except SqlglotError as error:
        return Denied(reason=_UNREADABLE.format(dialect=dialect, where=_position(error)))
    except Exception as error:  # noqa: BLE001 - fail closed, whatever a parser does wrong
        logging.getLogger(__name__).warning("guard failed closed on %s", type(error).__name__)
        return Denied(reason=_UNREADABLE.format(dialect=dialect, where=""))
    if set(again) != set(used):
        return Denied(reason="The query could not be rewritten safely.")
    return Allowed(sql=rendered, tables=used, columns=columns, claims=claims)


def _parse(sql: str, dialect: str) -> exp.Query:
    statements = [
        statement
        for statement in sqlglot.parse(sql, read=dialect, error_level=ErrorLevel.IMMEDIATE)
        if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(statements) != 1:
        raise Refused("Write exactly one query.")
    root: exp.Expr = statements[0]
    while isinstance(root, exp.Subquery) and root.is_wrapper:
        root = root.this
    if not isinstance(root, exp.Select | exp.SetOperation):
        raise Refused(f"Only SELECT queries can run, not {_statement_name(root)}.")
    return root


def _statement_name(node: exp.Expr) -> str:
    word = str(node.this) if isinstance(node, exp.Command) else type(node).__name__
    return word.upper()[:40]


def _check(root: exp.Expr, tables: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare every node with the allow-lists; return the tables and columns in use."""
    for node in root.walk():
        _check_node(node)
    used = tables_used(root, TableNames(tables))
    columns = {column.name for column in root.find_all(exp.Column)}
    return used, tuple(sorted(columns))


def _check_node(node: exp.Expr) -> None:
    kind = type(node)
    if kind is exp.Anonymous:
        _check_named(node)
    elif kind not in NODES and kind not in FUNCTIONS:
        raise Refused(_not_allowed(node))
    if isinstance(node, exp.GenerateSeries):
        check_series(node)
    elif isinstance(node, exp.Pad):
        check_padding(node)
    elif isinstance(node, exp.DataType) and node.this == exp.DataType.Type.USERDEFINED:
        raise Refused("Types of one's own are not allowed in a query.")
    elif isinstance(node, exp.Column):
        _check_column(node)
    elif isinstance(node, exp.Table) and (node.args.get("when") or node.args.get("version")):
        raise Refused("Tables can only be read as they are now.")


def _check_named(node: exp.Expr) -> None:
    name = node.this
    if not isinstance(name, str) or name.casefold() not in NAMED_FUNCTIONS:
        raise Refused(f"The function {str(name)[:60]} is not allowed.")


def _check_column(node: exp.Column) -> None:
    identifier = node.this
    is_plain = isinstance(identifier, exp.Identifier) and not identifier.args.get("quoted")
    if is_plain and not node.table and node.name.casefold() in PSEUDO_COLUMNS:
        raise Refused(f"{node.name} is not allowed.")


def _not_allowed(node: exp.Expr) -> str:
    if isinstance(node, exp.Func):
        return f"The function {node.sql_name().lower()[:60]} is not allowed."
    if isinstance(node, exp.Lock):
        return "Locking rows is not allowed: queries only read."
    if isinstance(node, exp.Into):
        return "SELECT INTO is not allowed: queries only read."
    if isinstance(node, exp.DML | exp.DDL | exp.Command):
        return f"Only SELECT queries can run: this one contains {_statement_name(node)}."
    if isinstance(node, exp.Fetch | exp.LimitOptions):
        return "Write the number of rows as LIMIT with a plain number."
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return "Parameters are not allowed here: write the values."
    return f"{type(node).__name__} is not allowed in a query."


def _limited(root: exp.Query, rows: int) -> exp.Query:
    """The same query with at most `rows` rows; a smaller limit of its own stays."""
    own = root.args.get("limit")
    if own is not None:
        asked = own.expression
        if not isinstance(asked, exp.Literal) or asked.is_string or not str(asked.this).isdigit():
            raise Refused("Write LIMIT with a plain number.")
        rows = min(rows, int(asked.this))
    root.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return root


def _render(root: exp.Query, dialect: str) -> str:
    return root.sql(
        dialect=dialect, comments=False, pretty=True, unsupported_level=ErrorLevel.RAISE
    )


def _position(error: SqlglotError) -> str:
    """Where reading stopped: line and column only, never a piece of the text."""
    details = getattr(error, "errors", None)
    if not details or not details[0].get("line"):
        return ""
    return f" (line {details[0]['line']}, column {details[0]['col']})"
