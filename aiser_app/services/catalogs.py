"""What is known of a source's tables: written after a reading, and looked up by the guard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aiser_app.db.identifiers import new_id
from aiser_app.db.repositories.source_tables import MAX_NAME
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.catalog import Catalog, SourceTable
from aiser_app.domain.catalog_changes import CatalogChanges, TableShape, compare
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.encoding import encode
from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.catalog import GrantedTables, GrantedTablesCache, granted
from aiser_app.semantic.inference import infer_model

_cache = GrantedTablesCache()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCatalog:
    """`source` is as it was written: with its counts, its age and a new version of its data."""

    source: DataSource
    model: SemanticModel
    changes: CatalogChanges
    table_count: int
    column_count: int
    left_out: int
    """Tables that the model does not speak of: there are too many, or they are hidden."""


def store_catalog(
    uow: UnitOfWork,
    source: DataSource,
    catalog: Catalog,
    now: datetime,
    *,
    model: SemanticModel | None = None,
) -> StoredCatalog:
    """Write tables, counts and, where it changed, the next version of the semantic model.

    The source must exist. `model` is what `model_of` made of the catalog; without it, it is made
    here, which takes a while within the caller's transaction.
    """
    before = uow.source_tables.shapes(source.source_id)
    hidden = uow.source_tables.hidden_names(source.source_id)
    model = model or model_of(catalog, source, hidden)
    written = uow.source_tables.replace_all(
        source.organization_id,
        source.source_id,
        (SourceTable(table=table, hidden_from_ai=table.name in hidden) for table in catalog.tables),
    )
    source = replace(
        source,
        table_count=written,
        row_count=sum(table.row_count for table in catalog.tables if not table.is_view),
        data_version=new_id(),
        synced_at=_age(source, now),
    )
    uow.data_sources.replace(source)
    return StoredCatalog(
        source=source,
        model=_keep_model(uow, source, model, now),
        changes=compare(before, _shapes(catalog)),
        table_count=written,
        column_count=sum(len(table.columns) for table in catalog.tables),
        left_out=max(0, len(catalog.tables) - len(model.cubes)),
    )


def model_of(catalog: Catalog, source: DataSource, hidden: Collection[str]) -> SemanticModel:
    """The model that the agent works with: nothing in it of tables that are hidden from it."""
    shown = tuple(table for table in catalog.tables if table.name not in hidden)
    links = tuple(
        link for link in catalog.links if link.table not in hidden and link.target not in hidden
    )
    return infer_model(source.source_id, replace(catalog, tables=shown, links=links))


def granted_tables(uow: UnitOfWork, source: DataSource) -> GrantedTables:
    """The tables of a source for the guard: names now, the rest of a table when it is named.

    Stays usable after the transaction. Empty for a source that was never synced.
    """

    def make() -> GrantedTables:
        return GrantedTables(uow.source_tables.names(source.source_id), load)

    def load(names: Sequence[str]) -> Sequence[GrantedTable]:
        with uow.another() as reading:
            found = reading.source_tables.find_many(source.source_id, names)
        return [granted(item.table) for item in found]

    if not source.data_version:
        return make()
    return _cache.get(source.source_id, source.data_version, make)


def _shapes(catalog: Catalog) -> dict[str, TableShape]:
    return {
        table.name: {column.name: column.native_type for column in table.columns}
        for table in catalog.tables
        if len(table.name) <= MAX_NAME
    }


def _age(source: DataSource, now: datetime) -> datetime:
    """Reading kept data does not make it younger."""
    if source.is_kept_here and source.synced_at is not None:
        return source.synced_at
    return now


def _keep_model(
    uow: UnitOfWork, source: DataSource, model: SemanticModel, now: datetime
) -> SemanticModel:
    """The newest inferred version if it says the same, else a next one.

    An edited model stays in force over it, with its facts.
    """
    organization_id, source_id = source.organization_id, source.source_id
    latest = uow.semantic_models.find_inferred(organization_id, source_id)
    if latest is not None:
        model = replace(model, source_id=source_id, version=latest.version)
        if encode(latest) == encode(model):
            return latest
    version = uow.semantic_models.find_latest_version(organization_id, source_id) + 1
    model = replace(model, source_id=source_id, version=version)
    uow.semantic_models.add(organization_id, model, now)
    return model
