import asyncio
from collections.abc import AsyncIterator

import pytest

from aiser_app.domain.run import RunEvent
from aiser_app.errors import ServiceUnavailable
from aiser_app.ui.chat.wakeups import Wakeups
from aiser_app.ui.chat.watcher import Batch, RunWatcher
from tests.unit.ui import examples as ex


class Feed:
    """Events that a test hands out; a follower gets those above its cursor, then new ones."""

    def __init__(self) -> None:
        self.events: dict[str, list[RunEvent]] = {}
        self.news = asyncio.Event()
        self.cursors: list[tuple[str, int]] = []
        self.open = 0
        self.failure: ServiceUnavailable | None = None

    def put(self, event: RunEvent) -> None:
        self.events.setdefault(event.run_id, []).append(event)
        self.news.set()

    async def follow(self, run_id: str, after: int) -> AsyncIterator[RunEvent]:
        self.cursors.append((run_id, after))
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        self.open += 1
        try:
            while True:
                for event in self.events.get(run_id, []):
                    if event.seq > after:
                        after = event.seq
                        yield event
                        if event.kind.is_final:
                            return
                self.news.clear()
                await self.news.wait()
        finally:
            self.open -= 1


@pytest.fixture
def feed() -> Feed:
    return Feed()


async def collect(watcher: RunWatcher, seconds: float = 2) -> Batch:
    batch = await watcher.next_batch(seconds)
    assert batch is not None
    return batch


async def test_events_of_a_run_come_once_and_in_order(feed: Feed) -> None:
    watcher = RunWatcher(feed.follow, asyncio.Event())
    for seq, key in enumerate("abc", start=1):
        feed.put(ex.step_event("run1", seq, key))
    watcher.watch({"run1"})

    first = await collect(watcher)
    feed.put(ex.step_event("run1", 4, "d"))
    second = await collect(watcher)

    assert [e.payload["key"] for e in first.steps["run1"]] == ["a", "b", "c"]
    assert [e.payload["key"] for e in second.steps["run1"]] == ["d"]
    await watcher.close()


async def test_the_end_of_a_run_is_told(feed: Feed) -> None:
    watcher = RunWatcher(feed.follow, asyncio.Event())
    watcher.watch({"run1"})
    feed.put(ex.final_event("run1", 1))

    assert (await collect(watcher)).ended == {"run1"}
    await watcher.close()


async def test_a_lost_feed_is_told_and_taken_up_from_the_cursor(feed: Feed) -> None:
    watcher = RunWatcher(feed.follow, asyncio.Event())
    feed.put(ex.step_event("run1", 1, "a"))
    watcher.watch({"run1"})
    await collect(watcher)
    feed.put(ex.step_event("run1", 2, "b"))
    await collect(watcher)
    watcher.watch(set())
    feed.failure = ServiceUnavailable("Redis does not answer.")
    watcher.watch({"run1"})

    assert isinstance((await collect(watcher)).problem, ServiceUnavailable)
    watcher.watch({"run1"})
    feed.put(ex.step_event("run1", 3, "c"))

    assert [e.seq for e in (await collect(watcher)).steps["run1"]] == [3]
    assert feed.cursors[-1] == ("run1", 2)
    await watcher.close()


async def test_runs_that_ended_are_followed_no_more(feed: Feed) -> None:
    watcher = RunWatcher(feed.follow, asyncio.Event())
    watcher.watch({"run1", "run2"})
    feed.put(ex.step_event("run2", 1, "a"))
    await collect(watcher)
    assert feed.open == 2

    watcher.watch({"run2"})
    await asyncio.sleep(0)
    assert feed.open == 1
    await watcher.close()
    assert feed.open == 0


async def test_nothing_new_within_the_time_is_none(feed: Feed) -> None:
    watcher = RunWatcher(feed.follow, asyncio.Event())

    assert await watcher.next_batch(0.01) is None
    await watcher.close()


async def test_a_wake_without_events_is_a_reason_to_look(feed: Feed) -> None:
    wakeups = Wakeups()
    with wakeups.listen("c1") as wake:
        watcher = RunWatcher(feed.follow, wake)
        wakeups.notify("c1")
        assert await watcher.next_batch(5) is None
        assert not wake.is_set()
        await watcher.close()


async def test_only_the_pages_of_that_conversation_are_woken() -> None:
    wakeups = Wakeups()
    with wakeups.listen("c1") as one, wakeups.listen("c1") as other, wakeups.listen("c2") as third:
        wakeups.notify("c1")

        assert one.is_set()
        assert other.is_set()
        assert not third.is_set()
    wakeups.notify("c1")
    assert not wakeups._waiting
