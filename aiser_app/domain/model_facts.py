"""What people decide about a model, and what a sync measures: kept apart, put together for use.

Row counts, values and bounds belong to the data. They are never part of a file, come anew with every
sync, and so cannot be forged, lost or leaked by an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiser_app.domain.semantic_model import Cube, Dimension, SemanticModel


def without_facts(model: SemanticModel) -> SemanticModel:
    """Only what people decide."""
    return replace(
        model,
        cubes=tuple(
            replace(
                cube,
                row_count=0,
                dimensions=tuple(_measured(item, None) for item in cube.dimensions),
            )
            for cube in model.cubes
        ),
    )


def with_facts(model: SemanticModel, measured: SemanticModel) -> SemanticModel:
    """The model with the facts that `measured` has of the same tables and columns, and no others."""
    known = {cube.table: cube for cube in measured.cubes if cube.table}
    return replace(
        model, cubes=tuple(_with_facts(cube, known.get(cube.table)) for cube in model.cubes)
    )


def _with_facts(cube: Cube, measured: Cube | None) -> Cube:
    if measured is None or cube.sql:
        dimensions = tuple(_measured(item, None) for item in cube.dimensions)
        return replace(cube, row_count=0, dimensions=dimensions)
    facts = {_place(item): item for item in measured.dimensions}
    return replace(
        cube,
        row_count=measured.row_count,
        dimensions=tuple(
            _measured(item, None if item.sql else facts.get(_place(item)))
            for item in cube.dimensions
        ),
    )


def _place(item: Dimension) -> tuple[str, tuple[str, ...]]:
    return item.column, item.date_parts


def _measured(item: Dimension, fact: Dimension | None) -> Dimension:
    """Bounds are those of a time only where both read the column in the same way."""
    is_same_kind = fact is not None and fact.text_format == item.text_format
    return replace(
        item,
        distinct_count=fact.distinct_count if fact else None,
        null_fraction=fact.null_fraction if fact else 0.0,
        values=fact.values if fact else (),
        is_sampled=fact.is_sampled if fact else False,
        minimum=fact.minimum if fact and is_same_kind else "",
        maximum=fact.maximum if fact and is_same_kind else "",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDrift:
    """What syncs changed beneath an edited model; columns are written `table.column`."""

    missing_tables: tuple[str, ...] = ()
    """Cubes of these cannot be asked any more."""
    missing_columns: tuple[str, ...] = ()
    new_tables: tuple[str, ...] = ()
    """Came after the edit, and are not part of the model."""
    new_columns: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (
            self.missing_tables or self.missing_columns or self.new_tables or self.new_columns
        )


Shapes = Mapping[str, Mapping[str, str]]
"""Types by column name, by table name, as the last sync found them."""


def drift_of(model: SemanticModel, base: SemanticModel | None, shapes: Shapes) -> ModelDrift:
    """Compare an edited model with the tables there are; `base` is what was known at the edit."""
    used = columns_used(model)
    before = columns_used(base) if base is not None else used
    old_tables = set(before) | set(used)
    return ModelDrift(
        missing_tables=tuple(sorted(table for table in used if table not in shapes)),
        missing_columns=tuple(
            sorted(
                f"{table}.{column}"
                for table, columns in used.items()
                if table in shapes
                for column in columns
                if column not in shapes[table]
            )
        ),
        new_tables=tuple(sorted(table for table in shapes if table not in old_tables)),
        new_columns=tuple(
            sorted(
                f"{table}.{column}"
                for table in used
                if table in shapes and table in before
                for column in shapes[table]
                if column not in before[table] and column not in used[table]
            )
        ),
    )


def columns_used(model: SemanticModel) -> dict[str, set[str]]:
    """The columns that cubes name, by table; what is within SQL is not looked into."""
    tables = {cube.name: cube.table for cube in model.cubes}
    found: dict[str, set[str]] = {}
    for cube in model.cubes:
        if not cube.table:
            continue
        columns = found.setdefault(cube.table, set())
        columns.update(item.column for item in cube.dimensions if item.column)
        columns.update(part for item in cube.dimensions for part in item.date_parts)
        columns.update(item.column for item in cube.measures if item.column)
        for join in cube.joins:
            columns.update(own for own, _ in join.columns)
            target = tables.get(join.target, "")
            if target:
                found.setdefault(target, set()).update(other for _, other in join.columns)
    return found
