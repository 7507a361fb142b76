"""Columns of a subquery that are columns of one of its tables, unchanged."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.query.federation.relations import Relation, find

_STOPS = ("limit", "offset", "sample", "qualify", "windows", "connect", "match", "kind")


def passed_down(
    select: exp.Select,
    columns: set[str],
    relations: list[Relation],
    *,
    only_values: bool = False,
) -> tuple[Relation, dict[str, str]] | None:
    """(the relation that all of `columns` come from, their names in it); None when there is none.

    With `only_values` it is enough that the values occur there; otherwise a condition on the
    columns must also mean the same inside of the query as outside: before its groups, windows and
    limits as after them.
    """
    if not only_values and not _is_transparent(select, columns, relations):
        return None
    names: dict[str, str] = {}
    found: Relation | None = None
    for column in columns:
        inner = _inner(select, column, relations)
        relation = find(inner, relations) if inner is not None else None
        if inner is None or relation is None or found not in (None, relation):
            return None
        found, names[column] = relation, inner.name.casefold()
    return (found, names) if found is not None else None


def _inner(select: exp.Select, column: str, relations: list[Relation]) -> exp.Column | None:
    """What the SELECT gives under this name, if it is a plain column and the only one."""
    given: list[exp.Column] = []
    for item in select.expressions:
        if item.is_star:
            given.extend(_of_star(item, column, relations))
        elif item.alias_or_name.casefold() == column:
            plain = item.unalias()
            if not isinstance(plain, exp.Column):
                return None
            given.append(plain)
    return given[0] if len(given) == 1 else None


def _of_star(item: exp.Expr, column: str, relations: list[Relation]) -> list[exp.Column]:
    star = item.this if isinstance(item, exp.Column) else item
    if not isinstance(star, exp.Star) or any(star.args.values()):
        return [exp.column(column), exp.column(column)]  # changed on the way: not to be told
    alias = item.table.casefold() if isinstance(item, exp.Column) else ""
    return [
        exp.column(column, table=relation.alias)
        for relation in relations
        if column in (relation.columns or (column,)) and alias in ("", relation.alias)
        if relation.kind not in ("SEMI", "ANTI")
    ]


def _is_transparent(select: exp.Select, columns: set[str], relations: list[Relation]) -> bool:
    """Whether leaving out rows before this SELECT is the same as leaving out its own."""
    if any(select.args.get(key) for key in _STOPS) or select.find(exp.Window) is not None:
        return False
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        return False
    group = select.args.get("group")
    has_aggregates = select.args.get("having") is not None or any(
        item.find(exp.AggFunc) is not None for item in select.expressions
    )
    if group is None:
        return not has_aggregates and not any(
            item.find(exp.Explode, exp.Unnest, exp.Rand) for item in select.expressions
        )
    return _are_keys(select, group, columns, relations)


def _are_keys(
    select: exp.Select, group: exp.Group, columns: set[str], relations: list[Relation]
) -> bool:
    if any(value for key, value in group.args.items() if key not in ("expressions", "all")):
        return False  # GROUPING SETS, ROLLUP, CUBE give rows of their own
    if group.args.get("all"):
        return True  # every plain column is a key
    keys: set[tuple[Relation | None, str]] = set()
    for key in group.expressions:
        meant = _meant(select, key)
        if isinstance(meant, exp.Column):
            keys.add((find(meant, relations), meant.name.casefold()))
    for column in columns:
        inner = _inner(select, column, relations)
        if inner is None or (find(inner, relations), inner.name.casefold()) not in keys:
            return False
    return True


def _meant(select: exp.Select, key: exp.Expr) -> exp.Expr:
    """A key of GROUP BY, which may be the position of a column."""
    if isinstance(key, exp.Literal) and not key.is_string and str(key.this).isdecimal():
        position = int(key.this) - 1
        if position < len(select.expressions) and not select.is_star:
            item: exp.Expr = select.expressions[position]
            return item.unalias()
    return key
