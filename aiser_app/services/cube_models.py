"""The model of a source that has a Cube: Cube's own, read at every sync."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from time import perf_counter

from sqlalchemy import Engine

from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.run import Run
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.cube import CubeAccess, CubeModel, CubeNotUsed
from aiser_app.query.source_access import SourceAccess
from aiser_app.services.run_actors import actor_of
from aiser_app.services.step_lines import StepLines

log = logging.getLogger(__name__)

_TITLE = "Read Cube's model"


class CubeModels:
    """One per worker process."""

    def __init__(self, engine: Engine, *, access: SourceAccess, cube: CubeAccess | None) -> None:
        self._engine = engine
        self._access = access
        self._cube = cube

    def in_force(
        self,
        run: Run,
        source: DataSource,
        catalog: Catalog,
        hidden: Collection[str],
        inferred: SemanticModel,
        cancel: CancelToken,
        steps: StepLines,
    ) -> SemanticModel:
        """Cube's model with what the sync has measured; `inferred` for a source without a Cube.

        When Cube does not answer, the model that is in force stays, without tables that were hidden
        from the agent meanwhile.
        """
        if self._cube is None or not source.cube_url:
            return inferred
        started = perf_counter()
        steps.report("cube", _TITLE, state="run")
        with UnitOfWork(self._engine) as uow:
            actor = actor_of(uow, run)
        try:
            found = self._cube.model(
                source,
                actor,
                inferred=inferred,
                tables=[table.name for table in catalog.tables],
                dialect=self._access.dialects.get(source.engine, source.engine),
                cancel=cancel,
            )
        except CubeNotUsed as error:
            log.warning("cube_model_not_read", extra={"source_id": source.source_id})
            detail = f"{error.message} The model stays as it was."
            steps.report("cube", _TITLE, detail, state="fail")
            return self._latest(source, hidden) or inferred
        milliseconds = (perf_counter() - started) * 1000
        steps.report("cube", _TITLE, _told(found), duration_ms=milliseconds)
        return found.model

    def _latest(self, source: DataSource, hidden: Collection[str]) -> SemanticModel | None:
        with UnitOfWork(self._engine) as uow:
            model = uow.semantic_models.find_latest(source.organization_id, source.source_id)
        if model is None:
            return None
        kept = [
            cube for cube in model.cubes if not hidden or (cube.table and cube.table not in hidden)
        ]
        return replace(model, cubes=tuple(kept))


def _told(found: CubeModel) -> str:
    parts = [f"{len(found.model.cubes):,} cubes"]
    if found.only_in_cube:
        parts.append(f"{len(found.only_in_cube):,} members that only Cube can compute")
    if found.left_out:
        parts.append(f"{len(found.left_out):,} left out: hidden, or a view that repeats others")
    return ", ".join(parts)
