"""What a sync measured is told only as far as policies allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiser_app.access.known_values import seen_model, seen_table
from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.domain.policy import ColumnMask, GrantedTable, MaskKind, Policies, RowPolicy
from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType, SemanticModel

ROWS = Policies(rows=(RowPolicy(name="own", table="Orders", condition="1 = 1"),))
MASK = Policies(masks=(ColumnMask(name="m", table="orders", column="EMAIL", kind=MaskKind.NULL),))
NAMES = ("email", "region")


def table(name: str = "orders", **given: object) -> TableProfile:
    columns = tuple(
        ColumnProfile(
            name=column,
            type="string",
            native_type="TEXT",
            description="kept",
            distinct_count=2,
            null_fraction=0.5,
            minimum="a",
            maximum="z",
            average_length=3.0,
            values=("a", "z"),
            is_sampled=True,
            is_unique=True,
        )
        for column in NAMES
    )
    return replace(TableProfile(name=name, row_count=9, columns=columns), **given)  # type: ignore[arg-type]


def model(*tables: str) -> SemanticModel:
    dimensions = tuple(
        Dimension(
            name=name,
            column=name,
            type=DimensionType.STRING,
            title=name.title(),
            distinct_count=2,
            null_fraction=0.5,
            values=("a", "z"),
            is_sampled=True,
            minimum="a",
            maximum="z",
        )
        for name in NAMES
    )
    cubes = tuple(
        Cube(name=name, table=name, title=name, row_count=9, dimensions=dimensions)
        for name in tables
    )
    return SemanticModel(source_id="0" * 32, cubes=cubes)


def open_columns(seen: TableProfile) -> list[str]:
    """Columns of which something is told."""
    blank = {
        "distinct_count": None,
        "null_fraction": 0.0,
        "minimum": None,
        "maximum": None,
        "average_length": None,
        "values": (),
        "is_sampled": False,
        "is_unique": False,
    }
    assert [(c.name, c.type, c.native_type, c.description) for c in seen.columns] == [
        (name, "string", "TEXT", "kept") for name in NAMES
    ]
    return [
        c.name
        for c in seen.columns
        if any(getattr(c, key) != value for key, value in blank.items())
    ]


def open_members(seen: SemanticModel) -> dict[str, list[str]]:
    return {
        cube.name: [d.name for d in cube.dimensions if d.values or d.minimum or d.distinct_count]
        for cube in seen.cubes
    }


def test_without_policies_everything_is_told() -> None:
    assert seen_table(table(), Policies()) == table()
    assert seen_model(model("orders"), {}, Policies()) == model("orders")


def test_a_row_policy_hides_all_of_its_table() -> None:
    seen = seen_table(table(), ROWS)
    assert (open_columns(seen), seen.row_count) == ([], 0)
    assert seen_table(table("customers"), ROWS) == table("customers")


def test_a_mask_hides_its_column() -> None:
    seen = seen_table(table(), MASK)
    assert (open_columns(seen), seen.row_count) == (["region"], 9)
    assert open_columns(seen_table(table("customers"), MASK)) == list(NAMES)


@pytest.mark.parametrize("policies", [ROWS, MASK])
def test_views_tell_nothing_of_what_lies_below(policies: Policies) -> None:
    for below in (None, ("ORDERS",), ("customers", "orders")):
        view = table("v", is_view=True, depends_on=below)
        assert open_columns(seen_table(view, policies)) == []
    other = table("v", is_view=True, depends_on=("customers",))
    assert seen_table(other, policies) == other


def test_the_model_says_as_little() -> None:
    tables = {
        "orders": GrantedTable(name="orders"),
        "customers": GrantedTable(name="customers"),
        "v": GrantedTable(name="v", is_view=True, depends_on=("orders",)),
    }
    whole = model("orders", "customers", "v", "unknown")
    seen = seen_model(whole, tables, ROWS)
    assert open_members(seen) == {"orders": [], "customers": list(NAMES), "v": [], "unknown": []}
    assert [cube.row_count for cube in seen.cubes] == [0, 9, 0, 0]
    assert [d.title for d in seen.cubes[0].dimensions] == ["Email", "Region"]
    masked = seen_model(whole, tables, MASK)
    assert open_members(masked) == {
        "orders": ["region"],
        "customers": list(NAMES),
        "v": [],
        "unknown": [],
    }
