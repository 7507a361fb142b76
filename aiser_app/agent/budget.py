"""What a run may use up: time and tool calls. Checked between steps, from whatever thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import AiserError, QueryCancelled, RunDeadlineExceeded

MAX_TOOL_CALLS = 12
_RESERVE_SECONDS = 0.5
"""Kept back from a query's time, so that the answer can still be written."""


class ToolCallLimitReached(AiserError):
    """The run made as many tool calls as it may."""

    code = "tool_call_limit"
    http_status = 422


class Budget:
    """The rest of one run's time and tool calls."""

    def __init__(
        self,
        *,
        deadline_at: datetime,
        cancel: CancelToken,
        query_timeout_seconds: float,
        max_tool_calls: int = MAX_TOOL_CALLS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.cancel = cancel
        self._deadline_at = deadline_at
        self._query_timeout = query_timeout_seconds
        self._max_tool_calls = max_tool_calls
        self._now = now
        self._lock = threading.Lock()
        self._tool_calls = 0

    @property
    def tool_calls(self) -> int:
        return self._tool_calls

    def seconds_left(self) -> float:
        return max(0.0, (self._deadline_at - self._now()).total_seconds())

    def query_seconds(self) -> float:
        """Time limit of the next query: its own, or what the run has left."""
        return min(self._query_timeout, max(0.0, self.seconds_left() - _RESERVE_SECONDS))

    def check(self) -> None:
        """Let a live run pass.

        Raises:
            RunDeadlineExceeded: the time is used up.
            QueryCancelled: somebody pressed Stop, or the worker is stopping.
        """
        if self.cancel.reason == "deadline" or self.seconds_left() <= 0:
            raise RunDeadlineExceeded("The time for this question is used up.")
        if self.cancel.is_set:
            raise QueryCancelled("This run was stopped.")

    def spend_tool_call(self) -> None:
        """Count one tool call.

        Raises:
            ToolCallLimitReached: that would be one too many.
            RunDeadlineExceeded, QueryCancelled: as `check`.
        """
        self.check()
        with self._lock:
            if self._tool_calls >= self._max_tool_calls:
                raise ToolCallLimitReached(
                    f"No answer was found within {self._max_tool_calls} steps.",
                    hint="Ask for one thing at a time.",
                )
            self._tool_calls += 1
