"""The same rules on models that share no names with the sample."""

from __future__ import annotations

from datetime import date

import pytest

from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from tests.unit.planner.asking import TODAY, ask, read, refused
from tests.unit.planner.models import CLINIC, FLIGHTS, SHOP

SHOP_CASES = {
    "total amount by category": "sum_amount by category order -sum_amount",
    "total revenue by month": "sum_amount by order_date:month order +order_date",
    "sales by month": "sum_amount by order_date:month order +order_date",
    "total sales by client": "sum_amount by customer_name order -sum_amount",
    "who are our top 5 customers by revenue": (
        "sum_amount by customer_name order -sum_amount limit 5"
    ),
    "average shipping cost by city": "avg_shipping_cost by city order -avg_shipping_cost",
    "average discount rate by product": (
        "avg_discount_rate by product_name, product_id order -avg_discount_rate"
    ),
    "how many cancelled orders in 2024": (
        "count where status equals cancelled in 2024-01-01..2024-12-31"
    ),
    "how many orders are not cancelled": "count where status notEquals cancelled",
    "how many shipped or returned orders": "count where status equals shipped|returned",
    "how many gift orders": "count where is_gift equals true",
    "how many orders are not gift": "count where is_gift equals false",
    "number of customers by segment": "count by segment order -count",
    "number of orders by customer city": "count by city order -count",
    "how many returned orders by customer segment": (
        "count by segment where status equals returned order -count"
    ),
    "total amount by city and category": "sum_amount by city, category order -sum_amount",
    "total amount for Berlin by category": (
        "sum_amount by category where city equals Berlin order -sum_amount"
    ),
    "which city has the highest total amount": "sum_amount by city order -sum_amount",
    "worst category by amount": "sum_amount by category order +sum_amount",
    "orders with shipping cost over $20": "count where shipping_cost gt 20",
    "median shipping cost in march 2024": (
        "median_shipping_cost in 2024-03-01..2024-03-31"
    ),
    "how many categories are there": "count_distinct_category",
    "average list price by category": "avg_list_price by category order -avg_list_price",
    "average order shipping cost": "avg_shipping_cost",
    "how many orders did we get in total": "count",
    "customers with at least a dozen orders": (
        "count by customer_name where count gte 12 order -count"
    ),
    "orders with shipping cost over 5k": "count where shipping_cost gt 5000",
    "customers by signup date": "count by signup_date:day order +signup_date",
    "number of orders by order date": "count by order_date:day order +order_date",
}  # fmt: skip
CLINIC_CASES = {
    "average wait time by doctor": "avg_wait_minutes by full_name order -avg_wait_minutes",
    "average wait by specialty": "avg_wait_minutes by specialty order -avg_wait_minutes",
    "which specialty has the longest wait time": (
        "avg_wait_minutes by specialty order -avg_wait_minutes"
    ),
    "how many emergency visits by month": (
        "count by visit_dt:month where visit_type equals Emergency order +visit_dt"
    ),
    "total copay by specialty": "sum_copay_amt by specialty order -sum_copay_amt",
    "average copay for Cardiology": "avg_copay_amt where specialty equals Cardiology",
    "visits with wait time over 1 hour": "count where wait_minutes gt 60",
    "how many visits lasted longer than 90 minutes": None,
    "visits last month": "count in 2025-10-01..2025-10-31",
    "visits in the last 60 days": "count in 2025-09-23..2025-11-22",
    "number of visits since March 2025": "count where visit_dt gte 2025-03-01",
    "physicians by specialty": "count by specialty order -count",
    "visits by type": "count by visit_type order -count",
    "how many follow-up visits": "count where visit_type equals Follow-up",
}  # fmt: skip


@pytest.mark.parametrize("question", SHOP_CASES)
def test_shop(question: str) -> None:
    assert ask(SHOP, question) == SHOP_CASES[question]


@pytest.mark.parametrize("question", CLINIC_CASES)
def test_clinic(question: str) -> None:
    expected = CLINIC_CASES[question]
    if expected is None:
        assert "lasted" in refused(CLINIC, question).unbound
    else:
        assert ask(CLINIC, question) == expected


def test_the_date_of_a_joined_table_is_assumed_and_said() -> None:
    reading = read(SHOP, "total amount by month")
    assert reading.query.time_dimensions[0].dimension == "orders.order_date"
    assert any("order date" in a for a in reading.assumptions)


@pytest.mark.parametrize("question", ["number of products by month", "products in 2024"])
def test_a_table_without_a_date_says_so(question: str) -> None:
    assert "no date" in refused(SHOP, question).clarification.question


def test_the_same_question_gives_the_same_reading() -> None:
    first = plan("total amount by category", SHOP, today=TODAY)
    assert first == plan("total amount by category", SHOP, today=TODAY)


def test_one_model_does_not_leak_into_another() -> None:
    assert isinstance(plan("flights by month", FLIGHTS, today=TODAY), Reading)
    assert refused(SHOP, "flights by month").unbound == ("flights",)


def test_today_moves_relative_dates() -> None:
    found = plan("visits yesterday", CLINIC, today=date(2025, 3, 1))
    assert isinstance(found, Reading)
    assert found.query.time_dimensions[0].date_range == ("2025-02-28", "2025-02-28")
