"""From `source.table` and `source.schema.table` to tables that are granted, and to local names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.federation.plan import FederatedSource
from aiser_app.query.federation.refusals import (
    ambiguous_name,
    no_such_source,
    no_such_table,
    without_source,
)

_DEFAULT_SCHEMAS = {"duckdb": "main", "postgres": "public", "tsql": "dbo", "sqlite": "main"}


@dataclass(eq=False, slots=True)
class Reference:
    """One place of the query that reads a table of a source."""

    node: exp.Table
    source: FederatedSource
    table: GrantedTable
    schema: str
    """As written, casefolded; empty when the address had none."""
    name: str
    """The table as written, without its schema."""
    alias: str
    """By what the rest of the query calls it."""
    is_named: bool
    """Whether the query gave it an alias of its own."""

    @property
    def address(self) -> str:
        return f"{self.source.name}.{self.table.name}"


def visible_cte(table: exp.Table) -> exp.CTE | None:
    """The WITH query that a bare name means, in the place where it stands."""
    if table.args.get("db") is not None or not isinstance(table.this, exp.Identifier):
        return None
    wanted = table.name.casefold()
    inside: exp.Expr = table
    around = table.parent
    while around is not None:
        clause = around.args.get("with_")
        if isinstance(clause, exp.With) and clause is not inside:
            for cte in reversed(clause.expressions):
                if isinstance(cte, exp.CTE) and cte.alias.casefold() == wanted:
                    return cte
        elif isinstance(around, exp.With):
            found = _earlier(around, inside, wanted)
            if found is not None:
                return found
        inside, around = around, around.parent
    return None


def _earlier(clause: exp.With, inside: exp.Expr, wanted: str) -> exp.CTE | None:
    found: exp.CTE | None = None
    for cte in clause.expressions:
        if not isinstance(cte, exp.CTE):
            continue
        is_named = cte.alias.casefold() == wanted
        if cte is inside:
            return cte if clause.args.get("recursive") and is_named else found
        if is_named:
            found = cte
    return found


class Addresses:
    """The sources that a query may use, by name."""

    def __init__(self, sources: Sequence[FederatedSource]) -> None:
        self._sources = {source.name.casefold(): source for source in sources}

    def references(self, tree: exp.Expr) -> list[Reference]:
        """Every place that reads a table of a source; the tree then knows them by alias only.

        Raises:
            QueryDenied: an unknown source or table, a bare name, or one with two meanings.
        """
        found = [
            self._reference(table)
            for table in tree.find_all(exp.Table)
            if isinstance(table.this, exp.Identifier | exp.Dot) and visible_cte(table) is None
        ]
        clashing = _told_apart(found)
        for column in list(tree.find_all(exp.Column)):
            _requalify(column, found, clashing)
        for reference in found:
            _call_by_alias(reference)
        return found

    def _reference(self, table: exp.Table) -> Reference:
        parts = [part.name for part in table.parts]
        name = parts[-1]
        if len(parts) == 1:
            raise without_source(name, self._places(name))
        source = self._sources.get(parts[0].casefold())
        if source is None or isinstance(table.this, exp.Dot):
            raise no_such_source(parts[0], [known.name for known in self._sources.values()])
        schema = parts[1] if len(parts) == 3 else ""
        return Reference(
            node=table,
            source=source,
            table=_granted(source, schema, name),
            schema=schema.casefold(),
            name=name,
            alias=table.alias or name,
            is_named=bool(table.alias),
        )

    def _places(self, name: str) -> list[str]:
        return [
            f"{source.name}.{table}"
            for source in self._sources.values()
            for table in source.tables
            if table.rpartition(".")[2].casefold() == name.casefold()
        ]


def _granted(source: FederatedSource, schema: str, name: str) -> GrantedTable:
    wanted = f"{schema}.{name}" if schema else name
    plain = _DEFAULT_SCHEMAS.get(source.engine.dialect, "main") == schema.casefold()
    for candidate in (wanted, name) if plain else (wanted,):
        table = source.tables.get(candidate) or next(
            (
                source.tables[known]
                for known in source.tables
                if known.casefold() == candidate.casefold()
            ),
            None,
        )
        if table is not None:
            return table
    raise no_such_table(source.name, wanted, source.tables)


def _told_apart(references: list[Reference]) -> dict[str, list[Reference]]:
    """Give tables of one FROM that have the same name, and no alias, different ones."""
    by_place: dict[tuple[int, str], list[Reference]] = {}
    for reference in references:
        if not reference.is_named:
            place = id(reference.node.find_ancestor(exp.Select))
            by_place.setdefault((place, reference.alias.casefold()), []).append(reference)
    clashing: dict[str, list[Reference]] = {}
    for (_, name), same in by_place.items():
        if len(same) > 1:
            clashing.setdefault(name, []).extend(same)
            for reference in same:
                schema = f"{reference.schema}_" if reference.schema else ""
                reference.alias = slug(f"{reference.source.name}_{schema}{reference.name}")
    return clashing


def _requalify(
    column: exp.Column, references: list[Reference], clashing: dict[str, list[Reference]]
) -> None:
    """`source.table.column` becomes `alias.column`; what is not an address stays (a field of a struct)."""
    parts = [part.name.casefold() for part in column.parts]
    if len(parts) == 2 and parts[0] in clashing:
        places = sorted({reference.address for reference in clashing[parts[0]]})
        if _nearest(column, lambda r: r in clashing[parts[0]], references):
            raise ambiguous_name(column.table, places)
    if len(parts) < 3:
        return
    meant = _nearest(column, lambda r: _is_addressed(r, parts), references)
    if meant is not None:
        column.set("table", exp.to_identifier(meant.alias, quoted=True))
        column.set("db", None)
        column.set("catalog", None)


def _is_addressed(reference: Reference, parts: list[str]) -> bool:
    if reference.is_named:
        return False
    path = [reference.source.name.casefold(), reference.schema, reference.name.casefold()]
    return parts[:-1] == [part for part in path if part]


def _nearest(
    column: exp.Column, is_meant: Callable[[Reference], bool], references: list[Reference]
) -> Reference | None:
    """The reference in the innermost SELECT around the column."""
    around = column.find_ancestor(exp.Select)
    while around is not None:
        for reference in references:
            if reference.node.find_ancestor(exp.Select) is around and is_meant(reference):
                return reference
        around = around.find_ancestor(exp.Select)
    return None


def _call_by_alias(reference: Reference) -> None:
    alias = reference.node.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    name = exp.to_identifier(reference.alias, quoted=True)
    reference.node.set("alias", exp.TableAlias(this=name, columns=columns))
    reference.node.set("db", None)
    reference.node.set("catalog", None)


def slug(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")[:80] or "table"
