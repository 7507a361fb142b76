"""How well undeclared joins are found: precision and recall against the joins that are there.

Usage: python -m tests.evals.joins [database …] [--sets=FOLDER] [--names]. Prints figures only: databases that are held
back stay unseen. `--names` lists what differs, for databases that were opened already.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.semantic.inference import infer_model
from tests.evals.questions import build_database

SETS = Path(__file__).parents[3] / "shared" / "evals" / "aiser"

Edge = tuple[str, tuple[str, ...], str, tuple[str, ...]]
"""(table, its columns, target, the target's columns)"""


@dataclass(frozen=True, slots=True)
class JoinScore:
    found: frozenset[Edge]
    true: frozenset[Edge]
    seconds: float
    statements: int

    @property
    def right(self) -> int:
        return len(self.found & self.true)

    def kinds_of_misses(self) -> Counter[str]:
        """What became of the joins that were not found, and what the others are: numbers, no names."""
        kinds: Counter[str] = Counter()
        linked = {(table, own): (target, other) for table, own, target, other in self.found}
        for table, own, target, _ in self.true - self.found:
            got = linked.get((table, own))
            if got is None:
                is_part = any(table == t and set(own) & set(o) for t, o in linked)
                kinds["part of a composite" if is_part else "not linked"] += 1
            elif got[0] == target:
                kinds["other column of the target"] += 1
            else:
                kinds["to itself" if got[0] == table else "other target"] += 1
        columns = {(table, own) for table, own, _, _ in self.true}
        kinds["extra"] += sum((t, own) not in columns for t, own, _, _ in self.found)
        return kinds

    def line(self, name: str) -> str:
        precision = self.right / len(self.found) if self.found else 0.0
        recall = self.right / len(self.true) if self.true else 0.0
        return (
            f"{name:10} true {len(self.true):3}  found {len(self.found):3}  right {self.right:3}  "
            f"precision {precision:.2f}  recall {recall:.2f}  "
            f"{self.statements} statements, {self.seconds:.1f} s"
        )


def infer(folder: Path, work: Path) -> tuple[SemanticModel, int]:
    """The model of a question set's database, and the statements it took to measure."""
    target = work / f"{folder.name}.duckdb"
    build_database(folder, target)
    engine = DuckDBEngine(work)
    source = DataSource(
        source_id=folder.name, organization_id="eval", name=folder.name, engine="duckdb",
        options={"path": target.name},
    )  # fmt: skip
    catalog = read_catalog(engine, source)
    engine.close()
    return infer_model(folder.name, catalog), catalog.statements


def score(folder: Path, work: Path) -> JoinScore:
    started = time.perf_counter()
    model, statements = infer(folder, work)
    return JoinScore(
        found=edges_of(model),
        true=true_edges(json.loads((folder / "meta.json").read_text())["true_joins"]),
        seconds=time.perf_counter() - started,
        statements=statements,
    )


def edges_of(model: SemanticModel) -> frozenset[Edge]:
    tables = {cube.name: cube.table for cube in model.cubes}
    return frozenset(
        (
            cube.table,
            tuple(own for own, _ in join.columns),
            tables[join.target],
            tuple(other for _, other in join.columns),
        )
        for cube in model.cubes
        for join in cube.joins
    )


def true_edges(joins: list[list[str]]) -> frozenset[Edge]:
    """Columns of a composite key are written with commas between them."""
    return frozenset(
        (table, _columns(own), target, _columns(other)) for table, own, target, other in joins
    )


def _columns(text: str | list[str]) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(part.strip() for part in parts)


def main(arguments: list[str]) -> int:
    names = [item for item in arguments if not item.startswith("-")]
    given = [item.removeprefix("--sets=") for item in arguments if item.startswith("--sets=")]
    sets = Path(given[0]) if given else SETS
    names = names or sorted(folder.name for folder in sets.iterdir() if folder.is_dir())
    with tempfile.TemporaryDirectory() as work:
        scores = {name: score(sets / name, Path(work)) for name in names}
    for name, found in scores.items():
        print(found.line(name))
        print(
            "          ", ", ".join(f"{kind}: {n}" for kind, n in found.kinds_of_misses().items())
        )
        if "--names" in arguments:
            for edge in sorted(found.true - found.found):
                print("   missed", edge)
            for edge in sorted(found.found - found.true):
                print("   extra ", edge)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
