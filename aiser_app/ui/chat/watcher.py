"""Follows the running turns of one open page and batches what happens for its state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiser_app.domain.run import EventKind, RunEvent
from aiser_app.errors import AiserError

FLUSH_SECONDS = 0.2
"""Least time between two updates of a page: each one costs a lock, a save and a delta."""

Follow = Callable[[str, int], AsyncIterator[RunEvent]]


@dataclass
class Batch:
    """What happened since the last batch."""

    steps: dict[str, list[RunEvent]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    problem: AiserError | None = None


class RunWatcher:
    """One pump per run; each event is seen once, in order, from the cursor of its run."""

    def __init__(self, follow: Follow, wake: asyncio.Event) -> None:
        self._follow = follow
        self._wake = wake
        self._cursors: dict[str, int] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._batch = Batch()

    def watch(self, run_ids: set[str]) -> None:
        """Follow these runs, and no others."""
        for run_id in list(self._pumps):
            if run_id not in run_ids or self._pumps[run_id].done():
                self._pumps.pop(run_id).cancel()
        for run_id in run_ids - self._pumps.keys():
            self._pumps[run_id] = asyncio.create_task(self._pump(run_id))

    async def next_batch(self, seconds: float) -> Batch | None:
        """Wait for news. None: nothing came, or the page was woken for another reason."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return None
        self._wake.clear()
        batch, self._batch = self._batch, Batch()
        news = batch.steps or batch.ended or batch.problem
        return batch if news else None

    async def close(self) -> None:
        """Stop following."""
        pumps = list(self._pumps.values())
        self._pumps.clear()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, run_id: str) -> None:
        try:
            async for event in self._follow(run_id, self._cursors.get(run_id, 0)):
                self._cursors[run_id] = max(event.seq, self._cursors.get(run_id, 0))
                if event.kind.is_final:
                    self._batch.ended.add(run_id)
                elif event.kind is EventKind.STEP:
                    self._batch.steps.setdefault(run_id, []).append(event)
                self._wake.set()
        except AiserError as error:
            self._batch.problem = error
            self._wake.set()
