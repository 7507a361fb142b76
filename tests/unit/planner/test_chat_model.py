"""The planner inside LangChain's agent loop, with tools that answer from fixed rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, tool

from aiser_app.domain.encoding import decode
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.chat_model import PlannerChatModel
from tests.unit.planner.asking import TODAY, brief, read
from tests.unit.planner.models import FLIGHTS

QUESTION = "Which carrier has the worst average arrival delay?"
RANKING = {
    "result_id": "r1",
    "columns": [
        {"name": "name", "type": "string", "title": "Name", "unit": ""},
        {"name": "avg_arr_delay", "type": "number", "title": "Average delay", "unit": "min"},
    ],
    "rows": [["Frontier Airlines Inc.", 21.92], ["JetBlue Airways", 9.46]],
    "row_count": 2, "truncated": False, "limit": 1000, "duration_ms": 4.0, "rows_read": 336_776,
}  # fmt: skip
NUMBER = {
    "result_id": "r2", "columns": [{"name": "count", "type": "integer"}], "rows": [[7]],
    "row_count": 1, "truncated": False, "limit": 1000,
}  # fmt: skip


class Desk:
    """Fake tools that note their calls and return what the test wants."""

    def __init__(self, result: dict[str, Any], chart: dict[str, Any] | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._result = result
        self._chart = chart if chart is not None else {"chart": {"kind": "bar"}, "result_id": "r1"}

    def tools(self) -> list[BaseTool]:
        @tool
        def query_data(semantic_query: dict[str, Any]) -> str:
            """Run a semantic query."""
            self.calls.append(("query_data", semantic_query))
            return json.dumps(self._result)

        @tool
        def generate_chart(
            result_id: str, kind: str, x: str, y: list[str], title: str, series: str = ""
        ) -> str:
            """Draw a chart."""
            arguments = {"result_id": result_id, "kind": kind, "x": x, "y": y, "series": series}
            self.calls.append(("generate_chart", arguments))
            return json.dumps(self._chart)

        @tool(return_direct=True)
        def ask_user(question: str, options: list[str], unknown_words: list[str]) -> str:
            """Ask back."""
            self.calls.append(
                ("ask_user", {"question": question, "options": options, "words": unknown_words})
            )
            return json.dumps({})

        return [query_data, generate_chart, ask_user]


def model(previous: SemanticQuery | None = None) -> PlannerChatModel:
    return PlannerChatModel(model=FLIGHTS, today=TODAY, previous=previous)


def run(desk: Desk, question: str, chat: PlannerChatModel | None = None) -> list[Any]:
    agent = create_agent(chat or model(), desk.tools(), system_prompt="You answer questions.")
    return list(agent.invoke({"messages": [{"role": "user", "content": question}]})["messages"])


def test_a_question_becomes_query_chart_and_answer() -> None:
    desk = Desk(RANKING)
    last = run(desk, QUESTION)[-1]
    assert [name for name, _ in desk.calls] == ["query_data", "generate_chart"]
    query = decode(SemanticQuery, desk.calls[0][1])
    assert brief(query) == "avg_arr_delay by name order -avg_arr_delay"
    assert desk.calls[1][1] == {
        "result_id": "r1", "kind": "bar", "x": "name", "y": ["avg_arr_delay"], "series": "",
    }  # fmt: skip
    assert last.text.startswith(
        "Frontier Airlines Inc. has the highest average arr delay: 21.9 min"
    )
    assert not last.tool_calls


def test_the_answer_carries_its_proof() -> None:
    extras = run(Desk(RANKING), QUESTION)[-1].additional_kwargs["aiser"]
    assert extras["headline"] == "21.9 min"
    assert extras["chips"][0] == {"key": "show", "value": "Average arr delay"}
    assert 3 <= len(extras["follow_ups"]) <= 5
    assert extras["parts"]
    assert extras["unbound"] == []
    assert 0.75 <= extras["score"] <= 1.0
    json.dumps(extras)


def test_every_follow_up_of_the_answer_is_answered() -> None:
    extras = run(Desk(RANKING), QUESTION)[-1].additional_kwargs["aiser"]
    before = read(FLIGHTS, QUESTION).query
    for text in extras["follow_ups"]:
        desk = Desk(RANKING)
        run(desk, text, model(before))
        assert desk.calls[0][0] == "query_data", text


def test_a_single_number_gets_no_chart() -> None:
    desk = Desk(NUMBER)
    last = run(desk, "how many flights")[-1]
    assert [name for name, _ in desk.calls] == ["query_data"]
    assert last.text == "The number of flights is 7."


def test_a_series_is_drawn_as_a_line_and_a_second_group_as_series() -> None:
    columns = [
        {"name": "time_hour_month", "type": "timestamp"}, {"name": "name", "type": "string"},
        {"name": "count", "type": "integer"},
    ]  # fmt: skip
    rows = [["2013-01-01", "A", 1], ["2013-02-01", "A", 2]]
    desk = Desk({"result_id": "r3", "columns": columns, "rows": rows, "row_count": 2})
    run(desk, "flights by month and carrier")
    assert desk.calls[1][1] == {
        "result_id": "r3", "kind": "line", "x": "time_hour_month", "y": ["count"], "series": "name",
    }  # fmt: skip


@pytest.mark.parametrize(("hours", "kind"), [(24, "column"), (200, "line")])
def test_numbers_in_their_order_stand_side_by_side_while_they_fit(hours: int, kind: str) -> None:
    columns = [{"name": "hour", "type": "integer"}, {"name": "avg_dep_delay", "type": "number"}]
    desk = Desk({**RANKING, "columns": columns, "rows": [[1, 2.5], [2, 3.5]], "row_count": hours})
    run(desk, "average departure delay by hour")
    assert desk.calls[1][1]["kind"] == kind


def test_a_ranking_of_months_keeps_them_upright() -> None:
    columns = [{"name": "m", "type": "timestamp"}, {"name": "count", "type": "integer"}]
    rows = [["2013-01-01", 3], ["2013-02-01", 2]]
    desk = Desk({"result_id": "r3", "columns": columns, "rows": rows, "row_count": 2})
    run(desk, "which month had the most flights")
    assert desk.calls[1][1]["kind"] == "column"


def test_what_cannot_be_read_is_asked_about() -> None:
    desk = Desk(RANKING)
    run(desk, "what is the crime rate")
    (name, arguments), *rest = desk.calls
    assert (name, rest) == ("ask_user", [])
    assert arguments["words"] == ["crime rate"]
    assert len(arguments["options"]) >= 3


def test_the_call_to_ask_says_what_was_understood() -> None:
    reply = model().invoke([HumanMessage("flights by unicorn")])
    assert reply.additional_kwargs["aiser"]["unbound"] == ["unicorn"]


def test_after_asking_the_question_is_the_last_word() -> None:
    chat = model()
    messages: list[Any] = [HumanMessage("what is the crime rate")]
    messages.append(chat.invoke(messages))
    messages.append(ToolMessage("{}", tool_call_id=messages[-1].tool_calls[0]["id"]))
    assert chat.invoke(messages).text == "Nothing here is called “crime rate”."


def test_a_failed_query_is_told_and_nothing_is_guessed() -> None:
    error = {"code": "query_timed_out", "message": "Stopped after 30 s.", "hint": "Ask for less."}
    desk = Desk({"error": error | {"retry": False}})
    last = run(desk, QUESTION)[-1]
    assert [name for name, _ in desk.calls] == ["query_data"]
    assert last.text == "Stopped after 30 s. Ask for less."
    assert last.additional_kwargs["aiser"]["failed"]["code"] == "query_timed_out"
    assert not any(character.isdigit() for character in last.text.replace("30", ""))


@pytest.mark.parametrize("content", ["boom", "[1]", "{}", '{"error": "text"}'])
def test_a_tool_message_that_is_no_result_ends_without_numbers(content: str) -> None:
    chat = model()
    messages: list[Any] = [HumanMessage(QUESTION)]
    messages.append(chat.invoke(messages))
    messages.append(
        ToolMessage(content, tool_call_id=messages[-1].tool_calls[0]["id"], name="query_data")
    )
    reply = chat.invoke(messages)
    assert not reply.tool_calls
    assert "failed" in reply.additional_kwargs["aiser"]


def test_a_chart_that_fails_does_not_cost_the_answer() -> None:
    desk = Desk(RANKING, chart={"error": {"code": "x", "message": "No chart.", "retry": False}})
    assert run(desk, QUESTION)[-1].text.startswith("Frontier")


def test_a_change_of_the_question_before() -> None:
    desk = Desk(RANKING)
    run(desk, "by month", model(read(FLIGHTS, QUESTION).query))
    assert brief(decode(SemanticQuery, desk.calls[0][1])) == (
        "avg_arr_delay by time_hour:month order +time_hour"
    )


def test_only_the_last_question_of_a_conversation_counts() -> None:
    chat = model()
    earlier = [HumanMessage("how many planes"), AIMessage("The number of planes is 3,322.")]
    reply = chat.invoke([SystemMessage("s"), *earlier, HumanMessage("how many flights")])
    assert brief(decode(SemanticQuery, reply.tool_calls[0]["args"]["semantic_query"])) == "count"


def test_the_same_messages_give_the_same_reply() -> None:
    first, second = (
        model().invoke([HumanMessage(QUESTION)]),
        model().invoke([HumanMessage(QUESTION)]),
    )
    assert first.tool_calls == second.tool_calls


def test_without_a_question_there_is_nothing_to_do() -> None:
    assert model().invoke([SystemMessage("s")]).text == "There is no question to answer."


def query_data(semantic_query: dict[str, Any]) -> str:
    """A plain function as a tool."""
    return str(semantic_query)


@pytest.mark.parametrize(
    "bound",
    [query_data, {"name": "query_data"}, {"type": "function", "function": {"name": "query_data"}}],
)
def test_charts_are_drawn_only_when_there_is_a_tool_for_it(
    bound: dict[str, Any] | Callable[..., str],
) -> None:
    chat = model()
    assert chat.bind_tools([bound]) is chat
    messages: list[Any] = [HumanMessage(QUESTION)]
    messages.append(chat.invoke(messages))
    messages.append(ToolMessage(json.dumps(RANKING), tool_call_id=messages[-1].tool_calls[0]["id"]))
    assert not chat.invoke(messages).tool_calls


def test_binding_no_tools_changes_nothing() -> None:
    assert model().bind_tools([]).invoke([HumanMessage(QUESTION)]).tool_calls
    assert model()._llm_type == "aiser-planner"
