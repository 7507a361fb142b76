"""One agent for every chat model: the planner and any language model go through the same loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from aiser_app.agent.answer import Extras, Outcome, assemble, read_extras
from aiser_app.agent.budget import MAX_TOOL_CALLS, Budget
from aiser_app.agent.context import AgentContext, system_prompt
from aiser_app.agent.tool_adapter import Emit, adapt
from aiser_app.tools.contract import ToolContext
from aiser_app.tools.registry import ToolRegistry

_GRAPH_STEPS = 4 * MAX_TOOL_CALLS
"""Ceiling of the graph itself; the budget ends a run long before."""


class AgentLoop:
    """Holds what is the same for every run; a run brings its own context and tools."""

    def __init__(
        self, registry: ToolRegistry, chat_model: Callable[[AgentContext], BaseChatModel]
    ) -> None:
        self._registry = registry
        self._chat_model = chat_model

    def run(self, context: AgentContext, tools: ToolContext, budget: Budget, emit: Emit) -> Outcome:
        """Work on one question until it is answered, asked back, or out of budget.

        Raises:
            AiserError: the run cannot go on: stopped, out of time, source unreachable.
        """
        chat_model = self._chat_model(context)
        tools.report("read", "Reading the question", state="run")
        read = _Listening(tools)
        with tools.findings.timed("agent"):
            for message in self._messages(chat_model, context, tools, budget, emit):
                budget.check()
                read.hear(message)
        budget.check()
        usage = {
            "model": chat_model._llm_type,
            "tool_calls": budget.tool_calls,
            "tokens": read.tokens,
            "timings_ms": dict(tools.findings.timings),
        }
        return assemble(context, tools, read.text, read.extras, usage)

    def _messages(
        self,
        chat_model: BaseChatModel,
        context: AgentContext,
        tools: ToolContext,
        budget: Budget,
        emit: Emit,
    ) -> Iterator[BaseMessage]:
        """Every message of the conversation with the model, as it comes up."""
        agent = create_agent(
            chat_model,
            tools=adapt(self._registry, tools, budget, emit),
            system_prompt=system_prompt(context),
        )
        updates = agent.stream(
            {"messages": [{"role": "user", "content": context.question}]},
            config={"recursion_limit": _GRAPH_STEPS},
            stream_mode="updates",
        )
        for update in updates:
            for change in update.values():
                yield from (change or {}).get("messages", ())


class _Listening:
    """Keeps what the model says, and shows the reading as the first step."""

    def __init__(self, tools: ToolContext) -> None:
        self._tools = tools
        self._started = perf_counter()
        self._is_read = False
        self.text = ""
        self.extras = Extras()
        self.tokens: dict[str, int] = {}

    def hear(self, message: BaseMessage) -> None:
        if not isinstance(message, AIMessage):
            return
        self.text = message.text or self.text
        said = message.additional_kwargs.get("aiser")
        if said is not None:
            self.extras = read_extras(said)
        for name, count in (message.usage_metadata or {}).items():
            if isinstance(count, int):
                self.tokens[name] = self.tokens.get(name, 0) + count
        if not self._is_read:
            self._is_read = True
            took = (perf_counter() - self._started) * 1000
            self._tools.findings.add_timing("plan", took)
            self._tools.report("read", "Read the question", _reading(message), duration_ms=took)
        elif self.extras.bound:
            self._tools.report(
                "read",
                "Read the question",
                _linked(self.extras),
                duration_ms=self._tools.findings.timings.get("plan"),
            )


def _reading(message: AIMessage) -> str:
    """What the first reply wants to do, in the terms of the model."""
    for call in message.tool_calls:
        query: dict[str, Any] = call["args"].get("semantic_query") or {}
        measures = [str(m) for m in query.get("measures") or ()]
        by = [str(d.get("member")) for d in query.get("dimensions") or ()]
        by += [
            str(t.get("dimension"))
            for t in query.get("time_dimensions") or ()
            if t.get("granularity")
        ]
        if measures or by:
            return ", ".join(measures or ["rows"]) + (f" by {', '.join(by)}" if by else "")
    return ""


def _linked(extras: Extras) -> str:
    words = "; ".join(f"{b.get('text')}: {b.get('member')}" for b in extras.bound)
    return f"Linked {words}"
