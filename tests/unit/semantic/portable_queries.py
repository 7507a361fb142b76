"""Semantic queries over the shop that every database must answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from aiser_app.domain.semantic_query import Granularity, Order, TimeDimension
from tests.unit.semantic.builders import by, where


def _placed(granularity: str | None = None, *days: str) -> dict[str, Any]:
    return {
        "time_dimensions": (
            TimeDimension(
                dimension="orders.placed",
                granularity=Granularity(granularity) if granularity else None,
                date_range=(days[0], days[1]) if days else None,
            ),
        )
    }


COUNT = {"measures": ("orders.count",)}
QUERIES: dict[str, dict[str, Any]] = {
    "count": COUNT,
    **{f"by {item.value}": {**COUNT, **_placed(item.value)} for item in Granularity},
    "range": {**COUNT, **_placed(None, "2024-01-31", "2024-02-01")},
    "range by month": {**COUNT, **_placed("month", "2024-01-01", "2024-12-31")},
    "dates": {
        "measures": ("customers.count",),
        "time_dimensions": (
            TimeDimension(dimension="customers.since", granularity=Granularity.QUARTER),
        ),
    },
    "sums": {"measures": ("orders.sum_amount", "orders.avg_amount", "orders.max_weight_kg")},
    "distinct": {"measures": ("orders.count_distinct_buyer_id",)},
    "groups": {"measures": ("orders.sum_amount",), "dimensions": by("stores.name")},
    "roles": {**COUNT, "dimensions": by("buyer>customers.name", "payer>customers.name")},
    "contains": {
        "measures": ("customers.count",),
        "filters": (where("customers.name", "contains", "ada"),),
    },
    "wildcards": {
        "measures": ("customers.count",),
        "filters": (where("customers.name", "contains", "50%_!"),),
    },
    "quotes": {
        "measures": ("customers.count",),
        "filters": (where("customers.name", "equals", "O'Neil 50%_!"),),
    },
    "not equal": {**COUNT, "filters": (where("orders.order", "notEquals", "a"),)},
    "among": {**COUNT, "filters": (where("orders.order", "equals", "a", "b"),)},
    "missing": {**COUNT, "filters": (where("orders.placed", "notSet"),)},
    "on a day": {**COUNT, "filters": (where("orders.placed", "equals", "2024-01-31"),)},
    "at a time": {**COUNT, "filters": (where("orders.placed", "equals", "2024-01-31 23:59:59"),)},
    "after a day": {**COUNT, "filters": (where("orders.placed", "gt", "2024-02-01"),)},
    "yes": {
        "measures": ("customers.count",),
        "filters": (where("customers.vip", "equals", "yes"),),
    },
    "having": {
        "measures": ("orders.sum_amount",),
        "dimensions": by("stores.name"),
        "filters": (where("orders.sum_amount", "gt", "5"),),
    },
    "ascending": {
        "measures": ("orders.sum_amount",),
        "dimensions": by("orders.order"),
        "order": (Order(member="orders.order"),),
    },
    "descending": {
        **COUNT,
        "dimensions": by("orders.order"),
        "order": (Order(member="orders.order", descending=True),),
        "limit": 2,
    },
}


def comparable(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows with dates as text and numbers as numbers, in their order."""
    return [tuple(_comparable(value) for value in row) for row in rows]


def _comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return round(float(value), 6)
    return value
