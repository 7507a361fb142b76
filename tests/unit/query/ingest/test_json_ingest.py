"""JSON lists and lines into tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aiser_app.errors import InvalidInput
from tests.unit.query.ingest.desk import Desk

PEOPLE = [
    {"id": 1, "zip": "007", "born": "1990-01-02", "seen": "2024-01-02T03:04:05Z", "ok": True},
    {"id": 2, "zip": "12", "born": None, "big": 12345678901234567890123, "price": 1.5},
]


@pytest.mark.parametrize("name", ["p.json", "p.ndjson", "p.jsonl"])
def test_a_list_and_lines(desk: Desk, name: str) -> None:
    content = json.dumps(PEOPLE)
    if name != "p.json":
        content = "\n".join(json.dumps(person) for person in PEOPLE)
    report = desk.ingest(name, content)
    assert report.kind == ("json" if name == "p.json" else "ndjson")
    assert desk.types() == {
        "id": "BIGINT",
        "zip": "VARCHAR",
        "born": "DATE",
        "seen": "TIMESTAMP WITH TIME ZONE",
        "ok": "BOOLEAN",
        "big": "DECIMAL(38,0)",
        "price": "DOUBLE",
    }
    assert desk.rows("SELECT id, zip, born, seen, ok, big, price FROM t ORDER BY id") == [
        (1, "007", date(1990, 1, 2), datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), True, None, None),
        (2, "12", None, None, None, Decimal(12345678901234567890123), 1.5),
    ]


def test_objects_within_become_columns_and_lists_stay_text(desk: Desk) -> None:
    content = json.dumps(
        [
            {"id": 1, "address": {"city": "Berlin", "geo": {"lat": 52.5}}, "tags": ["a", "b"]},
            {"id": 2, "address": {"city": "Paris"}, "tags": []},
        ]
    )
    desk.ingest("f.json", content)
    assert desk.rows("SELECT id, address_city, address_geo_lat, tags FROM t ORDER BY id") == [
        (1, "Berlin", 52.5, '["a","b"]'),
        (2, "Paris", None, "[]"),
    ]


def test_empty_objects_are_no_other_kind(desk: Desk) -> None:
    desk.ingest("f.json", '[{},{"o":{}},{"o":{"x":1}},{"o":null},{"p":{}}]')
    assert desk.types() == {"o_x": "BIGINT", "p": "VARCHAR"}
    assert desk.rows("SELECT count(*), sum(o_x) FROM t") == [(5, 1)]


def test_deep_objects_stay_text(desk: Desk) -> None:
    desk.ingest("f.json", '[{"a":{"b":{"c":{"d":{"e":1}}}}}]')
    assert desk.types() == {"a_b_c_d": "VARCHAR"}
    assert desk.rows() == [('{"e":1}',)]


def test_values_of_several_kinds_are_text(desk: Desk) -> None:
    desk.ingest("f.json", '[{"v":1,"o":{"x":1}},{"v":"x","o":7},{"v":null,"o":null},{"v":{"y":2}}]')
    assert desk.types() == {"v": "VARCHAR", "o": "VARCHAR"}
    assert sorted(desk.rows(), key=str) == [
        ("1", '{"x":1}'),
        ("x", "7"),
        ('{"y":2}', None),
        (None, None),
    ]


def test_keys_are_taken_exactly(desk: Desk) -> None:
    keys = ["Name", "name", "a/b", "a~b", 'a"b', "", " x", "a.b", "'; DROP TABLE t; --"]
    desk.ingest("f.json", json.dumps([{key: number for number, key in enumerate(keys)}]))
    assert desk.rows() == [tuple(range(len(keys)))]
    assert len(set(desk.types())) == len(keys)


def test_an_object_around_its_list(desk: Desk) -> None:
    content = json.dumps({"count": 2, "data": [{"a": 1}, {"a": 2}]}, indent=1)
    report = desk.table("f.json", content)
    assert desk.rows() == [(1,), (2,)]
    assert any("one list" in note for note in report.notes)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"a": 1, "b": {"c": 2}}, indent=1),
        json.dumps({"x": [{"a": 1}], "y": [{"b": 2}]}, indent=1),
        '{\n"a": 1\n}\n{\n"a": 2\n}',
    ],
    ids=["object", "two-lists", "several"],
)
def test_objects_without_one_list_are_rows(desk: Desk, content: str) -> None:
    desk.ingest("f.json", content)
    assert len(desk.rows()) == (2 if content.count('"a": 2') else 1)


def test_with_a_mark_and_other_encodings(desk: Desk) -> None:
    desk.ingest("f.json", '[{"ä":"ö"}]'.encode("utf-8-sig"))
    desk.ingest("f.json", '[{"ä":"ü"}]'.encode("utf-16"), table="u")
    assert desk.rows() + desk.rows("SELECT * FROM u") == [("ö",), ("ü",)]
    with pytest.raises(InvalidInput, match="no objects"):
        desk.ingest("f.json", b'\xef\xef[{"a":1}]')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no rows"),
        ("[{}]", "no fields"),
        ("[1,2]", "no objects"),
        ("[[1],[2]]", "no objects"),
        ("[null]", "no objects"),
        ('[{"a":1},2]', "no objects"),
        ('[{"a":1},{"a":2}', "damaged"),
        ('{"a":1}\n{"a":2}\n{bad\n', "damaged in line"),
        ("[" * 100_000, "damaged"),
        ('{"a":' * 100_000, "nested too deeply|damaged"),
        ('[{"a":' + "[" * 5_000 + "]" * 5_000 + "}]", "nested too deeply"),
        ('[{"a\\u0000b":1}]', "not text"),
        (json.dumps([{f"k{i}": 1} for i in range(2_500)]), "2,001 columns"),
        (json.dumps([{"o": {f"k{i}": 1 for i in range(2_001)}}]), "2,001 columns"),
        (json.dumps([{"a": "x" * 40_000_000}]), "too large"),
    ],
    ids=lambda value: value[:20],
)
def test_files_that_are_no_tables(desk: Desk, content: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        desk.ingest("f.json", content)
    assert not desk.target.exists()


def test_json_that_begins_with_something_else(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match=r"named \.json"):
        desk.ingest("f.json", '"just text"')
    with pytest.raises(InvalidInput, match="no objects"):
        desk.ingest("f", b"\xef\xbb\xbf\n[1]")


def test_what_the_sample_did_not_show(desk: Desk) -> None:
    rows = [{"id": i, "n": i} for i in range(3_000)] + [{"id": 1, "n": "x", "late": True}]
    desk.ingest("f.ndjson", "\n".join(map(json.dumps, rows)), types={"id": "text"})
    assert desk.types() == {"id": "VARCHAR", "n": "VARCHAR", "late": "BOOLEAN"}


def test_a_look(desk: Desk) -> None:
    seen = desk.sniff("p.json", json.dumps(PEOPLE * 100))
    assert (seen.kind, seen.encoding, len(seen.tables[0].rows)) == ("json", "utf-8", 20)
    assert seen.tables[0].columns[0].type == "integer"
