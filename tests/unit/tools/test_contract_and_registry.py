"""The one way to call a tool: permission first, then arguments, and a line in the log for each."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from aiser_app.access.permissions import permissions_of
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.semantic_model import Cube, SemanticModel
from aiser_app.errors import EngineUnavailable, PermissionDenied
from aiser_app.query.results import ResultStore
from aiser_app.query.router import QueryRouter
from aiser_app.tools.builtin.ask_user import AskUser
from aiser_app.tools.contract import (
    Arguments,
    Findings,
    ToolContext,
    ToolFailed,
    ToolOutput,
    ToolRetry,
)
from aiser_app.tools.registry import ToolRegistry
from tests.fixtures.queries import granted


class DoubleArguments(Arguments):
    number: int


class Double:
    name = "double"
    description = "Doubles a number."
    permission = Permission.QUESTIONS_ASK
    arguments = DoubleArguments
    ends_run = False

    def call(self, arguments: DoubleArguments, context: ToolContext) -> ToolOutput:
        if arguments.number < 0:
            raise EngineUnavailable("No engine for negative numbers.")
        return ToolOutput(for_model={"doubled": arguments.number * 2})


def context(role: Role = Role.ANALYST) -> ToolContext:
    actor = Actor(user_id="u", organization_id="o", role=role, permissions=permissions_of(role))
    cubes = (
        Cube(name="a", table="t", title="A"),
        Cube(name="b", table="t", title="B"),
        Cube(name="c", table="s", title="C"),
    )
    return ToolContext(
        run_id="r",
        actor=actor,
        granted=granted(
            DataSource(source_id="s", organization_id="o", name="S", engine="duckdb"), "t", "s"
        ),
        dialect="duckdb",
        model=SemanticModel(source_id="s", cubes=cubes),
        queries=cast(QueryRouter, None),
        results=cast(ResultStore, None),
        cancel=CancelToken(),
        report=lambda *_args, **_options: None,
        row_limit=10,
        seconds_left=lambda: 1.0,
    )


REGISTRY = ToolRegistry([Double(), AskUser()])


def test_a_call_is_logged_and_timed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    used = context()
    assert REGISTRY.call("double", {"number": 4}, used).for_model == {"doubled": 8}
    line = next(record for record in caplog.records if record.message == "tool_call")
    said: dict[str, Any] = vars(line)
    assert said["tool"] == "double"
    assert said["user_id"] == "u"
    assert said["organization_id"] == "o"
    assert said["run_id"] == "r"
    assert said["outcome"] == "done"
    assert used.findings.timings["tool_double"] >= 0


def test_who_may_not_ask_calls_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(PermissionDenied):
        REGISTRY.call("double", {"number": 4}, context(Role.VIEWER))
    assert vars(caplog.records[-1])["outcome"] == "permission_denied"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "number: Field required"),
        ({"number": "many"}, "number: Input should be a valid integer"),
        ({"number": 1, "factor": 3}, "factor: Extra inputs"),
    ],
)
def test_arguments_that_do_not_fit_can_be_mended(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolRetry, match=said):
        REGISTRY.call("double", arguments, context())


def test_an_unknown_tool_fails_and_names_the_others() -> None:
    with pytest.raises(ToolFailed, match="no tool") as caught:
        REGISTRY.call("drop_table", {}, context())
    assert caught.value.hint == "Tools: ask_user, double."


def test_other_errors_go_through(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(EngineUnavailable):
        REGISTRY.call("double", {"number": -1}, context())
    assert vars(caplog.records[-1])["outcome"] == "engine_unavailable"


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="same name"):
        ToolRegistry([Double(), Double()])
    assert [tool.name for tool in REGISTRY] == ["double", "ask_user"]


def test_asking_keeps_the_question_for_the_answer() -> None:
    used = context()
    output = REGISTRY.call(
        "ask_user",
        {"question": "Which one?", "options": ["A?", "B?", "A?"], "unknown_words": ["x", "x"]},
        used,
    )
    assert output.for_model == {"asked": "Which one?"}
    assert used.findings.clarification is not None
    assert used.findings.clarification.options == ("A?", "B?")
    assert used.findings.clarification.unknown_words == ("x",)
    with pytest.raises(ToolRetry):
        REGISTRY.call("ask_user", {"question": ""}, context())


def test_timings_of_a_stage_add_up() -> None:
    findings = Findings()
    findings.add_timing("chart", 1.5)
    findings.add_timing("chart", 2.0)
    with pytest.raises(RuntimeError), findings.timed("store"):
        raise RuntimeError
    assert findings.timings["chart"] == 3.5
    assert "store" in findings.timings
    assert findings.find_query("unknown") is None
