"""What the loop does with models that are less careful than the planner."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from aiser_app.agent.budget import ToolCallLimitReached
from aiser_app.domain.actor import Role
from aiser_app.domain.chart import ChartKind
from aiser_app.domain.run import EventKind, RunStatus
from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    QueryTimedOut,
    RunDeadlineExceeded,
    ServiceUnavailable,
)
from aiser_app.query.router import QueryRouter
from aiser_app.tools.builtin.query_data import PREVIEW_ROWS
from aiser_app.tools.contract import ToolFailed
from tests.fixtures.agent_run import AgentRun
from tests.fixtures.scripted_model import ScriptedChatModel, calls

MakeRun = Callable[..., AgentRun]
BY_CARRIER = {
    "measures": ["flights.count"],
    "dimensions": [{"member": "flights.carrier"}],
    "order": [{"member": "flights.count", "descending": True}],
}
DONE = AIMessage(content="There are 16 carriers.")


def scripted(
    agent_run: MakeRun, *replies: Any, **options: Any
) -> tuple[AgentRun, ScriptedChatModel]:
    model = ScriptedChatModel(replies=list(replies))
    return agent_run(chat_model=lambda _context: model, **options), model


def told(model: ScriptedChatModel, n: int = -1) -> dict[str, Any]:
    content = json.loads(model.tool_messages()[n].text)
    assert isinstance(content, dict)
    return content


def draw(messages: list[BaseMessage], **wishes: Any) -> AIMessage:
    result_id = json.loads(messages[-1].text)["result_id"]
    return calls(("generate_chart", {"result_id": result_id, **wishes}))


def test_a_model_without_extras_still_gives_a_proven_answer(agent_run: MakeRun) -> None:
    run, model = scripted(
        agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), draw, DONE
    )
    outcome = run.ask("How many carriers?")
    assert outcome.status is RunStatus.ANSWERED
    assert outcome.answer is not None
    assert outcome.answer.text == "There are 16 carriers."
    assert outcome.answer.confidence is not None
    assert outcome.answer.confidence.score >= 0.75
    assert outcome.answer.usage["tokens"]["total_tokens"] == 24
    assert outcome.answer.chart is not None
    assert told(model) == {
        "chart": {"kind": "bar"},
        "result_id": run.recorded[0].result_id,
        "notes": [],
    }


def test_the_model_sees_the_first_rows_and_their_facts(agent_run: MakeRun) -> None:
    query = {"measures": ["flights.count"], "dimensions": [{"member": "flights.dest"}]}
    run, model = scripted(agent_run, calls(("query_data", {"semantic_query": query})), DONE)
    run.ask("?")
    content = told(model)
    assert len(content["rows"]) == PREVIEW_ROWS < content["row_count"]
    assert content["row_count"] == 105
    assert content["truncated"] is False
    assert content["columns"][1]["type"] == "integer"


def test_sql_goes_through_the_same_gate(agent_run: MakeRun) -> None:
    sql = "SELECT carrier, count(*) AS flights FROM flights GROUP BY carrier ORDER BY 2 DESC"
    run, model = scripted(agent_run, calls(("query_data", {"sql": sql})), draw, DONE)
    outcome = run.ask("?")
    assert outcome.answer is not None
    assert outcome.answer.chart is not None
    assert outcome.answer.chart.spec.y == ("flights",)
    assert outcome.answer.semantic_query is None
    assert told(model, 0)["rows"][0] == ["UA", 58665]


@pytest.mark.parametrize(
    ("arguments", "code", "retry"),
    [
        ({"sql": "DROP TABLE flights"}, "query_denied", False),
        ({"sql": "SELECT * FROM read_csv('/etc/passwd')"}, "query_denied", False),
        ({"sql": "SELECT nothing FROM flights"}, "query_invalid", True),
        ({"semantic_query": {"measures": ["flights.nothing"]}}, "query_invalid", True),
        ({}, "tool_retry", True),
        ({"sql": "SELECT 1", "semantic_query": BY_CARRIER}, "tool_retry", True),
        ({"sql": "SELECT 1", "limit": 5}, "tool_retry", True),
        ({"semantic_query": {"measures": "many"}}, "tool_retry", True),
    ],
)
def test_errors_tell_the_model_what_to_do(
    agent_run: MakeRun, arguments: dict[str, Any], code: str, retry: bool
) -> None:
    run, model = scripted(
        agent_run,
        calls(("query_data", arguments)),
        calls(("query_data", {"semantic_query": BY_CARRIER})),
        DONE,
    )
    outcome = run.ask("?")
    error = told(model, 0)["error"]
    assert (error["code"], error["retry"]) == (code, retry)
    assert error["message"]
    assert outcome.status is RunStatus.ANSWERED
    assert [payload["ok"] for kind, payload in run.events if kind is EventKind.TOOL_RESULT] == [
        False,
        True,
    ]


def test_text_without_a_result_is_no_answer(agent_run: MakeRun) -> None:
    run, _ = scripted(agent_run, AIMessage(content="There are about 42 flights."))
    outcome = run.ask("?")
    assert outcome.status is RunStatus.NEEDS_INPUT
    assert outcome.answer is not None
    assert outcome.answer.confidence is None
    silent, _ = scripted(agent_run, AIMessage(content=""))
    said = silent.ask("?").answer
    assert said is not None
    assert said.text == "I could not find data for this question."


def test_a_model_that_goes_in_circles_is_stopped(agent_run: MakeRun) -> None:
    run, _ = scripted(
        agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), max_tool_calls=3
    )
    with pytest.raises(ToolCallLimitReached):
        run.ask("?")
    assert len(run.recorded) == 3


def test_asking_ends_the_run_at_once(agent_run: MakeRun) -> None:
    run, model = scripted(
        agent_run, calls(("ask_user", {"question": "Which year?", "options": ["In 2013?"]})), DONE
    )
    outcome = run.ask("?")
    assert outcome.status is RunStatus.NEEDS_INPUT
    assert outcome.answer is not None
    assert outcome.answer.clarification is not None
    assert outcome.answer.clarification.options == ("In 2013?",)
    assert len(model.heard) == 1


def test_asking_beside_other_calls_still_asks(agent_run: MakeRun) -> None:
    both = calls(
        ("query_data", {"semantic_query": BY_CARRIER}), ("ask_user", {"question": "Which year?"})
    )
    run, _ = scripted(agent_run, both, DONE)
    assert run.ask("?").status is RunStatus.NEEDS_INPUT


def test_too_many_doubts_ask_instead_of_answering(agent_run: MakeRun) -> None:
    extras = {
        "score": 0.8,
        "parts": [{"name": "Words understood", "measured": "2 of 4", "score": 0.5}],
        "follow_ups": ["How many flights?"],
    }
    doubtful = AIMessage(content="10 carriers.", additional_kwargs={"aiser": extras})
    run, _ = scripted(
        agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), doubtful, row_limit=10
    )
    outcome = run.ask("?")
    assert outcome.status is RunStatus.NEEDS_INPUT
    assert outcome.answer is not None
    assert outcome.answer.result_ids == ()
    assert outcome.answer.clarification is not None
    assert "words understood 2 of 4" in outcome.answer.clarification.question
    assert outcome.answer.clarification.options == ("How many flights?",)


def test_truncation_is_said(agent_run: MakeRun) -> None:
    query = {"dimensions": [{"member": "flights.dest"}]}
    run, _ = scripted(
        agent_run, calls(("query_data", {"semantic_query": query})), DONE, row_limit=10
    )
    answer = run.ask("?").answer
    assert answer is not None
    assert any("first 10 rows" in caveat for caveat in answer.caveats)
    assert any("cut off at 10 rows" in step.claim for step in answer.steps)


def test_extras_that_are_nonsense_are_left_out(agent_run: MakeRun) -> None:
    for nonsense in ("text", {"score": "high"}, {"parts": 3}):
        said = AIMessage(content="16.", additional_kwargs={"aiser": nonsense})
        run, _ = scripted(agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), said)
        assert run.ask("?").status is RunStatus.ANSWERED


def test_a_failure_that_the_model_reports_fails_the_run(agent_run: MakeRun) -> None:
    failed = {"failed": {"code": "query_denied", "message": "Not this table."}}
    run, _ = scripted(agent_run, AIMessage(content="No.", additional_kwargs={"aiser": failed}))
    outcome = run.ask("?")
    assert outcome.status is RunStatus.FAILED
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.message) == ("query_denied", "Not this table.")


@pytest.mark.parametrize(
    ("reason", "error"), [("cancelled", QueryCancelled), ("deadline", RunDeadlineExceeded)]
)
def test_a_stop_is_heard_between_two_steps(
    agent_run: MakeRun, reason: str, error: type[Exception]
) -> None:
    def stop(_messages: list[BaseMessage]) -> AIMessage:
        run.cancel.cancel(reason)
        return calls(("query_data", {"semantic_query": BY_CARRIER}))

    run, _ = scripted(agent_run, stop, DONE)
    with pytest.raises(error):
        run.ask("?")
    assert run.recorded == []


def test_without_permission_nothing_runs(agent_run: MakeRun) -> None:
    run, model = scripted(
        agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), DONE, role=Role.VIEWER
    )
    assert run.ask("?").status is RunStatus.NEEDS_INPUT
    assert told(model)["error"]["code"] == "permission_denied"
    assert run.recorded == []


def test_foreign_sources_stay_foreign(agent_run: MakeRun) -> None:
    run = agent_run()
    with pytest.raises(NotFound):
        run.registry.call("query_data", {"sql": "SELECT 1"}, run.as_organization("9" * 32))


@pytest.mark.parametrize(
    ("wishes", "kind"),
    [
        ({"kind": "column"}, ChartKind.COLUMN),
        ({"kind": "number"}, ChartKind.BAR),
        ({"kind": "table"}, ChartKind.TABLE),
        ({"x": "carrier", "y": "count", "title": "Flights"}, ChartKind.BAR),
        ({"series": "carrier"}, ChartKind.BAR),
    ],
)
def test_charts_follow_wishes_as_far_as_the_data_allows(
    agent_run: MakeRun, wishes: dict[str, Any], kind: ChartKind
) -> None:
    run = agent_run()
    result_id = run.call("query_data", semantic_query=BY_CARRIER)["result_id"]
    assert run.call("generate_chart", result_id=result_id, **wishes)["chart"]["kind"] == kind.value
    spec = run.tools.findings.charts[-1][1].spec
    assert spec.series == ""
    assert spec.title == wishes.get("title", spec.title)


def test_a_small_second_group_becomes_series_when_wished(agent_run: MakeRun) -> None:
    run = agent_run()
    query = {
        "measures": ["flights.count"],
        "dimensions": [{"member": "flights.carrier"}, {"member": "flights.origin"}],
    }
    result_id = run.call("query_data", semantic_query=query)["result_id"]
    run.call("generate_chart", result_id=result_id, kind="bar", x="carrier", series="origin")
    spec = run.tools.findings.charts[-1][1].spec
    assert (spec.x, spec.series, spec.y) == ("carrier", "origin", ("count",))


def test_charts_of_unknown_results_or_columns_are_refused(agent_run: MakeRun) -> None:
    result_id = "0" * 32
    run, model = scripted(
        agent_run, calls(("generate_chart", {"result_id": result_id})), AIMessage(content="")
    )
    run.ask("?")
    assert "No result of this run" in told(model)["error"]["message"]
    second, told_later = scripted(
        agent_run,
        calls(("query_data", {"semantic_query": BY_CARRIER})),
        lambda messages: draw(messages, y="nothing"),
        DONE,
    )
    second.ask("?")
    assert "no column nothing" in told(told_later)["error"]["message"]


class FailingRouter:
    """The gate, on a day when the engine has trouble."""

    def __init__(self, error: AiserError) -> None:
        self._error = error

    def run(self, *_: Any) -> Any:
        raise self._error


def failing(run: AgentRun, error: AiserError, seconds_left: float = 20) -> AgentRun:
    router = cast(QueryRouter, FailingRouter(error))
    run.tools = replace(run.tools, queries=router, seconds_left=lambda: seconds_left)
    return run


def test_a_query_that_takes_too_long_is_told_to_the_model(agent_run: MakeRun) -> None:
    run, model = scripted(
        agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), AIMessage(content="")
    )
    failing(run, QueryTimedOut("Stopped after 30 s.")).ask("?")
    assert told(model)["error"]["code"] == "query_timed_out"
    assert run.lines["query-1"]["state"] == "fail"


@pytest.mark.parametrize(
    ("trouble", "seconds_left", "raised"),
    [
        (QueryTimedOut("Stopped."), 0.2, RunDeadlineExceeded),
        (EngineUnavailable("The source does not answer."), 20, EngineUnavailable),
        (QueryCancelled("Stopped."), 20, QueryCancelled),
        (ServiceUnavailable("The database does not answer."), 20, ServiceUnavailable),
    ],
)
def test_trouble_that_no_argument_can_mend_ends_the_run(
    agent_run: MakeRun, trouble: AiserError, seconds_left: float, raised: type[AiserError]
) -> None:
    run, _ = scripted(agent_run, calls(("query_data", {"semantic_query": BY_CARRIER})), DONE)
    with pytest.raises(raised):
        failing(run, trouble, seconds_left).ask("?")


def test_huge_arguments_do_not_go_into_events(agent_run: MakeRun) -> None:
    sql = f"SELECT count(*) FROM flights -- {'x' * 10_000}"
    run, _ = scripted(agent_run, calls(("query_data", {"sql": sql})), DONE)
    run.ask("?")
    assert "omitted" in run.events[0][1]["arguments"]


def test_rows_that_are_gone_cannot_be_drawn(agent_run: MakeRun) -> None:
    run = agent_run()
    result_id = run.call("query_data", semantic_query=BY_CARRIER)["result_id"]
    run.tools.results.delete(result_id, run.source.organization_id)
    with pytest.raises(ToolFailed, match="gone"):
        run.call("generate_chart", result_id=result_id)
