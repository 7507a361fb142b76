"""Parquet into tables, and files that only look like it."""

# ruff: noqa: DTZ001 - values in files have no zone

from __future__ import annotations

import datetime
import io
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import IngestMode
from tests.unit.query.ingest.desk import Desk


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5)
EVERYTHING = {
    "small": pa.array([1, 2], pa.int16()),
    "unsigned": pa.array([2**64 - 1, 2], pa.uint64()),
    "half": pa.array([1.5, 2], pa.float32()),
    "price": pa.array([Decimal("1.25"), None]),
    "yes": pa.array([True, None]),
    "Day Of Order": pa.array([datetime.date(2024, 1, 2), None]),
    "nano": pa.array([MOMENT, None], pa.timestamp("ns")),
    "zoned": pa.array([MOMENT, None], pa.timestamp("us", "Europe/Berlin")),
    "clock": pa.array([datetime.time(1, 2), None]),
    "bytes": pa.array([b"\xff", b"x"]),
    "list": pa.array([[1], [2, 3]]),
    "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
    "box": pa.array([{"x": 1, "in": {"y": "a"}}, {"x": 2, "in": None}]),
    "word": pa.array(["a", "b"]).dictionary_encode(),
}


def test_types_come_from_the_file(desk: Desk) -> None:
    report = desk.table("f.parquet", parquet(EVERYTHING))
    assert desk.types() == {
        "small": "BIGINT",
        "unsigned": "DECIMAL(38,0)",
        "half": "DOUBLE",
        "price": "DECIMAL(3,2)",
        "yes": "BOOLEAN",
        "day_of_order": "DATE",
        "nano": "TIMESTAMP",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "clock": "VARCHAR",
        "bytes": "VARCHAR",
        "list": "JSON",
        "map": "JSON",
        "box_x": "BIGINT",
        "box_in_y": "VARCHAR",
        "word": "VARCHAR",
    }
    assert report.columns[5].original == "Day Of Order"
    first = desk.rows()[0]
    assert first[1:4] == (Decimal(2**64 - 1), 1.5, Decimal("1.25"))
    assert (first[6], first[10], first[12], first[13]) == (MOMENT, "[1]", 1, "a")


def test_corrected_types(desk: Desk) -> None:
    content = parquet({"zip": ["007", "x"], "n": pa.array([1, 2])})
    report = desk.table("f.parquet", content, types={"zip": "integer", "n": "text"})
    assert desk.rows() == [(7, "1"), (None, "2")]
    assert [(u.column, u.count, u.examples) for u in report.unfit] == [("zip", 1, ("x",))]
    with pytest.raises(InvalidInput, match="no column"):
        desk.ingest("f.parquet", content, types={"other": "text"}, mode=IngestMode.REPLACE)


def test_append(desk: Desk) -> None:
    desk.ingest("f.parquet", parquet({"id": [1], "day": [datetime.date(2024, 1, 2)]}))
    report = desk.table("f.parquet", parquet({"ID": ["2"]}), mode=IngestMode.APPEND)
    assert (report.rows, report.total_rows) == (1, 2)
    assert any("lacks day" in note for note in report.notes)
    assert desk.rows() == [(1, datetime.date(2024, 1, 2)), (2, None)]
    for columns, message in (({"id": ["x"]}, "not of the types"), ({"other": [1]}, "no column")):
        with pytest.raises(InvalidInput, match=message):
            desk.ingest("f.parquet", parquet(columns), mode=IngestMode.APPEND)
    with pytest.raises(InvalidInput, match="no rows"):
        desk.ingest("f.parquet", parquet({"id": pa.array([], pa.int64())}), mode=IngestMode.APPEND)
    assert len(desk.rows()) == 2


WHOLE = parquet({"a": [1, 2]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-1], "cut off"),
        (WHOLE[: len(WHOLE) // 2], "cut off"),
        (b"PAR1", "cut off"),
        (b"PAR1" + struct.pack("<I", 0) + b"PAR1", "footer"),
        (b"PAR1" + b"x" * 20 + struct.pack("<I", 2**31) + b"PAR1", "footer"),
        (b"PAR1" + b"\xff" * 100 + struct.pack("<I", 90) + b"PAR1", "cannot be read"),
        (WHOLE[:8] + b"\xff" * 40 + WHOLE[48:], "cannot be read"),
        (parquet({"a": pa.array([], pa.int64())}), "no rows"),
        (parquet({f"c{i}": [1] for i in range(2_001)}), "2,001 columns"),
    ],
    ids=["byte", "half", "head", "empty", "huge", "garbage", "data", "rows", "wide"],
)
def test_damaged_files(desk: Desk, content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        desk.ingest("f.parquet", content)
    assert not desk.target.exists()


def test_hostile_names_and_metadata(desk: Desk) -> None:
    sink = io.BytesIO()
    table = pa.table({'"; DROP TABLE t; --': [1], "<img onerror=x>": [2], "n" * 3_000: [3]})
    table = table.replace_schema_metadata({"pandas": "{" * 10_000, "\0": "\xff" * 10_000})
    pq.write_table(table, sink)
    desk.ingest("f.parquet", sink.getvalue())
    assert list(desk.types()) == ["drop_table_t", "img_onerror_x", "n" * 60]
    assert desk.rows() == [(1, 2, 3)]


def test_a_look(desk: Desk) -> None:
    seen = desk.sniff("f.parquet", parquet(EVERYTHING))
    assert seen.kind == "parquet"
    assert seen.tables[0].columns[1].type == "decimal"
    assert seen.tables[0].rows[0][:2] == ("1", str(2**64 - 1))
