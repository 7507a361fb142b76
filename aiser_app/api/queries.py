"""Running queries, and the history of those that ran."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import anyio
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.query_schemas import (
    CheckBody,
    CheckView,
    QueryBody,
    QueryQueued,
    QueryRecordList,
    QueryRecordView,
    QueryRunView,
)
from aiser_app.domain.query_record import QueryStatus
from aiser_app.services.queries import LASTING_SECONDS, QueryInput

router = APIRouter(prefix="/queries", tags=["queries"])


@router.post(
    "",
    status_code=202,
    response_model=None,
    responses={
        200: {"model": QueryRunView, "description": "The run ended within `wait` seconds."},
        202: {"model": QueryQueued, "description": "The run goes on: follow or poll it."},
    },
)
async def run_query(body: QueryBody, actor: CurrentActor, given: GivenServices) -> JSONResponse:
    """Run SQL or a semantic query, read-only, through the guard and the policies of the source.

    A query that the guard refuses is a run that ends in `failed` with the code `query_denied`.
    """
    asked = QueryInput(
        sources=[body.source] if isinstance(body.source, str) else body.source,
        sql=body.sql,
        semantic_query=body.semantic_query,
        parameters=body.parameters,
        limit=body.limit,
        timeout_seconds=body.timeout,
        explaining=body.explain,
        bypass_cache=body.refresh,
    )
    submit = partial(given.queries.submit, actor, asked, is_awaited=body.wait >= LASTING_SECONDS)
    submitted = await anyio.to_thread.run_sync(submit)
    run, view = submitted.run, None
    if submitted.result is not None:
        see = partial(
            given.runs.view_of, run, source=submitted.source.name, result=submitted.result
        )
        view = await anyio.to_thread.run_sync(see)
    elif body.wait > 0:
        run, view = await given.runs.awaited(actor, run, body.wait)
    if view is not None:
        return JSONResponse(view)
    return JSONResponse(QueryQueued(run_id=run.run_id, status=run.status.value).model_dump(), 202)


@router.post("/check")
def check_query(body: CheckBody, actor: CurrentActor, given: GivenServices) -> CheckView:
    """What the guard says of a text, without running it: for an editor while somebody types."""
    found = given.queries.check(
        actor,
        QueryInput(
            sources=[body.source] if isinstance(body.source, str) else body.source,
            sql=body.sql,
            parameters=body.parameters,
        ),
    )
    return CheckView.model_validate(found)


@router.get("")
def list_queries(
    actor: CurrentActor,
    given: GivenServices,
    source: Annotated[str | None, Query(max_length=400)] = None,
    everybody: bool = False,
    slow: bool = False,
    status: QueryStatus | None = None,
    before: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> QueryRecordList:
    """The history, newest first: one's own, or with `monitoring.read` that of everybody."""
    records = given.query_history.list(
        actor,
        source=source,
        everybody=everybody,
        slow_only=slow,
        status=status,
        before=before,
        limit=limit,
    )
    return QueryRecordList(queries=[QueryRecordView.model_validate(r) for r in records])


@router.get("/{query_id}")
def get_query(query_id: str, actor: CurrentActor, given: GivenServices) -> QueryRecordView:
    return QueryRecordView.model_validate(given.query_history.get(actor, query_id))
