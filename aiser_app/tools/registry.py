"""The one way to call a tool: permission, arguments, audit line, time."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

from pydantic import ValidationError

from aiser_app.access.permissions import require
from aiser_app.errors import AiserError
from aiser_app.tools.contract import Arguments, Tool, ToolContext, ToolFailed, ToolOutput, ToolRetry

log = logging.getLogger(__name__)


class ToolRegistry:
    """Tools by name."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        if len(self._tools) != len(tools):
            raise ValueError("Two tools have the same name.")

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutput:
        """Check, call and record.

        Raises:
            PermissionDenied: the actor does not hold the tool's permission.
            ToolRetry: the arguments do not fit; says which and why.
            ToolFailed: there is no such tool, or it cannot do its work.
            AiserError: whatever the tool lets through; the run ends with it.
        """
        started = perf_counter()
        outcome = "failed"
        try:
            tool = self._tools.get(name)
            if tool is None:
                raise ToolFailed(f"There is no tool “{name}”.", hint=f"Tools: {self._names()}.")
            require(context.actor, tool.permission)
            output = tool.call(_checked(tool, arguments), context)
            outcome = "done"
            return output
        except AiserError as error:
            outcome = error.code
            raise
        finally:
            took = (perf_counter() - started) * 1000
            context.findings.add_timing(f"tool_{name}", took)
            log.info(
                "tool_call",
                extra={
                    "tool": name,
                    "run_id": context.run_id,
                    "user_id": context.actor.user_id,
                    "organization_id": context.actor.organization_id,
                    "source_id": context.source.source_id,
                    "outcome": outcome,
                    "duration_ms": round(took, 1),
                },
            )

    def _names(self) -> str:
        return ", ".join(sorted(self._tools))


def _checked(tool: Tool, arguments: Mapping[str, Any]) -> Arguments:
    try:
        return tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
            for item in error.errors()[:5]
        )
        raise ToolRetry(f"Correct the arguments and call `{tool.name}` again: {problems}") from None
