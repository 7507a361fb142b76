"""Names before columns, after a table has got another name or become a query."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from aiser_app.query.guard.dialects import DialectRules, NameCase, small
from aiser_app.query.guard.names import TableNames, TableUse
from aiser_app.query.guard.refusal import Refused


def respell(table: exp.Table, granted: str, rules: DialectRules) -> bool:
    """Name the table as the allow-list does, where the server decides what capitals mean.

    Otherwise a name could be compared with the allow-list in one way and read in another.
    """
    if rules.case is not NameCase.SERVER:
        return False
    name, schema = table.name, table.db
    start = len(granted) - len(name)
    wanted = granted[start:]
    wanted_schema = granted[: start - 1] if schema and start else ""
    if wanted == name and wanted_schema in ("", schema):
        return False
    table.set("this", exp.Identifier(this=wanted, quoted=True))
    if wanted_schema:
        table.set("db", exp.Identifier(this=wanted_schema, quoted=True))
    return True


def respell_all(uses: Collection[TableUse], rules: DialectRules) -> set[str]:
    """As `respell`, keeping the name that the query uses as an alias; returns what was renamed."""
    renamed = set()
    for use in uses:
        written = use.node.this
        if respell(use.node, use.granted, rules):
            renamed.add(use.granted)
            if not use.node.args.get("alias"):
                use.node.set("alias", exp.TableAlias(this=written.copy()))
    return renamed


def requalify(
    root: exp.Expr, uses: Collection[TableUse], changed: Collection[str], names: TableNames
) -> None:
    """Columns written as `schema.table.column` name the alias that has taken the table's place.

    Raises:
        Refused: the query has two tables of that name in different schemas.
    """
    if not changed:
        return
    for column in list(root.find_all(exp.Column)):
        if column.args.get("db") is None:
            continue
        found, dropped = _table_of(column, names)
        if found not in changed:
            continue
        bare = small(column.args["table" if "db" in dropped else "db"].name)
        if any(small(use.node.name) == bare and use.granted != found for use in uses):
            raise Refused(
                f"There are several tables named {bare[:80]} in the query: give them aliases.",
                column,
            )
        for part in dropped:
            column.set(part, None)


def _table_of(column: exp.Column, names: TableNames) -> tuple[str | None, tuple[str, ...]]:
    """The table that a long column name means, and the parts before the table's own name.

    `a.b.c.d` is column d of table c, or field d of column c of table b.
    """
    spelled = names.rules.spelled
    catalog, schema, table = (spelled(column.args.get(p)) for p in ("catalog", "db", "table"))
    found = names.find(table, schema, catalog)
    if found is not None:
        return found, ("catalog", "db")
    return (names.find(schema, catalog), ("catalog",)) if catalog else (None, ())
