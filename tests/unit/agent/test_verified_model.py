"""The chat model of a verified query, message by message."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from aiser_app.agent.verified_model import VerifiedChatModel
from aiser_app.domain.encoding import encode
from aiser_app.domain.semantic_query import SemanticQuery, TimeDimension
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.reasoning.matching import Likeness, Match

COUNT = SemanticQuery(measures=("orders.count",))


class Reader(BaseChatModel):
    """Says what a test wants; remembers what it was shown."""

    replies: list[Any]
    shown: list[list[BaseMessage]] = []

    @property
    def _llm_type(self) -> str:
        return "reader"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.shown.append(list(messages))
        reply = self.replies[min(len(self.shown), len(self.replies)) - 1]
        return ChatResult(generations=[ChatGeneration(message=reply)])


def calling(query: SemanticQuery | dict[str, Any], name: str = "query_data") -> AIMessage:
    given = encode(query) if isinstance(query, SemanticQuery) else query
    call = {"name": name, "args": {"semantic_query": given}, "id": "c1", "type": "tool_call"}
    return AIMessage(content="", tool_calls=[call])


def model(reader: Reader, *, moves: bool = False, **query: Any) -> VerifiedChatModel:
    given: dict[str, Any] = {
        "verified_query_id": "v1", "organization_id": "o1", "source_id": "s1", "name": "Checked",
        "questions": ("q",), "status": VerifiedStatus.VERIFIED, "proposed_by": "u1",
        "proposed_at": datetime(2026, 1, 1, tzinfo=UTC), "verified_by_name": "Ada", **query,
    }  # fmt: skip
    match = Match(
        query=VerifiedQuery(**given), question="q", likeness=Likeness.NEAR, is_relative=moves
    )
    return VerifiedChatModel(reader=reader, match=match, today=date(2026, 5, 1))


def said(made: VerifiedChatModel, *messages: BaseMessage) -> AIMessage:
    found = made._generate([HumanMessage("q"), *messages]).generations[0].message
    assert isinstance(found, AIMessage)
    return found


def test_the_reader_goes_on_where_it_reads_the_same() -> None:
    reader = Reader(
        replies=[calling(COUNT), AIMessage("3.", additional_kwargs={"aiser": {"score": 0.99}})]
    )
    made = model(reader, semantic_query=COUNT)
    assert made.bind_tools([]) is made
    assert made._llm_type == "reader"
    assert said(made).tool_calls[0]["id"] == "c1"
    final = said(made, calling(COUNT), ToolMessage("{}", tool_call_id="c1"))
    extras = final.additional_kwargs["aiser"]
    assert (extras["score"], extras["verified"]["verified_by"]) == (0.99, "Ada")
    assert (extras["verified"]["is_exact"], extras["verified"]["verified_at"]) == (False, "")
    assert extras["parts"][0]["score"] == 0.97


def test_a_failure_of_the_reader_is_not_dressed_up() -> None:
    failed = AIMessage("No.", additional_kwargs={"aiser": {"failed": {"code": "x"}}})
    made = model(Reader(replies=[calling(COUNT), failed]), semantic_query=COUNT)
    said(made)
    assert "verified" not in said(made, calling(COUNT)).additional_kwargs["aiser"]


@pytest.mark.parametrize(
    "first", [AIMessage("Hm?"), calling({"measures": 5}), calling(COUNT, name="other")]
)
def test_whatever_the_reader_makes_of_it_the_checked_query_runs(first: AIMessage) -> None:
    reader = Reader(replies=[first])
    made = model(reader, sql="SELECT 1 AS n")
    assert said(made).tool_calls[0]["args"] == {"sql": "SELECT 1 AS n"}
    other = model(Reader(replies=[first]), semantic_query=COUNT)
    call = said(other)
    assert call.tool_calls[0]["args"] == {"semantic_query": encode(COUNT)}


@pytest.mark.parametrize(
    "content", ["not JSON", "[1]", json.dumps({"error": {"message": "Gone."}})]
)
def test_what_does_not_run_is_excused_and_the_reader_never_hears_of_it(content: str) -> None:
    reader = Reader(replies=[AIMessage("Hm?"), calling(COUNT), AIMessage("3.")])
    made = model(reader, sql="SELECT 1 AS n")
    own = said(made)
    result = ToolMessage(content, tool_call_id=own.tool_calls[0]["id"])
    assert said(made, own, result).tool_calls[0]["id"] == "c1"
    assert [type(message) for message in reader.shown[-1]] == [HumanMessage]
    final = said(made, own, result, calling(COUNT), ToolMessage("{}", tool_call_id="c1"))
    assert "does not run any more" in final.additional_kwargs["aiser"]["caveats"][0]
    assert len(reader.shown[-1]) == 3


def dated(day: str, measure: str = "orders.count") -> SemanticQuery:
    return SemanticQuery(
        measures=(measure,),
        time_dimensions=(TimeDimension(dimension="orders.at", date_range=(day, day)),),
    )


def test_moving_time_takes_the_dates_of_today() -> None:
    today = dated("2026-04-30")
    made = model(
        Reader(replies=[calling(today), AIMessage("3.")]),
        moves=True,
        semantic_query=dated("2025-01-01"),
    )
    assert said(made).tool_calls[0]["args"]["semantic_query"] == encode(today)
    assert "verified" in said(made, calling(today)).additional_kwargs["aiser"]


@pytest.mark.parametrize("first", [AIMessage("Hm?"), calling(dated("2026-04-30", "orders.total"))])
def test_moving_time_that_is_read_otherwise_is_left_to_the_reader(first: AIMessage) -> None:
    made = model(
        Reader(replies=[first, AIMessage("3.")]), moves=True, semantic_query=dated("2025-01-01")
    )
    assert said(made) == first
    assert "aiser" not in said(made, first).additional_kwargs


def test_several_rows_are_drawn_and_told() -> None:
    made = model(Reader(replies=[AIMessage("Hm?")]), sql="SELECT 1 AS n")
    own = said(made)
    rows = {"columns": [{"name": "n", "type": "integer"}], "rows": [[1], [2]], "row_count": 2,
            "result_id": "r1", "truncated": True}  # fmt: skip
    result = ToolMessage(json.dumps(rows), tool_call_id=own.tool_calls[0]["id"])
    chart = said(made, own, result)
    assert chart.tool_calls[0]["args"] == {"result_id": "r1", "title": "Checked"}
    drawn = ToolMessage("{}", tool_call_id=chart.tool_calls[0]["id"])
    final = said(made, own, result, chart, drawn)
    assert final.content == "Checked: at least 2 rows. The first: n 1."
