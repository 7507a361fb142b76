"""Redis and Postgres die and come back: workers and scheduler stay, runs end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiser_app.config import Settings
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.run import EventKind, RunStatus
from aiser_app.domain.semantic_model import SemanticModel
from tests.fixtures.worker import WorkerBench, make_bench, make_home, wait_until
from tests.integration.broker.conftest import KillableRedis

pytestmark = pytest.mark.integration
QUESTION = "How many flights are there?"


@pytest.fixture
def killable_redis(tmp_path: Path) -> Iterator[KillableRedis]:
    server = KillableRedis(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def bench(
    migrated_database_url: str,
    killable_redis: KillableRedis,
    sample_db: Path,
    sample_source: DataSource,
    sample_model: SemanticModel,
    tmp_path: Path,
) -> Iterator[WorkerBench]:
    settings = Settings(
        home=make_home(tmp_path, sample_db),
        database_url=migrated_database_url,
        redis_url=killable_redis.url,
    )
    made = make_bench(settings, sample_source, sample_model, tmp_path)
    yield made
    for process in made.processes:
        process.stop(signal.SIGKILL)
    made.services.close()


def test_a_restart_of_redis_costs_nothing(
    bench: WorkerBench, killable_redis: KillableRedis
) -> None:
    scheduler, worker = bench.start("scheduler"), bench.start()
    assert bench.finished(bench.ask(QUESTION).run_id).status is RunStatus.ANSWERED
    slow = bench.ask_slowly()
    bench.until_querying(slow.run_id)
    killable_redis.kill()
    unheard = bench.ask(QUESTION)
    wait_until(lambda: "heartbeat_missed" in worker.output(), "the worker to notice")
    killable_redis.start()

    bench.services.runs.cancel(bench.actor, slow.run_id)
    assert bench.finished(slow.run_id).status is RunStatus.CANCELLED
    done = bench.finished(unheard.run_id, seconds=60)
    assert done.status is RunStatus.ANSWERED
    assert done.attempts == 1
    wait_until(lambda: bench.live_workers(), "the worker to be counted again")
    events = bench.services.runs._events.read(unheard.run_id)
    assert [event.kind for event in events if event.kind.is_final] == [EventKind.ANSWER]
    assert worker.process.poll() is None
    assert scheduler.process.poll() is None
    assert worker.stop() == 0
    assert scheduler.stop() == 0
