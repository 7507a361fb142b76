"""Trains the planner's confidence: `python -m tests.evals.fit --sets DIR [--write]`.

Every labelled question is planned, run and judged; a logistic regression learns which readings of the
rich grammar are right. It is judged by leaving out one database at a time: what is printed for a database comes from
coefficients that have not seen it. The databases whose misses nobody read count double.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiser_app.planner import calibration
from aiser_app.planner.reading import ANSWER_FROM
from tests.evals.__main__ import SETS
from tests.evals.asking import (
    OWN,
    Case,
    ask_for_training,
    open_own,
    open_set,
    own_questions,
    questions_of,
)

UNREAD = frozenset(("nycflights13", "bicycle_workshops"))
"""Own cases: their wording was written without looking at the planner, and the other way round."""
RIDGE = 3.0
CAUTION = 0.4
ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """Readings as rows: `features` (n, k), `right` (n) of 0 and 1, `database` (n)."""

    names: tuple[str, ...]
    features: np.ndarray
    right: np.ndarray
    database: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        return np.array([2.0 if name in UNREAD else 1.0 for name in self.database])


def sample_of(cases: list[Case]) -> Sample:
    read = [case for case in cases if case.features and not case.is_plain]
    names = tuple(read[0].features)
    return Sample(
        names,
        np.array([[case.features[name] for name in names] for case in read]),
        np.array([case.outcome == "right" for case in read], float),
        np.array([case.database for case in read]),
    )


def fitted(sample: Sample, rows: np.ndarray, caution: float) -> calibration.Calibration:
    """Newton's method for ridge-penalized logistic regression over standardized features."""
    x, y, w = sample.features[rows], sample.right[rows], sample.weights[rows]
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - mean) / deviation])
    penalty = RIDGE * np.diag([0.0] + [1.0] * x.shape[1])
    beta = np.zeros(z.shape[1])
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-z @ beta))
        gradient = z.T @ (w * (p - y)) + penalty @ beta
        hessian = (z * (w * p * (1 - p))[:, None]).T @ z + penalty
        beta -= np.linalg.solve(hessian, gradient)

    def named(values: np.ndarray) -> dict[str, float]:
        return {
            name: round(float(value), 4) for name, value in zip(sample.names, values, strict=True)
        }

    return calibration.Calibration(
        intercept=round(float(beta[0]), 4),
        weights=named(beta[1:]),
        means=named(mean),
        deviations=named(deviation),
        caution=caution,
    )


def left_out(sample: Sample, caution: float) -> np.ndarray:
    """For every reading the probability by coefficients that have not seen its database."""
    found = np.zeros(len(sample.right))
    for name in np.unique(sample.database):
        own = sample.database == name
        trained = fitted(sample, ~own, caution)
        for row in np.flatnonzero(own):
            values = dict(zip(sample.names, sample.features[row], strict=True))
            found[row] = trained.probability(values)
    return found


def report(sample: Sample, chances: np.ndarray, asked: dict[str, int]) -> str:
    lines = [f"{'database (left out)':20} {'asked':>6} {'answered':>9} {'precision':>10}"]
    for name in (*np.unique(sample.database), "all"):
        own = np.full(len(chances), True) if name == "all" else sample.database == name
        sure = own & (chances >= ANSWER_FROM)
        total = sum(asked.values()) if name == "all" else asked[str(name)]
        right = f"{sample.right[sure].mean():.0%}" if sure.any() else "none"
        lines.append(f"{name:20} {total:6} {sure.sum() / total:9.0%} {right:>10}")
    for low, high in ((0.75, 0.8), (0.8, 0.85), (0.85, 0.9), (0.9, 0.95), (0.95, 1.01)):
        band = (chances >= low) & (chances < high)
        right = f"{sample.right[band].mean():.0%}" if band.any() else "none"
        lines.append(
            f"confidence {low:.2f} to {min(high, 1):.2f}: {band.sum()} answers, {right} right"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evals.fit")
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument("--caution", type=float, default=CAUTION)
    parser.add_argument("--write", action="store_true", help="replace the coefficients")
    options = parser.parse_args(arguments)
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as work:
        for folder in sorted(options.sets.iterdir()) if options.sets.is_dir() else ():
            if (folder / "questions.csv").is_file():
                cases += ask_for_training(open_set(folder, Path(work)), questions_of(folder))
        for name in OWN:
            cases += ask_for_training(open_own(name, Path(work)), own_questions(name))
    asked: dict[str, int] = {}
    for case in cases:
        if case.outcome not in ("refused", "guessed"):
            asked[case.database] = asked.get(case.database, 0) + 1
    sample = sample_of(cases)
    print(report(sample, left_out(sample, options.caution), asked))
    if options.write:
        found = fitted(sample, np.full(len(sample.right), True), options.caution)
        text = json.dumps(
            {
                "intercept": found.intercept,
                "weights": found.weights,
                "means": found.means,
                "deviations": found.deviations,
                "caution": found.caution,
                "readings": len(sample.right),
                "databases": sorted(set(map(str, sample.database))),
            },
            indent=2,
        )
        Path(calibration.__file__).with_name("calibration.json").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
