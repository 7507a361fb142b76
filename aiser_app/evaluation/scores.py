"""Figures over the outcomes of cases, and what falls below an earlier evaluation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from aiser_app.domain.evaluation import CaseOutcome, CaseScore
from aiser_app.errors import InvalidInput

BANDS = ((0.0, 0.75), (0.75, 0.8), (0.8, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.0001))
"""Of confidence, for calibration; answers below 0.75 are not given."""
MEASURES = ("accuracy", "precision", "coverage", "refusal")
DIGITS = 4


def summarize(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """All figures of one evaluation; a share that has nothing to count is None.

    `accuracy`: right of all that can be answered. `precision`: right of all that was answered.
    `coverage`: answered of all that can be. `refusal`: not answered of all that cannot be. Cases whose
    accepted query does not run count in none of them.
    """
    counted = [score for score in scores if score.outcome is not CaseOutcome.BROKEN]
    return {
        "cases": len(scores),
        "counts": {
            outcome.value: sum(score.outcome is outcome for score in scores)
            for outcome in CaseOutcome
        },
        **_shares(counted),
        "by_category": _by_category(counted),
        "by_confidence": _by_confidence(counted),
        "latency_ms": _latency([score.milliseconds for score in scores]),
    }


def shortfalls(summary: Mapping[str, Any], floors: Mapping[str, float]) -> list[str]:
    """The measures that are below their floor, in words."""
    found = []
    for name, floor in floors.items():
        value = summary.get(name)
        if value is None:
            found.append(f"{name} was not measured, and should be at least {percent(floor)}")
        elif value < floor - 10**-DIGITS / 2:
            found.append(f"{name} is {percent(value)}, and should be at least {percent(floor)}")
    return found


def read_floors(given: Sequence[str]) -> dict[str, float]:
    """Floors as the command line gives them: `0.8` for accuracy, `precision=90%`.

    Raises:
        InvalidInput: not a measure, or not a share.
    """
    floors: dict[str, float] = {}
    for text in given:
        name, _, number = text.rpartition("=")
        name = name.strip() or "accuracy"
        if name not in MEASURES:
            raise InvalidInput(
                f"“{name[:40]}” is no measure.", hint=f"Measures: {', '.join(MEASURES)}."
            )
        try:
            value = float(number.strip().rstrip("%")) / (100 if "%" in number else 1)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise InvalidInput(f"“{number[:40]}” is not a share: write 0.8 or 80%.")
        floors[name] = value
    return floors


def baseline_of(content: Any) -> tuple[dict[str, float], set[str]]:
    """Floors, and the cases that were right, of an evaluation that was printed as JSON.

    Raises:
        InvalidInput: it is none.
    """
    summary = content.get("summary") if isinstance(content, Mapping) else None
    if not isinstance(summary, Mapping):
        raise InvalidInput("The baseline is not an evaluation.", hint="Make one with --json.")
    floors = {
        name: float(summary[name])
        for name in MEASURES
        if isinstance(summary.get(name), int | float) and name != "coverage"
    }
    cases = content.get("cases")
    right = {
        str(case.get("case_id"))
        for case in (cases if isinstance(cases, list) else ())
        if isinstance(case, Mapping) and case.get("outcome") == CaseOutcome.RIGHT
    }
    return floors, right


def percent(share: float | None) -> str:
    return "none" if share is None else f"{share * 100:.1f}%"


def _shares(scores: Sequence[CaseScore]) -> dict[str, Any]:
    answerable = [score for score in scores if score.is_answerable]
    unanswerable = [score for score in scores if not score.is_answerable]
    answered = [score for score in scores if score.outcome.is_answered]
    right = sum(score.outcome is CaseOutcome.RIGHT for score in scores)
    return {
        "answerable": len(answerable),
        "answered": len(answered),
        "right": right,
        "accuracy": _share(right, len(answerable)),
        "precision": _share(right, len(answered)),
        "coverage": _share(sum(s.outcome.is_answered for s in answerable), len(answerable)),
        "refusal": _share(sum(not s.outcome.is_answered for s in unanswerable), len(unanswerable)),
    }


def _by_category(scores: Sequence[CaseScore]) -> list[dict[str, Any]]:
    names = sorted({score.category for score in scores})
    groups = {name: [score for score in scores if score.category == name] for name in names}
    return [
        {"category": name, "cases": len(group), **_shares(group)} for name, group in groups.items()
    ]


def _by_confidence(scores: Sequence[CaseScore]) -> list[dict[str, Any]]:
    found = []
    for low, high in BANDS:
        group = [
            score
            for score in scores
            if score.outcome.is_answered
            and score.confidence is not None
            and low <= score.confidence < high
        ]
        if group:
            right = sum(score.outcome is CaseOutcome.RIGHT for score in group)
            found.append(
                {
                    "from": low,
                    "to": min(1.0, high),
                    "answered": len(group),
                    "right": right,
                    "precision": _share(right, len(group)),
                }
            )
    return found


def _latency(milliseconds: Sequence[float]) -> dict[str, float | None]:
    if not milliseconds:
        return {"p50": None, "p95": None}
    if len(milliseconds) == 1:
        return {"p50": round(milliseconds[0], 1), "p95": round(milliseconds[0], 1)}
    p95 = statistics.quantiles(milliseconds, n=20, method="inclusive")[-1]
    return {"p50": round(statistics.median(milliseconds), 1), "p95": round(p95, 1)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, DIGITS) if whole else None
