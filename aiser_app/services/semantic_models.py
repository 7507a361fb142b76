"""Semantic models as people edit them: read, check, save, go back; as objects and as Cube YAML."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.access.known_values import seen_model
from aiser_app.access.permissions import require
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.model_facts import ModelDrift, Shapes, drift_of, with_facts, without_facts
from aiser_app.domain.model_problem import ModelProblem
from aiser_app.domain.model_version import ModelVersion, Origin
from aiser_app.domain.permission import Permission
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import Conflict, InvalidInput, NotFound
from aiser_app.query.model_check import ModelSql
from aiser_app.semantic.cube_files import read_cube_file, write_cube_file
from aiser_app.semantic.model_validation import check_model
from aiser_app.services.catalogs import granted_tables
from aiser_app.services.grants import query_source
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import refuse_binary

MAX_VERSIONS = 200
"""The newest ones are listed."""
NOTE_MAX_CHARS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """A model as given: as `yaml`, or as an object."""

    yaml: str | None = None
    model: SemanticModel | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredModel:
    """The model in force, as the actor may know it, and how it came about."""

    source: DataSource
    model: SemanticModel
    edit: ModelVersion | None = None
    """The edit that is in force; None when the model is the inferred one."""
    drift: ModelDrift = field(default_factory=ModelDrift)
    """What syncs changed beneath the edit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedModel:
    model: SemanticModel
    problems: tuple[ModelProblem, ...]

    @property
    def errors(self) -> tuple[ModelProblem, ...]:
        return tuple(problem for problem in self.problems if problem.is_error)


class SemanticModels:
    def __init__(self, engine: Engine, *, dialects: Mapping[str, str]) -> None:
        """`dialects` says which SQL each engine speaks, by the engine's name."""
        self._engine = engine
        self._dialects = dialects

    def get(self, actor: Actor, name_or_id: str) -> StoredModel:
        """Raises `NotFound`: no such source, or it was never synchronized."""
        require(actor, Permission.SOURCES_READ)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
            return self._stored(uow, actor, source)

    def yaml(self, actor: Actor, name_or_id: str) -> str:
        """The model in force as a Cube file."""
        stored = self.get(actor, name_or_id)
        return write_cube_file(stored.model, self._dialect(stored.source))

    def check(self, actor: Actor, name_or_id: str, given: ModelInput) -> CheckedModel:
        """What saving it would say."""
        require(actor, Permission.SOURCES_READ)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
        return self._checked(source, given)

    def save(
        self,
        actor: Actor,
        name_or_id: str,
        given: ModelInput,
        *,
        note: str = "",
        based_on: int | None = None,
    ) -> StoredModel:
        """Make it the model in force, from the next question on.

        `based_on` is the version of the edit that it was made from, 0 for the inferred model; None
        overwrites whatever is there.

        Raises:
            InvalidInput: it cannot be used; says the first reason and its line.
            Conflict: somebody else has edited the model meanwhile.
        """
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
        model = self._usable(source, given)
        return self._write(actor, source, Origin.EDITED, model, _checked_note(note), based_on)

    def versions(self, actor: Actor, name_or_id: str) -> Sequence[ModelVersion]:
        """The newest first."""
        require(actor, Permission.SOURCES_READ)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
            return uow.semantic_models.list_versions(
                actor.organization_id, source.source_id, limit=MAX_VERSIONS
            )

    def restore(self, actor: Actor, name_or_id: str, version: int) -> StoredModel:
        """Put an earlier version in force again, as a new version.

        Raises:
            NotFound: there is no such version.
            InvalidInput: it does not fit the tables there are now.
        """
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
            old = uow.semantic_models.find(actor.organization_id, source.source_id, version)
        if old is None or not old.cubes:
            raise NotFound(f"There is no version {version:,} that could be restored.")
        model = self._usable(source, ModelInput(model=old))
        note = f"Version {version:,} again"
        return self._write(actor, source, Origin.EDITED, model, note, None)

    def reset(self, actor: Actor, name_or_id: str) -> StoredModel:
        """Back to what is inferred; edits stay in the list of versions."""
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
        empty = SemanticModel(source_id=source.source_id, cubes=())
        return self._write(actor, source, Origin.RESET, empty, "Back to the inferred model", None)

    def _write(
        self,
        actor: Actor,
        source: DataSource,
        origin: Origin,
        model: SemanticModel,
        note: str,
        based_on: int | None,
    ) -> StoredModel:
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            if uow.data_sources.lock(actor.organization_id, source.source_id) is None:
                raise NotFound("This data source was removed.")
            models = uow.semantic_models
            edit = _edit_of(uow, source)
            if based_on is not None and based_on != (edit.version if edit else 0):
                raise Conflict(
                    "Somebody else has edited this model meanwhile.",
                    hint="Load it again, and repeat your changes.",
                )
            version = models.find_latest_version(actor.organization_id, source.source_id) + 1
            models.add(
                actor.organization_id,
                replace(model, source_id=source.source_id, version=version),
                now,
                origin=origin,
                author_id=actor.user_id,
                note=note,
            )
            uow.audit_events.add(_event(actor, source, origin, version, note, now))
            stored = self._stored(uow, actor, source)
            uow.commit()
        return stored

    def _stored(self, uow: UnitOfWork, actor: Actor, source: DataSource) -> StoredModel:
        organization_id, source_id = actor.organization_id, source.source_id
        model = uow.semantic_models.find_latest(organization_id, source_id)
        if model is None:
            raise NotFound(
                "This source has no semantic model yet.", hint="Wait for its first sync."
            )
        edit = _edit_of(uow, source)
        drift = ModelDrift()
        if edit is not None:
            base = uow.semantic_models.find_inferred(
                organization_id, source_id, before=edit.version
            )
            drift = drift_of(model, base, uow.source_tables.shapes(source_id))
        granted = query_source(uow, actor, source, model)
        seen = seen_model(model, granted.tables, granted.policies)
        if actor.may(Permission.POLICIES_MANAGE):
            # What whoever makes the policies wrote must not get lost when they save it again.
            seen = with_facts(model, seen)
        return StoredModel(source=source, model=seen, edit=edit, drift=drift)

    def _usable(self, source: DataSource, given: ModelInput) -> SemanticModel:
        checked = self._checked(source, given)
        if not checked.errors:
            return checked.model
        first = checked.errors[0]
        rest = len(checked.errors) - 1
        where = f"{first.where}: " if first.where else ""
        more = f" (and {rest:,} more)" if rest else ""
        raise InvalidInput(
            f"The model cannot be used. {where}{first.message}{more}",
            hint="POST /api/v1/models/{source}/check lists all that is wrong.",
        ).at(first.line, None)

    def _checked(self, source: DataSource, given: ModelInput) -> CheckedModel:
        if (given.yaml is None) == (given.model is None):
            raise InvalidInput("Give the model either as YAML, or as an object.")
        lines: Mapping[str, int] = {}
        found: tuple[ModelProblem, ...] = ()
        if given.yaml is not None:
            file = read_cube_file(given.yaml, source.source_id)
            model, found, lines = file.model, file.problems, file.lines
        else:
            model = given.model or SemanticModel(source_id=source.source_id, cubes=())
            if not model.cubes:
                found = (ModelProblem(message="The model has no cubes."),)
        with UnitOfWork(self._engine) as uow:
            shapes = uow.source_tables.shapes(source.source_id)
            hidden = uow.source_tables.hidden_names(source.source_id)
            granted = granted_tables(uow, source)
        judge = ModelSql(self._dialect(source), granted)
        checked = check_model(without_facts(model), _columns(shapes), judge, lines)
        problems = (*found, *checked.problems, *_hidden(checked.model, hidden, lines))
        return CheckedModel(
            model=replace(checked.model, source_id=source.source_id), problems=problems
        )

    def _dialect(self, source: DataSource) -> str:
        return self._dialects.get(source.engine, source.engine)


def _columns(shapes: Shapes) -> dict[str, tuple[str, ...]]:
    return {table: tuple(columns) for table, columns in shapes.items()}


def _hidden(
    model: SemanticModel, hidden: Collection[str], lines: Mapping[str, int]
) -> list[ModelProblem]:
    """What is hidden from the agent must not come back to it by way of a model."""
    return [
        ModelProblem(
            message=f"“{table}” is hidden from the agent: show it there first.",
            where=cube.name,
            line=lines.get(cube.name),
        )
        for cube in model.cubes
        for table in (cube.table, *cube.reads)
        if table in hidden
    ]


def _edit_of(uow: UnitOfWork, source: DataSource) -> ModelVersion | None:
    return uow.semantic_models.find_edit(source.organization_id, source.source_id)


def _checked_note(note: str) -> str:
    cleaned = note.strip()
    if len(cleaned) > NOTE_MAX_CHARS:
        raise InvalidInput(f"A note has at most {NOTE_MAX_CHARS} characters.")
    refuse_binary(cleaned, "The note")
    return cleaned


def _event(
    actor: Actor, source: DataSource, origin: Origin, version: int, note: str, now: datetime
) -> AuditEvent:
    return AuditEvent(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        kind="model.reset" if origin is Origin.RESET else "model.edited",
        subject=source.name,
        at=now,
        detail={"source_id": source.source_id, "version": version, "note": note},
    )
