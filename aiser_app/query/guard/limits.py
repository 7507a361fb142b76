"""Limits of what a query may ask for before it runs: its length, its depth, the rows it makes up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from aiser_app.query.guard.refusal import Refused

MAX_CHARS = 100_000
"""Longest query text that is read at all."""
MAX_NESTING = 100
"""Deepest parentheses and brackets; real queries stay below 20."""
MAX_SERIES = 1_000_000
"""Most rows or list items that one generated series may have."""
MAX_EXPANSION = 2_000
"""Most SELECTs and tables in a query once every use of a WITH query is written out."""
MAX_EFFORT = 30_000
"""Most words that the parser may look at again because it did not know at first what they are."""
MAX_PADDING = 10_000
"""Longest text that lpad and rpad may make."""

_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})

_PLAIN_NAMES = """
ABS AVG COALESCE CONCAT CONCAT_WS COUNT FLOOR CEIL IF IFF IFNULL IIF LENGTH LOWER LTRIM MAX MIN
NULLIF NVL REPLACE ROUND RTRIM SUBSTR SUBSTRING SUM TRIM UPPER
"""
_PLAIN = frozenset(_PLAIN_NAMES.split())
"""Functions whose arguments are read and written once, in every dialect; people nest them deeply."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKET = re.compile(r"[()\[\]{}]")

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400, "WEEK": 604_800}
_SECONDS |= {"MONTH": 28 * 86_400, "QUARTER": 90 * 86_400, "YEAR": 365 * 86_400}


def check_text(sql: str) -> None:
    """Refuse what should not even be parsed.

    Raises:
        Refused: the text is empty, too long, too deep, or has control characters.
    """
    if not sql.strip():
        raise Refused("The query is empty.")
    if len(sql) > MAX_CHARS:
        raise Refused(f"The query is longer than {MAX_CHARS:,} characters.")
    if _CONTROL.search(sql):
        raise Refused("The query contains control characters.")
    if _SURROGATE.search(sql):
        raise Refused("The query is not valid Unicode.")
    if _nesting(sql) > MAX_NESTING:
        raise Refused(f"The query is nested more than {MAX_NESTING} levels deep.")


def _nesting(sql: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(sql):
        if bracket in "([{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def check_effort(tokens: Sequence[Token], types: Collection[TokenType]) -> None:
    """Refuse what would be read or written for ever, before that begins: nothing can stop it later.

    What stands in brackets is read twice where it could be a type or a value, and the arguments of
    some functions are written twice, for their dialect has no word for them. So each level of
    `ARRAY[ARRAY[…` may double the work, and thirty of them are days.

    Args:
        tokens: the words of the query.
        types: the words that begin a type.

    Raises:
        Refused: it could take too long.
    """
    effort, times = 0, 1
    allowed = MAX_EFFORT + 3 * len(tokens)
    is_doubled: list[bool] = []
    before: Token | None = None
    for token in tokens:
        kind = token.token_type
        if kind in _OPENING:
            is_doubled.append(kind is not TokenType.L_PAREN or _may_double(before, types))
            times <<= is_doubled[-1]
        elif kind in _CLOSING and is_doubled:
            times >>= is_doubled.pop()
        effort += times
        if effort > allowed:
            raise Refused("The query is nested too deeply.")
        before = token


def _may_double(before: Token | None, types: Collection[TokenType]) -> bool:
    """Whether what follows in parentheses after this word may be read or written twice."""
    if before is None:
        return False
    is_function = before.token_type is TokenType.VAR and before.text.upper() not in _PLAIN
    return is_function or before.token_type in types


def check_expansion(nodes: Sequence[exp.Expr]) -> None:
    """Refuse what takes for ever to plan: too many parts, or WITH queries that multiply each other.

    Most databases write out each use of a WITH query while they plan, where no time limit and no
    Stop reaches them: forty lines, each with two uses of the line before, never come to an end.

    Raises:
        Refused: written out, the query would be too large.
    """
    bodies: dict[str, list[exp.Expr]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, exp.CTE):
            bodies[node.alias.casefold()].append(node.this)
    sizes: dict[str, int] = {}

    def size(part: exp.Expr) -> int:
        """Of a table or SELECT; a WITH query that reads itself counts once there."""
        name = part.name.casefold() if isinstance(part, exp.Table) else ""
        if name not in bodies:
            return 1
        if name not in sizes:
            sizes[name] = 1
            sizes[name] = max(written_out(body.walk()) for body in bodies[name])
        return sizes[name]

    def written_out(inside: Iterable[exp.Expr]) -> int:
        parts = (node for node in inside if isinstance(node, exp.Table | exp.Select))
        return min(MAX_EXPANSION + 1, sum(size(part) for part in parts))

    if written_out(nodes) > MAX_EXPANSION:
        raise Refused(
            "The query is too large: with every use of its WITH queries written out, it has more "
            f"than {MAX_EXPANSION:,} SELECTs and tables."
        )


def check_series(node: exp.Expr) -> None:
    """Refuse a generated series whose length is unknown or too large.

    Raises:
        Refused: see above.
    """
    low, high = node.args.get("start"), node.args.get("end")
    step = node.args.get("step")
    length = _number_span(low, high, step)
    if length is None:
        length = _time_span(low, high, step)
    if length is None:
        raise Refused("A generated series needs its start, end and step written as plain values.")
    if length > MAX_SERIES:
        raise Refused(f"A generated series may have at most {MAX_SERIES:,} items.")


def check_padding(node: exp.Expr) -> None:
    """Refuse lpad and rpad to a width that is unknown or too large.

    Raises:
        Refused: see above.
    """
    width = _number(node.expression)
    if width is None or width > MAX_PADDING:
        raise Refused(f"Padding needs a width written as a number up to {MAX_PADDING:,}.")


def _number(node: object) -> float | None:
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Literal) and not node.is_string:
        try:
            return float(node.this)
        except ValueError:
            return None
    return None


def _number_span(low: object, high: object, step: object) -> float | None:
    first, last = _number(low), _number(high)
    width = 1.0 if step is None else _number(step)
    if first is None or last is None or not width:
        return None
    return abs((last - first) / width)


def _time_span(low: object, high: object, step: object) -> float | None:
    first, last, width = _moment(low), _moment(high), _interval(step)
    if first is None or last is None or not width:
        return None
    return abs((last - first).total_seconds()) / width


def _moment(node: object) -> datetime | None:
    """A date or time written as a plain value; zones do not matter for a rough length."""
    if not isinstance(node, exp.Cast) or not isinstance(node.this, exp.Literal):
        return None
    try:
        return datetime.fromisoformat(node.this.this).replace(tzinfo=None)
    except ValueError:
        return None


def _interval(node: object) -> float | None:
    """Seconds of an interval written as a plain value; an unknown unit has no length."""
    if not isinstance(node, exp.Interval):
        return None
    count = node.this
    try:
        number = float(count.this) if isinstance(count, exp.Literal) else None
    except ValueError:
        return None
    unit = node.args.get("unit")
    seconds = _SECONDS.get(str(unit.this).upper().removesuffix("S")) if unit is not None else None
    return None if number is None or seconds is None else abs(number * seconds)
