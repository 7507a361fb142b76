"""Verified queries: proposed by a thumb, approved by people who may, and of one organization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.answer import Answer
from aiser_app.domain.run import Run, RunStatus
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, SemanticQuery
from aiser_app.domain.verified_query import (
    FeedbackReason,
    Thumb,
    VerifiedMark,
    VerifiedQuery,
    VerifiedStatus,
)
from aiser_app.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    QueryDenied,
    QueryInvalid,
)
from aiser_app.services import feedback as feedback_module
from aiser_app.services import verified_queries as verified_module
from aiser_app.services.policies import PolicyInput
from aiser_app.services.verified_queries import VerifiedInput
from tests.fixtures.organizations import add_result, add_run, add_tenant, now
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration
COUNT = SemanticQuery(measures=("orders.count",))
BY_REGION = replace(COUNT, dimensions=(DimensionRef(member="orders.region"),))


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


def in_eu() -> SemanticQuery:
    eu = Filter(member="orders.region", operator=FilterOperator.EQUALS, values=("EU",))
    return replace(COUNT, filters=(eu,))


def create(desk: QueryDesk, *questions: str, approve: bool = True, **given: Any) -> VerifiedQuery:
    if "sql" not in given:
        given.setdefault("semantic_query", COUNT)
    source = given.pop("source", "Orders")
    return desk.services.verified_queries.create(
        desk.actor, source, VerifiedInput(questions=questions, **given), approve=approve
    )


def answered(
    desk: QueryDesk,
    question: str,
    *,
    actor: Actor | None = None,
    conversation_id: str = "",
    result: bool = True,
    **answer: Any,
) -> Run:
    """A run that a worker has ended with an answer."""
    who, engine = actor or desk.actor, desk.services.engine
    if conversation_id:
        run = desk.services.chat.ask(
            who, question, source="Orders", conversation_id=conversation_id
        )
    else:
        run = add_run(engine, who, desk.tenant.source, question)
    made = add_result(engine, run, desk.services.settings.results_dir) if result else None
    return _end(engine, run, answer, [made.result_id] if made else [])


def _end(engine: Engine, run: Run, answer: dict[str, Any], result_ids: Sequence[str]) -> Run:
    with UnitOfWork(engine) as uow:
        claimed = uow.runs.claim(run.run_id, "test", now())
        assert claimed is not None
        given: dict[str, Any] = {"text": "3.", "semantic_query": COUNT, **answer}
        uow.runs.finish(
            run.run_id,
            claimed.attempts,
            status=RunStatus.ANSWERED,
            answer=Answer(result_ids=tuple(result_ids), **given),
        )
        uow.commit()
        return uow.runs.get(run.run_id)


def test_a_thumb_up_proposes_and_an_analyst_approves(desk: QueryDesk) -> None:
    run = answered(desk, "How many orders are there?")
    feedback, queries = desk.services.feedback, desk.services.verified_queries
    proposed = feedback.rate(desk.actor, run.run_id, Thumb.UP)
    assert proposed is not None
    assert (proposed.status, proposed.questions) == (
        VerifiedStatus.PROPOSED,
        ("How many orders are there?",),
    )
    assert (proposed.semantic_query, proposed.run_id) == (COUNT, run.run_id)
    assert feedback.rate(desk.actor, run.run_id, Thumb.UP) == proposed
    assert feedback.thumbs(desk.actor, [run.run_id]) == {run.run_id: Thumb.UP}
    approved = queries.approve(desk.admin, proposed.verified_query_id)
    assert approved.status is VerifiedStatus.VERIFIED
    assert approved.verified_by_name == desk.admin.name
    assert approved.verified_at is not None
    assert queries.get(desk.actor, approved.verified_query_id) == approved
    assert queries.list(desk.actor, source="Orders", status=VerifiedStatus.VERIFIED) == [approved]
    assert queries.list(desk.actor, status=VerifiedStatus.PROPOSED) == []
    again = answered(desk, "how many orders are there")
    assert feedback.rate(desk.actor, again.run_id, Thumb.UP) is None
    retired = queries.retire(desk.actor, approved.verified_query_id)
    assert retired.status is VerifiedStatus.RETIRED
    assert queries.approve(desk.actor, approved.verified_query_id).verified_by == desk.actor.user_id
    queries.delete(desk.actor, approved.verified_query_id)
    with pytest.raises(NotFound):
        queries.get(desk.actor, approved.verified_query_id)


def test_a_thumb_down_takes_the_proposal_back_and_says_why(desk: QueryDesk) -> None:
    run = answered(desk, "How many orders?")
    feedback = desk.services.feedback
    assert feedback.rate(desk.actor, run.run_id, Thumb.UP) is not None
    taken = feedback.rate(
        desk.actor, run.run_id, Thumb.DOWN, reason=FeedbackReason.WRONG_NUMBERS, note=" Tests too. "
    )
    assert taken is None
    assert desk.services.verified_queries.list(desk.actor) == []
    (told,) = feedback.list(desk.actor)
    assert (told.thumb, told.reason, told.note) == (
        Thumb.DOWN,
        FeedbackReason.WRONG_NUMBERS,
        "Tests too.",
    )
    feedback.rate(desk.actor, run.run_id, Thumb.DOWN)
    assert len(feedback.list(desk.actor)) == 1


def test_a_thumb_down_leaves_what_was_approved(desk: QueryDesk) -> None:
    run = answered(desk, "How many orders?")
    proposed = desk.services.feedback.rate(desk.actor, run.run_id, Thumb.UP)
    assert proposed is not None
    approved = desk.services.verified_queries.approve(desk.actor, proposed.verified_query_id)
    desk.services.feedback.rate(desk.actor, run.run_id, Thumb.DOWN)
    assert desk.services.verified_queries.list(desk.actor) == [approved]


def test_only_ones_own_answers_are_judged(desk: QueryDesk) -> None:
    rate = desk.services.feedback.rate
    run = answered(desk, "How many orders?")
    for wrong in (run.run_id, "x"):
        with pytest.raises(NotFound):
            rate(desk.admin, wrong, Thumb.UP)
    with pytest.raises(NotFound):
        rate(desk.tenant.actor(Role.VIEWER), run.run_id, Thumb.UP)
    demoted = replace(desk.actor, permissions=desk.tenant.actor(Role.VIEWER).permissions)
    assert rate(demoted, run.run_id, Thumb.UP) is None
    open_run = add_run(desk.services.engine, desk.actor, desk.tenant.source)
    with pytest.raises(InvalidInput, match="no answer"):
        rate(desk.actor, open_run.run_id, Thumb.UP)
    with pytest.raises(InvalidInput, match="note"):
        rate(desk.actor, run.run_id, Thumb.DOWN, note="x" * 2_001)
    with pytest.raises(PermissionDenied):
        desk.services.feedback.list(desk.tenant.actor(Role.VIEWER))


def test_a_follow_up_that_says_nothing_by_itself_waits_for_words(desk: QueryDesk) -> None:
    first = answered(desk, "How many orders?")
    follow_up = answered(
        desk, "by region", conversation_id=first.conversation_id, semantic_query=BY_REGION
    )
    proposed = desk.services.feedback.rate(desk.actor, follow_up.run_id, Thumb.UP)
    assert proposed is not None
    assert (proposed.questions, proposed.name) == ((), "by region")
    queries = desk.services.verified_queries
    with pytest.raises(InvalidInput, match="no question yet"):
        queries.approve(desk.actor, proposed.verified_query_id)
    approved = queries.approve(
        desk.actor, proposed.verified_query_id, VerifiedInput(questions=["Orders by region"])
    )
    assert approved.questions == ("Orders by region",)


def test_a_later_question_that_stands_alone_keeps_its_words(desk: QueryDesk) -> None:
    first = answered(desk, "Number of orders by region", semantic_query=BY_REGION)
    later = answered(desk, "How many orders?", conversation_id=first.conversation_id)
    proposed = desk.services.feedback.rate(desk.actor, later.run_id, Thumb.UP)
    assert proposed is not None
    assert proposed.questions == ("How many orders?",)


def test_what_cannot_be_proposed_is_not(desk: QueryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = desk.services.feedback.rate
    mark = VerifiedMark(
        verified_query_id="v",
        name="n",
        question="q",
        verified_by="a",
        verified_at="",
        is_exact=True,
    )
    for run in (
        answered(desk, "How many orders?", verified=mark),
        answered(desk, "How many orders?", result=False),
    ):
        assert rate(desk.actor, run.run_id, Thumb.UP) is None
    odd = answered(desk, "???")
    proposed = rate(desk.actor, odd.run_id, Thumb.UP)
    assert proposed is not None
    assert proposed.questions == ()
    monkeypatch.setattr(feedback_module, "MAX_OF_SOURCE", 1)
    assert rate(desk.actor, answered(desk, "Orders?").run_id, Thumb.UP) is None


def test_an_answer_in_sql_proposes_its_sql(desk: QueryDesk) -> None:
    run = answered(desk, "Names of orders?", semantic_query=None)
    proposed = desk.services.feedback.rate(desk.actor, run.run_id, Thumb.UP)
    assert proposed is not None
    assert (proposed.sql, proposed.semantic_query) == ('SELECT "name" FROM "orders"', None)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"questions": ["Q one"], "semantic_query": COUNT, "sql": "SELECT 1"}, InvalidInput),
        ({"questions": ["Q one"]}, InvalidInput),
        ({"questions": [], "name": "n", "semantic_query": COUNT}, InvalidInput),
        ({"questions": ["?!"], "semantic_query": COUNT}, InvalidInput),
        ({"questions": ["x" * 1_001], "semantic_query": COUNT}, InvalidInput),
        ({"questions": ["Q"] * 21, "semantic_query": COUNT}, InvalidInput),
        ({"questions": ["Q one"], "name": "x" * 300, "semantic_query": COUNT}, InvalidInput),
        ({"questions": ["Q one"], "sql": "x" * 100_001}, InvalidInput),
        ({"questions": ["Q one"], "sql": "SELECT '\x00'"}, InvalidInput),
        ({"questions": ["Q one"], "sql": "DELETE FROM orders"}, QueryDenied),
        ({"questions": ["Q one"], "sql": "SELECT * FROM secrets"}, QueryDenied),
        (
            {"questions": ["Q one"], "semantic_query": SemanticQuery(measures=("orders.nope",))},
            QueryInvalid,
        ),
        (
            {"questions": ["orders last month"], "sql": "SELECT 1 WHERE '2024-01-01' < '2'"},
            InvalidInput,
        ),
    ],
)
def test_what_could_not_be_used_is_refused(
    desk: QueryDesk, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.services.verified_queries.create(
            desk.actor, "Orders", VerifiedInput(**given), approve=True
        )
    assert desk.services.verified_queries.list(desk.actor) == []


def test_ways_to_ask_that_are_the_same_are_kept_once(desk: QueryDesk) -> None:
    made = create(desk, "How many orders?", "how many  orders", "Number of\norders")
    assert made.questions == ("How many orders?", "Number of orders")
    assert made.name == "How many orders?"
    moving = create(desk, "orders today", sql="SELECT count(*) AS n FROM orders WHERE 1 = 1")
    assert moving.sql


def test_a_question_has_one_verified_query(desk: QueryDesk) -> None:
    queries = desk.services.verified_queries
    first = create(desk, "How many orders?")
    other = create(desk, "Orders, how many?", approve=False, semantic_query=BY_REGION)
    with pytest.raises(Conflict, match="verified already"):
        create(desk, "how many orders", semantic_query=BY_REGION)
    with pytest.raises(Conflict):
        queries.approve(
            desk.actor, other.verified_query_id, VerifiedInput(questions=["How many orders"])
        )
    queries.retire(desk.actor, first.verified_query_id)
    queries.approve(
        desk.actor, other.verified_query_id, VerifiedInput(questions=["How many orders"])
    )


def test_who_changes_the_meaning_has_verified_it(desk: QueryDesk) -> None:
    queries = desk.services.verified_queries
    made = create(desk, "How many orders?")
    named = queries.change(
        desk.admin, made.verified_query_id, VerifiedInput(name="Orders", is_onboarding=True)
    )
    assert (named.name, named.is_onboarding, named.verified_by) == (
        "Orders",
        True,
        desk.actor.user_id,
    )
    meant = queries.change(
        desk.admin, made.verified_query_id, VerifiedInput(sql="SELECT count(*) AS n FROM orders ")
    )
    assert (meant.sql, meant.semantic_query) == ("SELECT count(*) AS n FROM orders", None)
    assert meant.verified_by == desk.admin.user_id
    back = queries.change(desk.actor, made.verified_query_id, VerifiedInput(semantic_query=COUNT))
    assert (back.sql, back.semantic_query) == ("", COUNT)
    proposal = create(desk, "Orders by region?", approve=False, semantic_query=BY_REGION)
    changed = queries.change(
        desk.actor, proposal.verified_query_id, VerifiedInput(questions=["Regions of orders?"])
    )
    assert (changed.status, changed.verified_by) == (VerifiedStatus.PROPOSED, "")


def test_those_of_others_do_not_exist(desk: QueryDesk) -> None:
    queries = desk.services.verified_queries
    made = create(desk, "How many orders?")
    stranger = add_tenant(desk.services.engine).actor(Role.OWNER)
    for verified_query_id in (made.verified_query_id, "x"):
        for call in (queries.get, queries.retire, queries.approve, queries.delete):
            with pytest.raises(NotFound):
                call(stranger, verified_query_id)
    assert queries.list(stranger) == []
    with pytest.raises(NotFound):
        queries.list(stranger, source=desk.tenant.source.source_id)
    viewer = desk.tenant.actor(Role.VIEWER)
    with pytest.raises(PermissionDenied):
        queries.list(viewer)
    with pytest.raises(PermissionDenied):
        queries.approve(viewer, made.verified_query_id)


def test_values_that_policies_hide_are_not_told_to_others(desk: QueryDesk) -> None:
    queries = desk.services.verified_queries
    secret = create(desk, "Orders of EU", semantic_query=in_eu())
    plain = create(desk, "How many orders?")
    desk.services.policies.create(
        desk.admin,
        PolicyInput(
            name="us", source="Orders", table="orders", condition="region = 'US'",
            exempt_roles=[Role.OWNER, Role.ANALYST],
        ),
    )  # fmt: skip
    assert queries.list(desk.actor) == sorted([secret, plain], key=lambda q: q.name)
    assert queries.list(desk.admin) == [plain]
    with pytest.raises(NotFound):
        queries.get(desk.admin, secret.verified_query_id)
    assert queries.list(desk.tenant.actor(Role.OWNER)) == queries.list(desk.actor)


def test_there_are_only_so_many(desk: QueryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified_module, "MAX_OF_SOURCE", 1)
    create(desk, "How many orders?")
    with pytest.raises(InvalidInput, match="at most 1"):
        create(desk, "Orders by region", semantic_query=BY_REGION)


def test_they_go_with_their_source(desk: QueryDesk) -> None:
    create(desk, "How many orders?")
    desk.services.source_setup.delete(desk.admin, "Orders")
    assert desk.services.verified_queries.list(desk.actor) == []
