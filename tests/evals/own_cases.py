"""The project's own cases: questions over the sample with gold queries of their own."""

from __future__ import annotations

import csv
from pathlib import Path

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.sample import ensure_sample
from aiser_app.semantic.inference import infer_model
from tests.evals.questions import Question

CASES = Path(__file__).parent / "cases"


def read_cases(name: str) -> list[Question]:
    with (CASES / f"{name}.csv").open(newline="") as file:
        return [
            Question(row["question"], row["query"], row["query_category"], row["instructions"])
            for row in csv.DictReader(file)
        ]


def sample_model(folder: Path) -> tuple[SemanticModel, Path]:
    """The sample flights as a source, with the model that is inferred from them."""
    path = ensure_sample(folder)
    engine = DuckDBEngine(folder)
    source = DataSource(
        source_id="flights", organization_id="eval", name="Flights", engine="duckdb",
        options={"path": path.name},
    )  # fmt: skip
    model = infer_model("flights", read_catalog(engine, source))
    engine.close()
    return model, path
