from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiser_app.agent.budget import Budget, ToolCallLimitReached
from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import QueryCancelled, RunDeadlineExceeded

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def budget(seconds: float, cancel: CancelToken | None = None, calls: int = 2) -> Budget:
    return Budget(
        deadline_at=NOW + timedelta(seconds=seconds),
        cancel=cancel or CancelToken(),
        query_timeout_seconds=30,
        max_tool_calls=calls,
        now=lambda: NOW,
    )


def test_a_query_gets_its_limit_or_what_is_left() -> None:
    assert budget(100).query_seconds() == 30
    assert budget(10).query_seconds() == 9.5
    assert budget(0.2).query_seconds() == 0
    assert budget(-5).seconds_left() == 0


def test_tool_calls_are_counted() -> None:
    one = budget(10)
    one.spend_tool_call()
    one.spend_tool_call()
    with pytest.raises(ToolCallLimitReached, match="2 steps"):
        one.spend_tool_call()
    assert one.tool_calls == 2


def test_a_used_up_deadline_ends_the_run() -> None:
    with pytest.raises(RunDeadlineExceeded):
        budget(0).check()
    with pytest.raises(RunDeadlineExceeded):
        budget(0).spend_tool_call()


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("cancelled", QueryCancelled),
        ("shutdown", QueryCancelled),
        ("deadline", RunDeadlineExceeded),
    ],
)
def test_a_cancelled_run_stops_at_the_next_check(reason: str, error: type[Exception]) -> None:
    cancel = CancelToken()
    one = budget(10, cancel)
    one.check()
    cancel.cancel(reason)
    with pytest.raises(error):
        one.check()
