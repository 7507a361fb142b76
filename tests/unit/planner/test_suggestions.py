"""Whatever the planner offers, it answers: suggestions, options, follow-ups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Filter,
    FilterOperator,
    Granularity,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.planner.describing import Describer
from aiser_app.planner.lexicon import lexicon_for
from aiser_app.planner.next_questions import follow_ups
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from aiser_app.planner.suggestions import suggest_questions
from tests.unit.planner.asking import TODAY, brief, read
from tests.unit.planner.models import CLINIC, FLIGHTS, SHOP, cube, number, text

MODELS = [FLIGHTS, SHOP, CLINIC]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.source_id)
def test_every_suggestion_is_answered(model: SemanticModel) -> None:
    found = suggest_questions(model, 8)
    assert len(found) == len(set(found)) == 8
    for question in found:
        assert isinstance(plan(question, model, today=TODAY), Reading), question


def test_suggestions_are_of_different_kinds() -> None:
    shapes = {read(FLIGHTS, q).shape for q in suggest_questions(FLIGHTS, 6)}
    assert {"series", "ranking"} <= shapes


def test_a_model_of_one_plain_table_has_suggestions_too() -> None:
    model = SemanticModel(
        source_id="x",
        cubes=(cube("readings", text("place", values=("a", "b")), number("level"), row_count=5),),
    )
    assert len(suggest_questions(model, 4)) >= 3


def test_an_empty_model_has_none_and_refuses_everything() -> None:
    model = SemanticModel(source_id="x", cubes=())
    assert suggest_questions(model) == []
    found = plan("how many flights", model, today=TODAY)
    assert not isinstance(found, Reading)
    assert found.clarification.options == ()


QUESTIONS = {
    "flights": [
        "which carrier has the worst average arrival delay?", "flights by month", "how many flights",
        "flights by carrier and origin", "which manufacturers are there", "highest air time",
        "top 5 destinations by flights", "average temperature by month",
        "average arrival delay by carrier from JFK in June", "flights by month and carrier",
    ],
    "shop": ["total amount by category", "orders by status", "sales by month", "how many products"],
    "clinic": ["average wait time by doctor", "visits by month", "total copay by specialty"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "question"),
    [(m, q) for m in MODELS for q in QUESTIONS[m.source_id]],
    ids=lambda v: v if isinstance(v, str) else v.source_id,
)
def test_every_follow_up_is_answered(model: SemanticModel, question: str) -> None:
    reading = read(model, question)
    found = follow_ups(reading, model, today=TODAY, leader="JetBlue Airways")
    assert 3 <= len(found) <= 5
    for text_ in found:
        changed = plan(text_, model, today=TODAY, previous=reading.query)
        assert isinstance(changed, Reading), text_
        assert changed.query != reading.query


def test_the_leader_of_a_ranking_can_be_singled_out() -> None:
    reading = read(FLIGHTS, "flights by carrier")
    assert "Only JetBlue Airways" in follow_ups(
        reading, FLIGHTS, today=TODAY, leader="JetBlue Airways"
    )


@pytest.mark.parametrize(
    ("model", "question"),
    [(m, q) for m in MODELS for q in QUESTIONS[m.source_id]],
    ids=lambda v: v if isinstance(v, str) else v.source_id,
)
def test_a_query_put_into_words_reads_back_the_same(model: SemanticModel, question: str) -> None:
    query = read(model, question).query
    lexicon = lexicon_for(model)
    words = Describer(model, lexicon.paths).question(query)
    again = plan(words, model, today=TODAY)
    assert isinstance(again, Reading), words
    assert brief(again.query) == brief(query), words


def test_all_parts_of_a_query_have_words() -> None:
    query = SemanticQuery(
        measures=("flights.count", "flights.median_arr_delay", "flights.count_distinct_carrier"),
        dimensions=(
            DimensionRef(member="airports.name", role="origin"),
            DimensionRef(member="flights.origin"),
            DimensionRef(member="airports.tzone", role="dest"),
        ),
        time_dimensions=(
            TimeDimension(
                dimension="flights.time_hour", granularity=Granularity.WEEK,
                date_range=("2013-06-05", "2013-06-05"),
            ),
        ),
        filters=(
            Filter(member="flights.carrier", operator=FilterOperator.NOT_EQUALS, values=("UA", "DL")),
            Filter(member="flights.distance", operator=FilterOperator.GTE, values=("1500",)),
            Filter(member="flights.count", operator=FilterOperator.LT, values=("2000",)),
            Filter(member="flights.tailnum", operator=FilterOperator.SET),
        ),
        order=(Order(member="flights.count"),),
        limit=3,
    )  # fmt: skip
    describer = Describer(FLIGHTS, lexicon_for(FLIGHTS).paths)
    assert [(c.key, c.value) for c in describer.chips(query)] == [
        ("show", "Number of flights"),
        ("show", "Median arr delay"),
        ("show", "Number of different carrier"),
        ("by", "week"),
        ("by", "origin"),
        ("by", "dest tzone"),
        ("when", "5 Jun 2013"),
        ("where", "carrier is not UA or DL"),
        ("where", "distance is at least 1,500 mi"),
        ("where", "number of flights is less than 2,000"),
        ("where", "tailnum is known"),
        ("order", "lowest first"),
        ("limit", "3"),
    ]
    assert describer.title(query) == (
        "Number of flights and median arr delay and number of different carriers "
        "by week and origin and dest tzone"
    )


def test_unknown_members_are_shown_as_they_are() -> None:
    query = SemanticQuery(measures=("x.y",), dimensions=(DimensionRef(member="x.z"),))
    describer = Describer(FLIGHTS, lexicon_for(FLIGHTS).paths)
    assert describer.title(query) == "X.y by x.z"


def test_a_leader_that_is_no_known_value_is_not_offered() -> None:
    reading = read(FLIGHTS, "flights by tailnum")
    assert not any("N123" in f for f in follow_ups(reading, FLIGHTS, today=TODAY, leader="N123"))


def test_follow_ups_of_a_query_without_a_root_come_from_the_model() -> None:
    reading = replace(read(FLIGHTS, "how many flights"), query=SemanticQuery())
    assert follow_ups(reading, FLIGHTS, today=TODAY)
