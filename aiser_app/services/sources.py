"""Data sources of an organization, and their semantic models."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.access.known_values import seen_model, seen_table
from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.catalog import Catalog, SourceTable
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.policy import Policies
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import AiserError, NotFound
from aiser_app.planner.suggestions import suggest_questions
from aiser_app.services.catalogs import store_catalog
from aiser_app.services.grants import policies_of, query_source
from aiser_app.services.text_input import has_binary

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleSource:
    """The sample as it will be registered: a source and the model inferred from its data."""

    source: DataSource
    model: SemanticModel
    catalog: Catalog


class Sources:
    def __init__(
        self, engine: Engine, make_sample: Callable[[str], SampleSource] | None = None
    ) -> None:
        self._engine = engine
        self._make_sample = make_sample
        self._suggested: dict[tuple[str, str, int, Policies], tuple[str, ...]] = {}
        self._suggesting = threading.Lock()

    def list(self, actor: Actor) -> list[DataSource]:
        """Oldest first."""
        require(actor, Permission.SOURCES_READ)
        with UnitOfWork(self._engine) as uow:
            return uow.data_sources.list_all(actor.organization_id)

    def get(self, actor: Actor, name_or_id: str) -> DataSource:
        """Raises `NotFound`, also for a source of another organization."""
        require(actor, Permission.SOURCES_READ)
        with UnitOfWork(self._engine) as uow:
            return find_source(uow, actor.organization_id, name_or_id)

    def default(self, actor: Actor) -> DataSource | None:
        """The oldest one, used when a question names none."""
        return next(iter(self.list(actor)), None)

    def model(self, actor: Actor, source_id: str) -> SemanticModel:
        """The model in force, with the values that the actor may know."""
        source = self.get(actor, source_id)
        with UnitOfWork(self._engine) as uow:
            model = uow.semantic_models.find_latest(actor.organization_id, source.source_id)
            if model is None:
                raise NotFound(
                    "This source has no semantic model yet.", hint="Wait for its first sync."
                )
            granted = query_source(uow, actor, source, model)
            return seen_model(model, granted.tables, granted.policies)

    def tables(
        self, actor: Actor, name_or_id: str, *, search: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[Sequence[SourceTable], int]:
        """A page of the tables whose name holds `search`, and how many there are in all."""
        source = self.get(actor, name_or_id)
        with UnitOfWork(self._engine) as uow:
            found, count = uow.source_tables.list_page(
                source.source_id, search=search, offset=offset, limit=limit
            )
            policies = policies_of(uow, actor, source)
        return [replace(item, table=seen_table(item.table, policies)) for item in found], count

    def table(self, actor: Actor, name_or_id: str, table: str) -> SourceTable:
        """One table with its columns, and what the actor may know of their values.

        Raises `NotFound`.
        """
        source = self.get(actor, name_or_id)
        with UnitOfWork(self._engine) as uow:
            found = uow.source_tables.get(source.source_id, table)
            return replace(found, table=seen_table(found.table, policies_of(uow, actor, source)))

    def suggested_questions(self, actor: Actor, source_id: str) -> tuple[str, ...]:
        """Questions that the planner can answer from this source.

        Found once per version of the model: each is planned before it is offered, and a page that
        many people open at once must not plan them for everybody.
        """
        source = self.get(actor, source_id)
        with UnitOfWork(self._engine) as uow:
            version = uow.semantic_models.find_latest_version(
                actor.organization_id, source.source_id
            )
            policies = policies_of(uow, actor, source)
        key = (actor.organization_id, source.source_id, version, policies)
        with self._suggesting:
            if key not in self._suggested:
                found = tuple(suggest_questions(self.model(actor, source.source_id)))
                self._suggested = {
                    k: v for k, v in self._suggested.items() if k[:2] != key[:2] or k[2] == version
                }
                self._suggested[key] = found
            return self._suggested[key]

    def prepare_sample(self, organization_id: str) -> SampleSource | None:
        """Ingest the sample, outside of any transaction: takes seconds the first time.

        None when that fails: Aiser works without it, and `add_sample` tries again.
        """
        if self._make_sample is None:
            return None
        try:
            return self._make_sample(organization_id)
        except (AiserError, OSError):
            log.exception("sample_source_failed")
            return None

    def add_sample(self, organization_id: str) -> DataSource | None:
        """Add the sample, or bring it up to date."""
        sample = self.prepare_sample(organization_id)
        return self.register(sample.source, sample.model, sample.catalog) if sample else None

    def register(self, source: DataSource, model: SemanticModel, catalog: Catalog) -> DataSource:
        """Write a source, its tables and its model; a source of that name is replaced."""
        with UnitOfWork(self._engine) as uow:
            written = self.write(uow, source, model, catalog)
            uow.commit()
        return written

    def write(
        self, uow: UnitOfWork, source: DataSource, model: SemanticModel, catalog: Catalog
    ) -> DataSource:
        """As `register`, within the caller's transaction."""
        now = datetime.now(UTC)
        existing = uow.data_sources.find_by_name(source.organization_id, source.name)
        if existing is None:
            uow.data_sources.add(source, now)
        else:
            source = replace(source, source_id=existing.source_id)
            uow.data_sources.replace(source)
        return store_catalog(uow, source, catalog, now, model=model).source


def find_source(uow: UnitOfWork, organization_id: str, name_or_id: str) -> DataSource:
    """By id, else by name. Raises `NotFound`."""
    source = None
    if is_id(name_or_id):
        source = uow.data_sources.find(organization_id, name_or_id)
    if source is None and len(name_or_id) <= 200 and not has_binary(name_or_id):
        source = uow.data_sources.find_by_name(organization_id, name_or_id)
    if source is None:
        raise NotFound("There is no such data source.", hint="GET /api/v1/sources lists them.")
    return source
