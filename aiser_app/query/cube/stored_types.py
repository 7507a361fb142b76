"""What the source's catalog knows of the columns behind Cube's members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.semantic_model import Aggregation, SemanticModel
from aiser_app.query.cube.expressing import CubeColumn, LoadPlan

_KEEPING = frozenset(
    {
        Aggregation.SUM,
        Aggregation.AVG,
        Aggregation.MIN,
        Aggregation.MAX,
        Aggregation.MEDIAN,
    }
)
"""Aggregates of floating point numbers that are floating point numbers."""


def with_stored_types(
    load: LoadPlan, model: SemanticModel, tables: Mapping[str, GrantedTable]
) -> LoadPlan:
    """Cube calls every number a number, and every day a time."""
    columns = tuple(replace(item, stored=_stored(item, model, tables)) for item in load.columns)
    return replace(load, columns=columns)


def _stored(item: CubeColumn, model: SemanticModel, tables: Mapping[str, GrantedTable]) -> str:
    cube = model.find_cube(item.member.partition(".")[0])
    measure, dimension = model.find_measure(item.member), model.find_dimension(item.member)
    column = ""
    if measure is not None and measure.aggregation in _KEEPING:
        column = measure.column
    elif measure is None and dimension is not None:
        column = dimension.column
    if cube is None or not column or cube.table not in tables:
        return ""
    return tables[cube.table].column_types.get(column, "")
