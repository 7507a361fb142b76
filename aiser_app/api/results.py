"""Rows of results: JSON pages, Arrow, and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import anyio
import orjson
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import ResultPageView
from aiser_app.services.results import RowFile

router = APIRouter(prefix="/results", tags=["results"])

ARROW = "application/vnd.apache.arrow.stream"
MAX_PAGE_ROWS = 10_000

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Conditions = Annotated[list[str] | None, Query(max_length=40)]


class RowsResponse(StreamingResponse):
    """Closes what it sends, however it ends: a client that goes away would leave it half-read."""

    def __init__(self, file: RowFile, headers: dict[str, str]) -> None:
        super().__init__(file.chunks, media_type=file.media_type, headers=headers)
        self._file = file

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._file.chunks.close)


def _sent(file: RowFile) -> RowsResponse:
    """Where the form has no place to say that rows are missing, the headers do."""
    headers = {
        "X-Aiser-Row-Count": str(file.row_count),
        "X-Aiser-Truncated": str(file.truncated).lower(),
        "X-Content-Type-Options": "nosniff",
    }
    if file.name:
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return RowsResponse(file, headers)


def asked_rows(
    result_id: str,
    actor: CurrentActor,
    given: GivenServices,
    sort: Conditions = None,
    filter: Conditions = None,
) -> Callable[[str], StreamingResponse]:
    """All rows in the asked order, as a file of a format that is still to be said."""

    def as_file(extension: str) -> StreamingResponse:
        file = given.results.export(
            actor, result_id, extension, sort=sort or (), filters=filter or ()
        )
        return _sent(file)

    return as_file


AskedRows = Annotated[Callable[[str], StreamingResponse], Depends(asked_rows)]


@router.get("/{result_id}.csv", response_class=StreamingResponse)
def result_csv(rows: AskedRows) -> StreamingResponse:
    """All rows as CSV. Text that a spreadsheet would run as a formula is defused."""
    return rows("csv")


@router.get("/{result_id}.xlsx", response_class=StreamingResponse)
def result_xlsx(rows: AskedRows) -> StreamingResponse:
    """All rows as an Excel workbook; what Excel cannot hold is told in its second sheet."""
    return rows("xlsx")


@router.get("/{result_id}.parquet", response_class=StreamingResponse)
def result_parquet(rows: AskedRows) -> StreamingResponse:
    """All rows as Parquet, in their own types."""
    return rows("parquet")


@router.get("/{result_id}.json", response_class=StreamingResponse)
def result_json(rows: AskedRows) -> StreamingResponse:
    """All rows as one JSON array of objects."""
    return rows("json")


@router.get("/{result_id}.ndjson", response_class=StreamingResponse)
def result_ndjson(rows: AskedRows) -> StreamingResponse:
    """All rows as JSON, one object per line."""
    return rows("ndjson")


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
    queries; both may be repeated. With `Accept: application/vnd.apache.arrow.stream` the same rows
    come as an Arrow stream.
    """
    if ARROW in accept:
        return _sent(
            given.results.arrow(
                actor, result_id, offset=offset, limit=limit, sort=sort or (), filters=filter or ()
            )
        )
    page = given.results.page_as_asked(
        actor, result_id, offset=offset, limit=limit, sort=sort or (), filters=filter or ()
    )
    return Response(orjson.dumps(page), media_type="application/json")
