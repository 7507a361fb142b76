"""Types of the columns behind Cube's members."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.policy import GrantedTable
from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.query.cube.expressing import express
from aiser_app.query.cube.stored_types import with_stored_types
from tests.unit.query.cube.desk import MODEL


def test_columns_of_the_catalog() -> None:
    query = SemanticQuery(
        measures=("items.count", "items.revenue"),
        dimensions=tuple(
            DimensionRef(member=name) for name in ("items.sold_at", "items.size", "shops.kind")
        ),
    )
    items = GrantedTable(name="items", column_types={"price": "number", "sold_at": "date"})
    load = with_stored_types(express(query, MODEL, row_limit=10), MODEL, {"items": items})
    assert [(item.member, item.stored) for item in load.columns] == [
        ("items.sold_at", "date"),
        ("items.size", ""),
        ("shops.kind", ""),
        ("items.count", ""),
        ("items.revenue", "number"),
    ]


def test_counts_of_numbers_are_no_numbers_of_that_kind() -> None:
    cube = MODEL.cubes[0]
    measures = tuple(
        replace(item, aggregation=Aggregation.COUNT_DISTINCT, column="price")
        for item in cube.measures
    )
    model = replace(MODEL, cubes=(replace(cube, measures=measures),))
    items = GrantedTable(name="items", column_types={"price": "number"})
    query = SemanticQuery(measures=("items.revenue",))
    load = with_stored_types(express(query, model, row_limit=10), model, {"items": items})
    assert load.columns[0].stored == ""
