"""An Arrow stream over HTTP is believed only when it says itself that it has ended."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from aiser_app.query.engines.clickhouse.errors import PartTooLong
from aiser_app.query.engines.clickhouse.rows import BrokenOff, Rows, Tail
from aiser_app.query.engines.clickhouse.types import Column

SCHEMA = pa.schema([("a", pa.int64()), ("s", pa.string())])
COLUMNS = [Column("a", "Int64"), Column("s", "String")]


def a_stream(*, is_closed: bool = True, after: bytes = b"") -> io.BytesIO:
    sink = io.BytesIO()
    writer = pa.ipc.new_stream(sink, SCHEMA)
    bad = pa.array([b"ok", b"A\xff", None], pa.binary()).view(pa.string())
    writer.write_batch(pa.record_batch([pa.array([1, 2, None], pa.int64()), bad], SCHEMA))
    if is_closed:
        writer.close()
    return io.BytesIO(sink.getvalue() + after)


@contextmanager
def as_it_is() -> Iterator[None]:
    yield


def read(response: io.BytesIO) -> list[dict]:
    return [row for batch in Rows(Tail(response), COLUMNS, as_it_is) for row in batch.to_pylist()]


def test_a_whole_stream() -> None:
    assert read(a_stream()) == [
        {"a": 1, "s": "ok"},
        {"a": 2, "s": "A\ufffd"},
        {"a": None, "s": None},
    ]


def test_a_stream_without_its_end_is_no_answer() -> None:
    with pytest.raises(BrokenOff):
        read(a_stream(is_closed=False))


def test_an_error_after_the_end_counts() -> None:
    with pytest.raises(BrokenOff):
        read(a_stream(after=b"Code: 241. DB::Exception: Memory limit exceeded"))


def test_an_error_in_the_middle_is_kept() -> None:
    tail = Tail(a_stream(is_closed=False, after=b"\xff\xff\xff\xff\x10\x00\x00\x00Code: 159. DB"))
    rows = Rows(tail, COLUMNS, as_it_is)
    with pytest.raises((pa.ArrowException, OSError)):
        list(rows)
    assert "Code: 159" in tail.text


def test_a_part_beyond_all_measure_is_not_read() -> None:
    tail = Tail(io.BytesIO(b"Code: 159. DB::Exception"))
    with pytest.raises(PartTooLong):
        tail.read(2**40)
    assert tail.text.startswith("Code: 159")


def test_an_answer_that_is_no_arrow_fails_at_once() -> None:
    with pytest.raises((pa.ArrowException, OSError)):
        read(io.BytesIO(b"hello, this is not a stream of Arrow"))


def test_closing_is_quiet() -> None:
    class Stubborn(io.BytesIO):
        def close(self) -> None:
            raise OSError

    tail = Tail(Stubborn())
    tail.close()
    assert tail.closed
