"""What a query cost, measured around it."""

from __future__ import annotations

import pytest

from aiser_app.query import measuring
from aiser_app.query.measuring import Measurement


def test_memory_in_between_is_seen_while_sampling() -> None:
    measured = Measurement()
    with measured:
        assert measured._sampler is not None
        measured._peak += 10_000_000
    assert measured.peak_memory_bytes >= 10_000_000
    assert measured.duration_ms > 0


def test_what_is_short_needs_no_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "in_background", lambda _work: pytest.fail("a thread"))
    measured = Measurement(is_sampling=False)
    with measured:
        sum(range(10_000))
    assert measured.duration_ms > 0
    assert measured.cpu_ms >= 0
    assert measured.peak_memory_bytes >= 0
