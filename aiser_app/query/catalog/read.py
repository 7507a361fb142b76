"""The catalog of a source, within budgets: everything of what Aiser keeps, samples of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import (
    Catalog,
    KeyLink,
    ProgressReport,
    SyncPhase,
    SyncProgress,
    TableProfile,
)
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.table_importance import rank_tables
from aiser_app.query.catalog.links import find_links
from aiser_app.query.catalog.probe import Probe, raise_if_cancelled
from aiser_app.query.catalog.profile import plain_table, profile_table
from aiser_app.query.catalog.sampled_links import confirm_keys, named_links, sampled_links
from aiser_app.query.catalog.sampling import Sample, bound_dates, sample_table
from aiser_app.query.catalog.views import find_dependencies
from aiser_app.query.engines.contract import Engine, TableSchema

DEFAULT_BUDGET_SECONDS = 30.0
"""Time for measuring; reading the schema is not counted."""
SAMPLE_STATEMENTS = 140
KEY_STATEMENTS = 20
LINK_STATEMENTS = 30
DATE_STATEMENTS = 10
MAX_STATEMENTS = SAMPLE_STATEMENTS + KEY_STATEMENTS + LINK_STATEMENTS + DATE_STATEMENTS
"""Most statements that a sync sends to somebody else's database, besides those that read its
catalog. What a part does not use, a later one does not get."""


def read_catalog(
    engine: Engine,
    source: DataSource,
    *,
    budget_seconds: float = DEFAULT_BUDGET_SECONDS,
    report: ProgressReport | None = None,
    cancel: CancelToken | None = None,
) -> Catalog:
    """Read the schema, then measure columns and links; what there is no time for stays unknown.

    Data that Aiser keeps is measured whole. Of any other database one bounded sample per table is
    read, of the most important tables first; with `sample_values` off in the source's settings,
    not one row.

    Raises:
        EngineUnavailable: the database cannot be reached.
        QueryCancelled: `cancel` was set.
    """
    told = report or _nobody
    told(SyncProgress(phase=SyncPhase.SCHEMA))
    cancel = cancel or CancelToken()
    raise_if_cancelled(cancel)
    schemas = tuple(schema for schema in engine.describe(source) if schema.columns)
    raise_if_cancelled(cancel)
    probe = Probe(engine, source, budget_seconds=budget_seconds, cancel=cancel)
    told(SyncProgress(phase=SyncPhase.SCHEMA, done=len(schemas), total=len(schemas)))
    reads = find_dependencies(schemas, engine.dialect)
    if source.is_kept_here:
        return _whole(probe, source, schemas, reads, told)
    tables = tuple(plain_table(schema, reads.get(schema.name)) for schema in schemas)
    if not source.settings.sample_values:
        return Catalog(source_id=source.source_id, tables=tables, links=named_links(tables))
    return _sampled(probe, source, tables, told)


def _nobody(progress: SyncProgress) -> None:
    """Nobody wants to know."""


def _whole(
    probe: Probe,
    source: DataSource,
    schemas: Sequence[TableSchema],
    reads: Mapping[str, tuple[str, ...] | None],
    report: ProgressReport,
) -> Catalog:
    tables = []
    for done, schema in enumerate(schemas, start=1):
        tables.append(profile_table(probe, schema, reads.get(schema.name)))
        report(SyncProgress(phase=SyncPhase.VALUES, done=done, total=len(schemas)))
    links = find_links(probe, tuple(tables), report)
    return Catalog(
        source_id=source.source_id,
        tables=tuple(tables),
        links=links,
        statements=probe.statements,
    )


def _sampled(
    probe: Probe, source: DataSource, tables: tuple[TableProfile, ...], report: ProgressReport
) -> Catalog:
    tables, samples = _samples(probe, source, tables, report)
    probe.allow(KEY_STATEMENTS)
    tables = confirm_keys(probe, tables, samples)
    probe.allow(LINK_STATEMENTS)
    links = sampled_links(probe, tables, samples, report)
    probe.allow(DATE_STATEMENTS)
    tables = _with_dates(probe, source, tables, links)
    return Catalog(
        source_id=source.source_id,
        tables=tables,
        links=links,
        statements=probe.statements,
        notes=_notes(tables, samples),
    )


def _samples(
    probe: Probe, source: DataSource, tables: tuple[TableProfile, ...], report: ProgressReport
) -> tuple[tuple[TableProfile, ...], dict[str, Sample]]:
    probe.allow(SAMPLE_STATEMENTS)
    ranked = _ranked(source, tables, named_links(tables))
    found: dict[str, TableProfile] = {}
    samples: dict[str, Sample] = {}
    for done, table in enumerate(ranked, start=1):
        if probe.is_spent:
            break
        sampled = sample_table(probe, table)
        if sampled is not None:
            found[table.name], samples[table.name] = sampled
        report(SyncProgress(phase=SyncPhase.VALUES, done=done, total=len(ranked)))
    return tuple(found.get(table.name, table) for table in tables), samples


def _with_dates(
    probe: Probe, source: DataSource, tables: tuple[TableProfile, ...], links: tuple[KeyLink, ...]
) -> tuple[TableProfile, ...]:
    bounded = {}
    for table in _ranked(source, tables, links):
        if probe.is_spent:
            break
        bounded[table.name] = bound_dates(probe, table)
    return tuple(bounded.get(table.name, table) for table in tables)


def _ranked(
    source: DataSource, tables: tuple[TableProfile, ...], links: tuple[KeyLink, ...]
) -> list[TableProfile]:
    """Tables, never views: a view may be any amount of work."""
    catalog = Catalog(source_id=source.source_id, tables=tables, links=links)
    return [table for table in rank_tables(catalog) if not table.is_view]


def _notes(tables: tuple[TableProfile, ...], samples: Mapping[str, Sample]) -> tuple[str, ...]:
    rest = sum(1 for table in tables if not table.is_view and table.name not in samples)
    if not rest:
        return ()
    noun = "table was" if rest == 1 else "tables were"
    return (f"{rest:,} {noun} not sampled: their columns are known by name and type only.",)
