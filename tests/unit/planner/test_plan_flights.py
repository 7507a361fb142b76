"""Simple questions over a fact table with roles, labels that are not unique, and abbreviations."""

from __future__ import annotations

import pytest

from tests.unit.planner.asking import ask, read
from tests.unit.planner.models import FLIGHTS

BY_NAME = "by name order"
CASES = {
    # count, sum, average, minimum, maximum, median
    "How many flights are there?": "count",
    "total number of flights": "count",
    "how many rows in flights": "count",
    "number of airlines": "count",
    "how many destinations are there": "count_distinct_dest",
    "how many different destinations": "count_distinct_dest",
    "What is the average arrival delay?": "avg_arr_delay",
    "mean departure delay": "avg_dep_delay",
    "median air time": "median_air_time",
    "total distance": "sum_distance",
    "sum of distance": "sum_distance",
    "What is the maximum distance?": "max_distance",
    "minimum air time": "min_air_time",
    "longest air time": "max_air_time",
    "the shortest distance": "min_distance",
    "how many seats": "sum_seats",
    # one dimension
    "number of flights by carrier": f"count {BY_NAME} -count",
    "flights per airline": f"count {BY_NAME} -count",
    "average arrival delay for each carrier": f"avg_arr_delay {BY_NAME} -avg_arr_delay",
    "arrival delay by carrier": f"avg_arr_delay {BY_NAME} -avg_arr_delay",
    "average seats by manufacturer": "avg_seats by manufacturer order -avg_seats",
    "number of flights by engine": "count by engine order -count",
    "number of planes by engines": "count by engines order -count",
    "average departure delay by origin": (
        "avg_dep_delay by name@origin, origin order -avg_dep_delay"
    ),
    "median air time by origin airport": (
        "median_air_time by name@origin, origin order -median_air_time"
    ),
    "flights by destination": "count by name@dest, dest order -count",
    "number of flights by tailnum": "count by tailnum order -count",
    "average visibility by origin": "avg_visib by name, origin order -avg_visib",
    # two dimensions, two measures
    "average arrival delay by carrier and month": (
        "avg_arr_delay by time_hour:month, name order +time_hour"
    ),
    "flights by carrier and origin": "count by name, name@origin, origin order -count",
    "average air time and average distance by carrier": (
        f"avg_air_time+avg_distance {BY_NAME} -avg_air_time"
    ),
    # time
    "How many flights by month?": "count by time_hour:month order +time_hour",
    "monthly flights": "count by time_hour:month order +time_hour",
    "flights per hour": "count by hour order +hour",
    "flights over time": "count by time_hour:month order +time_hour",
    "flights per quarter by carrier": "count by time_hour:quarter, name order +time_hour",
    "average temperature by month": "avg_temp by time_hour:month order +time_hour",
    "flights by day in July 2013": (
        "count by time_hour:day in 2013-07-01..2013-07-31 order +time_hour"
    ),
    "How many flights were there in June?": "count in 2013-06-01..2013-06-30",
    "how many flights in 2013": "count in 2013-01-01..2013-12-31",
    "number of flights since March 2013": "count where time_hour gte 2013-03-01",
    "number of flights before March 2013": "count where time_hour lt 2013-03-01",
    "number of flights between June 2013 and August 2013": "count in 2013-06-01..2013-08-31",
    # extremes and top n
    "Which carrier has the worst average arrival delay?": f"avg_arr_delay {BY_NAME} -avg_arr_delay",
    "Which carrier has the best average arrival delay?": f"avg_arr_delay {BY_NAME} +avg_arr_delay",
    "which carrier has the longest distance": f"avg_distance {BY_NAME} -avg_distance",
    "Which carrier has the most flights?": f"count {BY_NAME} -count",
    "the carrier with the fewest flights": f"count {BY_NAME} +count",
    "highest arrival delay by carrier": f"max_arr_delay {BY_NAME} -max_arr_delay",
    "Which month had the most flights?": "count by time_hour:month order -count",
    "top 3 months by number of flights": "count by time_hour:month order -count limit 3",
    "top 5 destinations by number of flights": (
        "count by name@dest, dest order -count limit 5"
    ),
    "five worst carriers by average departure delay": (
        f"avg_dep_delay {BY_NAME} -avg_dep_delay limit 5"
    ),
    "bottom 5 carriers by flights": f"count {BY_NAME} +count limit 5",
    "which 3 carriers have the most flights": f"count {BY_NAME} -count limit 3",
    "top 5 carriers by distance": f"avg_distance {BY_NAME} -avg_distance limit 5",
    # order
    "average distance by carrier, lowest first": f"avg_distance {BY_NAME} +avg_distance",
    "flights by carrier in ascending order": f"count {BY_NAME} +count",
    "flights by carrier sorted by carrier": f"count {BY_NAME} +name",
    "flights by carrier alphabetically": f"count {BY_NAME} +name",
    "carriers sorted by average departure delay": f"avg_dep_delay {BY_NAME} -avg_dep_delay",
    "flights by carrier ordered by number of flights descending": f"count {BY_NAME} -count",
    # filters on values
    "number of flights from JFK": "count where origin equals JFK",
    "number of flights to JFK": "count where dest equals JFK",
    "flights from JFK to LAX by month": (
        "count by time_hour:month where origin equals JFK where dest equals LAX order +time_hour"
    ),
    "number of flights not from JFK": "count where origin notEquals JFK",
    "number of flights from airports other than LGA": "count where origin notEquals LGA",
    "average arrival delay for UA or DL": "avg_arr_delay where carrier equals UA|DL",
    "how many JetBlue flights": "count where name equals JetBlue Airways",
    "how many flights where carrier is not UA": "count where carrier notEquals UA",
    'how many flights where tailnum is "N14228"': "count where tailnum equals N14228",
    'how many flights where origin is "EWR"': "count where origin equals EWR",
    "how many flights where origin = EWR": "count where origin equals EWR",
    "Turbo-fan planes by manufacturer": (
        "count by manufacturer where engine equals Turbo-fan order -count"
    ),
    # comparisons
    "how many flights had an arrival delay of more than 2 hours": "count where arr_delay gt 120",
    "how many flights with distance between 500 and 1000": (
        "count where distance gte 500 where distance lte 1000"
    ),
    "how many flights with an air time of at least 60 minutes": "count where air_time gte 60",
    "how many planes have more than 300 seats": "count where seats gt 300",
    "how many planes with 4 engines": "count where engines equals 4",
    "how many flights with arrival delay not over 60": "count where arr_delay lte 60",
    "how many flights with distance 500 or more": "count where distance gte 500",
    "how many flights longer than 1000 miles": "count where distance gt 1000",
    "average humidity when temperature is above 80": "avg_humid where temp gt 80",
    # conditions on the measure
    "carriers with more than 10000 flights": "count by name where count gt 10000 order -count",
    "average arrival delay over 20 by carrier": (
        "avg_arr_delay by name where avg_arr_delay gt 20 order -avg_arr_delay"
    ),
    "number of flights and distance by carrier": "count+avg_distance by name order -count",
    "average weather temperature": "avg_temp",
    "average flight distance by carrier": f"avg_distance {BY_NAME} -avg_distance",
    # lists
    "list all airlines": "- by name order +name",
    "which manufacturers are there": "- by manufacturer order +manufacturer",
}  # fmt: skip


@pytest.mark.parametrize("question", CASES)
def test_reads(question: str) -> None:
    assert ask(FLIGHTS, question) == CASES[question]


@pytest.mark.parametrize(
    ("question", "shape"),
    [
        ("how many flights", "number"),
        ("flights by carrier", "ranking"),
        ("which month had the most flights", "ranking"),
        ("flights by month", "series"),
        ("flights by month and carrier", "series"),
        ("flights by carrier and origin", "table"),
        ("which manufacturers are there", "table"),
    ],
)
def test_shape(question: str, shape: str) -> None:
    assert read(FLIGHTS, question).shape == shape


def test_a_singular_superlative_keeps_the_whole_ranking() -> None:
    reading = read(FLIGHTS, "Which carrier has the worst average arrival delay?")
    assert reading.query.limit is None
    assert reading.superlative == "worst"
    assert reading.subject == "carrier"
    assert any("highest" in a for a in reading.assumptions)


def test_worst_means_low_when_high_is_good() -> None:
    assert ask(FLIGHTS, "worst carriers by number of flights").endswith("order +count")


def test_a_label_that_is_not_unique_is_grouped_with_its_key() -> None:
    members = [d.member for d in read(FLIGHTS, "flights by destination").query.dimensions]
    assert members == ["airports.name", "flights.dest"]


def test_what_was_assumed_is_said() -> None:
    assert read(FLIGHTS, "flights in June").assumptions == (
        "The number of flights is shown.",
        "“June” is read as June 2013.",
    )
    assert "sum of the column" in read(FLIGHTS, "how many seats").assumptions[0]


def test_a_sure_reading_scores_higher_than_one_with_doubts() -> None:
    sure = read(FLIGHTS, "number of flights by month")
    assert sure.score == 1.0
    assert read(FLIGHTS, "how many JetBlue flights").score < sure.score
    assert {p.name for p in sure.parts} >= {"Words linked to the model", "Names matched", "Joins"}
    assert all(0.0 <= p.score <= 1.0 for p in sure.parts)


def test_every_bound_word_says_what_it_became() -> None:
    bound = {b.text: b for b in read(FLIGHTS, "average departure delay for JetBlue").bound}
    assert bound["departure delay"].member == "flights.dep_delay"
    assert bound["JetBlue"].member == "airlines.name = JetBlue Airways"
    assert bound["JetBlue"].how == "part of a value"


def test_a_long_slip_of_the_key_is_mended_and_said() -> None:
    reading = read(FLIGHTS, "number of flights by manufacurer")
    assert "“manufacurer” is read as “manufacturer”." in reading.assumptions
    assert any(b.how == "spelling" for b in reading.bound)


def test_chips_are_what_people_call_things() -> None:
    reading = read(FLIGHTS, "top 5 carriers by average arrival delay from JFK in June")
    assert [(c.key, c.value) for c in reading.chips] == [
        ("show", "Average arr delay"),
        ("by", "carrier"),
        ("when", "June 2013"),
        ("where", "origin is JFK"),
        ("order", "highest first"),
        ("limit", "5"),
    ]


def test_months_without_their_year_make_a_range() -> None:
    open_ended = read(FLIGHTS, "How many flights between March and May?").query
    dated = read(FLIGHTS, "How many flights from March to May 2013?").query
    assert open_ended.time_dimensions == dated.time_dimensions
    assert open_ended.time_dimensions[0].date_range == ("2013-03-01", "2013-05-31")


def test_a_column_called_hour_is_the_hour_of_the_day() -> None:
    reading = read(FLIGHTS, "average departure delay by hour")
    assert [d.member for d in reading.query.dimensions] == ["flights.hour"]
    assert reading.query.time_dimensions == ()
    assert [o.member for o in reading.query.order] == ["flights.hour"]
    assert any("hour of the day" in a for a in reading.assumptions)
    worst = read(FLIGHTS, "which hour has the worst average departure delay?").query
    assert worst.order[0].member == "flights.avg_dep_delay"
    later = read(FLIGHTS, "now by hour", read(FLIGHTS, "average departure delay").query).query
    assert [d.member for d in later.dimensions] == ["flights.hour"]


def test_without_such_a_column_hours_are_a_series() -> None:
    times = read(FLIGHTS, "average temp by hour").query.time_dimensions
    assert [t.granularity for t in times] == ["hour"]
