"""What of a source an actor may read: its tables, and the policies that hold for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiser_app.access.data_policies import policies_for
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable, Policies
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource
from aiser_app.services.catalogs import granted_tables


def query_source(
    uow: UnitOfWork, actor: Actor, source: DataSource, model: SemanticModel | None = None
) -> QuerySource:
    """The source as a query of this actor sees it, as things are in this transaction.

    A source that was registered before tables were kept has those of its model.
    """
    tables: Mapping[str, GrantedTable] = granted_tables(uow, source)
    if not tables:
        tables = _of_model(model or _latest(uow, source))
    return QuerySource(source=source, tables=tables, policies=policies_of(uow, actor, source))


def policies_of(uow: UnitOfWork, actor: Actor, source: DataSource) -> Policies:
    """The policies of a source that hold for the actor, as they are in this transaction."""
    found = uow.data_policies.list_all(source.organization_id, source.source_id)
    return policies_for(actor, found)


def for_agent(granted: QuerySource, model: SemanticModel) -> QuerySource:
    """The same without what the model does not speak of: tables that are hidden from the agent."""
    spoken_of = dict.fromkeys(name for cube in model.cubes for name in (cube.table, *cube.reads))
    known = [name for name in spoken_of if name in granted.tables]

    def load(names: Sequence[str]) -> list[GrantedTable]:
        if isinstance(granted.tables, GrantedTables):
            granted.tables.load(names)
        return [granted.tables[name] for name in names]

    return replace(granted, tables=GrantedTables(known, load))


def _latest(uow: UnitOfWork, source: DataSource) -> SemanticModel | None:
    return uow.semantic_models.find_latest(source.organization_id, source.source_id)


def _of_model(model: SemanticModel | None) -> Mapping[str, GrantedTable]:
    cubes = model.cubes if model else ()
    return {
        cube.table: GrantedTable(name=cube.table, row_estimate=cube.row_count)
        for cube in cubes
        if cube.table
    }
