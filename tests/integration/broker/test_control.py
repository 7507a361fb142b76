"""Leases, cancel flags, limits, locks and live workers against a real server."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from aiser_app.broker.connection import Connection, connect
from aiser_app.broker.lock import exclusive
from aiser_app.broker.rate_limit import RateLimiter
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.worker_registry import WorkerRegistry
from aiser_app.errors import ServiceUnavailable

pytestmark = pytest.mark.integration


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cancel_request_waits_for_the_worker(redis: Connection, run_id: str) -> None:
    control = RunControl(redis)
    assert not control.is_cancel_requested(run_id)
    control.request_cancel(run_id)
    assert control.is_cancel_requested(run_id)


def test_a_lease_has_one_holder_until_it_ends(redis: Connection, run_id: str) -> None:
    control = RunControl(redis)
    assert not control.has_lease(run_id)
    assert control.hold_lease(run_id, "a", seconds=0.2)
    assert control.hold_lease(run_id, "a", seconds=0.2)
    assert not control.hold_lease(run_id, "b")
    wait_until(lambda: not control.has_lease(run_id))
    assert control.hold_lease(run_id, "b")
    control.release_lease(run_id, "a")
    assert control.has_lease(run_id)
    control.release_lease(run_id, "b")
    assert not control.has_lease(run_id)


def test_a_lease_can_be_released_by_anyone_on_purpose(redis: Connection, run_id: str) -> None:
    control = RunControl(redis)
    control.hold_lease(run_id, "a")
    control.release_lease(run_id)
    assert not control.has_lease(run_id)


def test_a_limit_counts_within_its_window(redis: Connection, run_id: str) -> None:
    limiter = RateLimiter(redis)
    assert limiter.is_allowed(run_id, 2)
    assert [limiter.hit(run_id, 2, 60) for _ in range(3)] == [True, True, False]
    assert not limiter.is_allowed(run_id, 2)
    limiter.reset(run_id)
    assert limiter.is_allowed(run_id, 2)
    assert limiter.hit(run_id, 1, 1)
    assert not limiter.hit(run_id, 1, 1)
    wait_until(lambda: limiter.is_allowed(run_id, 1))


def test_a_limit_that_lost_its_end_gets_a_new_one(redis: Connection, run_id: str) -> None:
    limiter = RateLimiter(redis)
    limiter.hit(run_id, 5, 60)
    redis.persist(f"limit:{run_id}")
    limiter.hit(run_id, 5, 60)
    left = redis.ttl(f"limit:{run_id}")
    assert isinstance(left, int)
    assert 0 < left <= 60


def test_one_holds_the_lock_and_the_others_go_on(redis: Connection, run_id: str) -> None:
    with exclusive(redis, run_id, seconds=5) as mine:
        assert mine
        with exclusive(redis, run_id, seconds=5) as theirs:
            assert not theirs
    with exclusive(redis, run_id, seconds=5) as again:
        assert again


def test_a_lock_that_ran_out_is_let_go_quietly(redis: Connection, run_id: str) -> None:
    with exclusive(redis, run_id, seconds=0.05) as mine:
        assert mine
        wait_until(lambda: not redis.exists(f"lock:{run_id}"))
    with exclusive(redis, run_id, seconds=5) as again:
        assert again


def test_workers_count_as_alive_while_they_say_so(redis: Connection) -> None:
    redis.flushdb()
    workers = WorkerRegistry(redis)
    assert workers.live() == []
    workers.beat("w1", {"pid": 1})
    workers.beat("w2", {"pid": 2})
    assert workers.live() == [{"pid": 1, "name": "w1"}, {"pid": 2, "name": "w2"}]
    assert workers.is_live("w1")
    assert not workers.is_live("")
    workers.forget("w1")
    assert [w["name"] for w in workers.live()] == ["w2"]
    redis.delete("worker:w2")
    assert workers.live() == []
    assert redis.smembers("workers") == set()


def test_an_unreachable_server_is_service_unavailable(run_id: str) -> None:
    nowhere = connect("redis://127.0.0.1:1/0")
    with pytest.raises(ServiceUnavailable):
        RunControl(nowhere).hold_lease(run_id, "a")
    with pytest.raises(ServiceUnavailable):
        WorkerRegistry(nowhere).live()
    with pytest.raises(ServiceUnavailable):
        RateLimiter(nowhere).hit("k", 1, 1)
    with pytest.raises(ServiceUnavailable), exclusive(nowhere, "l", seconds=1):
        pass
