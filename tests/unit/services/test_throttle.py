"""Limits on tries, and actors remembered for seconds only."""

from __future__ import annotations

import pytest

from aiser_app.access.permissions import permissions_of
from aiser_app.domain.actor import Actor, Role
from aiser_app.errors import ServiceUnavailable, TooManyAttempts
from aiser_app.services.accounts.actor_cache import CACHE_SIZE, ActorCache
from aiser_app.services.throttle import LOCAL_KEYS, LocalLimiter, Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class DeadLimiter:
    """As the shared one while Redis is down."""

    def hit(self, key: str, limit: int, window_seconds: int) -> bool:
        raise ServiceUnavailable("Redis does not answer.")

    def reset(self, key: str) -> None:
        raise ServiceUnavailable("Redis does not answer.")


def count(throttle: Throttle, key: str = "k") -> None:
    throttle.count(key, limit=2, window_seconds=900, message="Too many.")


def test_the_limit_holds_and_says_when_to_come_back() -> None:
    throttle = Throttle(LocalLimiter())
    count(throttle)
    count(throttle)
    with pytest.raises(TooManyAttempts) as caught:
        count(throttle)
    assert caught.value.hint == "Try again in 15 minutes."
    count(throttle, "another")
    throttle.forgive("k")
    count(throttle)


def test_the_limit_holds_without_redis() -> None:
    throttle = Throttle(DeadLimiter())
    count(throttle)
    count(throttle)
    with pytest.raises(TooManyAttempts):
        count(throttle)
    throttle.forgive("k")
    count(throttle)


def test_a_window_ends() -> None:
    clock = Clock()
    limiter = LocalLimiter(clock)
    assert [limiter.hit("k", 1, 10) for _ in range(3)] == [True, False, False]
    clock.now += 9.9
    assert not limiter.hit("k", 1, 10)
    clock.now += 0.1
    assert limiter.hit("k", 1, 10)


def test_counters_do_not_fill_the_memory() -> None:
    limiter = LocalLimiter()
    for number in range(LOCAL_KEYS + 50):
        limiter.hit(f"k{number}", 1, 10)
    assert len(limiter._windows) == LOCAL_KEYS


def test_keys_are_hashed() -> None:
    seen: list[str] = []

    class Recorder:
        def hit(self, key: str, limit: int, window_seconds: int) -> bool:
            seen.append(key)
            return True

        def reset(self, key: str) -> None:
            seen.append(key)

    count(Throttle(Recorder()), "sign-in:ada@example.com")
    assert "ada" not in seen[0]


def actor(user_id: str) -> Actor:
    return Actor(
        user_id=user_id,
        organization_id="o",
        role=Role.VIEWER,
        permissions=permissions_of(Role.VIEWER),
    )


def test_actors_are_remembered_for_seconds() -> None:
    clock = Clock()
    cache = ActorCache(clock)
    cache.put("t", actor("u"))
    clock.now += 4.9
    assert cache.find("t") == actor("u")
    clock.now += 0.2
    assert cache.find("t") is None
    cache.put("t", actor("u"), seconds=1)
    clock.now += 1.1
    assert cache.find("t") is None
    assert cache.find("never") is None


def test_actors_are_forgotten_at_once() -> None:
    cache = ActorCache()
    for token in ("a", "b", "c"):
        cache.put(token, actor("one" if token != "c" else "two"))
    cache.forget("a")
    assert cache.find("a") is None
    cache.forget_user("one")
    assert cache.find("b") is None
    assert cache.find("c") == actor("two")
    for number in range(CACHE_SIZE + 10):
        cache.put(f"t{number}", actor("u"))
    assert cache.find("c") is None
