from aiser_app.ui import rate
from aiser_app.ui.rate import ADDRESS_BURST, TAB_BURST, TAB_PER_SECOND, Buckets, EventRate


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_the_next_event_does_not() -> None:
    limiter = EventRate(Clock())

    passed = sum(limiter.allows("tab", "1.2.3.4") for _ in range(int(TAB_BURST) + 50))

    assert passed == TAB_BURST


def test_a_bucket_refills_with_time_and_never_above_its_burst() -> None:
    clock = Clock()
    buckets = Buckets(TAB_PER_SECOND, TAB_BURST, clock)
    while buckets.take("tab"):
        pass

    clock.now += 1
    assert sum(buckets.take("tab") for _ in range(1000)) == TAB_PER_SECOND
    clock.now += 10_000
    assert sum(buckets.take("tab") for _ in range(1000)) == TAB_BURST


def test_one_tab_does_not_slow_another() -> None:
    limiter = EventRate(Clock())
    while limiter.allows("busy", "1.2.3.4"):
        pass

    assert limiter.allows("calm", "1.2.3.4")


def test_many_tabs_of_one_address_share_a_limit() -> None:
    limiter = EventRate(Clock())

    passed = sum(limiter.allows(f"tab-{i}", "1.2.3.4") for i in range(int(ADDRESS_BURST) + 100))

    assert passed == ADDRESS_BURST
    assert limiter.allows("tab", "5.6.7.8")


def test_buckets_that_are_not_used_are_forgotten(monkeypatch) -> None:
    monkeypatch.setattr(rate, "REMEMBERED", 10)
    buckets = Buckets(1, 1, Clock())

    for i in range(100):
        buckets.take(f"tab-{i}")

    assert len(buckets._levels) == 10
