"""The planner as a LangChain chat model: it makes the same tool calls that an LLM would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr, SkipValidation
from typing_extensions import override

from aiser_app.domain.encoding import encode
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.value_index import ValueIndex
from aiser_app.planner.next_questions import follow_ups
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading, Unreadable
from aiser_app.planner.wording import NUMBERS, Phrase, ResultFacts, facts_from, phrase

QUERY_TOOL = "query_data"
CHART_TOOL = "generate_chart"
ASK_TOOL = "ask_user"
MOST_COLUMNS = 31
"""Ordered numbers, such as days of a month, that fit side by side; more become a line."""


class PlannerChatModel(BaseChatModel):
    """One instance per run. Deterministic: the same messages always give the same reply."""

    model: SkipValidation[SemanticModel]
    today: date
    previous: SkipValidation[SemanticQuery | None] = None
    instructions: str = ""
    """Definitions of terms that hold for the question."""
    values: SkipValidation[ValueIndex | None] = None
    """What is in columns with many values."""

    _tool_names: frozenset[str] = PrivateAttr(default=frozenset((QUERY_TOOL, CHART_TOOL, ASK_TOOL)))
    _readings: dict[str, Reading | Unreadable] = PrivateAttr(default_factory=dict)

    @property
    @override
    def _llm_type(self) -> str:
        return "aiser-planner"

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Remember which tools there are; the planner knows their arguments already."""
        names = frozenset(name for tool in tools if (name := _tool_name(tool)))
        if names:
            self._tool_names = names
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

    def _reply(self, messages: Sequence[BaseMessage]) -> AIMessage:
        start = _last_question(messages)
        if start is None:
            return AIMessage(content="There is no question to answer.")
        reading = self._read(messages[start].text)
        results = _tool_results(messages[start + 1 :])
        if isinstance(reading, Unreadable):
            return _ask(reading, start) if ASK_TOOL not in results else _final_question(reading)
        if QUERY_TOOL not in results:
            return _call(start, QUERY_TOOL, {"semantic_query": encode(reading.query)})
        content = results[QUERY_TOOL]
        error = content.get("error")
        if error is not None or "columns" not in content:
            return _final_failure(error if isinstance(error, Mapping) else {})
        facts = facts_from(content)
        if CHART_TOOL not in results and self._wants_chart(reading, facts):
            return _call(start, CHART_TOOL, _chart_arguments(reading, facts, content))
        return self._final(reading, facts)

    def _read(self, question: str) -> Reading | Unreadable:
        if question not in self._readings:
            self._readings[question] = plan(
                question,
                self.model,
                today=self.today,
                previous=self.previous,
                instructions=self.instructions,
                values=self.values,
            )
        return self._readings[question]

    def _wants_chart(self, reading: Reading, facts: ResultFacts) -> bool:
        if CHART_TOOL not in self._tool_names or facts.row_count < 2:
            return False
        return bool(reading.query.measures) and reading.shape in ("ranking", "series")

    def _final(self, reading: Reading, facts: ResultFacts) -> AIMessage:
        leader = str(facts.rows[0][0]) if facts.rows and reading.shape == "ranking" else ""
        following = follow_ups(reading, self.model, today=self.today, leader=leader)
        said = phrase(reading, facts, following)
        return AIMessage(content=said.text, additional_kwargs={"aiser": _extras(reading, said)})


def _tool_name(tool: dict[str, Any] | type | Callable[..., Any] | BaseTool) -> str:
    if isinstance(tool, dict):
        function = tool.get("function", tool)
        return str(function.get("name", "")) if isinstance(function, dict) else ""
    return str(getattr(tool, "name", "") or getattr(tool, "__name__", ""))


def _last_question(messages: Sequence[BaseMessage]) -> int | None:
    places = [n for n, m in enumerate(messages) if isinstance(m, HumanMessage)]
    return places[-1] if places else None


def _tool_results(messages: Sequence[BaseMessage]) -> dict[str, dict[str, Any]]:
    """Content of the last reply of each tool, by tool name."""
    names: dict[str, str] = {}
    found: dict[str, dict[str, Any]] = {}
    for message in messages:
        if isinstance(message, AIMessage):
            names.update({str(call["id"]): call["name"] for call in message.tool_calls})
        elif isinstance(message, ToolMessage):
            name = message.name or names.get(message.tool_call_id, "")
            found[name] = _content(message)
    return found


def _content(message: ToolMessage) -> dict[str, Any]:
    """The JSON object a tool returned; anything else counts as an error of the tool."""
    try:
        content = json.loads(message.text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return {"error": {"code": "tool_failed", "message": message.text}}
    return content


def _call(turn: int, name: str, arguments: dict[str, Any]) -> AIMessage:
    """A tool call; a turn calls each tool once, so turn and name make a stable id."""
    call = {"name": name, "args": arguments, "id": f"call_{turn}_{name}", "type": "tool_call"}
    return AIMessage(content="", tool_calls=[call])


def _ask(reading: Unreadable, turn: int) -> AIMessage:
    wanted = reading.clarification
    message = _call(
        turn,
        ASK_TOOL,
        {
            "question": wanted.question,
            "options": list(wanted.options),
            "unknown_words": list(wanted.unknown_words),
        },
    )
    message.additional_kwargs["aiser"] = {
        "bound": [encode(b) for b in reading.bound],
        "unbound": list(reading.unbound),
        "reason": reading.reason,
    }
    return message


def _final_question(reading: Unreadable) -> AIMessage:
    return AIMessage(content=reading.clarification.question)


def _final_failure(error: Mapping[str, Any]) -> AIMessage:
    """Says what failed; without rows there is nothing to state."""
    said = str(error.get("message") or "The query did not run.")
    hint = str(error.get("hint") or "")
    extras = {"failed": {"code": str(error.get("code") or "tool_failed"), "message": said}}
    return AIMessage(content=f"{said} {hint}".strip(), additional_kwargs={"aiser": extras})


def _chart_arguments(
    reading: Reading, facts: ResultFacts, content: Mapping[str, Any]
) -> dict[str, Any]:
    """Which columns go where: the moment or name on x, measures on y, a second group as series."""
    measures = len(reading.query.measures)
    groups = [c.name for c in facts.columns[: len(facts.columns) - measures]]
    by = [c for c in reading.chips if c.key == "by"]
    arguments: dict[str, Any] = {
        "result_id": content.get("result_id", ""),
        "kind": _chart_kind(reading, facts),
        "x": groups[0] if groups else "",
        "y": [c.name for c in facts.columns[len(facts.columns) - measures :]],
        "title": reading.title,
    }
    if len(by) > 1 and len(groups) > 1:
        arguments["series"] = groups[1]
    return arguments


def _chart_kind(reading: Reading, facts: ResultFacts) -> str:
    """Time is a line, ranked time and numbers in their order are columns, names are bars."""
    by_time = any(t.granularity for t in reading.query.time_dimensions)
    if by_time:
        return "line" if reading.shape == "series" else "column"
    is_number = bool(facts.columns) and facts.columns[0].type in NUMBERS
    if reading.shape != "series" or not is_number:
        return "bar"
    return "column" if facts.row_count <= MOST_COLUMNS else "line"


def _extras(reading: Reading, said: Phrase) -> dict[str, Any]:
    """What an answer carries beside its text; read by the agent loop."""
    return {
        "headline": said.headline,
        "chips": [encode(c) for c in reading.chips],
        "follow_ups": list(said.follow_ups),
        "caveats": list(said.caveats),
        "parts": [encode(p) for p in reading.parts],
        "score": reading.score,
        "assumptions": list(reading.assumptions),
        "bound": [encode(b) for b in reading.bound],
        "unbound": list(reading.unbound),
        "title": reading.title,
        "shape": reading.shape,
    }
