"""What has no one meaning, or is too large, is refused in words that say what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Join,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.domain.semantic_query import (
    Condition,
    Constant,
    Expression,
    Filter,
    FilterGroup,
    FilterOperator,
    Metric,
    Overall,
    SemanticQuery,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.compiler import MAX_DEPTH, MAX_MEMBERS, MAX_VALUES, compile_query
from tests.unit.semantic.builders import Shop, by
from tests.unit.semantic.market import MODEL
from tests.unit.semantic.market_rows import compiled

COUNT = {"measure": "sales.count"}
BY_STATE = [{"member": "sales.state"}]
DONE = {"member": "sales.state", "operator": "equals", "values": ["done"]}


def _sold(**more: Any) -> list[dict[str, Any]]:
    return [{"dimension": "sales.sold", **more}]


def _m(expression: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"measures": ["m"], "metrics": [{"name": "m", "expression": expression}], **more}


def _row(row: dict[str, Any], aggregation: str = "sum", **more: Any) -> dict[str, Any]:
    return _m({"aggregation": aggregation, "cube": "sales", "row": row, **more})


def _field(row: dict[str, Any]) -> dict[str, Any]:
    return {"dimensions": [{"member": "f"}], "fields": [{"name": "f", "row": row}]}


AMOUNT = {"member": "sales.amount"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    # names
    (_field({"member": "f"}), "made of itself"),
    (_field({"bucket_of": {"member": "f"}, "width": "1"}), "made of itself"),
    (_m(COUNT, fields=[{"name": "m", "row": AMOUNT}]), "Two fields or metrics"),
    (_m(COUNT, fields=[{"name": "a.b", "row": AMOUNT}]), "without a dot"),
    (_m(COUNT, dimensions=[{"member": "nothing"}]), "no field or metric"),
    ({"dimensions": [{"member": "m"}], "metrics": [{"name": "m", "expression": COUNT}]}, "no field"),
    ({"measures": ["sales.count"], "segments": ["sales.nothing"]}, "no segment"),
    ({"measures": ["sales.count"], "segments": ["tags.nothing"]}, "no segment"),
    # conditions
    ({"measures": ["sales.count"], "filters": [{"conditions": []}]}, "has no condition"),
    (_m({**COUNT, "conditions": [{"conditions": []}]}), "has no condition"),
    (
        {"measures": ["sales.count"], "filters": [{"conditions": [
            DONE, {"member": "sales.count", "operator": "gt", "values": ["1"]}]}]},
        "about rows or about groups",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.count", "operator": "gt", "other": "sales.amount"}]},
        "about rows or about groups",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.amount", "operator": "contains", "other": "sales.quantity"}]},
        "cannot be compared",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.amount", "operator": "gt", "other": "sales.state"}]},
        "different types",
    ),
    (
        {"measures": ["people.count"], "filters": [
            {"member": "sales.amount", "operator": "gt", "other": "tickets.id"}]},
        "does not belong to one row",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.state", "operator": "beforeDate", "values": ["2024-01-01"]}]},
        "not a date",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.sold", "operator": "inDateRange", "values": ["2024-01-01"]}]},
        "first and its last day",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.state", "operator": "equals", "values": ["1"], "part": "year"}]},
        "not a date",
    ),
    (
        {"measures": ["sales.count"], "filters": [
            {"member": "sales.amount", "operator": "gt", "values": ["1e999"]}]},
        "no number",
    ),
    # existence
    ({"measures": ["people.count"], "filters": [{"cube": "cheap"}]}, "not connected"),
    ({"measures": ["people.count"], "filters": [{"cube": "sales", "role": "boss"}]}, "as “boss”"),
    ({"measures": ["people.count"], "filters": [{"cube": "sales", "at_least": 0}]}, "At least one"),
    ({"measures": ["people.count"], "filters": [{"cube": "nothing"}]}, "There is no"),
    # times
    ({"measures": ["sales.count"], "time_zone": "Mars/Base"}, "no time zone"),
    ({"measures": ["sales.count"], "week_start": 8}, "A week starts"),
    ({"time_dimensions": _sold(granularity="day", part="year")}, "not by both"),
    (
        {"time_dimensions": _sold(date_range=["2024-01-01", "2024-01-02"],
                                  compare_date_ranges=[["2024-01-01", "2024-01-02"]])},
        "one date range, or several",
    ),
    ({"time_dimensions": _sold(compare_date_ranges=[["2024-01-01", "2024-01-02"]] * 25)}, "At most"),
    ({"measures": ["sales.count"], "time_dimensions": _sold(fill_gaps=True)}, "between spans"),
    (
        {"time_dimensions": _sold(granularity="day", fill_gaps=True,
                                  compare_date_ranges=[["2024-01-01", "2024-01-02"]])},
        "cannot be filled",
    ),
    (
        {"measures": ["sales.count"], "time_dimensions": [
            *_sold(granularity="day", fill_gaps=True),
            {"dimension": "sales.paid", "granularity": "day", "fill_gaps": True}]},
        "one time only",
    ),
    (
        {"measures": ["sales.count"], "time_dimensions": _sold(
            granularity="week", fill_gaps=True, date_range=["0001-01-01", "0001-01-02"]),
         "week_start": 3},
        "too early",
    ),
    (
        {"measures": ["sales.count"], "time_dimensions": _sold(
            granularity="hour", fill_gaps=True, date_range=["2000-01-01", "2012-01-02"])},
        "too many spans",
    ),
    ({"measures": ["sales.count"], "time_dimensions": [
        {"dimension": "sales.state", "granularity": "day"}]}, "not a date"),
    # rows
    (_row({"operator": "+", "row_left": AMOUNT, "row_right": {"member": "sales.state"}}), "no number"),
    (_row({"operator": "+", "row_left": AMOUNT, "row_right": {"constant": "x"}}), "no number"),
    (_row({"condition": DONE}, "number"), "no way to aggregate"),
    (_row({"start": AMOUNT, "end": None, "unit": "day"}), "not a date"),
    (_row({"start": {"member": "sales.sold"}, "end": AMOUNT, "unit": "day"}), "not a date"),
    (
        {**_row({"start": {"member": "sales.sold"}, "end": None, "unit": "day"}), "today": "now"},
        "no date",
    ),
    (_row({"bucket_of": AMOUNT}), "either one width"),
    (_row({"bucket_of": AMOUNT, "width": "0"}), "no width"),
    (_row({"bucket_of": AMOUNT, "width": "wide"}), "no width"),
    (_row({"bucket_of": AMOUNT, "edges": [str(n) for n in range(201)]}), "at most 200 edges"),
    (_row({"bucket_of": AMOUNT, "edges": ["a"]}), "no number"),
    (_row(AMOUNT, "percentile"), "from 0 to 1"),
    (_row(AMOUNT, "percentile", percentile="2"), "from 0 to 1"),
    (_m({"aggregation": "sum", "cube": "people", "row": AMOUNT}), "no single value"),
    # figures
    (_m({"window": "running_total", "of": COUNT}, dimensions=BY_STATE), "need a time"),
    (_m({"window": "share", "of": COUNT, "within": BY_STATE}), "among the groups"),
    (_m({"window": "previous", "of": COUNT, "offset": 0}, time_dimensions=_sold(granularity="day")),
     "reaches over"),
    (_m({"aggregation": "avg", "per": [], "each": COUNT}), "what the groups are"),
    (
        _m({"aggregation": "avg", "per": [], "each": COUNT,
            "per_time": {"dimension": "sales.sold"}}),
        "need a granularity",
    ),
    (
        _m({"aggregation": "avg", "per": BY_STATE, "each": COUNT, "conditions": [
            {"member": "sales.count", "operator": "gt", "values": ["1"]}]}),
        "about `each`",
    ),
    (
        _m({"aggregation": "avg", "per": BY_STATE, "each": COUNT, "conditions": [
            {"cube": "people"}]}),
        "filtered by their figures",
    ),
    (
        _m({"aggregation": "avg", "per": BY_STATE, "each": COUNT, "conditions": [
            {"conditions": []}]}),
        "has no condition",
    ),
    (_m({"constant": "1"}), "of which rows"),
    # lists
    ({"dimensions": BY_STATE, "measures": ["sales.count"], "is_ungrouped": True}, "no measures"),
    ({"dimensions": BY_STATE, "is_ungrouped": True, "keep_empty": True}, "Empty groups"),
    (
        {"dimensions": BY_STATE, "is_ungrouped": True, "filters": [
            {"member": "sales.count", "operator": "gt", "values": ["1"]}]},
        "own columns",
    ),
    ({"dimensions": BY_STATE, "is_ungrouped": True, "order": [{"member": "sales.count"}]}, "no “count”"),
    ({"dimensions": BY_STATE, "limit_by": BY_STATE}, "need a limit"),
    ({"measures": ["sales.count"], "limit": 1, "with_ties": True}, "need an order"),
    ({"measures": ["sales.count"], "limit": 1, "limit_by": BY_STATE}, "among the groups"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "words"), REFUSED)
def test_refused(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryInvalid) as caught:
        compiled(parts, "duckdb")
    assert words in caught.value.message


# --- what a model says wrongly --------------------------------------------------------------------


def _model(**changes: Any) -> SemanticModel:
    plain = Dimension(name="n", column="n", type=DimensionType.NUMBER, title="N")
    cube = Cube(
        name="a",
        table="a",
        title="A",
        dimensions=(plain, *changes.pop("dimensions", ())),
        measures=(
            Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Count"),
            *changes.pop("measures", ()),
        ),
        segments=changes.pop("segments", ()),
    )
    others = changes.pop("others", ())
    return SemanticModel(source_id="1" * 32, cubes=(replace(cube, **changes), *others))


def _x(**parts: Any) -> Dimension:
    given = {"column": "", "type": DimensionType.NUMBER, **parts}
    return Dimension(name="x", title="X", **given)


def _y(aggregation: Aggregation = Aggregation.SUM, **parts: Any) -> Measure:
    return Measure(name="y", aggregation=aggregation, title="Y", **{"column": "", **parts})


NUMBER = Aggregation.NUMBER
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"dimensions": (_x(),)}, {"dimensions": by("a.x")}, "has no column"),
    ({"dimensions": (_x(sql="{CUBE}.n +"),)}, {"dimensions": by("a.x")}, "cannot be read"),
    ({"dimensions": (_x(sql="1; SELECT 2"),)}, {"dimensions": by("a.x")}, "cannot be read"),
    ({"dimensions": (_x(sql="DROP TABLE a"),)}, {"dimensions": by("a.x")}, "cannot be read"),
    ({"dimensions": (_x(sql="n" * 10_001),)}, {"dimensions": by("a.x")}, "too long"),
    ({"dimensions": (_x(sql="{z}"),)}, {"dimensions": by("a.x")}, "which it does not have"),
    ({"dimensions": (_x(sql="{x} + 1"),)}, {"dimensions": by("a.x")}, "refers to itself"),
    ({"dimensions": (_x(date_parts=("n",)),)}, {"dimensions": by("a.x")}, "year and month"),
    (
        {"dimensions": (_x(column="n", type=DimensionType.TIME, text_format="dd.mm.yyyy"),)},
        {"dimensions": by("a.x")},
        "cannot be read",
    ),
    ({"measures": (_y(),)}, {"measures": ("a.y",)}, "has no column"),
    ({"measures": (_y(NUMBER),)}, {"measures": ("a.y",)}, "needs an expression"),
    ({"measures": (_y(NUMBER, sql="{count}", filters=("n > 1",)),)}, {"measures": ("a.y",)}, "no filters"),
    ({"measures": (_y(NUMBER, sql="{y} + 1"),)}, {"measures": ("a.y",)}, "refers to itself"),
    ({"sql": "DELETE FROM a"}, {"measures": ("a.count",)}, "cannot be read"),
    ({"sql": "n + 1"}, {"measures": ("a.count",)}, "not a SELECT"),
    ({"segments": (Segment(name="s", sql="n >", title="S"),)},
     {"measures": ("a.count",), "segments": ("a.s",)}, "cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "parts", "words"), WRONG)
def test_mistakes_of_a_model_are_said(
    changes: dict[str, Any], parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(QueryInvalid) as caught:
        compile_query(SemanticQuery(**parts), _model(**changes), dialect="duckdb", default_limit=10)
    assert words in caught.value.message


def test_rows_without_a_key_are_not_told_apart() -> None:
    """The second table is the only one that could tell; where it refers by something, that is a key."""
    many = Cube(
        name="b",
        table="b",
        title="B",
        dimensions=(Dimension(name="t", column="t", type=DimensionType.STRING, title="T"),),
        joins=(Join(target="a", columns=(("a_n", "n"),)),),
    )
    query = SemanticQuery(measures=("a.count",), dimensions=by("b.t"))
    found = compile_query(query, _model(others=(many,)), dialect="duckdb", default_limit=10)
    assert "a.n AS row_0" in found.sql
    bridge = replace(many, joins=(Join(target="c", columns=(("c_id", "id"),)), *many.joins))
    far = Cube(
        name="c",
        table="c",
        title="C",
        measures=(Measure(name="count", aggregation=Aggregation.COUNT, column="", title="C"),),
        joins=(Join(target="b", columns=(("b_id", "id"),), role="up"),),
    )
    down = replace(bridge, joins=bridge.joins[1:])
    model = _model(others=(down, far))
    query = SemanticQuery(measures=("c.count",), dimensions=by("b.t"))
    assert compile_query(query, model, dialect="duckdb", default_limit=10).sql
    lonely = Cube(
        name="d", table="d", title="D", joins=(Join(target="b", columns=(("b_id", "id"),)),),
        measures=(Measure(name="count", aggregation=Aggregation.COUNT, column="", title="D"),),
    )  # fmt: skip
    sibling = Cube(
        name="e", table="e", title="E", joins=(Join(target="b", columns=(("b_id", "id"),)),),
        dimensions=(Dimension(name="t", column="t", type=DimensionType.STRING, title="T"),),
    )  # fmt: skip
    model = _model(others=(down, lonely, sibling))
    query = SemanticQuery(measures=("d.count",), dimensions=by("e.t"))
    with pytest.raises(QueryInvalid, match="no key to tell them apart"):
        compile_query(query, model, dialect="duckdb", default_limit=10)


# --- sizes ----------------------------------------------------------------------------------------


def _nested(levels: int) -> tuple[Condition, Expression]:
    condition: Condition = Filter(member="sales.id", operator=FilterOperator.SET)
    expression: Expression = Constant(constant="1")
    for _ in range(levels):
        condition = FilterGroup(conditions=(condition,))
        expression = Overall(overall=expression)
    return condition, expression


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 50, 5_000])
def test_depth_is_bounded(levels: int) -> None:
    condition, expression = _nested(levels)
    for query in (
        SemanticQuery(measures=("sales.count",), filters=(condition,)),
        SemanticQuery(measures=("m",), metrics=(Metric(name="m", expression=expression),)),
    ):
        with pytest.raises(QueryInvalid, match=f"nested {MAX_DEPTH} levels"):
            compile_query(query, MODEL, dialect="duckdb", default_limit=10)


def test_the_deepest_that_is_allowed() -> None:
    condition, _ = _nested(MAX_DEPTH)
    query = SemanticQuery(measures=("sales.count",), filters=(condition,))
    assert "IS NULL" in compile_query(query, MODEL, dialect="duckdb", default_limit=10).sql


@pytest.mark.parametrize("levels", [500, 50_000])
def test_json_of_thousands_of_levels_ends_in_words(levels: int) -> None:
    text = '{"filters": [' + '{"conditions": [' * levels + "]}" * levels + "]}"
    with pytest.raises(ValidationError):
        TypeAdapter(SemanticQuery).validate_json(text)
    tree: dict[str, Any] = {"member": "sales.id", "operator": "set"}
    for _ in range(levels):
        tree = {"conditions": [tree]}
    with pytest.raises(ValidationError):
        TypeAdapter(SemanticQuery).validate_python({"filters": [tree]})
    while tree.get("conditions"):  # taken apart from outside, for freeing it would be too deep
        tree = tree["conditions"].pop()


def test_members_and_values_are_bounded() -> None:
    many = tuple(["sales.count"] * (MAX_MEMBERS + 1))
    with pytest.raises(QueryInvalid, match="at most 200 members"):
        compile_query(SemanticQuery(measures=many), MODEL, dialect="duckdb", default_limit=10)
    values = tuple(map(str, range(MAX_VALUES + 1)))
    long = Filter(member="sales.id", operator=FilterOperator.EQUALS, values=values)
    query = SemanticQuery(measures=("sales.count",), filters=(FilterGroup(conditions=(long,)),))
    with pytest.raises(QueryInvalid, match="at most 5,000 values"):
        compile_query(query, MODEL, dialect="duckdb", default_limit=10)


def test_measures_of_the_one_side_say_which_way(shop: Shop) -> None:
    with pytest.raises(QueryInvalid, match="2 ways: buyer, payer"):
        shop.compile(measures=("customers.count",), dimensions=by("orders.order"))
    rows = shop.rows(measures=("customers.count",), dimensions=by("buyer>orders.order"))
    assert rows == [("a", 2), ("c", 2), ("b", 1)]
