"""The comparison of rows: any columns' names and order, repeated rows once, close numbers, equal times."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.evaluation.comparing import asks_for_order, leads, same_rows

Rows = list[tuple[Any, ...]]


@pytest.mark.parametrize(
    ("ours", "gold"),
    [
        ([], []),
        ([("EU", 1), ("US", 2)], [("US", 2), ("EU", 1)]),
        ([("EU", 1)], [(1, "EU")]),
        ([("EU", 1), ("EU", 1)], [("EU", 1)]),
        ([(0.1 + 0.2,)], [(0.3,)]),
        ([(Decimal("1.50"),)], [(1.5,)]),
        ([(1_000_000.4,)], [(1_000_000.0,)]),
        ([(datetime(2024, 3, 1),)], [("2024-03",)]),  # noqa: DTZ001
        ([(datetime(2024, 3, 1, tzinfo=UTC),)], [(date(2024, 3, 1),)]),
        ([("2024-03-01 00:00:00+00:00", 5)], [(2024, 3, 5)]),
        ([("2024-03-01T00:00:00", 5)], [(date(2024, 3, 1), 5)]),
        ([(timedelta(hours=1),)], [(3600,)]),
        ([(float("nan"),)], [(float("nan"),)]),
        ([(None, True)], [(True, None)]),
        ([({"a": 1},)], [("{'a': 1}",)]),
        ([("x", 1, 1.0000001), ("y", 1, 1.0)], [("x", 1, 1.0), ("y", 1, 1.0000001)]),
    ],
)
def test_what_is_the_same(ours: Rows, gold: Rows) -> None:
    assert same_rows(ours, gold)
    assert same_rows(gold, ours)


@pytest.mark.parametrize(
    ("ours", "gold"),
    [
        ([], [(1,)]),
        ([("EU", 1)], [("EU", 2)]),
        ([("EU", 1)], [("eu", 1)]),
        ([("EU", 1)], [("EU",)]),
        ([("EU", 2), ("US", 1)], [("EU", 1), ("US", 2)]),
        ([(1, 2), (2, 1), (3, 3)], [(1, 1), (2, 2), (3, 3)]),
        ([(12.3456,)], [(12.35,)]),
        ([(1,)], [(True,)]),
        ([(None,)], [(0,)]),
        ([(float("nan"),)], [(1.0,)]),
        ([(datetime(2024, 3, 1, 12),)], [(date(2024, 3, 1),)]),  # noqa: DTZ001
        ([("1",)], [(1,)]),
    ],
)
def test_what_is_not(ours: Rows, gold: Rows) -> None:
    assert not same_rows(ours, gold)


def test_a_query_that_rounds_is_met_by_the_whole_number() -> None:
    assert same_rows([(12.3456,)], [(12.35,)], rounded=True)
    assert same_rows([(12.5,)], [(13.0,)], rounded=True)
    assert not same_rows([(12.3456,)], [(12.36,)], rounded=True)
    assert not same_rows([("12.3456",)], [(12.35,)], rounded=True)


def test_order_counts_where_it_is_asked_for() -> None:
    gold = [("a", 3), ("b", 2), ("c", 2)]
    assert same_rows(gold, gold, ordered=True)
    assert same_rows([("a", 3), ("c", 2), ("b", 2)], gold, ordered=True)
    assert not same_rows([("b", 2), ("c", 2), ("a", 3)], gold, ordered=True)
    assert not same_rows([("b", 2), ("a", 3)], [("a", 3), ("b", 2)], ordered=True)
    constant = [("b", 1), ("c", 1), ("a", 1)]
    assert not same_rows(sorted(constant), constant, ordered=True)


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Products sorted by price", True),
        ("customers, ordered by their first name", True),
        ("Rank carriers by delay", True),
        ("carriers in alphabetical order, descending", True),
        ("flights, newest first", True),
        ("order the results by name", True),
        ("average order value by region", False),
        ("List the top 5 customers by revenue", False),
        ("orders placed in order to test", False),
        ("Which carrier is the most delayed?", False),
    ],
)
def test_which_questions_ask_for_an_order(question: str, asks: bool) -> None:
    assert asks_for_order(question) is asks


def test_leaders_of_a_whole_ranking() -> None:
    ranking = [("a", 3), ("b", 2), ("c", 1)]
    assert leads(ranking, [("a", 3)])
    assert leads(ranking, [("b", 2), ("a", 3)])
    assert not leads(ranking, [("b", 2)])
    assert not leads(ranking, ranking)
    assert not leads([], [])
    assert not leads([*ranking, ("d", 0), ("e", 0)], [*ranking, ("d", 0)])


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3), st.dates(),
    st.floats(-1e6, 1e6, allow_nan=False),
)  # fmt: skip


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=12)
    ),
    st.randoms(use_true_random=False),
)
def test_shuffled_rows_and_columns_are_the_same_and_a_new_value_is_not(
    rows: Rows, chance: random.Random
) -> None:
    order = list(range(len(rows[0])))
    chance.shuffle(order)
    shuffled = [tuple(row[i] for i in order) for row in rows]
    chance.shuffle(shuffled)
    if not any(isinstance(cell, int | float) and 1 <= cell <= 12 for row in rows for cell in row):
        assert same_rows(shuffled, rows)
    spoilt = [("something else",) * len(rows[0]), *shuffled[1:]]
    assert not same_rows(spoilt, rows) or "something else" in rows[0]
