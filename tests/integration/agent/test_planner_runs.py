"""The whole loop with the built-in planner, on the real sample."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aiser_app.domain.chart import ChartKind
from aiser_app.domain.run import EventKind, RunStatus
from tests.fixtures.agent_run import AgentRun

MakeRun = Callable[..., AgentRun]


def test_a_ranking_comes_with_everything_that_proves_it(agent_run: MakeRun) -> None:
    run = agent_run()
    outcome = run.ask("Which carrier has the worst average arrival delay?")
    assert outcome.status is RunStatus.ANSWERED
    answer = outcome.answer
    assert answer is not None
    assert "Frontier Airlines Inc." in answer.text
    assert answer.headline == "21.9 min"
    assert answer.result_ids == (run.recorded[0].result_id,)
    assert answer.chart is not None
    assert answer.chart.spec.kind is ChartKind.BAR
    assert answer.chart.option["yAxis"][0]["data"][-1] == "Frontier Airlines Inc."
    assert answer.confidence is not None
    assert answer.confidence.score >= 0.75
    assert {"Rows with a value", "Checks passed", "First ahead of second"} <= {
        part.name for part in answer.confidence.parts
    }
    claims = " | ".join(step.claim for step in answer.steps)
    assert "Read as" in claims
    assert "belongs to one of airlines" in claims
    assert "only what you may see" in claims
    assert "16 rows, all shown" in claims
    assert answer.follow_ups
    assert answer.semantic_query is not None
    assert answer.usage["model"] == "aiser-planner"
    assert answer.usage["tool_calls"] == 2


def test_the_steps_are_shown_while_they_happen(agent_run: MakeRun) -> None:
    run = agent_run()
    run.ask("Which carrier has the worst average arrival delay?")
    assert list(run.lines) == ["read", "query-1-compile", "query-1", "chart-1"]
    assert {line["state"] for line in run.lines.values()} == {"done"}
    assert "flights.avg_arr_delay" in run.lines["read"]["detail"]
    assert "336,792 rows read" in run.lines["query-1"]["detail"]
    assert [kind for kind, _ in run.events] == [
        EventKind.TOOL_CALL,
        EventKind.TOOL_RESULT,
        EventKind.TOOL_CALL,
        EventKind.TOOL_RESULT,
    ]


def test_a_series_is_a_line(agent_run: MakeRun) -> None:
    answer = agent_run().ask("number of flights by month").answer
    assert answer is not None
    assert answer.chart is not None
    assert answer.chart.spec.kind is ChartKind.LINE
    assert answer.chart.option["xAxis"][0]["data"][0] == "Jan 2013"
    assert sum(answer.chart.option["series"][0]["data"]) == 336_776


def test_a_single_number_needs_no_chart(agent_run: MakeRun) -> None:
    answer = agent_run().ask("How many flights are there?").answer
    assert answer is not None
    assert answer.headline == "336,776"
    assert answer.chart is None


def test_a_follow_up_changes_the_last_query(agent_run: MakeRun) -> None:
    first = agent_run().ask("Which carrier has the worst average arrival delay?").answer
    assert first is not None
    second = agent_run().ask("by month", previous=first.semantic_query).answer
    assert second is not None
    assert second.semantic_query is not None
    assert second.semantic_query.measures == ("flights.avg_arr_delay",)
    assert second.semantic_query.time_dimensions[0].granularity is not None


@pytest.mark.parametrize("question", ["How many purple elephants?", "", "why are delays so high"])
def test_what_cannot_be_read_is_asked_back(agent_run: MakeRun, question: str) -> None:
    run = agent_run()
    outcome = run.ask(question)
    assert outcome.status is RunStatus.NEEDS_INPUT
    assert outcome.answer is not None
    assert outcome.answer.clarification is not None
    assert outcome.answer.text == outcome.answer.clarification.question
    assert outcome.answer.result_ids == ()
    assert run.recorded == []


def test_options_of_a_question_back_can_be_asked(agent_run: MakeRun) -> None:
    asked = agent_run().ask("How many purple elephants?").answer
    assert asked is not None
    assert asked.clarification is not None
    for option in asked.clarification.options[:2]:
        assert agent_run().ask(option).status is RunStatus.ANSWERED
