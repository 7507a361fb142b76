"""Answers in words: numbers from the rows only, and what is not known is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_query import Granularity
from aiser_app.planner.formatting import (
    format_label,
    format_moment,
    format_number,
    to_number,
)
from aiser_app.planner.wording import Phrase, ResultFacts, facts_from, phrase
from tests.unit.planner.asking import read
from tests.unit.planner.models import FLIGHTS, SHOP


def facts(rows: Sequence[Sequence[Any]], *columns: Column, **more: Any) -> ResultFacts:
    return ResultFacts(
        columns=columns, rows=tuple(tuple(r) for r in rows),
        row_count=more.pop("row_count", len(rows)), **more,
    )  # fmt: skip


def column(name: str, kind: str = "string", unit: str = "") -> Column:
    return Column(name=name, type=kind, title=name.replace("_", " "), unit=unit)


NAME = column("name")
DELAY = column("avg_arr_delay", "number", "min")
COUNT = column("count", "integer")
MONTH = column("time_hour_month", "timestamp")


def say(question: str, result: ResultFacts) -> Phrase:
    return phrase(read(FLIGHTS, question), result)


def test_ranking_names_the_first_the_next_and_the_last() -> None:
    said = say(
        "which carrier has the worst average arrival delay",
        facts([["Frontier", 21.92], ["AirTran", 20.12], ["Alaska", -9.93]], NAME, DELAY),
    )
    assert said.headline == "21.9 min"
    assert said.text == (
        "Frontier has the highest average arr delay: 21.9 min. Next is AirTran with 20.1 min. "
        "Of 3 carriers, Alaska is lowest with \N{MINUS SIGN}9.9 min."
    )
    assert said.caveats == ()


def test_numbers_in_their_order_are_told_by_peak_and_low() -> None:
    hour, delay = column("hour", "integer"), column("avg_dep_delay", "number", "min")
    result = facts([[5, 0.7], [19, 24.8], [23, 14.0]], hour, delay)
    said = say("average departure delay by hour", result)
    assert said.headline == "24.8 min"
    assert said.text == (
        "Hour 19 has the highest average dep delay: 24.8 min. Hour 5 has the lowest: 0.7 min."
    )


def test_a_limited_ranking_does_not_speak_of_the_last() -> None:
    said = say("top 2 carriers by flights", facts([["A", 9], ["B", 8]], NAME, COUNT))
    assert said.text == "A has the highest number of flights: 9. Next is B with 8."


def test_rows_beyond_the_known_ones_are_not_judged() -> None:
    said = say(
        "flights by carrier", facts([["A", 9], ["B", 8], ["C", 7]], NAME, COUNT, row_count=50)
    )
    assert "lowest" not in said.text


def test_truncation_is_said_and_nothing_is_claimed_about_all_rows() -> None:
    result = facts([["A", 9], ["B", 8], ["C", 7]], NAME, COUNT, truncated=True, limit=3)
    said = say("flights by carrier", result)
    assert said.caveats == ("Only the first 3 rows were kept; there are more.",)
    assert "Of 3" not in said.text


def test_ties_at_the_top_are_said() -> None:
    said = say("flights by carrier", facts([["A", 9], ["B", 9], ["C", 7]], NAME, COUNT))
    assert said.text.startswith("A and B share the highest number of flights: 9. Next is C with 7.")
    assert said.caveats == ("2 share the first place; their order means nothing.",)


def test_groups_without_a_value_do_not_lead() -> None:
    said = say("average arrival delay by carrier", facts([["X", None], ["A", 3.0]], NAME, DELAY))
    assert said.text == "A has the highest average arr delay: 3.0 min."
    nothing = say("average arrival delay by carrier", facts([["X", None]], NAME, DELAY))
    assert nothing.headline == "No value"


def test_series_names_peak_and_low() -> None:
    rows: list[list[Any]] = [
        ["2013-01-01T00:00:00", 27_004],
        ["2013-02-01", 24_951],
        ["2013-07-01", 29_425],
    ]
    said = say("flights by month", facts(rows, MONTH, COUNT))
    assert said.headline == "29,425"
    assert said.text == (
        "July 2013 has the highest number of flights: 29,425. February 2013 has the lowest: 24,951."
    )


def test_a_series_that_is_not_known_whole_says_only_what_it_knows() -> None:
    said = say("flights by month", facts([["2013-01-01", 5]], MONTH, COUNT, row_count=31))
    assert said.headline == "31 months"
    assert "highest" not in said.text
    assert "January 2013 with 5" in said.text


def test_a_flat_series_has_no_low() -> None:
    said = say("flights by month", facts([["2013-01-01", 5], ["2013-02-01", 5]], MONTH, COUNT))
    assert "lowest" not in said.text


def test_series_with_a_second_group() -> None:
    rows: list[list[Any]] = [["2013-01-01", "A", 5], ["2013-02-01", "B", 7]]
    said = say("flights by month and carrier", facts(rows, MONTH, NAME, COUNT))
    assert said.text.startswith("B in February 2013 has the highest number of flights: 7.")


def test_number_in_a_sentence_with_its_conditions() -> None:
    said = say("how many flights from JFK in June", facts([[9_472]], COUNT))
    assert said.headline == "9,472"
    assert said.text == "The number of flights where origin is JFK in June 2013 is 9,472."
    day = say("how many flights on 4 July 2013", facts([[737]], COUNT))
    assert day.text == "The number of flights on 4 Jul 2013 is 737."
    days = say("how many flights between 2013-07-04 and 2013-07-06", facts([[737]], COUNT))
    assert days.text == "The number of flights from 4 Jul 2013 to 6 Jul 2013 is 737."


def test_two_measures_in_one_sentence() -> None:
    result = facts([[150.7, 1039.9]], column("a", "number", "min"), column("d", "number", "mi"))
    said = say("average air time and average distance", result)
    assert said.text == ("The average air time is 150.7 min and the average distance 1,039.9 mi.")


def test_plural_measures_take_are() -> None:
    said = say("how many seats", facts([[512_639]], column("sum_seats", "integer")))
    assert said.text == "The total seats are 512,639."


def test_no_rows_and_no_value_are_said_plainly() -> None:
    empty = say("flights by carrier in 2013", facts([], NAME, COUNT))
    assert (empty.headline, empty.text) == (
        "No rows", "No rows match in 2013. The data covers 2013."
    )  # fmt: skip
    null = say("average arrival delay in 2013", facts([[None]], DELAY))
    assert null.headline == "No value"
    assert "The data covers 2013." in null.text
    zero = say("how many flights in 2013", facts([[0]], COUNT))
    assert zero.text == "The number of flights in 2013 is 0. The data covers 2013."


def test_lists_are_counted() -> None:
    said = say("which manufacturers are there", facts([["A"], ["B"], ["C"], ["D"]], NAME))
    assert said.headline == "4"
    assert said.text == "There are 4 manufacturers: A, B, C, …."
    one = say("which manufacturers are there", facts([["A"]], NAME))
    assert one.text == "There is 1 manufacturer: A."
    cut = say("which manufacturers are there", facts([["A"]], NAME, row_count=9, truncated=True))
    assert cut.text.startswith("There are at least 9 manufacturers")


def test_labels_with_keys_and_empty_names() -> None:
    rows: list[list[Any]] = [["O'Hare", "ORD", 9], [None, "BQN", 8]]
    said = say("flights by destination", facts(rows, NAME, column("dest"), COUNT))
    assert said.text == (
        "O'Hare (ORD) has the highest number of flights: 9. Next is (empty) (BQN) with 8."
    )
    assert "Rows with no destination are shown as (empty)." in said.caveats


def test_groups_without_a_value_are_a_caveat() -> None:
    question = "average arrival delay by carrier"
    rows: list[list[Any]] = [["A", 3.0], ["X", None]]
    said = say(question, facts(rows, NAME, DELAY, null_counts={"avg_arr_delay": 1, "name": 0}))
    assert said.caveats == ("1 carrier has no avg arr delay and is left out of the comparison.",)
    many = facts(rows, NAME, DELAY, null_counts={"avg_arr_delay": 1_200}, notes=("A note.",))
    assert say(question, many).caveats == (
        "1,200 carriers have no avg arr delay and are left out of the comparison.", "A note."
    )  # fmt: skip
    assert say("average arrival delay", facts([[6.9]], DELAY)).caveats == ()


def test_maximum_is_not_called_highest_maximum() -> None:
    said = say("maximum distance by carrier", facts([["A", 9]], NAME, column("m", "integer")))
    assert said.text == "A has the highest distance: 9."


def test_facts_from_a_tool_message_with_lists_or_objects() -> None:
    columns = [{"name": "name", "type": "string"}, {"name": "n", "type": "integer", "unit": "min"}]
    lists = facts_from({"columns": columns, "rows": [["A", 1]], "row_count": 1})
    objects = facts_from({"columns": columns, "rows": [{"name": "A", "n": 1}], "row_count": 1})
    assert lists == objects
    assert lists.columns[1].unit == "min"
    assert lists.has_all_rows
    assert not facts_from({"columns": columns, "rows": [], "row_count": 3}).has_all_rows


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (336_776, "", "336,776"),
        (12.6421, "", "12.6"),
        (-5, "min", "\N{MINUS SIGN}5 min"),
        (20.0, "min", "20.0 min"),
        (12.4, "USD", "$12.40"),
        (-1234.5, "EUR", "\N{MINUS SIGN}€1,234"),
        (78.46, "%", "78.5%"),
        ("12345678901234567890", "", "12,345,678,901,234,567,890"),
        ("3.14", "", "3.1"),
        (0.0, "", "0"),
        (0.01234, "", "0.0123"),
        (0.00000123, "", "1.2e-06"),
        (None, "min", "no value"),
        ("n/a", "", "n/a"),
    ],
)
def test_numbers(value: Any, unit: str, text: str) -> None:
    assert format_number(value, unit) == text


def test_yes_and_no_are_no_numbers() -> None:
    assert to_number(True) is None
    assert [format_label(v) for v in (True, False, None, "", "a")] == [
        "yes", "no", "(empty)", "(empty)", "a"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grain", "text"),
    [
        (Granularity.YEAR, "2013"),
        (Granularity.QUARTER, "Q2 2013"),
        (Granularity.MONTH, "June 2013"),
        (Granularity.WEEK, "week of 3 Jun 2013"),
        (Granularity.DAY, "3 Jun 2013"),
        (Granularity.HOUR, "3 Jun 2013 14:00"),
    ],
)
def test_moments(grain: Granularity, text: str) -> None:
    assert format_moment("2013-06-03T14:00:00Z", grain) == text


def test_moments_that_are_none() -> None:
    assert format_moment(None, Granularity.DAY) == "(empty)"
    assert format_moment("someday", Granularity.DAY) == "someday"


def test_yes_no_conditions_and_conditions_on_figures_read_well() -> None:
    gift = phrase(read(SHOP, "how many gift orders"), facts([[7]], COUNT))
    assert gift.text == "The number of orders where is gift is 7." or "gift" in gift.text
    many = say("carriers with more than 10000 flights", facts([["A", 12_000]], NAME, COUNT))
    assert "number of flights is more than 10,000" in many.text
