"""Questions with their gold queries, and the databases they are asked of."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    gold: str
    category: str
    instructions: str = ""

    @property
    def must_refuse(self) -> bool:
        return self.category == REFUSE

    def variants(self) -> Iterator[str]:
        """Every accepted gold query: alternatives by `;`, `{a, b}` as any non-empty subset."""
        for alternative in self.gold.split(";"):
            if alternative.strip():
                yield from _subsets(alternative.strip())


def _subsets(sql: str) -> Iterator[str]:
    found = re.search(r"\{([^{}]*)\}", sql)
    if found is None:
        yield sql
        return
    columns = _split_columns(found.group(1))
    for size in range(1, len(columns) + 1):
        for chosen in itertools.combinations(columns, size):
            text = ", ".join(chosen)
            plain = ", ".join(re.sub(r"\s+AS\s+\w+$", "", c, flags=re.IGNORECASE) for c in chosen)
            head, tail = sql[: found.start()] + text, sql[found.end() :]
            yield from _subsets(head + tail.replace("GROUP BY {}", f"GROUP BY {plain}"))


def _split_columns(text: str) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [p for p in [*parts, current.strip()] if p]


def read_questions(folder: Path) -> list[Question]:
    with (folder / "questions.csv").open(newline="") as file:
        return [
            Question(
                row["question"], row["query"], row["query_category"], row.get("instructions") or ""
            )
            for row in csv.DictReader(file)
        ]


def today_of(folder: Path) -> date:
    return date.fromisoformat(json.loads((folder / "meta.json").read_text())["today"])


def build_database(folder: Path, target: Path) -> None:
    """The Parquet tables as a DuckDB file, like an upload: no keys are declared."""
    with duckdb.connect(str(target)) as connection:
        for table in sorted((folder / "tables").glob("*.parquet")):
            connection.execute(
                f'CREATE TABLE "{table.stem}" AS SELECT * FROM read_parquet(?)', [str(table)]
            )
