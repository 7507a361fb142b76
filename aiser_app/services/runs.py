"""Runs as their user follows, waits for, and stops them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import anyio
from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventFeed, RunEventLog
from aiser_app.db.identifiers import is_id
from aiser_app.db.repositories.runs import WholeRun
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.result import Result
from aiser_app.domain.run import EventKind, Run, RunEvent, RunKind, RunStatus
from aiser_app.errors import NotFound, ServiceUnavailable
from aiser_app.query.results import ResultStore
from aiser_app.services.run_views import SHOWN_ROWS, ending_of, query_view, run_view
from aiser_app.services.sync_endings import leave_syncing

log = logging.getLogger(__name__)

QUIET_SECONDS = 2.0
"""After this long without an event Postgres is asked whether the run has ended all the same."""
SHOWN_BYTES = 8 * 1024 * 1024
"""About as much of a result is part of a run: whoever asks how it goes asks again and again."""
POLL_SECONDS = 0.5
"""How often a wait looks while Redis is down."""


class Runs:
    def __init__(
        self,
        engine: Engine,
        *,
        store: ResultStore,
        events: RunEventLog,
        feed: RunEventFeed,
        control: RunControl,
    ) -> None:
        self._engine = engine
        self._store = store
        self._events = events
        self._feed = feed
        self._control = control

    def get(self, actor: Actor, run_id: str) -> Run:
        """Raises `NotFound`, also for a run of somebody else."""
        require(actor, Permission.CONVERSATIONS_READ)
        run = None
        if is_id(run_id):
            with UnitOfWork(self._engine, each_alone=True) as uow:
                run = uow.runs.find_of_user(actor.organization_id, actor.user_id, run_id)
        if run is None:
            raise NotFound("There is no such run.")
        return run

    def view(self, actor: Actor, run_id: str) -> dict[str, Any]:
        """The run as JSON, with the first rows of its first result."""
        whole = self._whole(actor, run_id)
        return self.view_of(whole.run, source=whole.source_name, result=whole.result)

    def view_of(self, run: Run, *, source: str | None, result: Result | None) -> dict[str, Any]:
        """As `view`, of a run of the actor that is at hand with all that belongs to it."""
        view = run_view if run.kind is RunKind.ASK else query_view
        return view(run, source=source, result=result, rows=self._first_rows(result))

    async def follow(self, actor: Actor, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """Events above `after`: those that were, then as they come; ends after the final one.

        When the events are gone from Redis, the ending is told from Postgres.
        """
        run = await anyio.to_thread.run_sync(self.get, actor, run_id)
        if run.status.is_final:
            for event in await anyio.to_thread.run_sync(self._told, run, after):
                yield event
            return
        async with aclosing(self._events_of(run_id, after)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    async def wait(self, actor: Actor, run_id: str, seconds: float) -> Run:
        """The run, as soon as it has ended, or as it is after `seconds`."""
        await self._until_end(self.follow(actor, run_id), actor, run_id, seconds)
        return await anyio.to_thread.run_sync(self.get, actor, run_id)

    async def awaited(
        self, actor: Actor, run: Run, seconds: float
    ) -> tuple[Run, dict[str, Any] | None]:
        """Of a run that the actor has just begun: as `wait`, with its view when it has ended."""
        if seconds > 0:
            await self._until_end(self._events_of(run.run_id, 0), actor, run.run_id, seconds)
        return await anyio.to_thread.run_sync(self._seen, actor, run.run_id)

    def _seen(self, actor: Actor, run_id: str) -> tuple[Run, dict[str, Any] | None]:
        whole = self._whole(actor, run_id)
        run = whole.run
        if not run.status.is_final:
            return run, None
        return run, self.view_of(run, source=whole.source_name, result=whole.result)

    def _whole(self, actor: Actor, run_id: str) -> WholeRun:
        require(actor, Permission.CONVERSATIONS_READ)
        whole = None
        if is_id(run_id):
            with UnitOfWork(self._engine, each_alone=True) as uow:
                whole = uow.runs.find_whole(actor.organization_id, actor.user_id, run_id)
        if whole is None:
            raise NotFound("There is no such run.")
        return whole

    async def _events_of(self, run_id: str, after: int) -> AsyncIterator[RunEvent]:
        """From Redis; when nothing is heard for a while, Postgres is asked for the ending."""
        last = after

        async def ended() -> RunEvent | None:
            return await anyio.to_thread.run_sync(self._ending, run_id, last + 1)

        subscription = self._feed.subscribe(
            run_id, after, quiet_seconds=QUIET_SECONDS, on_quiet=ended
        )
        async with aclosing(subscription) as events:  # type: ignore[type-var]
            async for event in events:
                last = event.seq
                yield event

    async def _until_end(
        self, events: AsyncIterator[RunEvent], actor: Actor, run_id: str, seconds: float
    ) -> None:
        with anyio.move_on_after(seconds):
            try:
                async with aclosing(events) as coming:  # type: ignore[type-var]
                    async for _ in coming:
                        pass
            except ServiceUnavailable:
                while not await self._has_ended(actor, run_id):  # noqa: ASYNC110 - polls Postgres
                    await asyncio.sleep(POLL_SECONDS)

    def cancel(self, actor: Actor, run_id: str) -> Run:
        """Queued runs end at once, running ones as soon as their worker hears of it.

        A run that has ended stays as it is.
        """
        run = self.get(actor, run_id)
        if run.status is RunStatus.QUEUED:
            with UnitOfWork(self._engine) as uow:
                if uow.runs.cancel_queued(run_id, datetime.now(UTC)):
                    leave_syncing(uow, run, "")
                    uow.after_commit(
                        lambda: _discard(self._events.append(run_id, EventKind.CANCELLED, {}))
                    )
                uow.commit()
            run = self.get(actor, run_id)
        if run.status is RunStatus.RUNNING:
            self._control.request_cancel(run_id)
        return run

    async def _has_ended(self, actor: Actor, run_id: str) -> bool:
        run = await anyio.to_thread.run_sync(self.get, actor, run_id)
        return run.status.is_final

    def _first_rows(self, result: Result | None) -> list[list[Any]]:
        if result is None:
            return []
        row_bytes = result.byte_count // max(1, result.row_count)
        limit = min(SHOWN_ROWS, max(1, SHOWN_BYTES // max(1, row_bytes)))
        try:
            return self._store.page(result, offset=0, limit=limit).rows
        except NotFound:
            log.warning("result_rows_gone", extra={"result_id": result.result_id})
            return []

    def _told(self, run: Run, after: int) -> list[RunEvent]:
        """Events of a run that has ended, with an ending in any case."""
        try:
            events = self._events.read(run.run_id)
        except ServiceUnavailable:
            events = []
        unseen = [event for event in events if event.seq > after]
        if any(event.kind.is_final for event in events):
            return unseen
        last = max([after, *(event.seq for event in events)])
        ending = ending_of(run, last + 1)
        return unseen if ending is None else [*unseen, ending]

    def _ending(self, run_id: str, seq: int) -> RunEvent | None:
        with UnitOfWork(self._engine, each_alone=True) as uow:
            run = uow.runs.find(run_id)
        if run is None:
            raise NotFound(
                "This run was lost when the database stopped.", hint="Start it once more."
            )
        return ending_of(run, seq)


def _discard(_event: RunEvent) -> None:
    """After-commit hooks return nothing."""
