"""Rows of results: JSON pages, Arrow, CSV."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, Response, StreamingResponse

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import ResultPageView
from aiser_app.domain.result import Result
from aiser_app.errors import InvalidInput
from aiser_app.services.run_views import column_view

router = APIRouter(prefix="/results", tags=["results"])

ARROW = "application/vnd.apache.arrow.stream"
MAX_PAGE_ROWS = 10_000

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Conditions = Annotated[list[str] | None, Query(max_length=40)]


def _extent(result: Result) -> dict[str, str]:
    """Where the form has no place to say that rows are missing, the headers do."""
    return {
        "X-Aiser-Row-Count": str(result.row_count),
        "X-Aiser-Truncated": str(result.truncated).lower(),
    }


@router.get("/{result_id}.csv", response_class=StreamingResponse)
def result_csv(result_id: str, actor: CurrentActor, given: GivenServices) -> StreamingResponse:
    """All rows. Text that a spreadsheet would run as a formula is defused."""
    result = given.results.get(actor, result_id)
    name = f'attachment; filename="aiser-{result_id[:8]}.csv"'
    return StreamingResponse(
        given.results.csv(actor, result_id),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": name, **_extent(result)},
    )


@router.get(
    "/{result_id}",
    response_model=None,
    responses={
        200: {
            "model": ResultPageView,
            "content": {ARROW: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def result_page(
    result_id: str,
    actor: CurrentActor,
    given: GivenServices,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=0, le=MAX_PAGE_ROWS)] = 1_000,
    sort: Conditions = None,
    filter: Conditions = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """One page.

    `sort=column` or `sort=-column`; `filter=column:operator:value`, operators as in semantic
    queries; both may be repeated. With `Accept: application/vnd.apache.arrow.stream` rows come as
    an Arrow stream in their stored order.
    """
    if ARROW in accept:
        if sort or filter:
            raise InvalidInput(
                "Arrow comes in stored order and unfiltered.", hint="Sort and filter as JSON."
            )
        return StreamingResponse(
            given.results.arrow(actor, result_id, offset=offset, limit=limit),
            media_type=ARROW,
            headers=_extent(given.results.get(actor, result_id)),
        )
    page = given.results.page_as_asked(
        actor, result_id, offset=offset, limit=limit, sort=sort or (), filters=filter or ()
    )
    result = given.results.get(actor, result_id)
    return JSONResponse(
        {
            "result_id": result_id,
            "columns": [column_view(column) for column in page.columns],
            "rows": page.rows,
            "offset": page.offset,
            "limit": limit,
            "row_count": page.row_count,
            "truncated": page.truncated,
            "as_of": result.as_of.isoformat(),
            "sql": result.sql,
        }
    )
