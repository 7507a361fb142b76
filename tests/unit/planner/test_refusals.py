"""Never a guess: what cannot be read is named, and what can be asked is offered."""

from __future__ import annotations

import pytest

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from tests.unit.planner.asking import TODAY, read, refused
from tests.unit.planner.models import CLINIC, FLIGHTS, SHOP

UNKNOWN = {
    "what is the crime rate": ("crime rate",),
    "email of the passengers": ("email", "passengers"),
    "who is the CEO": ("CEO",),
    "what is the capital of France": ("capital", "France"),
    "busiest airport": ("busiest",),
    "flights by unicorn": ("unicorn",),
    "flights for Lufthansa": ("Lufthansa",),
    "show me everything": ("everything",),
    "number of flights with snow": ("snow",),
    "expensive flights": ("expensive",),
}
UNSUPPORTED = [
    "why are flights delayed",
    "forecast flights for next month",
    "correlation between distance and air time",
    "flights in both JFK and LGA",
    "oldest plane",
    "the latest flight",
]
UNCLEAR = [
    "which carrier has the most weather",
    "number of flights distance by carrier",
    "average number of flights by carrier",
    "flights by carrier or origin",
    "which carrier is the best",
    "average flights per day",
    "the best and worst carrier by distance",
    "flights of 5",
    "median",
    "not JFK flights by not carrier",
    'flights where origin is "XXX"',
    "flights by month by year",
    "average of maximum distance",
    "flights not in June",
    "how many flights of more than 60",
    "flights longer than 3 kg",
    "flights with distance over 3 hours",
    "flights sorted by",
    "carrier with distance not between 5 and 10",
    "top 0 carriers by flights",
    "highest carrier",
    "average seats by carrier",
    "",
    "???",
    "hello",
    "5",
    "' or 1=1 --",
]
AMBIGUOUS = {
    "average delay by carrier": [
        "Average arr delay by carrier",
        "Average dep delay by carrier",
    ],
    "flights by airport": ["Number of flights by destination", "Number of flights by origin"],
    "JFK flights": [
        'Number of flights where dest is "JFK"',
        'Number of flights where origin is "JFK"',
    ],
}


def assert_options_can_be_asked(model: SemanticModel, options: tuple[str, ...]) -> None:
    for option in options:
        assert isinstance(plan(option, model, today=TODAY), Reading), option


@pytest.mark.parametrize("question", UNKNOWN)
def test_an_unknown_word_is_named(question: str) -> None:
    found = refused(FLIGHTS, question)
    assert found.unbound == UNKNOWN[question]
    assert found.clarification.unknown_words == UNKNOWN[question]
    for word in UNKNOWN[question]:
        assert word in found.clarification.question


@pytest.mark.parametrize("question", UNSUPPORTED)
def test_what_is_not_computed_yet_is_said(question: str) -> None:
    found = refused(FLIGHTS, question)
    assert "does not compute" in found.clarification.question


@pytest.mark.parametrize("question", UNCLEAR)
def test_the_rest_is_refused_too(question: str) -> None:
    assert refused(FLIGHTS, question).clarification.question


@pytest.mark.parametrize(
    ("question", "verb"),
    {
        "DROP TABLE flights": "drop",
        "please delete all flights from JFK": "delete",
        "Could you please cancel flight 5": "cancel",
    }.items(),
)
def test_requests_to_change_data_are_refused_by_name(question: str, verb: str) -> None:
    found = refused(FLIGHTS, question)
    assert found.reason == "command"
    assert f"cannot {verb}" in found.clarification.question


@pytest.mark.parametrize("question", [*UNKNOWN, *UNSUPPORTED, *UNCLEAR, *AMBIGUOUS])
def test_every_refusal_offers_questions_that_are_answered(question: str) -> None:
    options = refused(FLIGHTS, question).clarification.options
    assert 1 <= len(options) <= 6
    assert len(set(options)) == len(options)
    assert_options_can_be_asked(FLIGHTS, options)


@pytest.mark.parametrize("question", AMBIGUOUS)
def test_readings_that_differ_are_offered(question: str) -> None:
    found = refused(FLIGHTS, question)
    assert found.reason == "ambiguous"
    assert sorted(found.clarification.options) == AMBIGUOUS[question]


def test_a_month_that_several_years_have_is_asked_about() -> None:
    found = refused(SHOP, "number of orders in March")
    assert len(found.clarification.options) == 2
    assert_options_can_be_asked(SHOP, found.clarification.options)


def test_a_column_that_could_be_added_up_or_averaged_is_asked_about() -> None:
    options = refused(SHOP, "zeta by category").clarification.options
    assert options == ("Average zeta by category", "Total zeta by category")


@pytest.mark.parametrize("question", ["how many patients", "who is the best doctor"])
def test_examples_come_from_the_model_at_hand(question: str) -> None:
    options = refused(CLINIC, question).clarification.options
    assert len(options) >= 3
    assert_options_can_be_asked(CLINIC, options)


@pytest.mark.parametrize(
    "question", ["flights by carrier. And what about planes?", "How many flights? How many planes?"]
)
def test_a_second_question_is_not_dropped(question: str) -> None:
    assert refused(FLIGHTS, question).reason == "several"


def test_politeness_is_no_second_question() -> None:
    assert isinstance(plan("How many flights? Thanks!", FLIGHTS, today=TODAY), Reading)


def test_a_very_long_text_is_refused_quickly() -> None:
    assert refused(FLIGHTS, "flights by carrier " * 2_000).reason == "too long"


def test_a_short_slip_of_the_key_is_asked_about() -> None:
    found = refused(FLIGHTS, "average distence by carier")
    assert found.clarification.options == ("Average distance by carrier",)


def test_a_preposition_that_points_the_other_way_is_asked_about() -> None:
    found = refused(FLIGHTS, "number of flights from MIA")
    assert found.clarification.options == ('Number of flights where dest is "MIA"',)


@pytest.mark.parametrize("question", ["flights in 2014", "flights by month since 2020"])
def test_a_period_without_any_data_is_said_instead_of_answered(question: str) -> None:
    asked = refused(FLIGHTS, question).clarification.question
    assert asked.startswith("The data has nothing for")
    assert "2013" in asked


def test_a_single_word_is_no_question() -> None:
    assert refused(FLIGHTS, "flights").clarification.options == ("Number of flights",)


def test_codes_of_two_letters_bind_in_capitals_only() -> None:
    assert read(FLIGHTS, "average distance for us").query.filters == ()
    assert read(FLIGHTS, "average distance for US").query.filters[0].values == ("US",)


@pytest.mark.parametrize("model", [FLIGHTS, SHOP, CLINIC])
@pytest.mark.parametrize("text", ["\x00\x01", "🛫" * 50, "ÿþý", "a" * 3_000, "((((", "%s %d {0}"])
def test_rubbish_is_refused(model: SemanticModel, text: str) -> None:
    assert refused(model, text).clarification.options
