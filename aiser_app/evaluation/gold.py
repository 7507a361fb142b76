"""Accepted queries as question sets write them: alternatives by `;`, `{a, b}` for columns of choice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date

MOST_COLUMNS = 8
"""In one pair of braces: every non-empty subset of them is a query."""
MOST_VARIANTS = 600
_BRACES = re.compile(r"\{([^{}]*)\}")
_EMPTY_BRACES = re.compile(r"\{\s*\}")
_ALIAS = re.compile(r"\s+AS\s+[\w\"]+\s*$", re.IGNORECASE)
_TODAY = re.compile(r"\bCURRENT_DATE\b(?:\s*\(\s*\))?", re.IGNORECASE)
_QUOTED = re.compile(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")")


def variants_of(gold: str, today: date | None = None) -> Iterator[str]:
    """Every accepted query; with `today` the current date is that day in all of them."""
    found = itertools.chain.from_iterable(_subsets(text) for text in alternatives_of(gold))
    for sql in itertools.islice(found, MOST_VARIANTS):
        yield sql if today is None else _on(sql, today)


def alternatives_of(gold: str) -> list[str]:
    """The queries between the semicolons; those within quotes separate nothing."""
    found = [""]
    for piece in _QUOTED.split(gold):
        if _QUOTED.fullmatch(piece):
            found[-1] += piece
            continue
        first, *rest = piece.split(";")
        found[-1] += first
        found.extend(rest)
    return [text.strip() for text in found if text.strip()]


def problem_with(gold: str) -> str:
    """What is wrong with the way it is written; empty when nothing is."""
    queries = alternatives_of(gold)
    if not queries:
        return "the query is empty"
    for sql in queries:
        bare = _QUOTED.sub("", sql)
        if bare.count("{") != bare.count("}") or bare.count("(") != bare.count(")"):
            return "the query's braces do not match"
        if bare.count("'") or bare.count('"'):
            return "the query's quotes do not match"
        chosen = _BRACES.findall(sql)
        if any(len(_columns(text)) > MOST_COLUMNS for text in chosen):
            return f"the query has more than {MOST_COLUMNS} columns of choice"
        if _EMPTY_BRACES.search(sql) and not any(text.strip() for text in chosen):
            return "the query has {} without columns of choice"
        if not re.match(r"\s*(?:\(*\s*SELECT|WITH)\b", sql, re.IGNORECASE):
            return "the query is not a SELECT"
    return ""


def is_ordered(sql: str) -> bool:
    """Whether a query says an order for its whole result, as far as its text tells."""
    depth, text = 0, []
    for piece in _QUOTED.split(sql):
        if _QUOTED.fullmatch(piece):
            continue
        for character in piece:
            depth += (character == "(") - (character == ")")
            if depth == 0:
                text.append(character)
    return bool(re.search(r"\bORDER\s+BY\b", "".join(text), re.IGNORECASE))


def _subsets(sql: str) -> Iterator[str]:
    """Largest choices first: that is what most answers show."""
    found = next((m for m in _BRACES.finditer(sql) if m.group(1).strip()), None)
    if found is None:
        yield sql
        return
    columns = _columns(found.group(1))
    for size in range(len(columns), 0, -1):
        for chosen in itertools.combinations(columns, size):
            plain = ", ".join(_ALIAS.sub("", column) for column in chosen)
            head, tail = sql[: found.start()] + ", ".join(chosen), sql[found.end() :]
            following = _BRACES.search(tail)
            if following is not None and not following.group(1).strip():
                tail = tail[: following.start()] + plain + tail[following.end() :]
            yield from _subsets(head + tail)


def _columns(text: str) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _on(sql: str, today: date) -> str:
    pieces = _QUOTED.split(sql)
    return "".join(
        piece if _QUOTED.fullmatch(piece) else _TODAY.sub(f"DATE '{today.isoformat()}'", piece)
        for piece in pieces
    )
