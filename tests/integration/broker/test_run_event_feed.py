"""Following runs: nothing lost, nothing twice, through restarts of Redis."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from aiser_app.broker import run_events
from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.run_events import RunEventFeed, RunEventLog
from aiser_app.domain.run import EventKind, RunEvent
from aiser_app.errors import ServiceUnavailable
from tests.integration.broker.conftest import KillableRedis

pytestmark = pytest.mark.integration


@pytest.fixture
async def feed(redis_url: str) -> AsyncIterator[RunEventFeed]:
    feed = RunEventFeed(redis_url)
    yield feed
    await feed.close()


async def collect(feed: RunEventFeed, run_id: str, after: int = 0) -> list[RunEvent]:
    async with asyncio.timeout(20):
        return [event async for event in feed.subscribe(run_id, after)]


async def remaining(following: AsyncIterator[RunEvent]) -> list[RunEvent]:
    async with asyncio.timeout(20):
        return [event async for event in following]


async def append(log: RunEventLog, run_id: str, kind: EventKind, **payload: object) -> RunEvent:
    return await asyncio.to_thread(log.append, run_id, kind, payload)


async def until_followed(feed: RunEventFeed, *run_ids: str) -> None:
    async with asyncio.timeout(10):
        while not set(run_ids) <= set(feed._subscriptions):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_past_and_coming_events_arrive_once_in_order(
    feed: RunEventFeed, redis: Connection, run_id: str
) -> None:
    log = RunEventLog(redis)
    written = [await append(log, run_id, EventKind.STEP, n=n) for n in range(3)]
    early, late = (asyncio.create_task(collect(feed, run_id, after)) for after in (0, 2))
    await until_followed(feed, run_id)
    for n in range(3, 40):
        written.append(await append(log, run_id, EventKind.STEP, n=n))
    written.append(await append(log, run_id, EventKind.ANSWER, text="done"))
    assert await early == written
    assert await late == written[2:]
    assert feed._subscriptions == {}


async def test_many_runs_at_once_keep_apart(feed: RunEventFeed, redis: Connection) -> None:
    log = RunEventLog(redis)
    runs = [uuid.uuid4().hex for _ in range(20)]
    following = [asyncio.create_task(collect(feed, run)) for run in runs]
    await until_followed(feed, *runs)
    for n in range(5):
        for run in runs:
            await append(log, run, EventKind.STEP, n=n)
    for run in runs:
        await append(log, run, EventKind.ANSWER)
    for run, seen in zip(runs, await asyncio.gather(*following), strict=True):
        assert {event.run_id for event in seen} == {run}
        assert [event.seq for event in seen] == [1, 2, 3, 4, 5, 6]


async def test_a_cursor_at_the_end_has_nothing_to_follow(
    feed: RunEventFeed, redis: Connection, run_id: str
) -> None:
    log = RunEventLog(redis)
    await append(log, run_id, EventKind.STARTED)
    final = await append(log, run_id, EventKind.FAILED)
    assert await collect(feed, run_id, after=final.seq) == []
    assert await collect(feed, run_id, after=1) == [final]


async def test_a_slow_subscriber_replays_what_did_not_fit(
    feed: RunEventFeed, redis: Connection, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_events, "BACKLOG", 5)
    log = RunEventLog(redis)
    await append(log, run_id, EventKind.STARTED)
    following = feed.subscribe(run_id)
    first = await anext(following)
    for n in range(30):
        await append(log, run_id, EventKind.STEP, n=n)
    await append(log, run_id, EventKind.CANCELLED)
    rest = [event async for event in following]
    assert [event.seq for event in [first, *rest]] == list(range(1, 33))


async def test_news_arrive_without_polling_delay(
    feed: RunEventFeed, redis: Connection, run_id: str
) -> None:
    log = RunEventLog(redis)
    following = feed.subscribe(run_id)
    delays = []
    for n in range(40):
        waiting = asyncio.ensure_future(anext(following))
        await until_followed(feed, run_id)
        started = time.perf_counter()
        await append(log, run_id, EventKind.STEP, n=n)
        assert (await waiting).payload == {"n": n}
        delays.append(time.perf_counter() - started)
    await feed.close()
    assert sorted(delays)[len(delays) // 2] < 0.03


async def test_quiet_runs_are_asked_about(feed: RunEventFeed, run_id: str) -> None:
    asked = []

    async def look_up() -> RunEvent | None:
        asked.append(run_id)
        if len(asked) < 3:
            return None
        now = datetime.now(UTC)
        return RunEvent(run_id=run_id, seq=1, kind=EventKind.ANSWER, payload={}, at=now)

    async with asyncio.timeout(5):
        seen = [e async for e in feed.subscribe(run_id, quiet_seconds=0.05, on_quiet=look_up)]
    assert [event.kind for event in seen] == [EventKind.ANSWER]
    assert len(asked) == 3


async def test_a_restart_of_redis_loses_and_repeats_nothing(
    killable_redis: KillableRedis, run_id: str
) -> None:
    feed = RunEventFeed(killable_redis.url)
    log = RunEventLog(connect(killable_redis.url))
    written = [await append(log, run_id, EventKind.STARTED)]
    following = feed.subscribe(run_id)
    seen = [await anext(following)]
    rest = asyncio.create_task(remaining(following))
    written.append(await append(log, run_id, EventKind.STEP, n=1))
    await asyncio.to_thread(killable_redis.kill)
    with pytest.raises(ServiceUnavailable):
        await append(log, run_id, EventKind.STEP, n=2)
    await asyncio.to_thread(killable_redis.start)
    written.append(await append(log, run_id, EventKind.STEP, n=3))
    written.append(await append(log, run_id, EventKind.ANSWER))
    seen += await rest
    assert [event.payload for event in seen] == [event.payload for event in written]
    assert [event.seq for event in seen] == [1, 2, 3, 4]
    await feed.close()


async def test_a_final_event_arrives_even_when_redis_forgot_everything(
    killable_redis: KillableRedis, run_id: str
) -> None:
    feed = RunEventFeed(killable_redis.url)
    connection = connect(killable_redis.url)
    log = RunEventLog(connection)
    following = feed.subscribe(run_id)
    for n in range(4):
        await append(log, run_id, EventKind.STEP, n=n)
        assert (await anext(following)).seq == n + 1
    await asyncio.to_thread(connection.flushdb)
    await append(log, run_id, EventKind.ANSWER)
    async with asyncio.timeout(5):
        assert [event.kind async for event in following] == [EventKind.ANSWER]
    await feed.close()


async def test_an_unreachable_redis_is_said_at_once(run_id: str) -> None:
    feed = RunEventFeed("redis://127.0.0.1:1/0")
    with pytest.raises(ServiceUnavailable, match="Redis"):
        await anext(feed.subscribe(run_id))
    await feed.close()


def test_a_feed_moves_to_a_new_event_loop(redis_url: str, redis: Connection, run_id: str) -> None:
    feed = RunEventFeed(redis_url)
    RunEventLog(redis).append(run_id, EventKind.ANSWER, {})

    async def follow() -> list[RunEvent]:
        seen = await collect(feed, run_id)
        await feed.close()
        return seen

    assert len(asyncio.run(follow())) == 1
    assert len(asyncio.run(follow())) == 1
