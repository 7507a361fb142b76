"""From the queue to the answer: verified queries of the asker's organization, under the asker's rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aiser_app.agent.loop import AgentLoop
from aiser_app.agent.reading_model import reading_model
from aiser_app.bootstrap.web import Services
from aiser_app.broker.run_control import RunControl
from aiser_app.broker.run_events import RunEventLog
from aiser_app.domain.actor import Role
from aiser_app.domain.run import Run, RunKind, RunStatus
from aiser_app.domain.semantic_query import Filter, FilterOperator, SemanticQuery
from aiser_app.query.router import QueryRouter
from aiser_app.services.answering import Answering, AnsweringLimits
from aiser_app.services.journals import RunJournal
from aiser_app.services.policies import PolicyInput
from aiser_app.services.run_execution import RunExecution
from aiser_app.services.verified_queries import VerifiedInput
from aiser_app.tools.builtin.ask_user import AskUser
from aiser_app.tools.builtin.generate_chart import GenerateChart
from aiser_app.tools.builtin.query_data import QueryData
from aiser_app.tools.registry import ToolRegistry
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = pytest.mark.integration
QUESTION = "How healthy is our business?"


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    return make_desk(web_services)


def asked(desk: QueryDesk, question: str, role: Role = Role.ANALYST) -> Run:
    services = desk.services

    def router_for(run: Run) -> QueryRouter:
        return services.data.router(RunJournal(engine=services.engine, run=run))

    answering = Answering(
        services.engine,
        agent=AgentLoop(ToolRegistry([QueryData(), GenerateChart(), AskUser()]), reading_model),
        router_for=router_for,
        results=services.data.store,
        dialects=services.data.sources.dialects,
        limits=AnsweringLimits(row_limit=100, query_timeout_seconds=10),
    )
    execution = RunExecution(
        worker="desk",
        lifecycle=desk.lifecycle,
        events=RunEventLog(services.redis),
        control=RunControl(services.redis),
        works={RunKind.ASK: answering.work},
    )
    actor = desk.tenant.actor(role)
    run = services.chat.ask(actor, question, source="Orders")
    execution.execute(run.run_id)
    return services.runs.get(actor, run.run_id)


def verify(desk: QueryDesk, question: str, **meaning: object) -> str:
    made = desk.services.verified_queries.create(
        desk.actor, "Orders", VerifiedInput(questions=[question], **meaning), approve=True
    )
    return made.verified_query_id


def figure(desk: QueryDesk, run: Run, role: Role = Role.ANALYST) -> object:
    return desk.services.runs.view(desk.tenant.actor(role), run.run_id)["rows"][0][0]


def test_a_verified_query_answers_until_it_is_retired(desk: QueryDesk) -> None:
    assert asked(desk, QUESTION).status is RunStatus.NEEDS_INPUT
    verified = verify(desk, QUESTION, sql="SELECT count(*) AS n FROM orders")
    run = asked(desk, "how healthy is OUR business")
    assert run.status is RunStatus.ANSWERED
    assert run.answer is not None
    assert run.answer.verified is not None
    assert run.answer.verified.verified_by == desk.actor.name
    assert figure(desk, run) == 3
    view = desk.services.runs.view(desk.actor, run.run_id)
    assert view["verified"]["verified_query_id"] == verified
    desk.services.verified_queries.retire(desk.actor, verified)
    assert asked(desk, QUESTION).status is RunStatus.NEEDS_INPUT


def test_it_runs_with_the_rights_of_whoever_asks(desk: QueryDesk) -> None:
    verify(desk, QUESTION, sql="SELECT count(*) AS n FROM orders")
    desk.services.policies.create(
        desk.admin,
        PolicyInput(
            name="us", source="Orders", table="orders", condition="region = 'US'",
            exempt_roles=[Role.ADMIN],
        ),
    )  # fmt: skip
    assert figure(desk, asked(desk, QUESTION)) == 1
    assert figure(desk, asked(desk, QUESTION, Role.ADMIN), Role.ADMIN) == 3


def test_one_that_names_a_hidden_value_is_neither_used_nor_offered(desk: QueryDesk) -> None:
    eu = Filter(member="orders.region", operator=FilterOperator.EQUALS, values=("EU",))
    verify(
        desk,
        "How healthy is Europe?",
        semantic_query=SemanticQuery(measures=("orders.count",), filters=(eu,)),
    )
    desk.services.policies.create(
        desk.admin,
        PolicyInput(name="us", source="Orders", table="orders", condition="region = 'US'"),
    )
    for question in ("How healthy is Europe?", "How heallthy is Europe?"):
        run = asked(desk, question)
        assert run.status is RunStatus.NEEDS_INPUT
        assert run.answer is not None
        assert run.answer.clarification is not None
        assert "How healthy is Europe?" not in run.answer.clarification.options


def test_alike_ones_are_offered(desk: QueryDesk) -> None:
    verify(desk, QUESTION, sql="SELECT count(*) AS n FROM orders")
    run = asked(desk, "How heallthy is our business?")
    assert run.status is RunStatus.NEEDS_INPUT
    assert run.answer is not None
    assert run.answer.clarification is not None
    assert run.answer.clarification.options[0] == QUESTION


def test_another_organization_has_its_own(desk: QueryDesk, web_services: Services) -> None:
    verify(desk, QUESTION, sql="SELECT count(*) AS n FROM orders")
    other = make_desk(web_services)
    run = asked(other, QUESTION)
    assert run.status is RunStatus.NEEDS_INPUT
    assert run.answer is not None
    assert run.answer.clarification is not None
    assert QUESTION not in run.answer.clarification.options
