"""How many events a tab and an address may send: token buckets, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

TAB_PER_SECOND, TAB_BURST = 20.0, 80.0
ADDRESS_PER_SECOND, ADDRESS_BURST = 200.0, 800.0
REMEMBERED = 20_000
"""Buckets kept; the one unused for longest is forgotten first."""


class Buckets:
    """A bucket per key: `burst` events at once, refilled at `per_second`."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> bool:
        """Take one event from the bucket; False when it is empty."""
        now = self._clock()
        level, since = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._per_second)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)
        return allowed


class EventRate:
    """A limit per tab, and a wider one per address, since anyone can open many tabs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._tabs = Buckets(TAB_PER_SECOND, TAB_BURST, clock)
        self._addresses = Buckets(ADDRESS_PER_SECOND, ADDRESS_BURST, clock)

    def allows(self, tab: str, address: str) -> bool:
        return self._tabs.take(tab) and self._addresses.take(address)
