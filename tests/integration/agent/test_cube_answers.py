"""What an answer says of the Cube that gave it, or that did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from aiser_app.domain.run import RunStatus
from aiser_app.query.connection import HostRules
from aiser_app.query.cube import CubeAccess, CubeRoute
from tests.fixtures.agent_run import AgentRun
from tests.unit.query.cube.scripted import ScriptedCube, rows, says, scripted_cube, sql

MakeRun = Callable[..., AgentRun]
QUESTION = "How many flights were there?"


@pytest.fixture
def cube() -> Iterator[ScriptedCube]:
    with scripted_cube() as running:
        running.on("/sql", sql("SELECT count(*) AS flights__count FROM flights"))
        running.on("/load", rows({"flights.count": "42"}))
        yield running


@pytest.fixture
def run(agent_run: MakeRun, cube: ScriptedCube) -> AgentRun:
    access = CubeAccess(seal=str, unseal=str, rules=HostRules())
    made = agent_run(cube=CubeRoute(access))
    source = replace(made.source, options=access.attached(made.source, cube.url, "secret"))
    granted = replace(made.tools.granted, source=source)
    made.source, made.tools = source, replace(made.tools, granted=granted)
    return made


def test_an_answer_by_cube(run: AgentRun) -> None:
    answer = run.ask(QUESTION).answer
    assert answer is not None
    assert "42" in answer.text
    [result] = run.recorded
    assert (result.route, result.engine) == ("cube", "cube")
    line = run.lines["query-1-route"]
    assert (line["title"], line["state"]) == ("Answered by Cube", "done")
    assert "its own rules for this person" in line["detail"]
    assert run.lines["query-1"]["detail"].startswith("cube, ")
    assert not [caveat for caveat in answer.caveats if "Cube" in caveat]
    [step] = [step for step in answer.steps if step.claim.startswith("Cube answered")]
    assert "its own rules for this person" in step.how
    assert "reads 1 allowed table, and no policy concerns it" in step.how


def test_an_answer_from_a_rollup(run: AgentRun, cube: ScriptedCube) -> None:
    cube.on("/sql", sql("SELECT n FROM rollups.flights", preAggregations=[{"tableName": "x"}]))
    answer = run.ask(QUESTION).answer
    assert answer is not None
    [step] = [step for step in answer.steps if step.claim.startswith("Cube answered")]
    assert "from a rollup that it keeps" in step.how


def test_an_answer_without_cube(run: AgentRun, cube: ScriptedCube) -> None:
    cube.on("/load", says({"error": "down for repair at 10.1.1.1"}, 500))
    answer = run.ask(QUESTION).answer
    assert answer is not None
    assert "336,776" in answer.text or "336,776" in answer.headline
    assert [caveat for caveat in answer.caveats if caveat.startswith("Cube failed (status 500).")]
    assert run.lines["query-1-route"]["title"] == "Did without Cube"
    assert [step for step in answer.steps if "Cube failed (status 500)." in step.how]
    assert "10.1.1.1" not in repr(answer) + repr(run.lines)


def test_what_only_cube_can_compute_is_left_to_it(run: AgentRun, cube: ScriptedCube) -> None:
    [flights] = [item for item in run.model.cubes if item.name == "flights"]
    measures = tuple(
        replace(measure, aggregation="number", column="") if measure.name == "count" else measure
        for measure in flights.measures
    )
    cubes = tuple(
        replace(flights, measures=measures) if item is flights else item for item in run.model.cubes
    )
    run.tools = replace(run.tools, model=replace(run.model, cubes=cubes))
    found = run.call("query_data", semantic_query={"measures": ["flights.count"]})
    assert found["rows"] == [[42]]
    assert run.lines["query-1-compile"]["title"] == "Left the query to Cube"
    cube.on("/sql", says({}, 500))
    with pytest.raises(Exception, match=r"Only Cube can compute “flights\.count”"):
        run.call("query_data", semantic_query={"measures": ["flights.count"]})


def test_the_outcome_is_an_answer_either_way(run: AgentRun) -> None:
    assert run.ask(QUESTION).status is RunStatus.ANSWERED
