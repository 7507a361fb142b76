"""Short changes of the question before."""

from __future__ import annotations

import pytest

from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.plan import plan
from tests.unit.planner.asking import TODAY, ask, brief, read, refused
from tests.unit.planner.models import FLIGHTS, SHOP

RANKING = read(FLIGHTS, "which carrier has the worst average arrival delay?").query
SERIES = read(FLIGHTS, "flights by month").query
NUMBER = read(FLIGHTS, "how many flights in June").query
BASE = "avg_arr_delay by name order -avg_arr_delay"
CHANGES = {
    "by month": "avg_arr_delay by time_hour:month order +time_hour",
    "per quarter": "avg_arr_delay by time_hour:quarter order +time_hour",
    "by origin": "avg_arr_delay by name@origin, origin order -avg_arr_delay",
    "also by month": "avg_arr_delay by time_hour:month, name order +time_hour",
    "and by origin": "avg_arr_delay by name, name@origin, origin order -avg_arr_delay",
    "only from JFK": "avg_arr_delay by name where origin equals JFK order -avg_arr_delay",
    "just UA": "avg_arr_delay by name where carrier equals UA order -avg_arr_delay",
    "not from JFK": "avg_arr_delay by name where origin notEquals JFK order -avg_arr_delay",
    "only for JetBlue": (
        "avg_arr_delay by name where name equals JetBlue Airways order -avg_arr_delay"
    ),
    "in June": "avg_arr_delay by name in 2013-06-01..2013-06-30 order -avg_arr_delay",
    "median instead": "median_arr_delay by name order -median_arr_delay",
    "maximum": "max_arr_delay by name order -max_arr_delay",
    "what about departure delay?": "avg_dep_delay by name order -avg_dep_delay",
    "number of flights instead": "count by name order -count",
    "top 5": f"{BASE} limit 5",
    "bottom 3": "avg_arr_delay by name order +avg_arr_delay limit 3",
    "lowest first": "avg_arr_delay by name order +avg_arr_delay",
}


@pytest.mark.parametrize("text", CHANGES)
def test_change_of_a_ranking(text: str) -> None:
    assert ask(FLIGHTS, text, RANKING) == CHANGES[text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("by week", "count by time_hour:week order +time_hour"),
        ("by carrier", "count by name order -count"),
        ("from JFK", "count by time_hour:month where origin equals JFK order +time_hour"),
        ("top 5", "count by time_hour:month order -count limit 5"),
        ("highest first", "count by time_hour:month order -count"),
    ],
)
def test_change_of_a_series(text: str, expected: str) -> None:
    assert ask(FLIGHTS, text, SERIES) == expected


def test_a_condition_replaces_one_on_the_same_column() -> None:
    first = read(FLIGHTS, "flights from JFK by month").query
    assert "origin equals LGA" in ask(FLIGHTS, "what about from LGA", first)
    assert "JFK" not in ask(FLIGHTS, "what about from LGA", first)


def test_a_period_replaces_the_period_and_keeps_the_rest() -> None:
    assert ask(FLIGHTS, "and in July", NUMBER) == "count in 2013-07-01..2013-07-31"
    by_month = ask(FLIGHTS, "by month", NUMBER)
    assert by_month == "count by time_hour:month in 2013-06-01..2013-06-30 order +time_hour"


def test_a_complete_question_stands_alone() -> None:
    question = "how many planes by manufacturer"
    assert ask(FLIGHTS, question, RANKING) == ask(FLIGHTS, question)


def test_the_change_is_said() -> None:
    assert "Read as a change of the question before." in read(
        FLIGHTS, "by month", RANKING
    ).assumptions  # fmt: skip


@pytest.mark.parametrize(
    "text", ["by unicorn", "why", "as a table", "top 3 lowest", "for Lufthansa"]
)
def test_what_is_no_change_is_refused(text: str) -> None:
    assert refused(FLIGHTS, text, RANKING).clarification.options


def test_top_n_of_a_single_number_is_refused() -> None:
    assert refused(FLIGHTS, "top 5", NUMBER).reason


def test_a_change_that_can_mean_two_things_is_asked_about() -> None:
    found = refused(FLIGHTS, "only JFK", SERIES)
    assert sorted(found.clarification.options) == [
        'Number of flights by month where dest is "JFK"',
        'Number of flights by month where origin is "JFK"',
    ]
    for option in found.clarification.options:
        assert brief(read(FLIGHTS, option).query)


def test_an_aggregation_needs_a_column_to_change() -> None:
    assert refused(FLIGHTS, "median instead", SERIES).reason


def test_a_query_without_a_known_root_cannot_be_changed() -> None:
    assert refused(FLIGHTS, "by month", SemanticQuery()).reason
    assert refused(SHOP, "by month", RANKING).reason


def test_without_a_query_before_a_change_is_refused() -> None:
    assert plan("by month", FLIGHTS, today=TODAY).__class__.__name__ == "Unreadable"


def test_changes_can_follow_each_other() -> None:
    first = read(FLIGHTS, "by month", RANKING).query
    second = read(FLIGHTS, "only from JFK", first).query
    third = read(FLIGHTS, "median instead", second).query
    assert brief(third) == (
        "median_arr_delay by time_hour:month where origin equals JFK order +time_hour"
    )
