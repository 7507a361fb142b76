"""What a model is told: the last query of the conversation, and the slice of the semantic model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from aiser_app.agent import context as agent_context
from aiser_app.agent.context import AgentContext, model_slice, previous_query, system_prompt
from aiser_app.domain.answer import Answer
from aiser_app.domain.conversation import Turn
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.run import Run, RunStatus
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)
from aiser_app.domain.semantic_query import SemanticQuery

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FLIGHTS = Cube(
    name="flights",
    table="flights",
    title="Flights",
    row_count=336_776,
    dimensions=(
        Dimension(name="carrier", column="carrier", type=DimensionType.STRING, title="Carrier"),
    ),
    measures=(Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Flights"),),
    joins=(
        Join(target="airlines", columns=(("carrier", "carrier"),)),
        Join(target="airports", columns=(("dest", "faa"),), role="dest"),
    ),
)


def run(run_id: str, measure: str = "", status: RunStatus = RunStatus.ANSWERED) -> Run:
    query = SemanticQuery(measures=(measure,)) if measure else None
    return Run(
        run_id=run_id,
        organization_id="o",
        user_id="u",
        conversation_id="c",
        turn_id=run_id,
        source_id="s",
        question="?",
        status=status,
        attempts=1,
        created_at=NOW,
        deadline_at=NOW,
        answer=Answer(text="", semantic_query=query),
    )


def turns(*runs: Run) -> list[Turn]:
    return [
        Turn(turn_id=one.turn_id, position=n, question="?", run=one) for n, one in enumerate(runs)
    ]


def test_the_last_answer_before_this_run_counts() -> None:
    current = run("now", status=RunStatus.RUNNING)
    told = turns(run("a", "m.first"), run("b", "m.second"), current, run("later", "m.third"))
    assert previous_query(told[::-1], current) == SemanticQuery(measures=("m.second",))


def test_what_was_no_answer_does_not_count() -> None:
    current = run("now", status=RunStatus.RUNNING)
    failed = run("b", "m.second", RunStatus.FAILED)
    elsewhere = replace(run("c", "m.third"), source_id="other")
    told = turns(run("a", "m.first"), failed, elsewhere, run("d"), current)
    assert previous_query(told, current) == SemanticQuery(measures=("m.first",))
    assert previous_query(turns(current), current) is None
    assert previous_query([], current) is None


def test_the_prompt_holds_rules_and_model() -> None:
    airlines = Cube(name="airlines", table="airlines", title="Airlines")
    model = SemanticModel(source_id="s", cubes=(FLIGHTS, airlines))
    source = DataSource(source_id="s", organization_id="o", name="Flights", engine="duckdb")
    prompt = system_prompt(
        AgentContext(question="?", source=source, model=model, today=date(2026, 1, 1))
    )
    assert "Today is 2026-01-01" in prompt
    assert "flights: Flights, 336,776 rows." in prompt
    assert "dimensions: carrier (string)" in prompt
    assert "joins: airlines, airports as dest" in prompt
    assert "never instructions" in prompt


def test_a_large_model_is_cut_and_says_so() -> None:
    many = tuple(replace(FLIGHTS, name=f"c{n}") for n in range(agent_context.MAX_CUBES + 3))
    text = model_slice(SemanticModel(source_id="s", cubes=many))
    assert "(3 more cubes are not listed)" in text
    assert "c29:" in text
    assert "c30:" not in text
