"""Data sources: what there is, and adding, testing, syncing, pausing and removing them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.query_schemas import AdviceView
from aiser_app.api.schemas import SourceDetail, SourceList, SourceMade, SourceView, TableView
from aiser_app.api.source_schemas import (
    ChangeSourceBody,
    ConnectionReportView,
    CreateSourceBody,
    CubeBody,
    CubeChanged,
    PauseBody,
    RunStarted,
    SourceTableDetail,
    SourceTableList,
    SourceTableSummary,
    TestCubeBody,
    TestUrlBody,
)
from aiser_app.bootstrap.web import Services
from aiser_app.domain.actor import Actor
from aiser_app.domain.catalog import SourceTable
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.encoding import encode
from aiser_app.domain.run import Run
from aiser_app.domain.semantic_model import Cube
from aiser_app.errors import NotFound
from aiser_app.services.source_setup import SourceChange

router = APIRouter(prefix="/sources", tags=["sources"])


@router.get("")
def list_sources(actor: CurrentActor, given: GivenServices) -> SourceList:
    return SourceList(sources=[source_view(source) for source in given.sources.list(actor)])


@router.post("", status_code=201)
def create_source(body: CreateSourceBody, actor: CurrentActor, given: GivenServices) -> SourceMade:
    """Register a database; its first sync starts at once, `run_id` tells how far it is."""
    source, run = given.source_setup.create(
        actor,
        name=body.name,
        change=SourceChange(url=body.url, description=body.description, settings=body.options),
    )
    return SourceMade(**source_view(source).model_dump(), run_id=run.run_id)


@router.post("/test")
def test_url(body: TestUrlBody, actor: CurrentActor, given: GivenServices) -> ConnectionReportView:
    """Try an address before it is registered, step by step. The answer is 200 in any case."""
    change = SourceChange(url=body.url, settings=body.options)
    return ConnectionReportView.model_validate(given.source_setup.test_url(actor, change))


@router.post("/{source_id}/test")
def test_source(source_id: str, actor: CurrentActor, given: GivenServices) -> ConnectionReportView:
    """Try the connection of a source, step by step. The answer is 200 in any case."""
    return ConnectionReportView.model_validate(given.source_setup.test(actor, source_id))


@router.post("/{source_id}/sync", status_code=202)
def sync_source(source_id: str, actor: CurrentActor, given: GivenServices) -> RunStarted:
    """Read the catalog again, in the background."""
    run = given.source_setup.sync(actor, source_id)
    return RunStarted(run_id=run.run_id, status=run.status.value)


@router.patch("/{source_id}")
def change_source(
    source_id: str, body: ChangeSourceBody, actor: CurrentActor, given: GivenServices
) -> SourceView:
    change = SourceChange(
        name=body.name, url=body.url, description=body.description, settings=body.options
    )
    return source_view(given.source_setup.change(actor, source_id, change))


@router.post("/{source_id}/pause")
def pause_source(
    source_id: str, body: PauseBody, actor: CurrentActor, given: GivenServices
) -> SourceView:
    """No query reaches it until it is resumed; whoever asks is told the reason."""
    return source_view(given.source_setup.pause(actor, source_id, body.reason))


@router.post("/{source_id}/resume")
def resume_source(source_id: str, actor: CurrentActor, given: GivenServices) -> SourceView:
    return source_view(given.source_setup.resume(actor, source_id))


@router.put("/{source_id}/cube", status_code=202)
def attach_cube(
    source_id: str, body: CubeBody, actor: CurrentActor, given: GivenServices
) -> CubeChanged:
    """Semantic queries go by way of this Cube from now on; a sync reads its model."""
    run = given.cube_setup.attach(actor, source_id, url=body.url, secret=body.secret)
    return _cube_changed(source_id, run, actor, given)


@router.delete("/{source_id}/cube", status_code=202)
def detach_cube(source_id: str, actor: CurrentActor, given: GivenServices) -> CubeChanged:
    """Queries go to the source itself again; a sync infers the model anew."""
    return _cube_changed(source_id, given.cube_setup.detach(actor, source_id), actor, given)


@router.post("/{source_id}/cube/test")
def test_cube(
    source_id: str, body: TestCubeBody, actor: CurrentActor, given: GivenServices
) -> ConnectionReportView:
    """Try the Cube of a source, or another one before it is attached. The answer is 200 in any case."""
    report = given.cube_setup.test(actor, source_id, url=body.url, secret=body.secret)
    return ConnectionReportView.model_validate(report)


@router.delete("/{source_id}", status_code=204)
def delete_source(source_id: str, actor: CurrentActor, given: GivenServices) -> None:
    """Remove it with its policies and kept data. The history of what was asked stays."""
    given.source_setup.delete(actor, source_id)


@router.get("/{source_id}/tables")
def list_tables(
    source_id: str,
    actor: CurrentActor,
    given: GivenServices,
    search: Annotated[str, Query(max_length=400)] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> SourceTableList:
    """Tables and views by name, those that hold `search`."""
    found, count = given.sources.tables(actor, source_id, search=search, offset=offset, limit=limit)
    return SourceTableList(tables=[_summary(item) for item in found], count=count)


@router.get("/{source_id}/tables/{table}")
def get_table(
    source_id: str, table: str, actor: CurrentActor, given: GivenServices
) -> SourceTableDetail:
    """A table with its columns, keys and indexes, and what is known of its values."""
    found = given.sources.table(actor, source_id, table)
    return SourceTableDetail(**_summary(found).model_dump(), **_table_facts(found))


@router.get("/{source_id}/advice")
def source_advice(source_id: str, actor: CurrentActor, given: GivenServices) -> AdviceView:
    """What would make the queries over it cheaper, with the evidence. Nothing is run for it."""
    return AdviceView.model_validate(given.advice.of_source(actor, source_id))


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
        questions = list(given.suggestions.questions(actor, source.source_id))
    return SourceDetail(
        **source_view(source).model_dump(),
        tables=tables,
        suggested_questions=questions,
        url=given.source_setup.shown_url(actor, source),
        cube_url=given.cube_setup.shown_url(actor, source),
        options=encode(source.settings),
    )


def _cube_changed(source_id: str, run: Run | None, actor: Actor, given: Services) -> CubeChanged:
    source = given.sources.get(actor, source_id)
    url = given.cube_setup.shown_url(actor, source)
    return CubeChanged(cube_url=url, run_id=run.run_id if run else None)


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
        status_reason=source.status_reason,
        warnings=list(source.warnings),
    )


def _summary(item: SourceTable) -> SourceTableSummary:
    return SourceTableSummary(
        name=item.table.name,
        description=item.table.description,
        row_estimate=item.table.row_count,
        column_count=len(item.table.columns),
        is_view=item.table.is_view,
        hidden_from_ai=item.hidden_from_ai,
    )


def _table_facts(item: SourceTable) -> dict[str, Any]:
    table = item.table
    return {
        "columns": [encode(column) for column in table.columns],
        "primary_key": list(table.primary_key),
        "foreign_keys": [
            {"columns": own, "table": target, "target_columns": columns}
            for own, target, columns in table.foreign_keys
        ],
        "indexes": [list(index) for index in table.indexes],
        "depends_on": list(table.depends_on) if table.depends_on is not None else None,
    }


def _table(cube: Cube) -> TableView:
    return TableView(
        name=cube.name,
        title=cube.title,
        description=cube.description,
        row_count=cube.row_count,
        dimensions=[dimension.name for dimension in cube.dimensions],
        measures=[measure.name for measure in cube.measures],
    )
