"""Figures of an evaluation, and the floors under them."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.domain.evaluation import CaseOutcome as Is
from aiser_app.domain.evaluation import CaseScore
from aiser_app.errors import InvalidInput
from aiser_app.evaluation.scores import (
    baseline_of,
    percent,
    read_floors,
    shortfalls,
    summarize,
)


def score(outcome: Is, confidence: float | None = None, **changes: Any) -> CaseScore:
    given: dict[str, Any] = {"case_id": "1", "question": "?", "category": "count"}
    return CaseScore(**{**given, "outcome": outcome, "confidence": confidence, **changes})


SCORES = [
    score(Is.RIGHT, 0.97, milliseconds=10),
    score(Is.RIGHT, 0.8, milliseconds=20, category="list"),
    score(Is.WRONG, 0.97, milliseconds=30),
    score(Is.ASKED, milliseconds=40),
    score(Is.FAILED, milliseconds=50),
    score(Is.BROKEN, 0.9),
    score(Is.REFUSED, is_answerable=False),
    score(Is.WRONG, 0.76, is_answerable=False, category="list"),
]


def test_shares_count_what_they_say() -> None:
    found = summarize(SCORES)
    assert found["cases"] == 8
    assert found["counts"] == {
        "right": 2, "wrong": 2, "asked": 1, "refused": 1, "failed": 1, "broken": 1,
    }  # fmt: skip
    assert (found["answerable"], found["answered"], found["right"]) == (5, 4, 2)
    assert found["accuracy"] == 0.4
    assert found["precision"] == 0.5
    assert found["coverage"] == 0.6
    assert found["refusal"] == 0.5
    assert [(c["category"], c["cases"], c["right"]) for c in found["by_category"]] == [
        ("count", 5, 1),
        ("list", 2, 1),
    ]
    assert [(b["from"], b["answered"], b["precision"]) for b in found["by_confidence"]] == [
        (0.75, 1, 0.0),
        (0.8, 1, 1.0),
        (0.95, 2, 0.5),
    ]
    assert found["latency_ms"]["p50"] == 15.0


def test_nothing_was_asked() -> None:
    found = summarize([])
    assert (found["accuracy"], found["precision"], found["refusal"]) == (None, None, None)
    assert found["latency_ms"] == {"p50": None, "p95": None}
    assert summarize([score(Is.RIGHT, 1.0, milliseconds=3)])["latency_ms"] == {"p50": 3, "p95": 3}


def test_floors() -> None:
    assert read_floors(["0.8"]) == {"accuracy": 0.8}
    assert read_floors(["accuracy=80%", "precision=0.9"]) == {"accuracy": 0.8, "precision": 0.9}
    for wrong in ("speed=0.5", "accuracy=x", "accuracy=80", "-1"):
        with pytest.raises(InvalidInput):
            read_floors([wrong])
    summary = summarize(SCORES)
    assert shortfalls(summary, {"accuracy": 0.4, "precision": 0.5}) == []
    assert shortfalls(summary, {"accuracy": 0.41}) == [
        "accuracy is 40.0%, and should be at least 41.0%"
    ]
    assert "was not measured" in shortfalls(summarize([]), {"refusal": 0.5})[0]
    assert percent(None) == "none"


def test_an_earlier_evaluation_is_a_baseline() -> None:
    content = {
        "summary": {"accuracy": 0.5, "precision": None, "coverage": 0.9},
        "cases": [{"case_id": "a", "outcome": "right"}, {"case_id": "b", "outcome": "wrong"}, 5],
    }
    assert baseline_of(content) == ({"accuracy": 0.5}, {"a"})
    assert baseline_of({"summary": {}, "cases": None}) == ({}, set())
    for wrong in ({}, [], {"summary": 5}):
        with pytest.raises(InvalidInput):
            baseline_of(wrong)
