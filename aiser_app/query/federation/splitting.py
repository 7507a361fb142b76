"""One query over several sources, taken apart: what each source is asked, and what runs over it all.

The query itself is not rewritten: its tables only get local names. What the parts leave out are
columns and rows that cannot matter (columns.py, pushdown.py), so a mistake of the optimiser can
never be more than a column that is missing, which DuckDB says aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from aiser_app.errors import QueryDenied
from aiser_app.query.engines.near import near_columns
from aiser_app.query.federation.addresses import Addresses, Reference, slug
from aiser_app.query.federation.columns import needed_columns
from aiser_app.query.federation.constants import Parameters
from aiser_app.query.federation.filters import Weakened, Weakening
from aiser_app.query.federation.limits import rows_that_matter
from aiser_app.query.federation.plan import FederatedPlan, FederatedSource, Part, bound
from aiser_app.query.federation.pushdown import Filter, KeysOf, Pushdown
from aiser_app.query.federation.reductions import chosen
from aiser_app.query.federation.refusals import no_such_column
from aiser_app.query.guard.limits import check_text
from aiser_app.query.guard.reading import statements_of
from aiser_app.query.guard.refusal import Refused

DIALECT = "duckdb"
"""Of queries over several sources."""

_HINT = "Write one SELECT in DuckDB's SQL over tables written as source.table."


def split(
    sql: str,
    sources: Sequence[FederatedSource],
    *,
    parameters: Parameters | None = None,
    limit: int | None = None,
) -> FederatedPlan:
    """Take the query apart. Nothing of the result has passed a guard yet.

    Args:
        sql: one query in DuckDB's SQL.
        sources: what it may use.
        parameters: values of `:name` in it.
        limit: rows wanted of the answer, as the guard is told them.

    Raises:
        QueryDenied: it cannot be read, or names what is not there.
    """
    try:
        root = _parsed(sql)
        return _split(root, sources, parameters or {}, limit)
    except Refused as refused:
        raise QueryDenied(refused.reason, hint=_HINT).at(refused.line, refused.column) from refused
    except RecursionError as error:
        raise QueryDenied("The query is nested too deeply.", hint=_HINT) from error


def _parsed(sql: str) -> exp.Query:
    check_text(sql)
    try:
        found = [
            statement
            for statement in statements_of(sql, DIALECT)
            if statement is not None and not isinstance(statement, exp.Semicolon)
        ]
    except SqlglotError as error:
        place = (error.errors or [{}])[0] if hasattr(error, "errors") else {}
        raise QueryDenied("The query could not be read as DuckDB SQL.", hint=_HINT).at(
            place.get("line"), place.get("col")
        ) from error
    if len(found) != 1:
        raise Refused("Write exactly one query.")
    root: exp.Expr = found[0]
    while isinstance(root, exp.Subquery) and root.is_wrapper:
        root = root.this
    if not isinstance(root, exp.Select | exp.SetOperation):
        raise Refused("Only SELECT queries can run.")
    unwritten = root.find(exp.Lock, exp.Hint)
    if unwritten is not None:
        # DuckDB has no words for them, so that they would not be in the text that is judged later.
        raise Refused("Locks and hints are not allowed: queries only read.", unwritten.parent)
    return root


def _split(
    root: exp.Query, sources: Sequence[FederatedSource], parameters: Parameters, limit: int | None
) -> FederatedPlan:
    shown = bound(root.copy()).sql(dialect=DIALECT, comments=False, pretty=True)
    references = Addresses(sources).references(root)
    _check_columns(root, references)
    columns = needed_columns(root, references)
    facts = Pushdown(root, references).facts
    groups: dict[tuple[str, str], list[Reference]] = {}
    for reference in references:
        key = (reference.source.source.source_id, reference.table.name)
        groups.setdefault(key, []).append(reference)
    names = _local_names(root, groups)
    parts: dict[str, Part] = {}
    keys: dict[str, list[tuple[KeysOf, str]]] = {}
    for key, same in groups.items():
        name = names[key]
        weakened = _condition(same, facts, parameters)
        parts[name] = Part(
            name=name,
            source=same[0].source,
            table=same[0].table,
            columns=_columns_of_all(same, columns),
            condition=weakened.expression if weakened is not None else None,
            rows=_rows(root, same, facts, weakened, limit),
        )
        if len(same) == 1:
            keys[name] = [
                (fact, names[_key(fact.origin)])
                for fact in facts[same[0]]
                if isinstance(fact, KeysOf)
            ]
        for reference in same:
            reference.node.set("this", exp.to_identifier(name, quoted=True))
    return FederatedPlan(
        parts=tuple(
            replace(part, reductions=chosen(part, keys.get(name, []), parts))
            for name, part in parts.items()
        ),
        final_sql=bound(root.copy()).sql(dialect=DIALECT, comments=False),
        shown_sql=shown,
    )


def _rows(
    root: exp.Query,
    same: list[Reference],
    facts: dict[Reference, list[KeysOf | Filter]],
    weakened: Weakened | None,
    limit: int | None,
) -> int | None:
    if len(same) != 1:
        return None
    filters = sum(isinstance(fact, Filter) for fact in facts[same[0]])
    is_exact = weakened.is_exact if weakened is not None else filters == 0
    return rows_that_matter(root, same[0], filters, is_exact, limit)


def _key(reference: Reference) -> tuple[str, str]:
    return (reference.source.source.source_id, reference.table.name)


def _local_names(
    root: exp.Query, groups: dict[tuple[str, str], list[Reference]]
) -> dict[tuple[str, str], str]:
    """Names that nothing else in the query has."""
    taken = {identifier.name.casefold() for identifier in root.find_all(exp.Identifier)}
    names: dict[tuple[str, str], str] = {}
    for key, same in groups.items():
        plain = slug(f"{same[0].source.name}_{same[0].table.name}")
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        names[key] = name
    return names


def _columns_of_all(
    same: list[Reference], columns: dict[Reference, tuple[str, ...]]
) -> tuple[str, ...]:
    used = {column for reference in same for column in columns[reference]}
    return tuple(column for column in same[0].table.columns if column in used)


def _condition(
    same: list[Reference],
    facts: dict[Reference, list[KeysOf | Filter]],
    parameters: Parameters,
) -> Weakened | None:
    """What is true of every row that one of the places needs."""
    source, table = same[0].source, same[0].table
    weakening = Weakening(
        table,
        source.engine.dialect,
        parameters,
        masked=frozenset(m.column.casefold() for m in source.policies.masks),
    )
    found: list[Weakened] = []
    for reference in same:
        filters = [fact for fact in facts[reference] if isinstance(fact, Filter)]
        each = [weakening.weakened(fact.expression) for fact in filters]
        kept = [one for one in each if one is not None]
        if not kept:
            return None
        is_exact = len(kept) == len(filters) and all(one.is_exact for one in kept)
        found.append(Weakened(exp.and_(*(one.expression for one in kept)), is_exact))
    distinct = list({one.expression.sql(DIALECT): one for one in found}.values())
    if len(distinct) == 1:
        return distinct[0]
    return Weakened(exp.or_(*(one.expression for one in distinct)), False)


def _check_columns(root: exp.Query, references: list[Reference]) -> None:
    """Tell about a misspelled column before anything is read."""
    by_alias: dict[str, list[Reference]] = {}
    for reference in references:
        by_alias.setdefault(reference.alias.casefold(), []).append(reference)
    others = {
        relation.alias_or_name.casefold()
        for relation in root.find_all(exp.Subquery, exp.CTE, exp.Lateral, exp.Unnest, exp.Values)
    }
    fields = {c.casefold() for reference in references for c in reference.table.columns}
    for column in root.find_all(exp.Column):
        alias, name = column.table.casefold(), column.name.casefold()
        meant = by_alias.get(alias)
        if not meant or alias in others | fields or column.args.get("db") is not None:
            continue
        if isinstance(column.this, exp.Star) or any(_may_have(r, name) for r in meant):
            continue
        table = meant[0].table
        hint = near_columns(name, ((meant[0].alias, known) for known in table.columns))
        raise no_such_column(column.name, meant[0].address, hint)


def _may_have(reference: Reference, name: str) -> bool:
    known = reference.table.columns
    is_renamed = bool(reference.node.alias_column_names)
    return not known or is_renamed or name in {c.casefold() for c in known}
