"""Questions that a person has checked: the checked query runs, and the answer says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aiser_app.domain.answer import Answer
from aiser_app.domain.run import RunStatus
from aiser_app.domain.semantic_query import DimensionRef, Order, SemanticQuery
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.reasoning.matching import Match, find_matches
from tests.fixtures.agent_run import AgentRun

MakeRun = Callable[..., AgentRun]
WORST = "Which carrier has the worst average arrival delay?"


def verified(question: str, **changes: Any) -> VerifiedQuery:
    given: dict[str, Any] = {
        "verified_query_id": "v" * 32,
        "organization_id": "o" * 32,
        "source_id": "s" * 32,
        "name": "Checked figures",
        "questions": (question,),
        "status": VerifiedStatus.VERIFIED,
        "proposed_by": "u" * 32,
        "proposed_at": datetime(2026, 1, 1, tzinfo=UTC),
        "verified_by_name": "Ada Lovelace",
        "verified_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return VerifiedQuery(**{**given, **changes})


def match(question: str, known: VerifiedQuery) -> Match:
    found = find_matches(question, [known]).used
    assert found is not None
    return found


def asked(run: AgentRun, question: str, known: VerifiedQuery, **options: Any) -> Answer:
    outcome = run.ask(question, verified=match(question, known), **options)
    assert outcome.status is RunStatus.ANSWERED, outcome
    assert outcome.answer is not None
    return outcome.answer


def read_by_planner(run: AgentRun, question: str, **options: Any) -> SemanticQuery:
    answer = run.ask(question, **options).answer
    assert answer is not None
    assert answer.semantic_query is not None
    return answer.semantic_query


def test_a_reading_that_was_checked_is_worded_by_the_planner(agent_run: MakeRun) -> None:
    known = verified(WORST, semantic_query=read_by_planner(agent_run(), WORST))
    plain = agent_run().ask(WORST).answer
    answer = asked(agent_run(), "WHICH carriers have the worst average arrival delay", known)
    assert plain is not None
    assert plain.verified is None
    assert plain.confidence is not None
    assert answer.verified is not None
    assert (answer.verified.name, answer.verified.verified_by) == (
        "Checked figures",
        "Ada Lovelace",
    )
    assert answer.verified.is_exact
    assert answer.chart is not None
    assert "Frontier Airlines Inc." in answer.text
    assert answer.confidence is not None
    assert answer.confidence.score > plain.confidence.score
    assert answer.confidence.parts[0].name == "Verified query"
    assert answer.confidence.parts[0].measured == "by Ada Lovelace on 2026-01-02"
    assert answer.steps[0].kind == "analogical"
    assert "Checked figures" in answer.steps[0].claim


def test_what_was_checked_counts_where_the_planner_reads_otherwise(agent_run: MakeRun) -> None:
    meaning = SemanticQuery(
        measures=("flights.count",),
        dimensions=(DimensionRef(member="airlines.name"),),
        order=(Order(member="flights.count", descending=True),),
        limit=3,
    )
    run = agent_run()
    answer = asked(run, WORST, verified(WORST, semantic_query=meaning))
    assert answer.semantic_query == meaning
    assert answer.headline == "3 rows"
    assert "United Air Lines Inc." in answer.text
    assert "58,665" in answer.text
    assert answer.chart is not None
    assert [event[1]["tool"] for event in run.events[::2]] == ["query_data", "generate_chart"]


def test_the_planner_need_not_understand_the_question(agent_run: MakeRun) -> None:
    known = verified("How purple are our elephants?", sql="SELECT 42 AS purpleness")
    answer = asked(agent_run(), "how purple are our elephants", known)
    assert answer.headline == "42"
    assert answer.text == "Checked figures: 42."
    assert answer.semantic_query is None
    assert answer.verified is not None


@pytest.mark.parametrize(
    ("sql", "headline", "said"),
    [
        ("SELECT 1 AS n WHERE 1 = 2", "No rows", "no rows match"),
        ("SELECT CAST(NULL AS INTEGER) AS n", "no value", "no value"),
        ("SELECT -1234.567 AS n", "\u22121,234.6", "\u22121,234.6"),
        ("SELECT 0.25 AS n", "0.25", "0.25"),
        ("SELECT 'EU' AS region, 5 AS n", "5", "region EU, n 5"),
        ("SELECT true AS is_so", "True", "True"),
    ],
)
def test_one_row_is_told_in_a_sentence(
    agent_run: MakeRun, sql: str, headline: str, said: str
) -> None:
    known = verified("How purple are elephants", sql=sql)
    answer = asked(agent_run(), "How purple are elephants?", known)
    assert answer.headline == headline
    assert said in answer.text


def test_dates_that_move_are_those_of_the_day_of_asking(agent_run: MakeRun) -> None:
    question = "How many flights in March?"
    earlier = read_by_planner(agent_run(), question)
    moved = replace(earlier)
    answer = asked(agent_run(), question, verified(question, semantic_query=moved))
    assert answer.verified is not None
    other = SemanticQuery(measures=("flights.avg_dep_delay",), filters=earlier.filters,
                          time_dimensions=earlier.time_dimensions)  # fmt: skip
    unsure = agent_run().ask(
        question, verified=match(question, verified(question, semantic_query=other))
    )
    assert unsure.answer is not None
    assert unsure.answer.verified is None
    assert unsure.answer.semantic_query == earlier


def test_today_in_a_checked_query_is_the_day_of_asking(agent_run: MakeRun) -> None:
    meaning = SemanticQuery(measures=("flights.count",), today="2020-01-01")
    answer = asked(
        agent_run(),
        "How purple are elephants?",
        verified("How purple are elephants", semantic_query=meaning),
        today=date(2026, 5, 5),
    )
    assert answer.semantic_query is not None
    assert answer.semantic_query.today == "2026-05-05"


def test_one_that_does_not_run_any_more_makes_room_for_the_planner(agent_run: MakeRun) -> None:
    gone = SemanticQuery(measures=("flights.no_such_measure",))
    outcome = agent_run().ask(WORST, verified=match(WORST, verified(WORST, semantic_query=gone)))
    assert outcome.status is RunStatus.ANSWERED
    assert outcome.answer is not None
    assert outcome.answer.verified is None
    assert "Frontier Airlines Inc." in outcome.answer.text
    assert any("does not run any more" in caveat for caveat in outcome.answer.caveats)


def test_one_that_may_not_run_is_not_run(agent_run: MakeRun) -> None:
    """A verified query is no way around the guard."""
    known = verified(WORST, sql="SELECT * FROM read_csv('/etc/passwd')")
    answer = agent_run().ask(WORST, verified=match(WORST, known)).answer
    assert answer is not None
    assert answer.verified is None


def test_alike_questions_are_offered_in_answers_and_when_asking_back(agent_run: MakeRun) -> None:
    offer = ("Which carrier is worst?",)
    answered = agent_run().ask(WORST, offers=offer).answer
    assert answered is not None
    assert answered.follow_ups[0] == offer[0]
    asking = agent_run().ask("How many purple elephants?", offers=offer).answer
    assert asking is not None
    assert asking.clarification is not None
    assert asking.clarification.options[0] == offer[0]
