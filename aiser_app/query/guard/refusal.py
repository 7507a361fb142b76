"""How the parts of the guard say no to each other; outside the guard a refusal is a verdict."""

from __future__ import annotations

from sqlglot import exp


class Refused(Exception):
    """The reason is for the person who wrote the query; the place is in the text that came in."""

    def __init__(self, reason: str, node: exp.Expr | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line, self.column = place_of(node)


def place_of(node: exp.Expr | None) -> tuple[int | None, int | None]:
    """Line and column, from 1, of the first piece of `node` whose place the parser kept.

    The parser keeps where a word ends; what is wanted is where it begins.
    """
    if node is None:
        return None, None
    for part in node.walk():
        line, end = part.meta.get("line"), part.meta.get("col")
        first, last = part.meta.get("start"), part.meta.get("end")
        if line and end and first is not None and last is not None:
            return line, max(1, end - (last - first))
    return None, None
