"""What was measured of a source's values, as somebody may know it whose rows or columns are limited.

A sync reads values of columns for everybody at once. Shown as they are, they would tell what a row
policy or a mask hides: the values of other regions, the smallest salary, how many there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.domain.policy import GrantedTable, Policies
from aiser_app.domain.semantic_model import Cube, Dimension, SemanticModel


def seen_table(table: TableProfile, policies: Policies) -> TableProfile:
    """The table without the facts that `policies` hide."""
    if _hides_rows(table.name, table.is_view, table.depends_on, policies):
        columns = tuple(_unmeasured(column) for column in table.columns)
        return replace(table, row_count=0, columns=columns)
    masked = _masked(table.name, policies)
    if not masked:
        return table
    return replace(
        table,
        columns=tuple(
            _unmeasured(column) if column.name.casefold() in masked else column
            for column in table.columns
        ),
    )


def seen_model(
    model: SemanticModel, tables: Mapping[str, GrantedTable], policies: Policies
) -> SemanticModel:
    """The model without the facts that `policies` hide; `tables` tell what its views read."""
    if policies.is_empty:
        return model
    return replace(model, cubes=tuple(_seen_cube(cube, tables, policies) for cube in model.cubes))


def may_know_values(
    table: str, column: str, known: GrantedTable | None, policies: Policies
) -> bool:
    """Whether somebody may know which values a column has; `known` is what the catalog says of it."""
    if policies.is_empty:
        return True
    is_view, below = (known.is_view, known.depends_on) if known else (True, None)
    if _hides_rows(table, is_view, below, policies):
        return False
    return column.casefold() not in _masked(table, policies)


def _seen_cube(cube: Cube, tables: Mapping[str, GrantedTable], policies: Policies) -> Cube:
    known = tables.get(cube.table)
    is_view, below = (known.is_view, known.depends_on) if known else (True, None)
    if _hides_rows(cube.table, is_view, below, policies):
        return replace(
            cube, row_count=0, dimensions=tuple(_unmeasured_dimension(d) for d in cube.dimensions)
        )
    masked = _masked(cube.table, policies)
    if not masked:
        return cube
    return replace(
        cube,
        dimensions=tuple(
            _masked_dimension(d) if d.column.casefold() in masked else d for d in cube.dimensions
        ),
    )


def _hides_rows(
    table: str, is_view: bool, depends_on: tuple[str, ...] | None, policies: Policies
) -> bool:
    """Whether somebody may not see all rows; of a view also, whether it may show what is hidden."""
    rows = {policy.table.casefold() for policy in policies.rows}
    if table.casefold() in rows:
        return True
    if not is_view or policies.is_empty:
        return False
    about = {name.casefold() for name in policies.tables}
    return depends_on is None or any(name.casefold() in about for name in depends_on)


def _masked(table: str, policies: Policies) -> set[str]:
    return {
        mask.column.casefold()
        for mask in policies.masks
        if mask.table.casefold() == table.casefold()
    }


def _unmeasured(column: ColumnProfile) -> ColumnProfile:
    return ColumnProfile(
        name=column.name,
        type=column.type,
        native_type=column.native_type,
        description=column.description,
        is_clock=column.is_clock,
    )


def _unmeasured_dimension(dimension: Dimension) -> Dimension:
    return replace(
        dimension,
        distinct_count=None,
        null_fraction=0.0,
        values=(),
        is_sampled=False,
        minimum="",
        maximum="",
    )


def _masked_dimension(dimension: Dimension) -> Dimension:
    """Of a masked column not even what its codes mean: that tells which codes there are."""
    return replace(_unmeasured_dimension(dimension), value_titles=())
