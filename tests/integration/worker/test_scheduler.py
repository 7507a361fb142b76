"""One scheduler acts at a time; hourly work is enqueued once an hour; outages are waited out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiser_app.bootstrap.scheduler import SchedulerParts, build_scheduler
from aiser_app.broker.lock import exclusive
from aiser_app.config import Settings
from aiser_app.errors import ServiceUnavailable
from aiser_app.worker import schedule
from aiser_app.worker.schedule import tick, work

pytestmark = pytest.mark.integration


@pytest.fixture
def parts(migrated_database_url: str, redis_url: str, tmp_path: Path) -> Iterator[SchedulerParts]:
    made = build_scheduler(
        Settings(home=tmp_path, database_url=migrated_database_url, redis_url=redis_url)
    )
    made.redis.flushdb()
    yield made
    made.engine.dispose()
    made.redis.close()


def test_hourly_work_is_enqueued_once_an_hour(parts: SchedulerParts) -> None:
    tick(parts, hour="2026-01-01T10")
    tick(parts, hour="2026-01-01T10")
    assert parts.queue.depth()["background"] == 1
    tick(parts, hour="2026-01-01T11")
    assert parts.queue.depth()["background"] == 2


def test_a_second_scheduler_stands_by(parts: SchedulerParts) -> None:
    with exclusive(parts.redis, "scheduler", seconds=30) as mine:
        assert mine
        assert tick(parts, hour="2026-01-01T10") == 0
        assert parts.queue.depth()["background"] == 0


def test_trouble_does_not_end_the_scheduler(
    parts: SchedulerParts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stopping = threading.Event()
    ticks: list[str] = []

    def troubled(_parts: SchedulerParts, *, hour: str) -> int:
        ticks.append(hour)
        if len(ticks) <= 2:
            raise ServiceUnavailable("Redis does not answer.")
        if len(ticks) == 3:
            raise ZeroDivisionError
        if len(ticks) > 4:
            stopping.set()
        return 0

    monkeypatch.setattr(schedule, "tick", troubled)
    monkeypatch.setattr(schedule, "TICK_SECONDS", 0.01)
    work(parts, stopping)
    assert len(ticks) == 5
    assert caplog.messages.count("scheduler_waits") == 1
    assert "scheduler_tick_failed" in caplog.messages
    assert "scheduler_goes_on" in caplog.messages


def test_clean_up_removes_old_leftovers_only(parts: SchedulerParts, tmp_path: Path) -> None:
    folder = tmp_path / "results" / "organization"
    folder.mkdir(parents=True)
    old, new, result = (folder / name for name in (".a.1.tmp", ".b.2.tmp", "c.arrow"))
    for path in (old, new, result):
        path.write_bytes(b"")
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    os.utime(result, (long_ago, long_ago))
    assert parts.clean_up.run() == 1
    assert sorted(path.name for path in folder.iterdir()) == [".b.2.tmp", "c.arrow"]


def test_nothing_runs_without_addresses(tmp_path: Path) -> None:
    with pytest.raises(ServiceUnavailable, match="not running here"):
        build_scheduler(Settings(home=tmp_path, database_url="", redis_url=""))
