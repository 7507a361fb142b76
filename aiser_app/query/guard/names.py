"""Which table a name means: a table of the source, a common table expression, or nothing allowed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from aiser_app.query.guard.refusal import Refused

DEFAULT_SCHEMA = "main"


class TableNames:
    """The allow-list, compared without regard to case, as the engines do."""

    def __init__(self, tables: Iterable[str]) -> None:
        self._by_key = {table.casefold(): table for table in tables}

    def find(self, name: str, schema: str = "") -> str | None:
        """The allowed table that `name` means, spelled as in the allow-list."""
        schema = schema.casefold()
        keys = [f"{schema or DEFAULT_SCHEMA}.{name.casefold()}"]
        if schema in ("", DEFAULT_SCHEMA) and "." not in name:
            keys.append(name.casefold())
        return next((self._by_key[key] for key in keys if key in self._by_key), None)

    def refusal(self, name: str) -> Refused:
        """Says what can be used instead, as long as that stays readable."""
        known = sorted(self._by_key.values())
        listed = f" It has: {', '.join(known)}." if 0 < len(known) <= 20 else ""
        return Refused(f"There is no table “{name[:80]}” in this data source.{listed}")


def tables_used(root: exp.Expr, names: TableNames) -> tuple[str, ...]:
    """Every table of the source that the query reads, each once, in order of first mention.

    Raises:
        Refused: a name means no allowed table, or a common table expression hides one.
    """
    for cte in root.find_all(exp.CTE):
        if names.find(cte.alias) is not None:
            raise Refused(f"“{cte.alias}” is the name of a table: give the WITH query another one.")
    used: dict[str, None] = {}
    for table in root.find_all(exp.Table):
        found = _resolve(table, names)
        if found is not None:
            used[found] = None
    return tuple(used)


def _resolve(table: exp.Table, names: TableNames) -> str | None:
    """The allowed table, or None for a common table expression or a bounded series."""
    if isinstance(table.this, exp.GenerateSeries):
        return None
    if not isinstance(table.this, exp.Identifier):
        raise Refused("Functions that read data are not allowed: query the tables by name.")
    catalog, schema, name = table.catalog, table.db, table.name
    if catalog:
        raise Refused(f"“{catalog[:80]}.{schema[:80]}.{name[:80]}” names another database.")
    if not schema and _is_visible_cte(table, name):
        return None
    found = names.find(name, schema)
    if found is None:
        raise names.refusal(f"{schema}.{name}" if schema else name)
    return found


def _is_visible_cte(table: exp.Table, name: str) -> bool:
    """Whether a WITH around this place defines `name`, before this place or recursively."""
    wanted = name.casefold()
    inside: exp.Expr = table
    around = table.parent
    while around is not None:
        clause = around.args.get("with_")
        if isinstance(clause, exp.With) and clause is not inside:
            if any(cte.alias.casefold() == wanted for cte in clause.expressions):
                return True
        elif isinstance(around, exp.With) and _is_earlier_cte(around, inside, wanted):
            return True
        inside, around = around, around.parent
    return False


def _is_earlier_cte(clause: exp.With, inside: exp.Expr, wanted: str) -> bool:
    for cte in clause.expressions:
        if cte is inside:
            return bool(clause.args.get("recursive")) and cte.alias.casefold() == wanted
        if cte.alias.casefold() == wanted:
            return True
    return False
