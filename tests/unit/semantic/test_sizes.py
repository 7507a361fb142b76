"""A semantic query is as large as somebody can mean it, and no larger."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, Order
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.compiler import MAX_MEMBERS, MAX_VALUES
from tests.unit.semantic.builders import Shop

COUNT = "orders.count"
SET = Filter(member="orders.order", operator=FilterOperator.SET)


@pytest.mark.parametrize(
    "parts",
    [
        {"measures": (COUNT,) * 10_000},
        {"measures": (COUNT,), "dimensions": (DimensionRef(member="orders.order"),) * MAX_MEMBERS},
        {"measures": (COUNT,), "filters": (SET,) * 9_000},
        {"measures": (COUNT,), "order": (Order(member=COUNT),) * 9_000},
        {
            "measures": (COUNT,),
            "filters": (
                Filter(
                    member="orders.order",
                    operator=FilterOperator.EQUALS,
                    values=("a",) * (MAX_VALUES + 1),
                ),
            ),
        },
    ],
    ids=["measures", "dimensions", "filters", "order", "values"],
)
def test_what_is_too_large_is_refused(shop: Shop, parts: dict[str, Any]) -> None:
    with pytest.raises(QueryInvalid, match="at most"):
        shop.compile(**parts)


def test_what_is_large_is_compiled(shop: Shop) -> None:
    assert shop.compile(measures=(COUNT,), filters=(SET,) * (MAX_MEMBERS - 1)).sql
