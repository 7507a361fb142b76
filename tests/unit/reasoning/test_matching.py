"""A checked question is found again whatever its dress, and never when anything of it differs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.domain.semantic_model import Aggregation as Agg
from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType, Measure, SemanticModel
from aiser_app.domain.semantic_query import Filter, FilterGroup, FilterOperator, SemanticQuery
from aiser_app.domain.verified_query import VerifiedQuery, VerifiedStatus
from aiser_app.reasoning.matching import (
    Likeness,
    find_matches,
    literals_of,
    same_question,
    says_moving_time,
    tells_only_known,
    without_dates,
)

ANY = SemanticQuery(measures=("orders.count",))


def verified(*questions: str, **changes: Any) -> VerifiedQuery:
    given: dict[str, Any] = {
        "verified_query_id": "v1",
        "organization_id": "o1",
        "source_id": "s1",
        "name": "Checked",
        "questions": questions,
        "semantic_query": ANY,
        "status": VerifiedStatus.VERIFIED,
        "proposed_by": "u1",
        "proposed_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return VerifiedQuery(**{**given, **changes})


MODEL = SemanticModel(
    source_id="s1",
    cubes=(
        Cube(
            name="orders",
            table="orders",
            title="Orders",
            dimensions=(
                Dimension(
                    name="region",
                    column="region",
                    type=DimensionType.STRING,
                    title="Region",
                    values=("EU", "US"),
                    synonyms=("territory",),
                ),
            ),
            measures=(
                Measure(name="quantity", aggregation=Agg.SUM, column="quantity", title="Quantity"),
            ),
        ),
    ),
)


def used(question: str, *known: VerifiedQuery) -> Likeness | None:
    found = find_matches(question, known, MODEL).used
    return found.likeness if found else None


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("Show me the revenue by region", "revenue by region?"),
        ("REVENUE BY REGION", "Revenue by region"),
        ("Could you please give me revenue per region, thanks!", "Revenue by region"),
        ("I'd like to know the revenue for each region", "revenue for every region"),
        ("Top five carriers", "top 5 carriers"),
        ("orders in two thousand twenty-four", "orders in 2024"),
        ("orders over 1,000", "orders over one thousand"),
        ("two hundred orders", "200 orders"),
        ("orders over .50", "orders over 0.5"),
        ("flights in Jan", "Flights in January"),
        ("What is the customer's revenue?", "customer revenue"),
        ("Which categories have boxes", "which category have box"),
        ("orders that aren't paid", "orders that are not paid"),
        ("orders & returns", "orders and returns"),
        ("orders in texas", "Orders in Texas"),
        ("delta airlines flights from united states", "Delta Airlines flights from United States"),
        ("ORDERS IN TEXAS", "orders in Texas"),
    ],
)
def test_what_carries_no_meaning_makes_no_difference(asked: str, known: str) -> None:
    assert used(asked, verified(known)) is Likeness.EXACT


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("In 2024, what was the revenue by region?", "revenue by region in 2024"),
        ("revenue by region and month", "revenue by month and region"),
        ("By region: revenue", "revenue by region"),
        ("revenue in March 2024 by region", "revenue by region in Mar 2024"),
    ],
)
def test_parts_may_stand_in_another_order(asked: str, known: str) -> None:
    assert used(asked, verified(known)) is Likeness.NEAR


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("flights from JFK to LAX", "flights from LAX to JFK"),
        ("orders with customers", "orders without customers"),
        ("orders paid", "orders not paid"),
        ("customers with orders and without returns", "customers with returns and without orders"),
        ("orders in 2023", "orders in 2024"),
        ("orders in February", "orders in March"),
        ("orders since 2024-01-01", "orders since 2024-01-02"),
        ("top 5 regions", "top 10 regions"),
        ("top five regions", "bottom five regions"),
        ("revenue > 5", "revenue < 5"),
        ("-5 degrees", "5 degrees"),
        ("orders over .5", "orders over 5"),
        ("item seg_5", "item seg_6"),
        ("Show US revenue", "Show revenue"),
        ("grade A students", "grade students"),
        ("revenue of Johnson", "revenue of Johnston"),
        ("revenue of Adams", "revenue of Adam"),
        ("revenue of Adam", "revenue of adams"),
        ("flights of ATLS", "flights of ATL"),
        ("least orders by region", "most orders by region"),
        ("orders more than 5", "orders less than 5"),
        ("authorized orders by region", "unauthorized orders by region"),
        ("orders by territory", "orders by territories of the EU"),
        ("", "orders"),
        ("?", "orders"),
        ("orders", "?"),
    ],
)
def test_what_differs_in_meaning_is_neither_used_nor_offered(asked: str, known: str) -> None:
    found = find_matches(asked, [verified(known)], MODEL)
    assert (found.used, found.offers) == (None, ())


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("revenue with discounts by customer", "revenue by customer with discounts"),
        ("total shiping cost by region", "total shipping cost by region"),
        ("average arival dellay", "average arrival delay"),
        ("cost and revenue by region", "revenue and cost by region"),
    ],
)
def test_what_is_merely_alike_is_offered(asked: str, known: str) -> None:
    found = find_matches(asked, [verified(known)], MODEL)
    assert (found.used, found.offers) == (None, (known,))


def test_a_word_of_the_data_is_no_slip() -> None:
    """“Quantity” is a column; who says it does not mean the quality of a verified question."""
    known = verified("shipped quantitys of items", "shipped quantify by region")
    assert find_matches("shipped quantity by region", [known], MODEL).offers == ()
    assert find_matches("shipped quantity by region", [known]).offers == (
        "shipped quantify by region",
    )


def test_values_of_the_query_are_compared_letter_by_letter() -> None:
    adam = Filter(member="orders.name", operator=FilterOperator.EQUALS, values=("Adam",))
    nested = FilterGroup(conditions=(adam,), is_any=True)
    meaning = SemanticQuery(measures=("orders.count",), filters=(nested,))
    known = verified("revenue of adam", semantic_query=meaning)
    assert literals_of(known) == {"adam"}
    assert used("revenue of Adam", known) is Likeness.EXACT
    for other in ("revenue of adams", "revenue of adan", "of revenue adams"):
        found = find_matches(other, [known], MODEL)
        assert (found.used, found.offers) == (None, ())


def test_values_of_sql_count_as_well() -> None:
    known = verified("orders of o'neil", semantic_query=None, sql="SELECT 1 WHERE n = 'O''Neil'")
    assert literals_of(known) == {"o'neil"}


def test_names_that_differ_by_an_s_are_two_questions() -> None:
    assert not same_question("revenue of Adams", "revenue of Adam")
    assert same_question("revenue of adam", "Revenue of Adam")


def test_two_that_fit_equally_are_both_offered() -> None:
    other = verified(
        "revenue by region", verified_query_id="v2", semantic_query=None, sql="SELECT 2"
    )
    found = find_matches("Revenue by region?", [verified("revenue per region"), other], MODEL)
    assert found.used is None
    assert found.offers == ("revenue per region", "revenue by region")


def test_an_exact_one_goes_before_a_near_one() -> None:
    near = verified("by month, orders", verified_query_id="v2", semantic_query=None, sql="SELECT 2")
    found = find_matches("orders by month", [near, verified("orders by month")], MODEL).used
    assert found is not None
    assert (found.likeness, found.query.verified_query_id) == (Likeness.EXACT, "v1")


@pytest.mark.parametrize(
    ("question", "moves"),
    [
        ("orders last month", True),
        ("orders so far", True),
        ("revenue year-to-date", True),
        ("orders of the past 3 days", True),
        ("orders in March 2024", False),
        ("orders by date", False),
    ],
)
def test_questions_of_moving_time_are_known(question: str, moves: bool) -> None:
    assert says_moving_time(question) is moves
    found = find_matches(question, [verified(question)], MODEL).used
    assert found is not None
    assert found.is_relative is moves


def test_dates_can_be_set_aside() -> None:
    query = {"filters": [{"values": ["2024-01-01", "EU"]}], "limit": 5, "range": ("2024-02-01",)}
    assert without_dates(query) == {"filters": [{"values": ["", "EU"]}], "limit": 5, "range": [""]}


def test_values_that_policies_hide_are_not_told() -> None:
    def of(*values: str) -> VerifiedQuery:
        condition = Filter(member="orders.region", operator=FilterOperator.EQUALS, values=values)
        return verified("q", semantic_query=SemanticQuery(filters=(condition,)))

    assert tells_only_known(of("EU", "2024-01-01", "1.5", ""), MODEL)
    assert not tells_only_known(of("APAC"), MODEL)


SUBJECTS = st.sampled_from(["orders", "revenue", "flights", "average delay", "number of orders"])
GROUPS = st.sampled_from(["region", "carrier", "month", "customer"])
NUMBERS = st.integers(min_value=0, max_value=99_999)
PLACES = st.sampled_from(["JFK", "LAX", "EWR", "Berlin", "New York", "Paris"])
DRESS = st.sampled_from(["{}", "{}?", "Show me {}", "please give me the {}!", "What is the {} ?"])


@given(SUBJECTS, GROUPS, NUMBERS, NUMBERS, DRESS)
def test_another_number_never_matches(
    subject: str, group: str, left: int, right: int, dress: str
) -> None:
    known = verified(f"{subject} over {left} by {group}")
    found = find_matches(dress.format(f"{subject} over {right} by {group}"), [known], MODEL)
    assert (found.used is not None) == (left == right)
    assert found.offers == ()


@given(SUBJECTS, GROUPS, PLACES, PLACES, DRESS)
def test_another_value_never_matches(
    subject: str, group: str, left: str, right: str, dress: str
) -> None:
    known = verified(f"{subject} by {group} in {left}")
    found = find_matches(dress.format(f"{subject} by {group} in {right}"), [known], MODEL)
    assert (found.used is not None) == (left == right)
    assert found.offers == ()


@given(
    SUBJECTS,
    st.sampled_from(["with", "with no", "without", "never with", "not in", "in", "except for"]),
    st.sampled_from(["with", "with no", "without", "never with", "not in", "in", "except for"]),
    st.sampled_from(["returns", "discounts", "Paris"]),
)
def test_another_negation_never_matches(subject: str, left: str, right: str, thing: str) -> None:
    known = verified(f"{subject} {left} {thing}")
    found = find_matches(f"{subject} {right} {thing}", [known], MODEL)
    assert (found.used is not None) == (left == right)
    assert found.offers == ()


@given(st.text(max_size=80))
def test_every_text_can_be_compared_and_is_like_itself(text: str) -> None:
    has_words = find_matches(text, [verified(text)]).used is not None
    assert same_question(text, text) is has_words
    assert not same_question(text + " in 1234567", text)
