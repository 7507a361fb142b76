"""Shapes of requests and responses around semantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aiser_app.api.schemas import Body, ShortText

ModelYaml = Annotated[str, StringConstraints(max_length=1_000_000)]


class SaveModelBody(Body):
    model: dict[str, Any]
    """As `GET /models/{source}` gives it; measured facts in it are ignored."""
    note: ShortText = ""
    based_on: int | None = Field(default=None, ge=0)
    """`edit.version` of the model that was changed, 0 for the inferred one: refused if somebody else
    was quicker. Without it, whatever is there is overwritten."""


class SaveYamlBody(Body):
    yaml: ModelYaml
    note: ShortText = ""
    based_on: int | None = Field(default=None, ge=0)


class CheckModelBody(Body):
    """One of the two."""

    yaml: ModelYaml | None = None
    model: dict[str, Any] | None = None


class ModelProblemView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    message: str
    where: str
    line: int | None
    is_error: bool


class ModelCheckView(BaseModel):
    is_usable: bool
    problems: list[ModelProblemView]


class ModelVersionView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    version: int
    origin: str
    """inferred, edited or reset"""
    created_at: datetime
    author_id: str | None
    note: str


class ModelVersionList(BaseModel):
    versions: list[ModelVersionView]


class ModelDriftView(BaseModel):
    """What syncs changed beneath an edit; columns as `table.column`."""

    model_config = ConfigDict(from_attributes=True)

    missing_tables: list[str]
    missing_columns: list[str]
    new_tables: list[str]
    new_columns: list[str]


class ModelView(BaseModel):
    source_id: str
    source_name: str
    version: int
    edit: ModelVersionView | None
    """The edit in force; null when the model is the inferred one."""
    drift: ModelDriftView
    model: dict[str, Any]


class ModelYamlView(BaseModel):
    source_id: str
    version: int
    yaml: str
