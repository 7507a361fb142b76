"""Semantic models of data sources: reading, checking, saving and going back; also as Cube YAML."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.model_schemas import (
    CheckModelBody,
    ModelCheckView,
    ModelDriftView,
    ModelProblemView,
    ModelVersionList,
    ModelVersionView,
    ModelView,
    ModelYamlView,
    SaveModelBody,
    SaveYamlBody,
)
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.services.semantic_models import ModelInput, StoredModel

router = APIRouter(prefix="/models", tags=["models"])


@router.get("/{source}")
def get_model(source: str, actor: CurrentActor, given: GivenServices) -> ModelView:
    """The model in force of a source, by id or name, with the values that you may know."""
    return _view(given.models.get(actor, source))


@router.put("/{source}")
def save_model(
    source: str, body: SaveModelBody, actor: CurrentActor, given: GivenServices
) -> ModelView:
    """In force from the next question on, and over syncs, until it is edited or removed again."""
    model = ModelInput(model=_model(body.model))
    saved = given.models.save(actor, source, model, note=body.note, based_on=body.based_on)
    return _view(saved)


@router.delete("/{source}")
def reset_model(source: str, actor: CurrentActor, given: GivenServices) -> ModelView:
    """Back to the inferred model; the edits stay in the list of versions."""
    return _view(given.models.reset(actor, source))


@router.get("/{source}/yaml")
def get_yaml(source: str, actor: CurrentActor, given: GivenServices) -> ModelYamlView:
    """The model in force as a Cube YAML file."""
    stored = given.models.get(actor, source)
    return ModelYamlView(
        source_id=stored.source.source_id,
        version=stored.model.version,
        yaml=given.models.yaml(actor, source),
    )


@router.put("/{source}/yaml")
def save_yaml(
    source: str, body: SaveYamlBody, actor: CurrentActor, given: GivenServices
) -> ModelView:
    """The same as a Cube YAML file."""
    model = ModelInput(yaml=body.yaml)
    saved = given.models.save(actor, source, model, note=body.note, based_on=body.based_on)
    return _view(saved)


@router.post("/{source}/check")
def check_model(
    source: str, body: CheckModelBody, actor: CurrentActor, given: GivenServices
) -> ModelCheckView:
    """Everything that is wrong with a model, with lines. The answer is 200 in any case."""
    model = _model(body.model) if body.model is not None else None
    checked = given.models.check(actor, source, ModelInput(yaml=body.yaml, model=model))
    return ModelCheckView(
        is_usable=not checked.errors,
        problems=[ModelProblemView.model_validate(problem) for problem in checked.problems],
    )


@router.get("/{source}/versions")
def list_versions(source: str, actor: CurrentActor, given: GivenServices) -> ModelVersionList:
    """The newest first: who made them, when and why."""
    found = given.models.versions(actor, source)
    return ModelVersionList(versions=[ModelVersionView.model_validate(item) for item in found])


@router.post("/{source}/versions/{version}/restore")
def restore_version(
    source: str, version: int, actor: CurrentActor, given: GivenServices
) -> ModelView:
    """Put an earlier version in force again, as a new version."""
    return _view(given.models.restore(actor, source, version))


def _model(content: dict[str, Any]) -> SemanticModel:
    return decode(SemanticModel, content)


def _view(stored: StoredModel) -> ModelView:
    return ModelView(
        source_id=stored.source.source_id,
        source_name=stored.source.name,
        version=stored.model.version,
        edit=ModelVersionView.model_validate(stored.edit) if stored.edit else None,
        drift=ModelDriftView.model_validate(stored.drift),
        model=encode(stored.model),
    )
