"""Which columns of each table a query needs. Rather one too many than one too few.

A column counts as used when its name occurs where it could mean that column. Names are compared
over the whole query, not per scope, unless one table of the same FROM certainly has the column: this
can only add columns, and needs no notion of scopes that might differ from DuckDB's. `*` takes all columns where their number or order matters, and those
whose names are used anywhere where it only hands a table on (`FROM (SELECT * FROM …)`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from aiser_app.query.federation.addresses import Reference, visible_cte
from aiser_app.query.federation.relations import Relation, Relations, find

_NARROW = ("boolean", "integer", "date", "number", "decimal", "timestamp")


@dataclass(slots=True)
class Names:
    """Names of columns in a query, casefolded."""

    bare: set[str] = field(default_factory=set)
    qualified: set[tuple[str, str]] = field(default_factory=set)
    certain: dict[Reference, set[str]] = field(default_factory=dict)

    @property
    def any(self) -> set[str]:
        certain = set().union(*self.certain.values()) if self.certain else set()
        return self.bare | certain | {name for _, name in self.qualified}


def needed_columns(tree: exp.Expr, references: list[Reference]) -> dict[Reference, tuple[str, ...]]:
    """Columns by reference, in the order of the table; empty where its columns are unknown."""
    names = _names(tree, Relations(references))
    whole, handed_on = _stars(tree, references)
    if _takes_whole_rows(tree, names):
        whole = set(references)
    found = {}
    for reference in references:
        known = reference.table.columns
        if reference in whole:
            found[reference] = known
            continue
        alias = reference.alias.casefold()
        wanted = names.any if reference in handed_on else names.bare
        wanted = wanted | names.certain.get(reference, set())
        used = tuple(
            column
            for column in known
            if column.casefold() in wanted or (alias, column.casefold()) in names.qualified
        )
        found[reference] = used or _narrowest(reference)
    return found


def _names(tree: exp.Expr, relations: Relations) -> Names:
    names = Names()
    known: dict[int, list[Relation]] = {}
    for column in tree.find_all(exp.Column):
        parts = [part.name.casefold() for part in column.parts if isinstance(part, exp.Identifier)]
        if len(parts) == 2 and not isinstance(column.this, exp.Star):
            names.qualified.add((parts[0], parts[1]))
            names.bare.add(parts[0])  # a field of a struct looks the same
        elif (meant := _certain(column, relations, known)) is not None:
            names.certain.setdefault(meant, set()).update(parts)
        else:
            names.bare.update(parts)
    for holder in tree.find_all(exp.Dot, exp.Star):
        names.bare.update(i.name.casefold() for i in holder.find_all(exp.Identifier))
    for join in tree.find_all(exp.Join):
        names.bare.update(i.name.casefold() for i in join.args.get("using") or ())
    return names


def _certain(
    column: exp.Column, relations: Relations, known: dict[int, list[Relation]]
) -> Reference | None:
    """The table that a bare name belongs to, if no other of the same FROM can have it."""
    select = column.find_ancestor(exp.Select)
    if select is None or column.table:
        return None
    if id(select) not in known:
        known[id(select)] = relations.of(select)
    found = find(column, known[id(select)])
    return found.reference if found is not None else None


def _takes_whole_rows(tree: exp.Expr, names: Names) -> bool:
    """Whether the set of a table's columns itself matters somewhere."""
    if any(join.method == "NATURAL" for join in tree.find_all(exp.Join)):
        return True
    if any(alias.args.get("columns") for alias in tree.find_all(exp.TableAlias)):
        return True
    aliases = {
        relation.alias_or_name.casefold()
        for relation in tree.find_all(exp.Table, exp.Subquery, exp.CTE)
    }
    unqualified = {c.name.casefold() for c in tree.find_all(exp.Column) if not c.table}
    return bool(unqualified & aliases) or any(map(_is_odd_star, tree.find_all(exp.Star)))


def _is_odd_star(star: exp.Star) -> bool:
    """A `*` that is neither in a list of columns nor in `count(*)`."""
    place = star.parent if isinstance(star.parent, exp.Column) else star
    return not isinstance(place.parent, exp.Select) and not (
        isinstance(place.parent, exp.Count) and place is star
    )


def _stars(tree: exp.Expr, references: list[Reference]) -> tuple[set[Reference], set[Reference]]:
    """(references of which all columns are needed, those that a `*` only hands on)."""
    by_node = {id(reference.node): reference for reference in references}
    whole: set[Reference] = set()
    handed_on: set[Reference] = set()
    for select in tree.find_all(exp.Select):
        if not _star_qualifiers(select) or isinstance(select.parent, exp.Exists):
            continue
        if _only_hands_on(select):
            handed_on.update(by_node[id(item)] for item in _covered(select) if id(item) in by_node)
        else:
            _take_all(select, by_node, whole, set())
    return whole, handed_on


def _star_qualifiers(select: exp.Select) -> list[str]:
    """Of each `*` in the list of columns: the table before it, empty when there is none."""
    found = []
    for item in select.expressions:
        if isinstance(item, exp.Star):
            found.append("")
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            found.append(item.table.casefold())
    return found


def _only_hands_on(select: exp.Select) -> bool:
    """Whether columns that nobody names can be left out without a change of meaning."""
    if select.args.get("distinct") is not None or _has_ordinals(select):
        return False
    parent = select.parent
    if isinstance(parent, exp.Subquery):
        return isinstance(parent.parent, exp.From | exp.Join) and not parent.args.get("joins")
    if isinstance(parent, exp.CTE):
        clause = parent.parent
        return isinstance(clause, exp.With) and not clause.args.get("recursive")
    return False


def _has_ordinals(select: exp.Select) -> bool:
    """GROUP BY 1, ORDER BY 2, GROUP BY ALL: they count columns."""
    group, order = select.args.get("group"), select.args.get("order")
    if group is not None and (group.args.get("all") or _any_number(group.expressions)):
        return True
    return order is not None and _any_number(
        item.this if isinstance(item, exp.Ordered) else item for item in order.expressions
    )


def _any_number(items: Iterable[exp.Expr]) -> bool:
    return any(
        isinstance(item, exp.Literal | exp.All) or item.name.upper() == "ALL" for item in items
    )


def _covered(select: exp.Select) -> list[exp.Expr]:
    """Tables and subqueries whose columns a `*` of this SELECT gives."""
    qualifiers = _star_qualifiers(select)
    from_ = select.args.get("from_")
    items = ([from_.this] if from_ is not None else []) + [
        join.this for join in select.args.get("joins") or ()
    ]
    return [
        item for item in items if "" in qualifiers or item.alias_or_name.casefold() in qualifiers
    ]


def _take_all(
    query: exp.Expr, by_node: dict[int, Reference], whole: set[Reference], seen: set[int]
) -> None:
    """Mark every table whose columns come out of `query` through a `*`."""
    if id(query) in seen:
        return
    seen.add(id(query))
    if isinstance(query, exp.SetOperation):
        _take_all(query.left, by_node, whole, seen)
        _take_all(query.right, by_node, whole, seen)
    elif isinstance(query, exp.Subquery) and not isinstance(query.this, exp.Table):
        _take_all(query.this, by_node, whole, seen)
    elif isinstance(query, exp.Select):
        for item in _covered(query):
            _take_all(item, by_node, whole, seen)
    elif isinstance(query, exp.Table) and id(query) in by_node:
        whole.add(by_node[id(query)])
    elif isinstance(query, exp.Table) and (cte := visible_cte(query)) is not None:
        _take_all(cte.this, by_node, whole, seen)
    else:
        # A parenthesised join, a lateral: whatever tables are inside.
        whole.update(by_node[id(t)] for t in query.find_all(exp.Table) if id(t) in by_node)


def _narrowest(reference: Reference) -> tuple[str, ...]:
    """One column to count rows by."""
    table = reference.table
    masked = {m.column.casefold() for m in reference.source.policies.masks}
    free = [column for column in table.columns if column.casefold() not in masked]
    for kind in _NARROW:
        for column in free:
            if table.column_types.get(column) == kind:
                return (column,)
    return tuple((free or list(table.columns))[:1])
