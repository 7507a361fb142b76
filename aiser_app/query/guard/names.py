"""Which table a name means: a table of the source, a common table expression, or nothing allowed."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from sqlglot import exp

from aiser_app.domain.policy import GrantedTable
from aiser_app.query.guard.dialects import DialectRules, NameCase, rules_of, small
from aiser_app.query.guard.refusal import Refused

LISTED_TABLES = 20
"""Most tables that a refusal names as those that can be used instead."""


class TableNames:
    """The allow-list, compared as the database compares names.

    A mapping may be lazy and large: it is asked by key, and only walked when a name was not found
    under any of its likely keys.
    """

    def __init__(
        self,
        tables: Collection[str] | Mapping[str, GrantedTable],
        rules: DialectRules | None = None,
        default_schema: str | None = None,
    ) -> None:
        self.rules = rules or rules_of("duckdb")
        self._tables = tables if isinstance(tables, Mapping) else frozenset(tables)
        self._schemas = (default_schema,) if default_schema else self.rules.schemas

    @cached_property
    def _by_small_name(self) -> dict[str, str]:
        return {small(name): name for name in self._tables}

    def find(self, name: str, schema: str = "", catalog: str = "") -> str | None:
        """The allowed table that a spelled name means, as the allow-list has it."""
        for key in self._keys(name, schema, catalog):
            found = self._look_up(key)
            if found is not None:
                return found
        return None

    def find_table(self, table: exp.Table) -> str | None:
        """As `find`, for a table of a query."""
        spelled = self.rules.spelled
        return self.find(
            spelled(table.this), spelled(table.args.get("db")), spelled(table.args.get("catalog"))
        )

    def details(self, granted: str) -> GrantedTable:
        """What is known of an allowed table; of plain names nothing but the name."""
        if isinstance(self._tables, Mapping):
            return self._tables[granted]
        return GrantedTable(name=granted)

    def plain(self, granted: str) -> str:
        """A granted name without the default schema, for comparing names of the catalog."""
        for schema in self._schemas:
            rest = granted[len(schema) + 1 :]
            if "." not in rest and self._is_same(granted[: len(schema) + 1], f"{schema}."):
                return rest
        return granted

    def has(self, granted: str) -> bool:
        """Whether the allow-list has exactly this name."""
        return granted in self._tables

    def refusal(self, name: str, node: exp.Expr | None = None) -> Refused:
        """Says what can be used instead, as long as that stays readable."""
        listed = ""
        if 0 < len(self._tables) <= LISTED_TABLES:
            listed = f" It has: {', '.join(sorted(self._tables))}."
        return Refused(f"There is no table “{name[:80]}” in this data source.{listed}", node)

    def _keys(self, name: str, schema: str, catalog: str) -> Iterator[str]:
        """Names under which the allow-list may have the table.

        A dot inside a part would let one name be read as another: `a."b.c"` as `a.b.c`.
        """
        if not name or "." in schema or "." in catalog:
            return
        if self.rules.has_catalogs and "." in name:
            return
        if catalog:
            if self.rules.has_catalogs and schema:
                yield f"{catalog}.{schema}.{name}"
            return
        if not schema:
            if "." not in name:
                yield name
            yield from (f"{default}.{name}" for default in self._schemas)
            return
        yield f"{schema}.{name}"
        if "." not in name and any(self._is_same(schema, default) for default in self._schemas):
            yield name

    def _look_up(self, key: str) -> str | None:
        if key in self._tables:
            return key
        if self.rules.case is NameCase.UPPERED and key.isupper():
            # Drivers of such databases show plain names small.
            return small(key) if small(key) in self._tables else None
        if self.rules.ignores_case:
            return small(key) if small(key) in self._tables else self._by_small_name.get(small(key))
        return None

    def _is_same(self, left: str, right: str) -> bool:
        return small(left) == small(right) if self.rules.ignores_case else left == right


@dataclass(frozen=True, slots=True)
class TableUse:
    """One place of a query that reads a table of the source, named as in the allow-list."""

    node: exp.Table
    granted: str


def tables_used(nodes: Collection[exp.Expr], names: TableNames) -> list[TableUse]:
    """Every place among the nodes of a query that reads a table of the source.

    Raises:
        Refused: a name means no allowed table, or a common table expression hides one.
    """
    for cte in nodes:
        if not isinstance(cte, exp.CTE):
            continue
        alias = _alias(cte)
        if names.find(names.rules.spelled(alias)) is not None:
            raise Refused(
                f"“{cte.alias}” is the name of a table: give the WITH query another one.", alias
            )
    tables = [node for node in nodes if isinstance(node, exp.Table)]
    found = [(table, _resolve(table, names)) for table in tables]
    return [TableUse(table, granted) for table, granted in found if granted is not None]


def _resolve(table: exp.Table, names: TableNames) -> str | None:
    """The allowed table, or None for a common table expression or rows made out of values."""
    if isinstance(table.this, exp.GenerateSeries) or _is_row_function(table.this, names.rules):
        return None
    if not isinstance(table.this, exp.Identifier):
        raise Refused("Functions that read data are not allowed: query the tables by name.", table)
    catalog, schema, name = table.catalog, table.db, table.name
    if not (catalog or schema) and is_visible_cte(table, names.rules):
        return None
    found = names.find_table(table)
    if found is not None:
        return found
    if catalog:
        raise Refused(f"“{catalog[:80]}.{schema[:80]}.{name[:80]}” names another database.", table)
    raise names.refusal(f"{schema}.{name}" if schema else name, table)


def _is_row_function(node: object, rules: DialectRules) -> bool:
    return (
        isinstance(node, exp.Anonymous)
        and isinstance(node.this, str)
        and node.this.casefold() in rules.row_functions
    )


def is_visible_cte(table: exp.Table, rules: DialectRules) -> bool:
    """Whether a WITH around this place defines the name, before this place or recursively.

    Raises:
        Refused: one defines a name that may or may not be the same to the database.
    """
    inside: exp.Expr = table
    around = table.parent
    while around is not None:
        clause = around.args.get("with_")
        if isinstance(clause, exp.With) and clause is not inside:
            if any(_is_named(cte, table, rules) for cte in clause.expressions):
                return True
        elif isinstance(around, exp.With) and _is_earlier(around, inside, table, rules):
            return True
        inside, around = around, around.parent
    return False


def _is_earlier(clause: exp.With, inside: exp.Expr, table: exp.Table, rules: DialectRules) -> bool:
    """Whether a query before `inside`, or `inside` itself if it is recursive, has the name."""
    before = takewhile(lambda cte: cte is not inside, clause.expressions)
    if any(_is_named(cte, table, rules) for cte in before):
        return True
    is_recursive = bool(clause.args.get("recursive")) or (
        rules.recursion_is_implicit and isinstance(inside.this, exp.SetOperation)
    )
    return is_recursive and _is_named(inside, table, rules)


def _is_named(cte: exp.Expr, table: exp.Table, rules: DialectRules) -> bool:
    """Whether `cte` is a query of the table's name; ClickHouse also has values with names."""
    alias = _alias(cte)
    if rules.spelled(alias) == rules.spelled(table.this):
        return isinstance(cte.this, exp.Query) and not cte.args.get("scalar")
    if _loosely(cte.alias) == _loosely(table.name):
        raise Refused(f"Write “{table.name[:80]}” exactly as the WITH query is named.", table)
    return False


def _alias(cte: exp.Expr) -> exp.Expr | None:
    alias = cte.args.get("alias")
    name = alias.this if isinstance(alias, exp.TableAlias) else alias
    return name if isinstance(name, exp.Expr) else None


def _loosely(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFKC", name).casefold()
