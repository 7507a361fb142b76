"""Asking a question."""

from __future__ import annotations

from functools import partial

import anyio
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.schemas import AskBody, Queued, RunView

router = APIRouter(tags=["ask"])


@router.post(
    "/ask",
    status_code=202,
    response_model=None,
    responses={
        200: {"model": RunView, "description": "The run ended within `wait` seconds."},
        202: {"model": Queued, "description": "The run goes on: follow or poll it."},
    },
)
async def ask(body: AskBody, actor: CurrentActor, given: GivenServices) -> JSONResponse:
    run = await anyio.to_thread.run_sync(
        partial(
            given.chat.ask,
            actor,
            body.question,
            source=body.source,
            conversation_id=body.conversation_id,
        )
    )
    if body.wait > 0:
        run, view = await given.runs.awaited(actor, run, body.wait)
        if view is not None:
            return JSONResponse(view)
    queued = Queued(run_id=run.run_id, conversation_id=run.conversation_id, status=run.status.value)
    return JSONResponse(queued.model_dump(), 202)
