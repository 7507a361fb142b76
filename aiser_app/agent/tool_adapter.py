"""Our tools as LangChain tools: same names, JSON in, JSON out, every call an event of the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeAlias

from langchain_core.tools import BaseTool, StructuredTool

from aiser_app.agent.budget import Budget
from aiser_app.domain.run import EventKind
from aiser_app.errors import AiserError, PermissionDenied
from aiser_app.tools.contract import Tool, ToolContext, ToolFailed, ToolNeedsApproval, ToolRetry
from aiser_app.tools.registry import ToolRegistry

Emit: TypeAlias = Callable[[EventKind, dict[str, Any]], None]

TOLD_TO_MODEL = (ToolRetry, ToolFailed, ToolNeedsApproval, PermissionDenied)
"""Errors that the model hears of and may act on; every other one ends the run."""
EVENT_ARGUMENT_CHARS = 4_000


def adapt(
    registry: ToolRegistry, context: ToolContext, budget: Budget, emit: Emit
) -> list[BaseTool]:
    """Every tool of the registry, bound to one run."""
    return [_adapt(tool, registry, context, budget, emit) for tool in registry]


def _adapt(
    tool: Tool, registry: ToolRegistry, context: ToolContext, budget: Budget, emit: Emit
) -> BaseTool:
    def call(**arguments: Any) -> str:
        budget.spend_tool_call()
        number = budget.tool_calls
        emit(
            EventKind.TOOL_CALL,
            {"number": number, "tool": tool.name, "arguments": _shortened(arguments)},
        )
        started = perf_counter()
        failure: AiserError | None = None
        content: dict[str, Any] = {}
        try:
            content = registry.call(tool.name, arguments, context).for_model
        except TOLD_TO_MODEL as error:
            failure = error
            content = {"error": _told(error)}
        emit(
            EventKind.TOOL_RESULT,
            {
                "number": number,
                "tool": tool.name,
                "ok": failure is None,
                "result_id": content.get("result_id"),
                "row_count": content.get("row_count"),
                "error": None if failure is None else failure.message,
                "duration_ms": round((perf_counter() - started) * 1000, 1),
            },
        )
        return json.dumps(content, ensure_ascii=False)

    # A schema as plain JSON: the registry validates, so that its message is what the model reads.
    return StructuredTool.from_function(
        func=call,
        name=tool.name,
        description=tool.description,
        args_schema=tool.arguments.model_json_schema(),
        return_direct=tool.ends_run,
        infer_schema=False,
    )


def _told(error: AiserError) -> dict[str, Any]:
    cause = error.__cause__
    return {
        "code": cause.code if isinstance(cause, AiserError) else error.code,
        "message": error.message,
        "hint": error.hint,
        "retry": isinstance(error, ToolRetry),
    }


def _shortened(arguments: dict[str, Any]) -> Any:
    """Arguments as they go into the event; huge ones only by size."""
    text = json.dumps(arguments, ensure_ascii=False, default=str)
    if len(text) <= EVENT_ARGUMENT_CHARS:
        return json.loads(text)
    return {"omitted": f"{len(text):,} characters"}
