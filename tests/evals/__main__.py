"""`make eval`: asks the planner every question of the given databases and counts what is right.

Usage: python -m tests.evals [database …] [--misses]. The question sets lie beside the project, in
`shared/evals/aiser`; without them there is nothing to do.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import AiserError
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.evals.questions import Question, build_database, read_questions, today_of
from tests.evals.scoring import same, starts_with

SETS = Path(__file__).parents[3] / "shared" / "evals" / "aiser"
DEFAULT = ("adspend", "factory")


@dataclass
class Score:
    outcomes: Counter[str] = field(default_factory=Counter)
    by_category: dict[str, Counter[str]] = field(default_factory=dict)
    planning_ms: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, question: Question, outcome: str, note: str, milliseconds: float) -> None:
        self.outcomes[outcome] += 1
        self.by_category.setdefault(question.category, Counter())[outcome] += 1
        self.planning_ms.append(milliseconds)
        self.lines.append(f"  {outcome:9} [{question.category}] {question.text}  {note}")


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
    today, score = today_of(folder), Score()
    with duckdb.connect(str(target), read_only=True) as connection:
        for question in read_questions(folder):
            started = time.perf_counter()
            read = plan(question.text, model, today=today)
            milliseconds = (time.perf_counter() - started) * 1000
            outcome, note = _judge(question, read, model, connection, today)
            score.add(question, outcome, note, milliseconds)
    return score


def _judge(
    question: Question,
    read: Any,
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
        return "failed", str(error)
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


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "none"


def main(arguments: list[str]) -> int:
    names = [a for a in arguments if not a.startswith("-")] or list(DEFAULT)
    if not SETS.is_dir():
        print(f"There are no question sets at {SETS}; nothing was measured.")
        return 0
    unknown = [name for name in names if not (SETS / name).is_dir()]
    if unknown:
        print(f"Unknown question sets: {', '.join(unknown)}.")
        return 2
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            score = evaluate(SETS / name, Path(work))
            print(report(name, score))
            if "--misses" in arguments:
                print("\n".join(score.lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
