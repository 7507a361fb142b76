"""The last look: in the text that will run, no table with policies stands outside its wrapper.

The wrappers are put into a tree, and the text is written from it and read again. Each wrapper that
is found there must be, word for word, what the policies say, and around every such table.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from aiser_app.query.guard.names import TableUse
from aiser_app.query.guard.parameters import Binder, without_tokens
from aiser_app.query.guard.policies import INNER, Injection, TablePolicies
from aiser_app.query.guard.reading import parse, render
from aiser_app.query.guard.refusal import Refused

_UNSAFE = "The query could not be rewritten safely."


def prove(uses: list[TableUse], injection: Injection) -> None:
    """Compare every place that reads a table with policies with the wrapper that it must have.

    Args:
        uses: the places in the tree that was read from the written text.
        injection: what was injected.

    Raises:
        Refused: one of them is not as it must be.
    """
    seen: Counter[str] = Counter()
    expected: dict[str, str] = {}
    for use in uses:
        found = injection.of_table(use.granted)
        if found.is_empty:
            continue
        seen[use.granted] += 1
        spelled = ".".join(part.sql() for part in use.node.parts)
        if spelled not in expected:
            expected[spelled] = _expected(use, found, injection)
        wrapper = _wrapper_around(use.node, found)
        if wrapper is None or _shape(wrapper, injection) != expected[spelled]:
            raise Refused(_UNSAFE)
    if dict(seen) != injection.wrapped:
        raise Refused(_UNSAFE)


def _wrapper_around(table: exp.Table, found: TablePolicies) -> exp.Expr | None:
    """The query that should be the wrapper: as many steps above the table as it has."""
    select = _select_above(table.parent if isinstance(table.parent, exp.Final) else table)
    if select is not None and found.rows and found.masks:
        below = select.parent
        if not isinstance(below, exp.Subquery) or below.alias != INNER:
            return None
        select = _select_above(below)
    return select


def _select_above(node: exp.Expr) -> exp.Select | None:
    clause = node.parent
    select = clause.parent if isinstance(clause, exp.From) else None
    return select if isinstance(select, exp.Select) else None


def _shape(select: exp.Expr, injection: Injection) -> str:
    return without_tokens(render(select, injection.rules.name, pretty=False, keep=False))


def _expected(use: TableUse, found: TablePolicies, injection: Injection) -> str:
    """The wrapper of this table as it looks after it was written and read again."""
    again = Injection(injection.names, injection.policies, injection.claims, Binder())
    wrapper = exp.Subquery(
        this=again.wrapper(use.node, use.granted, found),
        alias=exp.TableAlias(this=exp.Identifier(this=INNER)),
    )
    around = exp.Select(expressions=[exp.Star()], from_=exp.From(this=wrapper))
    written = parse(render(around, injection.rules.name, pretty=False, keep=False), injection.rules)
    return _shape(written.args["from_"].this.this, injection)
