"""From text to a tree and back, with sqlglot."""

from __future__ import annotations

import logging

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from aiser_app.query.guard.dialects import DialectRules
from aiser_app.query.guard.nodes import statement_name
from aiser_app.query.guard.refusal import Refused

# The parser logs the text of statements that it cannot read; what people type stays out of logs.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def parse(sql: str, rules: DialectRules) -> exp.Query:
    """The one query that a text consists of.

    Raises:
        Refused: it is something else.
        SqlglotError: it cannot be read.
    """
    statements = [
        statement
        for statement in sqlglot.parse(sql, read=rules.name, error_level=ErrorLevel.IMMEDIATE)
        if statement is not None and not isinstance(statement, exp.Semicolon)
    ]
    if len(statements) != 1:
        raise Refused("Write exactly one query.")
    root: exp.Expr = statements[0]
    while isinstance(root, exp.Subquery) and root.is_wrapper:
        root = root.this
    if not isinstance(root, exp.Select | exp.SetOperation):
        raise Refused(f"Only SELECT queries can run, not {statement_name(root)}.", root)
    return root


def render(root: exp.Expr, dialect: str, *, pretty: bool = True, keep: bool = True) -> str:
    """The tree as text, without comments; unless it is kept, the tree is worn out afterwards.

    Raises:
        SqlglotError: the dialect cannot say it.
    """
    return root.sql(
        dialect=dialect,
        comments=False,
        pretty=pretty,
        copy=keep,
        unsupported_level=ErrorLevel.RAISE,
    )
