"""Recommendations from the history of a source's queries, their plans, and its catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from aiser_app.domain.query_record import QueryRecord
from aiser_app.domain.recommendation import Recommendation, RecommendationKind
from aiser_app.query.advice.facts import (
    QueryGroup,
    Searched,
    TableFacts,
    grouped,
    parsed,
    searched_columns,
)
from aiser_app.query.advice.plans import Scan, explosions, scans

BIG_TABLE_ROWS = 100_000
"""From here on reading a table whole is worth a word."""
SLOW_MS = 1_000.0
"""Median from which on a query is worth an index."""
REPEATED_RUNS = 5
"""Runs, cache hits not counted, from which on a query is called repeated."""
REPEATED_MS = 5_000.0
"""Time that all of its runs took together, from which on that matters."""
WIDE_COLUMNS = 20
MAX_GROUPS = 200
"""Queries that are looked at, the ones that took most first."""
MAX_RECOMMENDATIONS = 50
WITH_INDEXES = frozenset({"postgres", "mysql", "sqlite", "tsql"})
"""Engines in which a person can add an index; the others store columns sorted or partitioned."""


def advise(
    records: Iterable[QueryRecord],
    tables: Mapping[str, TableFacts],
    *,
    engine: str,
    dialect: str,
) -> tuple[Recommendation, ...]:
    """What would help most, first. Nothing here touches a database.

    Args:
        records: the history of one source, newest first.
        tables: its tables by name, with indexes.
        engine: the engine's name, which decides how plans are read.
        dialect: in which `statement` is written and queries are read.
    """
    found: dict[tuple[str, ...], Recommendation] = {}
    for group in grouped(records)[:MAX_GROUPS]:
        for item in _of_group(group, tables, engine, dialect):
            key = (item.kind, item.table, item.statement or item.fingerprint)
            known = found.get(key)
            if known is None or known.benefit_ms < item.benefit_ms:
                found[key] = item
    for item in _never_counted(tables, engine, dialect):
        found[item.kind, item.table, item.statement] = item
    ordered = sorted(found.values(), key=lambda item: (-item.benefit_ms, item.kind, item.table))
    return tuple(ordered[:MAX_RECOMMENDATIONS])


def _of_group(
    group: QueryGroup, tables: Mapping[str, TableFacts], engine: str, dialect: str
) -> Iterator[Recommendation]:
    root = parsed(group.newest.sql, dialect)
    plan = next((record.plan for record in group.records if record.plan), "")
    whole = scans(plan, engine)
    if root is not None and group.median_ms >= SLOW_MS:
        if engine in WITH_INDEXES:
            yield from _missing_indexes(group, root, tables, whole, dialect)
        yield from _wide_select(group, root, tables)
    yield from _full_scans(group, whole, tables)
    for explosion in explosions(plan, engine):
        yield Recommendation(
            kind=RecommendationKind.EXPLODING_JOIN,
            title="A join multiplies its rows",
            reason=(
                "The join makes many more rows than either table has: its condition matches many "
                "rows with many. Join by a key, or aggregate one side before joining."
            ),
            evidence=(
                f"{explosion.rows:,.0f} rows out of at most {explosion.largest_input:,.0f}",
                explosion.line,
            ),
            fingerprint=group.fingerprint,
            benefit_ms=group.total_ms,
        )
    if len(group.ran) >= REPEATED_RUNS and group.total_ms >= REPEATED_MS:
        yield _repeated(group)


def _missing_indexes(
    group: QueryGroup,
    root: exp.Expr,
    tables: Mapping[str, TableFacts],
    whole: tuple[Scan, ...],
    dialect: str,
) -> Iterator[Recommendation]:
    for searched in searched_columns(root, tables):
        facts = tables[searched.table]
        if facts.is_view or (facts.row_estimate or 0) < BIG_TABLE_ROWS:
            continue
        if facts.has_index_on(searched.column):
            continue
        lines = tuple(scan.line for scan in whole if _is(scan, facts))
        yield Recommendation(
            kind=RecommendationKind.MISSING_INDEX,
            title=f"An index on {searched.table} ({searched.column})",
            reason=(
                f"Queries {_use(searched)} {searched.column}, no index begins with it, and the "
                f"table has about {facts.row_estimate:,} rows."
            ),
            evidence=(_times(group), *lines),
            statement=_create_index(searched, dialect),
            table=searched.table,
            fingerprint=group.fingerprint,
            benefit_ms=group.total_ms,
        )


def _use(searched: Searched) -> str:
    return "join by" if searched.is_join else "filter by"


def _create_index(searched: Searched, dialect: str) -> str:
    schema, _, table = searched.table.rpartition(".")
    index = exp.Create(
        kind="INDEX",
        this=exp.Index(
            this=exp.to_identifier(f"ix_{table}_{searched.column}"[:60], quoted=True),
            table=exp.table_(table, db=schema or None, quoted=True),
            params=exp.IndexParameters(
                columns=[exp.Ordered(this=exp.column(searched.column, quoted=True))]
            ),
        ),
    )
    return index.sql(dialect=dialect)


def _wide_select(
    group: QueryGroup, root: exp.Expr, tables: Mapping[str, TableFacts]
) -> Iterator[Recommendation]:
    stars = [select for select in root.find_all(exp.Select) if select.is_star]
    if not stars:
        return
    for name in group.newest.tables:
        facts = tables.get(name)
        if facts is None or len(facts.columns) < WIDE_COLUMNS:
            continue
        yield Recommendation(
            kind=RecommendationKind.WIDE_SELECT,
            title=f"Name the columns of {name} that are needed",
            reason=f"SELECT * reads all {len(facts.columns)} columns of {name}.",
            evidence=(_times(group), f"{group.newest.byte_count:,} bytes kept"),
            table=name,
            fingerprint=group.fingerprint,
            benefit_ms=group.total_ms,
        )


def _full_scans(
    group: QueryGroup, whole: tuple[Scan, ...], tables: Mapping[str, TableFacts]
) -> Iterator[Recommendation]:
    for scan in whole:
        facts = next((facts for facts in tables.values() if _is(scan, facts)), None)
        rows = facts.row_estimate if facts else scan.rows
        if rows is None or rows < BIG_TABLE_ROWS:
            continue
        name = facts.name if facts else scan.table
        yield Recommendation(
            kind=RecommendationKind.FULL_SCAN,
            title=f"{name} is read whole",
            reason=(
                f"The plan reads all of about {rows:,.0f} rows. A filter on an indexed column, or a "
                "summary table, would read fewer."
            ),
            evidence=(scan.line, _times(group)),
            table=name,
            fingerprint=group.fingerprint,
            benefit_ms=group.total_ms,
        )


def _repeated(group: QueryGroup) -> Recommendation:
    return Recommendation(
        kind=RecommendationKind.REPEATED_QUERY,
        title="The same query runs again and again",
        reason=(
            "Keep results of this source for longer (cache_seconds), or keep the query's result as "
            "a table or materialised view that is renewed by schedule."
        ),
        evidence=(_times(group), group.newest.sql[:400]),
        fingerprint=group.fingerprint,
        benefit_ms=group.total_ms - group.median_ms,
    )


def _never_counted(
    tables: Mapping[str, TableFacts], engine: str, dialect: str
) -> Iterator[Recommendation]:
    """PostgreSQL gives no row estimate for a table that was never analysed."""
    if engine != "postgres":
        return
    for facts in tables.values():
        if facts.is_view or facts.row_estimate is not None or not facts.columns:
            continue
        schema, _, table = facts.name.rpartition(".")
        name = exp.table_(table, db=schema or None, quoted=True).sql(dialect=dialect)
        yield Recommendation(
            kind=RecommendationKind.STALE_STATISTICS,
            title=f"Collect statistics of {facts.name}",
            reason="The database has never counted this table, so its plans over it are guesses.",
            evidence=("no row estimate in the catalog",),
            statement=f"ANALYZE {name}",
            table=facts.name,
        )


def _times(group: QueryGroup) -> str:
    ran = group.ran
    median, total = group.median_ms / 1000, group.total_ms / 1000
    runs = "1 run" if len(ran) == 1 else f"{len(ran)} runs"
    return f"{runs}, median {median:,.2f} s, {total:,.1f} s in all"


def _is(scan: Scan, facts: TableFacts) -> bool:
    return scan.table.casefold() in (
        facts.name.casefold(),
        facts.name.rpartition(".")[2].casefold(),
    )
