"""The path of a question: how long each stage takes, and the overhead over the bare query.

Targets: enqueue to first event seen by a web process, p50 30 ms; the whole ask, p50 1 s.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from aiser_app.bootstrap.web import Services, build_services
from aiser_app.broker.connection import connect
from aiser_app.broker.result_cache import ResultCacheStore
from aiser_app.config import Settings
from aiser_app.domain.actor import Actor
from aiser_app.domain.run import EventKind
from tests.fixtures.app import RunningApp

QUESTION = "number of flights by month"
FIRST_EVENT_TARGET_MS = 30.0
ASK_TARGET_MS = 1_000.0
WARM_UP = 5
STAGES = (
    ("queue_wait", "write, enqueue, wait for a worker, claim"),
    ("context", "read user, source, model, conversation"),
    ("plan", "read the question (planner)"),
    ("compile", "semantic query to SQL"),
    ("guard_and_record", "guard; record the result's envelope"),
    ("engine_and_store", "DuckDB and result store"),
    ("chart", "chart option"),
    ("agent_rest", "agent loop around the tools, step events"),
    ("ending", "confidence, persist, final event, HTTP answer"),
)


@dataclass
class Measurements:
    """Milliseconds, one list per thing measured."""

    first_event: list[float] = field(default_factory=list)
    ask: list[float] = field(default_factory=list)
    """Each runs its query: the cache is emptied before."""
    cached: list[float] = field(default_factory=list)
    """The same questions with the result in the cache."""
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    bare_query: list[float] = field(default_factory=list)
    sql: str = ""


def measure(app: RunningApp, n: int) -> Measurements:
    """Ask `n` questions one after the other, over REST and through a feed."""
    found = Measurements()
    view: dict[str, Any] = {}
    cache = ResultCacheStore(connect(app.endpoints()["redis_url"]))
    with app.client() as client:
        source_id = client.get("/api/v1/sources").json()["sources"][0]["source_id"]

        def ask() -> tuple[float, dict[str, Any]]:
            started = time.perf_counter()
            reply = client.post("/api/v1/ask", json={"question": QUESTION, "wait": 60})
            took = (time.perf_counter() - started) * 1000
            reply.raise_for_status()
            answer: dict[str, Any] = reply.json()
            if answer["status"] != "answered":
                raise RuntimeError(f"not answered: {answer}")
            return took, answer

        for number in range(n + WARM_UP):
            cache.invalidate(source_id)
            took, view = ask()
            if number >= WARM_UP:
                found.ask.append(took)
                _keep_stages(found, view, took)
        found.cached = [ask()[0] for _ in range(n)]
        found.sql = view["sql"]
    _measure_first_event(app, found, n)
    _measure_bare_query(Path(app.home), found, n)
    return found


def _keep_stages(found: Measurements, view: dict[str, Any], took: float) -> None:
    timings: dict[str, float] = view["usage"]["timings_ms"]
    inside = sum(
        timings.get(name, 0.0) for name in ("plan", "tool_query_data", "tool_generate_chart")
    )
    stages = {name: timings.get(name, 0.0) for name, _ in STAGES}
    stages["agent_rest"] = timings["agent"] - inside
    stages["ending"] = took - timings["queue_wait"] - timings["context"] - timings["agent"]
    for name, value in stages.items():
        found.stages[name].append(value)


def _measure_first_event(app: RunningApp, found: Measurements, n: int) -> None:
    """As a web process does it: its services enqueue, its feed hears of the worker."""
    endpoints = app.endpoints()
    services = build_services(
        Settings(
            home=app.home,
            database_url=endpoints["database_url"],
            redis_url=endpoints["redis_url"],
            chroma_url=endpoints["chroma_url"],
        )
    )
    signed_in = services.accounts.sign_in(
        email=app.admin_email, password=app.admin_password, client="benchmark"
    )

    async def follow_all() -> None:
        for number in range(n + WARM_UP):
            took = await _first_event(services, signed_in.actor)
            if number >= WARM_UP:
                found.first_event.append(took)
        await services.feed.close()

    asyncio.run(follow_all())
    services.close()


async def _first_event(services: Services, actor: Actor) -> float:
    run = await asyncio.to_thread(services.chat.ask, actor, QUESTION)
    enqueued_at: datetime | None = None
    took = 0.0
    async for event in services.feed.subscribe(run.run_id):
        if event.kind is EventKind.QUEUED:
            enqueued_at = event.at
        elif event.kind is EventKind.STARTED and enqueued_at is not None:
            took = (datetime.now(UTC) - enqueued_at).total_seconds() * 1000
    if not took:
        raise RuntimeError("The worker's first event was not seen.")
    return took


def _measure_bare_query(home: Path, found: Measurements, n: int) -> None:
    """The same SQL in DuckDB alone, in a connection that is open already."""
    with duckdb.connect(str(home / "sources" / "nyc_flights.duckdb"), read_only=True) as database:
        for number in range(n + WARM_UP):
            started = time.perf_counter()
            database.execute(found.sql).fetchall()
            if number >= WARM_UP:
                found.bare_query.append((time.perf_counter() - started) * 1000)


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def report(found: Measurements) -> int:
    """Print the tables; 1 when a target is missed."""
    print(f"\n“{QUESTION}”, {len(found.ask)} times, milliseconds\n")
    print(f"{'':58}{'p50':>9}{'p95':>9}{'target p50':>12}")
    print(_line("enqueue to first event seen", found.first_event, FIRST_EVENT_TARGET_MS))
    print(_line("whole ask over REST", found.ask, ASK_TARGET_MS))
    print(_line("the same with its result in the cache", found.cached))
    print("\nof which")
    for name, meaning in STAGES:
        print(_line(f"  {name}: {meaning}", found.stages[name]))
    bare = statistics.median(found.bare_query)
    print(_line("\nthe bare query in DuckDB", found.bare_query))
    print(f"whole ask over bare query: {statistics.median(found.ask) / bare:.1f} times\n")
    missed = [
        name
        for name, values, target in (
            ("first event", found.first_event, FIRST_EVENT_TARGET_MS),
            ("whole ask", found.ask, ASK_TARGET_MS),
        )
        if statistics.median(values) > target
    ]
    print(f"Missed: {', '.join(missed)}." if missed else "All targets are met.")
    return 1 if missed else 0


def _line(title: str, values: list[float], target: float | None = None) -> str:
    wanted = f"{target:12,.0f}" if target is not None else ""
    return f"{title:58}{p(values, 50):9.1f}{p(values, 95):9.1f}{wanted}"
