"""What people decide and what syncs measure, taken apart and put together."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.model_facts import (
    ModelDrift,
    columns_used,
    drift_of,
    with_facts,
    without_facts,
)
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    SemanticModel,
)


def a_dimension(name: str, **facts: object) -> Dimension:
    values = {"column": name, "type": DimensionType.STRING, "title": name, **facts}
    return Dimension(name=name, **values)  # type: ignore[arg-type]


MEASURED = a_dimension(
    "status", distinct_count=2, null_fraction=0.5, values=("a", "b"), is_sampled=True,
    minimum="a", maximum="b",
)  # fmt: skip


def a_model(*dimensions: Dimension, **facts: object) -> SemanticModel:
    values = {"table": "orders", "title": "Orders", "row_count": 9, **facts}
    cube = Cube(name="orders", dimensions=dimensions, **values)  # type: ignore[arg-type]
    return SemanticModel(source_id="1" * 32, cubes=(cube,), version=3)


def test_facts_come_from_what_was_measured_and_from_nowhere_else() -> None:
    forged = replace(MEASURED, name="renamed", title="State", values=("forged",), minimum="0")
    other = a_dimension("other", distinct_count=7)
    edited = a_model(forged, other, row_count=1)
    found = with_facts(edited, a_model(MEASURED)).cubes[0]
    assert found.row_count == 9
    assert found.dimensions == (
        replace(MEASURED, name="renamed", title="State"),
        a_dimension("other"),
    )


def test_bounds_belong_to_a_way_of_reading_the_column() -> None:
    read = replace(MEASURED, text_format="yyyymmdd", type=DimensionType.TIME)
    found = with_facts(a_model(read), a_model(MEASURED)).cubes[0].dimensions[0]
    assert (found.minimum, found.maximum, found.distinct_count) == ("", "", 2)
    assert with_facts(a_model(read), a_model(read)) == a_model(read)


def test_of_sql_and_of_unknown_tables_nothing_is_known() -> None:
    computed = a_dimension("x", column="", sql="{CUBE}.status")
    assert with_facts(a_model(computed), a_model(MEASURED)).cubes[0].dimensions == (computed,)
    made = a_model(MEASURED, table="", sql="SELECT 1 AS status")
    assert with_facts(made, a_model(MEASURED)).cubes[0].dimensions == (a_dimension("status"),)
    gone = with_facts(a_model(MEASURED, table="gone"), a_model(MEASURED)).cubes[0]
    assert (gone.row_count, gone.dimensions) == (0, (a_dimension("status"),))


def test_without_facts_only_decisions_are_left() -> None:
    model = without_facts(a_model(MEASURED))
    assert model == a_model(a_dimension("status"), row_count=0)
    assert with_facts(model, a_model(MEASURED)) == a_model(MEASURED)


def test_a_dimension_made_of_parts_has_the_facts_of_its_parts() -> None:
    parts = a_dimension("date", column="", date_parts=("y", "m"), minimum="2024-01-01")
    assert with_facts(without_facts(a_model(parts)), a_model(parts)) == a_model(parts)


def test_columns_are_used_in_many_places() -> None:
    model = a_model(
        a_dimension("a"),
        a_dimension("date", column="", date_parts=("y", "m")),
        measures=(
            Measure(name="m", aggregation=Aggregation.SUM, column="t", title="M"),
            Measure(name="count", aggregation=Aggregation.COUNT, column="", title="C"),
        ),
        joins=(
            Join(target="orders", columns=(("boss", "id"),)),
            Join(target="nothing", columns=(("x", "y2"),)),
        ),
    )
    made = Cube(name="made", table="", sql="SELECT 1 AS a", title="Made")
    model = replace(model, cubes=(*model.cubes, made))
    assert columns_used(model) == {"orders": {"a", "y", "m", "t", "boss", "id", "x"}}


def test_drift_tells_what_is_gone_and_what_is_new() -> None:
    edited = a_model(a_dimension("a"), a_dimension("b"))
    base = a_model(a_dimension("a"), a_dimension("b"), a_dimension("known"))
    gone = replace(edited.cubes[0], name="gone", table="gone")
    edited = replace(edited, cubes=(*edited.cubes, gone))
    shapes = {"orders": {"a": "INT", "known": "INT", "new": "INT"}, "fresh": {"x": "INT"}}
    assert drift_of(edited, base, shapes) == ModelDrift(
        missing_tables=("gone",),
        missing_columns=("orders.b",),
        new_tables=("fresh",),
        new_columns=("orders.new",),
    )
    assert drift_of(a_model(a_dimension("a")), None, {"orders": {"a": "INT"}}).is_empty
