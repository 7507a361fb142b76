"""Every vector against every kind of database through every way in: refused, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiser_app.domain.actor import Role
from tests.fixtures.web import Person
from tests.security.query_ground import CANARIES, Ground
from tests.security.query_vectors import EXPRESSIONS, HARMLESS, few_of_dialect, of_dialect
from tests.security.query_ways import THOROUGH, WAYS, call_tool, tool_context

pytestmark = [pytest.mark.integration, pytest.mark.security]

SOURCES = ["Orders", "Lite", "Post", "Maria", "House"]
TRACES = [Path("/tmp/aiser-attack"), Path("/tmp/x"), Path("/tmp/x.csv"), Path("/tmp/x.duckdb")]


@pytest.fixture(scope="module", autouse=True)
def everything_stays(ground: Ground) -> Iterator[None]:
    """What all databases hold is the same after the attacks, and no file was written."""
    before, there = ground.contents(), [path for path in TRACES if path.exists()]
    yield
    after = ground.contents()
    assert {name for name in before if before[name] != after[name]} == set()
    assert [path for path in TRACES if path.exists()] == there


@pytest.fixture(scope="module")
def chief(hunters: dict[Role, Person]) -> Person:
    return hunters[Role.ADMIN]


def vectors_for(way: str, dialect: str) -> list[str]:
    """All of them on the quick ways; on each of the others a part of its own, the classics first."""
    spoken = "duckdb" if way == "across sources" else dialect
    if way in THOROUGH:
        return of_dialect(spoken)
    few = few_of_dialect(spoken)
    return few[list(WAYS).index(way) % 3 :: 3] + (of_dialect(spoken)[::5] if way == "run" else [])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("way", WAYS)
def test_every_vector_is_refused(ground: Ground, hunter: Person, source: str, way: str) -> None:
    vectors = vectors_for(way, ground.dialect(source))
    passed = []
    for sql in vectors:
        outcome = WAYS[way](ground, hunter, source, sql)
        leaked = any(canary in outcome.text for canary in CANARIES if canary not in sql)
        if not outcome.is_refused or outcome.rows or leaked or "Traceback" in outcome.text:
            passed.append((sql[:200], outcome))
    assert passed == []


@pytest.mark.parametrize("source", SOURCES)
def test_words_alone_are_no_alarm(ground: Ground, hunter: Person, source: str) -> None:
    for sql in HARMLESS:
        outcome = WAYS["run"](ground, hunter, source, sql)
        assert (outcome.code, bool(outcome.rows or "DELETE" in sql)) == ("", True), (sql, outcome)


@pytest.mark.parametrize("source", SOURCES)
def test_conditions_of_policies_hold_one_expression(
    ground: Ground, chief: Person, source: str
) -> None:
    """Whoever writes policies cannot make them run anything: refused before they are kept."""
    passed = []
    for condition in EXPRESSIONS:
        body = {"name": "attack", "source": source, "table": "flights", "condition": condition}
        reply = chief.post("/policies", json=body)
        if reply.status_code != 422:
            passed.append((condition, reply.text))
    assert passed == []
    assert chief.get("/policies", params={"source": source}).json()["policies"] == []


@pytest.mark.parametrize("source", SOURCES)
def test_semantic_queries_name_members_of_the_model_only(ground: Ground, source: str) -> None:
    """The compiler is the same for the API and the agent, through whom it is quicker."""
    context = tool_context(ground, source)
    passed = []
    for text in EXPRESSIONS:
        for query in (
            {"measures": [text]},
            {"measures": [f"flights.{text}"]},
            {"measures": ["flights.count"], "dimensions": [{"member": f"flights.{text}"}]},
            {"measures": ["flights.count"], "order": [{"member": text}]},
            {"measures": ["flights.count"], "time_dimensions": [{"dimension": text}]},
            {
                "measures": ["flights.count"],
                "filters": [{"member": text, "operator": "equals", "values": ["1"]}],
            },
        ):
            outcome = call_tool(context, semantic_query=query)
            if not outcome.is_refused:
                passed.append((query, outcome))
    assert passed == []
