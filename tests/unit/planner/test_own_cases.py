"""The project's own cases over the sample, as `make eval` counts them."""

from __future__ import annotations

from pathlib import Path

from tests.evals.__main__ import OWN_BASELINE, OWN_TODAY, ask_all, categories, report
from tests.evals.own_cases import read_cases, sample_model


def test_the_own_cases_stay_right(tmp_path: Path) -> None:
    model, path = sample_model(tmp_path)
    score = ask_all(read_cases("flights"), model, path, OWN_TODAY)
    assert score.share_right() >= OWN_BASELINE, "\n".join(score.lines)
    assert score.outcomes["guessed"] == 0
    assert "own" in report("own", score)
    assert "confidence >=0.9" in categories(score)
