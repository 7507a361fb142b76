"""Rich questions over a trading company: conditions, lists, ranks, as one line each."""

from __future__ import annotations

import pytest

from tests.unit.planner.describing_queries import tell
from tests.unit.planner.trade_model import TRADE, hidden

READS = {
    "visits by hour of the day": "visits.count by visits.started_at:hour_of_day order +visits.started_at",
    "At which hour of the day are there the most visits?": "visits.count by visits.started_at:hour_of_day order -visits.count limit 1",
    "visits longer than 2 hours": "visits.count where visits.duration_min gt 120",
    "visit hours by month": "(visits.sum_duration_min / 60) by visits.started_at:month order +visits.started_at",
    "average duration of bounces": "visits.avg_duration_min where visits.is_bounce equals true",
    "products with ball or lamp in the name": "rows by products.product_name where products.product_name contains ball|lamp",
    "products starting with Ball": "rows by products.product_name where products.product_name startsWith Ball",
    "products that are still active": "rows by products.product_name where products.discontinued_on notSet",
    "products no longer active": "rows by products.product_name where products.is_active notEquals Y",
    "inactive products": "rows by products.product_name where products.is_active notEquals Y",
    "price of the oak table on 1 May 2024": (
        "price_list.avg_price where products.product_name equals Oak table where "
        "price_list.valid_from lte 2024-05-01 where (price_list.valid_to gte 2024-05-01 or "
        "price_list.valid_to notSet)"
    ),
    "What was the price of the rug on 1 July 2024?": (
        "price_list.avg_price where products.product_name equals Rug where "
        "price_list.valid_from lte 2024-07-01 where (price_list.valid_to gte 2024-07-01 or "
        "price_list.valid_to notSet)"
    ),
    "orders with shipping between 5 and 10": "orders.count where orders.shipping_amount gte 5 where orders.shipping_amount lte 10",
    "completed or pending orders": "orders.count where orders.status equals completed|pending",
    "orders from Germany or with total amount over 100": "orders.count where (customers.country equals DE or orders.total_amount gt 100)",
    "orders excluding cancelled and refunded ones": "orders.count where orders.status notEquals cancelled|refunded",
    "orders, cancelled ones aside": "orders.count where not (orders.status equals cancelled)",
    "German orders in 2023 and 2024": (
        "orders.count where customers.country equals DE where (orders.ordered_at inDateRange "
        "2023-01-01|2023-12-31 or orders.ordered_at inDateRange 2024-01-01|2024-12-31)"
    ),
    "orders by customer country and month": "orders.count by orders.ordered_at:month, customers.country order +orders.ordered_at",
    "customers by country (I need the number)": "customers.count by customers.country order -customers.count",
    "Total revenue, thanks": "orders.sum_total_amount",
    "monthly revenue in 2024": (
        "orders.sum_total_amount by orders.ordered_at:month in 2024-01-01..2024-12-31 order "
        "+orders.ordered_at"
    ),
    "yearly orders": "orders.count by orders.ordered_at:year order +orders.ordered_at",
    "revenue per quarter by device": (
        "orders.sum_total_amount by orders.ordered_at:quarter, orders.device order "
        "+orders.ordered_at"
    ),
    "best selling product in each category": (
        "order_items.sum_quantity by products.product_name, products.category order "
        "-order_items.sum_quantity limit 1 each products.category"
    ),
    "cheapest product": "rows by products.product_name, products.list_price order +products.list_price limit 1",
    "most expensive product": "rows by products.product_name, products.list_price order -products.list_price limit 1",
    "which month had the highest revenue": (
        "orders.sum_total_amount by orders.ordered_at:month order -orders.sum_total_amount limit 1"
    ),
    "number of different products sold in 2024": "order_items.count_distinct_product_id in 2024-01-01..2024-12-31",
    "How many different customers ordered in 2024?": "orders.count_distinct_customer_id in 2024-01-01..2024-12-31",
    "customers who signed up in 2024": "customers.count in 2024-01-01..2024-12-31",
    "Austrian suppliers": "suppliers.count where suppliers.country equals AT",
    "median order value": "orders.median_total_amount",
    "maximum shipping amount": "orders.max_shipping_amount",
    "highest shipping amount": "orders.max_shipping_amount",
    "clicks, impressions and spend by channel": (
        "ad_stats.sum_clicks + ad_stats.sum_impressions + ad_stats.sum_spend by "
        "ad_stats.channel order -ad_stats.sum_clicks"
    ),
    "number of orders, revenue and average shipping amount by device": (
        "orders.count + orders.sum_total_amount + orders.avg_shipping_amount by orders.device "
        "order -orders.count"
    ),
    "categories with above average units sold": (
        "order_items.sum_quantity by products.category where (order_items.sum_quantity - "
        "mean(order_items.sum_quantity)) gt 0 order -order_items.sum_quantity"
    ),
    "categories with below average units sold": (
        "order_items.sum_quantity by products.category where (order_items.sum_quantity - "
        "mean(order_items.sum_quantity)) lt 0 order -order_items.sum_quantity"
    ),
    "visits w/o bounce": "visits.count where visits.is_bounce equals false",
    "order total by status": "orders.sum_total_amount by orders.status order -orders.sum_total_amount",
    "orders whose delivered date is unknown": "orders.count where orders.delivered_on notSet",
    "orders with at least two items": (
        "order_items.count by orders.order_number where order_items.count gte 2 order "
        "-order_items.count"
    ),
    "customers with at least 3 visits": (
        "visits.count by customers.customer_name where visits.count gte 3 where "
        "visits.customer_id set order -visits.count"
    ),
    "customers with exactly 2 orders": (
        "orders.count by customers.customer_name where orders.count equals 2 order -orders.count"
    ),
    "customers with fewer than 3 orders": "orders.count by customers.customer_name where orders.count lt 3 order -orders.count",
    "orders by type of device": "orders.count by orders.device order -orders.count",
    "how much did customers pay": "orders.sum_total_amount",
    "average basket by device": "orders.avg_total_amount by orders.device order -orders.avg_total_amount",
    "units per order by category": (
        "(order_items.sum_quantity / orders.count) by products.category order "
        "-(order_items.sum_quantity / orders.count)"
    ),
    "depots by region": "depots.count by depots.region order -depots.count",
    "first orders by country": (
        "orders.count by customers.country where orders.is_first_order equals true order "
        "-orders.count"
    ),
    "revenue of first orders as a percentage of revenue": (
        "(orders.sum_total_amount {orders.is_first_order equals true} / orders.sum_total_amount) %"
    ),
    "growth of revenue by country from 2023 to 2024": (
        "((orders.sum_total_amount {orders.ordered_at inDateRange 2024-01-01|2024-12-31} - "
        "orders.sum_total_amount {orders.ordered_at inDateRange 2023-01-01|2023-12-31}) / "
        "orders.sum_total_amount {orders.ordered_at inDateRange 2023-01-01|2023-12-31}) % by "
        "customers.country order -((orders.sum_total_amount {orders.ordered_at inDateRange "
        "2024-01-01|2024-12-31} - orders.sum_total_amount {orders.ordered_at inDateRange "
        "2023-01-01|2023-12-31}) / orders.sum_total_amount {orders.ordered_at inDateRange "
        "2023-01-01|2023-12-31})"
    ),
    "list all categories": "list by products.category order +products.category",
    "which categories are there": "list by products.category order +products.category",
    "orders sorted alphabetically": "rows by orders.order_number",
    "5 cheapest products with their category": (
        "rows by products.product_name, products.category, products.list_price order "
        "+products.list_price limit 5"
    ),
    "latest 3 orders": "rows by orders.order_number order -orders.ordered_at limit 3",
    "orders to the north by month": (
        "orders.count by orders.ordered_at:month where depots.region@to equals North order "
        "+orders.ordered_at"
    ),
    "countries with over half a million euros of revenue": (
        "orders.sum_total_amount by customers.country where orders.sum_total_amount gt 500000 "
        "order -orders.sum_total_amount"
    ),
}


@pytest.mark.parametrize("question", READS)
def test_reads(question: str) -> None:
    assert tell(TRADE, question) == READS[question]


REFUSED = [
    "orders with a missing delivered date",
    "How much shipping did we charge on orders that contain at least one garden product?",
    "downloads by month",
    "how long is the average visit",
    "ball bearings sold in 2024",
    "orders over 500 euros",
    "orders with shipping not between 5 and 10",
    "busiest customer",
    "Which supplier's products sold best?",
    "units sold of German suppliers' products",
    "minimum and maximum list price",
    "delete all cancelled orders",
    "please cancel order 5",
    "Why did revenue fall in May?",
    "forecast revenue for next month",
    "correlation between clicks and spend",
    "which warehouse ships the most",
    "employees by department",
    "orders of the same customer",
    "profit margin by product",
    "How many orders? How many customers?",
    "What is the capital of France?",
    "who invented the wheel",
    "orders in 2019",
    "how many kilos is a pound",
    "revenue in June",
    "payments in euro by method",
    "known delivery dates",
    "types of device",
    "what did a click cost in 2024",
    "top products",
    "the best customer",
    "number of orders per customer country in the north",
]


@pytest.mark.parametrize("question", REFUSED)
def test_the_rest_is_asked_back(question: str) -> None:
    assert tell(TRADE, question).startswith("asks: ")


DEFINED = {
    (
        "net revenue by country",
        "Net revenue is the total amount less shipping amount, completed orders only.",
    ): (
        "(orders.sum_total_amount - orders.sum_shipping_amount) by customers.country "
        "where orders.status equals completed "
        "order -(orders.sum_total_amount - orders.sum_shipping_amount)"
    ),
    ("how many big orders in 2024", "A big order is an order with total amount over 500."): (
        "orders.count where orders.total_amount gt 500 in 2024-01-01..2024-12-31"
    ),
    ("orders by device", "Something else entirely. Revenue = total amount."): (
        "orders.count by orders.device order -orders.count"
    ),
}


@pytest.mark.parametrize(("asked", "expected"), DEFINED.items())
def test_terms_of_an_instruction_are_written_out(asked: tuple[str, str], expected: str) -> None:
    assert tell(TRADE, *asked) == expected


def test_a_hidden_table_is_not_linked() -> None:
    assert tell(hidden("visits"), "visits by month").startswith("asks: ")


def test_the_same_question_is_read_the_same_way() -> None:
    question = "share of revenue by country, in percent"
    assert len({tell(TRADE, question) for _ in range(5)}) == 1
