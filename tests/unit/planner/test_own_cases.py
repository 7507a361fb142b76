"""The project's own cases: no fewer right, and no more wrong, than the committed figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evals.__main__ import BASELINE, below, categories, committed, counts_of, report
from tests.evals.asking import FOLLOW_UPS, OWN, ask_all, ask_follow_ups, open_own, own_questions


@pytest.mark.parametrize("name", OWN)
def test_they_stay_right(name: str, tmp_path: Path) -> None:
    cases = ask_all(open_own(name, tmp_path), own_questions(name))
    assert len(cases) > 100
    assert below(name, cases, committed()) == []
    n = counts_of(cases)
    assert f"right {n['right']}/" in report(name, cases)
    assert "confidence 0.95 to 1.00" in categories(cases)


def test_follow_ups_stay_right(tmp_path: Path) -> None:
    cases = [case for name in OWN for case in ask_follow_ups(open_own(name, tmp_path))]
    assert below(FOLLOW_UPS, cases, committed()) == []


def test_what_is_worse_is_told() -> None:
    baseline = {"x": {"right": 2, "wrong": 0}}
    assert BASELINE.is_file()
    assert below("x", [], baseline) == ["x: 0 right, 2 in the baseline"]
    assert below("y", [], baseline) == []
