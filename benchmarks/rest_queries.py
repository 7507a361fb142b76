"""Small queries through REST: what Aiser adds to the engine's own time, and what the cache answers.

Targets: `SELECT 1` uncached at most 25 ms p50 over the engine's own time (at the client on the same
machine); cached at most 10 ms p50 inside the server, as its `Server-Timing` says.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.fixtures.app import RunningApp

UNCACHED_TARGET_MS = 25.0
CACHED_TARGET_MS = 10.0
WARM_UP = 5


@dataclass
class RestTimes:
    """Milliseconds."""

    over_engine: list[float] = field(default_factory=list)
    engine: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)
    """At the client."""
    cached_inside: list[float] = field(default_factory=list)
    """In the server: from the first byte of the request to the first of the response."""


def measure(app: RunningApp, n: int) -> RestTimes:
    found = RestTimes()
    with app.client() as client:
        for number in range(n + WARM_UP):
            took, _, view = _ask(client, refresh=True)
            if number >= WARM_UP:
                found.over_engine.append(took - view["engine_ms"])
                found.engine.append(view["engine_ms"])
                found.queue.append(view["queue_ms"])
        for number in range(n + WARM_UP):
            took, inside, view = _ask(client, refresh=False)
            if not view["from_cache"]:
                raise SystemExit("a repeated query did not come from the cache")
            if number >= WARM_UP:
                found.cached.append(took)
                found.cached_inside.append(inside)
    return found


def _ask(client: httpx.Client, *, refresh: bool) -> tuple[float, float, dict[str, Any]]:
    body = {"source": "NYC flights", "sql": "SELECT 1 AS one", "wait": 30, "refresh": refresh}
    started = time.perf_counter()
    reply = client.post("/api/v1/queries", json=body)
    took = (time.perf_counter() - started) * 1000
    view = reply.json()
    if view.get("status") != "succeeded":
        raise SystemExit(f"the query did not succeed: {view}")
    inside = float(reply.headers["server-timing"].partition("dur=")[2])
    return took, inside, view


def report(found: RestTimes) -> int:
    def p50(values: list[float]) -> float:
        return statistics.median(values)

    print(f"\n{'small queries over REST, ms':<48} {'p50':>7} {'p95':>7} {'target':>7}")
    rows = (
        ("SELECT 1 uncached, over the engine's own time", found.over_engine, UNCACHED_TARGET_MS),
        ("· waiting for a worker", found.queue, None),
        ("· the engine's own time and the result store", found.engine, None),
        ("SELECT 1 from the cache, inside the server", found.cached_inside, CACHED_TARGET_MS),
        ("· at the client", found.cached, None),
    )
    for title, values, target in rows:
        p95 = sorted(values)[int(len(values) * 0.95) - 1]
        told = f"{target:>7.0f}" if target else ""
        print(f"{title:<48} {p50(values):>7.1f} {p95:>7.1f} {told}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"load average of the machine: {load}")
    uncached, cached = p50(found.over_engine), p50(found.cached_inside)
    return 0 if uncached <= UNCACHED_TARGET_MS and cached <= CACHED_TARGET_MS else 1
