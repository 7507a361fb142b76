"""`make eval`: asks the planner every question of the given databases and counts what is right.

The own cases over the sample come first, and fail below their baseline.

Usage: python -m tests.evals [database …] [--sets DIR] [--misses] [--categories] [--perturb]. The question sets
lie beside the project, in `shared/evals/aiser`, unless DIR says otherwise; without them there is nothing to do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import AiserError
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading, Unreadable
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.evals.own_cases import read_cases, sample_model
from tests.evals.questions import Question, build_database, read_questions, today_of
from tests.evals.scoring import same, starts_with

SETS = Path(__file__).parents[3] / "shared" / "evals" / "aiser"
DEFAULT = ("adspend", "factory")
SURE = 0.75
OWN_TODAY = date(2025, 11, 22)
OWN_BASELINE = 0.88
"""Share of the own cases that must be right, refusals among them."""


@dataclass
class Score:
    outcomes: Counter[str] = field(default_factory=Counter)
    by_category: dict[str, Counter[str]] = field(default_factory=dict)
    by_band: dict[str, Counter[str]] = field(default_factory=dict)
    planning_ms: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(
        self, question: Question, outcome: str, note: str, milliseconds: float, confidence: float
    ) -> None:
        self.outcomes[outcome] += 1
        self.by_category.setdefault(question.category, Counter())[outcome] += 1
        if outcome in ("right", "wrong", "failed"):
            band = ">=0.9" if confidence >= 0.9 else ">=0.75" if confidence >= SURE else "below"
            self.by_band.setdefault(band, Counter())[outcome] += 1
        self.planning_ms.append(milliseconds)
        self.lines.append(
            f"  {outcome:9} {confidence:.2f} [{question.category}] {question.text}  {note}"
        )

    def share_right(self) -> float:
        good = self.outcomes["right"] + self.outcomes["refused"]
        return good / self.outcomes.total()

    def merge(self, other: Score) -> None:
        self.outcomes += other.outcomes
        for mine, theirs in ((self.by_category, other.by_category), (self.by_band, other.by_band)):
            for name, counts in theirs.items():
                mine.setdefault(name, Counter()).update(counts)
        self.planning_ms += other.planning_ms


def evaluate(folder: Path, work: Path) -> Score:
    target = work / f"{folder.name}.duckdb"
    build_database(folder, target)
    engine = DuckDBEngine(work)
    source = DataSource(
        source_id=folder.name, organization_id="eval", name=folder.name, engine="duckdb",
        options={"path": target.name},
    )  # fmt: skip
    model = infer_model(folder.name, read_catalog(engine, source))
    engine.close()
    return ask_all(read_questions(folder), model, target, today_of(folder))


def ask_all(
    questions: Sequence[Question], model: SemanticModel, database: Path, today: date
) -> Score:
    score = Score()
    with duckdb.connect(str(database), read_only=True) as connection:
        for question in questions:
            started = time.perf_counter()
            read = plan(question.text, model, today=today, instructions=question.instructions)
            milliseconds = (time.perf_counter() - started) * 1000
            outcome, note = _judge(question, read, model, connection, today)
            confidence = read.score if isinstance(read, Reading) else 0.0
            score.add(question, outcome, note, milliseconds, confidence)
    return score


def _judge(
    question: Question,
    read: Reading | Unreadable,
    model: SemanticModel,
    connection: duckdb.DuckDBPyConnection,
    today: date,
) -> tuple[str, str]:
    if not isinstance(read, Reading):
        return ("refused" if question.must_refuse else "asked"), read.clarification.question
    shown = " · ".join(f"{c.key} {c.value}" for c in read.chips)
    if question.must_refuse:
        return "guessed", shown
    try:
        compiled = compile_query(read.query, model, dialect="duckdb", default_limit=100_000)
        rows = connection.execute(compiled.sql).fetchall()
    except (AiserError, duckdb.Error) as error:
        return "failed", f"{shown} !! {str(error)[:150]}"
    for variant in question.variants():
        sql = variant.replace("CURRENT_DATE", f"DATE '{today.isoformat()}'")
        gold = connection.execute(sql).fetchall()
        whole = read.superlative != "" and read.query.limit is None
        if same(rows, gold) or (whole and starts_with(rows, gold)):
            return "right", shown
    return "wrong", shown


def report(name: str, score: Score) -> str:
    n = score.outcomes
    answerable = n["right"] + n["wrong"] + n["failed"] + n["asked"]
    answered = n["right"] + n["wrong"] + n["failed"]
    unanswerable = n["refused"] + n["guessed"]
    p95 = statistics.quantiles(score.planning_ms, n=20)[-1]
    return (
        f"{name:10} right {n['right']}/{answerable} ({_share(n['right'], answerable)})  "
        f"answered {answered} ({_share(answered, answerable)})  "
        f"precision {_share(n['right'], answered)}  "
        f"refused {n['refused']}/{unanswerable}  "
        f"planning p50 {statistics.median(score.planning_ms):.1f} ms, p95 {p95:.1f} ms"
    )


def categories(score: Score) -> str:
    lines = []
    for name, n in sorted(score.by_category.items()):
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(n.items()))
        lines.append(f"  {name:20} {counts}")
    for name, n in sorted(score.by_band.items()):
        lines.append(f"  confidence {name:9} right {n['right']} of {n.total()}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "none"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evals")
    parser.add_argument("names", nargs="*", default=list(DEFAULT))
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--categories", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        model, path = sample_model(Path(work))
        own = ask_all(read_cases("flights"), model, path, OWN_TODAY)
    print(report("own cases", own))
    if options.misses:
        print("\n".join(own.lines))
    if own.share_right() < OWN_BASELINE:
        print(f"Fewer than {OWN_BASELINE:.0%} of the own cases are right.")
        return 1
    if not options.sets.is_dir():
        print(f"There are no question sets at {options.sets}; nothing was measured.")
        return 0
    unknown = [name for name in options.names if not (options.sets / name).is_dir()]
    if unknown:
        print(f"Unknown question sets: {', '.join(unknown)}.")
        return 2
    total = Score()
    with tempfile.TemporaryDirectory() as work:
        for name in options.names:
            score = evaluate(options.sets / name, Path(work))
            total.merge(score)
            print(report(name, score))
            if options.misses:
                print("\n".join(score.lines))
    if len(options.names) > 1:
        print(report("all", total))
    if options.categories:
        print(categories(total))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
