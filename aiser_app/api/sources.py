"""Data sources, read only for now."""

from __future__ import annotations

from fastapi import APIRouter

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import SourceDetail, SourceList, SourceView, TableView
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import Cube
from aiser_app.errors import NotFound

router = APIRouter(prefix="/sources", tags=["sources"])


@router.get("")
def list_sources(actor: CurrentActor, given: GivenServices) -> SourceList:
    return SourceList(sources=[source_view(source) for source in given.sources.list(actor)])


@router.get("/{source_id}")
def get_source(source_id: str, actor: CurrentActor, given: GivenServices) -> SourceDetail:
    """A source by id or name, with its tables and questions to begin with."""
    source = given.sources.get(actor, source_id)
    tables: list[TableView] = []
    questions: list[str] = []
    try:
        model = given.sources.model(actor, source.source_id)
    except NotFound:
        pass  # not synced yet: the source exists without tables
    else:
        tables = [_table(cube) for cube in model.cubes]
        questions = list(given.sources.suggested_questions(actor, source.source_id))
    return SourceDetail(
        **source_view(source).model_dump(), tables=tables, suggested_questions=questions
    )


def source_view(source: DataSource) -> SourceView:
    return SourceView(
        source_id=source.source_id,
        name=source.name,
        engine=source.engine,
        description=source.description,
        status=source.status.value,
        synced_at=source.synced_at,
        table_count=source.table_count,
        row_count=source.row_count,
    )


def _table(cube: Cube) -> TableView:
    return TableView(
        name=cube.name,
        title=cube.title,
        description=cube.description,
        row_count=cube.row_count,
        dimensions=[dimension.name for dimension in cube.dimensions],
        measures=[measure.name for measure in cube.measures],
    )
