"""What views read, through other views as well: the guard must know it before policies can hold.

Whatever is not understood makes the answer None, never shorter: a view that might read a protected
table is one the guard has to refuse.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.query.engines.contract import TableSchema
from aiser_app.query.guard.reading import statements_of
from aiser_app.query.guard.refusal import Refused

MAX_DEFINITION = 200_000
"""Characters; a longer definition counts as unknown."""
_DEFAULT_SCHEMAS = frozenset(("public", "main", "dbo", "default"))
_PLAIN_TABLES = (exp.Identifier, exp.GenerateSeries, exp.ExplodingGenerateSeries)
"""What may stand for a table; any other function may read whatever it likes."""
_log = logging.getLogger(__name__)


def find_dependencies(
    schemas: Sequence[TableSchema], dialect: str
) -> dict[str, tuple[str, ...] | None]:
    """By the name of each view: the tables and views it reads, directly or not; None if unknown."""
    names = _Names(schemas)
    direct = {schema.name: _read_by(schema, names, dialect) for schema in schemas if schema.is_view}
    return {view: _closure(view, direct) for view in direct}


class _Names:
    """Tables of the source by the ways in which a definition may write them."""

    def __init__(self, schemas: Sequence[TableSchema]) -> None:
        self._known = {schema.name for schema in schemas}
        self._folded: dict[str, list[str]] = {}
        for name in sorted(self._known):
            self._folded.setdefault(name.casefold(), []).append(name)
        self._schemas = {name.rpartition(".")[0].casefold() for name in self._known if "." in name}

    def find(self, table: exp.Table, view: str) -> list[str]:
        """Every table that may be meant; several where that depends on the search path."""
        if not table.db:
            own_schema = view.rpartition(".")[0]
            found = self._spelled(table.name)
            return found + (self._spelled(f"{own_schema}.{table.name}") if own_schema else [])
        found = self._spelled(f"{table.db}.{table.name}")
        schema = table.db.casefold()
        # Tables of the default schema have plain names, and definitions may write that schema out.
        is_default = schema in _DEFAULT_SCHEMAS or schema not in self._schemas
        return found or (self._spelled(table.name) if is_default else [])

    def _spelled(self, name: str) -> list[str]:
        return [name] if name in self._known else list(self._folded.get(name.casefold(), ()))


def _read_by(schema: TableSchema, names: _Names, dialect: str) -> frozenset[str] | None:
    tree = _parsed(schema.definition, dialect)
    if tree is None or _may_read_more(tree):
        return None
    found: set[str] = set()
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or _is_common_table_expression(table):
            continue
        meant = names.find(table, schema.name)
        if not meant:
            return None
        found.update(meant)
    return frozenset(found - {schema.name})


def _parsed(definition: str, dialect: str) -> exp.Expr | None:
    if not definition.strip() or len(definition) > MAX_DEFINITION:
        return None
    try:
        statements = [item for item in statements_of(definition, dialect) if item]
    except (Refused, SqlglotError, RecursionError):
        return None
    except Exception:  # noqa: BLE001 - whatever a parser does to a definition, it is not known then
        _log.warning("view_definition_not_read", exc_info=True)
        return None
    if len(statements) != 1:
        return None
    tree = statements[0]
    if isinstance(tree, exp.Create):
        tree = tree.expression
    return tree if isinstance(tree, exp.Query) else None


def _may_read_more(tree: exp.Expr) -> bool:
    """Functions that the parser does not know may be somebody's own, and read any table."""
    if tree.find(exp.Anonymous, exp.AnonymousAggFunc, exp.Command):
        return True
    return any(not isinstance(table.this, _PLAIN_TABLES) for table in tree.find_all(exp.Table))


def _is_common_table_expression(table: exp.Table) -> bool:
    """Whether a WITH around it defines the name; only a plain name can be one."""
    if table.db:
        return False
    name = table.name.casefold()
    chain = _chain(table)
    for position, node in enumerate(chain):
        clause = node.args.get("with_")
        if isinstance(clause, exp.With):
            is_inside = chain[position - 1] is clause
            own = chain[position - 2] if is_inside and not clause.recursive else None
            if name in _visible(clause, own):
                return True
    return False


def _chain(table: exp.Table) -> list[exp.Expr]:
    """The table and everything around it, from the inside."""
    chain: list[exp.Expr] = [table]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    return chain


def _visible(clause: exp.With, own: exp.Expr | None) -> set[str]:
    """Names of the clause; within one of its own expressions only those before it."""
    found: set[str] = set()
    for item in clause.expressions:
        if item is own:
            break
        found.add(item.alias.casefold())
    return found


def _closure(view: str, direct: Mapping[str, frozenset[str] | None]) -> tuple[str, ...] | None:
    found: set[str] = set()
    waiting = [view]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        reads = direct[name]
        if reads is None:
            return None
        found |= reads
        waiting += [item for item in reads if item in direct]
    return tuple(sorted(found - {view}))
