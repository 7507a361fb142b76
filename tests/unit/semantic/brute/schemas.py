"""Small random databases: a tree of tables, with missing values and keys that lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)

Row = dict[str, Any]

SHAPES: tuple[tuple[tuple[str, str], ...], ...] = (
    (("a", "b"),),
    (("a", "b"), ("b", "c")),
    (("a", "b"), ("c", "b")),  # two facts of one thing
    (("a", "b"), ("a", "c")),  # a bridge between b and c
    (("a", "b"), ("a", "c"), ("c", "d")),
    (("a", "b"), ("c", "b"), ("b", "d")),
    (("a", "b"), ("c", "a"), ("c", "d")),  # facts of facts, and a way up and down
)
"""Edges from many to one, as (owner, target); between two tables there is one way only."""

_TYPES = {
    "id": DimensionType.NUMBER,
    "n": DimensionType.NUMBER,
    "w": DimensionType.NUMBER,
    "t": DimensionType.STRING,
    "moment": DimensionType.TIME,
    "yes": DimensionType.BOOLEAN,
}
_SQL_TYPES = {
    "id": "INTEGER",
    "n": "INTEGER",
    "w": "DOUBLE",
    "t": "VARCHAR",
    "moment": "TIMESTAMP",
    "yes": "BOOLEAN",
}
TEXTS = ("a", "A", "b", "b%", "o'c")
TIMES = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2023-12-31 23:59:59",
        "2024-01-01 00:00:00",
        "2024-01-31 12:00:00",
        "2024-02-29 08:30:00",
        "2024-04-01 00:00:00",
    )
)


@dataclass(frozen=True)
class Schema:
    edges: tuple[tuple[str, str], ...]
    rows: dict[str, list[Row]]
    prefix: str = ""
    """Of the names of tables, so that several databases fit into one."""

    @property
    def cubes(self) -> tuple[str, ...]:
        return tuple(self.rows)

    @property
    def model(self) -> SemanticModel:
        return SemanticModel(
            source_id="1" * 32,
            cubes=tuple(_cube(name, self.prefix, self.edges) for name in self.cubes),
        )

    def statements(self) -> list[str]:
        """What creates and fills the tables."""
        made = []
        for name, rows in self.rows.items():
            columns = [*_TYPES, *(f"{target}_id" for own, target in self.edges if own == name)]
            kinds = ", ".join(f"{c} {_SQL_TYPES[c.rpartition('_')[2]]}" for c in columns)
            made.append(f"CREATE TABLE {self.prefix}{name} ({kinds})")
            values = ", ".join(
                "(" + ", ".join(_literal(row.get(column)) for column in columns) + ")"
                for row in rows
            )
            if rows:
                made.append(f"INSERT INTO {self.prefix}{name} VALUES {values}")
        return made


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _cube(name: str, prefix: str, edges: tuple[tuple[str, str], ...]) -> Cube:
    targets = [target for own, target in edges if own == name]
    return Cube(
        name=name,
        table=f"{prefix}{name}",
        title=name.upper(),
        primary_key=("id",),
        dimensions=tuple(
            Dimension(name=column, column=column, type=kind, title=column)
            for column, kind in _TYPES.items()
        ),
        measures=(
            Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Count"),
            Measure(name="sum_n", aggregation=Aggregation.SUM, column="n", title="Sum"),
            Measure(name="avg_w", aggregation=Aggregation.AVG, column="w", title="Average"),
            Measure(name="max_n", aggregation=Aggregation.MAX, column="n", title="Most"),
            Measure(name="median_w", aggregation=Aggregation.MEDIAN, column="w", title="Median"),
            Measure(
                name="texts", aggregation=Aggregation.COUNT_DISTINCT, column="t", title="Texts"
            ),
        ),
        joins=tuple(
            Join(target=t, columns=((f"{t}_id", "id"),), source="declared") for t in targets
        ),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """The shape and the sizes shrink; the values come from a seed, which is far quicker to draw."""
    edges = draw(st.sampled_from(SHAPES))
    sizes = {name: draw(st.integers(0, 6)) for name in _names(edges)}
    return filled_schema(edges, sizes, draw(st.integers(0, 10_000)))


def filled_schema(
    edges: tuple[tuple[str, str], ...], sizes: dict[str, int], seed: int, prefix: str = ""
) -> Schema:
    """A schema with as many rows as asked for."""
    chance = Random(seed)
    rows = {
        name: [
            _row(chance, number, [target for own, target in edges if own == name])
            for number in range(1, count + 1)
        ]
        for name, count in sizes.items()
    }
    return Schema(edges, rows, prefix)


def fixed_schemas() -> list[Schema]:
    """Every shape twice, small and smaller, under names of its own."""
    return [
        filled_schema(
            edges,
            {name: 6 - smaller - place for place, name in enumerate(_names(edges))},
            7 * number + smaller,
            f"s{number}_{smaller}_",
        )
        for number, edges in enumerate(SHAPES)
        for smaller in (0, 2)
    ]


def _names(edges: tuple[tuple[str, str], ...]) -> list[str]:
    return list(dict.fromkeys(name for edge in edges for name in edge))


def _row(chance: Random, number: int, targets: list[str]) -> Row:
    values: Row = {
        "n": chance.randint(-2, 3),
        "w": chance.randint(-8, 8) / 4,
        "t": chance.choice(TEXTS),
        "moment": chance.choice(TIMES),
        "yes": chance.random() < 0.5,
        **{f"{target}_id": chance.randint(1, 6) for target in targets},
    }
    return {"id": number} | {
        name: value if chance.random() > 0.2 else None for name, value in values.items()
    }
