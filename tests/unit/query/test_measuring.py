"""What a query cost, measured around it."""

from __future__ import annotations

import threading

import pytest

from aiser_app.query import measuring
from aiser_app.query.measuring import Measurement
from tests.fixtures.worker import wait_until


def test_memory_in_between_is_seen_while_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    size = [20_000_000]
    monkeypatch.setattr(Measurement, "_resident", lambda _self: size[0])
    measured = Measurement()
    with measured:
        size[0] = 90_000_000
        wait_until(lambda: measured.peak_memory_bytes > 0, "the sampler to look")
        size[0] = 30_000_000
    assert measured.peak_memory_bytes == 70_000_000
    assert measured.duration_ms > 0


def test_memory_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = threading.Semaphore(0)

    def resident(_self: Measurement) -> int:
        looks.release()
        return 1

    monkeypatch.setattr(Measurement, "_resident", resident)
    with Measurement():
        for _ in range(4):  # one at the beginning, then the sampler's
            assert looks.acquire(timeout=30)


def test_what_is_short_needs_no_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "in_background", lambda _work: pytest.fail("a thread"))
    measured = Measurement(is_sampling=False)
    with measured:
        sum(range(10_000))
    assert measured.duration_ms > 0
    assert measured.cpu_ms >= 0
    assert measured.peak_memory_bytes >= 0
