"""The catalog of a source, within a time budget."""

from __future__ import annotations

from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.query.catalog.links import find_links
from aiser_app.query.catalog.probe import Probe
from aiser_app.query.catalog.profile import profile_table
from aiser_app.query.engines.contract import Engine

DEFAULT_BUDGET_SECONDS = 30.0


def read_catalog(
    engine: Engine, source: DataSource, *, budget_seconds: float = DEFAULT_BUDGET_SECONDS
) -> Catalog:
    """Read the schema, then measure columns and links; what there is no time for stays unknown.

    Raises:
        EngineUnavailable: the database cannot be reached.
    """
    schemas = engine.describe(source)
    probe = Probe(engine, source, budget_seconds)
    tables = tuple(profile_table(probe, schema) for schema in schemas if schema.columns)
    return Catalog(
        source_id=source.source_id, tables=tables, links=find_links(probe, tables, schemas)
    )
