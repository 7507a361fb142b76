"""The tables and subqueries of one SELECT, and which of them a column name means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from aiser_app.query.federation.addresses import Reference, visible_cte

_SIDES = ("LEFT", "RIGHT", "FULL")
_KINDS = ("", "INNER", "OUTER", "CROSS", "SEMI", "ANTI")
_NEAREST = "ASOF"


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One item of FROM: a table of a source, a subquery, a WITH query, or something else."""

    alias: str
    """Casefolded."""
    node: exp.Expr
    join: exp.Join | None
    reference: Reference | None
    query: exp.Expr | None
    """What a subquery or WITH query selects, when its columns keep their names."""
    cte: exp.CTE | None
    columns: tuple[str, ...] | None
    """Casefolded names of its columns in order; None when unknown."""
    is_plain: bool
    """Whether rows may be left out of it: not of a sample, or of the nearest match."""

    @property
    def kind(self) -> str:
        """LEFT, RIGHT, FULL, INNER, SEMI or ANTI; UNKNOWN for joins of other kinds."""
        join = self.join
        if join is None:
            return "INNER"
        if join.method or join.kind not in _KINDS or join.side not in ("", *_SIDES):
            return "UNKNOWN"
        if join.kind in ("SEMI", "ANTI"):
            return "UNKNOWN" if join.side else str(join.kind)
        if join.kind == "OUTER" and not join.side:
            return "UNKNOWN"
        return str(join.side) or "INNER"

    @property
    def is_odd_join(self) -> bool:
        """Whether rows of what stands before this join may not be left out.

        The nearest match is searched for each row of the left side: those are independent.
        """
        if self.kind != "UNKNOWN" or self.join is None:
            return False
        is_nearest = self.join.method == _NEAREST and self.join.side in ("", "LEFT")
        return not is_nearest or self.join.kind not in ("", "INNER", "OUTER")


class Relations:
    """Reads FROM clauses of one query, whose tables of sources are `references`."""

    def __init__(self, references: list[Reference]) -> None:
        self._references: Mapping[int, Reference] = {id(r.node): r for r in references}

    def of(self, select: exp.Select) -> list[Relation]:
        from_ = select.args.get("from_")
        if from_ is None:
            return []
        joins = select.args.get("joins") or []
        found = [self._relation(from_.this, None)]
        found.extend(self._relation(join.this, join) for join in joins)
        return found

    def outputs(self, query: exp.Expr) -> tuple[str, ...] | None:
        """Casefolded names of the columns of a query, in order; None when unknown."""
        if isinstance(query, exp.SetOperation):
            return None if query.args.get("by_name") else self.outputs(query.left)
        if isinstance(query, exp.Subquery):
            return None if _is_more(query) else self.outputs(query.this)
        if not isinstance(query, exp.Select):
            return None
        names: list[str] = []
        for item in query.expressions:
            given = self._of_star(query, item) if item.is_star else (item.alias_or_name,)
            if given is None:
                return None
            names.extend(name.casefold() for name in given)
        return tuple(names)

    def _relation(self, node: exp.Expr, join: exp.Join | None) -> Relation:
        reference = self._references.get(id(node))
        cte, query, columns = None, None, None
        is_renamed = bool(node.alias_column_names)
        if reference is not None and not is_renamed:
            columns = tuple(column.casefold() for column in reference.table.columns) or None
        elif isinstance(node, exp.Table) and (cte := visible_cte(node)) is not None:
            is_renamed = is_renamed or bool(cte.alias_column_names) or _is_recursive(cte)
            query = None if is_renamed else cte.this
        elif isinstance(node, exp.Subquery) and not is_renamed and isinstance(node.this, exp.Query):
            query = node.this
        if query is not None:
            columns = self.outputs(query)
        is_odd = bool(node.args.get("sample") or node.args.get("joins") or node.args.get("pivots"))
        if is_odd:
            columns = None
        return Relation(
            alias=node.alias_or_name.casefold(),
            node=node,
            join=join,
            reference=reference,
            query=query,
            cte=cte,
            columns=columns,
            is_plain=not is_odd and (join is None or not join.method),
        )

    def _of_star(self, select: exp.Select, item: exp.Expr) -> tuple[str, ...] | None:
        """Columns that a `*` stands for; None where some are left out, replaced or merged."""
        star = item.this if isinstance(item, exp.Column) else item
        relations = self.of(select)
        merged = any(r.join is not None and r.join.args.get("using") for r in relations)
        if not isinstance(star, exp.Star) or any(star.args.values()) or merged:
            return None
        alias = item.table.casefold() if isinstance(item, exp.Column) else ""
        names: list[str] = []
        for relation in relations:
            if relation.kind in ("SEMI", "ANTI") or (alias and relation.alias != alias):
                continue
            if relation.columns is None or relation.kind == "UNKNOWN":
                return None
            names.extend(relation.columns)
        return tuple(names)


def find(column: exp.Column, relations: list[Relation]) -> Relation | None:
    """The relation that certainly has this column; None when that is not certain."""
    if column.args.get("db") is not None:
        return None
    name = column.name.casefold()
    if column.table:
        named = [r for r in relations if r.alias == column.table.casefold()]
        return named[0] if len(named) == 1 and name in (named[0].columns or ()) else None
    if any(relation.columns is None for relation in relations):
        return None
    having = [r for r in relations if name in (r.columns or ())]
    return having[0] if len(having) == 1 else None


def _is_more(query: exp.Subquery) -> bool:
    """Whether a subquery does something of its own around what it contains."""
    return any(query.args.get(key) for key in ("joins", "limit", "offset", "sample", "where"))


def _is_recursive(cte: exp.CTE) -> bool:
    clause = cte.parent
    return isinstance(clause, exp.With) and bool(clause.args.get("recursive"))
