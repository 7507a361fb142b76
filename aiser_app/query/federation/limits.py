"""How many rows of a table can matter to a query with a LIMIT."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.query.federation.addresses import Reference
from aiser_app.query.federation.pushdown import conjuncts

_ROW_BY_ROW = frozenset({"expressions", "from_", "where", "limit", "offset", "with_"})
"""Parts of a SELECT that take rows as they come, each for itself."""


def rows_that_matter(
    root: exp.Query, reference: Reference, filters: int, is_exact: bool, limit: int | None
) -> int | None:
    """The most rows of a table that the answer can need; None when it may need all.

    Only for a query, or one side of a UNION ALL, that lists rows of this table alone, and whose
    conditions (`filters` of them were understood) the source applies exactly.
    """
    select = reference.node.find_ancestor(exp.Select)
    if select is None or not _lists_rows(select, reference):
        return None
    where = select.args.get("where")
    written = len(list(conjuncts(where.this))) if where is not None else 0
    if written != filters or not is_exact:
        return None
    around: exp.Expr | None = select
    while isinstance(around, exp.Select | exp.Union):
        if isinstance(around, exp.Union) and not _hands_on_rows(around):
            return None
        is_limited = bool(around.args.get("limit") or around.args.get("offset"))
        if is_limited or around is root:
            return _wanted(around, limit if around is root else None)
        around = around.parent
    return None


def _lists_rows(select: exp.Select, reference: Reference) -> bool:
    used = {key for key, value in select.args.items() if value}
    from_ = select.args.get("from_")
    if not used <= _ROW_BY_ROW or from_ is None or from_.this is not reference.node:
        return False
    if reference.node.args.get("sample") or reference.node.args.get("joins"):
        return False
    return not any(
        item.find(exp.AggFunc, exp.Window, exp.Query, exp.Anonymous, exp.Explode, exp.Unnest)
        for item in select.expressions
    )


def _hands_on_rows(union: exp.Union) -> bool:
    """UNION ALL without an order of its own."""
    is_all = union.args.get("distinct") is False and not union.args.get("by_name")
    return is_all and not union.args.get("order")


def _wanted(query: exp.Expr, limit: int | None) -> int | None:
    """Rows up to the end of its own LIMIT, or of the one that the guard will add."""
    own, skipped = _number(query, "limit"), _number(query, "offset")
    if own is None or skipped is None:
        return None
    ends = [end for end in (own, float("inf") if limit is None else limit + 1) if end >= 0]
    least = min(ends)
    return None if least == float("inf") else int(least) + int(skipped)


def _number(query: exp.Expr, key: str) -> float | None:
    """The plain number of a LIMIT or OFFSET; None when it is something else."""
    clause = query.args.get(key)
    if clause is None:
        return float("inf") if key == "limit" else 0
    number = clause.expression
    is_plain = isinstance(number, exp.Literal) and str(number.this).isdecimal()
    return int(str(number.this)) if is_plain and not clause.args.get("limit_options") else None
