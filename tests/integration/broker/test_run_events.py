"""Order, replay and endings of run events against a real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.run_events import LIVE_STREAM, RunEventLog, stream_key
from aiser_app.domain.run import EventKind
from aiser_app.errors import ServiceUnavailable

pytestmark = pytest.mark.integration


def test_events_are_numbered_from_one_without_gaps(redis: Connection, run_id: str) -> None:
    log = RunEventLog(redis)
    with ThreadPoolExecutor(8) as threads:
        for n in range(50):
            threads.submit(log.append, run_id, EventKind.STEP, {"n": n})
    events = log.read(run_id)
    assert [event.seq for event in events] == list(range(1, 51))
    assert sorted(event.payload["n"] for event in events) == list(range(50))


def test_reading_starts_after_the_cursor(redis: Connection, run_id: str) -> None:
    log = RunEventLog(redis)
    written = [log.append(run_id, EventKind.STEP, {"title": f"Schritt {n} ✓"}) for n in range(3)]
    assert log.read(run_id, after=1) == written[1:]
    assert log.read(run_id, after=3) == []
    assert log.read("unknown") == []


def test_a_run_that_has_ended_takes_no_more_events(redis: Connection, run_id: str) -> None:
    log = RunEventLog(redis)
    log.append(run_id, EventKind.STARTED, {})
    final = log.append(run_id, EventKind.ANSWER, {"text": "42"})
    assert log.append(run_id, EventKind.STEP, {"late": True}) == final
    assert log.append(run_id, EventKind.FAILED, {"late": True}) == final
    assert [event.kind for event in log.read(run_id)] == [EventKind.STARTED, EventKind.ANSWER]


def test_a_repeated_call_adds_nothing(redis: Connection, run_id: str) -> None:
    """What happens when the reply to an append is lost and the client sends it again."""
    log = RunEventLog(redis)
    keys = [stream_key(run_id), LIVE_STREAM]
    arguments: list[str | int] = [
        run_id,
        "step",
        "{}",
        "2026-01-01T00:00:00+00:00",
        "token",
        60,
        1000,
        "answer",
    ]
    assert log._append(keys=keys, args=arguments)[0] == 1
    assert log._append(keys=keys, args=arguments)[0] == 1
    assert len(log.read(run_id)) == 1


def test_events_expire_with_their_run(redis: Connection, run_id: str) -> None:
    RunEventLog(redis).append(run_id, EventKind.QUEUED, {})
    left = redis.ttl(stream_key(run_id))
    assert isinstance(left, int)
    assert 23 * 3600 < left <= 24 * 3600


def test_an_unreachable_server_is_service_unavailable(run_id: str) -> None:
    log = RunEventLog(connect("redis://127.0.0.1:1/0"))
    with pytest.raises(ServiceUnavailable, match="Redis"):
        log.append(run_id, EventKind.STEP, {})
    with pytest.raises(ServiceUnavailable, match="Redis"):
        log.read(run_id)
