"""Asks the planner labelled questions over a database, and judges what it plans."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.errors import AiserError
from aiser_app.planner.calibration import features_of, is_plain
from aiser_app.planner.plan import likeliest, plan
from aiser_app.planner.reading import Reading, Unreadable
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.sample import ensure_sample
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.evals import second_schema
from tests.evals.questions import Question, build_database, read_questions, today_of
from tests.evals.scoring import same, starts_with

CASES = Path(__file__).with_name("cases")
OWN = ("nycflights13", "bicycle_workshops")
FOLLOW_UPS = "follow_ups"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One question and what became of it: right, wrong, failed, asked, refused or guessed."""

    database: str
    line: int
    """In its file; of own cases the odd ones may be read, the even ones measure."""
    question: Question
    outcome: str
    note: str
    confidence: float = 0.0
    milliseconds: float = 0.0
    features: dict[str, float] = field(default_factory=dict)
    is_plain: bool = False
    """Read by the narrow grammar alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A database with its model, and the day on which it is asked."""

    name: str
    path: Path
    model: SemanticModel
    today: date


def open_set(folder: Path, work: Path) -> Bench:
    target = work / f"{folder.name}.duckdb"
    build_database(folder, target)
    return _bench(folder.name, target, today_of(folder))


def open_own(name: str, work: Path) -> Bench:
    target = work / f"{name}.duckdb"
    if name == "nycflights13":
        before = set(work.glob("*.duckdb"))
        ensure_sample(work)
        (made,) = set(work.glob("*.duckdb")) - before
        target = made
    else:
        second_schema.build(target)
    return _bench(name, target, second_schema.TODAYS[name])


def _bench(name: str, path: Path, today: date) -> Bench:
    engine = DuckDBEngine(path.parent)
    source = DataSource(
        source_id=name, organization_id="eval", name=name, engine="duckdb",
        options={"path": path.name},
    )  # fmt: skip
    model = infer_model(name, read_catalog(engine, source))
    engine.close()
    return Bench(name=name, path=path, model=model, today=today)


def questions_of(folder: Path) -> list[tuple[int, Question]]:
    return list(enumerate(read_questions(folder), 2))


def own_questions(name: str) -> list[tuple[int, Question]]:
    with (CASES / f"{name}.csv").open(newline="") as file:
        return [
            (
                line,
                Question(row["question"], row["query"], row["query_category"], row["instructions"]),
            )
            for line, row in enumerate(csv.DictReader(file), 2)
        ]


def follow_ups(name: str) -> list[tuple[int, str, Question]]:
    """Line, the first question, and the follow-up with the gold query of both together."""
    with (CASES / f"{FOLLOW_UPS}.csv").open(newline="") as file:
        return [
            (line, row["question"], Question(row["follow_up"], row["query"], row["query_category"]))
            for line, row in enumerate(csv.DictReader(file), 2)
            if row["db_name"] == name
        ]


def ask_all(bench: Bench, questions: Sequence[tuple[int, Question]]) -> list[Case]:
    def read(question: Question) -> Reading | Unreadable:
        return plan(
            question.text, bench.model, today=bench.today, instructions=question.instructions
        )

    return _ask(bench, [(line, question, read) for line, question in questions])


def ask_for_training(bench: Bench, questions: Sequence[tuple[int, Question]]) -> list[Case]:
    """The likeliest reading of each, however sure; with what its confidence is measured by."""

    def read(question: Question) -> Reading | Unreadable:
        return likeliest(
            question.text, bench.model, today=bench.today, instructions=question.instructions
        )

    return _ask(bench, [(line, question, read) for line, question in questions])


def ask_follow_ups(bench: Bench) -> list[Case]:
    asks = []
    for line, first, question in follow_ups(bench.name):
        read = plan(first, bench.model, today=bench.today)
        previous = read.query if isinstance(read, Reading) else None

        def follow(asked: Question, previous: object = previous) -> Reading | Unreadable:
            return plan(asked.text, bench.model, today=bench.today, previous=previous)  # type: ignore[arg-type]

        asks.append((line, question, follow))
    return _ask(bench, asks)


def _ask(
    bench: Bench, asks: Sequence[tuple[int, Question, Callable[[Question], Reading | Unreadable]]]
) -> list[Case]:
    found = []
    with duckdb.connect(str(bench.path), read_only=True) as connection:
        for line, question, read_it in asks:
            started = time.perf_counter()
            read = read_it(question)
            milliseconds = (time.perf_counter() - started) * 1000
            outcome, note = judge(question, read, bench, connection)
            case = Case(
                database=bench.name,
                line=line,
                question=question,
                outcome=outcome,
                note=note,
                milliseconds=milliseconds,
            )
            if isinstance(read, Reading):
                case = replace(
                    case,
                    confidence=read.score,
                    features=features_of(question.text, read),
                    is_plain=is_plain(read),
                )
            found.append(case)
    return found


def judge(
    question: Question,
    read: Reading | Unreadable,
    bench: Bench,
    connection: duckdb.DuckDBPyConnection,
) -> tuple[str, str]:
    if not isinstance(read, Reading):
        return ("refused" if question.must_refuse else "asked"), read.clarification.question
    shown = " · ".join(f"{c.key} {c.value}" for c in read.chips)
    if question.must_refuse:
        return "guessed", shown
    try:
        compiled = compile_query(read.query, bench.model, dialect="duckdb", default_limit=100_000)
        rows = connection.execute(compiled.sql).fetchall()
    except (AiserError, duckdb.Error) as error:
        return "failed", f"{shown} !! {str(error)[:150]}"
    for variant in question.variants():
        sql = variant.replace("CURRENT_DATE", f"DATE '{bench.today.isoformat()}'")
        gold = connection.execute(sql).fetchall()
        whole = read.superlative != "" and read.query.limit is None
        if same(rows, gold) or (whole and starts_with(rows, gold)):
            return "right", shown
    return "wrong", shown
