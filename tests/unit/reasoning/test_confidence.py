"""The score is made of what was measured, and every doubt costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.domain.answer import ConfidencePart
from aiser_app.reasoning.confidence import ANSWER_FROM, Measured, combine, lead_of

PARTS = (
    ConfidencePart(name="Words understood", measured="3 of 3", score=1.0),
    ConfidencePart(name="Joins", measured="1 joined table", score=0.9),
)
FINE = Measured(row_count=10, value_share=1.0)


def names(measured: Measured) -> dict[str, str]:
    return {part.name: part.measured for part in combine(PARTS, measured, score=0.9).parts}


def test_a_clean_result_keeps_the_score_of_the_reading() -> None:
    assert combine(PARTS, FINE, score=0.93).score == 0.93
    assert combine(PARTS, FINE).score == 0.95
    assert combine((), FINE).score == 0.85


def test_the_parts_of_the_reading_come_first() -> None:
    assert combine(PARTS, FINE, score=0.9).parts[:2] == PARTS


@pytest.mark.parametrize(
    "doubt",
    [
        Measured(row_count=0),
        Measured(row_count=5, truncated=True),
        Measured(row_count=5, distinct_groups=False),
        Measured(row_count=5, value_share=0.5),
        Measured(row_count=5, lead=0.0),
        Measured(row_count=5, join_score=0.5),
    ],
)
def test_every_doubt_costs(doubt: Measured) -> None:
    assert combine(PARTS, doubt, score=0.9).score < 0.9


def test_many_doubts_end_below_the_limit() -> None:
    doubts = Measured(row_count=5, truncated=True, distinct_groups=False, value_share=0.4)
    assert combine(PARTS, doubts, score=0.9).score < ANSWER_FROM


def test_parts_say_what_was_measured() -> None:
    said = names(Measured(row_count=16, value_share=0.9753, lead=0.082, join_score=0.91))
    assert said["Checks passed"] == "3 of 3"
    assert said["Rows with a value"] == "97.5%"
    assert said["First ahead of second"] == "by 8.2%"
    assert names(Measured(row_count=0))["Checks passed"] == "2 of 3"
    assert "Rows with a value" not in names(Measured(row_count=16))


@given(
    st.builds(
        Measured,
        row_count=st.integers(0, 10**6),
        truncated=st.booleans(),
        distinct_groups=st.booleans(),
        value_share=st.none() | st.floats(0, 1),
        lead=st.none() | st.floats(0, 1),
        join_score=st.none() | st.floats(0, 1),
    ),
    st.floats(0, 1),
)
def test_the_score_never_leaves_its_range_nor_grows(measured: Measured, score: float) -> None:
    confidence = combine(PARTS, measured, score=score)
    assert 0 <= confidence.score <= round(score, 3)
    assert all(0 <= part.score <= 1 for part in confidence.parts)


@pytest.mark.parametrize(
    ("values", "lead"),
    [([20.0, 10.0], 0.5), ([-4, -5], 0.2), ([3, 3], 0.0), ([0, 0], 0.0), ([5, -5], 1.0),
     ([1.0], None), ([None, 1.0], None), ([1.0, None], None), ([], None)],
)  # fmt: skip
def test_lead(values: list[float | None], lead: float | None) -> None:
    assert lead_of(values) == lead
