"""Verified queries as a chat model: the checked query runs in place of what would be read anew.

Where the planner reads the question in the same way, the planner goes on and words the answer; where it
reads it otherwise, or not at all, the checked query is what counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr, SkipValidation
from typing_extensions import override

from aiser_app.agent.verified_wording import told
from aiser_app.domain.answer import ConfidencePart
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verified_query import VerifiedMark
from aiser_app.errors import InvalidInput
from aiser_app.reasoning.matching import Likeness, Match, without_dates

QUERY_TOOL = "query_data"
CHART_TOOL = "generate_chart"
SCORES = {Likeness.EXACT: 0.98, Likeness.NEAR: 0.95}
"""Of a checked reading: what is left to doubt is the match, and whether the data has changed since."""
_OWN = "verified"
"""Begins the ids of the tool calls made here."""


class VerifiedChatModel(BaseChatModel):
    """One instance per run, for a question that a verified query was found for."""

    reader: SkipValidation[BaseChatModel]
    """Reads the question by itself, and goes on where the verified query cannot be used."""
    match: SkipValidation[Match]
    today: date

    _way: Literal["", "reader", "own", "none"] = PrivateAttr(default="")
    _broken: str = PrivateAttr(default="")

    @property
    @override
    def _llm_type(self) -> str:
        return self.reader._llm_type

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The reader gets to know the tools; the calls made here are known already."""
        self.reader.bind_tools(tools, tool_choice=tool_choice, **kwargs)
        return self

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._reply(messages))])

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        if not self._way:
            first = self._read(messages)
            self._way = self._choose(first)
            if self._way != "own":
                return first
        if self._way == "own":
            reply = self._own(messages)
            if reply is not None:
                return reply
            self._way = "none"
        reply = self._read(messages)
        if self._way == "reader":
            return self._marked(reply)
        return self._excused(reply)

    def _choose(self, first: AIMessage) -> Literal["reader", "own", "none"]:
        """Who goes on, by how the reader understood the question."""
        checked = self._checked_query()
        if checked is None:
            return "own"
        read = _query_of(first)
        dated = encode(checked)
        if self.match.is_relative and without_dates(dated) != dated:
            # The dates are those of the day of checking: only a reading of today has the right ones.
            is_same = read is not None and without_dates(encode(read)) == without_dates(dated)
            return "reader" if is_same else "none"
        return "reader" if read == checked else "own"

    def _checked_query(self) -> SemanticQuery | None:
        query = self.match.query.semantic_query
        if query is not None and query.today:
            return replace(query, today=self.today.isoformat())
        return query

    def _read(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """What the reader says, who never hears of the calls made here."""
        found = self.reader._generate(_without_own(messages)).generations[0].message
        return found if isinstance(found, AIMessage) else AIMessage(content=found.content)

    def _own(self, messages: Sequence[BaseMessage]) -> AIMessage | None:
        """The next step with the checked query; None when it does not run any more."""
        results = _own_results(messages)
        if QUERY_TOOL not in results:
            query = self._checked_query()
            arguments = (
                {"sql": self.match.query.sql}
                if query is None
                else {"semantic_query": encode(query)}
            )
            return _call(QUERY_TOOL, arguments)
        content = results[QUERY_TOOL]
        if "columns" not in content:
            error = content.get("error")
            self._broken = str(error.get("message", "")) if isinstance(error, Mapping) else ""
            return None
        if CHART_TOOL not in results and int(content.get("row_count") or 0) > 1:
            title = self.match.query.name[:200]
            return _call(CHART_TOOL, {"result_id": content.get("result_id", ""), "title": title})
        headline, text = told(self.match.query.name, content)
        extras = {"headline": headline, "title": self.match.query.name}
        return self._marked(AIMessage(content=text, additional_kwargs={"aiser": extras}))

    def _marked(self, reply: AIMessage) -> AIMessage:
        """The last reply with the mark of the verified query; others as they are."""
        if reply.tool_calls:
            return reply
        extras = dict(reply.additional_kwargs.get("aiser") or {})
        if extras.get("failed") is not None:
            return reply
        mark = mark_of(self.match)
        part = ConfidencePart(
            name="Verified query",
            measured=f"by {mark.verified_by} on {mark.verified_at[:10]}",
            score=1.0 if mark.is_exact else 0.97,
        )
        score = SCORES[self.match.likeness]
        extras["parts"] = [encode(part), *(extras.get("parts") or ())]
        extras["score"] = max(score, float(extras.get("score") or 0.0))
        extras["verified"] = encode(mark)
        return AIMessage(content=reply.content, additional_kwargs={"aiser": extras})

    def _excused(self, reply: AIMessage) -> AIMessage:
        """Says that a verified query was there and could not be used."""
        if reply.tool_calls or not self._broken:
            return reply
        extras = dict(reply.additional_kwargs.get("aiser") or {})
        said = f"The verified query “{self.match.query.name}” does not run any more: {self._broken}"
        extras["caveats"] = [*(extras.get("caveats") or ()), said]
        return AIMessage(content=reply.content, additional_kwargs={"aiser": extras})


def mark_of(match: Match) -> VerifiedMark:
    query = match.query
    return VerifiedMark(
        verified_query_id=query.verified_query_id,
        name=query.name,
        question=match.question,
        verified_by=query.verified_by_name,
        verified_at=query.verified_at.isoformat() if query.verified_at else "",
        is_exact=match.likeness is Likeness.EXACT,
    )


def _query_of(message: AIMessage) -> SemanticQuery | None:
    for call in message.tool_calls:
        if call["name"] == QUERY_TOOL and call["args"].get("semantic_query"):
            try:
                return decode(SemanticQuery, call["args"]["semantic_query"])
            except InvalidInput:
                return None
    return None


def _call(name: str, arguments: dict[str, Any]) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"{_OWN}_{name}", "type": "tool_call"}
    return AIMessage(content="", tool_calls=[call])


def _is_own(message: BaseMessage) -> bool:
    if isinstance(message, ToolMessage):
        return message.tool_call_id.startswith(f"{_OWN}_")
    return isinstance(message, AIMessage) and any(
        str(call["id"]).startswith(f"{_OWN}_") for call in message.tool_calls
    )


def _without_own(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    return [message for message in messages if not _is_own(message)]


def _own_results(messages: Sequence[BaseMessage]) -> dict[str, dict[str, Any]]:
    """What the calls made here gave, since the last question, by tool."""
    start = max((n for n, m in enumerate(messages) if isinstance(m, HumanMessage)), default=0)
    return {
        message.tool_call_id.removeprefix(f"{_OWN}_"): _content(message)
        for message in messages[start:]
        if isinstance(message, ToolMessage) and _is_own(message)
    }


def _content(message: ToolMessage) -> dict[str, Any]:
    try:
        content = json.loads(message.text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return {"error": {"code": "tool_failed", "message": message.text}}
    return content
