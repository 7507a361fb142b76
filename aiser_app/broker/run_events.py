"""What happened in a run, in order: written by workers, kept for a day, replayable from any point.

Every event is written twice in one step: to the stream of its run (for replay) and to one live
stream (for the one reader per web process). See docs/decisions/0007-run-events.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from redis.exceptions import RedisError

from aiser_app.broker.connection import (
    AsyncConnection,
    Connection,
    as_text,
    connect_async,
    redis_errors,
)
from aiser_app.domain.run import EventKind, RunEvent
from aiser_app.errors import ServiceUnavailable

log = logging.getLogger(__name__)

LIVE_STREAM = "runs:live"
LIVE_LENGTH = 20_000
"""Entries kept for readers that were away for a moment; a reader away for longer replays."""
KEEP_SECONDS = 24 * 3600
"""A run's events; its final answer is in Postgres for good."""

BLOCK_MS = 5_000
"""One wait of the reader for news; news end the wait at once."""
START_SECONDS = 3.0
"""Within this the reader stands, or Redis counts as down."""
BACKLOG = 512
"""Events that wait in memory for a slow subscriber; more are read again from its stream."""
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

_FINAL = ",".join(kind.value for kind in EventKind if kind.is_final)

# KEYS[1] stream of the run, KEYS[2] live stream
# ARGV: run id, kind, payload, at, token, seconds to keep, live length, final kinds
# The entry id is the sequence number, so that numbering, order and replay are one and the same.
# A repeated call (its reply was lost) finds its own token; after a final event nothing is added.
_APPEND = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local seq = 0
if last then
  seq = tonumber(string.match(last[1], '^%d+'))
  local field = {}
  for i = 1, #last[2], 2 do field[last[2][i]] = last[2][i + 1] end
  local is_final = string.find(',' .. ARGV[8] .. ',', ',' .. field['kind'] .. ',', 1, true)
  if field['token'] == ARGV[5] or is_final then return {seq, last[2]} end
end
seq = seq + 1
redis.call('XADD', KEYS[1], seq .. '-0', 'kind', ARGV[2], 'payload', ARGV[3], 'at', ARGV[4],
  'token', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], '*', 'run', ARGV[1], 'seq', seq,
  'kind', ARGV[2], 'payload', ARGV[3], 'at', ARGV[4])
return {seq, false}
"""


class RunEventLog:
    """Append and read; for the sync side (services, workers)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._append = connection.register_script(_APPEND)

    def append(self, run_id: str, kind: EventKind, payload: dict[str, Any]) -> RunEvent:
        """Add an event and return it with its number.

        A run that has ended takes no more events: the one that ended it is returned instead.
        """
        event = {
            "kind": kind.value,
            "payload": json.dumps(payload, separators=(",", ":"), ensure_ascii=False),
            "at": datetime.now(UTC).isoformat(),
        }
        arguments: list[str | int] = [
            run_id,
            *event.values(),
            uuid.uuid4().hex,
            KEEP_SECONDS,
            LIVE_LENGTH,
            _FINAL,
        ]
        with redis_errors():
            reply = self._append(keys=[stream_key(run_id), LIVE_STREAM], args=arguments)
        seq, existing = cast(tuple[int, list[bytes] | None], reply)
        if existing:
            return read_entry(run_id, seq, dict(zip(existing[::2], existing[1::2], strict=True)))
        return RunEvent(
            run_id=run_id,
            seq=seq,
            kind=kind,
            payload=payload,
            at=datetime.fromisoformat(event["at"]),
        )

    def read(self, run_id: str, after: int = 0) -> list[RunEvent]:
        """Events with a number above `after`; empty when they have expired."""
        with redis_errors():
            entries = self._connection.xrange(stream_key(run_id), min=f"({after}-0")
        return [
            read_entry(run_id, sequence_of(entry_id), fields)
            for entry_id, fields in cast(list[tuple[bytes, dict[bytes, bytes]]], entries)
        ]


def stream_key(run_id: str) -> str:
    return f"run:{run_id}"


def sequence_of(entry_id: bytes | str) -> int:
    """The sequence number that is in the id of a stream entry."""
    return int(as_text(entry_id).partition("-")[0])


def read_entry(run_id: str, seq: int, fields: Mapping[bytes, bytes]) -> RunEvent:
    """Decode one entry of a run's stream or of the live stream."""
    return RunEvent(
        run_id=run_id,
        seq=seq,
        kind=EventKind(as_text(fields[b"kind"])),
        payload=json.loads(fields[b"payload"]),
        at=datetime.fromisoformat(as_text(fields[b"at"])),
    )


class _Subscription:
    """One reader of one run: its cursor, and what the feed has put aside for it."""

    def __init__(self, run_id: str, after: int) -> None:
        self.run_id = run_id
        self.closed = False
        self._cursor = after
        self._behind = True
        """It must replay: at the start, after an outage, after an overflow or a gap."""
        self._is_first = True
        self._waiting: deque[RunEvent] = deque()
        self._wake = asyncio.Event()

    def put(self, event: RunEvent) -> None:
        if len(self._waiting) >= BACKLOG:
            self.fall_behind()
            return
        self._waiting.append(event)
        self._wake.set()

    def fall_behind(self) -> None:
        self._waiting.clear()
        self._behind = True
        self._wake.set()

    def close(self) -> None:
        self.closed = True
        self._wake.set()

    async def next_events(
        self, connection: AsyncConnection, quiet_seconds: float | None
    ) -> list[RunEvent]:
        """The next events in order; empty after `quiet_seconds` or when a replay is due."""
        if self._behind:
            return await self._replay(connection)
        if not self._waiting:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(quiet_seconds):
                    await self._wake.wait()
        events = list(self._waiting)
        self._waiting.clear()
        expected = range(self._cursor + 1, self._cursor + 1 + len(events))
        fresh = [event for event in events if event.seq > self._cursor]
        if any(event.seq != seq for event, seq in zip(fresh, expected, strict=False)):
            self._behind = True
            return []
        # A final event below the cursor: Redis lost its memory, the run was told again from 1.
        return self._advance(fresh or [event for event in events if event.kind.is_final])

    async def _replay(self, connection: AsyncConnection) -> list[RunEvent]:
        self._behind = False
        pipeline = connection.pipeline(transaction=False)
        pipeline.xrange(stream_key(self.run_id), min=f"({self._cursor}-0")
        pipeline.xrevrange(stream_key(self.run_id), count=1)
        try:
            entries, last = await pipeline.execute()
        except (RedisError, OSError) as error:
            self._behind = True
            if self._is_first:
                raise ServiceUnavailable("Redis does not answer.") from error
            await asyncio.sleep(BACKOFF_SECONDS[-1])
            return []
        is_first, self._is_first = self._is_first, False
        events = [self._read(entry) for entry in entries]
        ending = [e for e in map(self._read, last) if e.kind.is_final]
        if ending and not events:
            # The run has ended at or before the cursor: seen already, unless Redis lost its
            # memory meanwhile and the run was told again from 1.
            self.closed = is_first
            events = [] if is_first else ending
        return self._advance(events)

    def _read(self, entry: tuple[bytes, dict[bytes, bytes]]) -> RunEvent:
        return read_entry(self.run_id, sequence_of(entry[0]), entry[1])

    def _advance(self, events: list[RunEvent]) -> list[RunEvent]:
        if events:
            self._cursor = events[-1].seq
        return events

    @property
    def is_behind(self) -> bool:
        return self._behind


class RunEventFeed:
    """The one reader of a web process: follows the live stream and hands events to subscribers.

    Belongs to the event loop that first subscribes. A subscription that falls behind, or that was
    cut off by a restart of Redis, replays from its own cursor, so nothing is lost or repeated.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: AsyncConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._subscriptions: dict[str, set[_Subscription]] = {}

    async def subscribe(
        self,
        run_id: str,
        after: int = 0,
        *,
        quiet_seconds: float | None = None,
        on_quiet: Callable[[], Awaitable[RunEvent | None]] | None = None,
    ) -> AsyncIterator[RunEvent]:
        """Events above `after`, first those that were, then as they come; ends after a final one.

        When nothing came for `quiet_seconds`, `on_quiet` is asked: what it returns is passed on,
        for a run whose final event never reached Redis.

        Raises:
            ServiceUnavailable: Redis cannot be reached at the start; later outages are waited out.
        """
        connection = await self._start()
        subscription = _Subscription(run_id, after)
        self._subscriptions.setdefault(run_id, set()).add(subscription)
        try:
            while not subscription.closed:
                events = await subscription.next_events(connection, quiet_seconds)
                if not events and on_quiet is not None and not subscription.is_behind:
                    events = [e for e in [await on_quiet()] if e is not None]
                for event in events:
                    yield event
                    if event.kind.is_final:
                        return
        finally:
            self._discard(subscription)

    async def close(self) -> None:
        """Stop reading and end every subscription."""
        reader, self._reader = self._reader, None
        if reader is not None and reader.get_loop() is asyncio.get_running_loop():
            while not reader.done():
                # The client may turn a cancellation into a failed read: ask until it has ended.
                reader.cancel()
                await asyncio.wait([reader], timeout=0.1)
        for subscription in self._all_subscriptions():
            subscription.close()
        connection, self._connection = self._connection, None
        if connection is not None and self._loop is asyncio.get_running_loop():
            await connection.aclose()

    async def _start(self) -> AsyncConnection:
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._connection is None:
            # The loop that this feed belonged to is gone, and its connections with it.
            self._loop, self._reader, self._ready = loop, None, asyncio.Event()
            self._subscriptions = {}
            self._connection = connect_async(self._url, reply_timeout=BLOCK_MS / 1000 + 5)
        if self._reader is None or self._reader.done():
            self._reader = loop.create_task(self._read_live(self._connection))
            self._reader.add_done_callback(self._reader_ended)
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise ServiceUnavailable("Redis does not answer.") from None
        return self._connection

    async def _read_live(self, connection: AsyncConnection, failures: int = 0) -> None:
        cursor: bytes | str | None = None
        await asyncio.sleep(BACKOFF_SECONDS[failures] if failures else 0)
        while True:
            try:
                if cursor is None:
                    cursor = await _last_id(connection)
                    self._ready.set()
                    for subscription in self._all_subscriptions():
                        subscription.fall_behind()
                for _, entries in await connection.xread({LIVE_STREAM: cursor}, block=BLOCK_MS):
                    for entry_id, fields in entries:
                        cursor = entry_id
                        self._hand_out(fields)
                failures = 0
            except (RedisError, OSError) as error:
                cursor = None
                self._ready.clear()
                delay = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                failures += 1
                log.warning("run_event_feed_cut_off", extra={"error": type(error).__name__})
                await asyncio.sleep(delay)

    def _reader_ended(self, reader: asyncio.Task[None]) -> None:
        """A reader that failed in a way nobody thought of is replaced; nobody waits in vain."""
        if reader.cancelled() or reader is not self._reader or self._connection is None:
            return
        log.error("run_event_feed_failed", exc_info=reader.exception())
        self._reader = reader.get_loop().create_task(self._read_live(self._connection, failures=3))
        self._reader.add_done_callback(self._reader_ended)

    def _hand_out(self, fields: Mapping[bytes, bytes]) -> None:
        run_id = as_text(fields[b"run"])
        subscriptions = self._subscriptions.get(run_id)
        if not subscriptions:
            return
        event = read_entry(run_id, int(fields[b"seq"]), fields)
        for subscription in tuple(subscriptions):
            subscription.put(event)

    def _all_subscriptions(self) -> list[_Subscription]:
        return [one for several in self._subscriptions.values() for one in several]

    def _discard(self, subscription: _Subscription) -> None:
        subscriptions = self._subscriptions.get(subscription.run_id, set())
        subscriptions.discard(subscription)
        if not subscriptions:
            self._subscriptions.pop(subscription.run_id, None)


async def _last_id(connection: AsyncConnection) -> bytes | str:
    newest: list[tuple[bytes, dict[bytes, bytes]]] = await connection.xrevrange(
        LIVE_STREAM, count=1
    )
    return newest[0][0] if newest else "0-0"
