"""Files in: a look at one, and its ingest."""

from __future__ import annotations

from functools import partial

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.query_schemas import QueryRunView
from aiser_app.api.upload_form import ReadForm, read_upload_form
from aiser_app.api.upload_schemas import FORM, PreviewView, UploadQueued, as_upload_form
from aiser_app.services.upload_files import UploadFile, no_room

router = APIRouter(prefix="/uploads", tags=["uploads"])


@router.post(
    "",
    status_code=202,
    response_model=None,
    openapi_extra=FORM,
    responses={
        200: {"model": QueryRunView, "description": "The run ended within `wait` seconds."},
        202: {"model": UploadQueued, "description": "The run goes on: follow or poll it."},
    },
)
async def upload_file(request: Request, actor: CurrentActor, given: GivenServices) -> JSONResponse:
    """Ingest a file into a source of its own, or into one that is made of files.

    What is wrong with the file as a whole is said at once; the rest is the run's outcome: tables,
    columns with their types and former names, lines and values that did not fit.
    """
    upload = await anyio.to_thread.run_sync(given.uploads.begin, actor)
    try:
        read = await _receive(request, upload, given.uploads.max_bytes)
        form, wait = as_upload_form(read.file_name or "", read.fields)
        source, run = await anyio.to_thread.run_sync(
            partial(given.uploads.start, actor, upload, form)
        )
    except BaseException:
        upload.remove()
        raise
    if wait > 0:
        run, view = await given.runs.awaited(actor, run, wait)
        if view is not None:
            return JSONResponse(view)
    queued = UploadQueued(
        run_id=run.run_id,
        upload_id=upload.upload_id,
        source=source.name,
        source_id=source.source_id,
        status=run.status.value,
    )
    return JSONResponse(queued.model_dump(), 202)


@router.post("/preview", openapi_extra=FORM)
async def preview_file(request: Request, actor: CurrentActor, given: GivenServices) -> PreviewView:
    """What a file would become: its kind, its columns with types, its first rows. Nothing is kept."""
    upload = await anyio.to_thread.run_sync(given.uploads.begin, actor)
    try:
        read = await _receive(request, upload, given.uploads.max_bytes)
        form, _ = as_upload_form(read.file_name or "", read.fields)
        found = await anyio.to_thread.run_sync(given.uploads.preview, actor, upload, form)
    finally:
        upload.remove()
    return PreviewView.model_validate(found)


async def _receive(request: Request, upload: UploadFile, max_bytes: int) -> ReadForm:
    """Write the form's file to its place.

    Raises:
        StorageFull: the disk took only a part of it.
    """
    content_type = request.headers.get("content-type", "")
    try:
        with await anyio.to_thread.run_sync(upload.open_new) as sink:
            return await read_upload_form(request.stream(), content_type, sink, max_bytes)
    except OSError as error:
        raise no_room() from error
