"""Runs: their state, their events as they happen, and Stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, StreamingResponse

from aiser_app.api.dependencies import CurrentActor, GivenServices
from aiser_app.api.error_envelope import envelope
from aiser_app.api.schemas import RunView
from aiser_app.domain.run import RunEvent
from aiser_app.errors import AiserError
from aiser_app.services.run_views import event_view

router = APIRouter(prefix="/runs", tags=["runs"])

HEARTBEAT_SECONDS = 15.0
"""Proxies close connections that are silent for longer than they like."""


@router.get("/{run_id}", response_model=None, responses={200: {"model": RunView}})
def get_run(run_id: str, actor: CurrentActor, given: GivenServices) -> JSONResponse:
    """Status, and once it has ended the answer with the first 1,000 rows."""
    return JSONResponse(given.runs.view(actor, run_id))


@router.post("/{run_id}/cancel", response_model=None, responses={200: {"model": RunView}})
def cancel_run(run_id: str, actor: CurrentActor, given: GivenServices) -> JSONResponse:
    """Stop it. What runs ends within moments; what has ended stays as it is."""
    given.runs.cancel(actor, run_id)
    return JSONResponse(given.runs.view(actor, run_id))


@router.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "Server-sent events, `id` being the event's number; ends after the last.",
        }
    },
)
async def run_events(
    run_id: str,
    actor: CurrentActor,
    given: GivenServices,
    after: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Events after `Last-Event-ID` or `after`: first those that were, then as they happen."""
    await anyio.to_thread.run_sync(given.runs.get, actor, run_id)
    cursor = after if after is not None else _cursor(last_event_id)
    return StreamingResponse(
        server_sent(given.runs.follow(actor, run_id, cursor)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _cursor(last_event_id: str | None) -> int:
    """A browser repeats what it saw last; anything else starts from the beginning."""
    text = (last_event_id or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0


async def server_sent(
    events: AsyncIterator[RunEvent], heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> AsyncIterator[str]:
    """Events as lines of an event stream, with comments in between to keep it open."""
    waiting: asyncio.Task[RunEvent] | None = None
    try:
        yield "retry: 1000\n\n"
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({waiting}, timeout=heartbeat_seconds)
            if not done:
                yield ": still here\n\n"
                continue
            event, waiting = waiting.result(), None
            yield _lines(event)
    except StopAsyncIteration:
        return
    except AiserError as error:
        content = envelope(error.code, error.message, hint=error.hint)
        yield f"event: error\ndata: {json.dumps(content)}\n\n"
    finally:
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, AiserError):
                await waiting


def _lines(event: RunEvent) -> str:
    data = json.dumps(event_view(event), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.seq}\nevent: {event.kind.value}\ndata: {data}\n\n"
