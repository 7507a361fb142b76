"""The planner on the model that is inferred from the sample data, down to the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from aiser_app.planner.suggestions import suggest_questions
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.sample import ensure_sample
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.unit.planner.asking import TODAY, read, refused


@dataclass
class Sample:
    model: SemanticModel
    connection: duckdb.DuckDBPyConnection

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        query = read(self.model, question).query
        compiled = compile_query(query, self.model, dialect="duckdb", default_limit=1000)
        return self.connection.execute(compiled.sql).fetchall()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder: Path = tmp_path_factory.mktemp("sources")
    path = ensure_sample(folder)
    engine = DuckDBEngine(folder)
    source = DataSource(
        source_id="s", organization_id="o", name="Sample", engine="duckdb",
        options={"path": path.name},
    )  # fmt: skip
    model = infer_model("s", read_catalog(engine, source))
    engine.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        yield Sample(model, connection)


def test_worst_carrier(sample: Sample) -> None:
    rows = sample.rows("Which carrier has the worst average arrival delay?")
    assert rows[0][0] == "Frontier Airlines Inc."
    assert rows[0][1] == pytest.approx(21.92, abs=0.01)
    assert len(rows) == 16
    assert [r[1] for r in rows] == sorted((r[1] for r in rows), reverse=True)


def test_flights_by_month(sample: Sample) -> None:
    rows = sample.rows("number of flights by month")
    assert len(rows) == 12
    assert sum(r[-1] for r in rows) == 336_776
    assert rows[6][-1] == 29_425


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("how many flights", 336_776),
        ("how many flights in June", 28_243),
        ("how many flights from JFK", 111_279),
        ("how many flights had an arrival delay of more than 2 hours", 10_034),
        ("how many JetBlue flights", 54_635),
        ("how many airlines", 16),
        ("how many destinations", 105),
        ("how many planes have more than 300 seats", 197),
        ("maximum distance", 4_983),
    ],
)
def test_numbers(sample: Sample, question: str, value: float) -> None:
    assert sample.rows(question) == [(value,)]


def test_top_destinations_keep_airports_apart_by_their_code(sample: Sample) -> None:
    rows = sample.rows("top 5 destinations by number of flights")
    assert [r[1] for r in rows] == ["ORD", "ATL", "LAX", "BOS", "MCO"]


def test_suggestions_run(sample: Sample) -> None:
    questions = suggest_questions(sample.model, 8)
    assert len(questions) == 8
    for question in questions:
        assert sample.rows(question), question


@pytest.mark.parametrize(
    "question", ["average delay by carrier", "why are flights late", "flights by airport"]
)
def test_doubtful_questions_are_asked_back_with_questions_that_run(
    sample: Sample, question: str
) -> None:
    options = refused(sample.model, question).clarification.options
    assert len(options) >= 2
    for option in options:
        assert isinstance(plan(option, sample.model, today=TODAY), Reading)
        assert sample.rows(option)
