"""From text to a tree and back, with sqlglot."""

from __future__ import annotations

import logging

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel
from sqlglot.tokenizer_core import Token, TokenType

from aiser_app.query.guard.dialects import DialectRules
from aiser_app.query.guard.limits import check_effort
from aiser_app.query.guard.nodes import statement_name
from aiser_app.query.guard.refusal import Refused

_ARROWS = frozenset({TokenType.ARROW, TokenType.DARROW})
"""The parser takes them for JSON in SQL Server's SQL, where each would be written twice."""

# The parser logs the text of statements that it cannot read; what people type stays out of logs.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def parse(sql: str, rules: DialectRules) -> exp.Query:
    """The one query that a text consists of.

    Raises:
        Refused: it is something else.
        SqlglotError: it cannot be read.
    """
    return parse_words(sql, *worded(sql, rules.name))


def parse_words(sql: str, reader: Dialect, tokens: list[Token]) -> exp.Query:
    """As `parse`, for a text whose words are known already."""
    statements = [
        statement
        for statement in _statements(sql, reader, tokens)
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


def statements_of(sql: str, dialect: str) -> list[exp.Expr | None]:
    """What a text consists of, read as it stands, within bounded time.

    Raises:
        Refused: reading it would take too long.
        SqlglotError: it cannot be read.
    """
    return _statements(sql, *worded(sql, dialect))


def _statements(sql: str, reader: Dialect, tokens: list[Token]) -> list[exp.Expr | None]:
    return reader.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, sql)


def worded(sql: str, dialect: str) -> tuple[Dialect, list[Token]]:
    """The words of a text that a parser can read within bounded time. Raises as `statements_of`."""
    reader = Dialect.get_or_raise(dialect)
    tokens = reader.tokenize(sql)
    check_effort(tokens, reader.parser_class.TYPE_TOKENS)
    if dialect == "tsql" and any(token.token_type in _ARROWS for token in tokens):
        raise Refused("-> is not allowed: SQL Server has JSON_VALUE and JSON_QUERY.")
    return reader, tokens


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
