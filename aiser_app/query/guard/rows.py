"""The number of rows that a query may return, pushed into its text."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from aiser_app.query.guard.refusal import Refused

_PLAIN_NUMBER = "Write LIMIT with a plain number."


def limited(root: exp.Query, nodes: Collection[exp.Expr], rows: int | None) -> exp.Query:
    """The same query with at most `rows` rows; a smaller limit of its own stays.

    FETCH FIRST, among the nodes of the query, becomes LIMIT, which every dialect writes in its own
    way.

    Raises:
        Refused: its own limit is not a plain number.
    """
    for fetch in nodes:
        if isinstance(fetch, exp.Fetch):
            count = fetch.args.get("count") or exp.Literal.number(1)
            fetch.replace(exp.Limit(expression=count))
    own = root.args.get("limit")
    if own is not None:
        asked = _number(own.expression)
        if own.args.get("expressions"):
            # LIMIT n BY: so many rows of each group.
            root = exp.Select(
                expressions=[exp.Star()], from_=exp.From(this=root.subquery("limited_by"))
            )
        elif rows is not None:
            rows = min(rows, asked)
    if rows is not None:
        root.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return root


def _number(asked: object) -> int:
    if isinstance(asked, exp.Paren):
        asked = asked.this
    if not isinstance(asked, exp.Literal) or asked.is_string or not str(asked.this).isdigit():
        raise Refused(_PLAIN_NUMBER)
    return int(asked.this)
