"""Rich questions over a trading company: every form, as one line each."""

from __future__ import annotations

import pytest

from tests.unit.planner.describing_queries import tell
from tests.unit.planner.trade_model import TRADE

READS = {
    "How much did we take from German customers in 2024?": "orders.sum_total_amount where customers.country equals DE in 2024-01-01..2024-12-31",
    "revenue by country": "orders.sum_total_amount by customers.country order -orders.sum_total_amount",
    "seven biggest orders, order number and total amount": "rows by orders.order_number, orders.total_amount order -orders.total_amount limit 7",
    "the three oldest orders": "rows by orders.order_number order +orders.ordered_at limit 3",
    "List the products together with their list price.": "rows by products.product_name, products.list_price",
    "how many refunded orders were not first orders": (
        "orders.count where orders.status equals refunded where orders.is_first_order equals false"
    ),
    "average order value on completed orders": "orders.avg_total_amount where orders.status equals completed",
    "number of orders by device and status": "orders.count by orders.device, orders.status order -orders.count",
    "orders by status, highest first": "orders.count by orders.status order -orders.count",
    "top 5 products by units sold in 2024": (
        "order_items.sum_quantity by products.product_name in 2024-01-01..2024-12-31 order "
        "-order_items.sum_quantity limit 5"
    ),
    "Which three customers spent the most in 2024?": (
        "orders.sum_total_amount by customers.customer_name in 2024-01-01..2024-12-31 order "
        "-orders.sum_total_amount limit 3"
    ),
    "customers with more than 10 orders": "orders.count by customers.customer_name where orders.count gt 10 order -orders.count",
    "customers who placed at least a dozen orders in 2024": (
        "rows by customers.customer_name where some 12+ orders [orders.ordered_at inDateRange "
        "2024-01-01|2024-12-31]"
    ),
    "Which products have never been sold?": "rows by products.product_name where no order_items",
    "customers without any orders": "rows by customers.customer_name where no orders",
    "customers who never ordered anything in 2024": (
        "rows by customers.customer_name where no orders [orders.ordered_at inDateRange "
        "2024-01-01|2024-12-31]"
    ),
    "How many customers have no email?": "customers.count where customers.email notSet",
    "How many customers haven't given us an email?": "customers.count where customers.email notSet",
    "orders that contain at least one garden product": (
        "list by orders.order_number where products.category equals Garden where "
        "order_items.count_distinct_product_id gte 1"
    ),
    "What percentage of orders are cancelled?": "(orders.count {orders.status equals cancelled} / orders.count) %",
    "what share of visits are bounces": "(visits.count {visits.is_bounce equals true} / visits.count)",
    "bounce rate by month in 2024": (
        "(visits.count {visits.is_bounce equals true} / visits.count) % by "
        "visits.started_at:month in 2024-01-01..2024-12-31 order +visits.started_at"
    ),
    "cancellation rate by country": (
        "(orders.count {orders.status equals cancelled} / orders.count) % by customers.country "
        "order -(orders.count {orders.status equals cancelled} / orders.count)"
    ),
    "share of each category in units sold": (
        "share(order_items.sum_quantity) by products.category order "
        "-share(order_items.sum_quantity)"
    ),
    "share of revenue by country, in percent": (
        "share(orders.sum_total_amount) % by customers.country order "
        "-share(orders.sum_total_amount)"
    ),
    "click-through rate by channel": (
        "(ad_stats.sum_clicks / ad_stats.sum_impressions) % by ad_stats.channel order "
        "-(ad_stats.sum_clicks / ad_stats.sum_impressions)"
    ),
    "cost per click in 2024": "(ad_stats.sum_spend / ad_stats.sum_clicks) in 2024-01-01..2024-12-31",
    "cpm by channel": (
        "(1000 * (ad_stats.sum_spend / ad_stats.sum_impressions)) by ad_stats.channel order "
        "-(1000 * (ad_stats.sum_spend / ad_stats.sum_impressions))"
    ),
    "ratio of clicks to impressions": "(ad_stats.sum_clicks / ad_stats.sum_impressions)",
    "clicks divided by impressions by channel": (
        "(ad_stats.sum_clicks / ad_stats.sum_impressions) by ad_stats.channel order "
        "-(ad_stats.sum_clicks / ad_stats.sum_impressions)"
    ),
    "difference between clicks and impressions": "(ad_stats.sum_clicks - ad_stats.sum_impressions)",
    "how many more orders did Germany place than France": (
        "(orders.count {customers.country equals DE} - orders.count {customers.country equals FR})"
    ),
    "total amount minus shipping amount by country": (
        "(orders.sum_total_amount - orders.sum_shipping_amount) by customers.country order "
        "-(orders.sum_total_amount - orders.sum_shipping_amount)"
    ),
    "By how many percent did revenue grow from 2023 to 2024?": (
        "((orders.sum_total_amount {orders.ordered_at inDateRange 2024-01-01|2024-12-31} - "
        "orders.sum_total_amount {orders.ordered_at inDateRange 2023-01-01|2023-12-31}) / "
        "orders.sum_total_amount {orders.ordered_at inDateRange 2023-01-01|2023-12-31}) %"
    ),
    "how did revenue change between 2023 and 2024": (
        "(orders.sum_total_amount {orders.ordered_at inDateRange 2024-01-01|2024-12-31} - "
        "orders.sum_total_amount {orders.ordered_at inDateRange 2023-01-01|2023-12-31})"
    ),
    "month over month growth of orders": "growth(orders.count) % by orders.ordered_at:month order +orders.ordered_at",
    "year on year growth of revenue": "growth(orders.sum_total_amount) % by orders.ordered_at:year order +orders.ordered_at",
    "compare December 2023 with December 2024 revenue": (
        "orders.sum_total_amount by orders.ordered_at:month where (orders.ordered_at "
        "inDateRange 2023-12-01|2023-12-31 or orders.ordered_at inDateRange "
        "2024-12-01|2024-12-31) order +orders.ordered_at"
    ),
    "compare 2023 with 2024 orders": (
        "orders.count by orders.ordered_at:year where (orders.ordered_at inDateRange "
        "2023-01-01|2023-12-31 or orders.ordered_at inDateRange 2024-01-01|2024-12-31) order "
        "+orders.ordered_at"
    ),
    "how many mobile vs desktop orders": (
        "orders.count by orders.device where orders.device equals mobile|desktop order "
        "-orders.count"
    ),
    "running total of orders by month in 2024": (
        "running_total(orders.count) by orders.ordered_at:month in 2024-01-01..2024-12-31 "
        "order +orders.ordered_at"
    ),
    "cumulative revenue by month": (
        "running_total(orders.sum_total_amount) by orders.ordered_at:month order +orders.ordered_at"
    ),
    "moving average of orders by month": "moving_average(orders.count) by orders.ordered_at:month order +orders.ordered_at",
    "rank products by units sold": (
        "order_items.sum_quantity + rank(order_items.sum_quantity) by products.product_name "
        "order -order_items.sum_quantity"
    ),
    "average number of orders per customer": "avg over customers.customer_name of orders.count",
    "average number of orders per month": "avg over month of orders.count",
    "average revenue per customer": "avg over customers.customer_name of orders.sum_total_amount",
    "orders from Leeds Hub to Bonn": (
        "orders.count where depots.depot_name@from equals Leeds Hub where depots.depot_name@to "
        "equals Bonn"
    ),
    "orders by from depot": "orders.count by depots.depot_name@from order -orders.count",
    "orders from Leeds Hub to Lyon in May 2024": (
        "orders.count where depots.depot_name@from equals Leeds Hub where depots.depot_name@to "
        "equals Lyon in 2024-05-01..2024-05-31"
    ),
    "how many orders were delivered late": "orders.count where orders.delivered_on gt orders.promised_on",
    "orders delivered later than promised": "orders.count where orders.delivered_on gt orders.promised_on",
    "on-time orders in 2024": (
        "orders.count where orders.delivered_on lte orders.promised_on in 2024-01-01..2024-12-31"
    ),
    "how many orders are overdue": "orders.count where (orders.promised_on lt 2025-11-22 and orders.delivered_on notSet)",
    "orders delivered in March 2024": "orders.count in 2024-03-01..2024-03-31",
    "orders placed in March 2024": "orders.count in 2024-03-01..2024-03-31",
    "orders not delivered yet": "orders.count where orders.delivered_on notSet",
    "average days late": "avg(days from orders.promised_on to orders.delivered_on)",
    "orders on Mondays": "orders.count where orders.ordered_at:weekday equals 1",
    "orders on weekends in 2024": "orders.count where orders.ordered_at:weekday equals 6|7 in 2024-01-01..2024-12-31",
    "orders by weekday": "orders.count by orders.ordered_at:weekday order +orders.ordered_at",
}


@pytest.mark.parametrize("question", READS)
def test_reads(question: str) -> None:
    assert tell(TRADE, question) == READS[question]
