"""Asking, following, waiting and stopping, with Redis there and without."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from aiser_app.bootstrap.web import Services, build_services
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog, stream_key
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.answer import Answer, Clarification
from aiser_app.domain.run import EventKind, Run, RunEvent, RunFailure, RunStatus
from aiser_app.errors import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    SignInRefused,
    TooManyAttempts,
)
from aiser_app.services.chat import MAX_OPEN_RUNS
from tests.fixtures.organizations import Tenant, add_result, add_run, add_tenant, finish_run, now

pytestmark = pytest.mark.integration


@pytest.fixture
def services(web_services: Services) -> Services:
    return web_services


@pytest.fixture
def actor(web_services: Services) -> Actor:
    """Somebody with no runs open."""
    return add_tenant(web_services.engine).actor()


@pytest.fixture(scope="module")
def cut_off(web_services: Services) -> Iterator[Services]:
    """The same database, and a Redis that is down."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{free.getsockname()[1]}/0"
    services = build_services(web_services.settings.model_copy(update={"redis_url": url}))
    yield services
    services.close()


def end(services: Services, run: Run, status: RunStatus, **outcome: object) -> None:
    with UnitOfWork(services.engine) as uow:
        claimed = uow.runs.claim(run.run_id, "w", now())
        assert claimed is not None
        assert uow.runs.finish(run.run_id, claimed.attempts, status=status, **outcome)  # type: ignore[arg-type]
        uow.commit()


async def collect(services: Services, actor: Actor, run: Run, after: int = 0) -> list[RunEvent]:
    async with aclosing(services.runs.follow(actor, run.run_id, after)) as events:  # type: ignore[type-var]
        return [event async for event in events]


# Asking


def test_a_question_is_written_down_and_queued_once(services: Services, actor: Actor) -> None:
    run = services.chat.ask(actor, "  How many orders\r\nare there? ")
    assert run.question == "How many orders\nare there?"
    assert run.status is RunStatus.QUEUED
    assert 100 < (run.deadline_at - run.created_at).total_seconds() <= 120
    assert services.runs.get(actor, run.run_id) == run
    (event,) = RunEventLog(services.redis).read(run.run_id)
    assert (event.seq, event.kind) == (1, EventKind.QUEUED)
    assert JobQueue(services.redis).is_pending(f"{run.run_id}-0")
    conversation = services.conversations.get(actor, run.conversation_id)
    assert conversation.title == "How many orders are there?"
    (turn,) = services.conversations.turns(actor, run.conversation_id)
    assert (turn.position, turn.run) == (1, run)


def test_long_questions_make_short_titles(services: Services, actor: Actor) -> None:
    run = services.chat.ask(actor, "number of orders " * 30)
    title = services.conversations.get(actor, run.conversation_id).title
    assert len(title) <= 80
    assert title.endswith("…")


@pytest.mark.parametrize("question", ["", "x" * 4_001, "a\x00b"])
def test_what_is_no_question_leaves_no_trace(
    services: Services, actor: Actor, question: str
) -> None:
    with pytest.raises(InvalidInput):
        services.chat.ask(actor, question)
    assert services.conversations.list(actor) == []


def test_a_viewer_asks_nothing(services: Services, tenant: Tenant) -> None:
    with pytest.raises(PermissionDenied):
        services.chat.ask(tenant.actor(Role.VIEWER), "How many?")


def test_the_most_open_runs_of_one_user(services: Services, actor: Actor) -> None:
    """Also when all are asked at once."""

    def ask(number: int) -> Run | None:
        try:
            return services.chat.ask(actor, f"question {number}")
        except TooManyAttempts:
            return None

    with ThreadPoolExecutor(12) as pool:
        runs = [run for run in pool.map(ask, range(12)) if run]
    assert len(runs) == MAX_OPEN_RUNS
    services.runs.cancel(actor, runs[0].run_id)
    assert ask(99) is not None


def test_turns_of_one_conversation_are_numbered_without_gaps(
    services: Services, actor: Actor
) -> None:
    first = services.chat.ask(actor, "first")
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: services.chat.ask(actor, f"n{n}", conversation_id=first.conversation_id),
                range(4),
            )
        )
    turns = services.conversations.turns(actor, first.conversation_id)
    assert [turn.position for turn in turns] == [1, 2, 3, 4, 5]


def test_without_a_source_there_is_nothing_to_ask(services: Services, actor: Actor) -> None:
    lost = replace(actor, organization_id="0" * 32)
    with pytest.raises(NotFound, match="no data source"):
        services.chat.ask(lost, "How many?")


def test_while_redis_is_down_a_question_is_kept(cut_off: Services, actor: Actor) -> None:
    """It waits in Postgres until the scheduler can enqueue it."""
    run = cut_off.chat.ask(actor, "asked in the dark")
    assert cut_off.runs.get(actor, run.run_id).status is RunStatus.QUEUED
    with UnitOfWork(cut_off.engine) as uow:
        assert run.run_id in {open_run.run_id for open_run in uow.runs.list_open()}


# Following


async def test_events_arrive_as_they_happen(services: Services, actor: Actor) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "follow me")
    log = RunEventLog(services.redis)
    seen: list[tuple[int, EventKind]] = []
    got_first = asyncio.Event()

    async def follow() -> None:
        async with aclosing(services.runs.follow(actor, run.run_id)) as events:  # type: ignore[type-var]
            async for event in events:
                seen.append((event.seq, event.kind))
                got_first.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(follow())
        await got_first.wait()
        await asyncio.to_thread(log.append, run.run_id, EventKind.STEP, {"key": "a"})
        await asyncio.to_thread(end, services, run, RunStatus.ANSWERED, answer=Answer(text="x"))
        await asyncio.to_thread(log.append, run.run_id, EventKind.ANSWER, {"text": "x"})
    assert seen == [(1, EventKind.QUEUED), (2, EventKind.STEP), (3, EventKind.ANSWER)]
    assert [e.seq for e in await collect(services, actor, run, after=2)] == [3]
    assert await collect(services, actor, run, after=3) == []
    await services.feed.close()


async def test_an_ending_that_never_reached_redis_is_told_from_postgres(
    services: Services, actor: Actor
) -> None:
    """The worker persisted the answer and died before it could say so."""
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "silent ending")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        following = group.create_task(collect(services, actor, run))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(end, services, run, RunStatus.ANSWERED, answer=Answer(text="x"))
    events = following.result()
    assert [(e.seq, e.kind) for e in events] == [(1, EventKind.QUEUED), (2, EventKind.ANSWER)]
    assert events[-1].payload["text"] == "x"
    await services.feed.close()


@pytest.mark.parametrize(
    ("status", "outcome", "kind", "key"),
    [
        (RunStatus.ANSWERED, {"answer": Answer(text="x")}, EventKind.ANSWER, "text"),
        (
            RunStatus.NEEDS_INPUT,
            {"answer": Answer(text="", clarification=Clarification(question="Which?"))},
            EventKind.CLARIFICATION,
            "clarification",
        ),
        (
            RunStatus.FAILED,
            {"failure": RunFailure(code="worker_lost", message="m", hint="h")},
            EventKind.FAILED,
            "code",
        ),
        (RunStatus.CANCELLED, {}, EventKind.CANCELLED, None),
    ],
)
async def test_every_ending_is_told_when_its_events_have_expired(
    services: Services,
    actor: Actor,
    status: RunStatus,
    outcome: dict[str, object],
    kind: EventKind,
    key: str | None,
) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "expired")
    await asyncio.to_thread(end, services, run, status, **outcome)
    await asyncio.to_thread(services.redis.delete, stream_key(run.run_id))
    (event,) = await collect(services, actor, run)
    assert event.kind is kind
    assert key is None or key in event.payload
    view = await asyncio.to_thread(services.runs.view, actor, run.run_id)
    assert view["status"] == status.value
    if status is RunStatus.FAILED:
        assert view["error"] == {"code": "worker_lost", "message": "m", "hint": "h"}
    if status is RunStatus.NEEDS_INPUT:
        assert view["clarification"]["question"] == "Which?"


async def test_following_a_run_of_somebody_else(
    services: Services, actor: Actor, tenant: Tenant
) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "private")
    for other in (tenant.actor(), replace(actor, user_id="0" * 32)):
        with pytest.raises(NotFound):
            await collect(services, other, run)
        with pytest.raises(NotFound):
            await services.runs.wait(other, run.run_id, 1)


async def test_while_redis_is_down_finished_runs_are_told_and_open_ones_say_why(
    cut_off: Services, actor: Actor
) -> None:
    run = await anyio.to_thread.run_sync(cut_off.chat.ask, actor, "in the dark")
    with pytest.raises(ServiceUnavailable, match="Redis"):
        await collect(cut_off, actor, run)
    await asyncio.to_thread(end, cut_off, run, RunStatus.ANSWERED, answer=Answer(text="x"))
    (event,) = await collect(cut_off, actor, run)
    assert event.kind is EventKind.ANSWER
    await cut_off.feed.close()


# Waiting


async def test_a_wait_ends_with_the_run(services: Services, actor: Actor) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "wait for me")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(services.runs.wait(actor, run.run_id, 15))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end, services, run, RunStatus.ANSWERED, answer=Answer(text="x"))
        await asyncio.to_thread(
            RunEventLog(services.redis).append, run.run_id, EventKind.ANSWER, {}
        )
        told_at = time.monotonic()
    assert waiting.result().status is RunStatus.ANSWERED
    assert time.monotonic() - told_at < 1.5
    assert (await services.runs.wait(actor, run.run_id, 15)).status is RunStatus.ANSWERED
    await services.feed.close()


async def test_who_has_just_begun_a_run_gets_it_with_its_view(
    services: Services, actor: Actor
) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "wait for me")
    open_run, nothing = await services.runs.awaited(actor, run, 0.1)
    assert (open_run.status, nothing) == (RunStatus.QUEUED, None)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(services.runs.awaited(actor, run, 15))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end, services, run, RunStatus.ANSWERED, answer=Answer(text="x"))
        await asyncio.to_thread(
            RunEventLog(services.redis).append, run.run_id, EventKind.ANSWER, {}
        )
    ended, view = waiting.result()
    assert ended.status is RunStatus.ANSWERED
    assert view == await asyncio.to_thread(services.runs.view, actor, run.run_id)
    with pytest.raises(NotFound):
        await services.runs.awaited(replace(actor, user_id="0" * 32), run, 0)
    await services.feed.close()


async def test_a_run_that_the_database_forgot_is_not_waited_for(
    services: Services, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It crashed just after the run was begun, before that was on its disk."""
    monkeypatch.setattr("aiser_app.services.runs.QUIET_SECONDS", 0.1)
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "lost")
    forgotten = replace(run, run_id="0" * 32)
    async with asyncio.timeout(10):
        with pytest.raises(NotFound, match="lost"):
            await services.runs.awaited(actor, forgotten, 15)
    await services.feed.close()


async def test_a_wait_works_while_redis_is_down(cut_off: Services, actor: Actor) -> None:
    run = await anyio.to_thread.run_sync(cut_off.chat.ask, actor, "wait in the dark")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(cut_off.runs.wait(actor, run.run_id, 15))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end, cut_off, run, RunStatus.ANSWERED, answer=Answer(text="x"))
    assert waiting.result().status is RunStatus.ANSWERED
    await cut_off.feed.close()


async def test_waiting_does_not_block_the_loop(services: Services, actor: Actor) -> None:
    run = await anyio.to_thread.run_sync(services.chat.ask, actor, "nobody answers")
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - begun)

    watcher = asyncio.create_task(watch())
    result = await services.runs.wait(actor, run.run_id, 1.0)
    watcher.cancel()
    assert result.status is RunStatus.QUEUED
    assert longest < 0.3
    await services.feed.close()


# Stopping


def test_a_queued_run_is_cancelled_at_once(services: Services, actor: Actor) -> None:
    run = services.chat.ask(actor, "stop me")
    assert services.runs.cancel(actor, run.run_id).status is RunStatus.CANCELLED
    assert RunEventLog(services.redis).read(run.run_id)[-1].kind is EventKind.CANCELLED
    assert services.runs.cancel(actor, run.run_id).status is RunStatus.CANCELLED
    assert len(RunEventLog(services.redis).read(run.run_id)) == 2


def test_a_running_one_is_asked_to_stop(services: Services, actor: Actor) -> None:
    run = services.chat.ask(actor, "stop me while I run")
    with UnitOfWork(services.engine) as uow:
        assert uow.runs.claim(run.run_id, "w", now())
        uow.commit()
    assert services.runs.cancel(actor, run.run_id).status is RunStatus.RUNNING
    assert RunControl(services.redis).is_cancel_requested(run.run_id)


def test_nobody_stops_the_run_of_another(services: Services, actor: Actor, tenant: Tenant) -> None:
    run = services.chat.ask(actor, "mine")
    with pytest.raises(NotFound):
        services.runs.cancel(tenant.actor(Role.OWNER), run.run_id)
    assert services.runs.get(actor, run.run_id).status is RunStatus.QUEUED


# What it costs when a store is down


def test_sign_in_limits_hold_while_redis_is_down(cut_off: Services, tenant: Tenant) -> None:
    email = tenant.users[Role.ADMIN].email
    outcomes: list[type[Exception]] = []
    for _ in range(7):
        with pytest.raises((SignInRefused, TooManyAttempts)) as caught:
            cut_off.accounts.sign_in(email=email, password="wrong password", client="dark")
        outcomes.append(caught.type)
    assert outcomes == [SignInRefused] * 5 + [TooManyAttempts] * 2


def test_readiness_names_what_is_down(cut_off: Services) -> None:
    begun = time.monotonic()
    readiness = cut_off.health.readiness()
    assert time.monotonic() - begun < 6
    assert not readiness.ok
    failed = {check.name for check in readiness.checks if not check.ok}
    assert failed == {"redis", "chroma", "worker"}
    for check in readiness.checks:
        assert "127.0.0.1" not in check.detail + check.hint
        assert check.ok or check.hint


def test_readiness_without_postgres(web_services: Services) -> None:
    settings = web_services.settings.model_copy(
        update={"database_url": "postgresql://aiser:canary@127.0.0.1:1/aiser"}
    )
    services = build_services(settings)
    readiness = services.health.readiness()
    failed = {check.name: check.detail for check in readiness.checks if not check.ok}
    assert failed["database"] == "The database does not answer."
    assert "migrations" in failed
    assert "canary" not in str(readiness)
    with pytest.raises(ServiceUnavailable):
        services.accounts.is_set_up()
    services.close()


def test_nothing_runs_here(web_services: Services) -> None:
    with pytest.raises(ServiceUnavailable, match="not running"):
        build_services(web_services.settings.model_copy(update={"redis_url": ""}))


def test_rows_of_a_view_are_the_first_thousand(
    services: Services, actor: Actor, results_dir: Path, tenant: Tenant
) -> None:
    source = services.sources.default(actor)
    assert source is not None
    run = add_run(services.engine, actor, source)
    finish_run(services.engine, run, add_result(services.engine, run, results_dir, rows=1_500))
    view = services.runs.view(actor, run.run_id)
    assert (len(view["rows"]), view["row_count"]) == (1_000, 1_500)
