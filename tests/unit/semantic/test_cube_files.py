"""Models to Cube YAML files and back, and what files of others say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aiser_app.domain.model_facts import with_facts, without_facts
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
from aiser_app.semantic.cube_files import CubeFile, read_cube_file, write_cube_file
from aiser_app.semantic.cube_files import nodes as nodes_module
from aiser_app.semantic.cube_files.report import MAX_PROBLEMS

SOURCE = "1" * 32


def read(text: str) -> CubeFile:
    return read_cube_file(text, SOURCE)


def errors(text: str) -> list[tuple[int | None, str]]:
    return [(item.line, item.message) for item in read(text).problems if item.is_error]


def notes(text: str) -> list[str]:
    return [item.message for item in read(text).problems if not item.is_error]


def only_cube(text: str) -> Cube:
    file = read(text)
    assert not [item for item in file.problems if item.is_error]
    return file.model.cubes[0]


def test_the_sample_s_model_survives_a_file(sample_model: SemanticModel) -> None:
    text = write_cube_file(sample_model, "duckdb")
    file = read_cube_file(text, sample_model.source_id)
    assert not file.problems
    assert file.model == replace(without_facts(sample_model), version=1)
    assert with_facts(file.model, sample_model) == replace(sample_model, version=1)
    assert write_cube_file(file.model, "duckdb") == text
    assert "336776" not in text
    assert file.lines["flights"] == text.splitlines().index("- name: flights") + 1


names = st.text(st.sampled_from("abzÄ é_9.$\"`[]'-"), min_size=1, max_size=6).filter(
    lambda name: name.strip() == name and "." not in name
)
texts = st.text(st.characters(exclude_categories=["C"]), max_size=12).map(str.strip)
words = st.lists(texts.filter(bool), max_size=2, unique=True).map(tuple)
columns = st.sampled_from(["a", "A", "order", "total amount", "x-1", 'say "hi"', "b`c"])
sqls = st.sampled_from(["{CUBE}.a + 1", "CASE WHEN {a} = 'x' THEN 1 END", "lower({CUBE}.b)"])


@st.composite
def dimensions(draw: st.DrawFn, name: str) -> Dimension:
    shape = draw(st.sampled_from(["column", "sql", "parts"]))
    return Dimension(
        name=name,
        column=draw(columns) if shape == "column" else "",
        sql=draw(sqls) if shape == "sql" else "",
        date_parts=("year", "month", "Day of it") if shape == "parts" else (),
        type=draw(st.sampled_from(DimensionType)),
        title=draw(texts.filter(bool)),
        description=draw(texts),
        is_key=draw(st.booleans()),
        is_label=draw(st.booleans()),
        unit=draw(st.sampled_from(["", "%", "EUR", "min"])),
        synonyms=draw(words),
        text_format=draw(st.sampled_from(["", "yyyymmdd"])),
        value_titles=draw(st.sampled_from([(), (("1", "open"), ("true", "no"), ("ä", "x: y"))])),
        is_hidden=draw(st.booleans()),
    )


@st.composite
def measures(draw: st.DrawFn, name: str) -> Measure:
    kind = draw(st.sampled_from([a for a in Aggregation if a is not Aggregation.PERCENTILE]))
    has_column = kind is not Aggregation.NUMBER and draw(st.booleans())
    return Measure(
        name=name,
        aggregation=kind,
        column=draw(columns) if has_column else "",
        sql="" if has_column or kind is Aggregation.COUNT else draw(sqls),
        title=draw(texts.filter(bool)),
        description=draw(texts),
        unit=draw(st.sampled_from(["", "%", "GBP", "kg"])),
        synonyms=draw(words),
        filters=draw(st.sampled_from([(), ("{CUBE}.a > 1", "{a} IS NOT NULL")])),
        is_hidden=draw(st.booleans()),
        is_default=draw(st.booleans()),
    )


@st.composite
def models(draw: st.DrawFn) -> SemanticModel:
    cube_names = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    cubes = []
    for name in cube_names:
        members = draw(st.lists(names, min_size=3, max_size=6, unique=True))
        first, second, *rest = members
        own = tuple(draw(dimensions(item)) for item in rest)
        joins = [
            Join(target=target, columns=draw(st.sampled_from([(("a", "A"),), (("a", "order"), ("x-1", "a"))])),
                 role=role, score=draw(st.sampled_from([1.0, 0.73])),
                 source=draw(st.sampled_from(["inferred", "declared", "edited"])))
            for target in cube_names
            for role in draw(st.lists(st.sampled_from(["", "origin", "the dest"]), max_size=2, unique=True))
        ]  # fmt: skip
        has_sql = draw(st.booleans())
        cubes.append(
            Cube(
                name=name,
                table="" if has_sql else draw(st.sampled_from(["t", "Big Table", "sales.order"])),
                sql="SELECT 1 AS a, '{x}' AS b" if has_sql else "",
                title=draw(texts.filter(bool)),
                description=draw(texts),
                primary_key=draw(st.sampled_from([(), ("a",), ("order", "a")])),
                default_time_dimension=draw(st.sampled_from(["", rest[0]])),
                dimensions=own,
                measures=(draw(measures(first)),),
                joins=tuple(joins),
                synonyms=draw(words),
                segments=(
                    Segment(
                        name=second,
                        sql="{a} = 1",
                        title=draw(texts.filter(bool)),
                        description=draw(texts),
                        synonyms=draw(words),
                    ),
                ),
                is_hidden=draw(st.booleans()),
            )
        )
    return SemanticModel(source_id=SOURCE, cubes=tuple(cubes))


@given(model=models(), dialect=st.sampled_from(["duckdb", "mysql", "tsql"]))
@settings(max_examples=30, deadline=None)
def test_nothing_is_lost_in_a_file(model: SemanticModel, dialect: str) -> None:
    file = read(write_cube_file(model, dialect))
    assert not [item for item in file.problems if item.is_error]
    for cube, found in zip(model.cubes, file.model.cubes, strict=True):
        assert found.dimensions == cube.dimensions
        assert found.measures == cube.measures
        assert found.joins == cube.joins
        assert found == cube
    assert file.model == model


def test_cube_can_read_what_is_written(sample_model: SemanticModel) -> None:
    """Names, kinds of joins and types are those of Cube; parallel joins lead to cubes of their own."""
    cubes = {
        cube["name"]: cube
        for cube in yaml.safe_load(write_cube_file(sample_model, "duckdb"))["cubes"]
    }
    joins = {join["name"]: join for join in cubes["flights"]["joins"]}
    assert joins["airports_origin"] == {
        "name": "airports_origin",
        "sql": "{CUBE}.origin = {airports_origin}.faa",
        "relationship": "many_to_one",
    }
    assert cubes["airports_origin"] == {
        "name": "airports_origin", "extends": "airports", "title": "Airports (origin)",
    }  # fmt: skip
    assert {m["type"] for m in cubes["flights"]["measures"]} == {
        "count", "count_distinct", "sum", "avg", "min", "max", "number",
    }  # fmt: skip
    assert {d["type"] for d in cubes["flights"]["dimensions"]} == {"string", "number", "time"}
    key = next(d for d in cubes["airports"]["dimensions"] if d["name"] == "faa")
    assert key["primary_key"] is True


ORDERS = """
cubes:
  - name: orders
    sql_table: public.orders
    joins:
      - name: customers
        sql: "{CUBE}.customer_id = {customers.id}"
        relationship: many_to_one
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: "{CUBE}.status", type: string}
      - name: size
        type: string
        case:
          when:
            - {sql: "{CUBE}.total > 100", label: it's big}
            - {sql: "{CUBE}.total > 10", label: {sql: "upper({status})"}}
          else: {label: small}
      - {name: created, sql: "${CUBE}.created_at", type: time}
      - {name: share, sql: "{orders}.a / {orders.id}", type: number, format: percent}
    measures:
      - {name: count, type: count}
      - {name: revenue, sql: total, type: sum, filters: [{sql: "{status} = 'paid'"}]}
      - {name: average, sql: "{revenue} / {count}", type: number, shown: false}
      - {name: people, sql: customer_id, type: count_distinct_approx}
    segments:
      - {name: paid, sql: "{CUBE}.status = 'paid'"}
  - name: customers
    sql: SELECT * FROM crm.customers;
    joins:
      - {name: orders, sql: "{CUBE.id} = {orders}.customer_id", relationship: one_to_many}
    dimensions:
      - {name: id, sql: "{CUBE}.customer_id", type: number, primaryKey: true}
views:
  - name: v
"""


def test_a_file_of_somebody_else_is_understood() -> None:
    file = read(ORDERS)
    assert not [item for item in file.problems if item.is_error]
    orders, customers = file.model.cubes
    assert (orders.table, orders.title, orders.primary_key) == ("public.orders", "Orders", ("id",))
    assert (customers.table, customers.sql) == ("crm.customers", "")
    assert orders.joins == (
        Join(target="customers", columns=(("customer_id", "customer_id"),), source="edited"),
    )
    assert not customers.joins  # the same edge, from its other side
    found = {item.name: item for item in orders.dimensions}
    assert (found["id"].column, found["id"].is_key) == ("id", True)
    assert found["size"].sql == (
        "CASE WHEN ({CUBE}.total > 100) THEN 'it''s big' "
        "WHEN ({CUBE}.total > 10) THEN (upper({status})) ELSE 'small' END"
    )
    assert found["created"].column == "created_at"
    assert (found["share"].sql, found["share"].unit) == ("{CUBE}.a / {id}", "%")
    measures = {item.name: item for item in orders.measures}
    assert measures["revenue"].filters == ("{status} = 'paid'",)
    assert measures["average"].is_hidden
    assert measures["average"].sql == "{revenue} / {count}"
    assert measures["people"].aggregation is Aggregation.COUNT_DISTINCT
    assert orders.segments[0].title == "Paid"
    assert notes(ORDERS) == [
        "Views are not supported, and were left out.",
        "The type count_distinct_approx is not supported; it is taken for count_distinct.",
    ]


def test_a_one_to_many_join_is_one_of_the_other_cube() -> None:
    text = """
cubes:
  - name: customers
    sql_table: customers
    joins:
      - {name: orders, sql: "{CUBE}.id = {orders}.customer_id", relationship: hasMany}
  - name: orders
    sql_table: orders
"""
    customers, orders = read(text).model.cubes
    assert not customers.joins
    assert orders.joins == (
        Join(target="customers", columns=(("customer_id", "id"),), source="edited"),
    )


def test_a_cube_may_inherit_from_another_one() -> None:
    text = """
cubes:
  - name: orders
    sql_table: orders
    title: All orders
    dimensions:
      - {name: id, sql: id, type: number}
      - {name: kind, sql: kind, type: string}
    joins:
      - {name: origin_airports, sql: "{CUBE}.o = {origin_airports}.faa", relationship: belongsTo}
      - {name: airports, sql: "{CUBE}.d = {airports}.faa", relationship: belongs_to}
      - {name: airport_x, sql: "{CUBE}.x = {airport_x}.faa", relationship: many_to_one}
  - name: late_orders
    extends: orders
    title: Late orders
    dimensions:
      - {name: kind, sql: "upper({CUBE}.kind)", type: string}
  - name: airports
    sql_table: airports
  - {name: origin_airports, extends: airports}
  - {name: airport_x, extends: airports}
"""
    orders, late, airports = read(text).model.cubes
    assert (late.title, late.table) == ("Late orders", "orders")
    assert [item.sql or item.column for item in late.dimensions] == ["id", "upper({CUBE}.kind)"]
    assert [(join.target, join.role) for join in orders.joins] == [
        ("airports", "origin"), ("airports", ""), ("airports", "airport_x"),
    ]  # fmt: skip
    assert not airports.joins


def in_cube(part: str) -> str:
    return f"cubes:\n  - name: t\n    sql_table: t\n{part}"


def dimension(fields: str) -> str:
    return in_cube(f"    dimensions:\n      - {{name: d, {fields}}}")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "must begin with"),
        ("- a", 1, "must begin with"),
        ("cubes: [}", 1, "Not valid YAML"),
        ("cubes:\n  - name: t\n    sql: {CUBE}.a", 3, "must stand in quotes"),
        ("cubes: \x00", None, "characters that are not allowed"),
        ("cubes: &a []\nviews: *a", 1, "Anchors and aliases"),
        ("cubes: !!python/object:os.system {}", 1, "The tag"),
        ("? [a]\n: b", 1, "A key must be a word"),
        ("cubes: []\ncubes: []", 2, "is there twice"),
        ("cubes:\n  - 1", 2, "must be a list of entries"),
        ("cubes: text", 1, "must be a list of entries"),
        ("cubes: {a: 1}", 1, "must be a list of entries"),
        ("cubes:\n", 1, "no cubes"),
        ("cubes:\n  - sql_table: t", 2, "needs a name"),
        ("cubes:\n  - {name: t, sql_table: t}\n  - {name: t, sql_table: t}", 3, "two cubes"),
        ("cubes:\n  - name: t", 2, "needs sql_table or sql"),
        ("cubes:\n  - {name: t, extends: x}", 2, "no cube of this file"),
        ("cubes:\n  - {name: a, extends: b, sql: x}\n  - {name: b, extends: a, sql: x}", 3, "circle"),
        (dimension("sql: a"), 5, "It needs a type"),
        (dimension("sql: a, type: geo"), 5, "is no type"),
        (dimension("type: string"), 5, "needs sql"),
        (dimension('sql: "{{ x }}", type: string'), 5, "Jinja"),
        (dimension('sql: "{FILTER_PARAMS.a}", type: string'), 5, "not supported"),
        (dimension('sql: "{other.a}", type: string'), 5, "another cube"),
        (in_cube("    dimensions:\n      - {sql: a, type: string}"), 5, "needs a name"),
        (in_cube("    measures:\n      - {name: m, type: sum}"), 5, "needs sql"),
        (in_cube("    measures:\n      - {name: m, type: number}"), 5, "needs sql"),
        (in_cube("    measures:\n      - {name: m}"), 5, "needs a type"),
        (in_cube("    measures:\n      - {name: m, type: rank, sql: a}"), 5, "no type of a measure"),
        (in_cube("    measures:\n      - {name: m, type: sum, sql: a, filters: [{sql: '{b.c}'}]}"), 5,
         "another cube"),
        (in_cube("    segments:\n      - {name: s}"), 5, "needs sql"),
        (in_cube("    joins:\n      - {name: x, sql: a, relationship: many_to_one}"), 5, "no cube of"),
        (in_cube("    joins:\n      - {name: t, sql: a, relationship: many_to_many}"), 5, "must be"),
        (in_cube("    joins:\n      - {name: t, sql: '{CUBE}.a > {t}.b', relationship: one_to_one}"), 5,
         "must compare columns"),
        (in_cube("    joins:\n      - {name: t, sql: '{CUBE}.a = {CUBE}.b', relationship: one_to_one}"), 5,
         "must compare columns"),
        (in_cube("    joins:\n      - {name: t, sql: '{CUBE} = {t.b}', relationship: one_to_one}"), 5,
         "must compare columns"),
        (in_cube("    joins: many"), 4, "must be a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, line: int | None, words: str) -> None:
    found = errors(text)
    assert found
    assert words in found[0][1]
    assert found[0][0] == line


def test_a_cube_may_join_itself() -> None:
    text = in_cube(
        "    joins:\n      - {name: t, sql: '{CUBE}.boss = {t}.id', relationship: many_to_one}"
    )
    assert only_cube(text).joins == (Join(target="t", columns=(("boss", "id"),), source="edited"),)


def test_a_join_of_several_columns_may_have_brackets() -> None:
    sql = '({CUBE}."A b" = {u}.a) and {u.c} = {t.d}'
    text = in_cube(
        f"    joins:\n      - {{name: u, sql: '{sql}', relationship: many_to_one}}\n"
        "    dimensions:\n      - {name: d, sql: dd, type: string}\n"
        "  - {name: u, sql_table: u, dimensions: [{name: e, sql: x, type: string}]}"
    )
    assert only_cube(text).joins[0].columns == (("A b", "a"), ("dd", "c"))


def test_what_is_not_supported_is_left_out_with_a_note() -> None:
    text = in_cube(
        "    refresh_key: {every: 1 hour}\n"
        "    measures:\n      - {name: m, type: count, drill_members: [a]}"
    )
    assert notes(f"{text}\nother: 1") == [
        "“other” is not known, and was left out.",
        "“refresh_key” is not supported, and was left out.",
        "“drill_members” is not supported, and was left out.",
    ]


def test_constants_and_odd_extras() -> None:
    cube = only_cube(
        in_cube(
            "    public: false\n"
            "    meta: {aiser: {joins: {t: {score: much}}, primary_key: [a, b]}}\n"
            "    joins:\n      - {name: t, sql: '{CUBE}.a = {t}.b', relationship: many_to_one}\n"
            "    dimensions:\n"
            "      - {name: a, sql: a, type: string}\n"
            "      - {name: today, sql: CURRENT_DATE, type: time, description: null}\n"
            "    measures:\n      - {name: m, type: max, sql: a, format: percent}"
        )
    )
    assert (cube.is_hidden, cube.primary_key, cube.joins[0].score) == (True, ("a", "b"), 1.0)
    first, today = cube.dimensions
    assert first.is_key  # a join compares it
    assert (today.sql, today.column, today.is_key) == ("CURRENT_DATE", "", False)
    assert cube.measures[0].unit == "%"


def test_members_may_be_named_by_their_keys() -> None:
    cube = only_cube("cubes:\n  t: {sql_table: t, dimensions: {d: {sql: a, type: string}}}")
    assert (cube.name, cube.dimensions[0].name) == ("t", "d")


def test_files_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "cubes: " + "[" * 30 + "]" * 30
    assert "nested too deeply" in errors(deep)[0][1]
    monkeypatch.setattr(nodes_module, "MAX_CHARS", 5)
    assert "more than 5 characters" in errors("cubes: []")[0][1]


def test_not_more_is_said_than_anybody_reads() -> None:
    many = "".join(f"    x{number}: 1\n" for number in range(MAX_PROBLEMS + 50))
    assert len(read(in_cube(many)).problems) == MAX_PROBLEMS
