"""Evaluations of verified questions, and seed questions: background runs over a real source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Role
from aiser_app.domain.evaluation import CaseOutcome, Evaluation
from aiser_app.domain.run import RunKind, RunStatus
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, SemanticQuery
from aiser_app.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from aiser_app.evaluation import desk as desk_module
from aiser_app.services.policies import PolicyInput
from aiser_app.services.verified_queries import VerifiedInput
from tests.fixtures.organizations import add_tenant
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration
COUNT = SemanticQuery(measures=("orders.count",))


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


def verify(
    desk: QueryDesk, *questions: str, sql: str | None = None, meaning: SemanticQuery | None = None
) -> str:
    made = desk.services.verified_queries.create(
        desk.actor,
        "Orders",
        VerifiedInput(questions=questions, sql=sql, semantic_query=meaning),
        approve=True,
    )
    return made.verified_query_id


def worked(desk: QueryDesk) -> Evaluation:
    started = desk.services.evaluations.start(desk.actor)
    desk.execution.execute(started.run_id)
    return desk.services.evaluations.get(desk.actor, started.evaluation_id)


def outcomes(evaluation: Evaluation) -> dict[str, CaseOutcome]:
    return {case.question: case.outcome for case in evaluation.cases}


def test_every_way_to_ask_is_a_case(desk: QueryDesk, results_dir: Path) -> None:
    verified = verify(desk, "How many orders?", "How many purple elephants?", meaning=COUNT)
    verify(desk, "How many orders have status paid?", sql="SELECT count(*) AS n FROM orders")
    done = worked(desk)
    assert done.status is RunStatus.SUCCEEDED
    assert done.finished_at is not None
    assert (done.case_count, done.started_by) == (3, desk.actor.name)
    found = outcomes(done)
    assert found["How many orders?"] is CaseOutcome.RIGHT
    assert found["How many purple elephants?"] is CaseOutcome.REFUSED
    assert found["How many orders have status paid?"] is CaseOutcome.WRONG
    assert {case.verified_query_id for case in done.cases} >= {verified}
    assert done.summary is not None
    assert done.summary["accuracy"] == pytest.approx(1 / 3, abs=1e-3)
    assert done.summary["precision"] == 0.5
    (listed,) = desk.services.evaluations.list(desk.actor)
    assert (listed.evaluation_id, listed.cases) == (done.evaluation_id, ())
    assert listed.summary == done.summary
    kept = results_dir / desk.tenant.organization_id
    assert not list(kept.glob("*.arrow"))
    view = desk.services.runs.view(desk.actor, done.run_id)
    assert view["outcome"]["counts"]["right"] == 1


def test_a_verified_query_that_does_not_run_any_more_is_broken(desk: QueryDesk) -> None:
    verified = verify(desk, "How many orders?", meaning=COUNT)
    by_sql = verify(
        desk, "How many orders are there in all?", sql="SELECT count(*) AS n FROM orders"
    )
    with UnitOfWork(desk.services.engine) as uow:
        for verified_query_id, change in (
            (verified, {"semantic_query": SemanticQuery(measures=("orders.gone",))}),
            (by_sql, {"sql": "SELECT gone FROM orders"}),
        ):
            known = uow.verified_queries.find(desk.tenant.organization_id, verified_query_id)
            assert known is not None
            uow.verified_queries.replace(replace(known, **change))
        uow.commit()
    done = worked(desk)
    assert set(outcomes(done).values()) == {CaseOutcome.BROKEN}
    assert all("does not run" in case.note for case in done.cases)


def test_sources_that_are_away_are_failed_cases(desk: QueryDesk) -> None:
    verify(desk, "How many orders?", "Number of orders in all?", meaning=COUNT)
    started = desk.services.evaluations.start(desk.actor)
    desk.services.source_setup.pause(desk.admin, "Orders", "Moving house")
    desk.execution.execute(started.run_id)
    done = desk.services.evaluations.get(desk.actor, started.evaluation_id)
    assert done.status is RunStatus.SUCCEEDED
    assert [case.outcome for case in done.cases] == [CaseOutcome.FAILED] * 2
    assert "Moving house" in done.cases[0].note


def test_policies_hold_and_hidden_values_are_not_asked_for(desk: QueryDesk) -> None:
    eu = Filter(member="orders.region", operator=FilterOperator.EQUALS, values=("EU",))
    verify(desk, "How many orders of region EU?", meaning=replace(COUNT, filters=(eu,)))
    verify(desk, "How many orders?", meaning=COUNT)
    desk.services.policies.create(
        desk.admin,
        PolicyInput(name="us", source="Orders", table="orders", condition="region = 'US'"),
    )
    assert outcomes(worked(desk)) == {"How many orders?": CaseOutcome.RIGHT}


def test_one_at_a_time_and_only_with_something_to_ask(desk: QueryDesk) -> None:
    evaluations = desk.services.evaluations
    with pytest.raises(InvalidInput, match="no verified question"):
        evaluations.start(desk.actor)
    verify(desk, "How many orders?", meaning=COUNT)
    with pytest.raises(NotFound):
        evaluations.start(desk.actor, "Nowhere")
    started = evaluations.start(desk.actor, "Orders")
    assert evaluations.get(desk.actor, started.evaluation_id).status is RunStatus.QUEUED
    with pytest.raises(Conflict, match="under way"):
        evaluations.start(desk.admin)
    desk.lifecycle.finish(started.run_id, 0, status=RunStatus.CANCELLED)
    assert evaluations.start(desk.actor).run_id != started.run_id


def test_stop_ends_it(desk: QueryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    verify(desk, "How many orders?", "Number of orders in all?", meaning=COUNT)
    started = desk.services.evaluations.start(desk.actor)

    def stopped(self: desk_module.EvaluationDesk, _case: object) -> None:
        self.cancel.cancel("cancelled")

    monkeypatch.setattr(
        desk_module.EvaluationDesk, "score", lambda self, case: stopped(self, case) or _right(case)
    )
    desk.execution.execute(started.run_id)
    found = desk.services.evaluations.get(desk.actor, started.evaluation_id)
    assert (found.status, found.cases, found.summary) == (RunStatus.CANCELLED, (), None)


def _right(case: object) -> object:
    from aiser_app.domain.evaluation import CaseScore

    return CaseScore(case_id="c", question="q", category="", outcome=CaseOutcome.RIGHT)


def test_those_of_others_do_not_exist(desk: QueryDesk) -> None:
    verify(desk, "How many orders?", meaning=COUNT)
    done = worked(desk)
    stranger = add_tenant(desk.services.engine).actor(Role.OWNER)
    for evaluation_id in (done.evaluation_id, "x"):
        with pytest.raises(NotFound):
            desk.services.evaluations.get(stranger, evaluation_id)
    assert desk.services.evaluations.list(stranger) == []
    viewer = desk.tenant.actor(Role.VIEWER)
    for call in (desk.services.evaluations.list, desk.services.evaluations.start):
        with pytest.raises(PermissionDenied):
            call(viewer)


# Seed questions


def open_seeds(desk: QueryDesk) -> list[str]:
    with UnitOfWork(desk.services.engine) as uow:
        return [
            run.run_id
            for run in uow.runs.list_open()
            if run.kind is RunKind.SEED and run.organization_id == desk.tenant.organization_id
        ]


def test_questions_are_tried_once_and_those_that_return_rows_are_shown(desk: QueryDesk) -> None:
    suggestions, source_id = desk.services.suggestions, desk.tenant.source.source_id
    untried = suggestions.questions(desk.actor, source_id)
    assert 0 < len(untried) <= 6
    suggestions.questions(desk.actor, source_id)
    (run_id,) = open_seeds(desk)
    desk.execution.execute(run_id)
    view = desk.services.runs.view(desk.actor, run_id)
    assert view["status"] == "succeeded"
    tried = suggestions.questions(desk.actor, source_id)
    assert 0 < len(tried) <= 6
    assert view["outcome"]["kept"] == len(tried)
    assert open_seeds(desk) == []


def test_questions_without_rows_are_left_out(web_services: Services) -> None:
    desk = make_desk(web_services, "CREATE TABLE orders (region VARCHAR, total DECIMAL(9,2))")
    suggestions, source_id = desk.services.suggestions, desk.tenant.source.source_id
    assert suggestions.questions(desk.actor, source_id)
    desk.execution.execute(open_seeds(desk)[0])
    kept = suggestions.questions(desk.actor, source_id)
    assert not [question for question in kept if " by " in question]


def test_what_people_verified_for_beginners_comes_first(desk: QueryDesk) -> None:
    source_id = desk.tenant.source.source_id
    desk.services.verified_queries.create(
        desk.actor,
        "Orders",
        VerifiedInput(questions=["Orders in each region"], is_onboarding=True,
                      semantic_query=replace(COUNT, dimensions=(DimensionRef(member="orders.region"),))),
        approve=True,
    )  # fmt: skip
    verify(desk, "How many orders are there at all?", meaning=COUNT)
    shown = desk.services.suggestions.questions(desk.actor, source_id)
    assert shown[0] == "Orders in each region"
    assert "How many orders are there at all?" not in shown
    assert len(shown) <= 6


def test_who_may_not_ask_starts_nothing(desk: QueryDesk) -> None:
    viewer = desk.tenant.actor(Role.VIEWER)
    assert desk.services.suggestions.questions(viewer, desk.tenant.source.source_id)
    assert open_seeds(desk) == []


def test_a_sync_is_followed_by_a_try(desk: QueryDesk) -> None:
    run = desk.services.source_setup.sync(desk.admin, "Orders")
    desk.execution.execute(run.run_id)
    (seed,) = open_seeds(desk)
    desk.execution.execute(seed)
    with UnitOfWork(desk.services.engine) as uow:
        assert uow.runs.get(seed).status is RunStatus.SUCCEEDED


def test_a_sync_that_fails_is_not(desk: QueryDesk) -> None:
    desk.services.source_setup.pause(desk.admin, "Orders", "Moving house")
    run = desk.services.source_setup.sync(desk.admin, "Orders")
    desk.execution.execute(run.run_id)
    assert open_seeds(desk) == []


def test_a_source_that_is_gone_cannot_be_tried(desk: QueryDesk) -> None:
    desk.services.suggestions.questions(desk.actor, desk.tenant.source.source_id)
    (run_id,) = open_seeds(desk)
    desk.services.source_setup.delete(desk.admin, "Orders")
    desk.execution.execute(run_id)
    with UnitOfWork(desk.services.engine) as uow:
        assert uow.runs.get(run_id).status is RunStatus.FAILED
