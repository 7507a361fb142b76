"""The verdict on a query: parse, compare with the allow-lists, bind, limit, inject, write anew.

What runs is the text written from the judged tree, never the text that came in, so a difference
between how the guard and an engine read comments, quotes or dialect tricks has no effect.
Every way in which reading can fail ends in `Denied`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import NO_POLICIES, GrantedTable, Policies
from aiser_app.domain.verdict import Allowed, Denied, ParameterValue, Verdict
from aiser_app.query.guard.dialects import rules_of
from aiser_app.query.guard.fingerprint import fingerprint_of
from aiser_app.query.guard.limits import check_expansion, check_text
from aiser_app.query.guard.names import TableNames, TableUse, tables_used
from aiser_app.query.guard.nodes import check_nodes, nodes_of
from aiser_app.query.guard.parameters import Binder, bind, is_token, readable
from aiser_app.query.guard.policies import Injection
from aiser_app.query.guard.proof import prove
from aiser_app.query.guard.qualifiers import requalify, respell_all
from aiser_app.query.guard.reading import parse, parse_words, render, worded
from aiser_app.query.guard.refusal import Refused
from aiser_app.query.guard.rows import limited

Parameters = Mapping[str, ParameterValue | Sequence[ParameterValue]]

_UNREADABLE = "The query could not be read as {dialect} SQL{where}."
_TOO_DEEP = "The query is nested too deeply."
_UNSAFE = "The query could not be rewritten safely."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    sql: str
    names: TableNames
    claims: Claims
    limit: int | None
    policies: Policies
    parameters: Parameters


def judge(
    sql: str,
    *,
    dialect: str,
    tables: Collection[str] | Mapping[str, GrantedTable],
    claims: Claims,
    limit: int | None,
    policies: Policies = NO_POLICIES,
    parameters: Parameters | None = None,
    default_schema: str | None = None,
) -> Verdict:
    """Decide whether `sql` may run, and as which statement.

    Args:
        sql: what somebody or something wants to run; trusted in no way.
        dialect: sqlglot's name of the engine's dialect.
        tables: the tables that may be read: names, or what is known of them by name.
        claims: whose query it is: attributes for row policies; handed on in the verdict.
        limit: rows wanted; one more is asked of the engine, to see whether there are more.
            None leaves the query as it is: somebody else limits its rows.
        policies: what this actor may see of the tables.
        parameters: values of the query's `:name`, lists for `IN (:name)`.
        default_schema: the schema of plain names, if it is not the dialect's usual one.
    """
    try:
        names = TableNames(tables, rules_of(dialect), default_schema)
        return _judged(
            _Request(
                sql=sql,
                names=names,
                claims=claims,
                limit=limit,
                policies=policies,
                parameters=parameters or {},
            )
        )
    except Refused as refused:
        return Denied(reason=refused.reason, line=refused.line, column=refused.column)
    except RecursionError:
        return Denied(reason=_TOO_DEEP)
    except SqlglotError as error:
        return _unreadable(dialect, error)
    except Exception as error:  # noqa: BLE001 - fail closed, whatever a parser does wrong
        logging.getLogger(__name__).warning("guard failed closed on %s", type(error).__name__)
        return Denied(reason=_UNREADABLE.format(dialect=dialect, where=""))


def _judged(request: _Request) -> Allowed:
    names, rules = request.names, request.names.rules
    check_text(request.sql)
    root = parse(readable(request.sql, rules), rules)
    nodes = nodes_of(root)
    check_expansion(nodes)
    binder = Binder()
    if bind(nodes, request.parameters, binder, rules):
        nodes = nodes_of(root)
    uses = _check(nodes, names)
    columns = {node.name for node in nodes if isinstance(node, exp.Column)}
    renamed = respell_all(uses, rules)
    injection = Injection(names, request.policies, request.claims, binder)
    injection.apply(root, uses)
    requalify(root, uses, renamed | injection.wrapped.keys(), names)
    rows = None if request.limit is None else request.limit + 1
    statement = binder.statement(_render(limited(root, nodes, rows), rules.name))
    again, tokens = _read_again(statement.sql, names)
    if {use.granted for use in again} != {use.granted for use in uses}:
        raise Refused(_UNSAFE)
    prove(again, injection)
    return Allowed(
        statement=statement,
        tables=tuple(dict.fromkeys(use.granted for use in uses)),
        columns=tuple(sorted(name for name in columns if not is_token(name))),
        claims=request.claims,
        policies=tuple(injection.applied),
        fingerprint="" if statement.parameters else fingerprint_of(tokens),
    )


def _check(nodes: list[exp.Expr], names: TableNames) -> list[TableUse]:
    check_nodes(nodes, names.rules)
    return tables_used(nodes, names)


def _read_again(sql: str, names: TableNames) -> tuple[list[TableUse], list[Token]]:
    """Judge the text that will run; places in it would tell nobody anything."""
    try:
        reader, tokens = worded(sql, names.rules.name)
        return _check(nodes_of(parse_words(sql, reader, tokens)), names), tokens
    except (Refused, SqlglotError):
        raise Refused(_UNSAFE) from None


def _render(root: exp.Query, dialect: str) -> str:
    return render(root, dialect, keep=False)


def _unreadable(dialect: str, error: SqlglotError) -> Denied:
    """Where reading stopped: line and column only, never a piece of the text."""
    details = getattr(error, "errors", None)
    if not details or not details[0].get("line"):
        return Denied(reason=_UNREADABLE.format(dialect=dialect, where=""))
    line = int(details[0]["line"])
    column = max(1, int(details[0]["col"]) - len(details[0].get("highlight") or " ") + 1)
    where = f" (line {line}, column {column})"
    return Denied(reason=_UNREADABLE.format(dialect=dialect, where=where), line=line, column=column)
