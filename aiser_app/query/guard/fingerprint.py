"""What is the same about two queries, and which tables a query names, before it is judged."""

from __future__ import annotations

import hashlib

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from aiser_app.query.guard.dialects import rules_of
from aiser_app.query.guard.limits import check_text
from aiser_app.query.guard.names import is_visible_cte
from aiser_app.query.guard.reading import statements_of
from aiser_app.query.guard.refusal import Refused

_LITERALS = frozenset(
    {
        TokenType.STRING,
        TokenType.NUMBER,
        TokenType.NATIONAL_STRING,
        TokenType.RAW_STRING,
        TokenType.HEX_STRING,
        TokenType.BIT_STRING,
        TokenType.BYTE_STRING,
        TokenType.UNICODE_STRING,
        TokenType.HEREDOC_STRING,
    }
)
_NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})
_VALUE_ENDS = _LITERALS | _NAMES | {TokenType.R_PAREN, TokenType.R_BRACKET}
_LITERAL = "?"


def fingerprint(sql: str, dialect: str) -> str:
    """Equal for queries that differ in literals, white space, comments and capitals of keywords.

    A hexadecimal digest; of text that is no SQL, the digest of the text itself.
    """
    try:
        words = _words(Dialect.get_or_raise(rules_of(dialect).name).tokenize(sql))
    except (Refused, SqlglotError, RecursionError, ValueError):
        words = [sql.strip()]
    return _digest(words)


def fingerprint_of(tokens: list[Token]) -> str:
    """As `fingerprint`, for a text whose words are known already."""
    return _digest(_words(tokens))


def _digest(words: list[str]) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _words(tokens: list[Token]) -> list[str]:
    words: list[str] = []
    before = None
    for position, token in enumerate(tokens):
        if token.token_type in _LITERALS:
            if words and words[-1] == "-" and _is_sign(tokens, position - 1):
                words.pop()
            words.append(_LITERAL)
            _shorten_list(words)
        elif token.token_type is TokenType.IDENTIFIER:
            words.append(f'"{token.text}"')
        elif token.token_type is TokenType.VAR:
            words.append(token.text.upper() if _is_call(tokens, position) else token.text)
        else:
            words.append(token.text.upper())
        before = token
    if before is not None and before.token_type is TokenType.SEMICOLON:
        words.pop()
    return words


def _is_sign(tokens: list[Token], position: int) -> bool:
    """Whether the minus at `position` belongs to the number after it."""
    return position == 0 or tokens[position - 1].token_type not in _VALUE_ENDS


def _is_call(tokens: list[Token], position: int) -> bool:
    after = tokens[position + 1] if position + 1 < len(tokens) else None
    return after is not None and after.token_type is TokenType.L_PAREN


def _shorten_list(words: list[str]) -> None:
    """`IN (1, 2, 3)` and `IN (4)` are the same query."""
    if words[-5:] == ["IN", "(", _LITERAL, ",", _LITERAL]:
        del words[-2:]


def references(sql: str, dialect: str) -> tuple[tuple[str, str, str], ...]:
    """(catalog, schema, name) of the tables that a query names, as it spells them, each once.

    Common table expressions are left out. Text that cannot be read names no tables.
    """
    try:
        rules = rules_of(dialect)
        check_text(sql)
        found: dict[tuple[str, str, str], None] = {}
        for root in statements_of(sql, rules.name):
            for table in root.find_all(exp.Table) if root is not None else ():
                if not isinstance(table.this, exp.Identifier):
                    continue
                if table.db or not is_visible_cte(table, rules):
                    found[(table.catalog, table.db, table.name)] = None
    except (Refused, SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError):
        return ()
    return tuple(found)
