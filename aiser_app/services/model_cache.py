"""Semantic models as objects that live: reading a large one takes longer than answering with it."""

from __future__ import annotations

from collections import OrderedDict

from aiser_app.access.known_values import seen_model
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.policy import Policies
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource

KEPT = 32


class ModelCache:
    """The newest version of each source's model, per process. Versions never change once written.

    The same object comes back every time, so that what the planner derives from it is reused too.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._models: OrderedDict[tuple[str, str, int], SemanticModel] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str, int, Policies], SemanticModel] = OrderedDict()

    def find_latest(
        self, uow: UnitOfWork, organization_id: str, source_id: str
    ) -> SemanticModel | None:
        version = uow.semantic_models.find_latest_version(organization_id, source_id)
        key = (organization_id, source_id, version)
        found = self._models.get(key)
        if found is not None:
            self._models.move_to_end(key)
            return found
        model = uow.semantic_models.find_latest(organization_id, source_id)
        # A newer version may have come in between the two reads: keep it under its own number.
        if model is not None and model.version == version:
            self._models[key] = model
            while len(self._models) > self._kept:
                self._models.popitem(last=False)
        return model

    def as_seen(self, model: SemanticModel, granted: QuerySource) -> SemanticModel:
        """The model without the values that the policies of whoever asks hide."""
        policies = granted.policies
        if policies.is_empty:
            return model
        key = (model.source_id, granted.source.data_version, model.version, policies)
        found = self._seen.get(key)
        if found is None:
            if isinstance(granted.tables, GrantedTables):
                granted.tables.load(cube.table for cube in model.cubes if cube.table)
            found = self._seen[key] = seen_model(model, granted.tables, policies)
            while len(self._seen) > self._kept:
                self._seen.popitem(last=False)
        return found
