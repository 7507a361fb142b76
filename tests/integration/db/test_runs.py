"""Runs end exactly once, whoever tries and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, text

from aiser_app.db.identifiers import new_id
from aiser_app.db.plain_rows import run_plain
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.answer import Answer
from aiser_app.domain.run import Run, RunFailure, RunKind, RunStatus
from aiser_app.errors import NotFound
from tests.fixtures.organizations import Tenant, add_result, add_run, add_tenant, finish_run, now

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def tenant(engine: Engine) -> Tenant:
    return add_tenant(engine)


@pytest.fixture
def run(engine: Engine, tenant: Tenant) -> Run:
    return add_run(engine, tenant.actor(), tenant.source)


def claim(engine: Engine, run: Run, worker: str = "w") -> Run | None:
    with UnitOfWork(engine) as uow:
        claimed = uow.runs.claim(run.run_id, worker, now())
        uow.commit()
    return claimed


def finish(engine: Engine, run: Run, attempt: int, status: RunStatus, text: str = "") -> bool:
    with UnitOfWork(engine) as uow:
        done = uow.runs.finish(run.run_id, attempt, status=status, answer=Answer(text=text))
        uow.commit()
    return done


def read(engine: Engine, run: Run) -> Run:
    with UnitOfWork(engine) as uow:
        return uow.runs.get(run.run_id)


def test_only_one_of_many_workers_claims_a_run(engine: Engine, run: Run) -> None:
    barrier = Barrier(8)

    def attempt(number: int) -> Run | None:
        barrier.wait()
        return claim(engine, run, f"w{number}")

    with ThreadPoolExecutor(8) as pool:
        claims = [c for c in pool.map(attempt, range(8)) if c is not None]
    assert len(claims) == 1
    assert (claims[0].status, claims[0].attempts) == (RunStatus.RUNNING, 1)
    assert claims[0].started_at is not None


def test_a_claim_does_not_wait_for_the_disk(engine: Engine, run: Run) -> None:
    """Only this transaction: what follows on the same connection does."""

    def setting(uow: UnitOfWork) -> str:
        return str(run_plain(uow.runs._session, text("SHOW synchronous_commit")).scalar_one())

    with UnitOfWork(engine) as uow:
        assert uow.runs.claim(run.run_id, "w", now()) is not None
        assert setting(uow) == "off"
        uow.commit()
    with UnitOfWork(engine) as uow:
        assert setting(uow) == "on"


def test_an_added_run_tells_how_many_were_open(engine: Engine, tenant: Tenant) -> None:
    asker = replace(tenant.actor(), user_id=tenant.users[Role.ADMIN].user_id)
    first = add_run(engine, asker, tenant.source)
    finish(engine, add_run(engine, asker, tenant.source), 0, RunStatus.CANCELLED)
    with UnitOfWork(engine) as uow:
        query = replace(first, run_id=new_id(), conversation_id="", turn_id="", kind=RunKind.QUERY)
        assert uow.runs.add_counting(query) == 0
        assert uow.runs.add_counting(replace(query, run_id=new_id())) == 1
        another = replace(query, run_id=new_id(), kind=RunKind.ASK)
        assert uow.runs.add_counting(another) == 1
        assert uow.runs.find(query.run_id) == query


def test_a_whole_run_is_its_users(engine: Engine, tenant: Tenant, tmp_path: Path) -> None:
    actor = tenant.actor()
    run = add_run(engine, actor, tenant.source)
    result = add_result(engine, run, tmp_path)
    with UnitOfWork(engine) as uow:
        whole = uow.runs.find_whole(actor.organization_id, actor.user_id, run.run_id)
    assert whole is not None
    assert (whole.run, whole.source_name, whole.result) == (run, tenant.source.name, None)
    ended = finish_run(engine, run, result)
    with UnitOfWork(engine) as uow:
        whole = uow.runs.find_whole(actor.organization_id, actor.user_id, run.run_id)
        assert whole is not None
        assert (whole.run, whole.result) == (ended, result)
        for organization_id, user_id in (
            (actor.organization_id, "0" * 32),
            ("0" * 32, actor.user_id),
        ):
            assert uow.runs.find_whole(organization_id, user_id, run.run_id) is None


def test_only_one_ending_is_kept(engine: Engine, run: Run) -> None:
    assert claim(engine, run)
    barrier = Barrier(6)
    endings = [RunStatus.ANSWERED, RunStatus.FAILED, RunStatus.CANCELLED] * 2

    def end(number: int) -> bool:
        barrier.wait()
        return finish(engine, run, 1, endings[number], f"text {number}")

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(end, range(6)))
    assert done.count(True) == 1
    winner = done.index(True)
    ended = read(engine, run)
    assert ended.status is endings[winner]
    assert ended.answer is not None
    assert ended.answer.text == f"text {winner}"
    assert not finish(engine, run, 1, RunStatus.ANSWERED, "later")
    assert read(engine, run) == ended


def test_a_lost_worker_cannot_end_the_next_attempt(engine: Engine, run: Run) -> None:
    first = claim(engine, run, "first")
    assert first is not None
    with UnitOfWork(engine) as uow:
        assert uow.runs.requeue(run.run_id, first.attempts)
        uow.commit()
    second = claim(engine, run, "second")
    assert second is not None
    assert second.attempts == 2
    assert second.started_at == first.started_at
    assert not finish(engine, run, first.attempts, RunStatus.ANSWERED, "too late")
    assert finish(engine, run, second.attempts, RunStatus.ANSWERED, "right")


def test_a_queued_run_is_not_requeued(engine: Engine, run: Run) -> None:
    with UnitOfWork(engine) as uow:
        assert not uow.runs.requeue(run.run_id, 0)


def test_only_queued_runs_are_cancelled_at_once(engine: Engine, tenant: Tenant, run: Run) -> None:
    assert claim(engine, run)
    other = add_run(engine, tenant.actor(), tenant.source)
    with UnitOfWork(engine) as uow:
        assert not uow.runs.cancel_queued(run.run_id, now())
        assert uow.runs.cancel_queued(other.run_id, now())
        assert not uow.runs.cancel_queued(other.run_id, now())
        uow.commit()
    assert read(engine, other).status is RunStatus.CANCELLED
    assert claim(engine, other) is None


def test_ending_needs_a_final_status(engine: Engine, run: Run) -> None:
    with UnitOfWork(engine) as uow, pytest.raises(ValueError, match="not a final"):
        uow.runs.finish(run.run_id, 0, status=RunStatus.RUNNING)


def test_open_runs_are_listed_until_they_end(engine: Engine, run: Run) -> None:
    def is_open() -> bool:
        with UnitOfWork(engine) as uow:
            return run.run_id in {r.run_id for r in uow.runs.list_open()}

    assert is_open()
    claim(engine, run)
    assert is_open()
    finish(engine, run, 1, RunStatus.FAILED)
    assert not is_open()


def test_what_postgres_cannot_keep_does_not_keep_a_run_from_ending(
    engine: Engine, run: Run
) -> None:
    """Data of others may hold NUL, lone surrogates and NaN; an answer made of it must be stored."""
    claim(engine, run)
    with UnitOfWork(engine) as uow:
        assert uow.runs.finish(
            run.run_id,
            1,
            status=RunStatus.FAILED,
            answer=Answer(text="a\x00b", usage={"rate": float("nan")}),
            failure=RunFailure(code="x", message="m\x00"),
            steps=[{"title": "s\x00\ud800", "n": float("inf")}],
        )
        uow.commit()
    ended = read(engine, run)
    assert ended.answer is not None
    assert ended.answer.text == "a\N{REPLACEMENT CHARACTER}b"
    assert ended.answer.usage == {"rate": None}
    assert ended.failure == RunFailure(code="x", message="m\N{REPLACEMENT CHARACTER}")
    assert ended.steps == (
        {"title": "s\N{REPLACEMENT CHARACTER}" * 1 + "\N{REPLACEMENT CHARACTER}", "n": None},
    )


def test_unknown_runs(engine: Engine) -> None:
    with UnitOfWork(engine) as uow:
        assert uow.runs.find(new_id()) is None
        assert uow.runs.claim(new_id(), "w", now()) is None
        with pytest.raises(NotFound):
            uow.runs.get(new_id())
